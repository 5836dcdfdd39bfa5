"""How many endpoints the EndpointSlice controller wants in each zone, and when it refuses.

This is the arithmetic half of ``topology-mode: Auto``: CPU ratios of the nodes, minimum/desired/maximum
per zone, the overload test. It follows the package ``topologycache`` of kubernetes/endpointslice, which is
the same from Kubernetes 1.28 to 1.36. Doubles are used in the same order as there on purpose: its rounding
decides (CPU 4:1 with 6 endpoints is refused by rounding alone).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from k8s.topology import Node, NodeName, Zone

OVERLOAD_THRESHOLD = 0.2
"""How much more than its fair share of the traffic an endpoint may get."""

SAFE_COUNT_PER_ZONE = 6
"""With so many endpoints a zone no number is refused: minimums take 5/6 of N, and less than one more each."""
_SCALE = 1 / (1 + OVERLOAD_THRESHOLD)

ZoneCounts = tuple[tuple[Zone, int], ...]
"""(zone, endpoints hinted to it) pairs, sorted by zone; zones without any are left out."""


class RatiosGap(StrEnum):
    """Why the controller has no CPU ratios."""

    NO_NODES = "no ready worker node"
    ZONELESS_NODE = "a ready worker node has no zone label"
    ZERO_CPU_NODE = "a ready worker node reports no allocatable CPU"
    ONE_ZONE = "all ready worker nodes are in one zone"


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuRatios:
    """What the controller knows of the nodes (``SetNodes``), and why it may know nothing."""

    by_zone: tuple[tuple[Zone, float], ...] | None
    """(zone, share of all counted CPU) sorted by zone; None: insufficient, no Service gets hints."""
    gaps: tuple[RatiosGap, ...] = ()
    """Why ``by_zone`` is None; empty otherwise."""
    cpu_milli_by_zone: tuple[tuple[Zone, int], ...] = ()
    """Allocatable milli-CPU of the counted nodes that are in order, also where ``by_zone`` is None."""
    zoneless: tuple[NodeName, ...] = ()
    """Ready workers without a zone: one is enough to switch the whole cluster off."""
    zero_cpu: tuple[NodeName, ...] = ()
    """Ready workers without allocatable CPU: likewise."""
    control_plane: tuple[NodeName, ...] = ()
    """Left out because of a control-plane label."""
    not_ready: tuple[NodeName, ...] = ()
    """Workers left out because they are not ready."""


NODES_NOT_LOADED = CpuRatios(by_zone=())
"""What a freshly started controller has before it first looks at the nodes: empty, but not nil."""


def cpu_ratios(nodes: Iterable[Node]) -> CpuRatios:
    """The share of CPU in each zone, as ``TopologyCache.SetNodes`` computes it.

    Taints, cordons and node pools are not looked at. A control-plane or NotReady node is skipped before its
    zone is read, so only a *ready worker* without zone or CPU makes the ratios None.
    """
    named = sorted(nodes, key=lambda node: node.name)
    control_plane = tuple(node.name for node in named if node.is_control_plane)
    workers = [node for node in named if not node.is_control_plane]
    counted = [node for node in workers if node.ready]
    zoneless = tuple(node.name for node in counted if not node.zone)
    zero_cpu = tuple(node.name for node in counted if node.cpu_allocatable_milli == 0)
    milli: dict[Zone, int] = {}
    for node in counted:
        if node.zone and node.cpu_allocatable_milli:
            milli[node.zone] = milli.get(node.zone, 0) + node.cpu_allocatable_milli
    gaps = _gaps(zoneless=zoneless, zero_cpu=zero_cpu, zones=len(milli))
    total = sum(milli.values())
    return CpuRatios(
        by_zone=None if gaps else tuple((zone, milli[zone] / total) for zone in sorted(milli)),
        gaps=gaps,
        cpu_milli_by_zone=tuple(sorted(milli.items())),
        zoneless=zoneless,
        zero_cpu=zero_cpu,
        control_plane=control_plane,
        not_ready=tuple(node.name for node in workers if not node.ready),
    )


def _gaps(
    *, zoneless: tuple[NodeName, ...], zero_cpu: tuple[NodeName, ...], zones: int
) -> tuple[RatiosGap, ...]:
    broken = (
        *((RatiosGap.ZONELESS_NODE,) if zoneless else ()),
        *((RatiosGap.ZERO_CPU_NODE,) if zero_cpu else ()),
    )
    if broken:
        # Which zones would be left once the broken nodes are repaired is not known, so no verdict on them.
        return broken
    if zones == 0:
        return (RatiosGap.NO_NODES,)
    return (RatiosGap.ONE_ZONE,) if zones == 1 else ()


class Refusal(StrEnum):
    """Why ``topology-mode: Auto`` writes no hints; the value is how the event's message begins."""

    INSUFFICIENT_NODES = (
        "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"
    )
    """Also what a cluster in one zone gets: fewer than two zones count as no information."""
    ONE_ZONE = "Nodes only ready in one zone"
    """In practice: the Service was looked at before the nodes, right after a start of the controller."""
    TOO_FEW_ENDPOINTS = "Insufficient number of endpoints"
    MINIMUMS_EXCEED = (
        "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold"
    )
    ENDPOINT_WITHOUT_ZONE = "One or more endpoints do not have a zone specified"
    NOTHING_HINTED = "No hints allocated for zones"
    """Known from the source only: with N endpoints in at least two zones something is always hinted."""

    @classmethod
    def of_message(cls, message: str) -> "Refusal | None":
        """Which refusal an event's message tells; None for any other message."""
        return next((refusal for refusal in cls if message.startswith(refusal.value)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneAllocation:
    """How many endpoints one zone shall have, may have, and must have."""

    zone: Zone
    ratio: float
    minimum: int
    """Fewer would overload its endpoints by more than the threshold; at least 1."""
    desired: float
    """The fair share, but never less than the minimum: the sum over zones may exceed N."""
    maximum: int
    """The minimum plus every endpoint that no zone needs as a minimum; where refused, the minimum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """The controller's verdict on a number of ready endpoints; it does not depend on where they are."""

    endpoints: int
    """Ready endpoints, N."""
    zones: tuple[ZoneAllocation, ...] = ()
    """Sorted by zone; empty without CPU ratios, filled in also where the minimums exceed N."""
    refusal: Refusal | None = None

    @property
    def message(self) -> str | None:
        """The event's message without the address type, or None where nothing is refused."""
        if self.refusal in (Refusal.TOO_FEW_ENDPOINTS, Refusal.MINIMUMS_EXCEED):
            return f"{self.refusal} ({self.endpoints} endpoints, {len(self.zones)} zones)"
        return self.refusal

    def of(self, zone: Zone) -> ZoneAllocation | None:
        """The allocation of *zone*, or None where no counted node is in it."""
        return next((one for one in self.zones if one.zone == zone), None)


def allocate(cpu: CpuRatios, endpoints: int) -> Allocation:
    """Minimum, desired and maximum per zone for *endpoints* ready ones, or why there are none.

    As ``getAllocations`` in kubernetes/endpointslice: the same doubles in the same order.
    """
    if cpu.by_zone is None:
        return Allocation(endpoints=endpoints, refusal=Refusal.INSUFFICIENT_NODES)
    shares = [(zone, ratio, _minimum(ratio, endpoints)) for zone, ratio in cpu.by_zone]
    spare = endpoints - sum(minimum for _, _, minimum in shares)
    zones = tuple(
        ZoneAllocation(
            zone=zone,
            ratio=ratio,
            minimum=minimum,
            desired=max(ratio * endpoints, float(minimum)),
            maximum=minimum + max(spare, 0),
        )
        for zone, ratio, minimum in shares
    )
    return Allocation(endpoints=endpoints, zones=zones, refusal=_refusal(len(zones), endpoints, spare))


def _minimum(ratio: float, endpoints: float) -> int:
    return math.ceil(ratio * endpoints * _SCALE)


def _refusal(zones: int, endpoints: int, spare: int) -> Refusal | None:
    if zones < 2:  # noqa: PLR2004 - one zone has nothing to be aware of
        return Refusal.ONE_ZONE
    if zones > endpoints:
        return Refusal.TOO_FEW_ENDPOINTS
    return Refusal.MINIMUMS_EXCEED if spare < 0 else None


def overloaded(have: ZoneCounts, cpu: CpuRatios) -> bool:
    """Whether a Service that holds hints is looked at again after a change of the nodes.

    *have* counts its hints per zone; without any it is never overloaded, which is why lost hints stay lost
    until the Service or one of its pods changes.
    """
    if not have:
        return False
    if not cpu.by_zone:
        return True
    counts = dict(have)
    total = float(sum(counts.values()))
    return any(counts.get(zone, -1) < math.ceil(total * ratio * _SCALE) for zone, ratio in cpu.by_zone)


def refused_by_rounding(cpu: CpuRatios, endpoints: int) -> bool:
    """Whether exact arithmetic would accept what the controller's doubles refuse (e.g. CPU 4:1, N = 6)."""
    if allocate(cpu, endpoints).refusal is not Refusal.MINIMUMS_EXCEED:
        return False
    total = sum(milli for _, milli in cpu.cpu_milli_by_zone)
    scale = 1 / (1 + Fraction(1, 5))
    exact = sum(math.ceil(Fraction(milli, total) * endpoints * scale) for _, milli in cpu.cpu_milli_by_zone)
    return exact <= endpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class FeasibleCounts:
    """Which numbers of ready endpoints near a given one get hints."""

    around: int
    accepted: tuple[int, ...]
    refused: tuple[int, ...]

    @property
    def nearest_below(self) -> int | None:
        """The greatest accepted number below, or None within the span."""
        return max((count for count in self.accepted if count < self.around), default=None)

    @property
    def nearest_above(self) -> int | None:
        """The least accepted number above, or None within the span."""
        return min((count for count in self.accepted if count > self.around), default=None)


def feasible_counts(cpu: CpuRatios, around: int, span: int) -> FeasibleCounts:
    """Which of the counts *around* - *span* ... *around* + *span* (from 1 up) are accepted, which refused."""
    verdicts = {
        count: allocate(cpu, count).refusal for count in range(max(1, around - span), around + span + 1)
    }
    return FeasibleCounts(
        around=around,
        accepted=tuple(count for count, refusal in verdicts.items() if refusal is None),
        refused=tuple(count for count, refusal in verdicts.items() if refusal is not None),
    )
