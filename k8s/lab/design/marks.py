"""What the lab writes on API objects for itself: annotations, and how they are read (pure).

They are the one way by which a running lab is told to change: the command line writes them, the supervisor
and the relays follow the API.
"""

import json

from k8s.lab.design.seeds import EXTERNAL, MACHINE, ZONE, Object
from k8s.topology import Zone

OUTAGE = "samezone.dev/outage"
"""On a node: NODES, PODS or SHIFT."""
NODES, PODS, SHIFT = "nodes", "pods", "shift"
"""The machine has no power; its pods stand still while the machine is well; or all is well and traffic is
shifted away, as in an EKS zonal shift: the node is cordoned, and its pods are no endpoints meanwhile."""
DELAYS = "samezone.dev/delays"
"""On a node: one-way latency of connections from there, in seconds by zone, as JSON; before the settings'."""

OWNER = "samezone.dev/owner"
"""On an external pod: the process it goes with, its number and when it started, with a space between."""


def annotations(obj: Object) -> dict[str, str]:
    """The object's annotations."""
    return obj["metadata"].get("annotations") or {}


def is_external(pod: Object) -> bool:
    """Whether the pod runs outside the lab's supervisor."""
    return EXTERNAL in annotations(pod)


def owner(pod: Object) -> tuple[int, str] | None:
    """The process that an external pod goes with, its number and its start; None where none is said."""
    number, _, started = annotations(pod).get(OWNER, "").partition(" ")
    return (int(number), started) if number.isascii() and number.isdecimal() and started else None


def physical_zone(node: Object) -> Zone | None:
    """Where the node is, whatever its label says; None for one that is in the API only."""
    zone = annotations(node).get(ZONE)
    return Zone(zone) if zone else None


def outage(node: Object) -> str | None:
    """What has failed there."""
    return annotations(node).get(OUTAGE)


def wants_machine(node: Object) -> bool:
    """Whether the lab shall run a machine for it."""
    return MACHINE in annotations(node) and physical_zone(node) is not None


def delays_s(node: Object) -> dict[Zone, float]:
    """Seconds by zone; what cannot be read is left out."""
    try:
        found = json.loads(annotations(node).get(DELAYS, "{}"))
        return {Zone(zone): float(delay_s) for zone, delay_s in found.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def with_delay(node: Object, zone: Zone, delay_s: float) -> Object:
    """A merge patch that sets one delay and keeps the others."""
    wanted = {**delays_s(node), zone: delay_s}
    return {"metadata": {"annotations": {DELAYS: json.dumps(wanted, sort_keys=True)}}}
