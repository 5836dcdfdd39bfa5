"""D10-D13: what the controller knows of the nodes.

One event message stands for several causes ("Insufficient Node information ..."); only the nodes tell which.
"""

from dataclasses import replace

from k8s.doctor.commands import (
    by_field,
    in_turn,
    kubectl,
    label_zones,
    look_at_nodes,
    told_zone,
    touch,
    withdraw,
)
from k8s.doctor.finding import MOST_SHOWN, Evidence, Finding, Severity, few, names, seen
from k8s.doctor.situation import Situation, refusal_of
from k8s.routing.allocation import RatiosGap, Refusal, allocate, cpu_ratios
from k8s.routing.modes import RoutingMode
from k8s.topology import ZONE_LABEL, Node, NodeName, Zone


def asks_auto(situation: Situation) -> bool:
    """Whether the controller would look at the nodes for this Service."""
    return situation.wanted is RoutingMode.TAR and situation.processed


def severity_of(situation: Situation) -> Severity:
    """A cause that must take the hints, while they are still there, is a risk."""
    return Severity.RISK if situation.hinted else Severity.PROBLEM


def still(situation: Situation) -> str:
    """What a cause means for hints that are there although they should not be."""
    return " (they are still there, and go at the controller's next look)" if situation.hinted else ""


def told(situation: Situation) -> tuple[Evidence, ...]:
    """The controller's own newest words, where there are any."""
    found = [situation.event_of(family.address_type) for family in situation.families]
    return tuple(
        seen(situation.subject, f"event {event.reason}", event.message)
        for event in found
        if event is not None
    )


def d10_node_without_zone(situation: Situation) -> Finding | None:
    """A ready worker without zone label switches Auto off for the whole cluster."""
    cpu = situation.place.cpu
    if not asks_auto(situation) or not cpu.zoneless:
        return None
    nodes = [situation.place.nodes[name] for name in cpu.zoneless]
    plural = len(nodes) > 1
    return Finding(
        code="D10",
        severity=severity_of(situation),
        evidence=few(nodes, lambda node: seen(f"Node {node.name}", f"metadata.labels[{ZONE_LABEL}]", "none"))
        + told(situation),
        meaning=f"{len(nodes)} ready worker node{'s have' if plural else ' has'} no zone, and one is enough "
        f"for the controller to give no Service of the cluster hints{still(situation)}.",
        fix=_zones_or_field(situation, nodes),
        blocks_hints=True,
    )


def _zones_or_field(situation: Situation, nodes: list[Node]) -> str:
    """Labels, unless the controller would then refuse for another reason.

    A virtual kubelet, say, claims a thousand CPUs: with a zone it would take nearly all endpoints there.
    """
    others = {node.zone for node in situation.place.nodes.values() if node.zone}
    labelled = {node.name: Zone(zone) for node in nodes if (zone := told_zone(node))}
    open_ends = [node.name for node in nodes if node.name not in labelled]
    known = sorted(others | set(labelled.values()))
    if open_ends and not known:
        # No zone to try; and the field needs the labels just as much.
        return in_turn(label_zones(nodes), touch(situation.key))
    for zone in known if open_ends else [None]:
        guess = labelled | (dict.fromkeys(open_ends, zone) if zone else {})
        after = [
            replace(node, zone=guess.get(node.name, node.zone)) for node in situation.place.nodes.values()
        ]
        cpu = cpu_ratios(after)
        if all(allocate(cpu, family.ready).refusal is None for family in situation.families):
            return in_turn(label_zones(nodes), touch(situation.key))
    return by_field(situation)


def d11_node_without_cpu(situation: Situation) -> Finding | None:
    """A ready worker that reports no CPU does the same."""
    cpu = situation.place.cpu
    if not asks_auto(situation) or not cpu.zero_cpu:
        return None
    plural = len(cpu.zero_cpu) > 1
    return Finding(
        code="D11",
        severity=severity_of(situation),
        evidence=few(cpu.zero_cpu, lambda name: seen(f"Node {name}", "status.allocatable.cpu", "0"))
        + told(situation),
        meaning=f"{len(cpu.zero_cpu)} ready worker node{'s report' if plural else ' reports'} no allocatable "
        f"CPU, and one is enough for the controller to give no Service hints{still(situation)}.",
        # Removal is noticed; that a node's CPU becomes right is not, until another node comes or goes.
        fix=in_turn(
            *(
                in_turn(
                    kubectl("drain", name, "--ignore-daemonsets", "--delete-emptydir-data"),
                    kubectl("delete", "node", name),
                )
                for name in cpu.zero_cpu[:MOST_SHOWN]
            ),
            touch(situation.key),
        ),
        blocks_hints=True,
    )


def d12_zones(situation: Situation) -> Finding | None:
    """Fewer than two zones are left once control plane and NotReady nodes are taken off."""
    gap = next(iter(set(situation.place.cpu.gaps) & {RatiosGap.NO_NODES, RatiosGap.ONE_ZONE}), None)
    if not asks_auto(situation) or gap is None:
        return None
    if not situation.place.nodes:
        # D15 says so.
        return None
    counted = dict(situation.place.cpu.cpu_milli_by_zone)
    lost = _elsewhere(situation, set(counted), situation.place.cpu.not_ready)
    masters = _elsewhere(situation, set(counted), situation.place.cpu.control_plane)
    meaning, fix = _why_few_zones(situation, lost, masters)
    return Finding(
        code="D12",
        severity=severity_of(situation),
        evidence=(
            seen("ready workers", "zones", names(sorted(counted)) or "none"),
            *few(lost, lambda one: seen(f"Node {one[0]}", f"Ready, in {one[1]}", "False")),
            *few(masters, lambda one: seen(f"Node {one[0]}", "role", f"control plane, in {one[1]}")),
            *told(situation),
        ),
        meaning=f"{len(counted) or 'No'} zone{'' if len(counted) == 1 else 's'} with ready worker nodes, and "
        f"Auto needs two: {meaning}{still(situation)}.",
        fix=fix,
        blocks_hints=True,
    )


def _elsewhere(situation: Situation, counted: set[str], some: tuple[str, ...]) -> list[tuple[str, str]]:
    """(node, zone) of those that would add a zone."""
    found = [situation.place.nodes[NodeName(name)] for name in some]
    return [(node.name, node.zone) for node in found if node.zone and node.zone not in counted]


def _why_few_zones(
    situation: Situation, lost: list[tuple[str, str]], masters: list[tuple[str, str]]
) -> tuple[str, str]:
    if lost:
        more = ", others have only control-plane nodes" if masters else ""
        return f"the nodes of another are not ready{more}", look_at_nodes([name for name, _ in lost])
    if masters:
        why = "the others have only control-plane nodes, which do not count (for trafficDistribution they do)"
        return why, by_field(situation)
    if not situation.place.cpu.cpu_milli_by_zone:
        return "every worker is not ready", look_at_nodes(list(situation.place.cpu.not_ready))
    return "the whole cluster is in one, where nothing can cross", withdraw(situation.service)


def d13_restarted(situation: Situation) -> Finding | None:
    """The Service was looked at before the nodes, by a controller that had just started."""
    if not asks_auto(situation) or situation.mode is not RoutingMode.TAR or situation.hinted:
        return None
    events = [situation.event_of(family.address_type) for family in situation.families]
    races = [event for event in events if event is not None and refusal_of(event) is Refusal.ONE_ZONE]
    if not races or situation.place.cpu.by_zone is None:
        return None
    return Finding(
        code="D13",
        severity=Severity.PROBLEM,
        evidence=(
            *(
                seen(situation.subject, f"event {race.reason}", f"{race.message} (x{race.count})")
                for race in races
            ),
            seen("ready workers", "zones", names(zone for zone, _ in situation.place.cpu.by_zone)),
        ),
        meaning="A controller that had just started looked at this Service before it had seen the nodes, "
        "and does not look again by itself.",
        fix=touch(situation.key),
        blocks_hints=False,
    )
