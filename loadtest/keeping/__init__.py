"""What a run leaves on the disk: from its first second of load on, whatever ends it.

``disk`` finds out before the load whether there is room, and keeps some for the last record; ``keeper``
writes the checkpoints and the end.
"""
