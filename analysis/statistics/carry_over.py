"""Whether the arm before reaches into a window: its first and its later calls must agree.

Clients that pool connections carry the routing of the arm before into the next window, until the pool has
been renewed (switchback experiments call it carry-over: I. Bojinov, D. Simchi-Levi and J. Zhao, Management
Science 69 (2023) 3759). Such a window's share is between both arms' and drifts from one to the other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from analysis.statistics import blocks
from analysis.statistics.chance import Chance, chance
from analysis.statistics.clusters import Unit
from analysis.statistics.interval import Interval
from analysis.statistics.pair_table import SampledPair

ALARM: Final = 0.005
"""Below this p-value the parts of an arm's windows do not agree."""
CUTS: Final = (0.25, 0.5)
"""Parts of a window that may be left out at its beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedCall:
    """One sampled call."""

    client: str
    server: str
    zone: str
    """The client's."""
    same_zone: bool
    connection: int | None
    """Names it among the client's; None makes the pod pair one."""
    at: float
    """Its place in the window: 0 at its beginning, 1 at its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryOver:
    """The later part of an arm's windows against the first."""

    cut: float
    """Part of each window that was left out before."""
    gain: Interval
    """Later minus first share, at 90 %."""
    p_value: float
    first: float
    later: float
    """The shares, all windows together."""

    @property
    def agrees(self) -> bool:
        """Whether nothing of the arm before was seen; after a cut, whether it is shown to be gone.

        An alarm was raised before any cut, and less data would silence it: then the parts have to be shown to
        be equal (two one-sided tests), not only not to differ.
        """
        if self.cut:
            return self.gain.low >= -blocks.NULL_MARGIN and self.gain.high <= blocks.NULL_MARGIN
        return self.p_value >= ALARM


def after(calls: Iterable[TimedCall], start: float, end: float = 1.0, *, affinity: bool) -> Chance | None:
    """What the sampled calls of this part of a window say by themselves; None without any."""
    by_pair: dict[tuple[str, str, str, bool], list[TimedCall]] = {}
    for call in calls:
        if start <= call.at < end or call.at == end == 1.0:
            # One workload's name stands for ends in several zones where only nodes place them.
            key = (call.client, call.server, call.zone, call.same_zone)
            by_pair.setdefault(key, []).append(call)
    pairs = []
    for (client, server, zone, same_zone), found in sorted(by_pair.items()):
        sizes: dict[int | None, int] = {}
        for call in found:
            sizes[call.connection] = sizes.get(call.connection, 0) + 1
        pairs.append(
            SampledPair(
                client=client,
                server=server,
                stratum=zone,
                calls=len(found),
                same_zone=same_zone,
                sampled=() if set(sizes) == {None} else tuple(sizes.values()),
            )
        )
    return chance(pairs, affinity=affinity)


def check(windows: Sequence[Sequence[TimedCall]], unit: Unit, *, cut: float = 0.0) -> CarryOver | None:
    """Of all windows of one arm; None where too few calls carry their time.

    A connection that lasts through both parts counts in each, which makes this find less, not more.
    """
    middle = (1 + cut) / 2
    halves = []
    for calls in windows:
        first, later = (
            after(calls, start, end, affinity=False) for start, end in ((cut, middle), (middle, 1.0))
        )
        if first is not None and later is not None:
            halves.append((first.share(unit), later.share(unit)))
    if not halves:
        return None
    found = blocks.share_difference(halves, level=blocks.NULL_LEVEL)
    return CarryOver(
        cut=cut,
        gain=found.interval,
        p_value=found.p_value,
        first=blocks.pooled([first for first, _ in halves]).share,
        later=blocks.pooled([later for _, later in halves]).share,
    )


def settled(windows: Sequence[Sequence[TimedCall]], unit: Unit) -> CarryOver | None:
    """The check with as little left out as makes the parts agree; with nothing left out where none does.

    None where too few calls carry their time.
    """
    whole = check(windows, unit)
    if whole is None or whole.agrees:
        return whole
    for cut in CUTS:
        found = check(windows, unit, cut=cut)
        if found is not None and found.agrees:
            return found
    return whole
