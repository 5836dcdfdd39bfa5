"""The relays' counts as the ztunnels of an ambient mesh expose them, for Prometheus to scrape.

Names, labels, their order and their words are ztunnel's (istio/ztunnel, src/proxy/metrics.rs, with the zone
labels of Istio 1.25 and later), as if every pod of the lab were enrolled and spoke HBONE. As there:

- Each connection is counted at both ends, by ``reporter="source"`` and by ``reporter="destination"``; a sum
  over both is twice the truth. Each end reports what it knows: a client that is no pod has no ztunnel, so
  its connections are counted at the destination alone, from ``unknown``.
- ``received`` are the bytes of requests and ``sent`` those of responses, whoever reports
  (istio/istio#32399).
- A series is born at its first connection, that of closed connections at the first one that closes.
- Connections that failed, or found no endpoint, are not counted.

One thing is simpler: a connection's both ends are counted where its client is, so that both series have the
``instance`` of the client's node.
"""

from collections import defaultdict
from functools import lru_cache
from typing import Final

from k8s.lab.relay.counters import Counters, EndpointCounts, TallyKey
from k8s.lab.relay.peers import Peer

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
UNKNOWN: Final = "unknown"
_CLUSTER = "Kubernetes"
"""What istiod calls a cluster that was given no name."""
_TRUST_DOMAIN = "cluster.local"
_CLOSED = "istio_tcp_connections_closed_total"
_FAMILIES: Final = (
    ("istio_tcp_connections_opened_total", "The total number of TCP connections opened."),
    (_CLOSED, "The total number of TCP connections closed."),
    (
        "istio_tcp_received_bytes_total",
        "The size of total bytes received during request in case of a TCP connection.",
    ),
    (
        "istio_tcp_sent_bytes_total",
        "The size of total bytes sent during response in case of a TCP connection.",
    ),
)
LABELS: Final = (
    "reporter",
    "source_workload",
    "source_canonical_service",
    "source_canonical_revision",
    "source_workload_namespace",
    "source_principal",
    "source_app",
    "source_version",
    "source_cluster",
    "destination_service",
    "destination_service_namespace",
    "destination_service_name",
    "destination_workload",
    "destination_canonical_service",
    "destination_canonical_revision",
    "destination_workload_namespace",
    "destination_principal",
    "destination_app",
    "destination_version",
    "destination_cluster",
    "request_protocol",
    "response_flags",
    "connection_security_policy",
    "source_region",
    "source_zone",
    "destination_region",
    "destination_zone",
)
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_Words = tuple[str, ...]


def render(counters: Counters) -> bytes:
    """What ``/metrics`` answers: the text format of Prometheus.

    Written here because it is on the event loop that relays: for 960 series prometheus_client's registry took
    39 ms of it, during which no byte passed, and this takes 3.
    """
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0] * len(_FAMILIES))
    for key, tally in counters.by_key():
        tally.told = True
        if tally.connections:
            for labels in _reported(key):
                _add(sums[labels], tally)
    lines = []
    for index, (name, said) in enumerate(_FAMILIES):
        is_born = [
            (labels, values[index]) for labels, values in sums.items() if values[index] or name != _CLOSED
        ]
        lines += [f"# HELP {name} {said}", f"# TYPE {name} counter"]
        lines += [f"{name}{{{labels}}} {value}" for labels, value in is_born]
    return "".join(f"{line}\n" for line in lines).encode()


def _add(values: list[int], tally: EndpointCounts) -> None:
    closed = tally.connections - tally.active
    counts = (tally.connections, closed, tally.request_bytes, tally.response_bytes)
    for index, count in enumerate(counts):
        values[index] += count


@lru_cache(maxsize=1 << 16)
def _reported(key: TallyKey) -> _Words:
    """The labels at each end that has a ztunnel, as text."""
    client, server = key.client, key.server
    is_mutual = client is not None and server is not None
    host = f"{key.service.name}.{key.service.namespace}.svc.{_TRUST_DOMAIN}"
    words = (
        *_end(client, _principal(client) if is_mutual else UNKNOWN),
        *(host, key.service.namespace, key.service.name),
        *_end(server, _principal(server)),
        *("tcp", "-", "mutual_tls" if is_mutual else UNKNOWN),
        *_place(client),
        *_place(server),
    )
    ends = (("source", client), ("destination", server))
    return tuple(_text((reporter, *words)) for reporter, peer in ends if peer is not None)


def _text(words: _Words) -> str:
    named = zip(LABELS, words, strict=True)
    return ",".join(f'{label}="{word.translate(_ESCAPES)}"' for label, word in named)


def _end(peer: Peer | None, principal: str) -> _Words:
    if peer is None:
        return (UNKNOWN,) * 8
    return (
        peer.workload,
        peer.app,
        peer.revision,
        peer.namespace,
        principal,
        peer.app,
        peer.revision,
        _CLUSTER,
    )


def _principal(peer: Peer | None) -> str:
    return UNKNOWN if peer is None else f"spiffe://{_TRUST_DOMAIN}/ns/{peer.namespace}/sa/{peer.account}"


def _place(peer: Peer | None) -> _Words:
    return (UNKNOWN, UNKNOWN) if peer is None else (peer.region or UNKNOWN, peer.zone or UNKNOWN)
