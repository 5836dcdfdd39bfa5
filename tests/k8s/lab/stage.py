"""An API server and a controller, and what a person with kubectl would do to them."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import URLError

from k8s.model import objects
from k8s.topology import TOPOLOGY_MODE_ANNOTATION, EndpointSlice, Event

ROOT = Path(__file__).parents[3]
TOKEN = "0123456789abcdef"  # noqa: S105 - no secret
LOGGED = "import logging; logging.basicConfig(level='INFO');"
SERVER = (
    LOGGED + "from k8s.lab.apiserver.server import Terms, serve; "
    f"serve('127.0.0.1', {{port}}, Terms(token='{TOKEN}'))"
)
CONTROLLER = (
    LOGGED + "from k8s.lab.controllers.endpointslices import serve; "
    f"serve('http://127.0.0.1:{{port}}', '{TOKEN}', 7)"
)
SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"
SERVICES = "/api/v1/namespaces/shop/services"
PODS = "/api/v1/namespaces/shop/pods"
PATIENCE_S = 60.0

T = TypeVar("T")


@dataclass
class Place:
    """An API server and a controller, and what a person with kubectl would do to them."""

    port: int
    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, program: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as sink:
            command = [sys.executable, "-c", program.format(port=self.port)]
            self.running[name] = subprocess.Popen(command, cwd=ROOT, stderr=sink)

    def stop(self, name: str) -> int:
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=PATIENCE_S)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def call(self, method: str, path: str, body: Any = None, media: str = "application/json") -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": media, "Authorization": f"Bearer {TOKEN}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def patch(self, path: str, body: Any) -> Any:
        return self.call("PATCH", path, body, media="application/merge-patch+json")

    def add_node(self, name: str, zone: str | None, cpu: str = "4") -> None:
        labels = {} if zone is None else {"topology.kubernetes.io/zone": zone}
        status = {"allocatable": {"cpu": cpu}, "conditions": [{"type": "Ready", "status": "True"}]}
        self.call("POST", "/api/v1/nodes", {"metadata": {"name": name, "labels": labels}, "status": status})

    def add_pod(self, name: str, node: str, address: str) -> None:
        self.call(
            "POST",
            PODS,
            {
                "metadata": {"name": name, "labels": {"app": "catalog"}},
                "spec": {
                    "nodeName": node,
                    "containers": [
                        {"name": "main", "image": "x", "ports": [{"name": "http", "containerPort": 8080}]}
                    ],
                },
            },
        )
        status = {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        self.patch(f"{PODS}/{name}/status", {"status": status})

    def furnish(self, pods: Mapping[str, int]) -> None:
        """Three equal nodes and a Service with so many pods on each."""
        self.call("POST", "/api/v1/namespaces", {"metadata": {"name": "shop"}})
        for number, zone in enumerate("abc", start=1):
            self.add_node(f"node-{zone}", zone)
            for pod in range(1, pods.get(zone, 0) + 1):
                self.add_pod(f"catalog-{zone}{pod}", f"node-{zone}", f"127.100.{number}.{pod}")
        self.call(
            "POST",
            SERVICES,
            {
                "metadata": {"name": "catalog", "labels": {"team": "shop"}},
                "spec": {
                    "clusterIP": "127.100.200.1",
                    "selector": {"app": "catalog"},
                    "ports": [{"port": 80, "targetPort": "http"}],
                },
            },
        )

    def annotate(self, value: str | None) -> None:
        self.patch(f"{SERVICES}/catalog", {"metadata": {"annotations": {TOPOLOGY_MODE_ANNOTATION: value}}})

    def slices(self) -> tuple[EndpointSlice, ...]:
        return objects.listed(self.call("GET", SLICES), objects.endpoint_slice)

    def hints(self) -> list[tuple[str, str]]:
        """(address, hinted zones) of every ready endpoint, sorted."""
        return sorted(
            (endpoint.addresses[0], "".join(endpoint.zone_hints))
            for one in self.slices()
            for endpoint in one.endpoints
            if endpoint.ready
        )

    def hinted(self) -> str:
        """The hinted zones of every ready endpoint, a letter each."""
        return "".join(zone for _, zone in self.hints())

    def events(self) -> list[Event]:
        found = objects.listed(self.call("GET", "/api/v1/namespaces/shop/events"), objects.event)
        return sorted(found, key=lambda event: event.message)

    def await_(self, look: Callable[[], T], expected: T) -> None:
        """Look until it is as *expected*."""
        until = time.monotonic() + PATIENCE_S
        while True:
            seen = look()
            if seen == expected:
                return
            assert time.monotonic() < until, f"{seen} is not {expected}\n{self.log('controller')}"
            time.sleep(0.02)

    def await_server(self) -> None:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            with suppress(URLError):
                self.call("GET", "/api/v1/nodes")
                return
            time.sleep(0.02)
        raise AssertionError(self.log("server"))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
