"""The swarm of a cluster: a Locust master and workers that run there already, driven over a port-forward."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from k8s.errors import InvalidRunError, SamezoneError, UnreachableError, UsageError
from k8s.live.forward import Forward
from k8s.model import objects
from k8s.topology import Node, NodeName, Pod, Snapshot
from loadtest.swarm.interface import BUSY, Phase, Progress
from loadtest.swarm.locust_master import LocustMaster, Patience
from loadtest.worker.live_view import Handover, LiveView
from loadtest.worker.placement import APP_LABEL, NAMESPACE, WORKER
from loadtest.worker.plan import LoadPlan
from loadtest.worker.tally import WorkerLoss, WorkerTally
from loadtest.worker.target import Target

MASTER: Final = "locust-master"
WEB_PORT: Final = 8089
_SEE = f"see: kubectl -n {NAMESPACE} get pods -o wide"


class Site(Protocol):
    """What is needed of a cluster; ``LiveCluster`` has it."""

    def snapshot(self, namespaces: Sequence[str]) -> Snapshot:
        """All nodes, and the pods of these namespaces."""

    def raw_items(self, path: str, query: Mapping[str, str] | None = None) -> Sequence[Mapping[str, Any]]:
        """All objects of a collection."""

    def stream(self, namespace: str, pod: str, port: int) -> Any:
        """A socket to a pod's port; UnreachableError where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long to wait for what, in seconds."""

    connect_s: float = 60.0
    """For every worker to be connected to the master: one that was an orphan needs a restart."""
    silent_s: float = 20.0
    """The master may be out of reach for so long while load runs; the workers need nobody for that."""
    poll_s: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPod:
    """A worker of the cluster."""

    pod: str
    node: str
    zone: str


def worker_pods(snapshot: Snapshot) -> tuple[WorkerPod, ...]:
    """The ready workers, by zone and name; InvalidRunError when a zone has none.

    A zone is wanted when it has a ready node that carries ordinary pods: load from some of the zones only
    would look like a result.
    """
    nodes = {node.name: node for node in snapshot.nodes}
    found = tuple(
        WorkerPod(pod=str(pod.name), node=str(node.name), zone=str(node.zone))
        for pod in snapshot.pods
        if _is(pod, WORKER) and (node := _node_of(pod, nodes)) is not None and node.zone is not None
    )
    here = {worker.zone for worker in found}
    missing = sorted(set(worker_zones(snapshot)) - here)
    if missing:
        raise InvalidRunError(
            f"looking for Locust workers: none is ready in zone {', '.join(missing)} (there are {len(found)} "
            f"in {', '.join(sorted(here)) or 'no zone'}), so the load would not come from every zone; {_SEE}"
        )
    return tuple(sorted(found, key=lambda worker: (worker.zone, worker.pod)))


def worker_zones(snapshot: Snapshot) -> tuple[str, ...]:
    """Zones of the ready nodes that are not the control plane's; UsageError where nodes name no zone."""
    ordinary = [node for node in snapshot.nodes if node.ready and not node.is_control_plane]
    zones = sorted({str(node.zone) for node in ordinary if node.zone is not None})
    if not zones:
        raise UsageError(
            "looking for zones: no ready node has the label topology.kubernetes.io/zone; label the nodes"
        )
    return tuple(zones)


def uneven(workers: Sequence[WorkerPod]) -> str:
    """A sentence where zones have different numbers of workers, and with them different load; else empty."""
    counts = Counter(worker.zone for worker in workers)
    if len(set(counts.values())) < 2:  # noqa: PLR2004 - one number for all
        return ""
    shown = ", ".join(f"{zone} {count}" for zone, count in sorted(counts.items()))
    return f"Zones have different numbers of Locust workers ({shown}), so they sent different load."


class ClusterSwarm:
    """Implements Swarm; opens and closes a port-forward, and leaves the pods as they are."""

    def __init__(
        self,
        site: Site,
        *,
        target: Target | None = None,
        web_port: int = 0,
        token: str = "",
        times: Times | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """*web_port* is the local end of the port-forward; 0 takes a free one.

        *target* is the client Service, for a load that leaves it open; the Deployments know one app only.
        *token* is the master's, where its web UI asks people to log in.
        """
        self._site = site
        self._target = target or Target()
        self._times = times or Times()
        self._clock = clock
        self._sleep = sleep
        self._forward = Forward(self._dial, port=web_port)
        self._token = token
        self._master: LocustMaster | None = None
        self._zones: dict[str, str] = {}
        """Zone of each worker pod's node, as far as it was looked up."""
        self._started = False
        self._heard_s = 0.0
        self._last = Progress(requests=0, failures=0, workers=0)

    @property
    def web_url(self) -> str:
        """The local end of the port-forward."""
        return self._forward.url

    def open(self) -> tuple[WorkerTally, ...]:
        """Reach the master and wait until every zone's workers are connected to it.

        InvalidRunError when a zone has no worker, UsageError when somebody else's load is running,
        UnreachableError when the master or a worker cannot be reached.
        """
        workers = worker_pods(self._site.snapshot([NAMESPACE]))
        self._forward.open()
        try:
            master = LocustMaster(
                self._forward.url,
                expect=[worker.pod for worker in workers],
                patience=Patience(again_s=self._times.silent_s),
                token=self._token,
                clock=self._clock,
                sleep=self._sleep,
            )
            self._zones = {worker.pod: worker.zone for worker in workers}
            self._await_workers(master)
            _refuse_busy(master)
        except BaseException:
            self.close()
            raise
        self._master = master
        return master.tallies()

    def start(self, plan: LoadPlan, *, run_id: str, phase: Phase) -> None:
        """Begin to send requests; counters start from zero; returns when the first one is due.

        Waits for the pods that replace workers which were lost since the last load.
        """
        master = self._opened()
        if master.absent():
            self._await_replacements(master)
        self._started = True
        target = plan.target
        target = replace(target, url=target.url or self._target.url, service=self._target.service)
        master.start(replace(plan, target=target), run_id=run_id, phase=phase)
        self._heard_s = self._clock()

    def progress(self) -> Progress:
        """Where it stands; while the forward is cut, where it stood, for a while.

        InvalidRunError for a worker that took a lost one's place and is not in the zone that it says.
        """
        try:
            self._last = self._opened().progress()
            self._look_up_newcomers(self._last)
        except UnreachableError:
            if self._clock() - self._heard_s > self._times.silent_s:
                raise
        else:
            self._heard_s = self._clock()
        return self._last

    def show(self, view: LiveView) -> Handover:
        """Hand the Zones tab what it is to show; what was asked for there, if the master is in reach."""
        try:
            return self._opened().show(view)
        except UnreachableError:
            return Handover()

    def stop(self) -> None:
        """Stop sending, let requests in flight end, and wait until every span is delivered or dropped."""
        self._opened().stop()
        self._started = False

    def tallies(self) -> tuple[WorkerTally, ...]:
        """What each worker did since ``start``; after a master's restart, what it had told before."""
        return self._opened().tallies()

    def losses(self) -> tuple[WorkerLoss, ...]:
        """Who was lost since ``start`` while load was wanted."""
        return self._opened().losses()

    @property
    def silent_s(self) -> float:
        """How old the master's last word is, where it does not answer any more; 0 while it does."""
        return self._master.silent_s if self._master is not None else 0.0

    def close(self) -> None:
        """Stop load that we began and close the port-forward; safe to call twice and after a failure."""
        if self._started and self._master is not None:
            self._started = False
            # Out of reach, the workers stop by themselves once they miss their master.
            with suppress(SamezoneError):
                self._master.stop()
        self._forward.close()
        self._master = None

    def _opened(self) -> LocustMaster:
        if self._master is None:
            raise UnreachableError("the swarm is not open")
        return self._master

    def _await_workers(self, master: LocustMaster) -> None:
        deadline_s = self._clock() + self._times.connect_s
        while absent := master.absent():
            if self._clock() > deadline_s:
                raise UnreachableError(
                    f"waiting for Locust workers: {', '.join(absent)} did not connect to the master within "
                    f"{self._times.connect_s:g} s; {_SEE}"
                )
            self._sleep(self._times.poll_s)

    def _await_replacements(self, master: LocustMaster) -> None:
        """Wait until each zone has a ready worker that is connected; InvalidRunError where it gets none."""
        deadline_s = self._clock() + self._times.connect_s
        while True:
            try:
                workers = worker_pods(self._site.snapshot([NAMESPACE]))
            except InvalidRunError:
                if self._clock() > deadline_s:
                    raise
                self._sleep(self._times.poll_s)
            else:
                master.expect(worker.pod for worker in workers)
                self._await_workers(master)
                return

    def _look_up_newcomers(self, progress: Progress) -> None:
        """A pod that came during the load: its node tells its zone, whatever the pod itself says."""
        said = {tally.worker: tally.zone for tally in progress.tallies if tally.worker not in self._zones}
        if not said:
            return
        snapshot = self._site.snapshot([NAMESPACE])
        nodes = {node.name: str(node.zone or "") for node in snapshot.nodes}
        zones = {str(pod.name): nodes.get(pod.node, "") for pod in snapshot.pods if pod.node is not None}
        for worker, zone in said.items():
            found = zones.get(worker, "")
            if found not in {"", zone}:
                raise InvalidRunError(
                    f"Locust worker {worker} says that it is in zone {zone}, but its node is in {found}; "
                    f"correct SAMEZONE_ZONE of its Deployment; {_SEE}"
                )
            self._zones[worker] = found

    def _dial(self) -> Any:
        """A stream to the master's web port: of the pod that is ready now."""
        path, query = f"/api/v1/namespaces/{NAMESPACE}/pods", {"labelSelector": f"{APP_LABEL}={MASTER}"}
        for pod in map(objects.pod, self._site.raw_items(path, query)):
            if pod.ready and not pod.terminating:
                return self._site.stream(NAMESPACE, str(pod.name), WEB_PORT)
        raise UnreachableError(f"reaching the Locust master: no pod of it is ready; {_SEE}")


def _refuse_busy(master: LocustMaster) -> None:
    """Somebody else's load, started in the web UI, is not ours to end."""
    state = master.view().state
    if state in BUSY:
        raise UsageError(
            f"starting load: the Locust master in namespace {NAMESPACE} is {state} already; stop that load "
            f"in its web UI first (kubectl -n {NAMESPACE} port-forward svc/{MASTER} {WEB_PORT})"
        )


def _is(pod: Pod, app: str) -> bool:
    return pod.namespace == NAMESPACE and dict(pod.labels).get(APP_LABEL) == app


def _node_of(pod: Pod, nodes: dict[NodeName, Node]) -> Node | None:
    """The node of a pod that can work."""
    return nodes.get(pod.node) if pod.node is not None and pod.ready and not pod.terminating else None
