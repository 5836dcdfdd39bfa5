"""An app that is not the store: every call of the chain, in the relays' counters and in X-Ray's graph."""

import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from k8s.lab import state as lab_state
from k8s.lab.asking import read_truth
from k8s.lab.state import LabState
from k8s.lab.truth import TruthSnapshot
from k8s.topology import ServiceKey
from tests.lab.conftest import Lab, running_lab

pytestmark = pytest.mark.lab

FRONTEND = ServiceKey(namespace="shop", name="frontend")
PAGES = ("/", "/checkout", "/item/7")
"""Each of them so often from each zone; /checkout calls orders twice, the others once."""
ROUNDS = 10
RATE_PER_S = 4.0
PODS_OF_REPORTS = 3
PATIENCE_S = 30.0
Pairs = Counter[tuple[str, str]]
"""Calls by the names of the two pods."""


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from running_lab(tmp_path_factory.mktemp("chain"), "--scenario", "chain")


def visit(state: LabState) -> int:
    """Ask the frontend for every page from every zone, now and then with a POST; how often in all."""
    pages = [page for page in PAGES for _ in range(ROUNDS)]
    for node in state.nodes:
        for number, page in enumerate(pages):
            url = state.service_url(node.name, FRONTEND) + page
            body = b"a=b" if number % 2 else None
            with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=10) as answer:
                assert (answer.status, len(answer.read())) == (200, 4096)
    return len(state.nodes) * len(pages)


def seen_by_relays(state: LabState, truth: TruthSnapshot) -> Pairs:
    """Between pods of the lab, since it came up."""
    names = {pod.ip: str(pod.name) for pod in state.pods}
    pairs: Pairs = Counter()
    for row in truth.rows:
        assert row.failed == 0
        if row.client_ip in names:
            pairs[names[row.client_ip], names[row.server_ip]] += row.connections
    return pairs


def services(lab: Lab, state: LabState) -> list[dict[str, Any]]:
    """The service graph since the lab came up."""
    env = lab.environment
    client = boto3.client(
        "xray",
        endpoint_url=state.xray_url,
        region_name=state.region,
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
    )
    pages = client.get_paginator("get_service_graph").paginate(
        StartTime=int(state.created_at_s), EndTime=int(time.time()) + 1
    )
    return [service for page in pages for service in page["Services"]]


def seen_by_x_ray(found: list[dict[str, Any]]) -> Pairs:
    """Between nodes that are neither the world outside nor a database."""
    nodes = {one["ReferenceId"]: one for one in found}
    pairs: Pairs = Counter()
    for one in found:
        for edge in one["Edges"]:
            callee = nodes[edge["ReferenceId"]]
            if one.get("Type") != "client" and callee.get("Type") != "Database::SQL":
                pairs[one["Name"], callee["Name"]] += edge["SummaryStatistics"]["TotalCount"]
    return pairs


def between(pairs: Pairs, client: str, server: str) -> int:
    return sum(
        count
        for (caller, callee), count in pairs.items()
        if (caller.rsplit("-", 2)[0], callee.rsplit("-", 2)[0]) == (client, server)
    )


def test_the_graph_is_what_the_relays_counted(chain: Lab) -> None:
    """Pair by pair and without a call that is missing; the job's calls are told apart from the pages'.

    From the lab's first call to its last one: the job is scaled away before it is looked.
    """
    state = lab_state.load(chain.home / "lab")
    visits = visit(state)
    done = chain.samezone("lab", "scale", "shop/reports", "0")
    assert done.returncode == 0, done.stderr
    until_s = time.time() + PATIENCE_S
    while any(pod.name.startswith("reports-") for pod in lab_state.load(state.state_dir).pods):
        assert time.time() < until_s, "the job's pods go on"
        time.sleep(0.1)
    elapsed_s = time.time() - state.created_at_s
    counted = seen_by_relays(state, read_truth(state.relay_admin_urls))
    until_s = time.time() + PATIENCE_S
    while seen_by_x_ray(found := services(chain, state)) != counted and time.time() < until_s:
        time.sleep(0.5)
    pairs = seen_by_x_ray(found)
    assert pairs == counted

    pods = {str(pod.name) for pod in state.pods}
    assert {name for pair in pairs for name in pair} <= pods
    assert between(pairs, "frontend", "orders") == visits * 4 // 3
    from_reports = between(pairs, "reports", "orders")
    assert 0 < from_reports <= RATE_PER_S * PODS_OF_REPORTS * elapsed_s + PODS_OF_REPORTS
    assert between(pairs, "orders", "payments") == visits * 4 // 3 + from_reports
    assert sum(pairs.values()) == 2 * (visits * 4 // 3 + from_reports)
    kinds = Counter(one.get("Type") for one in found if one["Name"] not in pods)
    assert kinds == {"Database::SQL": 1}


def test_the_lab_says_what_it_has(chain: Lab) -> None:
    """Where another workload is asked for."""
    done = chain.samezone("lab", "scale", "catalog", "3")
    assert done.returncode == 2
    assert "no Deployment catalog/catalog; the lab's are shop/frontend, shop/orders, shop/payments, sh" in (
        done.stderr
    )


def test_doctor_and_prediction_are_of_any_app(chain: Lab) -> None:
    """For orders, called by the frontend."""
    pair = ("--service", "shop/orders", "--client", "shop/frontend")
    healthy = chain.samezone("routing", "doctor", *pair)
    assert (healthy.returncode, "Service shop/orders" in healthy.stdout) == (0, True), healthy.stderr
    forecast = chain.samezone("routing", "predict", *pair)
    assert forecast.returncode == 0, forecast.stderr
    shown = forecast.stdout.replace("\u00a0%", "%").splitlines()
    rows = {line.split()[0]: line.split()[1] for line in shown if "%" in line}
    assert (rows["off"], rows["tar"]) == ("33.3%", "100.0%")
