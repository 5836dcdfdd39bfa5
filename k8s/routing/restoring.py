"""What a Service had before it was changed, and what of it is put back: a decision of three, knob by knob.

A knob that is as we set it gets back what it had. One that has it already is left. One that is something
else was changed by somebody else since, and stays as they set it.
"""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Final

from k8s.routing.modes import RoutingMode, RoutingSettings, mode_in, settings_for
from k8s.topology import OLD_HINTS_ANNOTATION, TOPOLOGY_MODE_ANNOTATION, ServiceKey


class Knob(StrEnum):
    """A knob of a Service, by its field in ``RoutingSettings``."""

    TOPOLOGY_MODE = "topology_mode"
    TOPOLOGY_AWARE_HINTS = "topology_aware_hints"
    TRAFFIC_DISTRIBUTION = "traffic_distribution"

    @property
    def path(self) -> tuple[str, ...]:
        """Where the object has it."""
        if self is Knob.TRAFFIC_DISTRIBUTION:
            return ("spec", "trafficDistribution")
        return ("metadata", "annotations", _ANNOTATIONS[self])

    @property
    def words(self) -> str:
        """As a person knows it."""
        if self is Knob.TRAFFIC_DISTRIBUTION:
            return "spec.trafficDistribution"
        return f"annotation {_ANNOTATIONS[self]}"

    def of(self, settings: RoutingSettings) -> str | None:
        """Its value; None where it is absent."""
        value: str | None = getattr(settings, self.value)
        return value


_ANNOTATIONS: Final = {
    Knob.TOPOLOGY_MODE: TOPOLOGY_MODE_ANNOTATION,
    Knob.TOPOLOGY_AWARE_HINTS: OLD_HINTS_ANNOTATION,
}
assert {one.name for one in fields(RoutingSettings)} == set(Knob)  # noqa: S101 - a knob more is seen at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """What a Service had before the first of our changes, and what we set since."""

    had: RoutingSettings
    ours: tuple[RoutingSettings, ...] = ()
    """The knobs as they were before and are after our newest change, which may not have come to pass."""
    run: str = ""
    """The run, or the command, that changed it first."""
    since_s: float = 0.0
    """When, in seconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedKnob:
    """A knob that somebody else changed since."""

    knob: Knob
    found: str | None
    """As they set it."""
    had: str | None
    """What would have been put back."""

    def __str__(self) -> str:
        """What is left, and against what."""
        return f"{self.knob.words} is {_word(self.found)} (before: {_word(self.had)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """What to put back."""

    wanted: RoutingSettings
    """The knobs as they are to be."""
    changed: tuple[ChangedKnob, ...] = ()
    """Those that stay as somebody else set them."""


def restoration(
    current: RoutingSettings,
    *,
    target: RoutingSettings,
    ours: Sequence[RoutingSettings],
    force: bool = False,
) -> Restoration:
    """Decide what becomes of *current* so that it gets *target* back, where *ours* is what we set.

    With *force* what somebody else set is put back, too.
    """
    values: dict[str, str | None] = {}
    changed = []
    for knob in Knob:
        found, had = knob.of(current), knob.of(target)
        if force or found == had or found in {knob.of(one) for one in ours}:
            values[knob.value] = had
        else:
            values[knob.value] = found
            changed.append(ChangedKnob(knob=knob, found=found, had=had))
    return Restoration(wanted=RoutingSettings(**values), changed=tuple(changed))


def taken_up(original: Original, current: RoutingSettings) -> Original:
    """An earlier record, from which a new change goes on.

    The first original stands; but a knob that somebody else changed since is theirs, and gets that back.
    """
    stands = restoration(current, target=original.had, ours=original.ours)
    theirs = {one.knob.value: one.found for one in stands.changed}
    return replace(original, had=replace(original.had, **theirs))


def noted(original: Original, current: RoutingSettings, wanted: RoutingSettings) -> Original:
    """The record before *current* becomes *wanted*: either may be found if that is cut short."""
    return replace(original, ours=tuple(dict.fromkeys((current, wanted))))


def possible(had: RoutingSettings) -> tuple[RoutingSettings, ...]:
    """All that one of our changes can have made of *had*: for a record that does not say which it was."""
    first = [settings_for(mode, had) for mode in RoutingMode]
    second = [settings_for(mode, one) for mode in RoutingMode for one in first]
    return tuple(dict.fromkeys((*first, *second)))


def still_on(settings: RoutingSettings) -> tuple[Knob, ...]:
    """The knobs that would have to be cleared for zone routing to be off; none where it is."""
    if mode_in(settings) is RoutingMode.OFF:
        return ()
    off = settings_for(RoutingMode.OFF, settings)
    return tuple(knob for knob in Knob if knob.of(settings) != knob.of(off))


def clearing(knob: Knob, key: ServiceKey, *, context: str) -> str:
    """The command that clears the knob."""
    kubectl = f"kubectl --context {shlex.quote(context)} -n {key.namespace}"
    if knob is Knob.TRAFFIC_DISTRIBUTION:
        patch = json.dumps({"spec": {"trafficDistribution": None}}, separators=(",", ":"))
        return f"{kubectl} patch service {key.name} --type merge -p '{patch}'"
    return f"{kubectl} annotate service {key.name} {_ANNOTATIONS[knob]}-"


def _word(value: str | None) -> str:
    return "absent" if value is None else repr(value)
