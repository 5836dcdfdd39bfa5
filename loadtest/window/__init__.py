"""A window of load: driven for its length, watched, and cut where it can no longer be trusted.

``chronometer`` keeps its time beside a wall clock that can be set, ``driving`` starts, watches and stops the
load and counts what it did, ``topology_log`` collects what the place looked like meanwhile.
"""
