"""Routing modes, the Service patch that sets each, and the one that puts everything back.

Sources: KEP-2433 (Topology Aware Routing), KEP-4444 (trafficDistribution), KEP-3015 (PreferSameZone and
PreferSameNode). The annotation beats the field, and of the two annotation keys the old one beats the new.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, assert_never

from k8s.errors import UsageError
from k8s.model.nearest import nearest
from k8s.topology import OLD_HINTS_ANNOTATION, TOPOLOGY_MODE_ANNOTATION, Service

ACTIVE_ANNOTATION_VALUES = frozenset({"Auto", "auto"})
"""The only values the controller recognises."""


class RoutingMode(StrEnum):
    """How a Service prefers endpoints."""

    OFF = "off"
    TAR = "tar"
    PREFER_CLOSE = "prefer-close"
    PREFER_SAME_ZONE = "prefer-same-zone"
    PREFER_SAME_NODE = "prefer-same-node"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldMode:
    """A mode that ``spec.trafficDistribution`` asks for."""

    value: str
    """The field's value."""
    since_minor: int
    """The first Kubernetes 1.x whose controller acts upon it without a feature gate."""
    by_node: bool = False
    """Whether endpoints are hinted to their node, too."""
    does: str
    """What it brings about: a clause that goes on from the value."""


_OWN_ZONE: Final = "hints every endpoint to its own zone, whatever the load"


def field_of(mode: RoutingMode) -> FieldMode | None:
    """How the field asks for the mode; None for a mode that it does not ask for."""
    match mode:
        case RoutingMode.OFF | RoutingMode.TAR:
            return None
        case RoutingMode.PREFER_CLOSE:
            return FieldMode(value="PreferClose", since_minor=31, does=_OWN_ZONE)
        case RoutingMode.PREFER_SAME_ZONE:
            return FieldMode(value="PreferSameZone", since_minor=34, does=_OWN_ZONE)
        case RoutingMode.PREFER_SAME_NODE:
            does = "keeps connections on their node, else in their zone"
            return FieldMode(value="PreferSameNode", since_minor=34, by_node=True, does=does)
        case _:
            assert_never(mode)


FIELD_MODES: Final = {mode: field for mode in RoutingMode if (field := field_of(mode)) is not None}
"""The modes that ``spec.trafficDistribution`` asks for, and how."""


def by_node(mode: RoutingMode) -> bool:
    """Whether the mode hints endpoints to nodes."""
    return mode in FIELD_MODES and FIELD_MODES[mode].by_node


def choices(*, without: RoutingMode | None = None) -> str:
    """The modes' names for a help text."""
    *others, last = (mode.value for mode in RoutingMode if mode is not without)
    return f"{', '.join(others)} or {last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingSettings:
    """The three knobs of a Service; None is absent."""

    topology_mode: str | None = None
    topology_aware_hints: str | None = None
    traffic_distribution: str | None = None


def parse_mode(text: str) -> RoutingMode:
    """The mode of that name, in any case, or as Kubernetes spells it; UsageError names the choices."""
    plain = text.replace("-", "").lower()
    for mode in RoutingMode:
        if plain == mode.value.replace("-", ""):
            return mode
    # Auto is the annotation's value: what it asks for has another name here.
    meant = RoutingMode.TAR.value if plain == "auto" else nearest(text, RoutingMode)
    if meant is not None:
        raise UsageError(f"routing mode {text!r} is not known; did you mean {meant}?")
    raise UsageError(f"routing mode {text!r} is not known; choose one of {', '.join(RoutingMode)}")


def settings_of(service: Service) -> RoutingSettings:
    """The knobs as they are."""
    return RoutingSettings(
        topology_mode=service.annotation(TOPOLOGY_MODE_ANNOTATION),
        topology_aware_hints=service.annotation(OLD_HINTS_ANNOTATION),
        traffic_distribution=service.traffic_distribution,
    )


def mode_of(service: Service) -> RoutingMode:
    """The mode that is in force: what the controller reads, in its order of precedence."""
    return mode_in(settings_of(service))


def mode_in(settings: RoutingSettings) -> RoutingMode:
    """The mode that these knobs put in force."""
    annotation = (
        settings.topology_aware_hints if settings.topology_aware_hints is not None else settings.topology_mode
    )
    if annotation in ACTIVE_ANNOTATION_VALUES:
        return RoutingMode.TAR
    for mode, field in FIELD_MODES.items():
        if settings.traffic_distribution == field.value:
            return mode
    return RoutingMode.OFF


def settings_for(mode: RoutingMode, current: RoutingSettings) -> RoutingSettings:
    """The knobs that put *mode* in force, changing only what it needs of *current*."""
    if mode is RoutingMode.TAR:
        # The old key wins even with the value "Disabled", so it may only stay if it says Auto itself.
        old = current.topology_aware_hints
        keeps_old = old in ACTIVE_ANNOTATION_VALUES
        has_new = current.topology_mode in ACTIVE_ANNOTATION_VALUES
        return RoutingSettings(
            topology_mode=current.topology_mode if keeps_old or has_new else "Auto",
            topology_aware_hints=old if keeps_old else None,
            traffic_distribution=current.traffic_distribution,
        )
    inactive = RoutingSettings(
        topology_mode=_unless_active(current.topology_mode),
        topology_aware_hints=_unless_active(current.topology_aware_hints),
    )
    field = field_of(mode)
    return RoutingSettings(
        topology_mode=inactive.topology_mode,
        topology_aware_hints=inactive.topology_aware_hints,
        traffic_distribution=None if field is None else field.value,
    )


def _unless_active(value: str | None) -> str | None:
    return None if value in ACTIVE_ANNOTATION_VALUES else value


def patch_between(current: RoutingSettings, wanted: RoutingSettings) -> dict[str, Any] | None:
    """The JSON merge patch (RFC 7386) that turns *current* into *wanted*; None when nothing differs."""
    annotations: dict[str, Any] = {}
    if current.topology_mode != wanted.topology_mode:
        annotations[TOPOLOGY_MODE_ANNOTATION] = wanted.topology_mode
    if current.topology_aware_hints != wanted.topology_aware_hints:
        annotations[OLD_HINTS_ANNOTATION] = wanted.topology_aware_hints
    patch: dict[str, Any] = {}
    if annotations:
        patch["metadata"] = {"annotations": annotations}
    if current.traffic_distribution != wanted.traffic_distribution:
        patch["spec"] = {"trafficDistribution": wanted.traffic_distribution}
    return patch or None


def conflicts(service: Service) -> tuple[str, ...]:
    """Warnings about knobs that contradict each other, one sentence each."""
    settings = settings_of(service)
    found: list[str] = []
    if mode_of(service) is RoutingMode.TAR and settings.traffic_distribution is not None:
        found.append(
            f"Service {service.key} has both an Auto annotation and "
            f"trafficDistribution: {settings.traffic_distribution}; the annotation wins"
        )
    if settings.topology_aware_hints is not None and settings.topology_mode is not None:
        found.append(
            f"Service {service.key} has both {OLD_HINTS_ANNOTATION} and {TOPOLOGY_MODE_ANNOTATION}; "
            "the old key wins, whatever its value"
        )
    if service.internal_traffic_policy == "Local":
        found.append(
            f"Service {service.key} has internalTrafficPolicy: Local, which bypasses hints: calls stay on "
            "their node, or fail where it has no endpoint"
        )
    return tuple(found)
