"""What workloads say of themselves."""

from dataclasses import replace
from typing import Any

import pytest

from k8s.lab.controllers.rolling import Revision
from k8s.lab.controllers.rollout_status import (
    Moment,
    RolloutSeen,
    absent_as_null,
    deployment_status,
    replica_set_status,
)

NOW = Moment(text="2026-01-01T00:00:09Z", since_update_s=1.0)
THEN = "2026-01-01T00:00:00Z"


def revision(name: str, pods: int, available: int | None = None) -> Revision:
    found = pods if available is None else available
    return Revision(name=name, wanted=pods, pods=pods, ready=found, available=found)


def rollout(new: Revision | None, *old: Revision, **more: Any) -> RolloutSeen:
    return RolloutSeen(**({"generation": 2, "replicas": 3, "may_miss": 0, "new": new, "old": old} | more))


def conditions(status: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {one["type"]: (one["status"], one["reason"]) for one in status["conditions"]}


def test_a_rollout_in_the_middle() -> None:
    """The counts that kubectl rollout status compares, and both conditions."""
    status = deployment_status(rollout(revision("new", 2, 1), revision("old", 2)), {}, NOW)
    assert {key: value for key, value in status.items() if key != "conditions"} == {
        "observedGeneration": 2,
        "replicas": 4,
        "updatedReplicas": 2,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "unavailableReplicas": 1,
    }
    assert conditions(status) == {
        "Available": ("True", "MinimumReplicasAvailable"),
        "Progressing": ("True", "NewReplicaSetCreated"),
    }


def test_progress_is_told_and_then_the_end() -> None:
    """The reasons in their order; the time of the last transition stays, that of the update moves."""
    first = deployment_status(rollout(revision("new", 1, 0), revision("old", 3)), {}, replace(NOW, text=THEN))
    moved = deployment_status(rollout(revision("new", 1, 1), revision("old", 3)), first, NOW)
    still = deployment_status(
        rollout(revision("new", 1, 1), revision("old", 3)), moved, replace(NOW, text="later")
    )
    done = deployment_status(rollout(revision("new", 3), revision("old", 0)), still, NOW)
    reasons = [conditions(one)["Progressing"][1] for one in (first, moved, still, done)]
    assert reasons == [
        "NewReplicaSetCreated",
        "ReplicaSetUpdated",
        "ReplicaSetUpdated",
        "NewReplicaSetAvailable",
    ]
    assert still == moved
    progressing = done["conditions"][1]
    assert (progressing["lastTransitionTime"], progressing["lastUpdateTime"]) == (THEN, NOW.text)
    assert progressing["message"] == 'ReplicaSet "new" has successfully progressed.'


@pytest.mark.parametrize(("since_s", "expected"), [(599.0, "True"), (601.0, "False")])
def test_a_rollout_that_does_not_move_times_out(since_s: float, expected: str) -> None:
    """After progressDeadlineSeconds; rollout status then ends with an error."""
    stuck = rollout(revision("new", 1, 0), revision("old", 3))
    before = deployment_status(stuck, {}, replace(NOW, text=THEN))
    status = deployment_status(stuck, before, replace(NOW, since_update_s=since_s))
    assert conditions(status)["Progressing"][0] == expected


def test_a_settled_deployment_does_not_time_out() -> None:
    """Not even when a pod is lost long after."""
    settled = deployment_status(rollout(revision("new", 3)), {}, NOW)
    lost = deployment_status(rollout(revision("new", 3, 2)), settled, replace(NOW, since_update_s=9999.0))
    assert conditions(lost) == {
        "Available": ("False", "MinimumReplicasUnavailable"),
        "Progressing": ("True", "NewReplicaSetAvailable"),
    }


def test_a_paused_deployment_says_so() -> None:
    """Its Progressing condition is Unknown, as upstream."""
    status = deployment_status(rollout(None, revision("old", 3), paused=True), {}, NOW)
    assert conditions(status)["Progressing"] == ("Unknown", "DeploymentPaused")


def test_counts_of_nothing_are_left_out_and_removed() -> None:
    """As Go's omitempty; a merge patch needs null for that."""
    status = replica_set_status(3, revision("a", 2, 0))
    assert status == {"observedGeneration": 3, "replicas": 2, "fullyLabeledReplicas": 2}
    assert absent_as_null(status, {"readyReplicas": 1, "replicas": 9}) == {**status, "readyReplicas": None}
