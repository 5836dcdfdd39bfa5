"""TCP connections in a sample of traces: who called whom over which connection.

A server's segment carries the address and port of its peer (OpenTelemetry semantic conventions
``network.peer.address`` and ``network.peer.port``; ``net.sock.peer.*`` and ``net.peer.*`` before), and its
parent is the caller's subsegment. kube-proxy rewrites the destination of a connection, not its source, so the
pair (client pod, peer port) names a connection; a port that is used again after the connection's end counts
as the same one, which only widens intervals.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from analysis.model import PairResult, Workload
from analysis.placement import Timeline
from analysis.statistics.sampled_connections import SampledPair

PORTS: Final = ("network.peer.port", "net.sock.peer.port", "net.peer.port", "client.port")
"""Attributes that hold the peer's port, the newest convention first."""

Raw = Mapping[str, Any]


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
    """Sampled calls whose segment names no peer port."""

    @property
    def calls(self) -> int:
        """Sampled calls with a known connection."""
        return sum(sum(pair.calls) for pair in self.pairs)

    @property
    def identified(self) -> bool:
        """Whether connections can be told apart: nearly every sampled call names one."""
        return self.calls > 0 and self.anonymous <= _ANONYMOUS * self.calls


_ANONYMOUS: Final = 0.01


def sample(traces: Iterable[Raw], timeline: Timeline, focus: tuple[Workload, Workload]) -> ConnectionSample:
    """The connections between the pods of two workloads; traces as BatchGetTraces answers them."""
    found: dict[tuple[str, str], dict[int, list[float]]] = {}
    anonymous = 0
    for trace in traces:
        for call in _calls(trace):
            if (timeline.workload(call.client), timeline.workload(call.server)) != focus:
                continue
            if call.port is None:
                anonymous += 1
            else:
                by_port = found.setdefault((call.client, call.server), {})
                by_port.setdefault(call.port, []).append(call.duration_s)
    return ConnectionSample(
        pairs=tuple(
            _pair(client, server, list(by_port.values()))
            for (client, server), by_port in sorted(found.items())
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


@dataclass(frozen=True, slots=True)
class _Call:
    """One call in a trace."""

    client: str
    server: str
    port: int | None
    duration_s: float


def _calls(trace: Raw) -> Iterator[_Call]:
    """Every segment whose parent is in the trace, as a call of that parent's segment."""
    documents = [json.loads(segment["Document"]) for segment in trace.get("Segments", ())]
    owners = {
        str(part["id"]): (str(document.get("name")), part)
        for document in documents
        for part in _parts(document)
        if part.get("id")
    }
    for document in documents:
        owner = owners.get(str(document.get("parent_id")))
        if owner is not None and not document.get("inferred"):
            client, part = owner
            yield _Call(client, str(document.get("name")), _port(document), _duration_s(part))


def _parts(document: Raw) -> Iterator[Raw]:
    """A segment and all subsegments below it."""
    todo = [document]
    while todo:
        one = todo.pop()
        yield one
        todo += one.get("subsegments") or ()


def _duration_s(part: Raw) -> float:
    """Of the caller's subsegment; 0 while it is in progress."""
    return max(0.0, float(part.get("end_time") or 0.0) - float(part.get("start_time") or 0.0))


def _port(document: Raw) -> int | None:
    metadata = (document.get("metadata") or {}).get("default") or {}
    for name in PORTS:
        port = metadata.get(name)
        if isinstance(port, int) and not isinstance(port, bool) and port > 0:
            return port
    return None


def sampled_pairs(
    pair: PairResult, sample: ConnectionSample, *, connection_per_call: bool = False
) -> list[SampledPair]:
    """The graph's calls of each pod pair with known zones, with what a sample says of its connections."""
    seen = {(one.client, one.server): one.calls for one in sample.pairs} if sample.identified else {}
    return [
        SampledPair(
            client=flow.client,
            server=flow.server,
            stratum=flow.client_zone,
            calls=flow.calls,
            same_zone=flow.client_zone == flow.server_zone,
            sampled=(1,) * flow.calls
            if connection_per_call
            else _at_most(seen.get((flow.client, flow.server), ()), flow.calls),
        )
        for flow in pair.flows
        if flow.client_zone is not None and flow.server_zone is not None and flow.calls
    ]


def _at_most(sampled: tuple[int, ...], calls: int) -> tuple[int, ...]:
    """A sample that has more calls than the graph belongs to another window: then it says nothing."""
    return sampled if sum(sampled) <= calls else ()
