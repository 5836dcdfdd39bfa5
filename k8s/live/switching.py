"""A Service's routing mode shown, switched and put back, as a person asks for it.

The steps are those of ``k8s/live/control.py``; here is what belongs to them: asking before a cluster is
changed, the record of what the Service had, and what to do when the controller refuses.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from k8s.effects import Patience, Talk
from k8s.errors import InvalidRunError
from k8s.live import control
from k8s.live.control import HintsOutcome
from k8s.routing.advice import nearest_counts
from k8s.routing.modes import RoutingMode, RoutingSettings, mode_of, settings_of
from k8s.topology import Event, HintsSeen, ServiceKey

UNASKED = Talk(say=lambda _: None, agree=lambda _: None)
"""Nobody listens and nobody is asked: for the lab, which is ours, and for other programs."""


class HintsRefusedError(InvalidRunError):
    """The hints of a mode were not assigned; *outcome* says what the controller said."""

    def __init__(self, message: str, outcome: HintsOutcome) -> None:
        super().__init__(message)
        self.outcome = outcome


class NamedCluster(control.Cluster, Protocol):
    """A cluster that can say which one it is; ``LiveCluster`` can."""

    @property
    def context(self) -> str:
        """The kubeconfig context."""

    @property
    def server(self) -> str:
        """The API server's URL."""


class Records(Protocol):
    """What Services had before they were changed; ``Originals`` keeps it in files."""

    def remember(self, context: str, key: ServiceKey, original: RoutingSettings) -> bool:
        """Record *original* unless there is a record already; True where it was new."""

    def recall(self, context: str, key: ServiceKey) -> RoutingSettings | None:
        """The recorded knobs, or None."""

    def forget(self, context: str, key: ServiceKey) -> None:
        """Drop the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingSession:
    """The place, and what a change of its routing may use."""

    cluster: NamedCluster
    records: Records
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
class PutBack:
    """What ``restore`` found and left."""

    mode: RoutingMode
    """The one in force afterwards."""
    had_record: bool
    """Without a record nothing is changed."""


def switch(session: RoutingSession, request: SwitchRequest) -> HintsOutcome:
    """Put a mode in force and wait for its hints; what the Service had is recorded, to be put back later.

    Raises HintsRefusedError when the hints do not come (the mode stays set) and UsageError when a person does
    not agree. Interrupted, the Service has what it had.
    """
    cluster, key = session.cluster, request.service
    service = cluster.service(key)
    session.talk.agree(
        (
            "this changes a cluster:",
            f"context  {cluster.context} (API server {cluster.server})",
            f"Service  {key}: from {mode_of(service).value} to {request.mode.value}",
        )
    )
    original = settings_of(service)
    is_new = session.records.remember(cluster.context, key, original)
    try:
        applied = control.set_mode(cluster, key, request.mode, request.patience)
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
        control.restore(cluster, key, original)
        if is_new:
            session.records.forget(cluster.context, key)
        raise


def restore(session: RoutingSession, key: ServiceKey) -> PutBack:
    """Give the Service back what it had; asks nobody: it puts back what we recorded, and only that."""
    cluster = session.cluster
    original = session.records.recall(cluster.context, key)
    if original is None:
        return PutBack(mode=mode_of(cluster.service(key)), had_record=False)
    restored = control.restore(cluster, key, original)
    session.records.forget(cluster.context, key)
    return PutBack(mode=mode_of(restored), had_record=True)


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
