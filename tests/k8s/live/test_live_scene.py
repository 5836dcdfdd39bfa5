"""A scene from a cluster, and what a missing permission leads to."""

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s.errors import ExitCode, UnreachableError
from k8s.live import live_scene
from k8s.live.cluster import ForbiddenError, connect
from k8s.live.live_scene import CONFIG_MAPS, EVENTS, NODES, PODS, SERVICES, SLICES
from k8s.predict.carriage import carriage_of
from tests.k8s.raw import EVENT, NODE, POD, SERVICE, SLICE

ABOUT = {"kind": "Service", "namespace": "catalog", "name": "catalog"}
ITEMS = {
    NODES: [NODE],
    PODS: [POD],
    SERVICES: [SERVICE],
    SLICES: [SLICE],
    EVENTS: [EVENT | {"involvedObject": ABOUT}],
}


@dataclass
class Stand:
    """A cluster that lists what it has, and refuses some of it."""

    forbidden: tuple[str, ...] = ()
    context: str = "prod"
    asked: dict[str, Mapping[str, str] | None] = field(default_factory=dict)

    def version(self) -> str:
        return "v1.34.1-eks-1"

    def raw_items(self, path: str, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        self.asked[path] = query
        if path in self.forbidden:
            raise ForbiddenError(f"reading {path}: 403")
        return ITEMS[path]


def test_everything() -> None:
    """All namespaces, events on Services only, the server's version."""
    stand = Stand()

    scene = live_scene.read(stand, taken_at_s=7)

    assert (scene.source, scene.server_minor, scene.gaps) == ("context prod", 34, ())
    assert (scene.snapshot.taken_at_s, len(scene.snapshot.pods)) == (7, 1)
    assert scene.events is not None
    assert [str(one.service) for one in scene.events] == ["catalog/catalog"]
    assert stand.asked[EVENTS] == {"fieldSelector": "involvedObject.kind=Service"}


def test_events_and_pods_may_be_forbidden() -> None:
    """That is a gap, not an empty answer."""
    scene = live_scene.read(Stand(forbidden=(EVENTS, PODS)), taken_at_s=7)

    assert (scene.events, scene.snapshot.pods) == (None, ())
    assert scene.gaps == ("pods: forbidden", "events: forbidden")


@dataclass
class Proxied(Stand):
    """A cluster with kube-proxy, set by its ConfigMap as EKS names it."""

    names: list[str] = field(default_factory=list)

    def raw_items(self, path: str, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        if path == CONFIG_MAPS and path not in self.forbidden:
            name = (query or {})["fieldSelector"].removeprefix("metadata.name=")
            self.names.append(name)
            config = {"metadata": {"name": name}, "data": {"config": 'kind: x\nmode: "ipvs"\n'}}
            return [config] if name == "kube-proxy-config" else []
        found = super().raw_items(path, query)
        proxy = {
            "metadata": {"name": "kube-proxy-x", "namespace": "kube-system"},
            "spec": {"nodeName": "ip-10-0-1-7", "containers": [{"image": "eks/kube-proxy:v1.33.4"}]},
            "status": {},
        }
        return [*found, proxy] if path == PODS else found


def test_settings_of_kube_proxy() -> None:
    """The ConfigMaps of the data planes that are there are read; one that is forbidden stays unknown."""
    stand = Proxied()

    assert carriage_of(live_scene.read(stand, taken_at_s=7)).proxy_mode == "ipvs"
    assert stand.names == ["kube-proxy-config", "kube-proxy"]
    forbidden = live_scene.read(Proxied(forbidden=(CONFIG_MAPS,)), taken_at_s=7)
    assert (carriage_of(forbidden).proxy_mode, forbidden.gaps) == ("", ())


@pytest.mark.parametrize(("path", "word"), [(NODES, "nodes"), (SLICES, "endpointslices")])
def test_nodes_may_not_be_forbidden(path: str, word: str) -> None:
    """Without them there is nothing to tell; the line says which permission to ask for."""
    with pytest.raises(UnreachableError) as caught:
        live_scene.read(Stand(forbidden=(path,)), taken_at_s=7)

    assert str(caught.value) == (
        f"listing {word} in context prod: forbidden; ask for a ClusterRole that may get and list {word}, "
        "or give a saved file with --from"
    )
    assert caught.value.exit_code is ExitCode.UNREACHABLE


class Refusing(BaseHTTPRequestHandler):
    """Refuses as an API server words it."""

    def do_GET(self) -> None:
        message = 'nodes is forbidden: User "dev" cannot list resource "nodes"'
        body = json.dumps({"kind": "Status", "message": message, "code": 403}).encode()
        self.send_response(403)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silence."""


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Iterator[Path]:
    server = HTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    name = {"cluster": "c", "user": "u"}
    config = {
        "current-context": "prod",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "contexts": [{"name": "prod", "context": name}],
        "users": [{"name": "u", "user": {}}],
    }
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config))
    yield path
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_real_403(kubeconfig: Path) -> None:
    """The client's refusal is told apart from a server that is away."""
    cluster = connect(kubeconfig, None)

    with pytest.raises(ForbiddenError, match="403 nodes is forbidden"):
        cluster.raw_items(NODES)
    with pytest.raises(UnreachableError, match="listing nodes in context prod: forbidden"):
        live_scene.read(cluster, taken_at_s=0)
