"""The lab's ground truth: what one node's relay did, per Service, client and endpoint."""

from dataclasses import dataclass
from typing import Any

from k8s.topology import ServiceKey

NO_ENDPOINT = ""
"""The server address of a connection that found no usable endpoint."""


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


class Counters:
    """All tallies of one relay. It lives in one event loop, so a snapshot is of one moment."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[ServiceKey, str, str], EndpointCounts] = {}

    def tally(self, service: ServiceKey, client_ip: str, server_ip: str) -> EndpointCounts:
        """The tally of this triple; it starts at zero."""
        key = (service, client_ip, server_ip)
        found = self._tallies.get(key)
        if found is None:
            found = self._tallies[key] = EndpointCounts()
        return found

    def snapshot(self) -> list[dict[str, Any]]:
        """One JSON object per triple, in order of first use."""
        return [
            {
                "service": str(service),
                "client_ip": client_ip,
                "server_ip": server_ip,
                "connections": tally.connections,
                "failed": tally.failed,
                "active": tally.active,
                "request_bytes": tally.request_bytes,
                "response_bytes": tally.response_bytes,
            }
            for (service, client_ip, server_ip), tally in self._tallies.items()
        ]
