"""D30-D36: hints that are lost, out of date, or left over.

Under ``topology-mode: Auto`` the controller looks again only after a change of the Service or its pods;
nodes make it look again only at Services that *hold* hints (kubernetes/endpointslice,
``topologycache.GetOverloadedServices``).
"""

import math
from collections.abc import Mapping

from k8s.doctor.absence import failures_seen
from k8s.doctor.commands import (
    delete_pods,
    in_turn,
    kubectl,
    look_at_nodes,
    off_then_auto,
    release,
    touch,
)
from k8s.doctor.finding import MOST_SHOWN, Evidence, Finding, Severity, few, names, seen
from k8s.doctor.situation import Family, Placed, Situation, is_foreign, refusal_of
from k8s.model import figures
from k8s.routing.allocation import OVERLOAD_THRESHOLD, ZoneCounts, overloaded
from k8s.routing.hints import ENABLED_REASON, SliceLists
from k8s.routing.modes import RoutingMode
from k8s.routing.outcomes import outcomes
from k8s.topology import Event, Node, NodeName

SETTLING_S = 10.0
"""The controller answers within about a second; an event younger than this may precede its next writing."""


def _auto(situation: Situation) -> bool:
    return situation.mode is RoutingMode.TAR and situation.processed


def _age_s(situation: Situation, event: Event) -> float:
    return situation.place.scene.snapshot.taken_at_s - event.last_seen_s


def d30_lost(situation: Situation) -> Finding | None:
    """Everything is as the controller wants it, and yet there are no hints."""
    if not _auto(situation):
        return None
    met = [family for family in situation.families if _could_but_has_not(family)]
    if not met or any(family.zoneless for family in met):
        return None
    event = next((found for family in met if (found := situation.event_of(family.address_type))), None)
    severity, meaning = _why_lost(situation, event)
    return Finding(
        code="D30",
        severity=severity,
        evidence=(
            *(
                seen(
                    situation.label(family),
                    "ready endpoints; zones; hints",
                    f"{family.ready}; {len(family.allocation.zones)}; none, although this number is accepted",
                )
                for family in met
            ),
            _newest(situation, event),
        ),
        meaning=meaning,
        fix=touch(situation.key),
        blocks_hints=False,
    )


def _could_but_has_not(family: Family) -> bool:
    return family.ready > 0 and family.allocation.refusal is None and family.bare


def _newest(situation: Situation, event: Event | None) -> Evidence:
    if event is not None:
        value = f"{event.message} (x{event.count}, {_ago(_age_s(situation, event))})"
        return seen(situation.subject, f"event {event.reason}", value)
    said = "none" if situation.events is not None else "not read"
    return seen(situation.subject, "events about hints", said)


def _ago(age_s: float) -> str:
    return f"{max(age_s, 0):.0f} s ago" if age_s < 120 else f"{age_s / 60:.0f} min ago"  # noqa: PLR2004 - reads well


def _why_lost(situation: Situation, event: Event | None) -> tuple[Severity, str]:
    if situation.events is None:
        return Severity.PROBLEM, (
            "Hints are possible now but absent: lost earlier, which lasts until the Service or a pod "
            "changes, or only just asked for; the events that would tell were not read."
        )
    if event is None:
        return Severity.PROBLEM, (
            "Hints are possible now but absent, and no event says why: just asked for and not yet looked "
            "at, or lost so long ago that the event has expired (they last an hour unless set otherwise)."
        )
    if _age_s(situation, event) < SETTLING_S:
        return Severity.RISK, (
            "Hints are possible now but absent, and the controller spoke only seconds ago: look again "
            "before doing anything."
        )
    if refusal_of(event) is not None:
        return Severity.PROBLEM, (
            "The hints were refused for a reason that no longer holds, and the controller does not look "
            "again by itself until the Service or one of its pods changes."
        )
    if event.reason == ENABLED_REASON:
        return Severity.PROBLEM, (
            "The controller announced hints and they are gone without a word from it: somebody else took "
            "them, or its own word of it is lost."
        )
    return Severity.PROBLEM, (
        "The controller's last word is that Auto was switched off; it has been asked for again since, and "
        "the controller has not looked yet."
    )


def d31_stale(situation: Situation) -> Finding | None:
    """Hints that the nodes have outgrown: too few for a zone, but permitted, so they stay."""
    if not _auto(situation):
        return None
    cpu = situation.place.cpu
    met = [
        family
        for family in situation.families
        # A hint to an uncounted zone leaves too few for the others, whatever is done: that is D32's to say.
        if family.hinted
        and not _strays(situation, family)
        and family.allocation.refusal is None
        and overloaded(family.have, cpu)
        and family.have not in _anew(situation, family)
    ]
    short = [(family, zone, have, least) for family in met for zone, have, least in _short(situation, family)]
    if not short:
        return None
    return Finding(
        code="D31",
        severity=Severity.RISK,
        evidence=tuple(
            seen(
                f"zone {zone}",
                "hinted endpoints",
                f"{have}, should be at least {least} ({_load(situation, family, zone, have)})",
            )
            for family, zone, have, least in short
        ),
        meaning="The nodes' CPU has moved since the hints were written: endpoints of these zones may get "
        f"more than {figures.round_percent(OVERLOAD_THRESHOLD)} above their fair share, yet no zone exceeds "
        "its maximum, so the hints stay.",
        fix=off_then_auto(situation.service),
        blocks_hints=False,
    )


def _anew(situation: Situation, family: Family) -> set[ZoneCounts]:
    """What the controller would come to if it started without hints.

    That may overload a zone, too: it moves no endpoint for a surplus below a half.
    """
    own = tuple(one for one in family.slices if not is_foreign(one))
    return {outcome.hinted for outcome in outcomes(situation.place.cpu, SliceLists(update=own))}


def _short(situation: Situation, family: Family) -> list[tuple[str, int, int]]:
    """(zone, hints, least) of zones with too few, as the overload check counts."""
    have, total = dict(family.have), sum(count for _, count in family.have)
    scale = 1 / (1 + OVERLOAD_THRESHOLD)
    return [
        (zone, have.get(zone, 0), least)
        for zone, ratio in situation.place.cpu.by_zone or ()
        if have.get(zone, 0) < (least := math.ceil(float(total) * ratio * scale))
    ]


def _load(situation: Situation, family: Family, zone: str, have: int) -> str:
    if not have:
        return "its clients use all endpoints"
    ratio = next(ratio for name, ratio in situation.place.cpu.by_zone or () if name == zone)
    return f"{ratio * sum(count for _, count in family.have) / have:.2f} times the fair share each"


def _strays(situation: Situation, family: Family) -> ZoneCounts:
    """Hints to zones without a counted node."""
    counted = dict(situation.place.cpu.by_zone or ())
    return tuple((zone, count) for zone, count in family.have if zone not in counted)


def d32_uncounted_zone(situation: Situation) -> Finding | None:
    """A hint points to a zone in which no node counts: those endpoints serve only clients there, if any."""
    if not _auto(situation) or situation.place.cpu.by_zone is None:
        return None
    met = [(family, stray) for family in situation.families if (stray := _strays(situation, family))]
    if not met:
        return None
    zones = sorted({zone for _, stray in met for zone, _ in stray})
    there = [node for node in situation.place.nodes.values() if node.zone in zones]
    return Finding(
        code="D32",
        severity=Severity.RISK,
        evidence=(
            *(
                seen(situation.label(family), f"endpoints hinted to {zone}", count)
                for family, stray in met
                for zone, count in stray
            ),
            *few(there, _why_uncounted),
        ),
        meaning=f"Endpoints are hinted to {names(zones)}, where no node counts: only clients there use them.",
        fix=_bring_back(situation, there),
        blocks_hints=False,
    )


def _why_uncounted(node: Node) -> Evidence:
    return seen(
        f"Node {node.name}", "does not count", "control plane" if node.is_control_plane else "not ready"
    )


def _bring_back(situation: Situation, there: list[Node]) -> str:
    """Nodes that are down are to be looked at; from control-plane nodes the pods are to go."""
    down = [node.name for node in there if not node.is_control_plane]
    if down:
        return look_at_nodes(down)
    names_there = {node.name for node in there}
    lost = [one for family in situation.families for one in family.lost]
    if lost and not there:
        return delete_pods(situation, lost)
    pods = [
        endpoint.pod
        for family in situation.families
        for one in family.slices
        for endpoint in one.endpoints
        if endpoint.pod and endpoint.node in names_there
    ]
    if not pods:
        # A hint to a zone of nobody is not permitted: the next look takes it away.
        return touch(situation.key)
    return in_turn(
        kubectl("cordon", *sorted(names_there)[:MOST_SHOWN]),
        kubectl("-n", situation.key.namespace, "delete", "pod", *sorted(set(pods))[:MOST_SHOWN]),
    )


def d34_moved(situation: Situation) -> Finding | None:
    """Nodes were relabelled after the slices were written: nothing makes the controller look again."""
    # What D40 says of an unhinted endpoint, or Auto's refusal, is another matter; here hints are there.
    met = [
        one
        for family in situation.families
        if situation.acts is not RoutingMode.OFF
        for one in family.moved
        if one.endpoint.zone_hints
    ]
    if not met:
        return None
    nodes = situation.place.nodes
    owned = [one for one in met if not is_foreign(one.slice)]
    return Finding(
        code="D34",
        severity=Severity.PROBLEM,
        evidence=few(met, lambda one: _moved_seen(one, nodes)),
        meaning=f"{len(met)} endpoints are written down, and hinted, by a zone that their node no longer "
        "has: kube-proxy compares hints with its node's label of now, and the controller does not look again "
        "by itself when a label changes.",
        fix=touch(situation.key) if owned and situation.processed else "",
        blocks_hints=False,
    )


def _moved_seen(one: Placed, nodes: Mapping[NodeName, Node]) -> Evidence:
    zone = nodes[one.endpoint.node].zone if one.endpoint.node else None
    return seen(
        f"EndpointSlice {one.slice.namespace}/{one.slice.name}",
        f"endpoints[{one.number}].zone; its node's label",
        f"{one.endpoint.zone}; {zone}",
    )


def d35_lost(situation: Situation) -> Finding | None:
    """Ready endpoints on nodes that do not exist: the controller cannot write the slices any more."""
    lost = [one for family in situation.families for one in family.lost]
    if not lost or situation.place.missing("nodes"):
        return None
    nodes = sorted({str(one.endpoint.node) for one in lost})
    return Finding(
        code="D35",
        severity=Severity.PROBLEM,
        evidence=(
            *few(
                lost,
                lambda one: seen(
                    f"EndpointSlice {one.slice.namespace}/{one.slice.name}",
                    f"endpoints[{one.number}].nodeName",
                    f"{one.endpoint.node}, which does not exist",
                ),
            ),
            *failures_seen(situation),
        ),
        meaning=f"{len(lost)} ready endpoint{'s are' if len(lost) > 1 else ' is'} on {names(nodes)}, which "
        f"{'do' if len(nodes) > 1 else 'does'} not exist: connections to them fail, and the controller "
        "cannot write this Service's slices until their pods are gone, so endpoints and hints are frozen.",
        fix=delete_pods(situation, lost),
        blocks_hints=False,
    )


def d36_pending(situation: Situation) -> Finding | None:
    """A slice that is about to be deleted and held: the controller passes it over, kube-proxy reads it."""
    held = [one for family in situation.families for one in family.slices if one.deleting and one.endpoints]
    if not held:
        return None
    bare = any(
        not endpoint.zone_hints and endpoint.ready is not False for one in held for endpoint in one.endpoints
    )
    spoils = bare and situation.acts is not RoutingMode.OFF
    return Finding(
        code="D36",
        severity=Severity.PROBLEM if spoils else Severity.RISK,
        evidence=few(
            held,
            lambda one: seen(
                f"EndpointSlice {one.namespace}/{one.name}",
                "metadata.deletionTimestamp; endpoints",
                f"set; {len(one.endpoints)}",
            ),
        ),
        meaning=f"{names(one.name for one in held)} is pending deletion and held by a finalizer: the "
        "controller neither counts nor writes it, kube-proxy reads it still"
        + (", and for want of hints in it may ignore those of all" if spoils else "")
        + "; touching the Service does not help.",
        fix=in_turn(*(release(one) for one in held[:MOST_SHOWN])),
        blocks_hints=False,
    )


def d33_node_hints(situation: Situation) -> Finding | None:
    """Hints for nodes, left over from PreferSameNode: Auto keeps an unchanged slice whose zone hints fit."""
    if not _auto(situation):
        return None
    met = [family for family in situation.families if family.node_hinted]
    if not met:
        return None
    heeded = any(len(family.node_hinted) == family.usable for family in met)
    placed = [one for family in met for one in family.node_hinted]
    then = (
        "clients still use endpoints of their own node first"
        if heeded
        else "since other endpoints have none, kube-proxy ignores them"
    )
    return Finding(
        code="D33",
        severity=Severity.PROBLEM if heeded else Severity.RISK,
        evidence=few(
            placed,
            lambda one: seen(
                f"EndpointSlice {one.slice.namespace}/{one.slice.name}",
                f"endpoints[{one.number}].hints.forNodes",
                names(one.endpoint.node_hints),
            ),
        ),
        meaning=f"{len(placed)} endpoints carry hints for nodes from an earlier PreferSameNode, which Auto "
        f"neither writes nor removes: {then}.",
        fix=off_then_auto(situation.service),
        blocks_hints=False,
    )
