"""Finding things in a comparison: arms, pairs, changes, zones and the order in which they are shown."""

from dataclasses import replace

from analysis.model import ArmResult, PairResult, PodFlow, Workload, ZoneCell
from analysis.report.notes import Side
from analysis.report.tables import Tone
from analysis.statistics.interval import Interval
from analysis.verdict.compared import Comparison, PairChange

Focus = tuple[Workload, Workload]


def arms(comparison: Comparison) -> tuple[tuple[Side, ArmResult], ...]:
    """Both arms, the one before the change first."""
    return ((Side.BEFORE, comparison.baseline), (Side.AFTER, comparison.candidate))


def find(arm: ArmResult, focus: Focus) -> PairResult | None:
    """The arm's calls of one workload pair; None where it made none."""
    return next((pair for pair in arm.pairs if (pair.client, pair.server) == focus), None)


def change_of(comparison: Comparison, focus: Focus) -> PairChange | None:
    """What the change did to one workload pair; None where it was not in both arms."""
    return next((found for found in comparison.changes if (found.client, found.server) == focus), None)


def focuses(comparison: Comparison) -> tuple[Focus, ...]:
    """Every workload pair of either arm, the one the question is about first."""
    seen = [comparison.focus]
    for _, arm in arms(comparison):
        seen.extend((pair.client, pair.server) for pair in arm.pairs)
    return tuple(dict.fromkeys(seen))


def by_connection(comparison: Comparison) -> Comparison:
    """The same with the effects' intervals in place of the older ones, so that one figure is one figure.

    A comparison without effects is returned as it is.
    """
    comparison = replace(comparison, further=tuple(map(by_connection, comparison.further)))
    effects = comparison.effects
    if effects is None:
        return comparison
    gain = effects.share.interval
    changes = tuple(
        replace(
            one,
            share=gain,
            changed=not gain.low <= 0 <= gain.high,
            usd_per_month=effects.usd_gain or one.usd_per_month,
            mean_s=effects.observed_mean_s or one.mean_s,
        )
        if (one.client, one.server) == comparison.focus
        else one
        for one in comparison.changes
    )
    return replace(
        comparison,
        changes=changes,
        baseline=_with_share(comparison.baseline, comparison.focus, effects.share_before),
        candidate=_with_share(comparison.candidate, comparison.focus, effects.share_after),
    )


def _with_share(arm: ArmResult, focus: Focus, share: Interval) -> ArmResult:
    pairs = tuple(
        replace(pair, share=share) if (pair.client, pair.server) == focus and pair.share is not None else pair
        for pair in arm.pairs
    )
    return replace(arm, pairs=pairs)


def cell_of(pair: PairResult, client_zone: str | None, server_zone: str | None) -> ZoneCell:
    """The calls between two zones; zero where the matrix has no such cell."""
    wanted = (client_zone, server_zone)
    calls = sum(cell.calls for cell in pair.cells if (cell.client_zone, cell.server_zone) == wanted)
    return ZoneCell(client_zone=client_zone, server_zone=server_zone, calls=calls)


def tone_of(client_zone: str | None, server_zone: str | None) -> Tone:
    """Same zone, cross zone, or unknown."""
    if client_zone is None or server_zone is None:
        return Tone.UNKNOWN
    return Tone.SAME if client_zone == server_zone else Tone.CROSS


def zones_of(
    pair: PairResult, known: tuple[str, ...]
) -> tuple[tuple[str | None, ...], tuple[str | None, ...]]:
    """(client zones, server zones) of a matrix: all *known* ones, others seen, then None if it has calls."""

    def axis(found: list[tuple[str | None, int]]) -> tuple[str | None, ...]:
        extra = {zone for zone, calls in found if zone is not None and calls and zone not in known}
        unknown = any(zone is None and calls for zone, calls in found)
        return (*known, *sorted(extra), *((None,) if unknown else ()))

    return (
        axis([(cell.client_zone, cell.calls) for cell in pair.cells]),
        axis([(cell.server_zone, cell.calls) for cell in pair.cells]),
    )


def flow_order(flow: PodFlow) -> tuple[bool, str, str, bool, str, str]:
    """Flows by client zone, client, server zone, server; unknown zones last."""
    return (
        flow.client_zone is None,
        flow.client_zone or "",
        flow.client,
        flow.server_zone is None,
        flow.server_zone or "",
        flow.server,
    )
