"""Whatever comes in, the answer is an object or a refusal: never a crash, which would be a 500."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
import psutil  # type: ignore[import-untyped]  # it has no stubs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8s.lab.apiserver import discovery, listing, negotiation, requests, selectors, statuses
from k8s.lab.apiserver.access import REVIEWS
from k8s.lab.apiserver.fieldsets import members, with_parents
from k8s.lab.apiserver.kinds import SHAPES
from k8s.lab.apiserver.managers import ownerships
from k8s.lab.apiserver.object_store import key_of
from k8s.lab.apiserver.patch import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH
from k8s.lab.apiserver.requests import Options, RequestTarget
from k8s.lab.apiserver.resources import DEPLOYMENTS, PODS, RESOURCES, Resource
from k8s.lab.apiserver.schema import Array, Map, Record, Scalar, Type
from k8s.lab.apiserver.tables import table
from tests.k8s.lab.apiserver import samples, wire
from tests.k8s.lab.apiserver.conftest import Server
from tests.k8s.lab.apiserver.place import Place, target_of

FEW = settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
FEWER = settings(FEW, max_examples=40)

words = st.sampled_from(
    ["", "a", "catalog", "http", "None", "IPv4", "ExternalName", "100m", samples.STAMP, "$patch"]
)
scalars = (
    st.none() | st.booleans() | st.integers(-(2**66), 2**66) | st.floats(allow_nan=False) | words | st.text()
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(words | st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def shaped(shape: Type) -> st.SearchStrategy[Any]:
    """Values of about the right shape, with something else in every tenth place or so."""
    match shape:
        case Scalar():
            right = {
                "integer": st.integers(-1, 70_000),
                "boolean": st.booleans(),
                "time": st.sampled_from(
                    [samples.STAMP, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9+14:00"]
                ),
                "quantity": st.sampled_from(["100m", "2", "1e3", 4]),
            }.get(shape.name, words)
        case Array():
            right = st.lists(shaped(shape.items), max_size=3)
        case Map():
            right = st.dictionaries(words, shaped(shape.values), max_size=3)
        case Record():
            names = sorted(shape.fields)
            picked = st.lists(st.sampled_from(names), max_size=4, unique=True) if names else st.just([])
            right = picked.flatmap(
                lambda keys: st.fixed_dictionaries({key: shaped(shape.fields[key]) for key in keys})
            )
    return st.integers(0, 9).flatmap(lambda dice: anything if dice == 0 else right)


directives = st.fixed_dictionaries(
    {}, optional={"$patch": words, "$retainKeys": anything, "$setElementOrder/ports": anything}
)
operations = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "explode"]) | scalars},
    optional={
        "path": st.sampled_from(
            ["", "/", "/spec", "/spec/ports/0", "/spec/ports/-", "/metadata/labels/a~1b", "x"]
        )
        | scalars,
        "from": st.sampled_from(["", "/spec", "/spec/ports", "/metadata/name"]) | scalars,
        "value": anything,
    },
)


def furnished() -> Place:
    """One object of every kind."""
    place = Place()
    place.add(samples.node("node-a-1"))
    place.add(samples.pod("catalog-1", "catalog"))
    place.add(samples.service("catalog"))
    place.add(samples.endpoint_slice("catalog", samples.endpoint("127.100.1.1", "eu-west-1a")))
    place.add(samples.event("catalog"))
    place.add(samples.lease("catalog"))
    place.add(samples.deployment("catalog"))
    place.add(samples.deployment("catalog") | {"kind": "ReplicaSet"})
    return place


def outcome(act: Callable[..., object], *arguments: object) -> int:
    """0 if it went well, the code of the refusal if not; the refusal can be sent."""
    try:
        act(*arguments)
    except statuses.StatusError as refused:
        return len(msgspec.json.encode(refused.body)) and refused.code
    return 0


CLIENTS_FAULT = (0, *range(400, 500))


def shown(place: Place) -> None:
    """Everything in the place can be listed, selected, printed and sent."""
    for resource in RESOURCES:
        page = listing.read_page(place.store, RequestTarget(resource=resource), Options(labels="a!=b"))
        made = table(resource, page.items, now=samples.NOW, metadata=page.metadata, include="Object")
        assert msgspec.json.encode(made)


@FEW
@given(data=st.data())
def test_creating_anything(data: st.DataObject) -> None:
    """Objects of about the right shape, of every kind."""
    place = Place()
    resource: Resource = data.draw(st.sampled_from(RESOURCES))
    body = data.draw(shaped(SHAPES[resource]))
    if isinstance(body, dict):
        body |= {"apiVersion": resource.api_version, "kind": resource.kind}
        body["metadata"] = {"name": "x"} | (
            body["metadata"] if isinstance(body.get("metadata"), dict) else {}
        )
    target = RequestTarget(resource=resource, namespace="catalog" if resource.namespaced else "")
    assert outcome(lambda: place.writer.create(target, body, Options())) in CLIENTS_FAULT
    shown(place)


@FEW
@given(data=st.data())
def test_patching_anything(data: st.DataObject) -> None:
    """Every kind of patch on every kind of object; a refused one changes nothing, none loses the object."""
    place = furnished()
    resource: Resource = data.draw(st.sampled_from(RESOURCES))
    key = key_of(place.store.objects(resource)[0])
    for _ in range(data.draw(st.integers(1, 3))):
        obj = place.store.get(resource, key)
        assert obj is not None
        kind, body = data.draw(a_patch(resource, obj))
        manager = data.draw(st.sampled_from(["one", "two", "kubectl"]))
        force = data.draw(st.booleans()) if kind == APPLY_PATCH else None
        options = Options(manager=manager, is_manager_named=True, force=force)
        code = outcome(place.writer.patch, target_of(obj), kind, body, options)

        assert code in CLIENTS_FAULT
        after = place.store.get(resource, key)
        assert after is not None
        assert not code or after == obj
        owned_fields_exist(resource, after)
    shown(place)


def a_patch(resource: Resource, obj: Any) -> st.SearchStrategy[tuple[str, Any]]:
    """A type of patch, and a body of that type."""
    merging = st.tuples(shaped(SHAPES[resource]), st.none() | directives).map(
        lambda drawn: (
            drawn[0] | {"spec": drawn[1]} if isinstance(drawn[0], dict) and drawn[1] is not None else drawn[0]
        )
    )
    metadata = {"name": obj["metadata"]["name"]}
    head = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}
    applying = shaped(SHAPES[resource]).map(lambda body: body | head if isinstance(body, dict) else body)
    return st.one_of(
        st.tuples(st.just(JSON_PATCH), st.lists(operations, max_size=3)),
        st.tuples(st.sampled_from([MERGE_PATCH, STRATEGIC_PATCH]), merging),
        st.tuples(st.just(APPLY_PATCH), applying),
    )


def owned_fields_exist(resource: Resource, obj: Any) -> None:
    """Nobody owns what is not there (any more)."""
    there = with_parents(members(obj, SHAPES[resource]))
    for one in ownerships(obj["metadata"].get("managedFields")):
        assert one.fields <= there


names = st.sampled_from(["a", "b"])
acts = st.one_of(
    st.tuples(st.just("create"), names, st.sampled_from(["", "a", "b"]), st.booleans()),
    st.tuples(
        st.just("delete"), names, st.sampled_from(["Background", "Foreground", "Orphan"]), st.booleans()
    ),
    st.tuples(st.just("patch"), names, st.sampled_from([None, [], ["example.com/x"]]), st.booleans()),
    st.tuples(st.just("apply"), names, st.sampled_from(["one", "two"]), st.booleans()),
)


@FEW
@given(sequence=st.lists(acts, max_size=12))
def test_nothing_is_lost_on_the_way(sequence: list[tuple[str, str, Any, bool]]) -> None:
    """Whatever is done, a list and the changes behind it tell the same as a list now; versions only grow."""
    place = Place()
    started = place.store.version
    for verb, name, argument, flag in sequence:
        assert outcome(do, place, verb, name, argument, flag) in CLIENTS_FAULT
    for resource in (PODS, DEPLOYMENTS):
        replayed: dict[Any, Any] = {}
        versions = [started]
        for change in place.store.since(resource, started):
            versions.append(change.version)
            assert (change.before is None) is (change.key not in replayed)
            if change.type == "DELETED":
                del replayed[change.key]
            else:
                replayed[change.key] = change.after
            at = place.store.objects(resource, at=change.version)
            assert {key_of(obj): obj for obj in at} == replayed
        assert sorted(set(versions)) == versions
        assert {key_of(obj): obj for obj in place.store.objects(resource)} == replayed


def do(place: Place, verb: str, name: str, argument: Any, flag: bool) -> None:
    """One act: pods may belong to the Deployment of the given name."""
    resource = PODS if flag else DEPLOYMENTS
    target = RequestTarget(resource=resource, namespace="catalog", name=name)
    made = samples.pod(name, "catalog") if flag else samples.deployment("catalog", name)
    match verb:
        case "create":
            owner = place.store.get(DEPLOYMENTS, ("catalog", argument))
            if owner is not None:
                reference = {"apiVersion": "apps/v1", "kind": "Deployment", "blockOwnerDeletion": True}
                reference |= {key: owner["metadata"][key] for key in ("name", "uid")}
                made["metadata"]["ownerReferences"] = [reference]
            place.add(made)
        case "delete":
            place.writer.delete(target, {"propagationPolicy": argument, "gracePeriodSeconds": 0}, Options())
        case "patch":
            body = {"metadata": {"finalizers": argument, "labels": {"l": str(flag)}}}
            place.writer.patch(target, MERGE_PATCH, body, Options())
        case _:
            options = Options(manager=argument, is_manager_named=True, force=True)
            place.writer.patch(target, APPLY_PATCH, made, options)


@FEW
@given(
    text=st.text()
    | st.lists(
        st.sampled_from(["a", "=", "!=", "!", "in", "notin", "(", ")", ",", " ", ">", "<", "b/c", "1"])
    ).map("".join)
)
def test_any_label_selector(text: str) -> None:
    """It parses and selects, or is a 400; what it means does not depend on white space around it."""
    code = outcome(lambda: selectors.parse_labels(text))

    assert code in (0, 400)
    if not code:
        found = selectors.parse_labels(text)
        selectors.labels_match(found, {"metadata": {"labels": {"a": "1", "b/c": ""}}})
        assert selectors.parse_labels(f" {text} ") == found


@FEW
@given(
    text=st.text()
    | st.lists(st.sampled_from(["metadata.name", "spec.nodeName", "=", "==", "!=", ",", "\\", "x"])).map(
        "".join
    ),
    resource=st.sampled_from(RESOURCES),
)
def test_any_field_selector(text: str, resource: Resource) -> None:
    """It parses and selects, or is a 400."""

    def select() -> bool:
        found = selectors.parse_fields(text, resource)
        return selectors.fields_match(found, resource, {"metadata": {"name": "a"}})

    assert outcome(select) in (0, 400)


@FEW
@given(
    accept=st.text()
    | st.lists(st.sampled_from(["application/json", "*/*", ";", "as=Table", "q=0.1", ",", "v=v1", "g="])).map(
        "".join
    )
)
def test_any_accept_header(accept: str) -> None:
    """A form, or 406."""
    assert outcome(lambda: negotiation.wanted(accept, negotiation.META_FORMS)) in (0, 406)


@FEW
@given(
    parts=st.lists(
        st.sampled_from(["api", "apis", "v1", "apps", "namespaces", "catalog", "pods", "status", "", "é"])
    ),
    query=st.dictionaries(st.sampled_from(["limit", "watch", "timeoutSeconds", "dryRun", "x"]), st.text()),
)
def test_any_path_and_query(parts: list[str], query: dict[str, str]) -> None:
    """A target, none, or 404; options, or 400."""
    assert outcome(lambda: requests.target_of("/" + "/".join(parts))) in (0, 404)
    assert outcome(lambda: requests.options_of(query)) in (0, 400)


@FEW
@given(token=st.text(), version=st.text())
def test_any_token_and_version(token: str, version: str) -> None:
    """A page, or a refusal."""
    store, options = Place().store, Options(go_on=token, version=version)

    assert outcome(lambda: listing.read_page(store, RequestTarget(resource=RESOURCES[0]), options)) in (
        0,
        400,
        410,
        504,
    )


@pytest.fixture(scope="module")
def there(server: Server) -> Server:
    """A server with a pod, a Service and a Deployment in the namespace ``fuzz``."""
    url = server.url
    made = [samples.pod("x", "fuzz"), samples.service("fuzz", "x"), samples.deployment("fuzz", "x")]
    for obj in (samples.namespace("fuzz"), *made):
        assert wire.post(url + wire.collection_of(obj), obj).status == 201
    return server


LONGEST_S = 1.0
"""Of the server's own time, so that a busy machine is no failure."""


def cpu_s(server: Server) -> float:
    times = psutil.Process(server.process.pid).cpu_times()
    return float(times.user + times.system)


@FEWER
@given(
    body=st.binary(max_size=40)
    | anything.map(msgspec.json.encode)
    | st.just(b"k8s\x00").flatmap(lambda magic: st.binary(max_size=40).map(lambda rest: magic + rest))
    | st.text("ab:-&*![]{}\n ", max_size=40).map(str.encode),
    kind=st.sampled_from(
        [
            "json",
            "yaml",
            "vnd.kubernetes.protobuf",
            "json-patch+json",
            "merge-patch+json",
            "strategic-merge-patch+json",
            "apply-patch+yaml",
            "x",
        ]
    ),
    method=st.sampled_from(["POST", "PUT", "PATCH", "GET"]),
    place=st.sampled_from(
        [
            "api/v1/namespaces/fuzz/services",
            "api/v1/namespaces/fuzz/services/x",
            "api/v1/namespaces/fuzz/services/x/status",
            "api/v1/namespaces/fuzz/pods/x",
            "api/v1/namespaces/fuzz/pods/x/eviction",
            "api/v1/namespaces/fuzz/pods/x/binding",
            "api/v1/namespaces/fuzz/pods/x/portforward",
            "apis/apps/v1/namespaces/fuzz/deployments/x",
            "apis/apps/v1/namespaces/fuzz/deployments/x/scale",
            "apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        ]
    ),
    query=st.dictionaries(
        st.sampled_from(["fieldManager", "force", "dryRun", "limit", "continue", "resourceVersion", "ports"])
        | st.sampled_from(["resourceVersionMatch", "sendInitialEvents", "labelSelector", "fieldValidation"]),
        st.sampled_from(["", "1", "0", "All", "true", "Exact", "NotOlderThan", "a=b", "é", "Strict"]),
        max_size=3,
    ),
)
def test_anything_over_http(
    there: Server, body: bytes, kind: str, method: str, place: str, query: dict[str, str]
) -> None:
    """Never a 500, never over a second, and the object is there afterwards; refused, it is as it was."""
    path = place.partition("/x")[0] + "/x" if "/x" in place else ""
    before = wire.get(f"{there.url}/{path}").json if path else None
    started_s = cpu_s(there)
    answer = wire.call(
        method, f"{there.url}/{place}?{urlencode(query)}", body, {"Content-Type": f"application/{kind}"}
    )

    assert cpu_s(there) - started_s < LONGEST_S
    assert answer.status < 500 or answer.status == 504, answer.body
    assert answer.status == 504 or answer.json is not None
    after = wire.get(f"{there.url}/{path}").json if path else None
    assert answer.status < 400 or before == after
    if path and "eviction" not in place:
        assert isinstance(after, dict)
        assert after["kind"] != "Status"


def test_the_fuzzer_knows_every_group() -> None:
    """So that a new resource is fuzzed, too."""
    reviews = {review.group for review in REVIEWS}
    assert {resource.group for resource in SHAPES} == {"", *discovery.GROUPS} - reviews
