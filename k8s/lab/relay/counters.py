"""The lab's ground truth: what one node's relay did, per Service, client and endpoint."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from k8s.lab.relay.peers import Peer
from k8s.topology import ServiceKey

NO_ENDPOINT = ""
"""The server address of a connection that found no usable endpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TallyKey:
    """Whose connections: addresses, and who had them when the connections were made."""

    service: ServiceKey
    client_ip: str
    server_ip: str
    client: Peer | None = None
    """None for an address that was no pod's; so is *server*."""
    server: Peer | None = None

    def involves(self, ip: str) -> bool:
        """Whether the address is one of the two."""
        return ip in {self.client_ip, self.server_ip}


@dataclass(slots=True, kw_only=True)
class EndpointCounts:
    """Cumulative counts of one (Service, client, endpoint)."""

    connections: int = 0
    """Connections that reached the endpoint."""
    failed: int = 0
    """Connections that were reset because the endpoint could not be connected to, or there was none."""
    active: int = 0
    """Connections open now."""
    request_bytes: int = 0
    """Payload passed on from client to server."""
    response_bytes: int = 0
    """Payload passed on from server to client."""
    told: bool = False
    """Whether a scrape has seen it: who its client and server are is then settled."""


class Counters:
    """All tallies of one relay. It lives in one event loop, so a snapshot is of one moment."""

    def __init__(self, peer: Callable[[str], Peer | None] = lambda _ip: None) -> None:
        self._peer = peer
        self._tallies: dict[TallyKey, EndpointCounts] = {}
        self._current: dict[tuple[ServiceKey, str, str], EndpointCounts] = {}
        """Those in use, found at a tenth of the time: every connection asks."""

    def tally(self, service: ServiceKey, client_ip: str, server_ip: str) -> EndpointCounts:
        """The tally of this triple, and of who has these addresses now; it starts at zero."""
        triple = (service, client_ip, server_ip)
        found = self._current.get(triple)
        if found is None:
            found = self._current[triple] = self._tallies.setdefault(self._key(*triple), EndpointCounts())
        return found

    def recognise(self, new_ip: str | None) -> None:
        """Who has which address has changed; what is at *new_ip* was not known to be a pod's before.

        A pod's status can arrive here after its first connections: they were that pod's. But what a scrape
        has seen stays as it was, because counters must not go down.
        """
        self._current.clear()
        if new_ip is None:
            return
        strange = [key for key, tally in self._tallies.items() if not tally.told and key.involves(new_ip)]
        for key in strange:
            named = self._key(key.service, key.client_ip, key.server_ip)
            if named not in self._tallies:
                self._tallies[named] = self._tallies.pop(key)

    def by_key(self) -> Iterator[tuple[TallyKey, EndpointCounts]]:
        """Every tally, in order of first use."""
        yield from self._tallies.items()

    def snapshot(self) -> list[dict[str, Any]]:
        """One JSON object per tally, in order of first use; a triple whose pods changed has several."""
        return [
            {
                "service": str(key.service),
                "client_ip": key.client_ip,
                "server_ip": key.server_ip,
                "connections": tally.connections,
                "failed": tally.failed,
                "active": tally.active,
                "request_bytes": tally.request_bytes,
                "response_bytes": tally.response_bytes,
            }
            for key, tally in self._tallies.items()
        ]

    def _key(self, service: ServiceKey, client_ip: str, server_ip: str) -> TallyKey:
        return TallyKey(
            service=service,
            client_ip=client_ip,
            server_ip=server_ip,
            client=self._peer(client_ip),
            server=self._peer(server_ip),
        )
