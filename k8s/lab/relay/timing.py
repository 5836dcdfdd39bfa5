"""An event loop whose timers are finer than a millisecond.

epoll waits in whole milliseconds, and asyncio rounds up to them; a hop between zones takes about half of one.
"""

import asyncio
import ctypes
import select
import selectors
import sys

_FINE_BELOW_S = 0.01
"""Shorter waits go through select(2), which takes microseconds; to longer ones 1 ms more is little."""
_PR_SET_TIMERSLACK = 29
_SLACK_NS = 1_000
"""Linux fires a thread's timers up to 50 us late unless told otherwise (prctl(2))."""

if sys.platform == "linux":

    class FineSelector(selectors.EpollSelector):
        """epoll with microseconds: short waits are for the epoll descriptor itself, in select(2)."""

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            """As the base class; *timeout* in seconds."""
            if timeout is not None and 0 < timeout < _FINE_BELOW_S:
                select.select((self.fileno(),), (), (), timeout)
                timeout = 0
            return super().select(timeout)

else:
    FineSelector = selectors.DefaultSelector  # kqueue waits in nanoseconds by itself


def fine_event_loop() -> asyncio.AbstractEventLoop:
    """A new event loop with timers good to about 0.1 ms; call it in the thread that will run the loop."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, _SLACK_NS, 0, 0, 0)
    return asyncio.SelectorEventLoop(FineSelector())
