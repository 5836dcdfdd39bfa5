"""The process that a command is: ``interrupts`` (signals), ``streams`` (standard output and error).

Imported before everything else, so it imports little.
"""
