"""Only looking at a lab: each pair is what the relays counted, and nothing is changed."""

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from k8s.lab import scenario_files, truth
from k8s.lab import state as lab_state
from k8s.lab.asking import read_truth
from k8s.lab.state import LabState
from k8s.topology import ServiceKey
from tests.lab.conftest import Lab, running_lab

pytestmark = pytest.mark.lab

PAGES_A_POD = 60
QUIET_S = 3.0
"""Spans are handed over once a second; calls in flight end long before."""

Edges = Counter[tuple[str, str]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, LabState]]:
    for lab in running_lab(tmp_path_factory.mktemp("look")):
        yield lab, lab_state.load(lab.home / "lab")


def relayed(
    state: LabState, before: truth.TruthSnapshot, after: truth.TruthSnapshot
) -> dict[ServiceKey, Edges]:
    """Connections from pod to pod by the relays, of each Service."""
    name = {pod.ip: str(pod.name) for pod in state.pods}
    found: dict[ServiceKey, Edges] = {}
    for row in truth.difference(before, after).rows:
        edges = found.setdefault(row.service, Counter())
        edges[name.get(row.client_ip, row.client_ip), name.get(row.server_ip, row.server_ip)] += (
            row.connections
        )
    return found


def observed(lab: Lab, *options: str) -> dict:
    done = lab.samezone("observe", "--json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def edges_of(pair: dict) -> Edges:
    return Counter({(one["client"], one["server"]): one["calls"] for one in pair["result"]["flows"]})


def _get(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as response:
        response.read()
        return response.status


def test_every_pair_is_what_the_relays_counted(place: tuple[Lab, LabState]):
    """Calls that nobody of ours made, 100 % coverage, and the Service is as it was."""
    lab, state = place
    relays = [node.relay_admin_url for node in state.nodes]
    was = lab.service()["metadata"]["resourceVersion"]
    before = read_truth(relays)
    urls = [f"http://{pod.ip}:8080/catalog" for pod in state.pods if pod.namespace == "ui"] * PAGES_A_POD
    with ThreadPoolExecutor(6) as pool:
        assert Counter(pool.map(_get, urls)) == {200: len(urls)}
    time.sleep(QUIET_S)

    found = observed(lab, "--since", "1m", "-n", "catalog")

    (pair,) = found["pairs"]
    key = ServiceKey(namespace="catalog", name="catalog")
    assert edges_of(pair) == relayed(state, before, read_truth(relays))[key]
    assert pair["calls"] == edges_of(pair).total() == 3 * len(urls)
    assert found["kind"] == "observed, not controlled"
    assert (pair["result"]["coverage"], pair["result"]["unknown"]) == (1.0, 0)
    assert (pair["outlook"]["lever"], pair["outlook"]["service"]) == ("can", "catalog/catalog")
    assert {one["type"] for one in found["dependencies"]} == {"Database::SQL"}
    assert lab.service()["metadata"]["resourceVersion"] == was


def test_without_a_call_it_is_invalid(place: tuple[Lab, LabState]):
    """A window in which nobody called: exit 4, one line on what to check."""
    lab, _ = place
    time.sleep(4)

    done = lab.samezone("observe", "--since", "1s")

    assert done.returncode == 4
    assert "shows no call between services; do the pods send their spans" in done.stderr


@pytest.mark.skipif("chain" not in scenario_files.names(), reason="no scenario chain")
def test_background_traffic_of_a_chain_is_told_apart(tmp_path_factory: pytest.TempPathFactory):
    """``shop/reports`` calls orders by itself: each hop is its own pair, pod by pod what the relays counted.

    The job goes on calling, so the relays are read right before the window ends and right after it.
    """
    for lab in running_lab(tmp_path_factory.mktemp("chain"), "--scenario", "chain"):
        state = lab_state.load(lab.home / "lab")
        relays = [node.relay_admin_url for node in state.nodes]
        nothing = truth.TruthSnapshot(taken_at_s=0.0, rows=())
        time.sleep(15)
        least = relayed(state, nothing, read_truth(relays))
        time.sleep(1)
        found = observed(lab, "--since", "2m", "-n", "shop")
        most = relayed(state, nothing, read_truth(relays))

        pairs = {(one["result"]["client"], one["result"]["server"]): one for one in found["pairs"]}
        assert ("reports", "orders") in pairs
        assert ("frontend", "orders") not in pairs
        assert {one["result"]["coverage"] for one in found["pairs"]} == {1.0}
        for server in ("orders", "payments"):
            key = ServiceKey(namespace="shop", name=server)
            seen = sum((edges_of(one) for (_, to), one in pairs.items() if to == server), Counter())
            assert seen.total() > 0
            assert least[key] <= seen <= most[key]
