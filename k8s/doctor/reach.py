"""D40-D43, D46: hints that kube-proxy cannot use, for some clients, some ports or for all."""

from collections import Counter

from k8s.doctor.commands import hint_endpoints, in_turn, kubectl, label_zones, patch_service, spread, touch
from k8s.doctor.finding import Evidence, Finding, Severity, few, names, seen
from k8s.doctor.situation import Family, Placed, Situation, is_foreign
from k8s.predict.starting_point import with_port
from k8s.routing.modes import FIELD_MODES, RoutingMode
from k8s.topology import SERVICE_NAME_LABEL, ZONE_LABEL, EndpointSlice, Zone

_NOBODY = "no controller"


def _in_force(situation: Situation) -> bool:
    return situation.acts is not RoutingMode.OFF and situation.processed


def d40_unhinted(situation: Situation) -> Finding | None:
    """One ready endpoint without hint, in whatever slice, and kube-proxy ignores those of all."""
    if not _in_force(situation):
        return None
    # Under Auto no hints at all is a refusal or a loss (D1x, D2x, D30); the field knows neither.
    met = [
        one
        for family in situation.families
        if not family.bare or (situation.acts in FIELD_MODES and family.usable)
        for one in family.unhinted
        # Of a slice that is pending deletion D36 speaks.
        if (one.endpoint.zone or is_foreign(one.slice)) and not one.slice.deleting
    ]
    if not met:
        return None
    foreign = list({one.slice.name: one.slice for one in met if is_foreign(one.slice)}.values())
    by_whom = (
        f"in a slice that {names(sorted({one.managed_by or _NOBODY for one in foreign}))} writes"
        if foreign
        else "although the controller should have given it one"
    )
    return Finding(
        code="D40",
        severity=Severity.PROBLEM,
        evidence=few(met, _unhinted),
        meaning=f"{len(met)} ready endpoint{'s have' if len(met) > 1 else ' has'} no hint, {by_whom}: "
        "kube-proxy then ignores the hints of all, on every node.",
        fix=_hint_by_hand(situation, met, foreign) if foreign else touch(situation.key),
        blocks_hints=False,
    )


def _hint_by_hand(situation: Situation, met: list[Placed], foreign: list[EndpointSlice]) -> str:
    nodes = situation.place.nodes
    commands = []
    for written in foreign:
        zones: dict[int, Zone | None] = {}
        for one in met:
            if one.slice is written:
                node = nodes.get(one.endpoint.node) if one.endpoint.node else None
                zones[one.number] = one.endpoint.zone or (node.zone if node else None)
        commands.append(hint_endpoints(written, zones))
    return in_turn(*commands)


def _unhinted(one: Placed) -> Evidence:
    managed = f" (managed by {one.slice.managed_by or 'nobody'})" if is_foreign(one.slice) else ""
    return seen(
        f"EndpointSlice {one.slice.namespace}/{one.slice.name}",
        f"endpoints[{one.number}].hints",
        f"none{managed}",
    )


def d41_client_without_zone(situation: Situation) -> Finding | None:
    """kube-proxy on a node without zone label ignores hints for zones."""
    if not _in_force(situation) or not situation.hinted:
        return None
    named = bool(situation.clients)
    nodes = (
        [node for node in situation.client_nodes if not node.zone]
        if named
        else list(situation.place.zoneless)
    )
    if not named and situation.acts is RoutingMode.TAR:
        # D10 has named the ready workers.
        nodes = [node for node in nodes if node.is_control_plane]
    if not nodes:
        return None
    who = f"Clients {situation.client}" if named else "Clients, if there are any,"
    return Finding(
        code="D41",
        severity=Severity.PROBLEM if named else Severity.RISK,
        evidence=few(nodes, lambda node: seen(f"Node {node.name}", f"metadata.labels[{ZONE_LABEL}]", "none")),
        meaning=f"{who} on {len(nodes)} node{'s' if len(nodes) > 1 else ''} without zone use the endpoints "
        "of all zones, because kube-proxy there does not know its own.",
        fix=label_zones(nodes),
        blocks_hints=False,
    )


def d42_zone_without_hint(situation: Situation) -> Finding | None:
    """Clients in a zone that no endpoint is hinted to use the endpoints of all zones."""
    if not _in_force(situation) or not situation.hinted:
        return None
    named = bool(situation.clients)
    zones: set[Zone] = set(situation.place.zones)
    if named:
        zones = {node.zone for node in situation.client_nodes if node.zone}
    met = [(family, missed) for family in situation.families if (missed := _missed(family, zones))]
    if not met:
        return None
    family, missed = met[0]
    who = f"Clients {situation.client}" if named else "Clients, if there are any,"
    by_family = f" ({family.address_type})" if len(situation.families) > 1 else ""
    return Finding(
        code="D42",
        severity=Severity.PROBLEM if named else Severity.RISK,
        evidence=tuple(
            one
            for family, missed in met
            for one in few(
                missed,
                lambda zone, family=family: seen(  # type: ignore[misc]
                    f"zone {zone}{f' ({family.address_type})' if len(situation.families) > 1 else ''}",
                    "endpoints hinted to it; endpoints in it",
                    f"0; {dict(family.pods_by_zone).get(zone, 0)}",
                ),
            )
        ),
        meaning=f"{who} in {names(missed)}{by_family} use the endpoints of all zones, because none is hinted "
        "to theirs.",
        fix=spread(situation, family),
        blocks_hints=False,
    )


def _missed(family: Family, zones: set[Zone]) -> list[Zone]:
    """Zones to which none of the family's endpoints is hinted; kube-proxy looks at each family by itself."""
    reached = {
        zone
        for one in family.slices
        for endpoint in one.endpoints
        if endpoint.ready is not False
        for zone in endpoint.zone_hints
    }
    return sorted(zones - reached)


def d46_ports(situation: Situation) -> Finding | None:
    """Ports that other endpoints serve: kube-proxy filters each port of a Service by itself."""
    if situation.acts is RoutingMode.OFF or not situation.ports:
        return None
    family = situation.families[0]
    counts = {port: _hinted_by_zone(with_port(family.slices, port)) for port in situation.ports}
    first, *others = situation.ports
    return Finding(
        code="D46",
        severity=Severity.RISK,
        evidence=tuple(
            seen(
                situation.subject,
                f"port {port}: endpoints that serve it, by zone hinted to",
                ", ".join(f"{zone} {count}" for zone, count in sorted(by_zone.items())) or "none",
            )
            for port, by_zone in counts.items()
        ),
        meaning=f"Not all endpoints serve all ports, and each port is routed by itself: what is said here "
        f"holds for {first} only; for {names(others)} clients in a zone without such an endpoint cross "
        "zones.",
        fix=kubectl(
            "-n",
            situation.key.namespace,
            "get",
            "endpointslices",
            "-l",
            f"{SERVICE_NAME_LABEL}={situation.key.name}",
            "-o",
            "wide",
        ),
        blocks_hints=False,
    )


def _hinted_by_zone(slices: tuple[EndpointSlice, ...]) -> Counter[str]:
    return Counter(
        str(zone)
        for one in slices
        for endpoint in one.endpoints
        if endpoint.ready is not False
        for zone in endpoint.zone_hints or ("no hint",)
    )


def d43_local(situation: Situation) -> Finding | None:
    """``internalTrafficPolicy: Local`` uses endpoints of the client's node only, hints or not."""
    if situation.wanted is RoutingMode.OFF or situation.service.internal_traffic_policy != "Local":
        return None
    return Finding(
        code="D43",
        severity=Severity.PROBLEM,
        evidence=(seen(situation.subject, "spec.internalTrafficPolicy", "Local"),),
        meaning="Clients use only endpoints on their own node, and are refused where there is none: hints "
        "have no effect.",
        fix=patch_service(situation.key, {"spec": {"internalTrafficPolicy": "Cluster"}}),
        blocks_hints=False,
    )
