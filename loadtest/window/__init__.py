"""A window of load: driven for its length, watched, and cut where it can no longer be trusted.

``chronometer`` keeps its time beside a wall clock that can be set, ``driving`` starts, watches and stops the
load and counts what it did, ``watching`` keeps its eyes on live traffic where nothing is sent, and
``topology_log`` collects what the place looked like meanwhile; ``job`` is the
whole of which it is a part; ``elsewhere`` says which pods of unnamed
namespaces belong to it.
"""
