"""The server over plain HTTP."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.k8s.lab.apiserver import samples, wire

Add = Callable[[dict[str, Any]], dict[str, Any]]
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
METADATA = {"Accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}


@pytest.fixture
def service(url: str, namespace: str, add: Add) -> str:
    """The URL of a Service."""
    return url + wire.path_of(add(samples.service(namespace)))


def test_an_object_comes_back_as_it_was_stored(url: str, namespace: str, add: Add) -> None:
    """Created, read, read in its list and in the list of all namespaces."""
    made = add(samples.pod("catalog-1", namespace))

    assert made == wire.get(url + wire.path_of(made)).json
    listed = wire.get(url + wire.collection_of(made)).json
    assert ("PodList", "v1", [made]) == (listed["kind"], listed["apiVersion"], listed["items"])
    assert (
        made in wire.get(f"{url}/api/v1/pods", labelSelector="app.kubernetes.io/name=catalog").json["items"]
    )
    assert [made] == wire.get(f"{url}/api/v1/pods", fieldSelector=f"metadata.namespace={namespace}").json[
        "items"
    ]


def test_what_is_not_there_is_a_status(url: str, namespace: str) -> None:
    """Word for word as a real one says it."""
    answer = wire.get(f"{url}/api/v1/namespaces/{namespace}/services/x")

    assert answer.status == 404
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'services "x" not found',
        "reason": "NotFound",
        "details": {"name": "x", "kind": "services"},
        "code": 404,
    }


def test_unknown_resources_and_unknown_groups_differ(url: str) -> None:
    """The first is a Status, the second a plain page, as on a real one."""
    resource, group = wire.get(f"{url}/api/v1/foos"), wire.get(f"{url}/apis/foo/v1/bars")

    assert (
        resource.status,
        resource.json["message"],
    ) == (404, "the server could not find the requested resource")
    assert (group.status, group.body) == (404, b"404 page not found\n")


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/readyz/ping"])
def test_health(url: str, path: str) -> None:
    """It serves, so it is healthy."""
    assert wire.get(url + path).body == b"ok"


def test_version(url: str) -> None:
    """Like 1.35, and says what it is."""
    version = wire.get(f"{url}/version").json

    assert (version["major"], version["minor"], version["gitVersion"]) == ("1", "35", "v1.35.0+samezone-lab")


def test_warnings_are_headers(service: str) -> None:
    """Code 299 and a quoted text, as kubectl prints them."""
    answer = wire.patch(service, {"spec": {"trafficDistribution": "PreferClose"}})

    assert answer.status == 200
    assert answer.warnings == [
        r'299 - "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\""'
    ]


def test_a_warning_cannot_break_the_answer(service: str) -> None:
    """An unknown field's name may hold anything; the header holds one line."""
    answer = wire.patch(service, {"spec": {"a\r\nSet-Cookie: x": 1}})

    assert answer.status == 200
    assert answer.warnings == ['299 - "unknown field \\"spec.aSet-Cookie: x\\""']
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"a":NaN}', b"[" * 5_000, b'{"a":' * 200 + b"1" + b"}" * 200],
)
def test_malformed_bodies_are_400(url: str, namespace: str, service: str, body: bytes) -> None:
    """Whatever is wrong with them, and for every verb that takes one."""
    collection = f"{url}/api/v1/namespaces/{namespace}/services"
    for answer in (wire.call("POST", collection, body), wire.call("PUT", service, body)):
        assert (answer.status, answer.json["reason"]) == (400, "BadRequest")


def test_a_body_that_is_too_large_is_413(url: str, namespace: str) -> None:
    """Three megabytes, as on a real one."""
    body = json.dumps(samples.service(namespace) | {"x": "y" * 3 * 1024 * 1024}).encode()
    answer = wire.call("POST", f"{url}/api/v1/namespaces/{namespace}/services", body)

    assert (answer.status, answer.json["reason"]) == (413, "RequestEntityTooLarge")


@pytest.mark.parametrize(
    ("method", "kind", "accepted"),
    [
        (
            "PATCH",
            "application/apply-patch+cbor",
            (
                "application/json-patch+json, application/merge-patch+json, "
                "application/strategic-merge-patch+json, application/apply-patch+yaml"
            ),
        ),
        (
            "PUT",
            "application/cbor",
            "application/json, application/yaml, application/vnd.kubernetes.protobuf",
        ),
    ],
)
def test_other_formats_are_415(service: str, method: str, kind: str, accepted: str) -> None:
    """CBOR is not spoken here."""
    answer = wire.call(method, service, b"k8s\x00", {"Content-Type": kind})

    words = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
    assert (415, words) == (answer.status, answer.json["message"])


def test_an_answer_nobody_can_give_is_406(service: str) -> None:
    """JSON is all there is."""
    assert wire.get(service, {"Accept": "application/vnd.kubernetes.protobuf"}).status == 406
    assert wire.get(service, {"Accept": "application/vnd.kubernetes.protobuf,application/json"}).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/pods"),
        ("PUT", "/api/v1/namespaces"),
        ("POST", "/api/v1/namespaces/default"),
        ("DELETE", "/api/v1/pods"),
        ("DELETE", "/api/v1/namespaces"),
        ("OPTIONS", "/api/v1/pods"),
    ],
)
def test_verbs_that_are_not_offered_are_405(url: str, method: str, path: str) -> None:
    """Writing to all namespaces at once, for one."""
    answer = wire.call(method, url + path, {})

    assert (answer.status, answer.json["reason"]) == (405, "MethodNotAllowed")


def test_a_list_comes_in_pages(url: str, namespace: str, add: Add) -> None:
    """With limit and continue."""
    for number in range(3):
        add(samples.pod(f"p{number}", namespace))
    pods = f"{url}/api/v1/namespaces/{namespace}/pods"

    first = wire.get(pods, limit=2).json
    rest = wire.get(pods, limit=2, **{"continue": first["metadata"]["continue"]}).json

    assert tuple([pod["metadata"]["name"] for pod in page["items"]] for page in (first, rest)) == (
        ["p0", "p1"],
        ["p2"],
    )
    assert first["metadata"]["remainingItemCount"] == 1
    assert "continue" not in rest["metadata"]


def test_tables_on_request(service: str) -> None:
    """Of one object and of a list."""
    one = wire.get(service, TABLE).json
    many = wire.get(service.rpartition("/")[0], TABLE).json

    assert (one["kind"], one["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert one["rows"] == many["rows"]
    assert one["rows"][0]["cells"][0] == "catalog"
    assert one["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


def test_metadata_only_on_request(service: str) -> None:
    """Of one object and of a list."""
    one = wire.get(service, METADATA).json
    many = wire.get(service.rpartition("/")[0], METADATA).json

    assert {"kind", "apiVersion", "metadata"} == set(one)
    assert (one["kind"], many["kind"]) == ("PartialObjectMetadata", "PartialObjectMetadataList")
    assert [one] == many["items"]


def test_deleting_a_collection(url: str, namespace: str, add: Add) -> None:
    """Only what the selector selects, and the answer lists it."""
    for name in ("a", "b"):
        service = samples.service(namespace, name)
        service["metadata"]["labels"] = {"name": name}
        add(service)
    services = f"{url}/api/v1/namespaces/{namespace}/services"

    gone = wire.call("DELETE", f"{services}?labelSelector=name%3Da").json

    assert [one["metadata"]["name"] for one in gone["items"]] == ["a"]
    assert [one["metadata"]["name"] for one in wire.get(services).json["items"]] == ["b"]


def test_discovery_in_both_forms(url: str) -> None:
    """Clients tell them apart by the answer's content type."""
    accept = {
        "Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
        "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
    }
    new, old = wire.get(f"{url}/apis", accept), wire.get(f"{url}/apis")

    assert (new.json["kind"], old.json["kind"]) == ("APIGroupDiscoveryList", "APIGroupList")
    assert (
        new.headers["Content-Type"] == "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    )
    assert wire.get(f"{url}/api").json["versions"] == ["v1"]
    assert wire.get(f"{url}/apis/apps").json["kind"] == "APIGroup"
    assert wire.get(f"{url}/apis/discovery.k8s.io/v1").json["groupVersion"] == "discovery.k8s.io/v1"


def test_openapi_documents_are_where_the_index_says(url: str) -> None:
    """Version 3 by group, version 2 in one."""
    index = wire.get(f"{url}/openapi/v3").json["paths"]

    for entry in index.values():
        assert wire.get(url + entry["serverRelativeURL"]).json["openapi"] == "3.0.0"
    assert wire.get(f"{url}/openapi/v2").json["swagger"] == "2.0"
