"""The process that a command is.

``interrupts`` (signals), ``streams`` (standard output and error), ``private`` (its folder of state).
These are imported before everything else, so they import little. ``whole_files`` writes what must survive it,
and ``insisting`` does what must be done though Ctrl-C falls into it.
"""
