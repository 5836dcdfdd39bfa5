"""A lab that changes while it runs: real kubectl, real processes, one lab for all tests of this file."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from k8s.lab import state as lab_state
from k8s.lab import truth
from k8s.lab.asking import read_truth
from k8s.lab.design.store_app import CATALOG, UI
from k8s.lab.state import LabState, PodState
from k8s.topology import NodeName
from tests.k8s.lab.labs import get
from tests.lab.conftest import Lab, running_lab

pytestmark = pytest.mark.lab

PATIENCE_S = 60.0
NODE_A, NODE_B = NodeName("node-a-1"), NodeName("node-b-1")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Three zones, three ui pods, three catalog pods."""
    yield from running_lab(tmp_path_factory.mktemp("life"), "--catalog", "3")


def now(lab: Lab) -> LabState:
    return lab_state.load(lab.home / "lab")


def pods(lab: Lab, namespace: str) -> list[PodState]:
    return [pod for pod in now(lab).pods if pod.namespace == namespace]


def kubectl(lab: Lab, *arguments: str) -> str:
    done = lab.tool("kubectl", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def said(lab: Lab, *arguments: str) -> str:
    """What ``samezone lab`` says when it is done."""
    done = lab.samezone("lab", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stderr


def await_(is_so: Callable[[], bool], what: str) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < until_s, f"waited {PATIENCE_S:.0f} s for {what}"
        time.sleep(0.05)


def endpoints(lab: Lab, service: str) -> list[dict[str, Any]]:
    slices = json.loads(kubectl(lab, "-n", service, "get", "endpointslices", "-o", "json"))["items"]
    return [endpoint for one in slices for endpoint in one.get("endpoints") or []]


def ready_ips(lab: Lab, service: str) -> set[str]:
    return {one["addresses"][0] for one in endpoints(lab, service) if one["conditions"]["ready"]}


def page(lab: Lab, node: NodeName) -> int:
    """The status of one page, asked as a client on that node."""
    state = now(lab)
    client = f"127.{state.octet}.{state.node(node).number}.150"
    status, _ = get(f"{state.service_url(node, UI)}/home", client)
    return status


@contextmanager
def visitors(lab: Lab, *nodes: NodeName) -> Iterator[Counter[int]]:
    """Someone on each node who asks for one page after the other; counts what they are answered."""
    seen: Counter[int] = Counter()
    leave = threading.Event()

    def visit(node: NodeName) -> None:
        while not leave.wait(0.02):
            try:
                seen[page(lab, node)] += 1
            except OSError:
                seen[0] += 1

    crowd = [threading.Thread(target=visit, args=(node,)) for node in nodes]
    for one in crowd:
        one.start()
    try:
        yield seen
    finally:
        leave.set()
        for one in crowd:
            one.join()


def test_kubectl_scale_and_rollout_status(lab: Lab) -> None:
    """Nine pods, three a zone, all of them asked by the proxies; and three again."""
    kubectl(lab, "-n", "catalog", "scale", "deployment", "catalog", "--replicas=9")
    done = kubectl(lab, "-n", "catalog", "rollout", "status", "deployment", "catalog", "--timeout=50s")
    assert "successfully rolled out" in done
    assert Counter(pod.zone for pod in pods(lab, "catalog")) == dict.fromkeys(now(lab).zones, 3)
    await_(lambda: ready_ips(lab, "catalog") == {pod.ip for pod in pods(lab, "catalog")}, "nine endpoints")
    assert "9 -> 3 pods" in said(lab, "scale", "catalog", "3")
    await_(lambda: len(pods(lab, "catalog")) == 3, "six pods to be gone")
    assert len(ready_ips(lab, "catalog")) == 3


def test_a_rollout_restart_loses_no_request(lab: Lab) -> None:
    """Every pod is another one, with an address that none had before, and nobody has noticed."""
    before = {pod.name: pod.ip for pod in pods(lab, "ui")}
    with visitors(lab, NODE_A, NODE_B) as seen:
        kubectl(lab, "-n", "ui", "rollout", "restart", "deployment", "ui")
        done = kubectl(lab, "-n", "ui", "rollout", "status", "deployment", "ui", "--timeout=50s")
        await_(lambda: not before.keys() & {pod.name for pod in pods(lab, "ui")}, "the old pods to be gone")
    assert "successfully rolled out" in done
    assert set(seen) == {200}
    assert Counter(pod.zone for pod in pods(lab, "ui")) == dict.fromkeys(now(lab).zones, 1)
    assert not set(before.values()) & {pod.ip for pod in pods(lab, "ui")}
    rows = read_truth(now(lab).relay_admin_urls).rows
    served = {row.server_ip for row in rows if row.service == UI and row.connections}
    assert served & set(before.values())  # what went is still counted, under its own address


def test_a_deleted_pod_drains_and_another_one_comes(lab: Lab) -> None:
    """While it terminates it is in the slices, not ready and still serving; then it is gone."""
    victim, *others = pods(lab, "catalog")
    kubectl(lab, "-n", "catalog", "delete", "pod", victim.name, "--wait=false")
    leaving = [one for one in endpoints(lab, "catalog") if one["targetRef"]["name"] == victim.name]
    assert [one["conditions"]["ready"] for one in leaving] in ([False], [])
    await_(lambda: victim.name not in {pod.name for pod in pods(lab, "catalog")}, "it to be gone")
    await_(lambda: len(ready_ips(lab, "catalog")) == 3, "another one")
    stay, left = {pod.name for pod in others}, Counter(pod.zone for pod in others)
    (comes,) = (pod for pod in pods(lab, "catalog") if pod.name not in stay)
    assert left[comes.zone] == min(left[zone] for zone in now(lab).zones)
    assert victim.ip not in ready_ips(lab, "catalog")


def test_a_cordoned_node_gets_no_new_pods(lab: Lab) -> None:
    """What is there stays; what comes goes elsewhere."""
    kubectl(lab, "cordon", NODE_A)
    try:
        kubectl(lab, "-n", "catalog", "scale", "deployment", "catalog", "--replicas=5")
        kubectl(lab, "-n", "catalog", "rollout", "status", "deployment", "catalog", "--timeout=50s")
        on = Counter(pod.node for pod in pods(lab, "catalog"))
    finally:
        kubectl(lab, "uncordon", NODE_A)
        said(lab, "scale", "catalog", "3")
    await_(lambda: len(pods(lab, "catalog")) == 3, "two pods to be gone")
    assert (on[NODE_A], sum(on.values())) == (1, 5)


def test_calls_fail_over_when_a_zone_fails_and_come_back_when_it_heals(lab: Lab) -> None:
    """Once the failure is found, no connection goes there; afterwards its pods have started anew."""
    zone = now(lab).node(NODE_B).zone
    there = {pod.ip for pod in pods(lab, "ui") + pods(lab, "catalog") if pod.zone == zone}
    assert f"zone {zone} has failed: node-b-1 NotReady" in said(lab, "zone", "fail", zone)
    await_(lambda: not there & (ready_ips(lab, "ui") | ready_ips(lab, "catalog")), "its endpoints to leave")
    time.sleep(0.2)  # the relays gather changes for 20 ms
    before = read_truth(now(lab).relay_admin_urls)
    statuses = [page(lab, node) for node in (NODE_A, NODE_B) for _ in range(10)]
    rows = truth.difference(before, read_truth(now(lab).relay_admin_urls)).rows
    assert statuses == [200] * 20
    assert sum(row.connections for row in rows) == 20 * 3
    assert not there & {row.server_ip for row in rows}
    assert "node-b-1   NotReady" in kubectl(lab, "get", "nodes")

    assert f"zone {zone} is back" in said(lab, "zone", "heal", zone)
    await_(lambda: there < ready_ips(lab, "ui") | ready_ips(lab, "catalog"), "its endpoints to be back")
    assert {pod.restarts for pod in now(lab).pods if pod.ip in there} == {1}


def test_a_killed_pod_is_started_again_under_its_name(lab: Lab) -> None:
    """Same address, one restart more."""
    victim = pods(lab, "catalog")[-1]
    assert "killed; its kubelet starts it again" in said(lab, "pod", "kill", victim.name, "-n", "catalog")

    def is_back() -> bool:
        found = next(pod for pod in pods(lab, "catalog") if pod.name == victim.name)
        return found.ready and (found.ip, found.restarts) == (victim.ip, victim.restarts + 1)

    await_(is_back, f"{victim.name} to be back")


def test_hints_go_when_a_node_loses_its_zone_label(lab: Lab) -> None:
    """One unlabelled node turns Topology Aware Routing off."""
    annotate = ("-n", "catalog", "annotate", "svc", "catalog")
    kubectl(lab, *annotate, "service.kubernetes.io/topology-mode=Auto")
    try:
        await_(lambda: sum("hints" in one for one in endpoints(lab, "catalog")) == 3, "hints")
        done = said(lab, "node", "unlabel", "node-c-1")
        await_(lambda: not any("hints" in one for one in endpoints(lab, "catalog")), "the hints to go")
    finally:
        kubectl(lab, *annotate, "service.kubernetes.io/topology-mode-")
    kubectl(lab, "label", "node", "node-c-1", "topology.kubernetes.io/zone=eu-west-1c")
    assert "kubectl label node node-c-1 topology.kubernetes.io/zone=eu-west-1c" in done


def test_a_node_that_joins_gets_pods_and_a_delay_is_felt(lab: Lab) -> None:
    """The new machine's clients and servers are in its zone; its relay knows the wires."""
    state = now(lab)
    assert "node-a-2 has joined in eu-west-1a with 2000m CPU" in said(
        lab, "node", "add", "--zone", "eu-west-1a", "--cpu", "2"
    )
    said(lab, "scale", "ui", "4")
    joined = NodeName("node-a-2")
    assert [pod.zone for pod in pods(lab, "ui") if pod.node == joined] == ["eu-west-1a"]
    assert len(now(lab).relay_admin_urls) == len(state.relay_admin_urls) + 1
    assert page(lab, joined) == 200
    zone = next(pod.zone for pod in pods(lab, "catalog") if pod.zone and pod.zone != "eu-west-1a")
    assert "50 ms one way" in said(lab, "delay", "eu-west-1a", zone, "0.05")
    far = {pod.ip for pod in pods(lab, "catalog") if pod.zone == zone}
    url = f"{now(lab).service_url(joined, CATALOG)}/catalog/size"
    client = f"127.{state.octet}.4.150"
    slow_s, asked = 0.0, 0
    while not far & served_to(lab, client):
        began_s = time.monotonic()
        assert get(url, client)[0] == 200
        slow_s = time.monotonic() - began_s
        asked += 1
        assert asked < 200
    assert slow_s >= 0.1


def served_to(lab: Lab, client: str) -> set[str]:
    """Who has served this client of catalog so far."""
    rows = read_truth(now(lab).relay_admin_urls).rows
    return {row.server_ip for row in rows if row.service == CATALOG and row.client_ip == client}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("zone", "fail", "mars"), "the lab has no zone mars; it has eu-west-1a, eu-west-1b, eu-west-1c"),
        (("pod", "kill", "nobody"), "lab pod kill: no pod nobody of the lab; it has "),
        (("scale", "catalogue", "3"), "lab scale: no Deployment catalogue/catalogue"),
        (("node", "unlabel", "node-x"), "lab node unlabel: no node node-x; there are node-a-1"),
        (("delay", "eu-west-1a", "eu-west-1a", "1"), "give two zones, and seconds from 0"),
        (("node", "add", "--zone", "eu-west-1a", "--cpu", "much"), "'much' is not a CPU quantity"),
    ],
)
def test_what_cannot_be_done_is_one_line(lab: Lab, arguments: tuple[str, ...], message: str) -> None:
    """Exit 2, and what there is instead."""
    done = lab.samezone("lab", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert message in line
