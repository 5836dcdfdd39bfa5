"""Which names and addresses are the cluster's own."""

from dataclasses import replace

import pytest

from analysis.placement import Timeline
from analysis.source.facts import Facts, facts_of, facts_without_run
from k8s.topology import Service, ServiceKey
from loadtest.record import LoadSeen
from loadtest.worker.tally import WorkerTally
from tests.analysis.graphs import snapshot
from tests.loadtest.test_rundir import record

PODS = snapshot({"ui-1": "node-a", "catalog-1": "node-b", "locust-1": "node-a"})
SERVICES = (
    Service(namespace="catalog", name="catalog", cluster_ip="10.96.0.7"),
    Service(namespace="shop", name="orders", cluster_ip="None"),
)


def facts() -> Facts:
    made = record()
    load = LoadSeen(seconds=1.0, workers=(WorkerTally(worker="locust-1", zone="a", node="node-a"),))
    topology = [replace(PODS, services=SERVICES)]
    return facts_of(replace(made, seen=replace(made.seen, measured=load)), topology, Timeline(topology))


@pytest.mark.parametrize(
    ("name", "workload"),
    [
        ("catalog", "catalog"),
        ("catalog-1", "catalog"),
        ("catalog.catalog", "catalog"),
        ("catalog.catalog.svc", "catalog"),
        ("catalog.catalog.svc.cluster.local", "catalog"),
        ("catalog.catalog.svc.cluster.local.", "catalog"),
        ("Catalog.catalog.svc.corp.example:8080", "catalog"),
        ("http://catalog.catalog.svc:80/products/1", "catalog"),
        ("catalog-1.catalog.catalog.svc.cluster.local", "catalog"),
        ("10.96.0.7", "catalog"),
        ("10.96.0.7:80", "catalog"),
        ("127.100.1.1:8080", "ui"),
        ("orders.shop.svc", "orders"),
        ("catalog.example.com", None),
        ("catalog.svc", None),
        ("payments.shop.svc.cluster.local", None),
        ("None", None),
        ("10.96.0.70", None),
        ("GET", None),
        ("", None),
    ],
)
def test_names_of_the_cluster(name, workload):
    """Workloads, pods, Services, hosts of Services and addresses; whatever else is outside."""
    assert facts().workload_at(name) == workload


def test_whose_calls_are_under_study():
    """The client of the pair by pod or workload, and the load generator; not the server's own calls."""
    found = facts()

    assert [found.studied(name) for name in ("ui-1", "ui", "locust-1", "catalog-1", "stranger")] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_an_ipv6_address_is_an_address():
    """Whole, or in brackets with a port; its last group is no port."""
    found = Facts(workloads={"fd00::7": "catalog"})

    assert found.workload_at("[fd00::7]:8080") == "catalog"
    assert found.workload_at("fd00::7") == "catalog"


def test_without_a_run_every_caller_is_under_study():
    """The names are the same ones; nobody's load is known, so no workload is a generator."""
    topology = [replace(PODS, services=SERVICES)]
    catalog = ServiceKey(namespace="catalog", name="catalog")
    found = facts_without_run(topology, Timeline(topology), first=(catalog,))

    assert found.workload_at("catalog.catalog.svc") == "catalog"
    assert found.workload_at("10.96.0.7") == "catalog"
    assert all(found.studied(name) for name in ("ui-1", "ui", "catalog-1", "locust-1"))
    assert not found.studied("stranger")
    assert found.generators == frozenset()
