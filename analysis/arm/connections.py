"""TCP connections in a sample of calls: who called whom over which connection."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from analysis.arm.pod_flows import PodFlows
from analysis.model import PairResult, Placed, Workload
from analysis.placement import Timeline
from analysis.source.interface import CountUnit, End, SampledCall
from analysis.statistics import pair_table
from analysis.statistics.arrays import Codes
from analysis.statistics.pair_table import PairTable
from k8s.topology import Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSample:
    """The sampled calls from one client pod to one server pod."""

    client: str
    server: str
    calls: tuple[int, ...]
    """Sampled calls of each connection seen, most first."""
    durations_s: tuple[tuple[float, ...], ...] = ()
    """Response times as the caller saw them, of each of these connections; in ascending order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSample:
    """All connections of a workload pair in a sample of traces."""

    pairs: tuple[PairSample, ...]
    """Sorted by client and server."""
    anonymous: int
    """Sampled calls that name no connection."""

    @property
    def calls(self) -> int:
        """Sampled calls with a known connection."""
        return sum(sum(pair.calls) for pair in self.pairs)

    @property
    def identified(self) -> bool:
        """Whether connections can be told apart: nearly every sampled call names one."""
        return self.calls > 0 and self.anonymous <= _ANONYMOUS * self.calls


_ANONYMOUS: Final = 0.01
_MOST_NAMED: Final = 1_000_000
"""Connections of a pod pair that are named one by one: a million say what all of them would."""


def sample(
    calls: Iterable[SampledCall], timeline: Timeline, focus: tuple[Workload, Workload]
) -> ConnectionSample:
    """The connections between the pods of two workloads."""
    found: dict[tuple[str, str], dict[int, list[float]]] = {}
    anonymous = 0
    for call in calls:
        if (timeline.workload(call.client), timeline.workload(call.server)) != focus:
            continue
        if call.connection is None:
            anonymous += 1
        else:
            by_connection = found.setdefault((call.client, call.server), {})
            by_connection.setdefault(call.connection, []).append(call.duration_s)
    return ConnectionSample(
        pairs=tuple(
            _pair(client, server, list(by_connection.values()))
            for (client, server), by_connection in sorted(found.items())
        ),
        anonymous=anonymous,
    )


def _pair(client: str, server: str, connections: list[list[float]]) -> PairSample:
    ordered = sorted((tuple(sorted(one)) for one in connections), key=lambda one: (-len(one), one))
    return PairSample(
        client=client,
        server=server,
        calls=tuple(len(one) for one in ordered),
        durations_s=tuple(ordered),
    )


def zones(call: SampledCall, timeline: Timeline) -> tuple[Zone | None, Zone | None]:
    """Of the caller and the callee: their pods', or where nothing names those their nodes'; None: unknown.

    Of one workload's name calls go between several pairs of zones where only nodes place its ends.
    """
    return (
        _zone(call.client, call.client_end, timeline),
        _zone(call.server, call.server_end, timeline),
    )


def _zone(name: str, end: End, timeline: Timeline) -> Zone | None:
    place = timeline.place(name)
    return place.zone if isinstance(place, Placed) else end.zone


def sampled_pairs(
    pair: PairResult,
    sample: ConnectionSample,
    *,
    connection_per_call: bool = False,
    unit: CountUnit = CountUnit.REQUESTS,
) -> PairTable:
    """The counts of each pod pair with known zones, with what a sample says of its connections.

    Where connections were counted, each of them is known to be one.
    """
    flows = PodFlows.of(pair.flows)
    rows = np.flatnonzero(flows.is_known & (flows.calls > 0))
    calls = flows.calls[rows].astype(np.int64)
    counted = unit is CountUnit.CONNECTIONS
    names = len(flows.names)
    return pair_table.table(
        [*flows.names, *(zone or "" for zone in flows.zones)],
        ends=(flows.client[rows], flows.server[rows]),
        stratum=flows.client_zone[rows] + names,
        calls=calls,
        same_zone=flows.is_same[rows],
        alone=np.full(len(rows), counted),
        each=np.minimum(calls, _MOST_NAMED) if connection_per_call and not counted else None,
        named=None if connection_per_call or counted else _named(flows, rows, sample),
    )


def _named(flows: PodFlows, rows: Codes, sample: ConnectionSample) -> dict[int, tuple[int, ...]]:
    """By their row: the pairs that a sample says something of."""
    if not sample.identified:
        return {}
    at = {name: code for code, name in enumerate(flows.names)}
    width = len(flows.names)
    seen = {
        at[one.client] * width + at[one.server]: one.calls
        for one in sample.pairs
        if one.client in at and one.server in at
    }
    key = flows.client[rows].astype(np.int64) * width + flows.server[rows]
    found = np.flatnonzero(np.isin(key, np.array([*seen], np.int64)))
    named = {row: _at_most(seen[int(key[row])], int(flows.calls[rows[row]])) for row in found.tolist()}
    return {row: calls for row, calls in named.items() if calls}


def _at_most(sampled: tuple[int, ...], calls: int) -> tuple[int, ...]:
    """A sample that has more calls than the graph belongs to another window: then it says nothing."""
    return sampled if sum(sampled) <= calls else ()
