"""The process that a command is.

``interrupts`` (signals), ``streams`` (standard output and error), ``private`` (its folder of state).
Imported before everything else, so it imports little.
"""
