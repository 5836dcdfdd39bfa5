"""TCP connections in a sample of traces: who called whom over which connection.

A server's segment carries the address and port of its peer (OpenTelemetry semantic conventions
``network.peer.address`` and ``network.peer.port``; ``net.sock.peer.*`` and ``net.peer.*`` before), and its
parent is the caller's subsegment. kube-proxy rewrites the destination of a connection, not its source, so the
pair (client pod, peer port) names a connection; a port that is used again after the connection's end counts
as the same one, which only widens intervals.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from analysis.model import Workload
from analysis.placement import Timeline

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
    found: dict[tuple[str, str], Counter[int]] = {}
    anonymous = 0
    for trace in traces:
        for client, server, port in _calls(trace):
            if (timeline.workload(client), timeline.workload(server)) != focus:
                continue
            if port is None:
                anonymous += 1
            else:
                found.setdefault((client, server), Counter())[port] += 1
    return ConnectionSample(
        pairs=tuple(
            PairSample(client=client, server=server, calls=tuple(sorted(calls.values(), reverse=True)))
            for (client, server), calls in sorted(found.items())
        ),
        anonymous=anonymous,
    )


def _calls(trace: Raw) -> Iterator[tuple[str, str, int | None]]:
    """(caller's name, callee's name, peer port) of every segment whose parent is in the trace."""
    documents = [json.loads(segment["Document"]) for segment in trace.get("Segments", ())]
    owners: dict[str, str] = {}
    for document in documents:
        for identity in _ids(document):
            owners[identity] = str(document.get("name"))
    for document in documents:
        parent = owners.get(str(document.get("parent_id")))
        if parent is not None and not document.get("inferred"):
            yield parent, str(document.get("name")), _port(document)


def _ids(document: Raw) -> Iterator[str]:
    """Ids of a segment and of all subsegments below it."""
    todo = [document]
    while todo:
        one = todo.pop()
        if one.get("id"):
            yield str(one["id"])
        todo += one.get("subsegments") or ()


def _port(document: Raw) -> int | None:
    metadata = (document.get("metadata") or {}).get("default") or {}
    for name in PORTS:
        port = metadata.get(name)
        if isinstance(port, int) and not isinstance(port, bool) and port > 0:
            return port
    return None
