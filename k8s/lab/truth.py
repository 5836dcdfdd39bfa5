"""The lab's ground truth: the relays' own counts of connections and bytes, as values (pure)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from k8s.errors import InvalidRunError, UnreachableError
from k8s.topology import ServiceKey


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthRow:
    """What went from one client to one endpoint of a Service."""

    service: ServiceKey
    client_ip: str
    server_ip: str
    """Empty for connections that found no usable endpoint."""
    connections: int
    failed: int
    """Connections that were reset because the endpoint could not be connected to, or there was none."""
    request_bytes: int
    """Payload, client to server."""
    response_bytes: int
    """Payload, server to client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthSnapshot:
    """The counts of all relays since the lab came up, or between two such snapshots."""

    taken_at_s: float
    """Seconds since the epoch, before the first relay was asked."""
    rows: tuple[TruthRow, ...]
    """Sorted by Service, client and server; one row each."""


class _Row(msgspec.Struct, frozen=True):
    service: str
    client_ip: str
    server_ip: str
    connections: int
    failed: int
    request_bytes: int
    response_bytes: int


class _Counters(msgspec.Struct, frozen=True):
    rows: tuple[_Row, ...]


def parse(document: bytes) -> tuple[TruthRow, ...]:
    """One relay's ``/counters``; UnreachableError names the key that is wrong."""
    try:
        counters = msgspec.json.decode(document, type=_Counters)
    except msgspec.DecodeError as error:
        raise UnreachableError(f"reading a relay's counters: {error}") from error
    return tuple(
        TruthRow(
            service=_service_key(row.service),
            client_ip=row.client_ip,
            server_ip=row.server_ip,
            connections=row.connections,
            failed=row.failed,
            request_bytes=row.request_bytes,
            response_bytes=row.response_bytes,
        )
        for row in counters.rows
    )


def merge(taken_at_s: float, rows: Iterable[TruthRow]) -> TruthSnapshot:
    """A snapshot of these rows; rows of the same Service, client and server become one."""
    return _snapshot(taken_at_s, ((row, 1) for row in rows))


def difference(before: TruthSnapshot, after: TruthSnapshot) -> TruthSnapshot:
    """What happened between two snapshots; rows in which nothing did are left out.

    InvalidRunError if a count went down: a relay was started anew in between, and its counts are lost.
    """
    signed = [(row, -1) for row in before.rows] + [(row, 1) for row in after.rows]
    found = _snapshot(after.taken_at_s, signed)
    for row in found.rows:
        if min(_counts(row)) < 0:
            raise InvalidRunError(
                f"the relays counted fewer {row.service} connections from {row.client_ip} to {row.server_ip} "
                "than before: the lab was started anew meanwhile; measure again"
            )
    rows = tuple(row for row in found.rows if any(_counts(row)))
    return TruthSnapshot(taken_at_s=after.taken_at_s, rows=rows)


def _service_key(text: str) -> ServiceKey:
    namespace, _, name = text.partition("/")
    return ServiceKey(namespace=namespace, name=name)


def _counts(row: TruthRow) -> tuple[int, int, int, int]:
    return row.connections, row.failed, row.request_bytes, row.response_bytes


def _snapshot(taken_at_s: float, signed: Iterable[tuple[TruthRow, int]]) -> TruthSnapshot:
    sums: defaultdict[tuple[ServiceKey, str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for row, sign in signed:
        total = sums[row.service, row.client_ip, row.server_ip]
        for index, count in enumerate(_counts(row)):
            total[index] += sign * count
    rows = tuple(
        TruthRow(
            service=service,
            client_ip=client_ip,
            server_ip=server_ip,
            connections=total[0],
            failed=total[1],
            request_bytes=total[2],
            response_bytes=total[3],
        )
        for (service, client_ip, server_ip), total in sorted(sums.items())
    )
    return TruthSnapshot(taken_at_s=taken_at_s, rows=rows)
