"""What a scrape of a relay reads."""

import shutil
import subprocess

import pytest

from k8s.lab.relay.counters import NO_ENDPOINT, Counters
from k8s.lab.relay.exposition import LABELS, render
from tests.k8s.lab.relay.mesh import (
    CATALOG,
    CATALOG_IP,
    OTHER_CATALOG_IP,
    STRANGER_IP,
    UI_IP,
    counted,
    pod,
    series,
    shop,
)

OPENED, CLOSED = "istio_tcp_connections_opened_total", "istio_tcp_connections_closed_total"
RECEIVED, SENT = "istio_tcp_received_bytes_total", "istio_tcp_sent_bytes_total"
UI_TO_CATALOG = {
    "source_workload": "ui",
    "source_canonical_service": "ui",
    "source_canonical_revision": "latest",
    "source_workload_namespace": "front",
    "source_principal": "spiffe://cluster.local/ns/front/sa/default",
    "source_app": "ui",
    "source_version": "latest",
    "source_cluster": "Kubernetes",
    "destination_service": "catalog.shop.svc.cluster.local",
    "destination_service_namespace": "shop",
    "destination_service_name": "catalog",
    "destination_workload": "catalog",
    "destination_canonical_service": "catalog",
    "destination_canonical_revision": "latest",
    "destination_workload_namespace": "front",
    "destination_principal": "spiffe://cluster.local/ns/front/sa/default",
    "destination_app": "catalog",
    "destination_version": "latest",
    "destination_cluster": "Kubernetes",
    "request_protocol": "tcp",
    "response_flags": "-",
    "connection_security_policy": "mutual_tls",
    "source_region": "eu-west-1",
    "source_zone": "eu-west-1a",
    "destination_region": "eu-west-1",
    "destination_zone": "eu-west-1b",
}


def fresh(*pods: dict) -> Counters:
    return Counters(shop(*pods).peer)


def test_a_connection_is_reported_at_both_ends_with_ztunnels_labels() -> None:
    """Received are the request's bytes and sent the response's, at both."""
    counters = fresh()
    counted(counters, UI_IP, CATALOG_IP, 3, active=1)
    both = [{"reporter": reporter, **UI_TO_CATALOG} for reporter in ("source", "destination")]
    values = {OPENED: 3, CLOSED: 2, RECEIVED: 30, SENT: 300}
    assert series(render(counters)) == [(name, one, value) for name, value in values.items() for one in both]
    assert tuple(both[0]) == LABELS


def test_pods_of_one_workload_in_one_zone_are_one_series() -> None:
    """A mesh knows workloads; pods would be too many."""
    counters = fresh()
    counted(counters, UI_IP, CATALOG_IP, 3)
    counted(counters, UI_IP, OTHER_CATALOG_IP, 4)
    assert [value for name, _, value in series(render(counters)) if name == OPENED] == [7, 7]


def test_a_client_that_is_no_pod_is_counted_where_it_arrives_as_unknown() -> None:
    """There is no ztunnel at its own end."""
    counters = fresh()
    counted(counters, STRANGER_IP, CATALOG_IP)
    ((_, labels, value),) = [one for one in series(render(counters)) if one[0] == OPENED]
    assert (labels["reporter"], value) == ("destination", 1)
    assert {labels[name] for name in LABELS if name.startswith("source_")} == {"unknown"}
    assert labels["connection_security_policy"] == "unknown"
    assert labels["destination_zone"] == "eu-west-1b"


def test_an_endpoint_that_is_no_pod_is_counted_at_the_source_alone() -> None:
    """As an endpoint outside the cluster is; its zone is unknown, too."""
    counters = fresh()
    counted(counters, UI_IP, STRANGER_IP)
    ((_, labels, _),) = [one for one in series(render(counters)) if one[0] == OPENED]
    assert (labels["reporter"], labels["source_principal"], labels["destination_zone"]) == (
        "source",
        "unknown",
        "unknown",
    )


def test_a_zone_that_is_not_known_is_unknown() -> None:
    """Not empty, and not absent."""
    counters = fresh(pod("127.77.9.1", "ui"), pod(CATALOG_IP, "catalog"))
    counted(counters, "127.77.9.1", CATALOG_IP)
    assert {
        (labels["source_region"], labels["source_zone"]) for _, labels, _ in series(render(counters))
    } == {("unknown", "unknown")}


def test_a_series_is_born_at_its_first_connection_and_closed_ones_at_their_first_close() -> None:
    """Bytes are there from the beginning, as 0."""
    counters = fresh()
    assert series(render(counters)) == []
    tally = counters.tally(CATALOG, UI_IP, CATALOG_IP)
    tally.connections = tally.active = 1
    assert {name: value for name, _, value in series(render(counters))} == {OPENED: 1, RECEIVED: 0, SENT: 0}


def test_connections_that_failed_or_found_no_endpoint_are_not_counted() -> None:
    """They carried nothing anywhere."""
    counters = fresh()
    counted(counters, UI_IP, CATALOG_IP, 0, failed=2)
    counted(counters, UI_IP, NO_ENDPOINT, 0, failed=2)
    assert series(render(counters)) == []


def test_names_that_need_it_are_escaped() -> None:
    """As the text format wants it."""
    counters = fresh(pod(UI_IP, 'a"b\\c\nd', kind="Own"), pod(CATALOG_IP, "catalog"))
    counted(counters, UI_IP, CATALOG_IP)
    assert {labels["source_workload"] for _, labels, _ in series(render(counters))} == {r"a\"b\\c\nd"}


@pytest.mark.programs
@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed (Debian: prometheus)")
def test_prometheus_own_checker_finds_no_fault() -> None:
    """Format, names, help."""
    counters = fresh()
    counted(counters, UI_IP, CATALOG_IP, 3, active=1)
    counted(counters, STRANGER_IP, OTHER_CATALOG_IP)
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=render(counters), capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
