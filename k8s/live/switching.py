"""A Service's routing mode shown, switched and put back, as a person asks for it.

The steps are those of ``k8s/live/control.py``; here is what belongs to them: asking before a cluster is
changed, holding the Service meanwhile, and what to do when the controller refuses.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from k8s.effects import Patience, Talk
from k8s.errors import InvalidRunError
from k8s.live import control
from k8s.live.control import HintsOutcome
from k8s.live.holding import HoldableCluster, Holds
from k8s.model.field_managers import FieldManager
from k8s.process import interrupts
from k8s.routing.advice import nearest_counts
from k8s.routing.modes import RoutingMode, mode_of, settings_of
from k8s.routing.restoring import ChangedKnob, Knob, clearing, still_on
from k8s.topology import Event, HintsSeen, ServiceKey

UNASKED = Talk(say=lambda _: None, agree=lambda _: None)
"""Nobody listens and nobody is asked: for the lab, which is ours, and for other programs."""


class HintsRefusedError(InvalidRunError):
    """The hints of a mode were not assigned; *outcome* says what the controller said."""

    def __init__(self, message: str, outcome: HintsOutcome) -> None:
        super().__init__(message)
        self.outcome = outcome


class NamedCluster(HoldableCluster, Protocol):
    """A cluster that can say which one it is; ``LiveCluster`` can."""

    @property
    def server(self) -> str:
        """The API server's URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingSession:
    """The place, and what a change of its routing may use."""

    cluster: NamedCluster
    holds: Holds
    talk: Talk = UNASKED
    """Its ``agree`` is asked before a Service is changed, and its ``say`` hears warnings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchRequest:
    """The mode that a Service shall have, and how long its hints are waited for."""

    service: ServiceKey
    mode: RoutingMode
    patience: Patience


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingShown:
    """How a Service is routed now."""

    mode: RoutingMode
    hints: HintsSeen
    events: tuple[Event, ...]
    """Those of the Service, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnobFound:
    """A knob as it is on the Service."""

    knob: Knob
    value: str | None
    manager: FieldManager | None
    """Who set it, as far as the object tells."""
    command: str
    """What clears it."""

    def __str__(self) -> str:
        """The knob, its value, and who set it."""
        value = "absent" if self.value is None else repr(self.value)
        return f"{self.knob.words} is {value}, set by {self.manager or 'nobody that the object names'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """What ``restore`` found and left."""

    mode: RoutingMode
    """The one in force afterwards."""
    had_record: bool
    """Without a record nothing is changed."""
    changed: tuple[tuple[ChangedKnob, FieldManager | None], ...] = ()
    """Knobs that stay as somebody else set them since, and who that was as far as the object tells."""
    on: tuple[KnobFound, ...] = ()
    """The knobs that keep zone routing on."""


def switch(session: RoutingSession, request: SwitchRequest) -> HintsOutcome:
    """Put a mode in force and wait for its hints; what the Service had is recorded, to be put back later.

    Raises HintsRefusedError when the hints do not come (the mode stays set), UsageError when a person does
    not agree, and HeldByOtherError while another run has the Service. Interrupted, the Service has what it
    had.
    """
    cluster, key = session.cluster, request.service
    service = cluster.service(key)
    session.holds.check(cluster, key)
    session.talk.agree(
        (
            "this changes a cluster:",
            f"context  {cluster.context} (API server {cluster.server})",
            f"Service  {key}: from {mode_of(service).value} to {request.mode.value}",
        )
    )
    with session.holds.held(cluster, key, run=f"routing set {request.mode.value}") as held:
        held.remember(settings_of(cluster.service(key)))
        try:
            applied = control.set_mode(cluster, key, request.mode, request.patience, note=held.note)
            for warning in applied.warnings:
                session.talk.say(f"warning: {warning}")
            return require_hints(
                cluster,
                key,
                request.mode,
                events_before=applied.events_before,
                patience=request.patience,
                doing=f"routing set {request.mode.value} on Service {key}",
                afterwards="to take the setting back: samezone routing restore",
            )
        except KeyboardInterrupt:
            with interrupts.held():
                held.give_back()
            raise


def restore(session: RoutingSession, key: ServiceKey, *, force: bool = False) -> PutBack:
    """Give the Service back what it had; asks nobody: it puts back what we recorded, and only that.

    What somebody else changed since stays as they set it, unless with *force*. HeldByOtherError while a run
    has the Service, unless with *force*.
    """
    cluster = session.cluster
    changed: tuple[ChangedKnob, ...] = ()
    with session.holds.taken_over(cluster, key, run="routing restore", force=force) as held:
        original = None if held is None else held.original
        if held is not None and original is not None:
            changed = held.give_back(original.had, force=force)
    found = cluster.versioned(key)
    settings = settings_of(found.service)
    return PutBack(
        mode=mode_of(found.service),
        had_record=original is not None,
        changed=tuple((one, found.manager(one.knob)) for one in changed),
        on=tuple(
            KnobFound(
                knob=knob,
                value=knob.of(settings),
                manager=found.manager(knob),
                command=clearing(knob, key, context=cluster.context),
            )
            for knob in still_on(settings)
        ),
    )


def show(cluster: control.Cluster, key: ServiceKey, *, clock: Callable[[], float]) -> RoutingShown:
    """The mode in force, the hints seen and the Service's events; changes nothing."""
    return RoutingShown(
        mode=mode_of(cluster.service(key)),
        hints=control.hints_seen(cluster.slices(key), at_s=clock()),
        events=cluster.events(key),
    )


def require_hints(
    cluster: control.Cluster,
    key: ServiceKey,
    mode: RoutingMode,
    *,
    events_before: Sequence[Event],
    patience: Patience,
    doing: str,
    afterwards: str,
) -> HintsOutcome:
    """The hints of a mode that was just set, once they are there.

    HintsRefusedError otherwise. It says what was being done (*doing*), what the controller said and, where it
    refused, which numbers of endpoints nearby it would accept; *afterwards* says how the Service is left.
    """
    outcome = control.await_hints(cluster, key, mode, events_before=events_before, patience=patience)
    if outcome.converged:
        return outcome
    hints, refusal = outcome.hints, outcome.refusal
    seen = f"{hints.hinted} of {hints.endpoints} endpoints hinted"
    said = "the controller said nothing"
    if refusal is not None:
        advice = nearest_counts(cluster.snapshot(()).nodes, hints.endpoints)
        said = f"the controller says: {refusal}; {advice}"
    raise HintsRefusedError(
        f"{doing}: hints were not assigned within {outcome.waited_s:.1f} s ({seen}); {said}; {afterwards}",
        outcome,
    )
