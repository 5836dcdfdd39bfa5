"""Whatever comes in, the answer is an object or a refusal: never a crash, which would be a 500."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8s.lab.apiserver import discovery, listing, negotiation, requests, selectors, statuses
from k8s.lab.apiserver.kinds import SHAPES
from k8s.lab.apiserver.patch import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH
from k8s.lab.apiserver.requests import Options, Target
from k8s.lab.apiserver.resources import RESOURCES, Resource
from k8s.lab.apiserver.schema import Array, Map, Record, Scalar, Type
from k8s.lab.apiserver.tables import table
from tests.k8s.lab.apiserver import samples, wire
from tests.k8s.lab.apiserver.place import Place, target_of

FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


@pytest.fixture
def place() -> Place:
    """One object of every kind."""
    place = Place()
    place.add(samples.node("node-a-1"))
    place.add(samples.pod("catalog-1", "catalog"))
    place.add(samples.service("catalog"))
    place.add(samples.endpoint_slice("catalog", samples.endpoint("127.100.1.1", "eu-west-1a")))
    place.add(samples.event("catalog"))
    place.add(samples.deployment("catalog"))
    place.add(samples.deployment("catalog") | {"kind": "ReplicaSet"})
    return place


def outcome(act: Callable[[], object]) -> int:
    """0 if it went well, the code of the refusal if not; the refusal can be sent."""
    try:
        act()
    except statuses.StatusError as refused:
        return len(msgspec.json.encode(refused.body)) and refused.code
    return 0


CLIENTS_FAULT = (0, *range(400, 500))


def shown(place: Place) -> None:
    """Everything in the place can be listed, selected, printed and sent."""
    for resource in RESOURCES:
        page = listing.read_page(place.store, Target(resource=resource), Options(labels="a!=b"))
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
    target = Target(resource=resource, namespace="catalog" if resource.namespaced else "")
    assert outcome(lambda: place.writer.create(target, body, Options())) in CLIENTS_FAULT
    shown(place)


@FEW
@given(data=st.data())
def test_patching_anything(place: Place, data: st.DataObject) -> None:
    """Every kind of patch on every kind of object."""
    resource: Resource = data.draw(st.sampled_from(RESOURCES))
    obj = place.store.objects(resource)[0]
    kind = data.draw(st.sampled_from([MERGE_PATCH, STRATEGIC_PATCH, JSON_PATCH]))
    body = data.draw(st.lists(operations, max_size=3) if kind == JSON_PATCH else shaped(SHAPES[resource]))
    if isinstance(body, dict) and data.draw(st.booleans()):
        body["spec"] = data.draw(directives)
    assert outcome(lambda: place.writer.patch(target_of(obj), kind, body, Options())) in CLIENTS_FAULT
    shown(place)


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

    assert outcome(lambda: listing.read_page(store, Target(resource=RESOURCES[0]), options)) in (
        0,
        400,
        410,
        504,
    )


@FEWER
@given(
    body=st.binary(max_size=40) | anything.map(msgspec.json.encode),
    kind=st.sampled_from(["json", "json-patch+json", "merge-patch+json", "strategic-merge-patch+json", "x"]),
    method=st.sampled_from(["POST", "PUT", "PATCH", "DELETE", "GET"]),
    place=st.sampled_from(["", "/catalog", "/catalog/status"]),
)
def test_any_body_over_http(url: str, body: bytes, kind: str, method: str, place: str) -> None:
    """Never a 500."""
    target = f"{url}/api/v1/namespaces/default/services{place}"
    answer = wire.call(method, target, body, {"Content-Type": f"application/{kind}"})

    assert answer.status < 500, answer.body


def test_the_fuzzer_knows_every_group() -> None:
    """So that a new resource is fuzzed, too."""
    assert {resource.group for resource in SHAPES} == {"", *discovery.GROUPS}
