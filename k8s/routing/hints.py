"""The EndpointSlice controller's decision: which hints the slices of one Service get.

``reconcile`` does one pass over one Service and one address family, as ``reconcileByAddressType`` of
kubernetes/endpointslice does after it has sorted the slices into create, update and unchanged: annotation
``topology-mode: Auto`` (KEP-2433), the field ``trafficDistribution`` (KEP-4444, KEP-3015), or neither.
Its answer depends on history: slices that are not touched keep their hints if those are still permitted.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from k8s.routing.allocation import Allocation, CpuRatios, Refusal, ZoneCounts, allocate
from k8s.routing.modes import RoutingMode, by_node, field_of, mode_of
from k8s.routing.transfers import Choose, Moves, first, pick, plan_moves
from k8s.topology import Endpoint, EndpointSlice, Service, Zone

NEWEST_MINOR = 36
"""The newest Kubernetes 1.x whose behaviour is modelled; also the default."""

_NO_EMPTY_HINT_SINCE = 33

CONTROLLER = "endpointslice-controller.k8s.io"
"""What the controller writes into ``endpointslice.kubernetes.io/managed-by`` of its slices."""
ENABLED_REASON = "TopologyAwareHintsEnabled"
DISABLED_REASON = "TopologyAwareHintsDisabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceLists:
    """The slices of one Service and family, by what the pass does with them; list order matters."""

    create: tuple[EndpointSlice, ...] = ()
    update: tuple[EndpointSlice, ...] = ()
    unchanged: tuple[EndpointSlice, ...] = ()

    @property
    def written(self) -> tuple[EndpointSlice, ...]:
        """Those to be created and updated, in the controller's order."""
        return self.create + self.update

    @property
    def every(self) -> tuple[EndpointSlice, ...]:
        """All of them."""
        return self.create + self.update + self.unchanged


@dataclass(frozen=True, slots=True, kw_only=True)
class HintsCache:
    """What the controller remembers of one Service between passes; a restart forgets it."""

    populated: bool = False
    """Whether Auto hints were set: one flag for both address families."""
    have: tuple[tuple[str, ZoneCounts], ...] = ()
    """(address type, hints per zone) after the last pass that hinted, sorted."""

    def of(self, address_type: str) -> ZoneCounts:
        """The hints per zone of a family; empty where it has none."""
        return dict(self.have).get(address_type, ())

    def with_hints(self, address_type: str, counts: ZoneCounts) -> "HintsCache":
        """After a pass that hinted this family."""
        return HintsCache(
            populated=True, have=tuple(sorted((dict(self.have) | {address_type: counts}).items()))
        )

    def without(self, address_type: str) -> "HintsCache":
        """After a pass that left or took this family's hints away."""
        # Upstream clears the common flag whichever family fails, so a healthy one announces itself again.
        return HintsCache(have=tuple(pair for pair in self.have if pair[0] != address_type))


@dataclass(frozen=True, slots=True, kw_only=True)
class HintsEvent:
    """An event the controller records on the Service."""

    type: str
    """``Normal`` or ``Warning``."""
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What one pass leads to."""

    mode: RoutingMode
    """The mode that this controller version acts upon."""
    slices: SliceLists
    cache: HintsCache
    event: HintsEvent | None = None
    allocation: Allocation | None = None
    """Minimum, desired and maximum per zone; None unless the mode is TAR."""
    refusal: Refusal | None = None
    """Why TAR wrote no hints."""
    hinted: ZoneCounts = ()
    """Ready endpoints hinted to each zone afterwards, over all slices."""


def effective_mode(service: Service, minor: int = NEWEST_MINOR) -> RoutingMode:
    """The mode a controller of Kubernetes 1.*minor* acts upon: it ignores field values newer than itself."""
    mode = mode_of(service)
    field = field_of(mode)
    return RoutingMode.OFF if field is not None and minor < field.since_minor else mode


def is_processed(service: Service) -> bool:
    """Whether the controller keeps slices for the Service at all."""
    return bool(service.selector) and service.type != "ExternalName"


def is_owned(one: EndpointSlice) -> bool:
    """Whether the controller counts and writes this slice.

    It lists its slices by the label that says so, and passes over those that are about to be deleted.
    kube-proxy reads every slice with the Service's name.
    """
    return one.managed_by == CONTROLLER and not one.deleting


def counts_as_ready(endpoint: Endpoint) -> bool:
    """Ready in the controller's eyes: an absent condition is not ready (it is for clients)."""
    return endpoint.ready is True


def count_ready(slices: Iterable[EndpointSlice]) -> int:
    """N: the ready endpoints of all *slices*."""
    return sum(counts_as_ready(endpoint) for one in slices for endpoint in one.endpoints)


def hint_counts(slices: Iterable[EndpointSlice]) -> ZoneCounts:
    """Hints per zone over the ready endpoints; one with several zones counts once in each."""
    return _counts(zone for endpoint in _ready(slices) for zone in endpoint.zone_hints)


def own_zone_counts(slices: Iterable[EndpointSlice]) -> ZoneCounts:
    """Per zone, the ready endpoints hinted to it that are really in it."""
    return _counts(endpoint.zone for endpoint in _ready(slices) if endpoint.zone in endpoint.zone_hints)


def _ready(slices: Iterable[EndpointSlice]) -> Iterable[Endpoint]:
    return (endpoint for one in slices for endpoint in one.endpoints if counts_as_ready(endpoint))


def _counts(zones: Iterable[Zone | None]) -> ZoneCounts:
    return tuple(sorted((zone, count) for zone, count in Counter(zones).items() if zone is not None))


def reconcile(
    service: Service,
    cpu: CpuRatios,
    slices: SliceLists,
    cache: HintsCache,
    *,
    address_type: str = "IPv4",
    minor: int = NEWEST_MINOR,
    choose: Choose = first,
) -> Reconciliation:
    """One pass: the hints on *slices* (all of *address_type*), the event, and what to remember.

    *slices* carry their present hints in stored order; endpoints the caller rebuilt (those of create and
    update) carry none. *choose* is asked wherever the real controller leaves it to chance, except for the
    order of slices, which is the order given.
    """
    mode = effective_mode(service, minor)
    if mode is RoutingMode.TAR:
        return _reconcile_auto(cpu, slices, cache, address_type, choose)
    event = None
    if cache.populated:
        event = _event("Warning", DISABLED_REASON, "Topology Aware Hints has been disabled", address_type)
    after = without_hints(slices) if mode is RoutingMode.OFF else _own_zone_hints(slices, mode, minor)
    return Reconciliation(
        mode=mode,
        slices=after,
        cache=cache.without(address_type),
        event=event,
        hinted=hint_counts(after.every),
    )


def _event(kind: str, reason: str, text: str, address_type: str) -> HintsEvent:
    return HintsEvent(type=kind, reason=reason, message=f"{text}, addressType: {address_type}")


def _reconcile_auto(
    cpu: CpuRatios, slices: SliceLists, cache: HintsCache, address_type: str, choose: Choose
) -> Reconciliation:
    allocation = allocate(cpu, count_ready(slices.every))
    refusal, text = allocation.refusal, allocation.message
    if refusal is None:
        slices = keep_unchanged(slices, allocation)
        if lacks_zone(slices):
            refusal = text = Refusal.ENDPOINT_WITHOUT_ZONE
    if refusal is not None:
        return Reconciliation(
            mode=RoutingMode.TAR,
            slices=without_hints(slices),
            cache=cache.without(address_type),
            event=_event("Warning", DISABLED_REASON, str(text), address_type),
            allocation=allocation,
            refusal=refusal,
        )
    have = hints_before_moves(slices)
    after = _hinted(slices, plan_moves(allocation, have, choose), choose)
    # No check that anything is hinted: every ready endpoint is by now, and there are at least two.
    hinted = hint_counts(after.every)
    enabled = _event("Normal", ENABLED_REASON, "Topology Aware Hints has been enabled", address_type)
    return Reconciliation(
        mode=RoutingMode.TAR,
        slices=after,
        cache=cache.with_hints(address_type, hinted),
        event=None if cache.populated else enabled,
        allocation=allocation,
        hinted=hinted,
    )


def without_hints(slices: SliceLists) -> SliceLists:
    """All hints removed; an unchanged slice that had any is to be updated."""
    had = [any(one.zone_hints or one.node_hints for one in kept.endpoints) for kept in slices.unchanged]
    return SliceLists(
        create=tuple(map(_cleared, slices.create)),
        update=(
            *map(_cleared, slices.update),
            *(_cleared(kept) for kept, hinted in zip(slices.unchanged, had, strict=True) if hinted),
        ),
        unchanged=tuple(kept for kept, hinted in zip(slices.unchanged, had, strict=True) if not hinted),
    )


def _cleared(one: EndpointSlice) -> EndpointSlice:
    return _map_endpoints(one, lambda endpoint: replace(endpoint, zone_hints=(), node_hints=()))


def keep_unchanged(slices: SliceLists, allocation: Allocation) -> SliceLists:
    """Sort out which unchanged slices keep their hints as they are; the others move to update.

    In list order, with a running count: a slice must be redone if a ready endpoint of it has no zone hint,
    if one names a zone without counted node, or if a zone would get more than its maximum. Falling below a
    minimum is no reason. Hints for nodes are not looked at, so those of an earlier PreferSameNode survive.
    """
    maximum = {one.zone: one.maximum for one in allocation.zones}
    have: Counter[Zone] = Counter()
    kept: list[EndpointSlice] = []
    redone: list[EndpointSlice] = []
    for one in slices.unchanged:
        hints = Counter(zone for endpoint in _ready([one]) for zone in endpoint.zone_hints)
        complete = all(endpoint.zone_hints for endpoint in _ready([one]))
        if complete and all(have[zone] + count <= maximum.get(zone, -1) for zone, count in hints.items()):
            kept.append(one)
            have.update(hints)
        else:
            redone.append(one)
    return SliceLists(create=slices.create, update=(*slices.update, *redone), unchanged=tuple(kept))


def lacks_zone(slices: SliceLists) -> bool:
    """Whether a ready endpoint of a slice to be written has no zone; in an unchanged one nobody looks."""
    return any(not endpoint.zone for endpoint in _ready(slices.written))


def hints_before_moves(slices: SliceLists) -> Counter[Zone]:
    """Hints per zone when written endpoints are hinted to their own zone and kept slices stay as they are."""
    have = Counter(dict(hint_counts(slices.unchanged)))
    have.update(endpoints_by_zone(slices))
    return have


def endpoints_by_zone(slices: SliceLists) -> Counter[Zone]:
    """The ready endpoints of the slices to be written, by the zone they are in: those that can be moved."""
    return Counter(endpoint.zone for endpoint in _ready(slices.written) if endpoint.zone)


def _hinted(slices: SliceLists, moves: Moves, choose: Choose) -> SliceLists:
    """Own-zone hints on every written endpoint, then *moves*: the first endpoints of a giving zone go."""
    give, receive = dict(moves.give), dict(moves.receive)

    def hint(endpoint: Endpoint) -> Endpoint:
        if not counts_as_ready(endpoint) or endpoint.zone is None:
            # Upstream means to clear the hint here but clears it on a copy: a stale one stays.
            return endpoint
        zone = endpoint.zone
        if _take(give, zone):
            zone = pick(sorted(receive), choose)
            _take(receive, zone)
        return replace(endpoint, zone_hints=(zone,), node_hints=())

    create = tuple(_map_endpoints(one, hint) for one in slices.create)
    update = tuple(_map_endpoints(one, hint) for one in slices.update)
    return SliceLists(create=create, update=update, unchanged=slices.unchanged)


def _take(counts: dict[Zone, int], zone: Zone) -> bool:
    """Take one from *zone*, if it has any left."""
    if zone not in counts:
        return False
    counts[zone] -= 1
    if counts[zone] == 0:
        del counts[zone]
    return True


def _map_endpoints(one: EndpointSlice, change: Callable[[Endpoint], Endpoint]) -> EndpointSlice:
    return replace(one, endpoints=tuple(map(change, one.endpoints)))


def _own_zone_hints(slices: SliceLists, mode: RoutingMode, minor: int) -> SliceLists:
    """``trafficDistribution``: every ready endpoint to its own zone, with PreferSameNode also to its node.

    Endpoints that are not ready stay as they are, and so do slices in which nothing is wrong.
    """

    def hint(endpoint: Endpoint) -> Endpoint:
        if not counts_as_ready(endpoint):
            return endpoint
        zone = endpoint.zone
        if zone is None and minor < _NO_EMPTY_HINT_SINCE:
            zone = Zone("")
        node = endpoint.node if by_node(mode) else None
        return replace(
            endpoint,
            zone_hints=() if zone is None else (zone,),
            node_hints=() if node is None else (node,),
        )

    hinted = tuple(_map_endpoints(one, hint) for one in slices.unchanged)
    return SliceLists(
        create=tuple(_map_endpoints(one, hint) for one in slices.create),
        update=(
            *(_map_endpoints(one, hint) for one in slices.update),
            *(after for before, after in zip(slices.unchanged, hinted, strict=True) if before != after),
        ),
        unchanged=tuple(one for one, after in zip(slices.unchanged, hinted, strict=True) if one == after),
    )
