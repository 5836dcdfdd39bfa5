"""BatchGetTraces documents -> single calls with pods and connection, roots, and the zones segments state.

A server's segment carries the address and port of its peer (OpenTelemetry semantic conventions
``network.peer.address`` and ``network.peer.port``; ``net.sock.peer.*`` and ``net.peer.*`` before), and its
parent is the caller's subsegment. kube-proxy rewrites the destination of a connection, not its source, so the
pair (client pod, peer port) names a connection; a port that is used again after the connection's end counts
as the same one, which only widens intervals.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from analysis.source.facts import Facts
from analysis.source.interface import Raw, Sample, SampledCall, SampledRoot, StatedZone
from analysis.source.xray import senders

PORTS: Final = ("network.peer.port", "net.sock.peer.port", "net.peer.port", "client.port")
"""Attributes that hold the peer's port, the newest convention first."""
RUN_ID: Final = "run_id"
"""The annotation by which the load generator marks the roots of its traces."""

_NOBODY: Final = Facts()

Document = dict[str, Any]


def sample(traces: Iterable[Raw], facts: Facts = _NOBODY) -> Sample:
    """Every call between two segments, where each trace began, and the zone of every segment sent."""
    count = misnamed = 0
    calls: list[SampledCall] = []
    zones: list[StatedZone] = []
    roots: list[SampledRoot] = []
    for number, trace in enumerate(traces):
        count += 1
        documents = [json.loads(segment["Document"]) for segment in trace.get("Segments", ())]
        sent = [one for one in documents if not one.get("inferred")]
        owners = _owners(documents)
        pods = {str(one.get("id")): senders.pod_of(one, facts) for one in sent}
        for call, is_misnamed in _calls(sent, owners, pods, facts, number):
            calls.append(call)
            misnamed += is_misnamed
        zones += (
            StatedZone(name=pods[str(one.get("id"))] or str(one.get("name")), zone=_zone(one)) for one in sent
        )
        roots += _roots(sent, owners, number)
    return Sample(traces=count, calls=tuple(calls), zones=tuple(zones), roots=tuple(roots), misnamed=misnamed)


def _owners(documents: Sequence[Document]) -> dict[str, tuple[Document, Raw]]:
    """Id of every segment and subsegment -> the segment it is of, and itself."""
    return {
        str(part["id"]): (document, part)
        for document in documents
        for part in _parts(document)
        if part.get("id")
    }


def _calls(
    sent: Sequence[Document],
    owners: dict[str, tuple[Document, Raw]],
    pods: dict[str, str | None],
    facts: Facts,
    number: int,
) -> Iterator[tuple[SampledCall, bool]]:
    """Every segment whose parent is there, as a call of the parent's segment; whether names differ."""
    for document in sent:
        owner = owners.get(str(document.get("parent_id")))
        if owner is None:
            continue
        caller, part = owner
        own, peer = pods.get(str(caller.get("id"))), senders.peer_of(document, facts)
        client, server = own or peer, pods[str(document.get("id"))]
        yield (
            SampledCall(
                client=client or str(caller.get("name")),
                server=server or str(document.get("name")),
                connection=_port(document),
                duration_s=_duration_s(part),
                start_s=float(part["start_time"]) if part.get("start_time") else None,
                trace=number,
                client_end=senders.end_of(caller, client, facts),
                server_end=senders.end_of(document, server, facts),
                is_fault=bool(part.get("fault")),
                is_error=bool(part.get("error")) and not part.get("fault"),
            ),
            own is not None and peer is not None and own != peer,
        )


def _roots(
    sent: Sequence[Document], owners: dict[str, tuple[Document, Raw]], number: int
) -> Iterator[SampledRoot]:
    """The first segment without a parent; of several (a batch delivered twice) the others are no requests."""
    broken = any(one.get("parent_id") and str(one["parent_id"]) not in owners for one in sent)
    for document in sent:
        if not document.get("parent_id"):
            run_id = (document.get("annotations") or {}).get(RUN_ID)
            start_s = document.get("start_time")
            yield SampledRoot(
                trace=number,
                name=str(document.get("name")),
                start_s=float(start_s) if start_s else None,
                run_id=run_id if isinstance(run_id, str) else "",
                is_broken=broken,
            )
            return


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
