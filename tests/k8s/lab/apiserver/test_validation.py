"""What is refused, with 422 and the words of the real one."""

import copy
from typing import Any

import pytest

from k8s.lab.apiserver.patch import merge_patch
from k8s.lab.apiserver.requests import Options
from k8s.lab.apiserver.statuses import StatusError
from k8s.topology import OLD_HINTS_ANNOTATION, TOPOLOGY_MODE_ANNOTATION
from tests.k8s.lab.apiserver import samples
from tests.k8s.lab.apiserver.place import Place, target_of


def message_of(obj: dict[str, Any], change: dict[str, Any], old: dict[str, Any] | None = None) -> str:
    """What the server says to the object with the merge patch *change*, over *old* if there is one."""
    place = Place()
    new = merge_patch(obj, change)
    if old is not None:
        place.add(old)
    with pytest.raises(StatusError) as refused:
        _ = place.writer.update(target_of(old), new, Options()) if old else place.add(new)
    assert (refused.value.code, refused.value.body["reason"]) == (422, "Invalid")
    return str(refused.value)


SERVICE = samples.service("catalog")
SLICE = samples.endpoint_slice("catalog", samples.endpoint("127.100.1.1", "eu-west-1a"))
HTTP = {"name": "http", "port": 8080}


def test_an_unknown_traffic_distribution() -> None:
    """The message and its details are those of a 1.35 cluster."""
    place = Place()
    with pytest.raises(StatusError) as refused:
        place.add(merge_patch(SERVICE, {"spec": {"trafficDistribution": "x"}}))

    why = 'Unsupported value: "x": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"'
    assert {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f'Service "catalog" is invalid: spec.trafficDistribution: {why}',
        "reason": "Invalid",
        "details": {
            "name": "catalog",
            "kind": "Service",
            "causes": [
                {"reason": "FieldValueNotSupported", "message": why, "field": "spec.trafficDistribution"}
            ],
        },
        "code": 422,
    } == refused.value.body


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"spec": {"ports": None}}, "spec.ports: Required value"),
        (
            {"spec": {"ports": [{"port": 0}]}},
            "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
        ),
        ({"spec": {"ports": [HTTP, {"port": 9}]}}, "spec.ports[1].name: Required value"),
        (
            {"spec": {"ports": [HTTP, HTTP | {"port": 9}]}},
            'spec.ports[1].name: Duplicate value: "http"',
        ),
        (
            {"spec": {"ports": [HTTP, HTTP | {"name": "b"}]}},
            'spec.ports[1]: Duplicate value: {"protocol":"TCP","port":8080}',
        ),
        (
            {"spec": {"ports": [HTTP | {"protocol": "HTTP"}]}},
            'spec.ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"',
        ),
        (
            {"spec": {"ports": [HTTP | {"targetPort": 70000}]}},
            "spec.ports[0].targetPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
        ),
        (
            {"spec": {"type": "Magic"}},
            (
                'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", '
                '"LoadBalancer", "NodePort"'
            ),
        ),
        (
            {"spec": {"internalTrafficPolicy": "Zone"}},
            'spec.internalTrafficPolicy: Unsupported value: "Zone": supported values: "Cluster", "Local"',
        ),
        (
            {"spec": {"sessionAffinity": "x"}},
            'spec.sessionAffinity: Unsupported value: "x": supported values: "ClientIP", "None"',
        ),
        ({"spec": {"selector": {"a": "b c"}}}, 'spec.selector: Invalid value: "b c": a valid label must be'),
        ({"metadata": {"name": "1st"}}, 'metadata.name: Invalid value: "1st": a DNS-1035 label must consist'),
        ({"metadata": {"name": "x" * 64}}, "metadata.name: Invalid value"),
        ({"metadata": {"labels": {"a": "b c"}}}, 'metadata.labels: Invalid value: "b c": a valid label must'),
        ({"metadata": {"labels": {"a b": "c"}}}, 'metadata.labels: Invalid value: "a b": name part must'),
        (
            {
                "metadata": {
                    "annotations": {TOPOLOGY_MODE_ANNOTATION: "Auto", OLD_HINTS_ANNOTATION: "Disabled"}
                }
            },
            (
                'Service "catalog" is invalid: metadata.annotations[service.kubernetes.io/topology-mode]: '
                'Invalid value: "Auto": must match annotations[service.kubernetes.io/topology-aware-hints] '
                "when both are specified"
            ),
        ),
        (
            {"metadata": {"annotations": {"a b": "c"}}},
            'metadata.annotations: Invalid value: "a b": name part',
        ),
    ],
)
def test_services(change: dict[str, Any], words: str) -> None:
    """Ports, closed lists, names, labels."""
    assert words in message_of(SERVICE, change)


def test_several_faults_are_listed() -> None:
    """In brackets, each with its field."""
    message = message_of(SERVICE, {"spec": {"trafficDistribution": "x", "type": "y"}})

    assert message.startswith('Service "catalog" is invalid: [spec.type: Unsupported value: "y"')
    assert ", spec.trafficDistribution: Unsupported value" in message
    assert message.endswith("]")


def test_a_cluster_ip_stays() -> None:
    """Once given, it may not be changed."""
    message = message_of(SERVICE, {"spec": {"clusterIP": "127.100.200.9"}}, SERVICE)

    assert 'spec.clusterIPs[0]: Invalid value: ["127.100.200.9"]: may not change once set' in message


@pytest.mark.parametrize(
    "change",
    [
        {"spec": {"clusterIP": "None", "ports": None}},
        {"spec": {"type": "ExternalName", "externalName": "example.com", "ports": None, "clusterIP": None}},
        {"spec": {"trafficDistribution": "PreferSameNode"}},
        {"metadata": {"annotations": {"Example.com/Upper": "any text, at all\n"}}},
        {"metadata": {"annotations": {TOPOLOGY_MODE_ANNOTATION: "auto", OLD_HINTS_ANNOTATION: "auto"}}},
        {"metadata": {"annotations": {OLD_HINTS_ANNOTATION: "Auto"}}},
        {"spec": {"ports": [HTTP, {"name": "dns", "port": 8080, "protocol": "UDP"}]}},
    ],
)
def test_services_that_are_fine(change: dict[str, Any]) -> None:
    """Headless without ports, external names, the same port for two protocols."""
    assert Place().add(merge_patch(SERVICE, change))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"addressType": None}, "addressType: Required value"),
        (
            {"addressType": "IP"},
            'addressType: Unsupported value: "IP": supported values: "FQDN", "IPv4", "IPv6"',
        ),
        (
            {"endpoints": [{"addresses": []}]},
            "endpoints[0].addresses: Required value: must contain at least 1 address",
        ),
        (
            {"endpoints": [{"addresses": ["1.2.3"]}]},
            'endpoints[0].addresses[0]: Invalid value: "1.2.3": must be a valid IPv4 address',
        ),
        (
            {"addressType": "IPv6"},
            'endpoints[0].addresses[0]: Invalid value: "127.100.1.1": must be a valid IPv6 address',
        ),
        (
            {"endpoints": [samples.endpoint("127.100.1.1", "a", *"abcdefghi")]},
            "endpoints[0].hints.forZones: Too many: 9: must have at most 8 items",
        ),
        (
            {"endpoints": [samples.endpoint("127.100.1.1", "a", "b", "b")]},
            'endpoints[0].hints.forZones[1].name: Duplicate value: "b"',
        ),
        (
            {"endpoints": [samples.endpoint("127.100.1.1", "a")] * 1001},
            "endpoints: Too many: 1001: must have at most 1000 items",
        ),
        ({"ports": [{"port": 1}, {"port": 2}]}, 'ports[1].name: Duplicate value: ""'),
        ({"ports": [{"protocol": "x"}]}, "ports[0].protocol: Unsupported value"),
    ],
)
def test_endpoint_slices(change: dict[str, Any], words: str) -> None:
    """Addresses, hints, ports; the message names the group, too."""
    message = message_of(SLICE, change)

    assert message.startswith('EndpointSlice.discovery.k8s.io "catalog-x7k2p" is invalid: ')
    assert words in message


def test_an_address_type_stays() -> None:
    """It is the slice's for good."""
    change = {"addressType": "FQDN", "endpoints": []}

    assert 'addressType: Invalid value: "FQDN": field is immutable' in message_of(SLICE, change, SLICE)


def test_events_live_where_their_object_lives() -> None:
    """Or in default, for what lives nowhere."""
    event = samples.event("catalog")

    message = message_of(event, {"involvedObject": {"namespace": "ui"}})

    assert 'involvedObject.namespace: Invalid value: "ui": does not match event.namespace' in message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"spec": {"containers": None}}, "spec.containers: Required value"),
        ({"spec": {"containers": [{"name": "a"}]}}, "spec.containers[0].image: Required value"),
        ({"spec": {"containers": [{"image": "a"}]}}, "spec.containers[0].name: Required value"),
        (
            {"spec": {"containers": [{"name": "a", "image": "b"}] * 2}},
            'spec.containers[1].name: Duplicate value: "a"',
        ),
        ({"metadata": {"name": ""}}, "metadata.name: Required value: name or generateName is required"),
        ({"metadata": {"name": "Upper"}}, "a lowercase RFC 1123 subdomain must consist of"),
    ],
)
def test_pods(change: dict[str, Any], words: str) -> None:
    """Containers and names."""
    assert words in message_of(samples.pod("p", "catalog"), change)


def test_a_pod_stays_on_its_node() -> None:
    """Moving it is forbidden."""
    pod = samples.pod("p", "catalog")

    message = message_of(pod, {"spec": {"nodeName": "node-b-1"}}, pod)

    assert "spec: Forbidden: pod updates may not change fields other than" in message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"spec": {"replicas": -1}}, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        ({"spec": {"selector": None}}, "spec.selector: Required value"),
        (
            {"spec": {"template": {"metadata": {"labels": {"app.kubernetes.io/name": "ui"}}}}},
            "`selector` does not match template `labels`",
        ),
        (
            {"spec": {"template": {"spec": {"containers": []}}}},
            "spec.template.spec.containers: Required value",
        ),
    ],
)
def test_deployments(change: dict[str, Any], words: str) -> None:
    """Replicas, selector, template."""
    message = message_of(samples.deployment("catalog"), change)

    assert message.startswith('Deployment.apps "catalog" is invalid: ')
    assert words in message


def test_a_deployments_selector_stays() -> None:
    """It says which pods are its own."""
    old = samples.deployment("catalog")
    new = copy.deepcopy(old)
    new["spec"]["selector"] = {"matchExpressions": [{"key": "a", "operator": "Exists"}]}

    assert "spec.selector: Invalid value: " in message_of(new, {}, old)
    assert "field is immutable" in message_of(new, {}, old)


def test_a_namespaces_name_has_no_dots() -> None:
    """It is a DNS label, where most names may be subdomains."""
    words = 'metadata.name: Invalid value: "a.b": a lowercase RFC 1123 label must consist of'

    assert words in message_of(samples.namespace("a.b"), {})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"spec": {"leaseDurationSeconds": 0}},
            "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
        ),
        (
            {"spec": {"leaseTransitions": -1}},
            "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
        ),
    ],
)
def test_leases(change: dict[str, Any], words: str) -> None:
    """Its numbers."""
    message = message_of(samples.lease("catalog"), change)

    assert message == f'Lease.coordination.k8s.io "samezone.catalog" is invalid: {words}'
