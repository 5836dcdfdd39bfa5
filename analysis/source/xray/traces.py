"""BatchGetTraces documents -> single calls with their connection, and the zones that segments state.

A server's segment carries the address and port of its peer (OpenTelemetry semantic conventions
``network.peer.address`` and ``network.peer.port``; ``net.sock.peer.*`` and ``net.peer.*`` before), and its
parent is the caller's subsegment. kube-proxy rewrites the destination of a connection, not its source, so the
pair (client pod, peer port) names a connection; a port that is used again after the connection's end counts
as the same one, which only widens intervals.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from analysis.source.interface import Raw, Sample, SampledCall, StatedZone

PORTS: Final = ("network.peer.port", "net.sock.peer.port", "net.peer.port", "client.port")
"""Attributes that hold the peer's port, the newest convention first."""


def sample(traces: Iterable[Raw]) -> Sample:
    """Every call between two segments, and the zone of every segment that was sent."""
    count = 0
    calls: list[SampledCall] = []
    zones: list[StatedZone] = []
    for trace in traces:
        count += 1
        documents = [json.loads(segment["Document"]) for segment in trace.get("Segments", ())]
        calls += _calls(documents)
        zones += (
            StatedZone(name=str(one.get("name")), zone=_zone(one))
            for one in documents
            if not one.get("inferred")
        )
    return Sample(traces=count, calls=tuple(calls), zones=tuple(zones))


def _calls(documents: list[dict[str, Any]]) -> Iterator[SampledCall]:
    """Every segment whose parent is in the trace, as a call of that parent's segment."""
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
            yield SampledCall(
                client=client,
                server=str(document.get("name")),
                connection=_port(document),
                duration_s=_duration_s(part),
                start_s=float(part["start_time"]) if part.get("start_time") else None,
            )


def _zone(document: Raw) -> str | None:
    """From the span's resource: the pod's own environment, or the collector."""
    return ((document.get("aws") or {}).get("ec2") or {}).get("availability_zone") or None


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
