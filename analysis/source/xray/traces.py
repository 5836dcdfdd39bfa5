"""BatchGetTraces documents -> single calls with pods and connection, roots, and the zones segments state.

A server's segment carries the address and port of its peer (OpenTelemetry semantic conventions
``network.peer.address`` and ``network.peer.port``; ``net.sock.peer.*`` and ``net.peer.*`` before), and its
parent is the caller's subsegment. kube-proxy rewrites the destination of a connection, not its source, so the
pair (client pod, peer port) names a connection; a port that is used again after the connection's end counts
as the same one, which only widens intervals.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from analysis.source.facts import Facts
from analysis.source.interface import Raw, Sample, SampledCall, SampledRoot, StatedZone
from analysis.source.xray import senders
from analysis.source.xray.documents import Document, Part, documents

PORTS: Final = ("network.peer.port", "net.sock.peer.port", "net.peer.port", "client.port")
"""Attributes that hold the peer's port, the newest convention first."""
RUN_ID: Final = "run_id"
"""The annotation by which the load generator marks the roots of its traces."""

_NOBODY: Final = Facts()


def sample(traces: Iterable[Raw], facts: Facts = _NOBODY) -> Sample:
    """Every call between two segments, where each trace began, and the zone of every segment sent.

    UsageError names the trace and the document that cannot be read.
    """
    count = misnamed = 0
    calls: list[SampledCall] = []
    zones: list[StatedZone] = []
    roots: list[SampledRoot] = []
    for number, trace in enumerate(traces):
        count += 1
        found = documents(number, trace)
        sent = [one for one in found if not one.inferred]
        owners = _owners(found)
        pods = {str(one.id): senders.pod_of(one, facts) for one in sent}
        for call, is_misnamed in _calls(sent, owners, pods, facts, number):
            calls.append(call)
            misnamed += is_misnamed
        zones += (StatedZone(name=pods[str(one.id)] or str(one.name), zone=_zone(one)) for one in sent)
        roots += _roots(sent, owners, number)
    return Sample(traces=count, calls=tuple(calls), zones=tuple(zones), roots=tuple(roots), misnamed=misnamed)


def _owners(found: Sequence[Document]) -> dict[str, tuple[Document, Part]]:
    """Id of every segment and subsegment -> the segment it is of, and itself."""
    return {part.id: (document, part) for document in found for part in _parts(document) if part.id}


def _calls(
    sent: Sequence[Document],
    owners: dict[str, tuple[Document, Part]],
    pods: dict[str, str | None],
    facts: Facts,
    number: int,
) -> Iterator[tuple[SampledCall, bool]]:
    """Every segment whose parent is there, as a call of the parent's segment; whether names differ."""
    for document in sent:
        owner = owners.get(document.parent_id or "")
        if owner is None:
            continue
        caller, part = owner
        own, peer = pods.get(str(caller.id)), senders.peer_of(document, facts)
        client, server = own or peer, pods[str(document.id)]
        yield (
            SampledCall(
                client=client or str(caller.name),
                server=server or str(document.name),
                connection=_port(document),
                duration_s=_duration_s(part),
                start_s=part.start_time or None,
                trace=number,
                client_end=senders.end_of(caller, client, facts),
                server_end=senders.end_of(document, server, facts),
                is_fault=bool(part.fault),
                is_error=bool(part.error) and not part.fault,
            ),
            own is not None and peer is not None and own != peer,
        )


def _roots(
    sent: Sequence[Document], owners: dict[str, tuple[Document, Part]], number: int
) -> Iterator[SampledRoot]:
    """The first segment without a parent; of several (a batch delivered twice) the others are no requests."""
    broken = any(one.parent_id and one.parent_id not in owners for one in sent)
    for document in sent:
        if not document.parent_id:
            run_id = (document.annotations or {}).get(RUN_ID)
            yield SampledRoot(
                trace=number,
                name=str(document.name),
                start_s=document.start_time or None,
                run_id=run_id if isinstance(run_id, str) else "",
                is_broken=broken,
            )
            return


def _zone(document: Document) -> str | None:
    """From the span's resource: the pod's own environment, or the collector."""
    if document.aws is None or document.aws.ec2 is None:
        return None
    return document.aws.ec2.availability_zone or None


def _parts(document: Document) -> Iterator[Part]:
    """A segment and all subsegments below it."""
    todo: list[Part] = [document]
    while todo:
        one = todo.pop()
        yield one
        todo += one.subsegments or ()


def _duration_s(part: Part) -> float:
    """Of the caller's subsegment; 0 while it is in progress."""
    return max(0.0, (part.end_time or 0.0) - (part.start_time or 0.0))


def _port(document: Document) -> int | None:
    for name in PORTS:
        port = document.attributes.get(name)
        if isinstance(port, int) and not isinstance(port, bool) and port > 0:
            return port
    return None
