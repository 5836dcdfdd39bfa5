"""A shell that knows only the commands of fixes, and a place on which they act as on a cluster."""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from jsonpatch import JsonPatch

from k8s.model.objects import SliceOwner, endpoint_slice, endpoint_slice_raw
from k8s.model.scene import Scene, ServiceEvent
from k8s.routing.allocation import cpu_ratios
from k8s.routing.hints import HintsCache, SliceLists, is_owned, reconcile
from k8s.topology import Endpoint, EndpointSlice, Event, NodeName, Service, Zone
from tests.k8s.doctor.doctor_cases import NOW_S

SPEC = {
    "trafficDistribution": "traffic_distribution",
    "internalTrafficPolicy": "internal_traffic_policy",
    "sessionAffinity": "session_affinity",
}


def commands(fix: str) -> Iterator[list[str]]:
    """The words of each command; AssertionError for what is not ours."""
    for command in fix.split(" && "):
        words = shlex.split(command)
        assert words[0] in ("kubectl", "sleep"), command
        yield words


def applied(scene: Scene, fix: str) -> Scene:
    """The place after the commands, and after the controller has looked where it would."""
    for words in commands(fix):
        if words[0] == "kubectl":
            rest = words[3:] if words[1] == "-n" else words[1:]
            namespace = words[2] if words[1] == "-n" else ""
            assert namespace in ("", scene.snapshot.services[0].namespace)
            name = scene.snapshot.services[0].name
            kept = [word for word in rest if word != "--overwrite"]
            if kept[:2] in (["patch", "service"], ["annotate", "service"]):
                assert kept.pop(2) == name
            scene = _act(scene, kept)
    return scene


def _act(scene: Scene, words: list[str]) -> Scene:  # noqa: C901 - a case a command
    match words:
        case ["patch", "service", "--type", "merge", "-p", text]:
            return _synced(scene, _patched(scene.snapshot.services[0], json.loads(text)))
        case ["annotate", "service", *changes]:
            return _synced(scene, _annotated(scene.snapshot.services[0], changes))
        case ["label", "node", name, change]:
            return _labelled(scene, name, change)
        case ["patch", "endpointslice", name, "--type", "json", "-p", text]:
            return _hinted(scene, name, json.loads(text))
        case ["scale", owner, replicas]:
            assert owner.endswith("/shop")
            return _scaled(scene, int(replicas.removeprefix("--replicas=")))
        case ["patch", "endpointslice", *names, "--type", "merge", "-p", text]:
            assert json.loads(text) == {"metadata": {"finalizers": None}}
            return _without_slices(scene, names)
        case ["delete", "endpointslice", *names]:
            return _without_slices(scene, names)
        case ["delete", "pod", *names, "--force", "--grace-period=0"]:
            return _without_pods(scene, names)
        case ["drain", _, "--ignore-daemonsets", "--delete-emptydir-data"]:
            return scene
        case ["delete", "node", name]:
            nodes = tuple(node for node in scene.snapshot.nodes if node.name != name)
            return replace(scene, snapshot=replace(scene.snapshot, nodes=nodes))
        case _:
            raise AssertionError(words)


def _without_slices(scene: Scene, names: list[str]) -> Scene:
    kept = tuple(one for one in scene.snapshot.slices if one.name not in names)
    return replace(scene, snapshot=replace(scene.snapshot, slices=kept))


def _without_pods(scene: Scene, names: list[str]) -> Scene:
    """Their endpoints leave, and the controller can write again."""
    slices = tuple(
        replace(one, endpoints=tuple(each for each in one.endpoints if each.pod not in names))
        for one in scene.snapshot.slices
    )
    pods = tuple(pod for pod in scene.snapshot.pods if pod.name not in names)
    after = replace(scene, snapshot=replace(scene.snapshot, slices=slices, pods=pods))
    return _synced(after, scene.snapshot.services[0])


def _patched(service: Service, patch: Mapping[str, Any]) -> Service:
    annotations = dict(service.annotations) | patch.get("metadata", {}).get("annotations", {})
    return replace(
        service,
        annotations=tuple(sorted((key, value) for key, value in annotations.items() if value is not None)),
        **{SPEC[key]: value for key, value in patch.get("spec", {}).items()},
    )


def _annotated(service: Service, changes: list[str]) -> Service:
    patch: dict[str, Any] = {}
    for change in changes:
        key, equals, value = change.partition("=")
        patch[key if equals else key.removesuffix("-")] = value if equals else None
    return _patched(service, {"metadata": {"annotations": patch}})


def _hinted(scene: Scene, name: str, patch: list[dict[str, Any]]) -> Scene:
    """The slice goes to JSON, through the real JSON patch, and back."""
    (one,) = (each for each in scene.snapshot.slices if each.name == name)
    owner = SliceOwner(name="catalog", uid="u-1")
    raw = JsonPatch(patch).apply(endpoint_slice_raw(one, owner, pod_uids={}))
    slices = tuple(endpoint_slice(raw) if each is one else each for each in scene.snapshot.slices)
    return replace(scene, snapshot=replace(scene.snapshot, slices=slices))


def _labelled(scene: Scene, name: str, change: str) -> Scene:
    zone = change.removeprefix("topology.kubernetes.io/zone=")
    place = Zone("a" if zone == "ZONE" else zone)
    nodes = tuple(replace(node, zone=place) if node.name == name else node for node in scene.snapshot.nodes)
    return replace(scene, snapshot=replace(scene.snapshot, nodes=nodes))


def _scaled(scene: Scene, replicas: int) -> Scene:
    """New pods go to the zone that has fewest, those too many leave the zone that has most."""
    one = next(each for each in scene.snapshot.slices if is_owned(each))
    kept = [each for each in one.endpoints if not each.terminating]
    nodes = {node.zone: node.name for node in scene.snapshot.nodes if node.ready and node.zone}
    while len(kept) > replicas:
        most = max(nodes, key=lambda zone: sum(each.zone == zone for each in kept))
        kept.remove(next(each for each in reversed(kept) if each.zone == most))
    while len(kept) < replicas:
        least = min(nodes, key=lambda zone: sum(each.zone == zone for each in kept))
        new = Endpoint(addresses=(f"new-{len(kept)}",), zone=least, node=nodes[least], ready=True)
        kept.append(new)
    slices = tuple(
        replace(one, endpoints=tuple(kept)) if each is one else each for each in scene.snapshot.slices
    )
    return _synced(
        replace(scene, snapshot=replace(scene.snapshot, slices=slices)), scene.snapshot.services[0]
    )


def _synced(scene: Scene, service: Service) -> Scene:
    """The controller takes the nodes' zones over into the endpoints, then does its pass."""
    zones = {node.name: node.zone for node in scene.snapshot.nodes}
    own = [one for one in scene.snapshot.slices if is_owned(one)]
    slices: list[EndpointSlice] = [one for one in scene.snapshot.slices if not is_owned(one)]
    events: list[Event] = []
    for family in sorted({one.address_type for one in own}):
        lists = SliceLists(unchanged=tuple(_placed(one, zones) for one in own if one.address_type == family))
        done = reconcile(service, cpu_ratios(scene.snapshot.nodes), lists, HintsCache(), address_type=family)
        slices += done.slices.every
        if done.event is not None:
            kind, reason, message = done.event.type, done.event.reason, done.event.message
            events.append(Event(type=kind, reason=reason, message=message, last_seen_s=NOW_S))
    return replace(
        scene,
        snapshot=replace(scene.snapshot, services=(service,), slices=tuple(slices)),
        events=(*(ServiceEvent(service=service.key, event=event) for event in events), *(scene.events or ())),
    )


def _placed(one: EndpointSlice, zones: Mapping[NodeName, Zone | None]) -> EndpointSlice:
    return replace(
        one,
        endpoints=tuple(
            replace(endpoint, zone=zones.get(endpoint.node) if endpoint.node else None)
            for endpoint in one.endpoints
        ),
    )
