"""Which pod sent a segment, wherever its name stands in the document.

Segments are called as the service calls itself: by its pod's name under our manifests, usually by a service's
name elsewhere (``OTEL_SERVICE_NAME=orders``). Then the pod's name stands in ``aws.eks.pod`` or, of the
span's resource, in an annotation (where the collector indexes it) or the metadata (awsxrayexporter, section
"segments"). An instance id of the OpenTelemetry operator is ``<namespace>.<pod>.<container>``. The callee
saw the caller's address, unless a proxy stood between.

A node's name places a segment too, but only its zone, and only where the pod is not known: behind a gateway
whose collector detects resources itself, every segment names the gateway's node.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from analysis.source.facts import Facts
from analysis.source.interface import End
from analysis.source.needs import TO_SET
from analysis.source.xray.documents import Document

RESOURCE: Final = "otel.resource."
POD_KEYS: Final = ("k8s.pod.name", "k8s.pod.uid", "k8s.pod.ip", "host.name")
"""Resource attributes that stand for a pod; a container's host name is its pod's."""
INSTANCE: Final = "service.instance.id"
NODE_KEYS: Final = ("k8s.node.name", "host.id")
PEERS: Final = ("network.peer.address", "net.sock.peer.addr", "net.peer.ip")
"""Attributes that hold the peer's address, the newest convention first."""


def pod_of(document: Document, facts: Facts) -> str | None:
    """The pod that sent a segment, by what the document says of its sender; None where nothing names it."""
    return facts.pod_of(_words(document))


def peer_of(callee: Document, facts: Facts) -> str | None:
    """The pod whose address a callee saw as its caller's; None where it is no pod's."""
    return facts.pod_of(_peers(callee))


def end_of(document: Document, pod: str | None, facts: Facts) -> End:
    """One side of a call, by its segment and the pod that was found for it."""
    name = str(document.name)
    if pod is not None:
        return End(counted_as=name)
    zone = facts.zone_of(_nodes(document))
    if zone is not None:
        return End(counted_as=name, zone=zone)
    stated = next((word for word in _words(document) if word != name), None)
    why = "its segments name no pod" if stated is None else f"its segments name {stated}, no pod known here"
    return End(counted_as=name, lacks=f"{why}; {TO_SET}")


def _words(document: Document) -> Iterator[str]:
    yield str(document.name)
    if document.aws and document.aws.eks and document.aws.eks.pod:
        yield document.aws.eks.pod
    for place in _places(document):
        yield from _texts(place, (RESOURCE + key for key in POD_KEYS))
        for instance in _texts(place, (RESOURCE + INSTANCE,)):
            yield instance
            yield from instance.split(".")[1:2]


def _nodes(document: Document) -> Iterator[str]:
    for place in _places(document):
        yield from _texts(place, (RESOURCE + key for key in NODE_KEYS))
    if document.aws and document.aws.ec2 and document.aws.ec2.instance_id:
        yield document.aws.ec2.instance_id


def _peers(callee: Document) -> Iterator[str]:
    for place in _places(callee):
        yield from _texts(place, PEERS)
    if callee.http and callee.http.request and callee.http.request.client_ip:
        yield callee.http.request.client_ip


def _places(document: Document) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Where attributes stand: indexed ones, and the others."""
    return document.annotations or {}, document.attributes


def _texts(place: Mapping[str, Any], keys: Iterable[str]) -> Iterator[str]:
    for key in keys:
        value = place.get(key)
        if isinstance(value, str) and value:
            yield value
