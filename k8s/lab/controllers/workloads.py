"""Deployments and ReplicaSets come alive: the lab's stand-in for these two controllers and the scheduler.

What is decided is in ``rolling.py``, ``placing.py``, ``revisions.py`` and ``rollout_status.py``; here is only
what is read and written. Lives in the supervisor. Differences to upstream: a pod is placed when it is
created, and a pod for which there was no node is replaced by another one once there is.
"""

import logging
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from k8s.lab.apiclient.api import ApiError
from k8s.lab.apiclient.feed import Feed
from k8s.lab.controllers import placing, revisions, rollout_status, tenancy
from k8s.lab.controllers.rolling import limits, step
from k8s.lab.controllers.rollout_status import Moment, RolloutSeen
from k8s.lab.design.seeds import Object
from k8s.topology import NodeName

_ROUNDS = 20
"""Of one pass, at most: each does something, so that this many mean a fault of ours."""
_SUFFIX_LETTERS = 5
_EVENT_LETTERS = 16
_TAKEN = 409
_log = logging.getLogger(__name__)


class WorkloadApi(Protocol):
    """The part of the API that is written here; ApiError where it does not take it."""

    def create(self, obj: Object) -> Object:
        """POST an object."""

    def patch(self, obj: Object, change: Object) -> Object | None:
        """Merge *change* into an object; None if it is gone."""

    def patch_status(self, obj: Object, status: Object) -> Object | None:
        """Merge *status* into an object's; None if it is gone."""

    def delete(self, obj: Object, grace_s: int | None = None) -> Object | None:
        """Delete an object; what is left of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeds:
    """What the supervisor follows."""

    nodes: Feed
    deployments: Feed
    replica_sets: Feed
    pods: Feed

    @property
    def all(self) -> tuple[Feed, ...]:
        """Owners before what they own, so that nothing seems to be an orphan."""
        return self.nodes, self.deployments, self.replica_sets, self.pods


@dataclass(slots=True, kw_only=True)
class Workloads:
    """The controllers; ``sync`` is one pass."""

    api: WorkloadApi
    feeds: Feeds
    machines: Container[NodeName]
    """Nodes that can run pods."""
    letters: Callable[[int], str]
    """So many random letters for a pod's name."""
    clock_s: Callable[[], float]
    """Seconds since the epoch."""
    now: Callable[[], str]
    """The time, for the API."""

    def sync(self) -> None:
        """Bring everything to where it should be now; ApiError if the API does not take it: try again."""
        for _ in range(_ROUNDS):
            if not (self._clean() or self._roll() or self._fill() or self._schedule()):
                break
        else:
            _log.warning("workloads did not settle in %d rounds", _ROUNDS)
        self._report()

    def _clean(self) -> bool:
        """Remove pods whose node is gone: its kubelet cannot, and they are made anew elsewhere."""
        nodes = {name for _, name in self.feeds.nodes.objects}
        lost = [
            pod
            for pod in self._pods()
            if revisions.owner_uid(pod, "ReplicaSet") and pod["spec"].get("nodeName") not in {None, *nodes}
        ]
        for pod in lost:
            self._delete(self.feeds.pods, pod, grace_s=0)
        return bool(lost)

    def _roll(self) -> bool:
        """One step of every Deployment."""
        did = [self._guarded(one, self._advance) for one in self._deployments()]
        return any(did)

    def _guarded(self, obj: Object, act: Callable[[Object], bool]) -> bool:
        """What the API refuses for one workload must not stop the others; it is tried again with them."""
        if tenancy.is_terminating(obj):
            return False
        try:
            return act(obj)
        except ApiError as error:
            if not error.status:  # it is not there at all
                raise
            _log.warning("%s %s: %s", obj["kind"], obj["metadata"]["name"], error)
            return False

    def _advance(self, deployment: Object) -> bool:
        did = False
        new, old = self._revisions(deployment)
        paused = bool(deployment["spec"].get("paused"))
        if new is None and not paused:
            new = self._create_set(deployment, revisions.next_revision(old))
            did = True
        if paused or new is None:
            return self._step(deployment, None, [*old, *_some(new)])
        self._number(deployment, new, old)
        return self._step(deployment, new, old) or did

    def _create_set(self, deployment: Object, number: int) -> Object:
        """The ReplicaSet for the present template; one of that name that an earlier owner left is adopted."""
        wanted = revisions.replica_set(deployment, number)
        made = self.api.create(wanted)
        if revisions.owner_uid(made, "Deployment") is None:
            change = {"metadata": {"ownerReferences": wanted["metadata"]["ownerReferences"]}}
            made = self.api.patch(wanted, change) or made
        if revisions.owner_uid(made, "Deployment") != deployment["metadata"]["uid"]:
            raise ApiError(f"ReplicaSet {wanted['metadata']['name']} is another's", status=_TAKEN)
        self.feeds.replica_sets.put(made)
        return made

    def _step(self, deployment: Object, new: Object | None, old: list[Object]) -> bool:
        pods, now_s = self._pods(), self.clock_s()
        wanted = step(
            deployment["spec"].get("replicas", 1),
            revisions.strategy(deployment),
            tenancy.counted(new, pods, now_s) if new else None,
            [tenancy.counted(one, pods, now_s) for one in old],
        )
        by_name = {one["metadata"]["name"]: one for one in (*old, *_some(new))}
        for name, replicas in wanted:
            had = by_name[name]["spec"].get("replicas", 1)
            how = "up" if replicas > had else "down"
            message = f"Scaled {how} replica set {name} from {had} to {replicas}"
            _log.info("Deployment %s: %s", deployment["metadata"]["name"], message)
            self._patch(self.feeds.replica_sets, by_name[name], {"spec": {"replicas": replicas}})
            self.api.create(
                revisions.event(
                    deployment, "ScalingReplicaSet", message, self.now(), self.letters(_EVENT_LETTERS)
                )
            )
        forgotten = revisions.forgotten(deployment, old) if new else ()
        for one in forgotten:
            self._delete(self.feeds.replica_sets, one)
        return bool(wanted or forgotten)

    def _number(self, deployment: Object, new: Object, old: Iterable[Object]) -> None:
        """Keep the revision annotations: the present template has the greatest number."""
        number = revisions.revision(new)
        if number < revisions.next_revision(old):
            number = revisions.next_revision(old)
            self._patch(self.feeds.replica_sets, new, _revision(number))
        if revisions.revision(deployment) != number:
            self._patch(self.feeds.deployments, deployment, _revision(number))

    def _fill(self) -> bool:
        """Create and delete pods until every ReplicaSet has as many as it wants."""
        did = [self._guarded(one, self._fill_one) for one in self._sets()]
        return any(did)

    def _fill_one(self, replica_set: Object) -> bool:
        uid = replica_set["metadata"]["uid"]
        mine = [
            pod
            for pod in self._pods()
            if revisions.owner_uid(pod, "ReplicaSet") == uid and tenancy.is_active(pod)
        ]
        missing = replica_set["spec"].get("replicas", 1) - len(mine)
        for _ in range(missing):
            self._create_pod(replica_set)
        if missing < 0:
            going = placing.leaving(self._tenants(), replica_set=uid, count=-missing)
            for pod in mine:
                if pod["metadata"]["name"] in going:
                    self._delete(self.feeds.pods, pod)
        return bool(missing)

    def _create_pod(self, replica_set: Object) -> None:
        node = self._place(replica_set, replica_set["spec"]["template"]["spec"])
        made = revisions.pod(replica_set, self.letters(_SUFFIX_LETTERS), node)
        _log.info("pod %s: created, on %s", made["metadata"]["name"], node or "no node yet")
        self.feeds.pods.put(self.api.create(made))

    def _schedule(self) -> bool:
        """Let pods for which there was no node give way to pods that have one."""
        did = False
        sets = {one["metadata"]["uid"]: one for one in self._sets()}
        for pod in self._pods():
            owner = sets.get(revisions.owner_uid(pod, "ReplicaSet") or "")
            if owner is None or pod["spec"].get("nodeName") or not tenancy.is_active(pod):
                continue
            if self._place(owner, pod["spec"]) is not None:
                self._delete(self.feeds.pods, pod)
                did = True
        return did

    def _place(self, replica_set: Object, pod_spec: dict[str, Any]) -> NodeName | None:
        spots = [tenancy.spot(one) for one in self.feeds.nodes.objects.values()]
        return placing.place(
            [one for one in spots if one.name in self.machines],
            self._tenants(),
            replica_set=replica_set["metadata"]["uid"],
            workload=_workload(replica_set),
            node_selector=tuple(sorted((pod_spec.get("nodeSelector") or {}).items())),
        )

    def _report(self) -> None:
        """Write the status of every workload where it is another than before."""
        pods, now_s = self._pods(), self.clock_s()
        for one in self._sets():
            found = tenancy.counted(one, pods, now_s)
            status = rollout_status.replica_set_status(one["metadata"].get("generation", 1), found)
            self._write_status(self.feeds.replica_sets, one, status)
        for deployment in self._deployments():
            self._write_status(self.feeds.deployments, deployment, self._status(deployment, pods, now_s))

    def _status(self, deployment: Object, pods: list[Object], now_s: float) -> Object:
        spec, had = deployment["spec"], deployment.get("status") or {}
        new, old = self._revisions(deployment)
        replicas = spec.get("replicas", 1)
        rollout = RolloutSeen(
            generation=deployment["metadata"].get("generation", 1),
            replicas=replicas,
            may_miss=limits(revisions.strategy(deployment), replicas).unavailable,
            new=tenancy.counted(new, pods, now_s) if new else None,
            old=tuple(tenancy.counted(one, pods, now_s) for one in old),
            paused=bool(spec.get("paused")),
            deadline_s=spec.get("progressDeadlineSeconds", rollout_status.DEADLINE_S),
        )
        updated = (tenancy.condition(deployment, "Progressing") or {}).get("lastUpdateTime")
        moment = Moment(text=self.now(), since_update_s=now_s - tenancy.seconds(updated))
        return rollout_status.deployment_status(rollout, had, moment)

    def _write_status(self, feed: Feed, obj: Object, status: Object) -> None:
        had = obj.get("status") or {}
        if status != had:
            self._keep(feed, obj, self.api.patch_status(obj, rollout_status.absent_as_null(status, had)))

    def _patch(self, feed: Feed, obj: Object, change: Object) -> None:
        self._keep(feed, obj, self.api.patch(obj, change))

    def _delete(self, feed: Feed, obj: Object, grace_s: int | None = None) -> None:
        _log.info("%s %s: deleted", obj["kind"], obj["metadata"]["name"])
        self._keep(feed, obj, self.api.delete(obj, grace_s))

    def _keep(self, feed: Feed, obj: Object, left: Object | None) -> None:
        if left is None:
            feed.drop(obj)
        else:
            feed.put(left)

    def _revisions(self, deployment: Object) -> tuple[Object | None, list[Object]]:
        """The ReplicaSet of the present template, and the others, oldest first."""
        uid = deployment["metadata"]["uid"]
        mine = [one for one in self._sets() if revisions.owner_uid(one, "Deployment") == uid]
        new = revisions.newest(deployment, mine)
        return new, sorted((one for one in mine if one is not new), key=revisions.age_key)

    def _tenants(self) -> list[placing.Tenant]:
        workloads = {one["metadata"]["uid"]: _workload(one) for one in self._sets()}
        return [
            tenancy.tenant(pod, workloads.get(revisions.owner_uid(pod, "ReplicaSet") or "", ""))
            for pod in self._pods()
            if tenancy.is_active(pod)
        ]

    def _deployments(self) -> list[Object]:
        return list(self.feeds.deployments.objects.values())

    def _sets(self) -> list[Object]:
        return list(self.feeds.replica_sets.objects.values())

    def _pods(self) -> list[Object]:
        return list(self.feeds.pods.objects.values())


def _workload(replica_set: Object) -> str:
    """What the ReplicaSets of one Deployment share; one without a Deployment stands for itself."""
    uid: str = replica_set["metadata"]["uid"]
    return revisions.owner_uid(replica_set, "Deployment") or uid


def _some(obj: Object | None) -> tuple[Object, ...]:
    return () if obj is None else (obj,)


def _revision(number: int) -> Object:
    return {"metadata": {"annotations": {revisions.REVISION_ANNOTATION: str(number)}}}
