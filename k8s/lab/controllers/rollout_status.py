"""What Deployments and ReplicaSets say of themselves (pure): counts and conditions.

As kubernetes/kubernetes, pkg/controller/deployment (sync.go, progress.go) and pkg/controller/replicaset; it
is what ``kubectl rollout status`` and ``kubectl wait`` read. Counts of 0 are left out, as in Go's JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from k8s.lab.controllers.rolling import Revision

Status = dict[str, Any]
Condition = dict[str, Any]

NEW_RS_AVAILABLE = "NewReplicaSetAvailable"
DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
DEADLINE_S = 600
"""``progressDeadlineSeconds`` where the Deployment names none."""
_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")
_SET_COUNTS = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutSeen:
    """A Deployment and its ReplicaSets, as its status sees them."""

    generation: int
    replicas: int
    """Wanted."""
    may_miss: int
    """Pods that may be unavailable."""
    new: Revision | None
    old: tuple[Revision, ...] = ()
    paused: bool = False
    deadline_s: int = DEADLINE_S

    @property
    def revisions(self) -> tuple[Revision, ...]:
        """All ReplicaSets."""
        return (*self.old, self.new) if self.new else self.old


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Now, for the conditions."""

    text: str
    """As the API writes times."""
    since_update_s: float
    """Seconds since the Progressing condition was updated last."""


def replica_set_status(generation: int, revision: Revision) -> Status:
    """The status of a ReplicaSet."""
    counts = {
        "fullyLabeledReplicas": revision.pods,
        "readyReplicas": revision.ready,
        "availableReplicas": revision.available,
    }
    return {
        "observedGeneration": generation,
        "replicas": revision.pods,
        **{key: count for key, count in counts.items() if count},
    }


def deployment_status(rollout: RolloutSeen, old: Mapping[str, Any], moment: Moment) -> Status:
    """The status of a Deployment that had the status *old*."""
    pods = sum(one.pods for one in rollout.revisions)
    available = sum(one.available for one in rollout.revisions)
    counts = {
        "replicas": pods,
        "updatedReplicas": rollout.new.pods if rollout.new else 0,
        "readyReplicas": sum(one.ready for one in rollout.revisions),
        "availableReplicas": available,
        "unavailableReplicas": max(sum(one.wanted for one in rollout.revisions) - available, 0),
    }
    had = {one["type"]: one for one in old.get("conditions", [])}
    conditions = [
        _progressing(rollout, counts, old, had.get("Progressing"), moment),
        _available(rollout, available, had.get("Available"), moment),
    ]
    return {
        "observedGeneration": rollout.generation,
        **{key: count for key, count in counts.items() if count},
        "conditions": sorted(conditions, key=lambda one: str(one["type"])),
    }


def absent_as_null(status: Status, old: Mapping[str, Any]) -> Status:
    """*status* as a merge patch: what *old* has and *status* has not is removed."""
    return {**dict.fromkeys(old.keys() - status.keys()), **status}


def _available(rollout: RolloutSeen, available: int, had: Condition | None, moment: Moment) -> Condition:
    is_so = available >= rollout.replicas - rollout.may_miss
    reason = "MinimumReplicasAvailable" if is_so else "MinimumReplicasUnavailable"
    message = f"Deployment {'has' if is_so else 'does not have'} minimum availability."
    return _condition("Available", (is_so, reason, message), had, moment)


def _progressing(
    rollout: RolloutSeen,
    counts: Mapping[str, int],
    old: Mapping[str, Any],
    had: Condition | None,
    moment: Moment,
) -> Condition:
    if rollout.paused and rollout.new is None:
        return _condition("Progressing", (None, "DeploymentPaused", "Deployment is paused"), had, moment)
    name = rollout.new.name if rollout.new else ""
    if rollout.replicas == counts["updatedReplicas"] == counts["replicas"] == counts["availableReplicas"]:
        said = (True, NEW_RS_AVAILABLE, f'ReplicaSet "{name}" has successfully progressed.')
    elif had is None or name not in had.get("message", ""):
        said = (True, "NewReplicaSetCreated", f'Created new replica set "{name}"')
    elif _has_moved(counts, old):
        said = (True, "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')
        had = {**had, "lastUpdateTime": ""}
    elif had["reason"] not in {NEW_RS_AVAILABLE, DEADLINE_EXCEEDED} and (
        moment.since_update_s > rollout.deadline_s
    ):
        said = (False, DEADLINE_EXCEEDED, f'ReplicaSet "{name}" has timed out progressing.')
    else:
        return had
    return _condition("Progressing", said, had, moment)


def _has_moved(counts: Mapping[str, int], old: Mapping[str, Any]) -> bool:
    def was(key: str) -> int:
        return int(old.get(key, 0))

    older = was("replicas") - was("updatedReplicas")
    return (
        any(counts[key] > was(key) for key in ("updatedReplicas", "readyReplicas", "availableReplicas"))
        or counts["replicas"] - counts["updatedReplicas"] < older
    )


def _condition(
    kind: str, said: tuple[bool | None, str, str], had: Condition | None, moment: Moment
) -> Condition:
    """The condition, with the times of the one before where nothing is new."""
    is_so, reason, message = said
    status = {True: "True", False: "False", None: "Unknown"}[is_so]
    new = {"type": kind, "status": status, "reason": reason, "message": message}
    if had is not None and had.get("lastUpdateTime") and {**had, **new} == had:
        return had
    since = had["lastTransitionTime"] if had is not None and had["status"] == status else moment.text
    return {**new, "lastUpdateTime": moment.text, "lastTransitionTime": since}
