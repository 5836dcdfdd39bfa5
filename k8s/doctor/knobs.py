"""D01-D04: what the Service itself says."""

from k8s.doctor.commands import (
    annotate,
    by_field,
    delete_slices,
    in_turn,
    kubectl,
    patch_service,
    set_mode,
    withdraw,
)
from k8s.doctor.finding import Evidence, Finding, Severity, few, seen
from k8s.doctor.situation import Situation, misspelt
from k8s.doctor.stray_knobs import StrayKnob
from k8s.model.objects import MANAGED_BY_LABEL
from k8s.routing.hints import CONTROLLER
from k8s.routing.modes import ACTIVE_ANNOTATION_VALUES, FIELD_MODES, RoutingMode, settings_of
from k8s.routing.proxy import OFF_VALUES
from k8s.topology import OLD_HINTS_ANNOTATION, TOPOLOGY_MODE_ANNOTATION, EndpointSlice, Pod

_FIELD_VALUES = tuple(field.value for field in FIELD_MODES.values())


def annotations_seen(situation: Situation) -> tuple[Evidence, ...]:
    """The knobs that are set."""
    settings = settings_of(situation.service)
    knobs = (
        (f"metadata.annotations[{OLD_HINTS_ANNOTATION}]", settings.topology_aware_hints),
        (f"metadata.annotations[{TOPOLOGY_MODE_ANNOTATION}]", settings.topology_mode),
        ("spec.trafficDistribution", settings.traffic_distribution),
    )
    return tuple(seen(situation.subject, name, repr(value)) for name, value in knobs if value is not None)


def d01_annotation(situation: Situation) -> Finding | None:
    """The annotation says something the controller does not know, or the old key overrules the new one."""
    meaning = _why_wrong(situation)
    if meaning is None:
        return None
    nothing = situation.mode is RoutingMode.OFF
    overruled = situation.mode is RoutingMode.TAR
    field_only = settings_of(situation.service).traffic_distribution is not None and not misspelt(
        situation.service
    )
    if field_only:
        fix = by_field(situation)
    elif overruled:
        fix = annotate(situation.key, f"{OLD_HINTS_ANNOTATION}-")
    elif nothing:
        fix = set_mode(situation.service, RoutingMode.TAR)
    else:
        fix = annotate(situation.key, f"{OLD_HINTS_ANNOTATION}-", f"{TOPOLOGY_MODE_ANNOTATION}-")
    return Finding(
        code="D01",
        severity=Severity.PROBLEM if nothing else Severity.RISK,
        evidence=annotations_seen(situation),
        meaning=meaning,
        fix=fix,
        blocks_hints=nothing,
    )


def _why_wrong(situation: Situation) -> str | None:
    settings = settings_of(situation.service)
    old, new, field = settings.topology_aware_hints, settings.topology_mode, settings.traffic_distribution
    if (
        old is not None
        and new is not None
        and (old in ACTIVE_ANNOTATION_VALUES) != (new in ACTIVE_ANNOTATION_VALUES)
    ):
        return f"Both annotation keys are set, and the old one wins: its value {old!r} is what counts."
    if situation.mode is RoutingMode.TAR:
        return None
    if misspelt(situation.service):
        value = next(value for value in (old, new) if value not in OFF_VALUES)
        return f"The controller knows only the values Auto and auto, so {value!r} asks for nothing."
    if field is not None and field not in _FIELD_VALUES:
        return f"trafficDistribution {field!r} is none of {', '.join(_FIELD_VALUES)}, so it asks for nothing."
    return None


def d02_not_processed(situation: Situation) -> Finding | None:
    """No selector, or ExternalName: no controller keeps this Service's slices."""
    if situation.wanted is RoutingMode.OFF or situation.processed:
        return None
    owned = [
        one
        for family in situation.families
        for one in family.slices
        if one.managed_by == CONTROLLER and one.endpoints
    ]
    if situation.service.type == "ExternalName":
        why = "An ExternalName Service has no endpoints: nothing is routed"
    else:
        why = "A Service without selector is not looked after by the EndpointSlice controller"
    if owned:
        return _orphaned(situation, why, owned)
    by_hand = situation.hinted
    return Finding(
        code="D02",
        severity=Severity.RISK if by_hand else Severity.PROBLEM,
        evidence=(*_selector_seen(situation), *annotations_seen(situation)),
        meaning=f"{why}; only hints written into the slices by hand count, and they are there."
        if by_hand
        else f"{why}, so nobody writes hints: without a selector one can only ask for nothing.",
        fix=withdraw(situation.service),
        blocks_hints=True,
    )


def _selector_seen(situation: Situation) -> tuple[Evidence, ...]:
    return (
        seen(situation.subject, "spec.type", situation.service.type),
        seen(situation.subject, "spec.selector", "none" if not situation.service.selector else "set"),
    )


def _orphaned(situation: Situation, why: str, owned: list[EndpointSlice]) -> Finding:
    """The selector was taken away: what the controller wrote before stays as it was."""
    pods = situation.place.pods
    live = [
        pods[one.namespace, endpoint.pod]
        for one in owned
        for endpoint in one.endpoints
        if endpoint.pod and (one.namespace, endpoint.pod) in pods
    ]
    total = sum(len(one.endpoints) for one in owned)
    gone = total - len(live)
    unknown = situation.place.missing("pods")
    stale = "" if unknown or not gone else f", and {gone} of {total} point to pods that are gone"
    return Finding(
        code="D02",
        severity=Severity.PROBLEM,
        evidence=(
            *_selector_seen(situation),
            *few(
                owned,
                lambda one: seen(
                    f"EndpointSlice {one.namespace}/{one.name}",
                    f"metadata.labels[{MANAGED_BY_LABEL}]; endpoints",
                    f"{one.managed_by}; {len(one.endpoints)}",
                ),
            ),
            *annotations_seen(situation),
        ),
        meaning=f"{why} any more, and the slices that it wrote while there was a selector are left as they "
        f"were: their endpoints and hints are stale{stale}.",
        fix=_adopt_or_clear(situation, owned, live, unknown=unknown),
        blocks_hints=True,
    )


def _adopt_or_clear(
    situation: Situation, owned: list[EndpointSlice], live: list[Pod], *, unknown: bool
) -> str:
    """Give the selector back that these pods have in common; where none is left, take all of it away."""
    common = set.intersection(*(set(pod.labels) for pod in live)) if live else set()
    selector = {key: value for key, value in sorted(common) if not key.endswith("pod-template-hash")}
    if selector:
        return patch_service(situation.key, {"spec": {"selector": selector}})
    if unknown or live:
        # Whoever serves there goes on doing so; taking the slices away would cut them off.
        return withdraw(situation.service)
    return in_turn(withdraw(situation.service), delete_slices(owned))


def d03_both(situation: Situation) -> Finding | None:
    """Annotation and field are both set: the annotation wins."""
    field = settings_of(situation.service).traffic_distribution
    if situation.mode is not RoutingMode.TAR or field is None:
        return None
    return Finding(
        code="D03",
        severity=Severity.RISK,
        evidence=annotations_seen(situation),
        meaning=f"Two modes are asked for: the Auto annotation wins, {field} has no effect.",
        fix=patch_service(situation.key, {"spec": {"trafficDistribution": None}}),
        blocks_hints=False,
    )


def d04_stray(situation: Situation) -> Finding | None:
    """A key that no release reads, or the right one where nobody looks for it."""
    if not situation.stray:
        return None
    first = situation.stray[0]
    alone = situation.mode is RoutingMode.OFF
    known = first.key in (TOPOLOGY_MODE_ANNOTATION, OLD_HINTS_ANNOTATION)
    meant = (
        "spec.trafficDistribution of the Service"
        if first.means is RoutingMode.PREFER_SAME_ZONE
        else f"the annotation {TOPOLOGY_MODE_ANNOTATION} of the Service"
    )
    where = "is read as an annotation of the Service only" if known else "is no key that any release reads"
    return Finding(
        code="D04",
        severity=Severity.PROBLEM if alone else Severity.NOTE,
        evidence=few(
            situation.stray,
            lambda one: seen(one.subject, f"metadata.{one.part}[{one.key}]", repr(one.value)),
        ),
        meaning=f"{first.key} {where}, so it asks for nothing; {meant} is meant.",
        fix=_set_right(situation, first) if alone else _unset(situation, first),
        blocks_hints=alone,
    )


def _set_right(situation: Situation, first: StrayKnob) -> str:
    wanted = by_field(situation)
    if first.means is RoutingMode.TAR:
        wanted = set_mode(situation.service, RoutingMode.TAR)
    return in_turn(wanted, _unset(situation, first))


def _unset(situation: Situation, first: StrayKnob) -> str:
    if not first.on_service:
        return ""
    keys = [f"{one.key}-" for one in situation.stray if one.on_service and one.part == first.part]
    if first.part == "annotations":
        return annotate(situation.key, *keys)
    return kubectl("-n", situation.key.namespace, "label", "service", situation.key.name, *keys)
