"""The controller against a real API server: two processes, HTTP between them."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import pytest

from k8s.lab.controllers import endpointslices
from k8s.lab.design import marks
from k8s.model import objects
from tests.k8s.lab.stage import CONTROLLER, PODS, SERVER, SERVICES, SLICES, Place, free_port

SETTLED_S = 0.3
"""Long enough for a wrong reaction to show: right ones take a few milliseconds."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """An empty API server and its controller; afterwards both must end in order."""
    place = Place(port=free_port(), folder=tmp_path)
    try:
        place.start("controller", CONTROLLER)  # first, so that it has to wait for the server
        place.start("server", SERVER)
        place.await_server()
        yield place
        assert {name: place.stop(name) for name in list(place.running)} == {"controller": 0, "server": 0}
        assert "Traceback" not in place.log("controller")
    finally:
        for process in place.running.values():
            process.kill()
            process.wait()


ENABLED = ("Normal", "TopologyAwareHintsEnabled", "Topology Aware Hints has been enabled, addressType: IPv4")
DISABLED = (
    "Warning",
    "TopologyAwareHintsDisabled",
    "Topology Aware Hints has been disabled, addressType: IPv4",
)


def told(place: Place) -> list[tuple[str, str, str]]:
    return [(event.type, event.reason, event.message) for event in place.events()]


def test_slices_without_hints(place: Place) -> None:
    """A Service gets its slice: owner, labels, ports, targets, zones; and no hints."""
    place.furnish({"a": 1, "b": 1, "c": 1})

    place.await_(lambda: [address for address, _ in place.hints()], [f"127.100.{n}.1" for n in (1, 2, 3)])
    (raw,) = place.call("GET", SLICES)["items"]
    uid = place.call("GET", f"{SERVICES}/catalog")["metadata"]["uid"]
    assert raw["metadata"]["labels"] == {
        "team": "shop",
        "kubernetes.io/service-name": "catalog",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    assert raw["metadata"]["ownerReferences"][0]["uid"] == uid
    assert raw["metadata"]["name"].startswith("catalog-")
    assert raw["ports"] == [{"name": "", "protocol": "TCP", "port": 8080}]
    endpoint = min(raw["endpoints"], key=lambda one: one["addresses"])
    pod = place.call("GET", f"{PODS}/catalog-a1")
    assert endpoint == {
        "addresses": ["127.100.1.1"],
        "conditions": {"ready": True, "serving": True, "terminating": False},
        "targetRef": {
            "kind": "Pod",
            "namespace": "shop",
            "name": "catalog-a1",
            "uid": pod["metadata"]["uid"],
        },
        "nodeName": "node-a",
        "zone": "a",
    }


def test_every_setting_in_turn(place: Place) -> None:
    """Auto, the fields and their removal write hints and events as a real controller does."""
    place.furnish({"a": 5, "b": 2, "c": 2})
    place.await_(lambda: len(place.hints()), 9)

    place.annotate("Auto")
    place.await_(lambda: sorted(place.hinted()), list("aaabbbccc"))
    place.await_(lambda: told(place), [ENABLED])
    place.patch(f"{SERVICES}/catalog", {"spec": {"trafficDistribution": "PreferSameZone"}})
    time.sleep(SETTLED_S)
    assert sorted(place.hinted()) == list("aaabbbccc")
    place.annotate(None)
    place.await_(place.hinted, "aaaaabbcc")
    place.await_(lambda: told(place), [DISABLED, ENABLED])
    place.patch(f"{SERVICES}/catalog", {"spec": {"trafficDistribution": "PreferSameNode"}})
    place.await_(
        lambda: sorted({str(*endpoint.node_hints) for one in place.slices() for endpoint in one.endpoints}),
        ["node-a", "node-b", "node-c"],
    )
    place.patch(f"{SERVICES}/catalog", {"spec": {"trafficDistribution": None}})
    place.await_(place.hinted, "")
    assert len(place.events()) == 2


def test_a_zonal_shift(place: Place) -> None:
    """Endpoints of a node that traffic is shifted away from leave, and its node goes on counting."""
    place.furnish({"a": 3, "b": 3, "c": 3})
    place.annotate("Auto")
    place.await_(lambda: sorted(place.hinted()), list("aaabbbccc"))

    place.patch("/api/v1/nodes/node-c", {"metadata": {"annotations": {marks.OUTAGE: marks.SHIFT}}})
    place.await_(lambda: sorted(place.hinted()), list("aabbcc"))
    place.patch("/api/v1/nodes/node-c", {"metadata": {"annotations": {marks.OUTAGE: None}}})
    place.await_(lambda: len(place.hints()), 9)


def test_repeated_refusals_are_counted(place: Place) -> None:
    """A refusal is told at every pass, in one event whose count rises."""
    place.furnish({"a": 3, "b": 1, "c": 1})
    place.await_(lambda: len(place.hints()), 5)
    time.sleep(1.2)  # until the pass after the slice's first appearance, which upstream makes, too

    place.annotate("Auto")
    place.await_(lambda: [event.count for event in place.events()], [1])
    for count in (2, 3):
        place.patch(f"{SERVICES}/catalog", {"metadata": {"annotations": {"touched": str(count)}}})
        place.await_(lambda: [event.count for event in place.events()], [count])

    (raw,) = place.call("GET", "/api/v1/namespaces/shop/events")["items"]
    assert raw["message"] == (
        "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold "
        "(5 endpoints, 3 zones), addressType: IPv4"
    )
    assert raw["source"] == {"component": "endpoint-slice-controller"}
    service = place.call("GET", f"{SERVICES}/catalog")
    involved = {key: raw["involvedObject"][key] for key in ("kind", "name", "namespace", "uid")}
    assert involved == {
        "kind": "Service",
        "name": "catalog",
        "namespace": "shop",
        "uid": service["metadata"]["uid"],
    }
    assert place.hinted() == ""


def test_pods_come_and_go(place: Place) -> None:
    """Order is kept, newcomers come last, readiness and deletion are followed."""
    place.furnish({"a": 2, "b": 2, "c": 2})
    place.await_(lambda: len(place.hints()), 6)
    order = [endpoint.pod for endpoint in place.slices()[0].endpoints]
    place.annotate("Auto")
    place.await_(lambda: len(place.hinted()), 6)

    not_ready = {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}
    place.patch(f"{PODS}/{order[0]}/status", not_ready)
    place.await_(place.hinted, "")  # five endpoints in three equal zones
    ready = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    place.patch(f"{PODS}/{order[0]}/status", ready)
    place.await_(lambda: len(place.hinted()), 6)
    place.call("DELETE", f"{PODS}/{order[1]}?gracePeriodSeconds=0")  # there is no kubelet here
    place.add_pod("catalog-new", "node-a", "127.100.1.77")

    kept = [order[0], *order[2:]]
    place.await_(lambda: [one.pod for one in place.slices()[0].endpoints], [*kept, "catalog-new"])
    place.await_(lambda: len(place.hinted()), 6)


def test_a_pod_whose_node_is_not_there_is_told_and_left_out(place: Place) -> None:
    """The others keep their hints; once the node is there, the pod is, too."""
    place.furnish({"a": 2, "b": 2, "c": 2})
    place.annotate("Auto")
    place.await_(place.hinted, "aabbcc")

    place.add_pod("catalog-lost", "node-gone", "127.100.9.1")
    why = "skipping Pod catalog-lost for Service shop/catalog: Node node-gone Not Found"
    said = f"Error updating Endpoint Slices for Service shop/catalog: {why}"
    place.await_(lambda: ("Warning", "FailedToUpdateEndpointSlices", said) in told(place), expected=True)
    assert place.hinted() == "aabbcc"
    until = time.monotonic() + 10
    while place.events()[0].count < 3:  # it is tried again and again
        assert time.monotonic() < until
        time.sleep(0.05)
    assert len(place.events()) == 2
    place.add_node("node-gone", "a")
    place.await_(lambda: len(place.hints()), 7)


def test_lost_hints_are_sticky(place: Place) -> None:
    """A ready node without zone takes the hints away; its label does not bring them back, a touch does."""
    place.furnish({"a": 2, "b": 2, "c": 2})
    place.annotate("Auto")
    place.await_(place.hinted, "aabbcc")

    place.add_node("late", None)
    place.await_(place.hinted, "")
    place.patch("/api/v1/nodes/late", {"metadata": {"labels": {"topology.kubernetes.io/zone": "a"}}})
    time.sleep(SETTLED_S)
    assert place.hinted() == ""
    assert told(place)[0][2] == (
        "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes, "
        "addressType: IPv4"
    )
    place.call("DELETE", "/api/v1/nodes/late")
    time.sleep(SETTLED_S)
    assert place.hinted() == ""
    place.patch(f"{SERVICES}/catalog", {"metadata": {"annotations": {"touched": "1"}}})
    place.await_(place.hinted, "aabbcc")


def test_change_of_cpu_waits_for_another_node(place: Place) -> None:
    """More CPU in one zone is not looked at by itself; the next node, even one not ready, makes it count."""
    place.furnish({"a": 2, "b": 2, "c": 2})
    place.annotate("Auto")
    place.await_(place.hinted, "aabbcc")

    place.patch("/api/v1/nodes/node-c/status", {"status": {"allocatable": {"cpu": "8"}}})
    time.sleep(SETTLED_S)
    assert place.hinted() == "aabbcc"
    place.call("POST", "/api/v1/nodes", {"metadata": {"name": "new"}})

    place.await_(place.hinted, "")  # 1:1:2 needs 2, 2 and 3 endpoints


def test_foreign_changes_are_undone(place: Place) -> None:
    """Hints written by hand are removed, a deleted slice comes back, after a second."""
    place.furnish({"a": 1, "b": 1, "c": 1})
    place.await_(lambda: len(place.hints()), 3)
    (raw,) = place.call("GET", SLICES)["items"]
    raw["endpoints"][0]["hints"] = {"forZones": [{"name": "z"}]}

    place.call("PUT", f"{SLICES}/{raw['metadata']['name']}", raw)
    assert place.hinted() == "z"
    place.await_(place.hinted, "")
    place.call("DELETE", f"{SLICES}/{raw['metadata']['name']}")
    assert place.slices() == ()
    place.await_(lambda: len(place.hints()), 3)


def test_deleted_service(place: Place) -> None:
    """With its Service a slice goes."""
    place.furnish({"a": 1})
    place.await_(lambda: len(place.hints()), 1)

    place.call("DELETE", f"{SERVICES}/catalog")

    place.await_(lambda: len(place.slices()), 0)


def test_service_without_selector(place: Place) -> None:
    """A Service without selector is left alone."""
    place.furnish({"a": 1})
    place.call("POST", SERVICES, {"metadata": {"name": "outside"}, "spec": {"ports": [{"port": 1}]}})
    place.await_(lambda: len(place.hints()), 1)
    time.sleep(SETTLED_S)

    assert {one.service for one in place.slices()} == {"catalog"}


def test_controller_restart(place: Place) -> None:
    """A new controller keeps valid hints and slice names, and announces Enabled once more."""
    place.furnish({"a": 2, "b": 2, "c": 2})
    place.annotate("Auto")
    place.await_(place.hinted, "aabbcc")
    place.await_(lambda: len(place.events()), 1)
    before = place.slices()

    assert place.stop("controller") == 0
    place.start("controller", CONTROLLER)

    place.await_(lambda: told(place), [ENABLED, ENABLED])
    assert place.slices() == before


def test_server_restart(place: Place) -> None:
    """The controller outlives its API server and serves the next one on the same address."""
    place.furnish({"a": 1, "b": 1, "c": 1})
    place.annotate("Auto")
    place.await_(place.hinted, "abc")

    assert place.stop("server") == 0
    with pytest.raises((URLError, HTTPError)):
        place.hints()
    time.sleep(SETTLED_S)
    place.start("server", SERVER)
    place.await_server()
    place.furnish({"a": 2, "b": 2, "c": 2})
    place.annotate("Auto")

    place.await_(place.hinted, "aabbcc")


def test_malformed_objects_do_not_stop_it(caplog: pytest.LogCaptureFixture) -> None:
    """An object that cannot be read is left out and told of, and the rest goes on."""
    nodes: list[dict[str, Any]] = [
        {"metadata": {"name": "odd"}, "status": []},
        {"metadata": {"name": "good"}},
    ]

    found = list(endpointslices._readable(nodes, objects.node))

    assert [node.name for node in found] == ["good"]
    assert "left out: cannot read Node odd: status is [], expected an object" in caplog.text
