"""Deployments and ReplicaSets: defaults, generations, scale."""

from dataclasses import replace
from typing import Any

import pytest

from k8s.lab.apiserver.patch import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH
from k8s.lab.apiserver.requests import Options
from k8s.lab.apiserver.statuses import StatusError
from k8s.lab.design.seeds import Object
from tests.k8s.lab.apiserver import samples
from tests.k8s.lab.apiserver.place import Place, target_of


@pytest.fixture
def place() -> Place:
    return Place()


def patched(place: Place, obj: Object, body: Any, *, status: bool = False) -> Object:
    target = target_of(obj, "status" if status else "")
    return place.writer.patch(target, MERGE_PATCH, body, Options()).obj


def test_a_deployment_gets_its_defaults(place: Place) -> None:
    """A quarter more, a quarter less; ten revisions, ten minutes; its pods' own."""
    spec = place.add(samples.deployment("catalog"))["spec"]

    rolling = {"maxSurge": "25%", "maxUnavailable": "25%"}
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": rolling}
    assert (spec["revisionHistoryLimit"], spec["progressDeadlineSeconds"]) == (10, 600)
    pod = spec["template"]["spec"]
    assert (pod["restartPolicy"], pod["terminationGracePeriodSeconds"]) == ("Always", 30)
    assert pod["containers"][0]["imagePullPolicy"] == "IfNotPresent"


def test_given_values_are_kept(place: Place) -> None:
    """Also half a strategy; Recreate has no rolling part."""
    rolling = samples.deployment("catalog", "a")
    rolling["spec"] |= {"strategy": {"rollingUpdate": {"maxSurge": 1}}, "revisionHistoryLimit": 0}
    recreate = samples.deployment("catalog", "b")
    recreate["spec"]["strategy"] = {"type": "Recreate"}
    made = [place.add(one)["spec"] for one in (rolling, recreate)]

    assert made[0]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": "25%"}
    assert made[0]["revisionHistoryLimit"] == 0
    assert made[1]["strategy"] == {"type": "Recreate"}


def test_a_replica_set_says_how_many_it_has(place: Place) -> None:
    """Also when it has none: typed clients insist on the number."""
    made = samples.deployment("catalog") | {"kind": "ReplicaSet"}
    del made["status"]

    assert place.add(made)["status"] == {"replicas": 0}


def test_generations_of_deployments(place: Place) -> None:
    """The spec and the annotations move it, labels and status do not."""
    made = place.add(samples.deployment("catalog"))

    def after(body: Any, *, status: bool = False) -> int:
        return int(patched(place, made, body, status=status)["metadata"]["generation"])

    assert made["metadata"]["generation"] == 1
    assert after({"metadata": {"labels": {"a": "b"}}}) == 1
    assert after({"status": {"observedGeneration": 1}}, status=True) == 1
    assert after({"spec": {"replicas": 5}}) == 2
    assert after({"metadata": {"annotations": {"deployment.kubernetes.io/revision": "2"}}}) == 3
    assert after({"spec": {"template": {"metadata": {"annotations": {"restartedAt": "x"}}}}}) == 4


@pytest.mark.parametrize(
    ("how", "body"),
    [
        (MERGE_PATCH, {"spec": {"replicas": 0}}),
        (STRATEGIC_PATCH, {"spec": {"replicas": 0}}),
        (JSON_PATCH, [{"op": "replace", "path": "/spec/replicas", "value": 0}]),
    ],
)
def test_a_scale_is_patched_like_an_object(place: Place, how: str, body: Any) -> None:
    """Down to none."""
    made = place.add(samples.deployment("catalog"))
    scale = replace(target_of(made), subresource="scale")
    after = place.writer.patch(scale, how, body, Options(manager="me")).obj

    assert (after["kind"], after["apiVersion"], after["spec"]) == ("Scale", "autoscaling/v1", {"replicas": 0})
    stored = place.store.get(target_of(made).resource, ("catalog", "catalog"))
    assert stored is not None
    assert (stored["spec"]["replicas"], stored["metadata"]["generation"]) == (0, 2)
    owners = {one["manager"]: one.get("subresource") for one in stored["metadata"]["managedFields"]}
    assert owners["me"] == "scale"


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"spec": {"replicas": -1}}, 422, "spec.replicas: Invalid value: -1"),
        ({"spec": {"replicas": "many"}}, 400, "cannot be handled as a Scale"),
        (
            {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 1}},
            409,
            "the object has been modified",
        ),
        ({"metadata": {"name": "other"}}, 400, "does not match the name on the URL"),
        ({"kind": "Deployment"}, 400, "is not Scale"),
        ([], 400, "cannot be handled as a Scale"),
    ],
)
def test_scales_that_are_refused(place: Place, body: Any, code: int, words: str) -> None:
    """And nothing is scaled."""
    made = place.add(samples.deployment("catalog"))
    scale = replace(target_of(made), subresource="scale")
    with pytest.raises(StatusError) as refused:
        place.writer.update(scale, body, Options())

    assert refused.value.code == code
    assert words in str(refused.value)
    assert place.store.get(target_of(made).resource, ("catalog", "catalog")) == made
