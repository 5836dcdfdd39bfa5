"""Two observations beside each other; the difference may be the traffic's (pure)."""

from dataclasses import dataclass
from typing import Final

from analysis.observe import repeating
from analysis.observe.observed import Lever, Observation, ObservedPair
from analysis.statistics import stats
from analysis.statistics.interval import Interval
from loadtest.record import Window

CAVEAT: Final = (
    "Observed, not controlled: the traffic of the two windows may differ in who calls, how often and from "
    "where, so a difference need not be the routing's."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairContrast:
    """A pair in both windows; None where it was not seen, or no zone of it is known."""

    client: str
    server: str
    calls_per_s_before: float | None
    calls_per_s_after: float | None
    share_before: Interval | None
    share_after: Interval | None
    difference: Interval | None
    """After minus before (Newcombe)."""
    usd_before: float | None
    usd_after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """All pairs of either observation, in the later one's order."""

    caveat: str = CAVEAT
    before: Window
    after: Window
    pairs: tuple[PairContrast, ...]


def contrast(before: Observation, after: Observation) -> Contrast:
    """Later minus earlier, pair by pair; the caveat ends with the command that settles the costliest pair."""
    earlier = {(one.result.client, one.result.server): one for one in before.pairs}
    later = {(one.result.client, one.result.server): one for one in after.pairs}
    can = (one for one in after.pairs if one.outlook.lever is Lever.CAN)
    command = next(filter(None, (repeating.measuring(after, one) for one in can)), "")
    return Contrast(
        caveat=f"{CAVEAT} To find that out: {command}" if command else CAVEAT,
        before=before.window,
        after=after.window,
        pairs=tuple(
            _pair(key[0], key[1], earlier.get(key), later.get(key))
            for key in dict.fromkeys((*later, *earlier))
        ),
    )


def _pair(client: str, server: str, before: ObservedPair | None, after: ObservedPair | None) -> PairContrast:
    shares = [None if one is None else one.result.share for one in (before, after)]
    return PairContrast(
        client=client,
        server=server,
        calls_per_s_before=None if before is None else before.calls_per_s,
        calls_per_s_after=None if after is None else after.calls_per_s,
        share_before=shares[0],
        share_after=shares[1],
        difference=stats.difference_of_shares(shares[0], shares[1]),
        usd_before=None if before is None else before.usd_month,
        usd_after=None if after is None else after.usd_month,
    )
