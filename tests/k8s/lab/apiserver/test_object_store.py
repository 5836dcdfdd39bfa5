"""Versions, history and listeners."""

import pytest

from k8s.lab.apiserver.object_store import ObjectStore
from k8s.lab.apiserver.resources import PODS, SERVICES
from k8s.lab.apiserver.statuses import StatusError
from k8s.lab.design.seeds import Object


def named(name: str, namespace: str = "catalog", **labels: str) -> Object:
    return {"metadata": {"name": name, "namespace": namespace, "labels": labels}}


def names(objects: list[Object]) -> list[str]:
    return [obj["metadata"]["name"] for obj in objects]


def test_versions_count_over_all_resources() -> None:
    """One counter serves all resources, starting behind the first version."""
    store = ObjectStore(first_version=100)
    first = store.put(PODS, named("a"))
    second = store.put(SERVICES, named("b"))

    assert first["metadata"]["resourceVersion"] == "101"
    assert second["metadata"]["resourceVersion"] == "102"
    assert store.version == 102


def test_what_was_put_in_is_not_changed() -> None:
    """The caller's dictionary stays as it was."""
    given = named("a")
    ObjectStore().put(PODS, given)

    assert named("a") == given


def test_lists_are_sorted_and_can_be_of_one_namespace() -> None:
    """Objects come by namespace, then name."""
    store = ObjectStore()
    for name, namespace in (("b", "ui"), ("c", "catalog"), ("a", "ui")):
        store.put(PODS, named(name, namespace))

    assert names(store.objects(PODS)) == ["c", "a", "b"]
    assert names(store.objects(PODS, "ui")) == ["a", "b"]


def test_changes_since_a_version_come_oldest_first() -> None:
    """A watcher gets what it has not seen, and nothing else."""
    store = ObjectStore()
    store.put(PODS, named("a"))
    store.put(PODS, named("a", colour="red"))
    store.remove(PODS, ("catalog", "a"))

    found = [(change.version, change.type) for change in store.since(PODS, 1)]

    assert found == [(2, "MODIFIED"), (3, "DELETED")]
    assert store.since(PODS, 3) == []


def test_a_deletion_has_its_own_version() -> None:
    """The last state of a deleted object carries the deletion's version, so that a watcher can go on."""
    store = ObjectStore()
    store.put(PODS, named("a"))

    assert store.remove(PODS, ("catalog", "a"))["metadata"]["resourceVersion"] == "2"


def test_the_history_is_bounded_and_says_when_it_ends() -> None:
    """A version that the history no longer reaches is 410 Expired; the oldest it reaches is not."""
    store = ObjectStore(history=3)
    for number in range(5):
        store.put(PODS, named(f"p{number}"))

    assert [change.version for change in store.since(PODS, 2)] == [3, 4, 5]
    with pytest.raises(StatusError, match=r"too old resource version: 1 \(2\)") as refused:
        store.since(PODS, 1)
    assert (refused.value.code, refused.value.body["reason"]) == (410, "Expired")


def test_a_version_of_an_earlier_life_is_expired() -> None:
    """A watcher of an earlier server on the same address is told to list again."""
    with pytest.raises(StatusError):
        ObjectStore(first_version=100).since(PODS, 99)


def test_the_state_can_be_seen_as_of_a_version() -> None:
    """Additions, changes and deletions are taken back, newest first."""
    store = ObjectStore()
    store.put(PODS, named("a"))
    store.put(PODS, named("b"))
    store.put(PODS, named("a", colour="red"))
    store.remove(PODS, ("catalog", "b"))
    store.put(PODS, named("c"))

    then = store.objects(PODS, at=2)

    assert names(then) == ["a", "b"]
    assert then[0]["metadata"]["labels"] == {}
    assert names(store.objects(PODS)) == ["a", "c"]


def test_listeners_hear_their_resource_until_they_leave() -> None:
    """A listener is called once a change of its own resource."""
    store = ObjectStore()
    heard: list[str] = []
    leave = store.listen(PODS, lambda: heard.append("pods"))
    store.put(PODS, named("a"))
    store.put(SERVICES, named("b"))
    leave()
    store.put(PODS, named("c"))

    assert heard == ["pods"]
