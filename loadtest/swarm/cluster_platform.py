"""A live cluster as a platform for load: looked at before anything is changed, and asked for consent."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from k8s.doctor import examination
from k8s.doctor.finding import Severity
from k8s.errors import UsageError
from k8s.live import live_scene, recycle
from k8s.live.cluster import LiveCluster
from k8s.live.recycle import Client
from k8s.model.scene import Scene
from k8s.predict.carriage import carriage_of, named
from k8s.routing.modes import RoutingMode, mode_of
from k8s.topology import Recycled, ServiceKey
from loadtest import budget
from loadtest.record import Asked, Caveat, Place
from loadtest.swarm.cluster_swarm import NAMESPACE, ClusterSwarm, uneven, worker_pods, worker_zones
from loadtest.swarm.platforms import Checked
from loadtest.truthfile import TruthFile

REGION_LABEL: Final = "topology.kubernetes.io/region"
REGION_VARIABLES: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")
RECYCLE: Final = ("auto", "always", "never")
RESTART_S: Final = 300.0
"""The longest that new client pods may take to be ready; a JVM takes a minute."""
_DATA_PLANE = frozenset({"D44", "D45"})
"""What the doctor says about proxies that may not read hints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterPlatform:
    """A cluster with the store and Locust in it."""

    cluster: LiveCluster
    environment: Mapping[str, str]
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    recycle: str = "auto"
    """Whether client pods are restarted before the load: auto where they pool connections."""
    read_truth: None = None
    """Nothing counts connections on a cluster but X-Ray."""

    def place(self) -> Place:
        """Facts of the cluster for the record."""
        scene = self._scene()
        regions = {dict(node.labels).get(REGION_LABEL) for node in scene.snapshot.nodes} - {None}
        named = next((self.environment[key] for key in REGION_VARIABLES if self.environment.get(key)), "")
        return Place(
            platform="cluster",
            context=self.cluster.context,
            server=self.cluster.server,
            version=self.cluster.version(),
            region=str(regions.pop()) if len(regions) == 1 else named,
            zones=worker_zones(scene.snapshot),
            data_plane=data_plane(scene),
        )

    def check(self, asked: Asked) -> Checked:
        """Workers in every zone, X-Ray's budget, pooled connections, the data plane."""
        cost = budget.check(asked.plan)
        workers = worker_pods(self.cluster.snapshot([NAMESPACE]))
        if asked.plan.users < len(workers):
            raise UsageError(
                f"planning {asked.plan.users} users: they cannot cover {len(workers)} Locust workers; give "
                f"--users {len(workers)} or more"
            )
        service = self.cluster.service(asked.service)
        restarted = self._restarted(asked.client)
        zones = Counter(worker.zone for worker in workers)
        plan = asked.plan
        announcement = [
            f"context  {self.cluster.context} (API server {self.cluster.server})",
            f"Service  {asked.service}: from {mode_of(service).value} to {asked.mode}",
            f"load     {plan.rate_per_s:g} requests/s for {plan.warmup_s + plan.duration_s:g} s",
            "workers  " + ", ".join(f"{zone} {count}" for zone, count in sorted(zones.items())),
            f"X-Ray    {cost}",
        ]
        announcement += [
            f"restart  Deployment {one} ({one.pods} pods), so that it opens new connections: {one.reason}"
            for one in restarted
        ]
        return Checked(
            announcement=tuple(announcement),
            caveats=self._caveats(asked, uneven(workers)),
            recycle=partial(self._recycle, restarted),
        )

    def swarm(self, client: ServiceKey, *, name: str, log_dir: Path, web_port: int = 0) -> ClusterSwarm:
        """The Locust master and workers that run in the cluster."""
        del client, name, log_dir  # the Deployments have them
        return ClusterSwarm(self.cluster, web_port=web_port)

    def truth_file(self, before: object, after: object) -> TruthFile:
        """There is none."""
        raise UsageError(f"context {self.cluster.context} has no ground truth ({before}, {after})")

    def _scene(self) -> Scene:
        return live_scene.read(self.cluster, taken_at_s=self.clock())

    def _restarted(self, key: ServiceKey) -> tuple[Client, ...]:
        if self.recycle == "never":
            return ()
        service = self.cluster.service(key)
        found = recycle.clients(self.cluster, key, service.selector)
        return tuple(one for one in found if one.pools or self.recycle == "always")

    def _recycle(self, restarted: tuple[Client, ...]) -> Recycled | None:
        if not restarted:
            return None
        return recycle.restart(
            self.cluster,
            restarted,
            clock=self.clock,
            monotonic=self.monotonic,
            sleep=self.sleep,
            timeout_s=RESTART_S,
        )

    def _caveats(self, asked: Asked, uneven_workers: str) -> tuple[Caveat, ...]:
        found = [Caveat(code="worker-uneven", text=uneven_workers)] if uneven_workers else []
        if asked.mode != RoutingMode.OFF.value:
            wanted = RoutingMode(asked.mode)
            found += [
                Caveat(code="data-plane", text=one.meaning)
                for one in examination.examine(self._scene(), asked.service, asked.client, wanted=wanted)
                if one.code in _DATA_PLANE and one.severity is not Severity.NOTE
            ]
        if self.recycle == "never":
            found.append(
                Caveat(
                    code="old-connections",
                    text="Client pods were not restarted: connections opened under another routing mode keep "
                    "their endpoints.",
                )
            )
        return tuple(found)


def data_plane(scene: Scene) -> tuple[str, ...]:
    """What carries Service traffic, one clause for each kind and version, *not known* included."""
    carriage, minors = carriage_of(scene), dict(scene.proxy_minors)
    nodes = Counter(named(carriage, carriage.of_node(name), minors.get(name)) for name in carriage.ready)
    pods = Counter(carrier.name for carrier in carriage.pods.values())
    return (
        *(f"{what} on {count} node{'s' * (count > 1)}" for what, count in sorted(nodes.items())),
        *(f"{what} in {count} pod{'s' * (count > 1)}" for what, count in sorted(pods.items())),
    )
