"""The commands of fixes: text for a shell. Words in capitals are for the reader to replace."""

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from k8s.doctor.finding import MOST_SHOWN
from k8s.doctor.situation import Family, Placed, Situation
from k8s.routing.modes import FIELD_MODES, RoutingMode, patch_between, settings_for, settings_of
from k8s.topology import (
    TOPOLOGY_MODE_ANNOTATION,
    ZONE_LABEL,
    EndpointSlice,
    Node,
    Pod,
    Service,
    ServiceKey,
    Zone,
)

_OTHER_ZONE_LABELS = ("failure-domain.beta.kubernetes.io/zone", "topology.ebs.csi.aws.com/zone")
"""Where a node may tell its zone besides: the label of before 1.17, and the EBS CSI driver's."""
_PROVIDER_ZONE = re.compile(r"(?:aws:///|gce://[^/]+/)([a-z0-9-]+)/[^/]+")
_SCALED = frozenset({"deployment", "statefulset", "rollout", "replicaset", "replicationcontroller"})
_SPREAD = frozenset({"deployment", "statefulset", "rollout"})
_TOUCH = 'samezone/touched="$(date +%s)" --overwrite'


def kubectl(*words: str) -> str:
    """One kubectl command, quoted for a shell."""
    return shlex.join(("kubectl", *words))


def in_turn(*commands: str) -> str:
    """Commands of which each needs the one before."""
    return " && ".join(command for command in commands if command)


def patch_service(key: ServiceKey, patch: dict[str, Any]) -> str:
    """A merge patch (RFC 7386) of the Service."""
    text = json.dumps(patch, separators=(",", ":"))
    return kubectl("-n", key.namespace, "patch", "service", key.name, "--type", "merge", "-p", text)


def annotate(key: ServiceKey, *words: str) -> str:
    """Annotations of the Service: ``key=value``, or ``key-`` to remove."""
    return kubectl("-n", key.namespace, "annotate", "service", key.name, *words)


def touch(key: ServiceKey) -> str:
    """Any change of the Service makes the controller look at it again."""
    # Not quoted as a whole: the shell is to fill in the time, since an unchanged value changes nothing.
    return f"{annotate(key)} {_TOUCH}"


def set_mode(service: Service, mode: RoutingMode) -> str:
    """Put *mode* in force, changing only what it needs."""
    before = settings_of(service)
    patch = patch_between(before, settings_for(mode, before))
    return patch_service(service.key, patch) if patch else ""


def off_then_auto(service: Service) -> str:
    """Take the hints away and have them written anew: unchanged slices are kept as long as they may be."""
    key = service.key
    settings = settings_of(service)
    removed = settings_for(RoutingMode.OFF, settings)
    off = patch_between(settings, removed)
    again = patch_between(removed, settings)
    if off is None or again is None:
        return touch(key)
    return in_turn(patch_service(key, off), "sleep 1", patch_service(key, again))


def withdraw(service: Service) -> str:
    """Ask for nothing any more."""
    return set_mode(service, RoutingMode.OFF) or annotate(service.key, f"{TOPOLOGY_MODE_ANNOTATION}-")


def label_zones(nodes: Iterable[Node]) -> str:
    """Give nodes their zones, from another label of theirs if one tells."""
    every = list(nodes)
    commands = []
    for node in every[:MOST_SHOWN]:
        zone = told_zone(node) or "ZONE"
        commands.append(kubectl("label", "node", node.name, f"{ZONE_LABEL}={zone}", "--overwrite"))
    return in_turn(*commands)


def told_zone(node: Node) -> str | None:
    """The zone that another label, or the cloud's id of the machine, tells."""
    labels = dict(node.labels)
    found = _PROVIDER_ZONE.fullmatch(node.provider_id)
    by_label = next((labels[key] for key in _OTHER_ZONE_LABELS if labels.get(key)), None)
    return by_label or (found[1] if found else None)


def zone_of_endpoint(one: EndpointSlice, number: int) -> str:
    """Write an endpoint's zone into a slice that no controller writes."""
    return _patch_slice(one, [{"op": "add", "path": f"/endpoints/{number}/zone", "value": "ZONE"}])


def hint_endpoints(one: EndpointSlice, zones: Mapping[int, Zone | None]) -> str:
    """Hint endpoints, by their index, to their zones; to detach the slice would take its traffic."""
    return _patch_slice(
        one,
        [
            {
                "op": "add",
                "path": f"/endpoints/{number}/hints",
                "value": {"forZones": [{"name": zone or "ZONE"}]},
            }
            for number, zone in list(zones.items())[:MOST_SHOWN]
        ],
    )


def _patch_slice(one: EndpointSlice, patch: Sequence[Mapping[str, Any]]) -> str:
    text = json.dumps(patch, separators=(",", ":"))
    return kubectl("-n", one.namespace, "patch", "endpointslice", one.name, "--type", "json", "-p", text)


def selector(service: Service) -> str:
    """The Service's selector as ``-l`` takes it."""
    return ",".join(f"{key}={value}" for key, value in service.selector)


def by_field(situation: Situation) -> str:
    """Ask by the field instead: it counts neither CPU nor endpoints."""
    minor = situation.place.scene.server_minor
    mode = RoutingMode.PREFER_SAME_ZONE
    if minor is not None and minor < FIELD_MODES[mode].since_minor:
        # Before, this means the same.
        mode = RoutingMode.PREFER_CLOSE
    return set_mode(situation.service, mode)


def scale(situation: Situation, family: Family, wanted: int) -> str:
    """So many ready endpoints: scale what owns the pods by what is missing; those that wait count as there.

    Where the pods that are there would be enough, they are what to look at; where nobody known owns them, or
    a DaemonSet, whose number is that of the nodes, ask by the field instead.
    """
    there = family.ready + family.not_ready
    if there >= wanted:
        return look_at_pods(situation)
    for owner, count in _owners(situation, [family], or_waiting=True):
        if owner.partition("/")[0] in _SCALED:
            replicas = count + wanted - there
            return kubectl("-n", situation.key.namespace, "scale", owner, f"--replicas={replicas}")
    return by_field(situation)


def look_at_pods(situation: Situation) -> str:
    """Why those of the Service are not ready."""
    return kubectl("-n", situation.key.namespace, "describe", "pods", "-l", selector(situation.service))


def workloads(situation: Situation, families: Iterable[Family]) -> Sequence[tuple[str, int]]:
    """(owner as kubectl names it, e.g. ``deployment/shop``, its ready endpoints), the largest first."""
    return _owners(situation, families, or_waiting=False)


def _owners(
    situation: Situation, families: Iterable[Family], *, or_waiting: bool
) -> Sequence[tuple[str, int]]:
    """The same, or with the endpoints that are not ready and not on their way out."""
    counts: Counter[str] = Counter()
    for family in families:
        for one in family.slices:
            for endpoint in one.endpoints:
                pod = endpoint.pod and situation.place.pods.get((one.namespace, endpoint.pod))
                waits = or_waiting and endpoint.ready is False and endpoint.terminating is not True
                if not pod or not (endpoint.ready is True or waits):
                    continue
                owner = owner_of(pod)
                if owner is not None:
                    counts[owner] += 1
    return counts.most_common()


def owner_of(pod: Pod) -> str | None:
    """What to scale or restart for a pod, as kubectl names it; None where nothing tells.

    By the pod's owner, and where that was not saved by the labels that the owner's controller writes.
    """
    kind, _, name = pod.owner.partition("/")
    labels = dict(pod.labels)
    for label, workload in (("rollouts-pod-template-hash", "rollout"), ("pod-template-hash", "deployment")):
        middle = f"-{labels.get(label)}"
        if label in labels and kind in ("", "ReplicaSet"):
            if name.endswith(middle):
                return f"{workload}/{name.removesuffix(middle)}"
            if f"{middle}-" in pod.name:
                return f"{workload}/{pod.name.partition(f'{middle}-')[0]}"
    if kind in ("StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController"):
        return f"{kind.lower()}/{name}"
    if not kind and "statefulset.kubernetes.io/pod-name" in labels:
        return f"statefulset/{pod.name.rpartition('-')[0]}"
    return None


def spread(situation: Situation, family: Family) -> str:
    """Have the pods placed evenly over the zones; empty where no owner is known whose pods can be."""
    owner = next(
        (name for name, _ in workloads(situation, [family]) if name.partition("/")[0] in _SPREAD), None
    )
    if owner is None:
        return ""
    constraint = {
        "maxSkew": 1,
        "topologyKey": ZONE_LABEL,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": dict(situation.service.selector)},
    }
    patch = {"spec": {"template": {"spec": {"topologySpreadConstraints": [constraint]}}}}
    text = json.dumps(patch, separators=(",", ":"))
    return kubectl("-n", situation.key.namespace, "patch", owner, "--type", "merge", "-p", text)


def delete_pods(situation: Situation, placed: Sequence[Placed]) -> str:
    """Pods whose node is gone are never ended by it: they must be deleted by force."""
    pods = sorted({one.endpoint.pod for one in placed if one.endpoint.pod})
    if not pods:
        return ""
    words = ("delete", "pod", *pods[:MOST_SHOWN], "--force", "--grace-period=0")
    return kubectl("-n", situation.key.namespace, *words)


def delete_slices(slices: Sequence[EndpointSlice]) -> str:
    """Slices that nobody looks after any more."""
    namespace = slices[0].namespace
    return kubectl("-n", namespace, "delete", "endpointslice", *(one.name for one in slices[:MOST_SHOWN]))


def release(one: EndpointSlice) -> str:
    """Let a slice go that something holds by a finalizer."""
    patch = '{"metadata":{"finalizers":null}}'
    return kubectl("-n", one.namespace, "patch", "endpointslice", one.name, "--type", "merge", "-p", patch)


def look_at_nodes(nodes: Sequence[str]) -> str:
    """Why they are as they are."""
    return kubectl("describe", "node", *nodes[:MOST_SHOWN])
