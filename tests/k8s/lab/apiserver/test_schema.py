"""Shapes: what is refused, dropped and kept."""

from typing import Any

import pytest

from k8s.lab.apiserver.kinds import SHAPES
from k8s.lab.apiserver.resources import EVENTS, NODES, PODS, RESOURCES, SERVICES
from k8s.lab.apiserver.schema import ShapeError, conformed
from tests.k8s.lab.apiserver import samples


def in_service(**spec: Any) -> tuple[Any, tuple[str, ...]]:
    return conformed({"spec": spec}, SHAPES[SERVICES], "Service")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"type": 1}, "cannot unmarshal number into Go struct field Service.spec.type of type string"),
        ({"ports": {}}, "cannot unmarshal object into Go struct field Service.spec.ports of type []struct"),
        (
            {"ports": [{"port": "x"}]},
            "cannot unmarshal string into Go struct field Service.spec.ports[0].port of type int32",
        ),
        ({"ports": [{"port": True}]}, "cannot unmarshal bool into"),
        ({"ports": [{"port": 1.5}]}, "cannot unmarshal number into"),
        ({"ports": [{"port": 2**70}]}, "cannot unmarshal number into"),
        ({"ports": [{"targetPort": []}]}, "of type intstr.IntOrString"),
        ({"selector": {"a": 1}}, "Service.spec.selector of type string"),
        ({"selector": ["a"]}, "of type map[string]string"),
        ({"publishNotReadyAddresses": "true"}, "of type bool"),
    ],
)
def test_wrong_types_are_refused_in_the_words_of_gos_decoder(spec: dict[str, Any], words: str) -> None:
    """The path names the field, the rest the two types."""
    with pytest.raises(ShapeError) as refused:
        in_service(**spec)
    assert words in str(refused.value)


def test_unknown_fields_are_dropped_and_named() -> None:
    """As the real one prunes, and warns."""
    value, unknown = in_service(trafficDistribtion="PreferClose", ports=[{"port": 80, "pott": 1}])

    assert value == {"spec": {"ports": [{"port": 80}]}}
    assert unknown == ("spec.trafficDistribtion", "spec.ports[0].pott")


def test_nulls_count_as_left_out() -> None:
    """A null field is dropped; a null label is the empty string, as in Go."""
    value, _ = conformed(
        {"metadata": {"labels": {"a": None}, "annotations": None}}, SHAPES[SERVICES], "Service"
    )

    assert value == {"metadata": {"labels": {"a": ""}}}


def test_what_go_never_leaves_out_is_filled_in() -> None:
    """Typed clients refuse a node without ``bootID``, or a container status without ``imageID``."""
    status = {"nodeInfo": {"kubeletVersion": "v1.35.0"}, "conditions": [{"type": "Ready"}]}
    node, _ = conformed({"status": status}, SHAPES[NODES], "Node")
    pod, _ = conformed({"status": {"containerStatuses": [{"name": "a"}]}}, SHAPES[PODS], "Pod")
    event, _ = conformed({}, SHAPES[EVENTS], "Event")

    assert (
        node["status"]["nodeInfo"]["kubeletVersion"],
        node["status"]["nodeInfo"]["bootID"],
    ) == ("v1.35.0", "")
    assert node["status"]["conditions"] == [{"type": "Ready", "status": ""}]
    assert pod["status"]["containerStatuses"] == [
        {"name": "a", "ready": False, "restartCount": 0, "image": "", "imageID": ""}
    ]
    assert event == {"involvedObject": {}, "source": {}, "reportingComponent": "", "reportingInstance": ""}


def test_open_records_keep_what_they_do_not_know() -> None:
    """Pod specs are described only as far as the lab reads them."""
    spec = {
        "affinity": {"nodeAffinity": {"x": [1]}},
        "containers": [{"name": "a", "livenessProbe": {"b": 1}}],
    }

    assert ({"spec": spec}, ()) == conformed({"spec": spec}, SHAPES[PODS], "Pod")


@pytest.mark.parametrize("cpu", ["1930m", "2", 2, 1.5, "1e3", "7157348Ki", "0.5"])
def test_quantities_may_be_text_or_numbers(cpu: Any) -> None:
    """As upstream's decoder has it."""
    status = {"status": {"allocatable": {"cpu": cpu}}}

    assert status == conformed(status, SHAPES[NODES], "Node")[0]


@pytest.mark.parametrize("cpu", ["", "two", "1 m", True, [1]])
def test_malformed_quantities_are_refused(cpu: Any) -> None:
    """So that nobody downstream has to doubt them."""
    with pytest.raises(ShapeError):
        conformed({"status": {"allocatable": {"cpu": cpu}}}, SHAPES[NODES], "Node")


@pytest.mark.parametrize(
    ("stamp", "is_time"),
    [
        ("2026-01-02T03:04:05Z", True),
        ("2026-01-02T03:04:05.123456Z", True),
        ("2026-01-02T03:04:05+01:00", True),
        ("yesterday", False),
        ("2026-01-02", False),
        ("", False),
    ],
)
def test_times_must_be_rfc_3339(stamp: str, is_time: bool) -> None:
    """With a date, a time and a zone."""
    metadata = {"metadata": {"creationTimestamp": stamp}}
    if is_time:
        assert metadata == conformed(metadata, SHAPES[NODES], "Node")[0]
    else:
        with pytest.raises(ShapeError, match="parsing time"):
            conformed(metadata, SHAPES[NODES], "Node")


@pytest.mark.parametrize(
    "obj",
    [
        samples.namespace("catalog"),
        samples.node("node-a-1"),
        samples.pod("p", "catalog"),
        samples.service("catalog"),
        samples.endpoint_slice(
            "catalog", samples.endpoint("127.100.1.1", "eu-west-1a", "eu-west-1a", pod="p")
        ),
        samples.event("catalog", "u"),
        samples.deployment("catalog"),
    ],
    ids=lambda obj: obj["kind"],
)
def test_real_objects_pass_unchanged(obj: dict[str, Any]) -> None:
    """Nothing of an object as a real cluster has it is refused or dropped."""
    shape = next(SHAPES[resource] for resource in RESOURCES if resource.kind == obj["kind"])

    assert (obj, ()) == conformed(obj, shape, obj["kind"])
