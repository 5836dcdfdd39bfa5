"""Merge, strategic merge and JSON patches."""

import copy
from typing import Any

import pytest

from k8s.lab.apiserver.kinds import SHAPES
from k8s.lab.apiserver.patch import (
    PatchError,
    PatchTestError,
    PatchTooLargeError,
    json_patch,
    merge_patch,
    strategic_patch,
)
from k8s.lab.apiserver.resources import ENDPOINT_SLICES, NODES, PODS, SERVICES
from tests.k8s.lab.apiserver import samples

HTTP = {"name": "http", "port": 8080, "protocol": "TCP"}
ADMIN = {"name": "admin", "port": 9090, "protocol": "TCP"}


def ports(*listed: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"ports": list(listed)}}


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        pytest.param({"a": "b"}, {"a": "c"}, {"a": "c"}, id="replaces"),
        pytest.param({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}, id="adds"),
        pytest.param({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}, id="null-removes"),
        pytest.param({"a": ["b"]}, {"a": "c"}, {"a": "c"}, id="list-to-value"),
        pytest.param({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}, id="lists-are-replaced"),
        pytest.param({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}, id="nested"),
        pytest.param({"e": None}, {"a": 1}, {"e": None, "a": 1}, id="old-nulls-stay"),
        pytest.param([1, 2], {"a": "b", "c": None}, {"a": "b"}, id="not-an-object-before"),
        pytest.param({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}, id="deep-null"),
    ],
)
def test_merge_patch_follows_the_examples_of_rfc_7386(target: Any, patch: Any, expected: Any) -> None:
    """Appendix A of the RFC."""
    before = copy.deepcopy(target)

    assert expected == merge_patch(target, patch)
    assert before == target


def test_strategic_merge_adds_to_a_list_with_a_merge_key() -> None:
    """Service ports are merged by port: an unknown one is added, the others stay."""
    assert ports(HTTP, ADMIN) == strategic_patch(ports(HTTP), ports(ADMIN), SHAPES[SERVICES])


def test_strategic_merge_changes_the_item_with_the_same_key() -> None:
    """Only the fields that the patch names change."""
    patched = strategic_patch(ports(HTTP, ADMIN), ports({"port": 9090, "name": "ops"}), SHAPES[SERVICES])

    assert ports(HTTP, ADMIN | {"name": "ops"}) == patched


def test_strategic_merge_deletes_an_item_by_directive() -> None:
    """``$patch: delete`` takes the item with that key away."""
    patched = strategic_patch(ports(HTTP, ADMIN), ports({"port": 8080, "$patch": "delete"}), SHAPES[SERVICES])

    assert ports(ADMIN) == patched


def test_strategic_merge_replaces_a_list_by_directive() -> None:
    """``$patch: replace`` as an item of its own throws the old items away."""
    patched = strategic_patch(ports(HTTP), ports({"$patch": "replace"}, ADMIN), SHAPES[SERVICES])

    assert ports(ADMIN) == patched


def test_strategic_merge_replaces_an_object_by_directive() -> None:
    """``$patch: replace`` in an object throws its other fields away."""
    target = {"spec": {"selector": {"a": "1", "b": "2"}}}
    patched = strategic_patch(
        target, {"spec": {"selector": {"$patch": "replace", "c": "3"}}}, SHAPES[SERVICES]
    )

    assert patched == {"spec": {"selector": {"c": "3"}}}


def test_strategic_merge_removes_an_object_by_directive() -> None:
    """``$patch: delete`` in an object removes the object."""
    target = {"spec": {"selector": {"a": "1"}, "type": "ClusterIP"}}
    patched = strategic_patch(target, {"spec": {"selector": {"$patch": "delete"}}}, SHAPES[SERVICES])

    assert patched == {"spec": {"type": "ClusterIP"}}


def test_strategic_merge_replaces_lists_without_a_merge_key() -> None:
    """An EndpointSlice's endpoints have no key: the whole list is replaced."""
    one, two = samples.endpoint("127.100.1.1", "eu-west-1a"), samples.endpoint("127.100.2.1", "eu-west-1b")

    assert {"endpoints": [two]} == strategic_patch(
        {"endpoints": [one]}, {"endpoints": [two]}, SHAPES[ENDPOINT_SLICES]
    )


def test_strategic_merge_of_conditions_goes_by_type() -> None:
    """A node's Ready condition can be changed without repeating the others."""
    ready = {"type": "Ready", "status": "True"}
    pressure = {"type": "DiskPressure", "status": "False"}
    patched = strategic_patch(
        {"status": {"conditions": [pressure, ready]}},
        {"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}},
        SHAPES[NODES],
    )

    assert {"status": {"conditions": [pressure, {"type": "Ready", "status": "Unknown"}]}} == patched


def test_strategic_merge_knows_the_keys_below_containers() -> None:
    """Environment variables are merged by name inside the container of that name."""
    target = samples.pod("catalog-1", "catalog")
    change = {"spec": {"containers": [{"name": "catalog", "env": [{"name": "DEBUG", "value": "1"}]}]}}

    patched = strategic_patch(target, change, SHAPES[PODS])

    container = patched["spec"]["containers"][0]
    assert container["env"] == [{"name": "PORT", "value": "8080"}, {"name": "DEBUG", "value": "1"}]
    assert container["image"] == "retail-store-sample-catalog:1.0.0"


def test_finalizers_are_merged_as_a_set() -> None:
    """A list of plain values with the merge strategy is added to, and taken from by directive."""
    target = {"metadata": {"finalizers": ["a", "b"]}}

    added = strategic_patch(target, {"metadata": {"finalizers": ["b", "c"]}}, SHAPES[PODS])
    taken = strategic_patch(
        target, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}, SHAPES[PODS]
    )

    assert added["metadata"]["finalizers"] == ["a", "b", "c"]
    assert taken["metadata"]["finalizers"] == ["b"]


def test_set_element_order_puts_items_in_order() -> None:
    """``$setElementOrder``, which kubectl apply and edit send, sorts what it names."""
    patched = strategic_patch(
        ports(HTTP, ADMIN),
        {"spec": {"$setElementOrder/ports": [{"port": 9090}, {"port": 8080}], "ports": []}},
        SHAPES[SERVICES],
    )

    assert ports(ADMIN, HTTP) == patched


def test_retain_keys_drops_the_other_keys() -> None:
    """``$retainKeys`` keeps only the named fields of the old object."""
    target = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patched = strategic_patch(
        target, {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}, SHAPES[PODS]
    )

    assert patched == {"spec": {"strategy": {"type": "Recreate"}}}


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param([], id="not-an-object"),
        pytest.param({"spec": {"$patch": "explode"}}, id="unknown-directive"),
        pytest.param({"spec": {"ports": [{"name": "no-key"}]}}, id="item-without-merge-key"),
        pytest.param({"spec": {"ports": [8080]}}, id="item-is-no-object"),
        pytest.param({"spec": {"$setElementOrder/ports": 1}}, id="order-is-no-list"),
        pytest.param({"spec": {"$retainKeys": [1]}}, id="retain-keys-are-no-names"),
        pytest.param({"metadata": {"$deleteFromPrimitiveList/finalizers": "a"}}, id="delete-from-no-list"),
    ],
)
def test_malformed_strategic_patches_are_refused(patch: Any) -> None:
    """What upstream refuses is refused, and is no crash."""
    with pytest.raises(PatchError):
        strategic_patch(ports(HTTP), patch, SHAPES[SERVICES])


def test_json_patch_applies_operations_in_order() -> None:
    """A test that holds, then an addition with an escaped slash in its path, then a removal."""
    target = {"metadata": {"annotations": {"old": "x"}}}
    operations = [
        {"op": "test", "path": "/metadata/annotations/old", "value": "x"},
        {"op": "add", "path": "/metadata/annotations/service.kubernetes.io~1topology-mode", "value": "Auto"},
        {"op": "remove", "path": "/metadata/annotations/old"},
    ]

    patched = json_patch(target, operations)

    assert patched == {"metadata": {"annotations": {"service.kubernetes.io/topology-mode": "Auto"}}}
    assert target == {"metadata": {"annotations": {"old": "x"}}}


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param({"op": "test", "path": "/a", "value": 2}, id="failed-test"),
        pytest.param({"op": "remove", "path": "/b"}, id="nothing-there"),
        pytest.param({"op": "replace", "path": "/x/y", "value": 1}, id="no-parent"),
    ],
)
def test_json_patches_that_do_not_apply_are_told_apart(operation: dict[str, Any]) -> None:
    """They are 422 for the real one, where malformed ones are 400."""
    with pytest.raises(PatchTestError):
        json_patch({"a": 1}, [operation])


def test_a_failed_test_says_what_is_there() -> None:
    """In JSON's terms, not in Python's."""
    with pytest.raises(PatchTestError) as refused:
        json_patch({"a": "x"}, [{"op": "test", "path": "/a", "value": "y"}])
    assert str(refused.value) == "x is not equal to tested value y"


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param({"op": "add"}, id="not-a-list"),
        pytest.param([1], id="operation-is-no-object"),
        pytest.param([{"op": "explode", "path": "/a"}], id="unknown-operation"),
        pytest.param([{"path": "/a"}], id="no-operation"),
        pytest.param([{"op": "add", "path": 1, "value": 1}], id="path-is-a-number"),
        pytest.param([{"op": "move", "from": None, "path": "/a"}], id="from-is-null"),
    ],
)
def test_malformed_json_patches_are_refused(operations: Any) -> None:
    """Whatever the library makes of them, we say PatchError."""
    with pytest.raises(PatchError):
        json_patch({"a": 1}, operations)


def test_copies_of_copies_are_counted_before_they_are_made() -> None:
    """Thirty operations would make a document of a billion parts."""
    doubling = [{"op": "copy", "from": "/a", "path": f"/a/{number}"} for number in range(30)]

    with pytest.raises(PatchTooLargeError, match="Unable to complete the copy, the accumulated size"):
        json_patch({"a": {"b": "c"}}, doubling)


def test_copies_that_nest_are_bounded() -> None:
    """Each a level deeper than the last."""
    nesting = [{"op": "copy", "from": "/a", "path": "/b"}, {"op": "move", "from": "/b", "path": "/a/b"}] * 400

    with pytest.raises(PatchError, match="exceeded max depth"):
        json_patch({"a": {}}, nesting[:250])


def test_a_json_patch_has_at_most_ten_thousand_operations() -> None:
    """In the real one's words."""
    with pytest.raises(
        PatchTooLargeError, match="allowed maximum operations in a JSON patch is 10000, got 10001"
    ):
        json_patch({}, [{"op": "add", "path": "/a", "value": 1}] * 10_001)
