"""Signals that pytest itself was told to ignore: what it starts has to hear them all the same.

Under nohup, and in the background of a shell's script, SIGHUP and SIGINT are ignored, and children inherit
that. A handler is not inherited: they get the default.
"""

import signal


def let_children_hear() -> None:
    """Put a handler that does nothing in the place of an ignored signal."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
