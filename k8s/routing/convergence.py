"""Whether the hints that a mode leads to are there."""

from collections.abc import Sequence

from k8s.routing.modes import RoutingMode, by_node
from k8s.topology import Endpoint, EndpointSlice


def has_converged(mode: RoutingMode, slices: Sequence[EndpointSlice]) -> bool:
    """Whether the hints on every slice are what *mode* leads to; False where no endpoint is ready."""
    ready = [endpoint for one in slices for endpoint in one.endpoints if endpoint.ready is True]
    if not ready:
        return False
    match mode:
        case RoutingMode.OFF:
            return not any(endpoint.zone_hints or endpoint.node_hints for endpoint in ready)
        case RoutingMode.TAR:
            # TAR may hint an endpoint to another zone on purpose, so any zone will do, but no node hint.
            return all(endpoint.zone_hints and not endpoint.node_hints for endpoint in ready)
        case _ if by_node(mode):
            return all(endpoint.node_hints == (endpoint.node,) for endpoint in ready)
        case _:
            return all(in_own_zone(endpoint) and not endpoint.node_hints for endpoint in ready)


def in_own_zone(endpoint: Endpoint) -> bool:
    """Whether an endpoint is hinted to its own zone and to no other."""
    return endpoint.zone is not None and endpoint.zone_hints == (endpoint.zone,)
