"""Hand-made counts as a mesh or an agent gives them: of workloads and zones, of known truth."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from analysis.arm import chances, pairs
from analysis.model import PairResult, Workload
from analysis.placement import Timeline
from analysis.source.facts import Facts
from analysis.source.interface import Basis, Call, Counts, CountUnit, Grain, Received
from analysis.statistics import shares
from analysis.statistics.chance import Chance
from analysis.statistics.interval import Interval
from k8s.topology import Zone
from tests.analysis.graphs import snapshot

FOCUS = (Workload("ui"), Workload("catalog"))
PODS = {f"{app}-{n}": f"node-{zone}" for app in ("locust", "ui", "catalog") for n, zone in ("1a", "2b")}
TIMELINE = Timeline([snapshot(PODS)])
CONNECTIONS = Basis(title="a mesh", unit=CountUnit.CONNECTIONS, grain=Grain.WORKLOAD, members_only=True)
BYTES = Basis(title="an agent", unit=CountUnit.BYTES, grain=Grain.WORKLOAD, members_only=True)


def call(way: str, count: int) -> Call:
    """``ui@a>catalog@b``; a side without a zone is in none that the source knows."""
    (client, _, client_zone), (server, _, server_zone) = (side.partition("@") for side in way.split(">"))
    return Call(
        client=client,
        server=server,
        count=count,
        client_zone=Zone(client_zone) if client_zone else None,
        server_zone=Zone(server_zone) if server_zone else None,
    )


def counts(ways: dict[str, int], basis: Basis = CONNECTIONS, **changes) -> Counts:
    """Of these calls."""
    calls = tuple(call(way, count) for way, count in ways.items())
    return Counts(
        title=basis.title,
        unit=basis.unit,
        grain=basis.grain,
        members_only=basis.members_only,
        calls=calls,
        loss_meter="by its own counters: dropped_total",
        queries=("sum by (a, b) (opened_total)",),
        **changes,
    )


def pair(calls: Sequence[Call], basis: Basis = CONNECTIONS) -> PairResult:
    """By production's functions."""
    return pairs.result(FOCUS, calls, TIMELINE, basis=basis)


def chance(found: PairResult, basis: Basis = CONNECTIONS, *, affinity: bool = False) -> Chance | None:
    """By production's functions."""
    return chances.chance_of_calls(found, (), TIMELINE, affinity=affinity, basis=basis)


def interval(found: PairResult) -> Interval:
    """The share's, as reports show it."""
    known = chance(found)
    assert known is not None
    return shares.share_interval(known.by_connection)


@dataclass(frozen=True)
class StoredCounts:
    """Implements Reader: what it is given, whatever was received."""

    counts: Counts
    asked: list[Facts] = field(default_factory=list)

    def read(self, received: Received, facts: Facts) -> Counts:
        del received
        self.asked.append(facts)
        return self.counts
