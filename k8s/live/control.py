"""Set a routing mode, wait until its hints are there (or the controller says why not), put it back.

Use-cases over the ``Cluster`` protocol; clocks and sleep are arguments, so that tests take microseconds.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from k8s.effects import Patience
from k8s.errors import ConflictError
from k8s.model.field_managers import FieldManager
from k8s.routing.convergence import has_converged, in_own_zone
from k8s.routing.modes import (
    RoutingMode,
    RoutingSettings,
    conflicts,
    patch_between,
    settings_for,
    settings_of,
)
from k8s.routing.restoring import Knob
from k8s.topology import EndpointSlice, Event, HintsSeen, Service, ServiceKey, Snapshot

DISABLED_REASONS = frozenset({"TopologyAwareHintsDisabled", "TopologyAwareRoutingDisabled"})
"""What the controller writes, and what KEP-2433 announced and nobody ships."""
POLL_S = 0.1
ATTEMPTS = 10
"""How often a change is tried while others change the same Service."""
Note = Callable[[RoutingSettings, RoutingSettings], None]
"""Hears (the knobs as they are, the knobs as they are to be) before each change, and may forbid it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionedService:
    """A Service as it was in one moment."""

    service: Service
    version: str
    """Its resourceVersion: a patch that names it is refused once somebody else was faster."""
    managers: tuple[tuple[Knob, FieldManager], ...] = ()
    """Who set which knob, as far as the object tells."""

    def manager(self, knob: Knob) -> FieldManager | None:
        """Who set that knob; None where the object does not tell."""
        return dict(self.managers).get(knob)


class Cluster(Protocol):
    """The place as its API shows it. Methods raise UnreachableError when it refuses or is away."""

    def service(self, key: ServiceKey) -> Service:
        """The Service; UsageError when there is none of that name."""

    def versioned(self, key: ServiceKey) -> VersionedService:
        """The same with its version and who set its knobs; NotFoundError when there is none."""

    def slices(self, key: ServiceKey) -> tuple[EndpointSlice, ...]:
        """The Service's EndpointSlices, in the order of their names."""

    def events(self, key: ServiceKey) -> tuple[Event, ...]:
        """Events on the Service, oldest first."""

    def patch_service(self, key: ServiceKey, patch: dict[str, Any]) -> Service:
        """Apply a JSON merge patch and return the Service after it.

        ConflictError where the patch names a resourceVersion that is not the Service's any more.
        """

    def snapshot(self, namespaces: Sequence[str] | None) -> Snapshot:
        """All nodes, and the pods, Services and slices of these namespaces; None: of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What setting a mode did."""

    original: RoutingSettings
    """The knobs before, to be restored."""
    service_before: Service
    service: Service
    """The Service afterwards."""
    events_before: tuple[Event, ...]
    changed: bool
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HintsOutcome:
    """What the controller made of the mode."""

    converged: bool
    hints: HintsSeen
    events: tuple[Event, ...] = field(default=())
    """The Service's events that are new since the mode was set."""
    refusal: str | None = None
    """The controller's message where it refused to assign hints."""
    waited_s: float = 0.0


def change(
    cluster: Cluster,
    key: ServiceKey,
    wanted: Callable[[RoutingSettings], RoutingSettings],
    *,
    note: Note = lambda *_: None,
) -> Service:
    """Turn the Service's knobs into what *wanted* makes of them, and return it as it is then.

    Nobody's change in between is overwritten: the patch names the version that was read, and is thought over
    on a newer one. ConflictError where others go on changing it all the time.
    """
    for _ in range(ATTEMPTS):
        found = cluster.versioned(key)
        current = settings_of(found.service)
        aim = wanted(current)
        patch = patch_between(current, aim)
        if patch is None:
            return found.service
        note(current, aim)
        metadata = {**patch.get("metadata", {}), "resourceVersion": found.version}
        try:
            return cluster.patch_service(key, {**patch, "metadata": metadata})
        except ConflictError as error:
            last = error
    raise ConflictError(f"{last}; tried {ATTEMPTS} times: something else changes this Service all the time")


def set_mode(
    cluster: Cluster,
    key: ServiceKey,
    mode: RoutingMode,
    patience: Patience,
    *,
    note: Note = lambda *_: None,
) -> Applied:
    """Put *mode* in force on the Service, changing only the knobs it needs; *note* hears of each change.

    Node hints that PreferSameNode left would survive under Auto (the controller keeps an unchanged slice
    whose zone hints are permitted, forNodes included), and kube-proxy would go on preferring the node; so
    they are cleared by way of *off* first.
    """
    before = cluster.service(key)
    events_before = cluster.events(key)
    way: dict[RoutingSettings, RoutingSettings] = {}
    if mode is RoutingMode.TAR and _has_node_hints(cluster.slices(key)):
        off = settings_of(change(cluster, key, partial(settings_for, RoutingMode.OFF), note=note))
        way[off] = settings_for(mode, settings_of(before))
        await_hints(cluster, key, RoutingMode.OFF, events_before=events_before, patience=patience)
    after = change(cluster, key, lambda now: way.get(now) or settings_for(mode, now), note=note)
    return Applied(
        original=settings_of(before),
        service_before=before,
        service=after,
        events_before=events_before,
        changed=after != before,
        warnings=conflicts(after),
    )


def _has_node_hints(slices: Sequence[EndpointSlice]) -> bool:
    return any(endpoint.node_hints for one in slices for endpoint in one.endpoints)


def await_hints(
    cluster: Cluster,
    key: ServiceKey,
    mode: RoutingMode,
    *,
    events_before: Sequence[Event],
    patience: Patience,
) -> HintsOutcome:
    """Wait until every slice shows what *mode* asks for, or the controller's refusal."""
    began_s = patience.monotonic()
    while True:
        slices = cluster.slices(key)
        hints = hints_seen(slices, at_s=patience.clock())
        fresh = new_events(events_before, cluster.events(key))
        done = has_converged(mode, slices)
        refusal = None
        if mode is RoutingMode.TAR and not done:
            refusal = next((event.message for event in fresh if event.reason in DISABLED_REASONS), None)
        waited_s = patience.monotonic() - began_s
        if done or refusal is not None or waited_s >= patience.timeout_s:
            return HintsOutcome(converged=done, hints=hints, events=fresh, refusal=refusal, waited_s=waited_s)
        patience.sleep(POLL_S)


def hints_seen(slices: Sequence[EndpointSlice], *, at_s: float) -> HintsSeen:
    """Count the hints of the ready endpoints."""
    ready = [endpoint for one in slices for endpoint in one.endpoints if endpoint.ready is True]
    by_zone = Counter(str(zone) for endpoint in ready for zone in endpoint.zone_hints)
    return HintsSeen(
        at_s=at_s,
        endpoints=len(ready),
        hinted=sum(1 for endpoint in ready if endpoint.zone_hints),
        own_zone=sum(1 for endpoint in ready if in_own_zone(endpoint)),
        by_zone=tuple(sorted(by_zone.items())),
    )


def new_events(before: Sequence[Event], after: Sequence[Event]) -> tuple[Event, ...]:
    """Events of *after* that are not in *before*, or that happened again (higher count, later time).

    Comparing with what was there, not with our clock, keeps a skewed clock out of it.
    """
    known = {(event.type, event.reason, event.message): event for event in before}
    fresh = []
    for event in after:
        old = known.get((event.type, event.reason, event.message))
        if old is None or (event.count, event.last_seen_s) > (old.count, old.last_seen_s):
            fresh.append(event)
    return tuple(fresh)
