"""The columns and cells of server-side tables."""

from typing import Any

import pytest

from k8s.lab.apiserver import resources
from k8s.lab.apiserver.resources import Resource
from k8s.lab.apiserver.tables import table
from tests.k8s.lab.apiserver import samples
from tests.k8s.lab.apiserver.samples import NOW

HOUR_AGO = "2026-01-02T02:04:05Z"


def shown(resource: Resource, obj: dict[str, Any], *, wide: bool = True) -> dict[str, Any]:
    """One row as column name -> cell, with or without the wide columns."""
    obj["metadata"].setdefault("creationTimestamp", HOUR_AGO)
    made = table(resource, [obj], now=NOW, metadata={})
    names = [column["name"] for column in made["columnDefinitions"] if wide or not column["priority"]]
    cells = [
        cell
        for column, cell in zip(made["columnDefinitions"], made["rows"][0]["cells"], strict=True)
        if wide or not column["priority"]
    ]
    return dict(zip(names, cells, strict=True))


def test_a_node_in_a_row() -> None:
    """Status, roles, age and version; with -o wide its addresses and software."""
    node = samples.node("node-a-1")
    node["metadata"]["labels"]["node-role.kubernetes.io/worker"] = ""

    assert shown(resources.NODES, node) == {
        "Name": "node-a-1",
        "Status": "Ready",
        "Roles": "worker",
        "Age": "60m",
        "Version": "v1.35.0-eks-1234567",
        "Internal-IP": "127.100.0.1",
        "External-IP": "<none>",
        "OS-Image": "Amazon Linux 2023",
        "Kernel-Version": "6.12.0",
        "Container-Runtime": "containerd://2.1.4",
    }


@pytest.mark.parametrize(
    ("conditions", "unschedulable", "expected"),
    [
        ([{"type": "Ready", "status": "True"}], False, "Ready"),
        ([{"type": "Ready", "status": "False"}], False, "NotReady"),
        ([{"type": "Ready", "status": "Unknown"}], False, "NotReady"),
        ([], False, "Unknown"),
        ([{"type": "Ready", "status": "True"}], True, "Ready,SchedulingDisabled"),
    ],
)
def test_a_nodes_status(conditions: list[Any], unschedulable: bool, expected: str) -> None:
    """Ready is what the condition says, and a cordon is shown beside it."""
    node = samples.node("n") | {
        "spec": {"unschedulable": unschedulable},
        "status": {"conditions": conditions},
    }

    assert expected == shown(resources.NODES, node)["Status"]


def test_a_pod_in_a_row() -> None:
    """Readiness, status and restarts; with -o wide its address and node."""
    assert shown(resources.PODS, samples.pod("catalog-1", "catalog")) == {
        "Name": "catalog-1",
        "Ready": "1/1",
        "Status": "Running",
        "Restarts": "0",
        "Age": "60m",
        "IP": "127.100.1.1",
        "Node": "node-a-1",
        "Nominated Node": "<none>",
        "Readiness Gates": "<none>",
    }


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(
            {"state": {"waiting": {"reason": "CrashLoopBackOff"}}}, "CrashLoopBackOff", id="waiting"
        ),
        pytest.param({"state": {"terminated": {"reason": "OOMKilled"}}}, "OOMKilled", id="terminated"),
        pytest.param({"state": {"terminated": {"exitCode": 3}}}, "ExitCode:3", id="exit-code"),
        pytest.param({"state": {"terminated": {"signal": 9}}}, "Signal:9", id="signal"),
        pytest.param({"ready": False}, "Running", id="not-ready"),
    ],
)
def test_a_pods_status_is_what_keeps_it_from_running(change: dict[str, Any], expected: str) -> None:
    """A container's reason goes before the phase."""
    pod = samples.pod("p", "catalog")
    pod["status"]["containerStatuses"][0] |= change

    assert expected == shown(resources.PODS, pod)["Status"]


def test_a_pod_that_is_not_ready_counts_as_none() -> None:
    """0/1, while its phase is still Running."""
    row = shown(resources.PODS, samples.pod("p", "catalog", ready=False))

    assert (row["Ready"], row["Status"]) == ("0/1", "Running")


def test_restarts_say_how_long_ago() -> None:
    """With the last end of a container, as kubectl shows since 1.22."""
    pod = samples.pod("p", "catalog")
    pod["status"]["containerStatuses"][0] |= {
        "restartCount": 3,
        "lastState": {"terminated": {"finishedAt": "2026-01-02T02:59:05Z"}},
    }

    assert shown(resources.PODS, pod)["Restarts"] == "3 (5m ago)"


def test_a_service_in_a_row() -> None:
    """Type, addresses and ports; with -o wide its selector."""
    assert shown(resources.SERVICES, samples.service("catalog")) == {
        "Name": "catalog",
        "Type": "ClusterIP",
        "Cluster-IP": "127.100.200.1",
        "External-IP": "<none>",
        "Port(s)": "8080/TCP",
        "Age": "60m",
        "Selector": "app.kubernetes.io/name=catalog",
    }


def test_a_load_balancer_in_a_row() -> None:
    """Its address once it has one, ``<pending>`` before; node ports beside the ports."""
    service = samples.service("ui")
    service["spec"] |= {"type": "LoadBalancer", "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}]}
    before = shown(resources.SERVICES, service)
    service["status"] = {"loadBalancer": {"ingress": [{"hostname": "lb.example.com"}]}}
    after = shown(resources.SERVICES, service)

    assert (before["External-IP"], before["Port(s)"]) == ("<pending>", "80:30080/TCP")
    assert after["External-IP"] == "lb.example.com"


def test_an_endpoint_slice_in_a_row() -> None:
    """At most three addresses, and how many more."""
    endpoints = [samples.endpoint(f"127.100.1.{number}", "eu-west-1a") for number in range(1, 6)]

    assert shown(resources.ENDPOINT_SLICES, samples.endpoint_slice("catalog", *endpoints)) == {
        "Name": "catalog-x7k2p",
        "AddressType": "IPv4",
        "Ports": "8080",
        "Endpoints": "127.100.1.1,127.100.1.2,127.100.1.3 + 2 more...",
        "Age": "60m",
    }


def test_an_empty_endpoint_slice_in_a_row() -> None:
    """Nothing is ``<unset>``."""
    empty = samples.endpoint_slice("catalog") | {"ports": []}
    row = shown(resources.ENDPOINT_SLICES, empty)

    assert (row["Ports"], row["Endpoints"]) == ("<unset>", "<unset>")


def test_an_event_in_a_row() -> None:
    """Without -o wide: when, what, on which object, and the message."""
    event = samples.event("catalog")

    assert shown(resources.EVENTS, event, wide=False) == {
        "Last Seen": "60s",
        "Type": "Normal",
        "Reason": "TopologyAwareHintsEnabled",
        "Object": "service/catalog",
        "Message": "Topology Aware Hints has been enabled, addressType: IPv4",
    }
    wide = shown(resources.EVENTS, event)
    assert (wide["First Seen"], wide["Count"], wide["Name"]) == ("60m", 2, "catalog.17f")
    assert wide["Source"] == "endpoint-slice-controller"


def test_an_event_series_says_its_own_count_and_time() -> None:
    """A series goes before the plain count and time; an event without either counts as one."""
    series = {"count": 7, "lastObservedTime": "2026-01-02T03:03:55.000000Z"}
    row = shown(resources.EVENTS, samples.event("catalog") | {"series": series})
    single = samples.event("catalog")
    del single["count"]

    assert (row["Last Seen"], row["Count"]) == ("10s", 7)
    assert shown(resources.EVENTS, single)["Count"] == 1


def test_a_deployment_in_a_row() -> None:
    """Ready of wanted; with -o wide its template."""
    assert shown(resources.DEPLOYMENTS, samples.deployment("catalog")) == {
        "Name": "catalog",
        "Ready": "2/3",
        "Up-to-date": 3,
        "Available": 2,
        "Age": "60m",
        "Containers": "catalog",
        "Images": "retail-store-sample-catalog:1.0.0",
        "Selector": "app.kubernetes.io/name=catalog",
    }


def test_a_replica_set_in_a_row() -> None:
    """Wanted, there and ready."""
    replica_set = samples.deployment("catalog") | {"kind": "ReplicaSet"}
    row = shown(resources.REPLICA_SETS, replica_set, wide=False)

    assert row == {"Name": "catalog", "Desired": 3, "Current": 3, "Ready": 2, "Age": "60m"}


def test_a_lease_in_a_row() -> None:
    """Name, holder, age; one that nobody holds has an empty holder."""
    free = samples.lease("catalog") | {"spec": {}}

    assert shown(resources.LEASES, samples.lease("catalog")) == {
        "Name": "samezone.catalog",
        "Holder": "ann@laptop/4711",
        "Age": "60m",
    }
    assert shown(resources.LEASES, free)["Holder"] == ""


def test_a_namespace_in_a_row() -> None:
    """Name, status, age."""
    namespace = samples.namespace("catalog") | {"status": {"phase": "Active"}}

    assert shown(resources.NAMESPACES, namespace) == {"Name": "catalog", "Status": "Active", "Age": "60m"}


@pytest.mark.parametrize(
    ("include", "kind"), [("None", None), ("Metadata", "PartialObjectMetadata"), ("Object", "Service")]
)
def test_rows_carry_what_was_asked_for(include: str, kind: str | None) -> None:
    """Nothing, the metadata, or the whole object."""
    made = table(resources.SERVICES, [samples.service("c")], now=NOW, metadata={}, include=include)

    assert kind == made["rows"][0].get("object", {}).get("kind")


def test_the_name_column_is_marked_as_such() -> None:
    """And the wide ones have priority 1."""
    made = table(resources.SERVICES, [], now=NOW, metadata={})["columnDefinitions"]

    assert [column["name"] for column in made if column["format"] == "name"] == ["Name"]
    assert [column["name"] for column in made if column["priority"] == 1] == ["Selector"]


def test_bare_objects_have_rows_too() -> None:
    """Whatever is optional may be missing."""
    for resource in resources.RESOURCES:
        made = table(resource, [{"metadata": {"name": "a"}}], now=NOW, metadata={})
        assert len(made["columnDefinitions"]) == len(made["rows"][0]["cells"])
