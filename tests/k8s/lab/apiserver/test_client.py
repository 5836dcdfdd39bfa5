"""The official Python client against the server.

It is Any here: its stubs refuse dictionaries where the client takes them.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from kubernetes import client, dynamic, watch
from kubernetes.client.exceptions import ApiException

from tests.k8s.lab.apiserver import samples, wire
from tests.k8s.lab.apiserver.clients import configured


@pytest.fixture
def api(url: str) -> Iterator[client.ApiClient]:
    """A client with the lab's token."""
    with client.ApiClient(configured(url, wire.TOKEN)) as made:
        yield made


@pytest.fixture
def core(api: client.ApiClient) -> Any:
    """The core group."""
    return client.CoreV1Api(api)


def events_of(*arguments: Any, **options: Any) -> Iterator[Any]:
    """The client's own watch."""
    watcher: Any = watch.Watch
    events: Iterator[Any] = watcher().stream(*arguments, **options)
    return events


def test_typed_objects_go_there_and_back(api: client.ApiClient, core: Any, namespace: str) -> None:
    """Services, pods, slices: what is read has the types of the client's models."""
    made = samples.pod("catalog-1", namespace)
    core.create_namespaced_pod(namespace, made)
    core.patch_namespaced_pod_status("catalog-1", namespace, {"status": made["status"]})
    core.create_namespaced_service(namespace, samples.service(namespace))
    hinted = samples.endpoint("127.100.1.1", "eu-west-1a", "eu-west-1b", pod="catalog-1")
    slices: Any = client.DiscoveryV1Api(api)
    slices.create_namespaced_endpoint_slice(namespace, samples.endpoint_slice(namespace, hinted))

    pod = core.read_namespaced_pod("catalog-1", namespace)
    service = core.read_namespaced_service("catalog", namespace)
    found = slices.list_namespaced_endpoint_slice(
        namespace, label_selector="kubernetes.io/service-name=catalog"
    ).items

    assert (pod.spec.node_name, pod.status.pod_ip, pod.status.phase) == ("node-a-1", "127.100.1.1", "Running")
    assert pod.metadata.creation_timestamp is not None
    assert (service.spec.ports[0].port, service.spec.ports[0].target_port) == (8080, "http")
    assert [hint.name for hint in found[0].endpoints[0].hints.for_zones] == ["eu-west-1b"]


def test_patches_of_each_type(core: Any, namespace: str) -> None:
    """Strategic is the client's choice for objects, JSON patch for lists, merge on demand."""
    core.create_namespaced_service(namespace, samples.service(namespace))

    def patched(body: Any, kind: str | None = None) -> Any:
        chosen = {"_content_type": kind} if kind else {}
        return core.patch_namespaced_service("catalog", namespace, body, **chosen)

    mode = "service.kubernetes.io/topology-mode"
    by_object = patched({"metadata": {"annotations": {mode: "Auto"}}})
    by_list = patched([{"op": "add", "path": "/spec/trafficDistribution", "value": "PreferSameZone"}])
    by_merge = patched({"metadata": {"annotations": {mode: None}}}, "application/merge-patch+json")

    assert {mode: "Auto"} == by_object.metadata.annotations
    assert by_list.spec.traffic_distribution == "PreferSameZone"
    assert not by_merge.metadata.annotations


def test_a_conflict_is_an_exception_with_its_code(core: Any, namespace: str) -> None:
    """A replace from a stale version."""
    stale = core.create_namespaced_service(namespace, samples.service(namespace))
    core.patch_namespaced_service("catalog", namespace, {"metadata": {"labels": {"a": "b"}}})

    with pytest.raises(ApiException) as refused:
        core.replace_namespaced_service("catalog", namespace, stale)
    assert (refused.value.status, refused.value.reason) == (409, "Conflict")


def test_lists_in_pages(core: Any, namespace: str) -> None:
    """With the client's own parameters."""
    for number in range(3):
        core.create_namespaced_pod(namespace, samples.pod(f"p{number}", namespace))

    first = core.list_namespaced_pod(namespace, limit=2)
    rest = core.list_namespaced_pod(namespace, limit=2, _continue=first.metadata._continue)

    assert [pod.metadata.name for pod in (*first.items, *rest.items)] == ["p0", "p1", "p2"]


def test_watches_go_on_from_a_list(core: Any, namespace: str) -> None:
    """Every event once, in order, as typed objects."""
    version = core.list_namespaced_pod(namespace).metadata.resource_version
    core.create_namespaced_pod(namespace, samples.pod("a", namespace))
    core.patch_namespaced_pod("a", namespace, {"metadata": {"labels": {"x": "y"}}})
    core.delete_namespaced_pod("a", namespace, grace_period_seconds=0)

    stream = events_of(core.list_namespaced_pod, namespace, resource_version=version, timeout_seconds=10)
    found = [(event["type"], event["object"].metadata.name) for event in islice(stream, 3)]

    assert found == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


def test_an_expired_watch_raises_410(core: Any, namespace: str) -> None:
    """The client lists again by itself once, and tells its caller if it was given a version."""
    stream = events_of(core.list_namespaced_pod, namespace, resource_version="1", timeout_seconds=5)

    with pytest.raises(ApiException) as refused:
        list(stream)
    assert refused.value.status == 410


def test_status_is_written_through_its_subresource(core: Any) -> None:
    """A node goes not ready."""
    core.create_node(samples.node("client-node"))
    body = {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}

    patched = core.patch_node_status("client-node", body)

    assert [one.status for one in patched.status.conditions if one.type == "Ready"] == ["False"]


def test_events_of_one_object(core: Any, namespace: str) -> None:
    """By field selector, as a harness looks for the controller's words."""
    core.create_namespaced_event(namespace, samples.event(namespace))
    selector = "involvedObject.kind=Service,involvedObject.name=catalog,reason=TopologyAwareHintsEnabled"

    found = core.list_namespaced_event(namespace, field_selector=selector).items

    assert [event.source.component for event in found] == ["endpoint-slice-controller"]


def test_a_collection_is_deleted(core: Any, namespace: str) -> None:
    """All pods of a namespace."""
    core.create_namespaced_pod(namespace, samples.pod("a", namespace))
    core.delete_collection_namespaced_pod(namespace, grace_period_seconds=0)

    assert core.list_namespaced_pod(namespace).items == []


def test_the_dynamic_client_finds_its_way(api: client.ApiClient, namespace: str) -> None:
    """By discovery alone."""
    find: Any = dynamic.DynamicClient
    deployments = find(api).resources.get(api_version="apps/v1", kind="Deployment")
    deployments.create(body=samples.deployment(namespace), namespace=namespace)

    assert deployments.get(name="catalog", namespace=namespace).spec.replicas == 3
