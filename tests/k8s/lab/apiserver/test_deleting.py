"""Deletions: grace, finalizers, owners, evictions and bindings."""

from datetime import timedelta
from typing import Any

import pytest

from k8s.lab.apiserver.deleting import EXTERNAL_ANNOTATION, FOREGROUND, MOST_EVENTS
from k8s.lab.apiserver.patch import MERGE_PATCH
from k8s.lab.apiserver.requests import Options, RequestTarget
from k8s.lab.apiserver.resources import DEPLOYMENTS, EVENTS, PODS, REPLICA_SETS
from k8s.lab.apiserver.statuses import StatusError
from k8s.lab.design.seeds import Object
from tests.k8s.lab.apiserver import samples
from tests.k8s.lab.apiserver.place import Place, target_of

POD = samples.pod("p", "catalog")


@pytest.fixture
def place() -> Place:
    return Place()


def owned(obj: dict[str, Any], owner: Object) -> dict[str, Any]:
    """*obj* as its owner's."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    references = [*obj["metadata"].get("ownerReferences", []), reference]
    return {**obj, "metadata": {**obj["metadata"], "ownerReferences": references}}


def family(place: Place) -> tuple[Object, Object, Object]:
    """A Deployment, its ReplicaSet, and that one's running pod."""
    deployment = place.add(samples.deployment("catalog"))
    like = samples.deployment("catalog", "catalog-6d5f7c9b8") | {"kind": "ReplicaSet"}
    replica_set = place.add(owned(like, deployment))
    return deployment, replica_set, place.add(owned(POD, replica_set))


def delete(place: Place, obj: Object, body: Any = None, **options: Any) -> Object:
    return place.writer.delete(target_of(obj), body, Options(**options))


def there(place: Place, obj: Object) -> Object | None:
    resource = {"Pod": PODS, "Deployment": DEPLOYMENTS, "ReplicaSet": REPLICA_SETS}[obj["kind"]]
    return place.store.get(resource, ("catalog", obj["metadata"]["name"]))


def test_a_running_pod_is_marked_and_finished_by_its_kubelet(place: Place) -> None:
    """The time it has is its own; deleting it again does not give it more, only less."""
    pod = place.add(POD | {"spec": {**POD["spec"], "terminationGracePeriodSeconds": 10}})

    marked = delete(place, pod)["metadata"]
    again = delete(place, pod, grace_s=60)["metadata"]
    sooner = delete(place, pod, {"gracePeriodSeconds": 2})["metadata"]

    end = (samples.NOW + timedelta(seconds=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (marked["deletionGracePeriodSeconds"], marked["deletionTimestamp"]) == (10, end)
    assert marked["generation"] == 2
    assert again == marked
    assert sooner["deletionGracePeriodSeconds"] == 2
    assert delete(place, pod, grace_s=0)["kind"] == "Pod"
    assert there(place, pod) is None


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {**POD["metadata"], "annotations": {EXTERNAL_ANNOTATION: "true"}}},
        {"spec": {"containers": POD["spec"]["containers"]}},
        {"status": {"phase": "Succeeded"}},
        {"status": {"phase": "Failed"}},
    ],
    ids=["external", "on no node", "succeeded", "failed"],
)
def test_a_pod_that_nobody_would_finish_goes_at_once(place: Place, change: dict[str, Any]) -> None:
    """What is no process of the lab, was never scheduled, or is over."""
    pod = place.add(POD | change)
    delete(place, pod)

    assert there(place, pod) is None


def test_writes_do_not_take_back_a_deletion(place: Place) -> None:
    """Its kubelet still reports on the pod while it ends."""
    pod = place.add(POD)
    marked = delete(place, pod)["metadata"]
    target = target_of(pod, "status")

    after = place.writer.patch(target, MERGE_PATCH, {"status": {"message": "ending"}}, Options()).obj

    assert after["metadata"]["deletionTimestamp"] == marked["deletionTimestamp"]
    assert after["metadata"]["deletionGracePeriodSeconds"] == 30


def test_finalizers_hold_an_object_until_the_last_is_gone(place: Place) -> None:
    """And nobody can add one meanwhile."""
    deployment = samples.deployment("catalog")
    deployment["metadata"]["finalizers"] = ["example.com/a", "example.com/b"]
    made = place.add(deployment)

    def keep(*finalizers: str) -> None:
        body = {"metadata": {"finalizers": list(finalizers)}}
        place.writer.patch(target_of(made), MERGE_PATCH, body, Options())

    assert delete(place, made)["metadata"]["deletionTimestamp"] == samples.STAMP
    keep("example.com/b")
    assert there(place, made) is not None
    with pytest.raises(StatusError, match="no new finalizers can be added if the object is being deleted"):
        keep("example.com/b", "example.com/c")
    keep()
    assert there(place, made) is None


def test_in_the_background_dependents_follow(place: Place) -> None:
    """Down to the pods, which end in their own time."""
    deployment, replica_set, pod = family(place)
    delete(place, deployment)

    assert (there(place, deployment), there(place, replica_set)) == (None, None)
    left = there(place, pod)
    assert left is not None
    assert left["metadata"]["deletionTimestamp"]


def test_in_the_foreground_owners_wait(place: Place) -> None:
    """From the pod up, each goes when nothing below it is left."""
    deployment, replica_set, pod = family(place)
    marked = delete(place, deployment, propagation="Foreground")

    assert marked["metadata"]["finalizers"] == [FOREGROUND]
    for one in (deployment, replica_set, pod):
        left = there(place, one)
        assert left is not None
        assert left["metadata"]["deletionTimestamp"]
    delete(place, pod, grace_s=0)
    assert [there(place, one) for one in (deployment, replica_set, pod)] == [None, None, None]


def test_orphans_are_let_go(place: Place) -> None:
    """They lose the owner's name and nothing else."""
    deployment, replica_set, pod = family(place)
    delete(place, deployment, {"propagationPolicy": "Orphan"})

    left = there(place, replica_set)
    assert left is not None
    assert left["metadata"]["ownerReferences"] == []
    assert there(place, pod) == pod


def test_what_has_another_owner_stays(place: Place) -> None:
    """Without the one that is gone."""
    first, second = (place.add(samples.deployment("catalog", name)) for name in ("first", "second"))
    pod = place.add(owned(owned(POD, first), second))
    delete(place, first)

    left = there(place, pod)
    assert left is not None
    assert [one["name"] for one in left["metadata"]["ownerReferences"]] == ["second"]
    assert "deletionTimestamp" not in left["metadata"]


def test_a_child_of_nobody_is_collected(place: Place) -> None:
    """One that was made for an owner that had just gone; an owner of an unknown kind may exist."""
    gone = place.add(samples.deployment("catalog"))
    delete(place, gone)
    late = samples.pod("late", "catalog")
    del late["spec"]["nodeName"]
    place.add(owned(late, gone))
    foreign = gone | {"apiVersion": "batch/v1", "kind": "Job"}
    place.add(owned(samples.pod("jobs", "catalog"), foreign))

    assert place.store.keys(PODS) == (("catalog", "jobs"),)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"propagationPolicy": "Sideways"}, 422),
        ({"gracePeriodSeconds": "soon"}, 400),
        ({"preconditions": {"resourceVersion": "1"}}, 409),
    ],
)
def test_options_that_make_no_sense(place: Place, body: dict[str, Any], code: int) -> None:
    """Are refused, and nothing is deleted."""
    pod = place.add(POD)
    with pytest.raises(StatusError) as refused:
        delete(place, pod, body)

    assert refused.value.code == code
    assert there(place, pod) == pod


def test_an_eviction_deletes_as_its_options_say(place: Place) -> None:
    """And is for the pod of its URL only."""
    pod = place.add(POD)
    target = target_of(pod)
    with pytest.raises(StatusError, match="name in URL does not match name in Eviction object"):
        place.writer.evict(target, {"metadata": {"name": "other"}}, Options())
    place.writer.evict(target, {"deleteOptions": {"gracePeriodSeconds": 0}}, Options())

    assert there(place, pod) is None


def test_a_binding_puts_a_pod_on_a_node_once(place: Place) -> None:
    """It is scheduled then, and cannot move."""
    pod = samples.pod("p", "catalog")
    del pod["spec"]["nodeName"], pod["status"]
    made = place.add(pod)
    body = {"kind": "Binding", "metadata": {"name": "p"}, "target": {"kind": "Node", "name": "node-b-1"}}
    place.writer.bind(target_of(made), body, Options())
    with pytest.raises(StatusError) as refused:
        place.writer.bind(target_of(made), body, Options())

    bound = there(place, made)
    assert bound is not None
    assert bound["spec"]["nodeName"] == "node-b-1"
    assert [(one["type"], one["status"]) for one in bound["status"]["conditions"]] == [
        ("PodScheduled", "True")
    ]
    assert refused.value.code == 409
    assert 'pod p is already assigned to node "node-b-1"' in str(refused.value)


def test_events_are_bounded(place: Place) -> None:
    """Those that were not touched for longest go, a tenth at a time."""
    for number in range(MOST_EVENTS):
        place.add(samples.event("catalog", name=f"e{number:04}"))
    touched = {"metadata": {"annotations": {"seen": "again"}}}
    first = RequestTarget(resource=EVENTS, namespace="catalog", name="e0000")
    place.writer.patch(first, MERGE_PATCH, touched, Options())
    assert place.store.count(EVENTS) == MOST_EVENTS

    place.add(samples.event("catalog", name="last"))

    left = [name for _, name in place.store.keys(EVENTS)]
    tenth = MOST_EVENTS // 10
    assert left == ["e0000", *(f"e{number:04}" for number in range(tenth + 1, MOST_EVENTS)), "last"]
