"""The same-zone share to be expected under given hints, and by name why it is not 1 (pure).

Reads the slices as they are (seen, or as a prediction makes them) through kube-proxy's rule in
``k8s/routing/proxy.py``: each new connection goes to one of the usable endpoints, all equally likely. The
arithmetic is in fractions, so the parts of the gap sum to exactly 1 - share.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import assert_never

from k8s.predict.clients import ClientNode, Clients
from k8s.routing.carriers import Carrier, Use
from k8s.routing.hints import NEWEST_MINOR
from k8s.routing.modes import RoutingMode, mode_of
from k8s.routing.proxy import HintsIgnored, ProxyMode, Usable, own_zone, unhinted, usable
from k8s.topology import Endpoint, EndpointSlice, Node, NodeName, Service, Zone

_NONE = Fraction(0)


class GapCause(StrEnum):
    """Why connections leave their zone."""

    OFF = "no zone is preferred: routing is off"
    NO_HINTS = "a mode is set, but the endpoints carry no hints"
    IGNORED = "hints are there, but kube-proxy ignores them"
    NOT_READ = "what carries these connections does not read the setting"
    FALLBACK = "no endpoint is hinted for the clients' zone or node, so they use all"
    DONATED = "endpoints are hinted to another zone than theirs on purpose"
    NOTHING_READY = "no endpoint is ready; those that terminate serve everybody"
    UNPLACED = "the client's or the endpoint's zone is not known"


_FALLBACKS = frozenset({HintsIgnored.NO_HINT_FOR_ZONE, HintsIgnored.NO_HINT_FOR_NODE})


@dataclass(frozen=True, slots=True, kw_only=True)
class GapPart:
    """A part of what is missing to a same-zone share of 1."""

    cause: GapCause
    share: Fraction
    """Of all established connections; above 0."""
    reason: HintsIgnored | None = None
    """Why the hints were passed over, where the cause is IGNORED or FALLBACK."""
    zones: tuple[Zone | None, ...] = ()
    """The zones of the clients concerned, sorted; None for clients without a zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneExpectation:
    """What the clients of one zone do."""

    zone: Zone | None
    weight: Fraction
    """Share of all established connections that these clients open."""
    share: Fraction
    """Of theirs, those that stay in the zone; 0 where the zone is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRange:
    """Expected load of the least and the most loaded endpoint, as multiples of the mean over all."""

    least: Fraction
    greatest: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedShare:
    """What to expect of the connections that are established; fractions, 0 to 1."""

    share: Fraction | None
    """Those that stay in their zone; None where none is established."""
    refused: Fraction = _NONE
    """Share of the *attempted* connections that find no endpoint: policy Local, or nothing serves."""
    by_zone: tuple[ZoneExpectation, ...] = ()
    """Sorted by the clients' zone, an unknown one last."""
    gap: tuple[GapPart, ...] = ()
    """Greatest first; sums to exactly 1 - share."""
    load: LoadRange | None = None
    """Over all ready endpoints; None where none is established."""
    fallback_zones: tuple[Zone | None, ...] = ()
    """Zones whose clients use every endpoint because none is hinted to them, sorted."""


def expected_share(
    service: Service,
    slices: Iterable[EndpointSlice],
    clients: Clients,
    nodes: Iterable[Node],
    *,
    minor: int = NEWEST_MINOR,
    minors: Mapping[NodeName, int] | None = None,
) -> ExpectedShare:
    """Same-zone share and load under the hints that *slices* carry.

    *slices* are all of the Service and one address family. *minor* is the kube-proxies' version 1.x,
    *minors* that of single nodes; UsageError below 27. Zones are physical: an endpoint's is its node's
    label, else ``endpoints[].zone``; never a hint. Same-zone share: sum over client nodes of share times
    |usable in the node's zone| / |usable|.
    """
    kept = tuple(slices)
    endpoints = [endpoint for one in kept for endpoint in one.endpoints]
    tally = _Tally(off=mode_of(service) is RoutingMode.OFF, endpoints=endpoints, nodes=nodes)
    mode = mode_of(service)
    for group in _groups(service, endpoints, clients, minors or {}, minor):
        match group.carrier.use_of(mode):
            case Use.NONE:
                found = unhinted(service, kept, group.node)
            case Use.FIELD:
                found = own_zone(service, kept, group.node, group.zone)
            case Use.HINTS | Use.UNKNOWN:
                found = usable(service, kept, group.node, group.zone, minor=group.minor)
            case other:
                assert_never(other)
        tally.add(group, found)
    return tally.result()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Client nodes that kube-proxy treats alike."""

    node: NodeName
    """One of them."""
    zone: Zone | None
    minor: int
    share: Fraction
    carrier: Carrier


def _groups(
    service: Service,
    endpoints: Sequence[Endpoint],
    clients: Clients,
    minors: Mapping[NodeName, int],
    minor: int,
) -> list[_Group]:
    """Zone and version decide; the node itself only with policy Local, node hints or doubled addresses."""
    doubled = len({endpoint.addresses[0] for endpoint in endpoints}) < len(endpoints)
    by_node = service.internal_traffic_policy == "Local" or doubled
    by_node = by_node or any(endpoint.node_hints for endpoint in endpoints)
    alike: dict[tuple[NodeName | None, Zone | None, int, Carrier], list[ClientNode]] = {}
    for one in clients.nodes:
        key = (one.node if by_node else None, one.zone, minors.get(one.node, minor), one.carrier)
        alike.setdefault(key, []).append(one)
    return [
        _Group(
            node=members[0].node,
            zone=zone,
            minor=version,
            share=sum((one.share for one in members), start=_NONE),
            carrier=carrier,
        )
        for (_, zone, version, carrier), members in alike.items()
    ]


@dataclass(slots=True)
class _ZoneTally:
    weight: Fraction = _NONE
    same: Fraction = _NONE


class _Tally:
    """Adds up what each group of clients does."""

    def __init__(self, *, off: bool, endpoints: Sequence[Endpoint], nodes: Iterable[Node]) -> None:
        self._off = off
        self._zone_of_node = {node.name: node.zone for node in nodes}
        self._refused = _NONE
        self._zones: dict[Zone | None, _ZoneTally] = {}
        self._gap: dict[tuple[GapCause, HintsIgnored | None], _GapTally] = {}
        self._fallback: set[Zone | None] = set()
        self._ready = {one.addresses[0] for one in endpoints if one.ready is not False}
        self._users: dict[str, int] = {}
        """By address: a bit for each group that uses the endpoint."""
        self._each: list[Fraction] = []
        """By group: what each of its endpoints gets from it."""

    def add(self, group: _Group, found: Usable) -> None:
        """The connections of *group*, which *found* may take."""
        if not found.endpoints:
            self._refused += group.share
            return
        each = group.share / len(found.endpoints)
        places = Counter(map(self._place, found.endpoints))
        unknown = len(found.endpoints) if group.zone is None else places[None]
        same = 0 if group.zone is None else places[group.zone]
        zone = self._zones.setdefault(group.zone, _ZoneTally())
        zone.weight += group.share
        zone.same += same * each
        self._miss(GapCause.UNPLACED, None, group.zone, unknown * each)
        cause, reason = self._cause(found)
        if cause is GapCause.FALLBACK:
            self._fallback.add(group.zone)
        self._miss(cause, reason, group.zone, (len(found.endpoints) - same - unknown) * each)
        bit = 1 << len(self._each)
        self._each.append(each)
        for endpoint in found.endpoints:
            address = endpoint.addresses[0]
            self._users[address] = self._users.get(address, 0) | bit

    def _place(self, endpoint: Endpoint) -> Zone | None:
        at = None if endpoint.node is None else self._zone_of_node.get(endpoint.node)
        return at or endpoint.zone

    def _cause(self, found: Usable) -> tuple[GapCause, HintsIgnored | None]:
        if found.mode in (ProxyMode.SAME_ZONE, ProxyMode.SAME_NODE):
            return GapCause.DONATED, None
        if found.terminating:
            return GapCause.NOTHING_READY, None
        if not found.ignored:
            return (GapCause.OFF if self._off else GapCause.NO_HINTS), None
        # The last reason is the one of the zone hints, which are looked at after those for nodes.
        reason = found.ignored[-1]
        if reason is HintsIgnored.CARRIER:
            return GapCause.NOT_READ, None
        return (GapCause.FALLBACK if reason in _FALLBACKS else GapCause.IGNORED), reason

    def _miss(self, cause: GapCause, reason: HintsIgnored | None, zone: Zone | None, share: Fraction) -> None:
        if share:
            part = self._gap.setdefault((cause, reason), _GapTally())
            part.share += share
            part.zones.add(zone)

    def result(self) -> ExpectedShare:
        """Of the established connections."""
        established = sum((zone.weight for zone in self._zones.values()), start=_NONE)
        if not established:
            return ExpectedShare(share=None, refused=self._refused)
        gap = (
            GapPart(cause=cause, reason=reason, share=part.share / established, zones=_sorted(part.zones))
            for (cause, reason), part in self._gap.items()
        )
        return ExpectedShare(
            share=sum((zone.same for zone in self._zones.values()), start=_NONE) / established,
            refused=self._refused,
            by_zone=tuple(
                ZoneExpectation(
                    zone=name,
                    weight=self._zones[name].weight / established,
                    share=self._zones[name].same / self._zones[name].weight,
                )
                for name in _sorted(self._zones)
            ),
            gap=tuple(sorted(gap, key=lambda part: (-part.share, part.cause, part.reason or ""))),
            load=self._load(established),
            fallback_zones=_sorted(self._fallback),
        )

    def _load(self, established: Fraction) -> LoadRange:
        """A ready endpoint that nobody uses counts as one of load 0."""
        addresses = self._ready | set(self._users)
        loads = [
            sum((each for at, each in enumerate(self._each) if users >> at & 1), start=_NONE)
            for users in {self._users.get(address, 0) for address in addresses}
        ]
        mean = established / len(addresses)
        return LoadRange(least=min(loads) / mean, greatest=max(loads) / mean)


@dataclass(slots=True)
class _GapTally:
    share: Fraction = _NONE
    zones: set[Zone | None] = field(default_factory=set)


def _sorted(zones: Iterable[Zone | None]) -> tuple[Zone | None, ...]:
    return tuple(sorted(zones, key=lambda zone: (zone is None, zone or "")))
