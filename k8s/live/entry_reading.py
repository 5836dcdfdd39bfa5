"""A cluster's ways in, read live: Services, pods, nodes and Ingresses, and what names resolve to here."""

import ipaddress
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from k8s.errors import NotFoundError
from k8s.live.cluster import ForbiddenError
from k8s.live.live_scene import NODES, PODS, SERVICES, Collections
from k8s.model import entries
from k8s.model.entries import Entries
from k8s.topology import ServiceKey

INGRESSES = "/apis/networking.k8s.io/v1/ingresses"


def resolve(name: str) -> frozenset[str]:
    """The addresses that a host name has here; none where it has none."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return frozenset()
    return frozenset(str(address[0]) for *_, address in found)


def read(
    cluster: Collections,
    url: str,
    *,
    relayed: Mapping[str, ServiceKey],
    lookup: Callable[[str], frozenset[str]] = resolve,
) -> Entries:
    """What is needed to tell where *url* leads to; what may not be read is a gap.

    *relayed* are Services by ``address:port`` where they answer otherwise than the API says.
    """
    gaps: list[str] = []

    def items(path: str) -> Sequence[Mapping[str, Any]]:
        try:
            return cluster.raw_items(path)
        except (ForbiddenError, NotFoundError):
            gaps.append(path.rpartition("/")[2])
            return ()

    services = tuple(entries.service_entry(raw) for raw in items(SERVICES))
    ingresses = tuple(entries.ingress_entry(raw) for raw in items(INGRESSES))
    host = str(urlsplit(url).hostname).rstrip(".").lower()
    return Entries(
        services=services,
        pods=tuple(pod for raw in items(PODS) if (pod := entries.pod_entry(raw)) is not None),
        nodes=tuple(pair for raw in items(NODES) for pair in entries.node_entries(raw)),
        ingresses=ingresses,
        relayed=tuple(relayed.items()),
        resolved=_resolved({host, *entries.names_of(services, ingresses)}, lookup),
        gaps=tuple(gaps),
    )


def _resolved(
    names: Iterable[str], lookup: Callable[[str], frozenset[str]]
) -> tuple[tuple[str, frozenset[str]], ...]:
    outside = [name for name in sorted(names) if not (_is_address(name) or ".svc." in f"{name}.")]
    return tuple((name, found) for name in outside if (found := lookup(name)))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
