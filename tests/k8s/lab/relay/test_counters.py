"""Which tally a connection belongs to."""

from k8s.lab.relay.counters import Counters
from k8s.lab.relay.exposition import render
from k8s.lab.truth import merge, parse
from tests.k8s.lab.relay.mesh import CATALOG, CATALOG_IP, UI_IP, counted, pod, series, shop


def opened(counters: Counters) -> dict[str, int]:
    """Connections by client, as the source reports them."""
    return {
        labels["source_workload"]: value
        for name, labels, value in series(render(counters))
        if name == "istio_tcp_connections_opened_total" and labels["reporter"] == "source"
    }


def test_the_connections_before_a_pods_status_came_are_that_pods() -> None:
    """The API tells the relay of a pod a little after the pod has begun to call."""
    peers = shop(pod(CATALOG_IP, "catalog"))
    counters = Counters(peers.peer)
    counted(counters, UI_IP, CATALOG_IP, 3)
    counters.recognise(peers.learn(pod(UI_IP, "ui")))
    counted(counters, UI_IP, CATALOG_IP, 2)
    assert opened(counters) == {"ui": 5}


def test_what_a_scrape_has_seen_stays() -> None:
    """A counter that went down would be read as a restart."""
    peers = shop(pod(CATALOG_IP, "catalog"))
    counters = Counters(peers.peer)
    counted(counters, UI_IP, CATALOG_IP, 3)
    assert opened(counters) == {}
    counters.recognise(peers.learn(pod(UI_IP, "ui")))
    counted(counters, UI_IP, CATALOG_IP, 2)
    assert opened(counters) == {"ui": 2}
    unknown = [
        value for name, labels, value in series(render(counters)) if labels["source_workload"] == "unknown"
    ]
    assert unknown == [3, 3, 30, 300]


def test_two_pods_that_had_one_address_are_told_apart_and_truth_adds_them() -> None:
    """Truth knows addresses only."""
    peers = shop()
    counters = Counters(peers.peer)
    counted(counters, UI_IP, CATALOG_IP, 3)
    counters.recognise(peers.learn(pod(UI_IP, "job")))
    counted(counters, UI_IP, CATALOG_IP, 4)
    assert opened(counters) == {"ui": 3, "job": 4}
    rows = parse(b'{"rows":%s}' % str(counters.snapshot()).replace("'", '"').encode())
    (row,) = merge(0.0, rows).rows
    assert (row.service, row.client_ip, row.connections) == (CATALOG, UI_IP, 7)


def test_a_tally_is_the_same_object_until_its_pods_change() -> None:
    """Connections that stand go on counting where they began."""
    peers = shop()
    counters = Counters(peers.peer)
    first = counters.tally(CATALOG, UI_IP, CATALOG_IP)
    counters.recognise(None)
    assert counters.tally(CATALOG, UI_IP, CATALOG_IP) is first
    counters.recognise(peers.learn(pod(UI_IP, "job")))
    assert counters.tally(CATALOG, UI_IP, CATALOG_IP) is not first
