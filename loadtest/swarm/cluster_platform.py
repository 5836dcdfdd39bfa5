"""A live cluster as a platform for load: looked at before anything is changed, and asked for consent."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Final

from k8s.doctor import examination
from k8s.doctor.finding import Severity
from k8s.eks.locustfiles import ANNOTATION
from k8s.errors import UsageError
from k8s.live import entry_reading, live_scene, recycle
from k8s.live.cluster import LiveCluster
from k8s.live.recycle import Client
from k8s.model.scene import Scene
from k8s.predict.carriage import carriage_of, named
from k8s.routing.modes import RoutingMode, mode_of
from k8s.topology import Recycled, ServiceKey
from loadtest import budget
from loadtest.record import Asked, Caveat, Place
from loadtest.swarm import targets
from loadtest.swarm.cluster_swarm import (
    MASTER,
    ClusterSwarm,
    Site,
    WorkerPod,
    uneven,
    worker_pods,
    worker_zones,
)
from loadtest.swarm.platforms import Checked, live_lines
from loadtest.truthfile import TruthFile
from loadtest.worker.messages import OURS_VARIABLE
from loadtest.worker.placement import APP_LABEL, NAMESPACE, WORKER
from loadtest.worker.plan import LoadPlan
from loadtest.worker.target import Target

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
    workers: int | None = None
    """Load generators that each zone shall have; None leaves it at those that are there."""
    target_unchecked: bool = False
    """Whether a target is loaded of which nobody can tell where it leads to."""
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
        """The target, workers in every zone, X-Ray's budget, pooled connections, the data plane.

        Of live traffic the data plane alone, and whether its client is there.
        """
        if asked.is_live:
            restarted = self._restarted_by(asked)
            told = live_lines(self.cluster.snapshot([asked.client.namespace]), asked.client)
            return Checked(
                announcement=(*self._changes(asked), *told, *_restarts(restarted)),
                caveats=self._caveats(asked, ""),
                recycle=partial(self._recycle, restarted),
            )
        aim = targets.aim(
            asked,
            targets.default_url(targets.client_of(self.cluster.service, asked.client)),
            partial(entry_reading.read, self.cluster, relayed={}),
            unchecked=self.target_unchecked,
        )
        cost = _cost_of(asked.plan)
        workers = worker_pods(self.cluster.snapshot([NAMESPACE]))
        if self.workers is not None:
            require_workers(workers, self.workers)
        if asked.plan.is_closed_loop:
            require_locustfile(self.cluster, asked.plan.locustfile)
        if asked.plan.users < len(workers):
            raise UsageError(
                f"planning {asked.plan.users} users: they cannot cover {len(workers)} Locust workers; give "
                f"--users {len(workers)} or more"
            )
        restarted = self._restarted_by(asked)
        zones = Counter(worker.zone for worker in workers)
        plan = asked.plan
        announcement = [
            *self._changes(asked),
            aim.line,
            f"load     {_load_of(plan)} for {plan.warmup_s + plan.duration_s:g} s",
            "workers  " + ", ".join(f"{zone} {count}" for zone, count in sorted(zones.items())),
            f"X-Ray    {cost}",
        ]
        return Checked(
            announcement=(*announcement, *_restarts(restarted)),
            caveats=(*aim.caveats, *self._caveats(asked, uneven(workers))),
            recycle=partial(self._recycle, restarted),
        )

    def swarm(self, client: ServiceKey, *, name: str, log_dir: Path, web_port: int = 0) -> ClusterSwarm:
        """The Locust master and workers that run in the cluster."""
        del name, log_dir  # the Deployments have them
        url = targets.default_url(self.cluster.service(client))
        return ClusterSwarm(
            self.cluster,
            target=Target(url=url, service=client.name),
            web_port=web_port,
            token=self.environment.get(OURS_VARIABLE, ""),
        )

    def truth_file(self, before: object, after: object) -> TruthFile:
        """There is none."""
        raise UsageError(f"context {self.cluster.context} has no ground truth ({before}, {after})")

    def _scene(self) -> Scene:
        return live_scene.read(self.cluster, taken_at_s=self.clock())

    def _changes(self, asked: Asked) -> tuple[str, ...]:
        """What is changed, and where."""
        services = [self.cluster.service(key) for key in asked.services]
        return (
            f"context  {self.cluster.context} (API server {self.cluster.server})",
            *(f"Service  {one.key}: from {mode_of(one).value} to {asked.mode}" for one in services),
        )

    def _restarted_by(self, asked: Asked) -> tuple[Client, ...]:
        """Clients to be restarted; under live traffic only where a person asks for all of them."""
        if asked.is_live and self.recycle != "always":
            return ()
        return tuple(one for key in (asked.client, *asked.callers) for one in self._restarted(key))

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
            wanted, scene = RoutingMode(asked.mode), self._scene()
            found += [
                Caveat(code="data-plane", text=one.meaning)
                for key, client in zip_longest(asked.services, (asked.client, *asked.callers))
                for one in examination.examine(scene, key, client, wanted=wanted)
                if one.code in _DATA_PLANE and one.severity is not Severity.NOTE
            ]
        if self.recycle == "never" or (asked.is_live and self.recycle != "always"):
            found.append(
                Caveat(
                    code="old-connections",
                    text="Client pods were not restarted: connections opened under another routing mode keep "
                    "their endpoints.",
                )
            )
        return tuple(found)


def _restarts(restarted: Sequence[Client]) -> tuple[str, ...]:
    return tuple(
        f"restart  Deployment {one} ({one.pods} pods), so that it opens new connections: {one.reason}"
        for one in restarted
    )


def require_workers(workers: Sequence[WorkerPod], each: int) -> None:
    """Raise UsageError unless every zone has *each* workers."""
    counts = Counter(worker.zone for worker in workers)
    if wrong := {zone: count for zone, count in sorted(counts.items()) if count != each}:
        found = ", ".join(f"{count} in {zone}" for zone, count in wrong.items())
        raise UsageError(
            f"looking for {each} Locust workers a zone: there are {found}; run samezone cluster deploy "
            f"--workers {each}, or scale Deployment {WORKER} in namespace {NAMESPACE} to "
            f"{each * len(counts)} replicas, or each zone's own to {each}"
        )


def require_locustfile(cluster: Site, mark: str) -> None:
    """Raise UsageError unless every Locust pod was started with the locustfile called *mark*."""
    for item in cluster.raw_items(f"/api/v1/namespaces/{NAMESPACE}/pods"):
        metadata = item["metadata"]
        if metadata.get("labels", {}).get(APP_LABEL) not in {WORKER, MASTER}:
            continue
        found = metadata.get("annotations", {}).get(ANNOTATION, "none")
        if found != mark and "deletionTimestamp" not in metadata:
            raise UsageError(
                f"the load is of locustfile {mark}, but pod {metadata['name']} in namespace {NAMESPACE} has "
                f"{found}; deploy it first: samezone cluster deploy --locustfile "
                f"{mark.partition(' ')[0]}"
            )


def _load_of(plan: LoadPlan) -> str:
    if plan.is_closed_loop:
        return f"{plan.users} closed-loop users of {plan.locustfile}, as fast as they are,"
    return f"{plan.rate_per_s:g} requests/s"


def _cost_of(plan: LoadPlan) -> str:
    """UsageError for more than X-Ray would keep, where that is known before."""
    if plan.is_closed_loop:
        return "nobody knows before how many segments/s closed-loop users cause; X-Ray's quota is 2,600"
    return str(budget.check(plan))


def data_plane(scene: Scene) -> tuple[str, ...]:
    """What carries Service traffic, one clause for each kind and version, *not known* included."""
    carriage, minors = carriage_of(scene), dict(scene.proxy_minors)
    nodes = Counter(named(carriage, carriage.of_node(name), minors.get(name)) for name in carriage.ready)
    pods = Counter(carrier.name for carrier in carriage.pods.values())
    return (
        *(f"{what} on {count} node{'s' * (count > 1)}" for what, count in sorted(nodes.items())),
        *(f"{what} in {count} pod{'s' * (count > 1)}" for what, count in sorted(pods.items())),
    )
