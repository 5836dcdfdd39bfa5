"""Label and field selectors."""

from typing import Any

import pytest

from k8s.lab.apiserver.resources import ENDPOINT_SLICES, EVENTS, NAMESPACES, NODES, PODS, SERVICES, Resource
from k8s.lab.apiserver.selectors import fields_match, labels_match, parse_fields, parse_labels
from k8s.lab.apiserver.statuses import StatusError
from tests.k8s.lab.apiserver import samples


def labelled(**labels: str) -> dict[str, Any]:
    return {"metadata": {"name": "a", "labels": labels}}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("", True),
        ("app=catalog", True),
        ("app==catalog", True),
        ("app=ui", False),
        ("app!=ui", True),
        ("app!=catalog", False),
        ("other!=x", True),
        ("other=x", False),
        ("app in (ui, catalog)", True),
        ("app in (ui)", False),
        ("app in(catalog),tier=web", True),
        ("app notin (ui)", True),
        ("app notin (ui,catalog)", False),
        ("other notin (x)", True),
        ("app", True),
        ("other", False),
        ("!other", True),
        ("! other", True),
        ("!app", False),
        ("app=catalog,tier=web,!other", True),
        ("app=catalog,tier=db", False),
        ("weight>2", True),
        ("weight<2", False),
        ("app>2", False),
        ("empty=", True),
        ("empty=,app=catalog", True),
        ("empty in ()", True),
        ("app.kubernetes.io/name!=x", True),
    ],
)
def test_label_selectors_select(selector: str, expected: bool) -> None:
    """Every operator, alone and together."""
    obj = labelled(app="catalog", tier="web", weight="3", empty="")

    assert expected is labels_match(parse_labels(selector), obj)


def test_an_object_without_labels_is_selected_by_absence_only() -> None:
    """No labels at all is like no such label."""
    bare = {"metadata": {"name": "a"}}

    assert labels_match(parse_labels("!app"), bare)
    assert not labels_match(parse_labels("app"), bare)


@pytest.mark.parametrize(
    "selector",
    [
        "a b",
        "=x",
        "a in",
        "a in (",
        "a in (b",
        "a in b",
        "a in (b c)",
        "a=b=c",
        ",",
        "a,,b",
        "a>x",
        "!",
        "!a=b",
        "a=b c",
        "UPPER/x=1",
        "a=_",
        "a~b=c",
        "-a",
        "a=(",
        "a in (b),",
        "a!",
    ],
)
def test_malformed_label_selectors_are_400(selector: str) -> None:
    """They are refused with the text that the real one starts with."""
    with pytest.raises(StatusError, match="unable to parse requirement") as refused:
        parse_labels(selector)
    assert (refused.value.code, refused.value.body["reason"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("resource", "obj", "selector", "expected"),
    [
        (PODS, samples.pod("p", "catalog"), "spec.nodeName=node-a-1", True),
        (PODS, samples.pod("p", "catalog"), "spec.nodeName!=node-a-1", False),
        (PODS, samples.pod("p", "catalog"), "status.phase==Running,metadata.name=p", True),
        (PODS, samples.pod("p", "catalog"), "status.phase!=Succeeded,status.phase!=Failed", True),
        (PODS, samples.pod("p", "catalog"), "status.podIP=127.100.1.1", True),
        (PODS, samples.pod("p", "catalog"), "metadata.namespace=ui", False),
        (NODES, samples.node("n"), "metadata.name=n", True),
        (SERVICES, samples.service("catalog"), "spec.type=ClusterIP", True),
        (NAMESPACES, samples.namespace("catalog"), "status.phase=", True),
        (EVENTS, samples.event("catalog", "u1"), "involvedObject.uid=u1,involvedObject.kind=Service", True),
        (EVENTS, samples.event("catalog"), "involvedObject.name=ui", False),
        (EVENTS, samples.event("catalog"), "reason=TopologyAwareHintsEnabled,type=Normal", True),
        (EVENTS, samples.event("catalog"), "source=endpoint-slice-controller", True),
        (EVENTS, samples.event("catalog"), "type!=Normal", False),
    ],
)
def test_field_selectors_select(
    resource: Resource,
    obj: dict[str, Any],
    selector: str,
    expected: bool,
) -> None:
    """The fields that each kind offers."""
    assert expected is fields_match(parse_fields(selector, resource), resource, obj)


@pytest.mark.parametrize(
    ("resource", "selector", "words"),
    [
        (PODS, "spec.foo=x", "field label not supported: spec.foo"),
        (
            ENDPOINT_SLICES,
            "spec.foo=x",
            '"spec.foo" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
        (PODS, "metadata.name", "invalid selector: 'metadata.name'; can't understand 'metadata.name'"),
    ],
)
def test_unknown_fields_are_refused_in_the_words_of_the_real_one(
    resource: Resource, selector: str, words: str
) -> None:
    """Kinds with fields of their own and kinds without are worded differently."""
    with pytest.raises(StatusError) as refused:
        parse_fields(selector, resource)
    assert words == refused.value.body["message"]
    assert refused.value.code == 400
