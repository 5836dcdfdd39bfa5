"""D01-D03: what the Service itself says."""

from k8s.doctor.commands import annotate, patch_service, set_mode, withdraw
from k8s.doctor.finding import Evidence, Finding, Severity, seen
from k8s.doctor.situation import OFF_VALUES, Situation, misspelt
from k8s.routing.modes import ACTIVE_ANNOTATION_VALUES, RoutingMode, parse_mode, settings_of
from k8s.topology import OLD_HINTS_ANNOTATION, TOPOLOGY_MODE_ANNOTATION

_FIELD_VALUES = ("PreferClose", "PreferSameZone", "PreferSameNode")


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
        fix = set_mode(situation.service, parse_mode("prefer-same-zone"))
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
    external = situation.service.type == "ExternalName"
    by_hand = situation.hinted
    if external:
        why = "An ExternalName Service has no endpoints: nothing is routed"
    else:
        why = "A Service without selector is not looked after by the EndpointSlice controller"
    return Finding(
        code="D02",
        severity=Severity.RISK if by_hand else Severity.PROBLEM,
        evidence=(
            seen(situation.subject, "spec.type", situation.service.type),
            seen(situation.subject, "spec.selector", "none" if not situation.service.selector else "set"),
            *annotations_seen(situation),
        ),
        meaning=f"{why}; only hints written into the slices by hand count, and they are there."
        if by_hand
        else f"{why}, so nobody writes hints: without a selector one can only ask for nothing.",
        fix=withdraw(situation.service),
        blocks_hints=True,
    )


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
