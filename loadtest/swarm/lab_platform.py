"""The lab as a platform for load: worker pods in its API, its relays' counters, its facts."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from k8s.errors import SamezoneError, UsageError
from k8s.filemark import mark_of
from k8s.lab import asking, truth
from k8s.lab import state as lab_state
from k8s.lab.design import marks
from k8s.lab.design.addresses import MAX_PODS, WORKER_PODS_FROM, Addresses
from k8s.lab.processes import ProcessId, identify
from k8s.lab.state import LabState
from k8s.live import entry_reading, recycle
from k8s.live.cluster import LiveCluster
from k8s.model.entries import Entries
from k8s.topology import NodeName, ServiceKey
from loadtest.record import Asked, Place
from loadtest.swarm import targets
from loadtest.swarm.local_swarm import LocalSwarm
from loadtest.swarm.platforms import Checked, live_lines
from loadtest.truthfile import TruthFile
from loadtest.worker import variables
from loadtest.worker.placement import APP_LABEL, NAMESPACE, WORKER, WorkerPlacement
from loadtest.worker.tally import WorkerTally

CLUSTER_NAME: Final = "samezone-lab"
EXTERNAL_ANNOTATION: Final = "samezone.dev/external"
LOOK_S: Final = 1.0
"""Between looks for the workers' pods."""
RESTART_S: Final = 60.0
"""The longest that new client pods may take to be ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabPlatform:
    """A running lab and its API."""

    state: LabState
    cluster: LiveCluster
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    target_unchecked: bool = False
    """Whether a target is loaded of which nobody can tell where it leads to."""
    locustfile: Path | None = None
    """Whose users send; None: ours."""
    workers: int = 1
    """Load generators a zone."""
    web_login: bool = False
    """Whether people have to log in to the web UI, as the locustfile has it."""

    def place(self) -> Place:
        """Facts of the lab for the record."""
        return Place(
            platform="lab",
            context=self.cluster.context,
            server=self.cluster.server,
            version=self.cluster.version(),
            region=self.state.region,
            zones=tuple(str(zone) for zone in self.state.zones),
            cross_zone_delay_s=self.state.settings.cross_zone_delay_s,
        )

    def check(self, asked: Asked) -> Checked:
        """Where the target leads to. Nothing to agree to: the lab is the user's own.

        Clients that keep connections are restarted. UsageError where pages name a variable that the workers,
        who inherit this environment, cannot send, or where the locustfile is not the one
        that was asked for. Live traffic is left as it is: then there is nothing to look at.
        """
        if asked.is_live:
            return Checked(notes=live_lines(self.cluster.snapshot([asked.client.namespace]), asked.client))
        self._require_locustfile(asked.plan.locustfile)
        if asked.plan.users < (count := self.workers * len(self.state.zones)):
            raise UsageError(
                f"planning {asked.plan.users} users: they cannot cover {count} load generators; give "
                f"--users {count} or more, or fewer --workers"
            )
        if count > MAX_PODS - WORKER_PODS_FROM:
            raise UsageError(f"--workers {self.workers}: {count} load generators are more than the lab holds")
        if trouble := variables.trouble(asked.plan.pages, os.environ):
            raise UsageError(f"reading the variables that pages name: {trouble}")
        targets.client_of(self.cluster.service, asked.client)
        found = targets.aim(
            asked, targets.at_nodes(asked.client), self._entries, unchecked=self.target_unchecked
        )
        checked = Checked(notes=(found.line,), caveats=found.caveats)
        app, named = self.state.settings.app, (asked.client, *asked.callers)
        pooling = [key for key in named if (one := app.find(key)) is not None and one.keep_alive]
        if not pooling:
            return checked
        clients = [
            replace(one, pools=True, reason=f"the lab's {key.name} keeps its connections")
            for key in pooling
            for one in recycle.clients(self.cluster, key, self.cluster.service(key).selector)
        ]
        return replace(
            checked,
            recycle=partial(
                recycle.restart,
                self.cluster,
                clients,
                clock=self.clock,
                monotonic=self.monotonic,
                sleep=self.sleep,
                timeout_s=RESTART_S,
            ),
        )

    def _entries(self, url: str) -> Entries:
        """What the API knows, and where each node's proxy answers for the Services."""
        relayed = {urlsplit(one.url).netloc: one.service for one in self.state.services}
        return entry_reading.read(self.cluster, url, relayed=relayed)

    def _require_locustfile(self, mark: str) -> None:
        """A trial that is resumed, or goes on after the file was edited, would be another one."""
        if not mark:
            return
        name = mark.partition(" ")[0]
        if self.locustfile is None:
            raise UsageError(f"the load is of locustfile {mark}; give it again: --locustfile {name}")
        try:
            found = mark_of(self.locustfile, self.locustfile.read_bytes())
        except OSError as error:
            raise UsageError(f"reading --locustfile {self.locustfile}: {error.strerror}") from error
        if found != mark:
            raise UsageError(f"the load is of locustfile {mark}, but {self.locustfile} is {found} now")

    def swarm(self, client: ServiceKey, *, name: str, log_dir: Path, web_port: int = 0) -> "LabSwarm":
        """The worker processes of all zones; their pods carry *name*."""
        return LabSwarm(
            self.cluster,
            self.placements(client, suffix=name),
            log_dir,
            web_port,
            self.locustfile,
            web_login=self.web_login,
        )

    def placements(self, client: ServiceKey, *, suffix: str) -> tuple[WorkerPlacement, ...]:
        """As many a zone as are asked for, on the zone's nodes in turn; pod names carry *suffix* and no zone.

        Every zone's first ones come first.
        """
        found: list[WorkerPlacement] = []
        for copy, zone in product(range(self.workers), self.state.zones):
            nodes = [node for node in self.state.nodes if node.zone == zone]
            node, index = nodes[copy % len(nodes)], len(found)
            found.append(
                WorkerPlacement(
                    pod=f"{WORKER}-{suffix}-{_letters(index)}",
                    zone=str(zone),
                    node=str(node.name),
                    ip=Addresses(octet=self.state.octet).pod(node.number, WORKER_PODS_FROM + index),
                    target_url=self.state.service_url(node.name, client),
                    otlp_url=self.state.otlp_url,
                    region=self.state.region,
                    cluster=CLUSTER_NAME,
                    service=client.name,
                    hosts=self._hosts(node.name),
                )
            )
        return tuple(found)

    def _hosts(self, node: NodeName) -> tuple[tuple[str, str], ...]:
        """What a cluster's DNS and kube-proxy do for pods: the address of each Service on *node*."""
        return tuple(
            (f"{one.service.name}.{one.service.namespace}", urlsplit(one.url).netloc)
            for one in self.state.services
            if one.node == node
        )

    def read_truth(self) -> truth.TruthSnapshot:
        """The relays' counters now."""
        # Read again: a node may have joined since.
        return asking.read_truth(lab_state.load(self.state.state_dir).relay_admin_urls)

    def truth_file(self, before: truth.TruthSnapshot, after: truth.TruthSnapshot) -> TruthFile:
        """What the relays counted in between."""
        rows = truth.difference(before, after).rows
        return TruthFile(rows=rows, connection_per_call=not self.state.settings.app.keeps_connections)


class LabSwarm(LocalSwarm):
    """A local swarm whose workers are pods of the lab, so that they have a node and with it a zone."""

    def __init__(
        self,
        cluster: LiveCluster,
        workers: tuple[WorkerPlacement, ...],
        log_dir: Path,
        web_port: int,
        locustfile: Path | None = None,
        *,
        web_login: bool = False,
    ) -> None:
        """*workers* as ``LabPlatform.placements`` gives them."""
        super().__init__(workers, log_dir, web_port, locustfile, web_login=web_login)
        self._cluster = cluster
        self._pods = workers
        self._looked_s = 0.0

    def open(self) -> tuple[WorkerTally, ...]:
        """Create the workers' pods in the API, then start the processes."""
        for worker in self._pods:
            self._create_pod(worker)
        return super().open()

    def close(self) -> None:
        """End the processes, then delete the pods; safe to call twice."""
        super().close()
        for worker in self._pods:
            self._cluster.delete_pod(NAMESPACE, worker.pod)

    def _without_place(self) -> frozenset[str]:
        """Whose pod was deleted or evicted: the process ends, as a kubelet would have it."""
        now_s = time.monotonic()
        if now_s - self._looked_s < LOOK_S:
            return frozenset()
        self._looked_s = now_s
        try:
            there = self._pods_there()
        except SamezoneError:
            return frozenset()  # an API that is away has evicted nobody
        return frozenset(worker.pod for worker in self._pods) - there

    def _make_place(self, worker: WorkerPlacement) -> None:
        """The pod again, if it is gone, as a Deployment would make a new one."""
        with suppress(SamezoneError):  # an API that is away has the pod, as far as anybody knows
            if worker.pod not in self._pods_there():
                self._create_pod(worker)

    def _create_pod(self, worker: WorkerPlacement) -> None:
        self._cluster.create_pod(NAMESPACE, pod_manifest(worker))
        path = f"/api/v1/namespaces/{NAMESPACE}/pods/{worker.pod}/status"
        self._cluster.patch(path, pod_status(worker), what=f"pod {worker.pod}")

    def _pods_there(self) -> frozenset[str]:
        found = self._cluster.raw_items(f"/api/v1/namespaces/{NAMESPACE}/pods")
        return frozenset(
            pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"]
        )


def pod_manifest(worker: WorkerPlacement) -> dict[str, Any]:
    """A pod that runs outside the lab's supervisor, already on its node; gone with this process."""
    me = os.getpid()
    owner = identify(me) or ProcessId(pid=me, started="?")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": worker.pod,
            "namespace": NAMESPACE,
            "labels": {APP_LABEL: WORKER},
            "annotations": {EXTERNAL_ANNOTATION: "true", marks.OWNER: f"{owner.pid} {owner.started}"},
        },
        "spec": {"nodeName": worker.node, "containers": [{"name": "locust", "image": "locust"}]},
    }


def pod_status(worker: WorkerPlacement) -> dict[str, Any]:
    """What its kubelet would say of it."""
    return {
        "status": {
            "phase": "Running",
            "podIP": worker.ip,
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def _letters(index: int) -> str:
    """Five letters that depend on the index alone, as a ReplicaSet's pods end."""
    alphabet = "bcdfghjklmnpqrstvwxz"
    value = (index + 1) * 7_368_787 % len(alphabet) ** 5
    letters = ""
    for _ in range(5):
        value, digit = divmod(value, len(alphabet))
        letters += alphabet[digit]
    return letters
