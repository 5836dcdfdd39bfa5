"""D45 again: what the load balancer in front of a Service does before any hint is read.

Sources: the annotations of the AWS Load Balancer Controller and of the in-tree AWS provider; kube-proxy
filters what comes in through a node port by the zone of the node that receives it.
"""

from dataclasses import dataclass

from k8s.doctor.commands import annotate
from k8s.doctor.finding import Evidence, Finding, Severity, seen
from k8s.doctor.situation import Situation
from k8s.model import figures
from k8s.routing.modes import RoutingMode
from k8s.topology import Service

_PREFIX = "service.beta.kubernetes.io/aws-load-balancer-"
_ATTRIBUTES = f"{_PREFIX}attributes"
_CROSS_ZONE = "load_balancing.cross_zone.enabled"
_OLD_CROSS_ZONE = f"{_PREFIX}cross-zone-load-balancing-enabled"
_TARGET_TYPE = f"{_PREFIX}nlb-target-type"
_TYPE = f"{_PREFIX}type"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontHop:
    """What annotations say of the load balancer."""

    ip_targets: bool
    """Whether it sends to pods; else to nodes."""
    cross_zone: bool
    """Whether it spreads over all zones, wherever a connection came in."""
    told_by: str
    """The annotation that says so of the zones, or is to say so."""
    aws: bool


def front_hop(service: Service) -> FrontHop:
    """By the annotations of the Service; without any the defaults of AWS: nodes, no cross-zone balancing."""
    attributes = dict(
        pair.strip().partition("=")[::2] for pair in (service.annotation(_ATTRIBUTES) or "").split(",")
    )
    target = service.annotation(_TARGET_TYPE) or service.annotation(_TYPE) or ""
    old = service.annotation(_OLD_CROSS_ZONE)
    said = attributes.get(_CROSS_ZONE, old or "false")
    return FrontHop(
        ip_targets=target in ("ip", "nlb-ip"),
        cross_zone=said.strip().lower() == "true",
        told_by=_OLD_CROSS_ZONE if old is not None and _CROSS_ZONE not in attributes else _ATTRIBUTES,
        aws=any(key.startswith(_PREFIX) for key, _ in service.annotations),
    )


def d45_load_balancer(situation: Situation) -> Finding | None:
    """The hop in front: it has a cross-zone setting of its own, and may go round kube-proxy."""
    service = situation.service
    if situation.wanted is RoutingMode.OFF or service.type not in ("LoadBalancer", "NodePort"):
        return None
    if service.type == "NodePort":
        meaning = (
            "What comes in through a node port is routed by the zone of the node that receives it, not of "
            "the client's"
        )
        return _finding(Severity.NOTE, (_type_seen(situation),), meaning + _local(service))
    hop = front_hop(service)
    evidence = (_type_seen(situation), *_annotations_seen(situation))
    if hop.ip_targets and hop.cross_zone:
        meaning = (
            "The load balancer sends to pods and spreads over all zones: "
            f"{figures.percent(_crossing(situation))} of what comes through it crosses zones "
            f"whatever the hints; {hop.told_by} says so"
        )
        return _finding(Severity.RISK, evidence, meaning, _switch_off(situation, hop))
    if hop.ip_targets:
        meaning = (
            "The load balancer sends to the pods of the zone that a connection came in by, its cross-zone "
            "setting being off; hints count only for clients of the ClusterIP"
        )
        return _finding(Severity.NOTE, evidence, meaning)
    if hop.aws and hop.cross_zone:
        meaning = (
            "The load balancer spreads over the nodes of all zones, and hints count from the node that "
            f"receives a connection: the hop before crosses zones; {hop.told_by} says so"
        )
        return _finding(Severity.RISK, evidence, meaning + _local(service), _switch_off(situation, hop))
    meaning = (
        "What comes through the load balancer is spread by its own cross-zone setting; hints count only for "
        "clients of the ClusterIP, and for the node that receives a connection"
    )
    return _finding(Severity.NOTE, evidence, meaning + _local(service))


def _finding(severity: Severity, evidence: tuple[Evidence, ...], meaning: str, fix: str = "") -> Finding:
    return Finding(
        code="D45",
        severity=severity,
        evidence=evidence,
        meaning=f"{meaning}.",
        fix=fix,
        blocks_hints=False,
    )


def _local(service: Service) -> str:
    if service.external_traffic_policy != "Local":
        return ""
    return "; with externalTrafficPolicy Local it stays on that node, and hints are not used"


def _type_seen(situation: Situation) -> Evidence:
    return seen(situation.subject, "spec.type", situation.service.type)


def _annotations_seen(situation: Situation) -> tuple[Evidence, ...]:
    keys = (_TARGET_TYPE, _TYPE, _ATTRIBUTES, _OLD_CROSS_ZONE)
    return tuple(
        seen(situation.subject, f"metadata.annotations[{key}]", value)
        for key in keys
        if (value := situation.service.annotation(key)) is not None
    )


def _crossing(situation: Situation) -> float:
    """Of connections that come in evenly by zone and go to any endpoint alike."""
    counts = {zone: count for zone, count in situation.tally.physical.items() if zone is not None}
    total = sum(counts.values())
    zones = situation.place.zones or set(counts)
    return 1 - sum(counts.get(zone, 0) / total / len(zones) for zone in zones) if total else 0.0


def _switch_off(situation: Situation, hop: FrontHop) -> str:
    if hop.told_by == _OLD_CROSS_ZONE:
        return annotate(situation.key, f"{_OLD_CROSS_ZONE}=false", "--overwrite")
    said = situation.service.annotation(_ATTRIBUTES) or ""
    kept = [one for one in said.split(",") if one and not one.strip().startswith(_CROSS_ZONE)]
    value = ",".join((*kept, f"{_CROSS_ZONE}=false"))
    return annotate(situation.key, f"{_ATTRIBUTES}={value}", "--overwrite")
