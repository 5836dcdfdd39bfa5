"""A whole lab, from outside: its data plane, its truth, its spans."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import boto3
import msgspec
import psutil
import pytest

from k8s.lab import state as lab_state
from k8s.lab.asking import read_truth
from k8s.lab.design.store_app import CATALOG, UI
from k8s.lab.run import supervisor
from k8s.lab.state import LabState
from k8s.lab.store.products import PRODUCTS
from k8s.lab.truth import TruthSnapshot, difference
from k8s.topology import NodeName, ServiceKey
from tests.k8s.lab.labs import get, up, wait_until

pytestmark = pytest.mark.lab
NODES = tuple(NodeName(f"node-{letter}-1") for letter in "abc")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabState]:
    """One lab for this file."""
    folder = tmp_path_factory.mktemp("lab")
    yield up(folder)
    supervisor.down(folder)


def truth(lab: LabState) -> TruthSnapshot:
    return read_truth(lab.relay_admin_urls)


def worker_ip(lab: LabState, node: NodeName) -> str:
    return f"127.{lab.octet}.{lab.node(node).number}.150"


def visit(lab: LabState, node: NodeName, path: str) -> None:
    """Ask ui, as a pod on that node would."""
    status, _ = get(lab.service_url(node, UI) + path, worker_ip(lab, node))
    assert status == 200


def connections(snapshot: TruthSnapshot) -> Counter[ServiceKey]:
    counts: Counter[ServiceKey] = Counter()
    for row in snapshot.rows:
        counts[row.service] += row.connections
    return counts


def kubectl(lab: LabState, *arguments: str) -> str:
    command = [str(Path(sys.executable).parent / "kubectl"), *arguments]
    done = subprocess.run(command, env={**os.environ, **lab.env}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def catalog_modes(lab: LabState) -> set[str]:
    """How the relays choose catalog's endpoints."""
    modes = set()
    for url in lab.relay_admin_urls:
        with urllib.request.urlopen(f"{url}/rules") as answer:
            rules = msgspec.json.decode(answer.read())["rules"]
        modes |= {rule["mode"] for rule in rules if rule["service"] == str(CATALOG)}
    return modes


@pytest.mark.parametrize(
    ("path", "calls"), [("/home", 2), ("/catalog", 3), (f"/catalog/{PRODUCTS[0].id}", 1)]
)
def test_a_page_is_one_connection_to_ui_and_the_fan_outs_to_catalog(
    lab: LabState, path: str, calls: int
) -> None:
    """The relays count each page's calls exactly, with the addresses of who called."""
    before = truth(lab)
    visit(lab, NODES[1], path)
    seen = difference(before, truth(lab))
    assert {UI: 1, CATALOG: calls} == connections(seen)
    ui_pods = {pod.ip for pod in lab.pods if pod.namespace == "ui"}
    catalog_pods = {pod.ip for pod in lab.pods if pod.namespace == "catalog"}
    to_ui = [row for row in seen.rows if row.service == UI]
    to_catalog = [row for row in seen.rows if row.service == CATALOG]
    assert [worker_ip(lab, NODES[1])] == [row.client_ip for row in to_ui]
    assert {row.server_ip for row in to_ui} == {row.client_ip for row in to_catalog} <= ui_pods
    assert {row.server_ip for row in to_catalog} <= catalog_pods
    assert sum(row.failed for row in seen.rows) == 0


def test_every_service_answers_every_node(lab: LabState) -> None:
    """Each node has its own address for each Service."""
    for node in NODES:
        visit(lab, node, "/home")
        status, body = get(f"{lab.service_url(node, CATALOG)}/catalog/size", worker_ip(lab, node))
        assert (status, body) == (200, b'{"size":12}')


def test_kubectl_sees_nodes_with_zones_and_ready_pods(lab: LabState) -> None:
    """With the kubeconfig the lab wrote, and its context."""
    assert kubectl(lab, "config", "current-context").strip() == "samezone-lab"
    zones = kubectl(
        lab, "get", "nodes", "-o", r"jsonpath={.items[*].metadata.labels.topology\.kubernetes\.io/zone}"
    )
    assert list(lab.zones) == zones.split()
    pods = kubectl(lab, "get", "pods", "-A", "--no-headers").splitlines()
    assert len(pods) == 6
    assert {("1/1", "Running", "0")} == {tuple(line.split()[2:5]) for line in pods}
    assert "3/3" in kubectl(lab, "-n", "catalog", "get", "deployment", "catalog")


def test_hints_turn_the_traffic_and_off_turns_it_back(lab: LabState) -> None:
    """With PreferSameZone every catalog connection stays on its node, and without it they spread again."""
    patch = '{"spec":{"trafficDistribution":%s}}'
    kubectl(lab, "-n", "catalog", "patch", "svc", "catalog", "--type=merge", "-p", patch % '"PreferSameZone"')
    wait_until(lambda: catalog_modes(lab) == {"PreferSameZone"}, "the relays to use the hints")
    before = truth(lab)
    for _ in range(10):
        for node in NODES:
            visit(lab, node, "/home")
    rows = [row for row in difference(before, truth(lab)).rows if row.service == CATALOG]
    assert sum(row.connections for row in rows) == 60
    assert all(row.client_ip.split(".")[2] == row.server_ip.split(".")[2] for row in rows)
    kubectl(lab, "-n", "catalog", "patch", "svc", "catalog", "--type=merge", "-p", patch % "null")
    wait_until(lambda: catalog_modes(lab) == {"default"}, "the relays to forget the hints")


def test_x_ray_counts_what_the_relays_count(lab: LabState) -> None:
    """Calls from ui pods to catalog pods so far: the same number in the graph and in the truth."""
    for _ in range(20):
        visit(lab, NODES[0], "/catalog")
    ui_pods = {pod.ip for pod in lab.pods if pod.namespace == "ui"}
    calls = sum(row.connections for row in truth(lab).rows if row.client_ip in ui_pods)
    assert calls >= 60
    client = boto3.client(
        "xray",
        endpoint_url=lab.xray_url,
        region_name=lab.region,
        aws_access_key_id="samezone",
        aws_secret_access_key="samezone",  # noqa: S106 - the lab's, which takes any
    )

    def graph_calls() -> int:
        graph = client.get_service_graph(StartTime=lab.created_at_s, EndTime=time.time() + 1)
        by_id = {node["ReferenceId"]: node for node in graph["Services"]}
        return sum(
            edge["SummaryStatistics"]["TotalCount"]
            for node in by_id.values()
            if node["Name"].startswith("ui-")
            for edge in node["Edges"]
            if by_id[edge["ReferenceId"]]["Name"].startswith("catalog-")
        )

    wait_until(lambda: graph_calls() == calls, "X-Ray to have every call")
    graph = client.get_service_graph(StartTime=lab.created_at_s, EndTime=time.time() + 1)["Services"]
    (sql,) = [node for node in graph if node.get("Type") == "Database::SQL"]
    callers = [
        node["Name"] for node in graph for edge in node["Edges"] if edge["ReferenceId"] == sql["ReferenceId"]
    ]
    assert (sql["Name"], sql["State"]) == ("gorm.Query", "unknown")
    assert sorted(callers) == sorted(pod.name for pod in lab.pods if pod.namespace == "catalog")


def test_a_dead_pod_is_started_again_and_its_restart_is_seen(lab: LabState) -> None:
    """Same name, same address; kubectl shows one restart, and the relays use it again."""
    victim = next(pod for pod in lab.pods if pod.namespace == "catalog")
    pid = next(child.process.pid for child in lab.children if child.name == victim.name)
    os.kill(pid, signal.SIGKILL)

    def is_back() -> bool:
        pod = next(pod for pod in lab_state.load(lab.state_dir).pods if pod.name == victim.name)
        return pod.ready and pod.restarts == 1

    wait_until(is_back, f"{victim.name} to be back")
    line = kubectl(lab, "-n", "catalog", "get", "pod", victim.name, "--no-headers").split()
    assert tuple(line[1:4]) == ("1/1", "Running", "1")
    status, _ = get(f"http://{victim.ip}:8080/health", "127.0.0.1")
    assert status == 200


def test_no_socket_of_the_lab_is_outside_the_loopback(lab: LabState) -> None:
    """Whatever its processes listen at begins with 127."""
    for child in lab_state.load(lab.state_dir).children:
        for connection in psutil.Process(child.process.pid).net_connections("inet"):
            assert connection.laddr.ip.startswith("127."), child.name
