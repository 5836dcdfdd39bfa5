"""What is done again and again at a rate, by a schedule that does not wait for what it started."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable

_LATE_S = 1.0
"""What is due for longer (the pod stood still) is left out, not made up for."""
_MOST_AT_ONCE = 64
_PATIENCE_S = 0.3
_log = logging.getLogger(__name__)


def next_turn(turn: int, late_s: float, rate_per_s: float) -> int:
    """The turn to take in place of *turn*, which has been due for *late_s* (negative: is not yet due)."""
    return turn if late_s <= _LATE_S else turn + math.ceil(late_s * rate_per_s)


async def keep_doing(act: Callable[[], Awaitable[None]], rate_per_s: float, *, first_s: float) -> None:
    """Start *act* every 1 / *rate_per_s* seconds, for the first time after *first_s*, until cancelled.

    The times are the schedule's own, however long *act* takes; what is under way at the end may end, if soon.
    """
    loop = asyncio.get_running_loop()
    began_s = loop.time() + first_s
    under_way: set[asyncio.Task[None]] = set()
    turn = 0
    try:
        while True:
            due_s = began_s + turn / rate_per_s
            turn = next_turn(turn, loop.time() - due_s, rate_per_s)
            await asyncio.sleep(began_s + turn / rate_per_s - loop.time())
            turn += 1
            if len(under_way) >= _MOST_AT_ONCE:
                _log.warning("left a turn out: %d before it are under way", len(under_way))
                continue
            task = asyncio.ensure_future(_awaited(act))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
    finally:
        if under_way:
            await asyncio.wait(tuple(under_way), timeout=_PATIENCE_S)


async def _awaited(act: Callable[[], Awaitable[None]]) -> None:
    await act()
