"""A zonal shift, predicted and measured: six layouts, every mode, real calls through the lab's store."""

import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from k8s.lab import state as lab_state
from k8s.lab import truth
from k8s.lab.asking import read_truth
from k8s.lab.state import LabState
from k8s.live import control, live_scene
from k8s.live.cluster import LiveCluster, connect
from k8s.predict.clients import Clients, of_pods, outside, pods_of
from k8s.predict.prediction import Prediction, predict
from k8s.predict.starting_point import shifted, starting_point
from k8s.routing.modes import RoutingMode
from k8s.routing.proxy import usable
from k8s.topology import NodeName, ServiceKey, Zone
from tests.lab.conftest import Lab, running_lab
from tests.lab.test_scenarios import PATIENCE

pytestmark = pytest.mark.lab

CATALOG = ServiceKey(namespace="catalog", name="catalog")
UI = ServiceKey(namespace="ui", name="ui")
AWAY = Zone("eu-west-1c")
PAGES_A_POD = 60
"""/catalog makes three calls: 180 a client pod."""
LAYOUTS = ("3,3,3", "5,5,5", "2,2,2", "4,4,4", "5,2,2", "6,1,3")
WITHIN = 0.02


@pytest.fixture(scope="module", params=LAYOUTS)
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Lab, LabState, LiveCluster]]:
    """A lab of each layout in turn."""
    for lab in running_lab(tmp_path_factory.mktemp("shift"), "--catalog", request.param, "--ui", "1,1,1"):
        state = lab_state.load(lab.home / "lab")
        yield lab, state, connect(state.kubeconfig, None)


def forecast(cluster: LiveCluster, mode: RoutingMode) -> Prediction:
    """Before the shift: what it will lead to."""
    scene = live_scene.read(cluster, taken_at_s=time.time())
    callers = of_pods(pods_of(scene.snapshot, UI), scene.snapshot.nodes, str(UI))
    return predict(shifted(starting_point(scene, CATALOG, callers), AWAY), mode)


def measured(state: LabState) -> Counter[str]:
    """Connections by catalog pod, from every ui pod outside the zone alike, by the relays' counters."""
    urls = [
        f"http://{pod.ip}:8080/catalog" for pod in state.pods if pod.namespace == "ui" and pod.zone != AWAY
    ]
    relays = [node.relay_admin_url for node in state.nodes]
    before = read_truth(relays)
    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(_get, urls * PAGES_A_POD)) == {200}
    rows = truth.difference(before, read_truth(relays)).rows
    counts: Counter[str] = Counter()
    for row in rows:
        if row.service == CATALOG:
            counts[row.server_ip] += row.connections
    return counts


def _get(url: str) -> int:
    with urllib.request.urlopen(url, timeout=20) as response:
        response.read()
        return int(response.status)


def expected_loads(cluster: LiveCluster, callers: Clients) -> dict[str, float]:
    """Each endpoint's share of the connections, by kube-proxy's rule on the slices that are there now."""
    service, slices = cluster.service(CATALOG), cluster.slices(CATALOG)
    loads = {one.addresses[0]: 0.0 for each in slices for one in each.endpoints}
    for client in callers.nodes:
        chosen = usable(service, slices, NodeName(client.node), client.zone).endpoints
        for one in chosen:
            loads[one.addresses[0]] += float(client.share) / len(chosen)
    return loads


@pytest.mark.parametrize("mode", list(RoutingMode))
def test_busiest_endpoint(place: tuple[Lab, LabState, LiveCluster], mode: RoutingMode) -> None:
    """The busiest endpoints carry what was predicted before the shift, within 2 %.

    Endpoints that the rule treats alike are taken together, so that chance among them does not count.
    """
    lab, state, cluster = place
    applied = control.set_mode(cluster, CATALOG, mode, PATIENCE)
    try:
        control.await_hints(cluster, CATALOG, mode, events_before=applied.events_before, patience=PATIENCE)
        prediction = forecast(cluster, mode)
        done = lab.samezone("lab", "zone", "fail", AWAY, "--shift")
        assert done.returncode == 0, done.stderr
        time.sleep(0.5)
        nodes = live_scene.read(cluster, taken_at_s=time.time()).snapshot.nodes
        pods = pods_of(cluster.snapshot(["ui"]), UI)
        loads = expected_loads(cluster, outside(of_pods(pods, nodes, str(UI)), AWAY))
        counts = measured(state)
    finally:
        assert lab.samezone("lab", "zone", "heal", AWAY).returncode == 0
        control.change(cluster, CATALOG, lambda _: applied.original)

    assert all(node.ready for node in nodes)
    assert set(counts) <= set(loads)
    busiest = [ip for ip, load in loads.items() if load >= max(loads.values()) - 1e-9]
    mean = sum(counts.values()) / len(loads)
    factor = sum(counts[ip] for ip in busiest) / len(busiest) / mean
    assert prediction.load is not None
    assert factor == pytest.approx(float(prediction.load[1]), rel=WITHIN)
