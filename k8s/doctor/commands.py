"""The commands of fixes: text for a shell. Words in capitals are for the reader to replace."""

import json
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from k8s.doctor.finding import MOST_SHOWN
from k8s.doctor.situation import Family, Situation
from k8s.routing.modes import RoutingMode, patch_between, settings_for, settings_of
from k8s.topology import (
    TOPOLOGY_MODE_ANNOTATION,
    ZONE_LABEL,
    EndpointSlice,
    Node,
    Service,
    ServiceKey,
    Zone,
)

_OTHER_ZONE_LABELS = ("failure-domain.beta.kubernetes.io/zone", "topology.ebs.csi.aws.com/zone")
"""Where a node may tell its zone besides: the label of before 1.17, and the EBS CSI driver's."""
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
        labels = dict(node.labels)
        zone = next((labels[key] for key in _OTHER_ZONE_LABELS if labels.get(key)), "ZONE")
        commands.append(kubectl("label", "node", node.name, f"{ZONE_LABEL}={zone}", "--overwrite"))
    return in_turn(*commands)


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


def scale(situation: Situation, family: Family, wanted: int) -> str:
    """So many ready endpoints: scale what owns the pods by what is missing."""
    found = workloads(situation, [family])
    if not found:
        words = ("deployment", "-l", selector(situation.service), f"--replicas={wanted}")
        return kubectl("-n", situation.key.namespace, "scale", *words)
    owner, count = found[0]
    replicas = max(0, count + wanted - family.ready)
    return kubectl("-n", situation.key.namespace, "scale", owner, f"--replicas={replicas}")


def workloads(situation: Situation, families: Iterable[Family]) -> Sequence[tuple[str, int]]:
    """(``deployment/NAME`` or ``statefulset/NAME``, its ready endpoints), the largest first.

    Known only where a pod has the labels that those controllers write.
    """
    counts: Counter[str] = Counter()
    for family in families:
        for one in family.slices:
            for endpoint in one.endpoints:
                pod = endpoint.pod and situation.place.pods.get((one.namespace, endpoint.pod))
                if not pod or endpoint.ready is not True:
                    continue
                labels = dict(pod.labels)
                middle = f"-{labels.get('pod-template-hash')}-"
                if middle in pod.name:
                    counts[f"deployment/{pod.name.partition(middle)[0]}"] += 1
                elif "statefulset.kubernetes.io/pod-name" in labels:
                    counts[f"statefulset/{pod.name.rpartition('-')[0]}"] += 1
    return counts.most_common()


def spread(situation: Situation, family: Family) -> str:
    """Have the pods placed evenly over the zones."""
    constraint = {
        "maxSkew": 1,
        "topologyKey": ZONE_LABEL,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": dict(situation.service.selector)},
    }
    patch = {"spec": {"template": {"spec": {"topologySpreadConstraints": [constraint]}}}}
    found = workloads(situation, [family])
    owner = found[0][0] if found else "deployment/DEPLOYMENT"
    text = json.dumps(patch, separators=(",", ":"))
    return kubectl("-n", situation.key.namespace, "patch", owner, "--type", "merge", "-p", text)


def look_at_nodes(nodes: Sequence[str]) -> str:
    """Why they are as they are."""
    return kubectl("describe", "node", *nodes[:MOST_SHOWN])
