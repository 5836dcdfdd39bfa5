"""What a lab shall be: values, and the checks of them."""

from dataclasses import dataclass

from k8s.errors import UsageError
from k8s.lab.design import application as apps
from k8s.lab.design.addresses import MAX_NODES, WORKER_PODS_FROM
from k8s.lab.design.application import App
from k8s.lab.design.store_app import CATALOG, STORE
from k8s.topology import ServiceKey, Zone

DEFAULT_API_PORT = 16443
DEFAULT_XRAY_PORT = 16080
_MAX_PORT = 65535
DEFAULT_SCRAPE_S = 1.0
_SCRAPES_S = (0.1, 60.0)
"""Prometheus takes samples of the last five minutes for an answer; some have to be there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairDelay:
    """One-way latency between two zones, whichever of them calls."""

    zones: tuple[Zone, Zone]
    delay_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraNode:
    """A node that is in the API only: it carries no pod, but the controller counts it."""

    name: str
    zone: Zone | None = None
    """None leaves the zone label out."""
    cpu_milli: int = 4000
    control_plane: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """Pods of a workload that come one after the other once the lab is up."""

    start: int
    """Pods at the beginning; the others follow."""
    every_s: float
    workload: ServiceKey = CATALOG


@dataclass(frozen=True, slots=True, kw_only=True)
class LabSettings:
    """What was asked of ``samezone lab up``."""

    zones: tuple[Zone, ...] = (Zone("eu-west-1a"), Zone("eu-west-1b"), Zone("eu-west-1c"))
    """A region and one letter each, as AWS names them."""
    nodes_per_zone: int = 1
    cpu_milli: int = 4000
    """Allocatable CPU of a node; the TAR heuristic weighs zones by it."""
    zone_cpu_milli: tuple[tuple[Zone, int], ...] = ()
    """(zone, allocatable CPU of each of its nodes) where it differs from ``cpu_milli``."""
    app: App = STORE
    """What runs there."""
    cross_zone_delay_s: float = 0.0006
    """Extra one-way latency of a connection between two zones."""
    pair_delays: tuple[PairDelay, ...] = ()
    """Pairs that differ from ``cross_zone_delay_s``."""
    extra_nodes: tuple[ExtraNode, ...] = ()
    rollout: Rollout | None = None
    api_port: int = DEFAULT_API_PORT
    """0 takes a free port."""
    xray_port: int = DEFAULT_XRAY_PORT
    prometheus_scrape_s: float | None = None
    """How often a Prometheus scrapes the relays, in seconds; None runs no Prometheus."""
    prometheus_port: int = 0
    seed: int = 1
    """Of pod names and of the controller's choices."""
    routing_seed: int | None = None
    """Of the relays' choices; None takes the operating system's randomness, as it should be for measuring."""
    state_dir: str
    """The folder where state, logs, kubeconfig and env are written."""

    @property
    def region(self) -> str:
        """The zones' names without their letter."""
        return self.zones[0][:-1]

    def cpu_of(self, zone: Zone) -> int:
        """Allocatable CPU of the nodes of *zone*, in milli-CPU."""
        return dict(self.zone_cpu_milli).get(zone, self.cpu_milli)

    def delay_s(self, one: Zone, other: Zone) -> float:
        """One-way extra latency between two zones; 0 within one."""
        if one == other:
            return 0.0
        for pair in self.pair_delays:
            if set(pair.zones) == {one, other}:
                return pair.delay_s
        return self.cross_zone_delay_s


def check(settings: LabSettings) -> None:
    """Raise UsageError for a lab that cannot be built."""
    for fault in _faults(settings):
        raise UsageError(f"building the lab: {fault}")


def _faults(settings: LabSettings) -> list[str]:
    faults = _zone_faults(settings)
    nodes = len(settings.zones) * settings.nodes_per_zone
    if settings.nodes_per_zone < 1 or nodes > MAX_NODES:
        faults.append(f"{nodes} nodes asked for; have between 1 and {MAX_NODES}")
    if settings.cpu_milli < 1 or any(cpu < 1 for _, cpu in settings.zone_cpu_milli):
        faults.append("a node needs some CPU; give milli-CPU, e.g. 4000")
    faults += [said for _, said in apps.faults(settings.app, len(settings.zones))]
    most = settings.app.pods
    if nodes and most >= WORKER_PODS_FROM:
        faults.append(f"{most} pods asked for; this machine's lab holds up to {WORKER_PODS_FROM - 1}")
    ports = {
        "API": settings.api_port,
        "X-Ray": settings.xray_port,
        "Prometheus": settings.prometheus_port,
    }
    for name, port in ports.items():
        if not 0 <= port <= _MAX_PORT:
            faults.append(f"{name} port {port} is not a port; use 0 for a free one")
    if settings.api_port == settings.xray_port != 0:
        faults.append(f"port {settings.api_port} was given to both the API server and X-Ray")
    scrape_s = settings.prometheus_scrape_s
    if scrape_s is not None and not _SCRAPES_S[0] <= scrape_s <= _SCRAPES_S[1]:
        least_s, most_s = _SCRAPES_S
        faults.append(f"a scrape every {scrape_s:g} s asked for; give from {least_s:g} to {most_s:g} seconds")
    return faults + _scenario_faults(settings)


def _scenario_faults(settings: LabSettings) -> list[str]:
    faults = [
        f"extra node {node.name} has {node.cpu_milli} milli-CPU; give 0 or more"
        for node in settings.extra_nodes
        if node.cpu_milli < 0
    ]
    names = [node.name for node in settings.extra_nodes]
    if len(set(names)) != len(names):
        faults.append(f"an extra node is named twice in {', '.join(names)}")
    rollout = settings.rollout
    if rollout is None:
        return faults
    rolled = settings.app.find(rollout.workload)
    if rolled is None:
        faults.append(f"the rollout is of {rollout.workload}, which is no workload of the app")
    elif not (0 < rollout.start < rolled.pods and rollout.every_s >= 0):
        faults.append(
            f"the rollout starts with {rollout.start} of {rolled.pods} pods of {rolled.key}, then one every "
            f"{rollout.every_s:g} s; start with at least one and fewer than all, and give seconds from 0"
        )
    return faults


def _zone_faults(settings: LabSettings) -> list[str]:
    zones = settings.zones
    if not zones:
        return ["no zones given; name at least one, e.g. eu-west-1a"]
    faults = []
    if len(set(zones)) != len(zones):
        faults.append(f"a zone is named twice in {', '.join(zones)}")
    if len({zone[:-1] for zone in zones}) != 1 or not all(_is_zone(zone) for zone in zones):
        faults.append(
            f"zones {', '.join(zones)}: give one region and a letter each, e.g. eu-west-1a,eu-west-1b"
        )
    named = {zone for zone, _ in settings.zone_cpu_milli} | {
        z for pair in settings.pair_delays for z in pair.zones
    }
    if unknown := sorted(named - set(zones)):
        faults.append(f"settings name the zones {', '.join(unknown)}, which this lab does not have")
    if any(
        delay < 0 for delay in (settings.cross_zone_delay_s, *(pair.delay_s for pair in settings.pair_delays))
    ):
        faults.append("a cross-zone delay below 0 s cannot be had")
    return faults


def _is_zone(zone: str) -> bool:
    return len(zone) > 1 and zone[-1].isascii() and zone[-1].islower() and zone[-2].isdigit()
