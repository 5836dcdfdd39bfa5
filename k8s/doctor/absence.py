"""D14-D16: what was not read, what the controller could not write, and zones that are none."""

import re

from k8s.doctor.commands import in_turn, kubectl, touch
from k8s.doctor.finding import Evidence, Finding, Severity, names, seen
from k8s.doctor.situation import Situation
from k8s.routing.modes import RoutingMode
from k8s.topology import ZONE_LABEL

_FAULT_DOMAIN = re.compile(r"\d{1,2}", re.ASCII)
_DECIDES = {
    "nodes": "the nodes are not known, so neither is which zones there are",
    "endpointslices": "the endpoint slices are not known, so neither is whether there are hints",
}


def d14_not_written(situation: Situation) -> Finding | None:
    """The controller said that it could not write the Service's slices, and nothing here tells why."""
    failed = situation.sync_failures
    if not failed or any(family.lost for family in situation.families):
        # D35 says it of the nodes that are gone.
        return None
    return Finding(
        code="D14",
        severity=Severity.RISK,
        evidence=failures_seen(situation),
        meaning="The controller could not write this Service's slices: their endpoints and hints may be out "
        "of date.",
        fix=in_turn(
            touch(situation.key),
            kubectl("-n", situation.key.namespace, "get", "events", "--field-selector", _about(situation)),
        ),
        blocks_hints=False,
    )


def _about(situation: Situation) -> str:
    return f"involvedObject.kind=Service,involvedObject.name={situation.key.name}"


def failures_seen(situation: Situation) -> tuple[Evidence, ...]:
    """The newest such event."""
    return tuple(
        seen(situation.subject, f"event {one.reason}", f"{one.message} (x{one.count})")
        for one in situation.sync_failures[:1]
    )


def d15_not_read(situation: Situation) -> Finding | None:
    """What was not read and decides: absence of data is not absence."""
    place = situation.place
    asked = situation.wanted is not RoutingMode.OFF
    missing = [word for word in _DECIDES if place.missing(word) and (asked or word == "endpointslices")]
    if not place.nodes and "nodes" not in missing and asked:
        missing.insert(0, "nodes")
    if not missing:
        return None
    return Finding(
        code="D15",
        severity=Severity.PROBLEM,
        evidence=tuple(
            seen(place.scene.source, "not read", _gap(situation, word) or word) for word in missing
        ),
        meaning=_sentence(situation, missing),
        fix=kubectl("get", "nodes,pods,services,endpointslices", "-A", "-o", "json"),
        blocks_hints=False,
    )


def _gap(situation: Situation, word: str) -> str:
    return next((gap for gap in situation.place.scene.gaps if gap.startswith(f"{word}:")), "")


def _sentence(situation: Situation, missing: list[str]) -> str:
    present = {"nodes": situation.place.nodes, "endpointslices": situation.place.slices}
    told = "; ".join(
        _DECIDES[word].replace("are not known", "are not all known", 1) if present[word] else _DECIDES[word]
        for word in missing
    )
    return f"Nothing can be said: {told}."


def d16_no_zones(situation: Situation) -> Finding | None:
    """Azure writes fault domains where a region has no zones, or a pool none: small numbers."""
    if situation.wanted is RoutingMode.OFF or not situation.place.zones:
        return None
    zones = sorted(situation.place.zones)
    if not all(_FAULT_DOMAIN.fullmatch(zone) for zone in zones):
        return None
    return Finding(
        code="D16",
        severity=Severity.RISK,
        evidence=(seen("nodes", f"metadata.labels[{ZONE_LABEL}]", names(zones)),),
        meaning="These zones are bare numbers, as Azure writes fault domains of one datacenter where nodes "
        "have no availability zone: routing between them works, but saves nothing.",
        fix=kubectl("get", "nodes", "-L", f"{ZONE_LABEL},topology.kubernetes.io/region"),
        blocks_hints=False,
    )
