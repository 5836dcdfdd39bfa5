"""Locust as it runs in a cluster: a master and workers that are pods, and that samezone did not start."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import loadtest
from k8s.eks.locustfiles import ANNOTATION
from k8s.filemark import mark_of
from k8s.lab import state as lab_state
from k8s.lab.design.addresses import Addresses
from k8s.live.cluster import LiveCluster, connect
from k8s.topology import ServiceKey
from loadtest.swarm.lab_platform import LabPlatform, pod_manifest, pod_status
from loadtest.worker.own_file import PATH
from loadtest.worker.placement import WorkerPlacement, to_environment

LOCUSTFILE = Path(loadtest.__file__).parent / "worker" / "locustfile.py"
UI = ServiceKey(namespace="ui", name="ui")
MASTER_POD = 190
WEB_PORT = 8089


@dataclass
class LocustPods:
    """Processes on the lab's pod addresses, and their pods in its API; one worker a zone."""

    folder: Path
    cluster: LiveCluster
    workers: tuple[WorkerPlacement, ...]
    master_ip: str
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    masters: int = 0
    locustfile: Path | None = None
    """A user's own, as their Deployments mount it."""

    @classmethod
    def of(cls, lab_dir: Path, folder: Path, client: ServiceKey = UI) -> "LocustPods":
        state = lab_state.load(lab_dir)
        cluster = connect(state.kubeconfig, None)
        lab = LabPlatform(
            state=state, cluster=cluster, clock=time.time, monotonic=time.monotonic, sleep=time.sleep
        )
        workers = lab.placements(client, suffix="5d8f9c7b6")
        master_ip = Addresses(octet=state.octet).pod(1, MASTER_POD)
        folder.mkdir()
        return cls(folder=folder, cluster=cluster, workers=workers, master_ip=master_ip)

    @property
    def master_pod(self) -> str:
        return f"locust-master-6b7c8d9f5-m{self.masters}"

    def start(self) -> None:
        self.start_master()
        for worker in self.workers:
            self.start_worker(worker)

    def stop(self) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGKILL)
            process.wait()

    def start_master(self) -> None:
        """A new master has a new pod name, as after a restart of its Deployment."""
        self.masters += 1
        self._spawn(
            self.master_pod,
            ("--master", "--master-bind-host", self.master_ip, "--web-host", self.master_ip),
            {},
        )
        self.show_master()

    def show_master(self) -> None:
        """Create the master's pod in the API."""
        first = self.workers[0]
        manifest = pod_manifest(first)
        manifest["metadata"] |= {
            "name": self.master_pod,
            "labels": {"app.kubernetes.io/name": "locust-master"},
        }
        self._create_pod(manifest, replace(first, pod=self.master_pod, ip=self.master_ip))

    def hide_master(self) -> None:
        """Delete the master's pod from the API, which cuts its port-forwards; the process goes on."""
        self.cluster.delete_pod("locust", self.master_pod)

    def kill_master(self) -> None:
        self.kill(self.master_pod)

    def start_worker(self, worker: WorkerPlacement) -> None:
        self._spawn(worker.pod, ("--worker", "--master-host", self.master_ip), to_environment(worker))
        self._create_pod(pod_manifest(worker), worker)

    def _create_pod(self, manifest: dict[str, Any], placed: WorkerPlacement) -> None:
        """A pod, and what its kubelet says of it."""
        if self.locustfile is not None:
            mark = mark_of(self.locustfile, self.locustfile.read_bytes())
            manifest["metadata"]["annotations"][ANNOTATION] = mark
        self.cluster.create_pod("locust", manifest)
        path = f"/api/v1/namespaces/locust/pods/{placed.pod}/status"
        self.cluster.patch(path, pod_status(placed), what=f"pod {placed.pod}")

    def kill(self, pod: str) -> None:
        process = self.processes.pop(pod)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.cluster.delete_pod("locust", pod)

    def _spawn(self, name: str, arguments: tuple[str, ...], extra: dict[str, str]) -> None:
        own = {} if self.locustfile is None else {PATH: str(self.locustfile.parent)}
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(LOCUSTFILE.parents[2]), **own, **extra},
                cwd=self.folder,
                start_new_session=True,
            )
