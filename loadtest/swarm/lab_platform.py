"""The lab as a platform for load: worker pods in its API, its relays' counters, its facts."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from k8s.errors import SamezoneError
from k8s.lab import asking, truth
from k8s.lab import state as lab_state
from k8s.lab.design import marks
from k8s.lab.design.addresses import WORKER_PODS_FROM, Addresses
from k8s.lab.processes import ProcessId, identify
from k8s.lab.state import LabState
from k8s.live import recycle
from k8s.live.cluster import LiveCluster
from k8s.topology import ServiceKey
from loadtest.record import Asked, Place
from loadtest.swarm.local_swarm import LocalSwarm
from loadtest.swarm.platforms import Checked
from loadtest.truthfile import TruthFile
from loadtest.worker.placement import WorkerPlacement
from loadtest.worker.tally import WorkerTally

WORKER_NAMESPACE: Final = "locust"
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
        """Nothing to agree to: the lab is the user's own. Clients that keep connections are restarted."""
        if not self.state.settings.keep_alive:
            return Checked()
        service = self.cluster.service(asked.client)
        found = [
            replace(one, pools=True, reason="the lab's ui keeps its connections")
            for one in recycle.clients(self.cluster, asked.client, service.selector)
        ]
        return Checked(
            recycle=partial(
                recycle.restart,
                self.cluster,
                found,
                clock=self.clock,
                monotonic=self.monotonic,
                sleep=self.sleep,
                timeout_s=RESTART_S,
            )
        )

    def swarm(self, client: ServiceKey, *, name: str, log_dir: Path, web_port: int = 0) -> "LabSwarm":
        """One worker process a zone; its pods carry *name*."""
        return LabSwarm(self.cluster, self.placements(client, suffix=name), log_dir, web_port)

    def placements(self, client: ServiceKey, *, suffix: str) -> tuple[WorkerPlacement, ...]:
        """One worker a zone, on the zone's first node; pod names carry *suffix* and no zone."""
        first = {node.zone: node for node in reversed(self.state.nodes)}
        return tuple(
            WorkerPlacement(
                pod=f"locust-worker-{suffix}-{_letters(index)}",
                zone=str(zone),
                node=str(first[zone].name),
                ip=Addresses(octet=self.state.octet).pod(first[zone].number, WORKER_PODS_FROM + index),
                ui_url=self.state.service_url(first[zone].name, client),
                otlp_url=self.state.otlp_url,
                region=self.state.region,
                cluster=CLUSTER_NAME,
            )
            for index, zone in enumerate(self.state.zones)
        )

    def read_truth(self) -> truth.TruthSnapshot:
        """The relays' counters now."""
        # Read again: a node may have joined since.
        return asking.read_truth(lab_state.load(self.state.state_dir).relay_admin_urls)

    def truth_file(self, before: truth.TruthSnapshot, after: truth.TruthSnapshot) -> TruthFile:
        """What the relays counted in between."""
        rows = truth.difference(before, after).rows
        return TruthFile(rows=rows, connection_per_call=not self.state.settings.keep_alive)


class LabSwarm(LocalSwarm):
    """A local swarm whose workers are pods of the lab, so that they have a node and with it a zone."""

    def __init__(
        self, cluster: LiveCluster, workers: tuple[WorkerPlacement, ...], log_dir: Path, web_port: int
    ) -> None:
        """*workers* as ``LabPlatform.placements`` gives them."""
        super().__init__(workers=workers, log_dir=log_dir, web_port=web_port)
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
            self._cluster.delete_pod(WORKER_NAMESPACE, worker.pod)

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
        self._cluster.create_pod(WORKER_NAMESPACE, pod_manifest(worker))
        path = f"/api/v1/namespaces/{WORKER_NAMESPACE}/pods/{worker.pod}/status"
        self._cluster.patch(path, pod_status(worker), what=f"pod {worker.pod}")

    def _pods_there(self) -> frozenset[str]:
        found = self._cluster.raw_items(f"/api/v1/namespaces/{WORKER_NAMESPACE}/pods")
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
            "namespace": WORKER_NAMESPACE,
            "labels": {"app.kubernetes.io/name": "locust-worker"},
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
