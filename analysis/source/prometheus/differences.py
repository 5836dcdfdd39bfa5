"""What single counters counted between two moments, from their scrapes (pure).

A counter only rises, or starts again from 0 when its process does. So what it counted between two scrapes is
their difference, or the whole later value where that is lower. What it counted between its last scrape and a
restart is in no scrape: it is missing here as everywhere, and the steps beside the restart say how much
traffic there was at that time.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

Scrape = tuple[float, float]
"""(seconds since the epoch, value)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """What one counter counted."""

    counted: float
    began_s: float | None
    """The last scrape before the window; None where the counter was born in it."""
    ended_s: float | None
    """The last scrape at all; None where there is none in the window."""
    first_step: float = 0.0
    """Counted between the last scrape before the window and the first in it."""
    resets: int = 0
    """Restarts seen."""
    beside_resets: float = 0.0
    """Counted in the steps just before and after restarts, the larger of each two."""


def stepped(scrapes: Iterable[Scrape], start_s: float, end_s: float) -> Stepped:
    """The sum of the rises from the last scrape at or before *start_s* to the last at or before *end_s*.

    A counter without a scrape before the window is one that was born in it, at 0.
    """
    known = sorted(one for one in scrapes if one[0] <= end_s and math.isfinite(one[1]))
    before = [one for one in known if one[0] <= start_s]
    inside = [one for one in known if one[0] > start_s]
    if not inside:
        return Stepped(counted=0.0, began_s=before[-1][0] if before else None, ended_s=None)
    values = [before[-1][1] if before else 0.0, *(value for _, value in inside)]
    pairs = list(pairwise(values))
    steps = [later - earlier if later >= earlier else later for earlier, later in pairs]
    resets = [at for at, (earlier, later) in enumerate(pairs) if later < earlier]
    return Stepped(
        counted=math.fsum(steps),
        began_s=before[-1][0] if before else None,
        ended_s=inside[-1][0],
        first_step=steps[0],
        resets=len(resets),
        beside_resets=math.fsum(max(_before(steps, at), steps[at]) for at in resets),
    )


def _before(steps: Sequence[float], at: int) -> float:
    return steps[at - 1] if at else 0.0


def one_of(replicas: Sequence[Stepped]) -> Stepped:
    """Of several servers that scraped the same counter the one that saw the most of it.

    One that never saw it before the window takes its whole value for new: it counts only if none did.
    """
    seen = [one for one in replicas if one.began_s is not None]
    return max(seen or replicas, key=lambda one: one.counted)
