"""Where a new pod goes, and which pods go when there are too many (pure).

Placing plays the scheduler with a topology spread over zones, ``matchLabelKeys: [pod-template-hash]`` and
``ScheduleAnyway``: a soft spread, so that the pods of one rollout end up even among themselves. Leaving
follows ``ActivePodsWithRanks`` of kubernetes/kubernetes (pkg/controller/controller_utils.go), but compares
times as they are, not in powers of two.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from k8s.topology import Labels, NodeName, PodName, Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A node that may get pods."""

    name: NodeName
    zone: Zone | None
    """Its zone label; nodes without one count as a zone of their own."""
    ready: bool = True
    cordoned: bool = False
    """``spec.unschedulable``, or a taint that keeps pods off."""
    labels: Labels = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A pod as placing sees it: of a ReplicaSet, and not terminating."""

    name: PodName
    node: NodeName | None
    """None: not placed yet."""
    replica_set: str
    """The uid of its ReplicaSet."""
    workload: str
    """What it shares with the pods of the other ReplicaSets of its Deployment."""
    running: bool = True
    """Whether it was started."""
    ready: bool = True
    ready_since_s: float = 0.0
    restarts: int = 0
    created_s: float = 0.0
    cost: int = 0
    """Annotation ``controller.kubernetes.io/pod-deletion-cost``; the cheapest goes first."""


def place(
    spots: Iterable[Spot],
    tenants: Sequence[Tenant],
    *,
    replica_set: str,
    workload: str,
    node_selector: Labels = (),
) -> NodeName | None:
    """The node for one more pod of a ReplicaSet; None: no node takes it.

    Fewest pods of the ReplicaSet in the zone, then of the workload in the zone, then of each on the node,
    then fewest pods on the node at all, then the first name.
    """
    known = list(spots)
    zone_of = {spot.name: spot.zone for spot in known}
    of_set = [one.node for one in tenants if one.node and one.replica_set == replica_set]
    of_workload = [one.node for one in tenants if one.node and one.workload == workload]
    counts = [
        Counter(zone_of.get(node) for node in of_set),
        Counter(zone_of.get(node) for node in of_workload),
    ]
    on = [Counter(of_set), Counter(of_workload), Counter(one.node for one in tenants if one.node)]
    open_spots = [
        spot for spot in known if spot.ready and not spot.cordoned and set(node_selector) <= set(spot.labels)
    ]
    best = min(
        open_spots,
        key=lambda spot: (
            *(count[spot.zone] for count in counts),
            *(count[spot.name] for count in on),
            spot.name,
        ),
        default=None,
    )
    return best.name if best else None


def leaving(tenants: Sequence[Tenant], *, replica_set: str, count: int) -> tuple[PodName, ...]:
    """The *count* pods of a ReplicaSet that go first.

    Not placed before placed, not started before started, not ready before ready, cheap before dear, from
    nodes with more pods of the workload before others, then the one that is ready for the shorter time, that
    was restarted more often, that is younger; *tenants* are all pods of the workload.
    """
    mine = [one for one in tenants if one.replica_set == replica_set]
    workloads = {one.workload for one in mine}
    on = Counter(one.node for one in tenants if one.workload in workloads)
    ordered = sorted(
        mine,
        key=lambda one: (
            one.node is not None,
            one.running,
            one.ready,
            one.cost,
            -on[one.node],
            -one.ready_since_s if one.ready else 0.0,
            -one.restarts,
            -one.created_s,
            one.name,
        ),
    )
    return tuple(one.name for one in ordered[: max(count, 0)])
