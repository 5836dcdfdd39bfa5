"""The real kubectl against the server: the commands that people type, as they type them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from k8s.lab.apiserver.deleting import EXTERNAL_ANNOTATION
from tests.k8s.lab.apiserver import samples, wire
from tests.k8s.lab.apiserver.conftest import Kubectl

Add = Callable[[dict[str, Any]], dict[str, Any]]
pytestmark = pytest.mark.programs

MODE = "service.kubernetes.io/topology-mode"


def columns(text: str) -> list[list[str]]:
    """A printed table as cells; columns are two or more blanks apart."""
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in text.splitlines()]


@pytest.fixture
def shop(namespace: str, url: str, add: Add) -> str:
    """A namespace with the catalog Service, two pods, a slice and an event; a node for the pods."""
    if wire.get(f"{url}/api/v1/nodes/node-a-1").status == 404:
        add(samples.node("node-a-1"))
    service = add(samples.service(namespace))
    for number in (1, 2):
        add(samples.pod(f"catalog-{number}", namespace, ip=f"127.100.1.{number}"))
    endpoints = [samples.endpoint(f"127.100.1.{number}", "eu-west-1a", "eu-west-1a") for number in (1, 2)]
    add(samples.endpoint_slice(namespace, *endpoints))
    add(samples.event(namespace, service["metadata"]["uid"]))
    return namespace


def annotations(kubectl: Kubectl, namespace: str) -> dict[str, str]:
    service = json.loads(kubectl.run("-n", namespace, "get", "svc", "catalog", "-o", "json"))
    found: dict[str, str] = service["metadata"].get("annotations", {})
    return found


def test_annotate_sets_changes_and_removes(kubectl: Kubectl, shop: str) -> None:
    """The command of the article, again with --overwrite, and its undoing."""
    annotate = ("-n", shop, "annotate", "svc", "catalog")

    assert kubectl.run(*annotate, f"{MODE}=Auto") == "service/catalog annotated\n"
    assert annotations(kubectl, shop) == {MODE: "Auto"}
    refused = kubectl.run(*annotate, f"{MODE}=Disabled", code=1)
    assert "--overwrite is false but found the following declared annotation(s)" in refused
    kubectl.run(*annotate, f"{MODE}=Disabled", "--overwrite")
    assert annotations(kubectl, shop) == {MODE: "Disabled"}
    kubectl.run(*annotate, f"{MODE}-")
    assert annotations(kubectl, shop) == {}


def test_the_old_annotation_warns(kubectl: Kubectl, shop: str) -> None:
    """The server's warning is printed."""
    printed = kubectl.run(
        "-n", shop, "annotate", "svc", "catalog", "service.kubernetes.io/topology-aware-hints=auto"
    )

    warning = (
        f"annotation service.kubernetes.io/topology-aware-hints is deprecated, please use {MODE} instead"
    )
    assert f"Warning: {warning}" in printed


def test_endpoint_slices_of_a_service_as_yaml(kubectl: Kubectl, shop: str) -> None:
    """With the hints in them."""
    selector = "kubernetes.io/service-name=catalog"
    printed = kubectl.run("get", "endpointslices", "-l", selector, "-n", shop, "-o", "yaml")

    items = yaml.safe_load(printed)["items"]
    assert [item["metadata"]["name"] for item in items] == ["catalog-x7k2p"]
    assert [one["hints"]["forZones"] for one in items[0]["endpoints"]] == [[{"name": "eu-west-1a"}]] * 2


def test_get_endpoint_slices(kubectl: Kubectl, shop: str) -> None:
    """In columns."""
    header, row = columns(kubectl.run("get", "endpointslices", "-n", shop))

    assert header == ["NAME", "ADDRESSTYPE", "PORTS", "ENDPOINTS", "AGE"]
    assert row[:4] == ["catalog-x7k2p", "IPv4", "8080", "127.100.1.1,127.100.1.2"]


def test_get_leases(kubectl: Kubectl, namespace: str, add: Add) -> None:
    """Who holds what, as a real one prints it."""
    add(samples.lease(namespace))
    header, row = columns(kubectl.run("get", "leases", "-n", namespace))

    assert header == ["NAME", "HOLDER", "AGE"]
    assert row[:2] == ["samezone.catalog", "ann@laptop/4711"]


def test_get_events(kubectl: Kubectl, shop: str) -> None:
    """Also by ``kubectl events``, which reads them through another client."""
    header, row = columns(kubectl.run("get", "events", "-n", shop))

    assert header == ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    message = "Topology Aware Hints has been enabled, addressType: IPv4"
    assert ["Normal", "TopologyAwareHintsEnabled", "service/catalog", message] == row[1:]
    assert message in kubectl.run("events", "-n", shop, "--for", "service/catalog")


@pytest.mark.usefixtures("shop")
def test_get_nodes_with_their_zone(kubectl: Kubectl) -> None:
    """A label as a column."""
    header, *rows = columns(kubectl.run("get", "nodes", "-L", "topology.kubernetes.io/zone"))

    assert header == ["NAME", "STATUS", "ROLES", "AGE", "VERSION", "ZONE"]
    assert ["node-a-1", "Ready", "<none>", "v1.35.0-eks-1234567", "eu-west-1a"] in [
        [*row[:3], *row[4:]] for row in rows
    ]


def test_get_pods_of_all_namespaces_wide(kubectl: Kubectl, shop: str) -> None:
    """With their address and node."""
    header, *rows = columns(kubectl.run("get", "pods", "-A", "-o", "wide"))

    wide = ["IP", "NODE", "NOMINATED NODE", "READINESS GATES"]
    assert ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE", *wide] == header
    mine = [row for row in rows if row[0] == shop]
    assert [row[1:5] for row in mine] == [
        ["catalog-1", "1/1", "Running", "0"],
        ["catalog-2", "1/1", "Running", "0"],
    ]
    assert mine[0][6:] == ["127.100.1.1", "node-a-1", "<none>", "<none>"]


def test_describe_a_service(kubectl: Kubectl, shop: str) -> None:
    """With its endpoints, from the slices, and its events."""
    printed = kubectl.run("describe", "svc", "catalog", "-n", shop)

    assert "Endpoints:                127.100.1.1:8080,127.100.1.2:8080" in printed
    assert "TopologyAwareHintsEnabled" in printed
    assert "endpoint-slice-controller" in printed


@pytest.mark.parametrize("kind", ["node", "pod", "endpointslice", "ns", "deployment"])
def test_describe_the_others(kubectl: Kubectl, shop: str, add: Add, kind: str) -> None:
    """No describer stumbles."""
    add(samples.deployment(shop))

    assert "Name:" in kubectl.run("describe", kind, "-n", shop)


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        ("strategic", {"spec": {"trafficDistribution": "PreferSameZone"}}),
        ("merge", {"spec": {"trafficDistribution": "PreferSameZone"}}),
        ("json", [{"op": "add", "path": "/spec/trafficDistribution", "value": "PreferSameZone"}]),
    ],
)
def test_patch_a_service(kubectl: Kubectl, shop: str, kind: str, patch: Any) -> None:
    """All three types."""
    kubectl.run("patch", "svc", "catalog", "-n", shop, "--type", kind, "-p", json.dumps(patch))

    path = "jsonpath={.spec.trafficDistribution}"
    assert kubectl.run("get", "svc", "catalog", "-n", shop, "-o", path) == "PreferSameZone"


def test_a_patch_that_is_refused(kubectl: Kubectl, shop: str) -> None:
    """The message is printed, with a start of kubectl's own."""
    patch = '{"spec":{"trafficDistribution":"x"}}'
    printed = kubectl.run("patch", "svc", "catalog", "-n", shop, "-p", patch, code=1)

    assert printed == (
        'The Service "catalog" is invalid: spec.trafficDistribution: Unsupported value: "x": '
        'supported values: "PreferClose", "PreferSameNode", "PreferSameZone"\n'
    )


def test_a_patch_that_warns(kubectl: Kubectl, shop: str) -> None:
    """A deprecated value, and a field that nobody knows."""
    close, typo = '{"spec":{"trafficDistribution":"PreferClose"}}', '{"spec":{"trafficDistribtion":"x"}}'

    warned = kubectl.run("patch", "svc", "catalog", "-n", shop, "-p", close)
    unknown = kubectl.run("patch", "svc", "catalog", "-n", shop, "-p", typo)

    assert 'Warning: spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"' in warned
    assert 'Warning: unknown field "spec.trafficDistribtion"' in unknown


def test_patch_a_status(kubectl: Kubectl, shop: str) -> None:
    """Through the subresource."""
    patch = json.dumps({"status": {"conditions": [{"type": "Ready", "status": "False"}]}})
    kubectl.run("patch", "pod", "catalog-1", "-n", shop, "--subresource=status", "-p", patch)

    path = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
    assert kubectl.run("get", "pod", "catalog-1", "-n", shop, "-o", path) == "False"


def test_label_and_select(kubectl: Kubectl, shop: str) -> None:
    """Set, select, remove."""
    kubectl.run("label", "pod", "catalog-1", "-n", shop, "canary=yes")

    assert (
        kubectl.run("get", "pods", "-n", shop, "-l", "canary in (yes),!x", "-o", "name") == "pod/catalog-1\n"
    )
    assert kubectl.run("label", "pod", "catalog-1", "-n", shop, "canary-") == "pod/catalog-1 unlabeled\n"


def test_watch(kubectl: Kubectl, shop: str) -> None:
    """``get -w`` prints a line at every change."""
    watching = kubectl.start("get", "svc", "-n", shop, "-w")
    assert watching.stdout is not None
    try:
        header, first = watching.stdout.readline(), watching.stdout.readline()
        patch = '{"spec":{"ports":[{"port":9090,"name":"admin"}]}}'
        kubectl.run("patch", "svc", "catalog", "-n", shop, "-p", patch)
        second = watching.stdout.readline()
    finally:
        watching.kill()
        watching.wait()
        watching.stdout.close()

    assert columns(header)[0] == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]
    assert [first.split()[4], second.split()[4]] == ["8080/TCP", "8080/TCP,9090/TCP"]


def test_wait(kubectl: Kubectl, shop: str) -> None:
    """For a condition that holds."""
    printed = kubectl.run("wait", "pod", "--all", "--for=condition=Ready", "-n", shop, "--timeout=10s")

    assert "pod/catalog-1 condition met" in printed


def test_apply_creates_then_changes_then_rests(kubectl: Kubectl, namespace: str, tmp_path: Any) -> None:
    """With the server's validation, and a three-way merge made from its schema."""
    file = tmp_path / "objects.json"
    objects = [samples.service(namespace), samples.deployment(namespace)]
    del objects[1]["status"]  # its controller's, which apply would want to set again and again

    def apply() -> list[str]:
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
        printed = kubectl.run("apply", "-f", str(file)).splitlines()
        return [line.split()[-1] for line in printed if line.startswith(("service/", "deployment"))]

    assert apply() == ["created", "created"]
    assert apply() == ["unchanged", "unchanged"]
    objects[0]["spec"]["ports"].append({"name": "admin", "port": 9090})
    assert apply() == ["configured", "unchanged"]
    objects[0]["spec"]["ports"].pop(0)
    assert apply() == ["configured", "unchanged"]
    path = "jsonpath={.spec.ports[*].name}"
    assert kubectl.run("get", "svc", "catalog", "-n", namespace, "-o", path) == "admin"
    assert kubectl.run("diff", "-f", str(file)) == ""


def test_apply_refuses_what_it_does_not_know(kubectl: Kubectl, namespace: str, tmp_path: Any) -> None:
    """Strict field validation, which is kubectl's default, is done by the server."""
    service = samples.service(namespace)
    service["spec"]["trafficDistribtion"] = "PreferSameZone"
    (tmp_path / "service.json").write_text(json.dumps(service))

    printed = kubectl.run("apply", "-f", str(tmp_path / "service.json"), code=1)

    assert 'strict decoding error: unknown field "spec.trafficDistribtion"' in printed


def test_create_replace_and_delete(kubectl: Kubectl, namespace: str, tmp_path: Any) -> None:
    """From a file; the deletion waits until the object is gone."""
    file = tmp_path / "pod.json"
    pod = samples.pod("catalog-1", namespace)
    pod["metadata"]["annotations"] = {EXTERNAL_ANNOTATION: "true"}  # there is no kubelet that would end it
    file.write_text(json.dumps(pod))

    assert kubectl.run("create", "-f", str(file)) == "pod/catalog-1 created\n"
    assert 'pods "catalog-1" already exists' in kubectl.run("create", "-f", str(file), code=1)
    assert kubectl.run("replace", "-f", str(file)) == "pod/catalog-1 replaced\n"
    assert 'pod "catalog-1" deleted' in kubectl.run("delete", "pod", "catalog-1", "-n", namespace)
    assert 'pods "catalog-1" not found' in kubectl.run("get", "pod", "catalog-1", "-n", namespace, code=1)


def test_cordon(kubectl: Kubectl, url: str, add: Add) -> None:
    """A node can be cordoned and uncordoned."""
    name = f"cordoned-{kubectl.path.parent.name.strip('.')}"
    if wire.get(f"{url}/api/v1/nodes/{name}").status == 404:
        add(samples.node(name))

    kubectl.run("cordon", name)
    assert "Ready,SchedulingDisabled" in kubectl.run("get", "node", name)
    kubectl.run("uncordon", name)
    assert "SchedulingDisabled" not in kubectl.run("get", "node", name)


def test_all_that_is_served(kubectl: Kubectl) -> None:
    """As kubectl lists it, from discovery."""
    rows = [row[0] for row in columns(kubectl.run("api-resources", "--no-headers"))]

    names = {
        "deployments",
        "endpointslices",
        "events",
        "leases",
        "namespaces",
        "nodes",
        "pods",
        "replicasets",
        "selfsubjectaccessreviews",
        "selfsubjectreviews",
        "selfsubjectrulesreviews",
        "services",
    }
    assert names == {row.split()[0] for row in rows}
    assert "FIELDS:" in kubectl.run("explain", "service.spec.ports")
    assert "trafficDistribution" in kubectl.run("explain", "svc.spec")


def test_health_and_version(kubectl: Kubectl) -> None:
    """Raw paths, and the version kubectl reads."""
    assert kubectl.run("get", "--raw", "/healthz") == "ok"
    assert "Server Version: v1.35.0+samezone-lab" in kubectl.run("version")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("get", "foo"), 'the server doesn\'t have a resource type "foo"'),
        (("get", "pods", "-l", "a b"), 'unable to parse requirement in "a b"'),
        (("get", "pods", "--field-selector", "spec.foo=x"), "field label not supported: spec.foo"),
        (("get", "ns", "nope"), 'namespaces "nope" not found'),
        (("delete", "ns", "default"), "this namespace may not be deleted"),
    ],
)
def test_mistakes_are_explained(kubectl: Kubectl, arguments: tuple[str, ...], words: str) -> None:
    """In the words a real cluster would use."""
    assert words in kubectl.run(*arguments, code=1)
