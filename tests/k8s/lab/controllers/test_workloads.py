"""Deployments, ReplicaSets and pods, over an API server in memory."""

from collections import Counter
from itertools import count
from typing import Any

import pytest

from k8s.lab.controllers.workloads import Workloads
from k8s.topology import NodeName
from tests.k8s.lab.cast import Cast, deployment, node

ZONES = "abc"
NODES = [NodeName(f"node-{letter}-1") for letter in ZONES]


class Stage:
    """A cluster of three zones, its workloads, and kubelets that start what is placed when told to."""

    def __init__(self, *, replicas: int = 3) -> None:
        self.api = Cast()
        for letter in ZONES:
            self.api.create(node(f"node-{letter}-1", f"eu-west-1{letter}"))
        self.api.create(deployment("catalog", replicas))
        numbers = count(1)
        self.time_s = 1000.0
        self.workloads = Workloads(
            api=self.api,
            feeds=self.api.feeds,
            machines=NODES,
            letters=lambda length: f"{next(numbers):0{length}d}",
            clock_s=lambda: self.time_s,
            now=lambda: "2026-01-01T00:00:00Z",
        )

    def start_pods(self) -> None:
        """Whatever is placed becomes ready, and what is told to go is gone."""
        for pod in tuple(self.api.named("Pod").values()):
            if pod["metadata"].get("deletionTimestamp"):
                self.api.delete(pod, 0)
            elif pod["spec"].get("nodeName") and "status" not in pod:
                ready = [{"type": "Ready", "status": "True", "lastTransitionTime": "1970-01-01T00:16:40Z"}]
                self.api.patch_status(pod, {"phase": "Running", "conditions": ready})

    def settle(self) -> list[int]:
        """Until nothing changes; the number of ready pods after every step."""
        counts = []
        before = -1
        while before != self.api.version:
            before = self.api.version
            self.workloads.sync()
            counts.append(self.ready())
            self.start_pods()
        return counts

    def change(self, spec: dict[str, Any]) -> None:
        self.api.patch(self.api.named("Deployment")["catalog"], {"spec": spec})

    def restart(self, when: str = "now") -> None:
        """As kubectl rollout restart."""
        mark = {"kubectl.kubernetes.io/restartedAt": when}
        self.change({"template": {"metadata": {"annotations": mark}}})

    def ready(self) -> int:
        return sum(
            bool(pod.get("status", {}).get("conditions")) and "deletionTimestamp" not in pod["metadata"]
            for pod in self.api.named("Pod").values()
        )

    def on(self) -> Counter[str | None]:
        return Counter(pod["spec"].get("nodeName") for pod in self.api.named("Pod").values())

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.api.named("Deployment")["catalog"]["status"]
        return found

    def sets(self) -> dict[str, int]:
        """Pods wanted by every ReplicaSet, by its revision."""
        found = self.api.named("ReplicaSet").values()
        return {
            one["metadata"]["annotations"]["deployment.kubernetes.io/revision"]: one["spec"]["replicas"]
            for one in found
        }


def test_a_new_deployment_gets_a_replica_set_and_pods_in_every_zone() -> None:
    """Named as upstream, owned, with the hash as a label; the status tells of them."""
    stage = Stage()
    stage.settle()
    (owner,) = stage.api.named("ReplicaSet").values()
    pods = stage.api.named("Pod")
    assert stage.on() == dict.fromkeys(NODES, 1)
    assert all(name.startswith(f"{owner['metadata']['name']}-") for name in pods)
    assert {pod["metadata"]["ownerReferences"][0]["uid"] for pod in pods.values()} == {
        owner["metadata"]["uid"]
    }
    template_hash = owner["metadata"]["labels"]["pod-template-hash"]
    assert owner["metadata"]["name"] == f"catalog-{template_hash}"
    assert {pod["metadata"]["labels"]["pod-template-hash"] for pod in pods.values()} == {template_hash}
    assert (stage.status()["readyReplicas"], stage.status()["observedGeneration"]) == (3, 1)


@pytest.mark.parametrize(("replicas", "spread"), [(5, [1, 2, 2]), (9, [3, 3, 3]), (1, [1]), (0, [])])
def test_scaling_creates_and_deletes_pods(replicas: int, spread: list[int]) -> None:
    """Spread over the zones; the status has seen the new generation."""
    stage = Stage()
    stage.settle()
    stage.change({"replicas": replicas})
    stage.settle()
    assert sorted(stage.on().values()) == spread
    assert stage.status().get("availableReplicas", 0) == replicas
    assert stage.status()["observedGeneration"] == 2


def test_a_restart_replaces_every_pod_without_ever_missing_one() -> None:
    """Three pods, one more at a time; then the old ReplicaSet has none, and the zones are even."""
    stage = Stage()
    stage.settle()
    old = set(stage.api.named("Pod"))
    stage.restart()
    ready = stage.settle()
    assert not old & set(stage.api.named("Pod"))
    assert min(ready) == 3
    assert max(ready) <= 4
    assert stage.on() == dict.fromkeys(NODES, 1)
    assert stage.sets() == {"1": 0, "2": 3}
    said = [event["message"] for event in stage.api.named("Event").values()]
    assert len(said) == 7
    assert said[0].startswith("Scaled up replica set catalog-")
    assert said[0].endswith(" from 0 to 3")
    assert [one["reason"] for one in stage.status()["conditions"]] == [
        "MinimumReplicasAvailable",
        "NewReplicaSetAvailable",
    ]


def test_a_new_template_that_never_gets_ready_leaves_the_old_pods_alone() -> None:
    """It stops with one new pod; taking the template back removes it."""
    stage = Stage()
    stage.settle()
    stage.restart()
    for _ in range(5):
        stage.workloads.sync()
    assert stage.sets() == {"1": 3, "2": 1}
    assert (stage.status()["updatedReplicas"], stage.status()["unavailableReplicas"]) == (1, 1)
    stage.change({"template": {"metadata": {"annotations": None}}})
    stage.settle()
    assert stage.sets() == {"3": 3, "2": 0}


def test_gos_way_to_write_nothing_is_the_same_template() -> None:
    """The undo of kubectl sends ``creationTimestamp: null`` and ``resources: {}``."""
    stage = Stage()
    stage.settle()
    template = stage.api.named("Deployment")["catalog"]["spec"]["template"]
    same = [{**template["spec"]["containers"][0], "resources": {}, "env": []}]
    stage.change({"template": {"spec": {"containers": same}}})
    stage.settle()
    assert stage.sets() == {"1": 3}


def test_old_revisions_are_forgotten_beyond_the_history() -> None:
    """The last two that are kept, and the present one."""
    stage = Stage()
    stage.change({"revisionHistoryLimit": 2})
    for when in "abcde":
        stage.settle()
        stage.restart(when)
    stage.settle()
    assert stage.sets() == {"4": 0, "5": 0, "6": 3}


def test_a_pod_that_is_deleted_is_replaced_at_once_and_elsewhere_if_its_node_is_shut() -> None:
    """While the old one is still on its way out; a cordoned node gets nothing new."""
    stage = Stage()
    stage.settle()
    victim = next(pod for pod in stage.api.named("Pod").values() if pod["spec"]["nodeName"] == NODES[0])
    stage.api.patch(stage.api.named("Node")[NODES[0]], {"spec": {"unschedulable": True}})
    stage.api.delete(victim)
    stage.workloads.sync()
    assert len(stage.api.named("Pod")) == 4
    stage.settle()
    assert victim["metadata"]["name"] not in stage.api.named("Pod")
    assert stage.on()[NODES[0]] == 0
    assert sum(stage.on().values()) == 3


@pytest.mark.parametrize("ready", ["False", "Unknown"])
def test_a_node_that_is_not_ready_gets_no_pods(ready: str) -> None:
    """Nor does one without a machine of the lab."""
    stage = Stage()
    stage.api.patch_status(
        stage.api.named("Node")[NODES[1]], {"conditions": [{"type": "Ready", "status": ready}]}
    )
    stage.api.create(node("paper", "eu-west-1d"))
    stage.settle()
    assert set(stage.on()) == {NODES[0], NODES[2]}


def test_pods_without_a_node_wait_and_come_once_there_is_one() -> None:
    """They are there, Pending; what replaces them has a node."""
    stage = Stage()
    for one in NODES:
        stage.api.patch(stage.api.named("Node")[one], {"spec": {"unschedulable": True}})
    stage.settle()
    assert stage.on() == {None: 3}
    stage.api.patch(stage.api.named("Node")[NODES[2]], {"spec": {"unschedulable": None}})
    stage.settle()
    assert stage.on() == {NODES[2]: 3}


def test_the_pods_of_a_node_that_was_deleted_come_elsewhere() -> None:
    """Its kubelet cannot end them any more."""
    stage = Stage()
    stage.settle()
    gone = stage.api.named("Node")[NODES[0]]
    stage.api.delete(gone)
    stage.settle()
    assert set(stage.on()) == {NODES[1], NODES[2]}
    assert sum(stage.on().values()) == 3


def test_a_paused_deployment_scales_and_waits_with_its_template() -> None:
    """Until it is resumed."""
    stage = Stage()
    stage.settle()
    stage.change({"paused": True})
    stage.restart()
    stage.change({"replicas": 4})
    stage.settle()
    assert stage.sets() == {"1": 4}
    stage.change({"paused": None})
    stage.settle()
    assert stage.sets() == {"1": 0, "2": 4}


def test_a_pod_is_available_only_after_min_ready_seconds() -> None:
    """Ready at second 1000, available ten seconds later."""
    stage = Stage()
    stage.change({"minReadySeconds": 10})
    stage.settle()
    assert (stage.status()["readyReplicas"], stage.status().get("availableReplicas")) == (3, None)
    stage.time_s = 1010.0
    stage.workloads.sync()
    assert stage.status()["availableReplicas"] == 3


def test_what_belongs_to_nobody_is_left_alone() -> None:
    """A bare pod, e.g. a load worker: neither replaced nor removed, and no reason to place less."""
    stage = Stage()
    bare = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "locust-worker", "namespace": "shop"},
        "spec": {"nodeName": "elsewhere", "containers": [{"name": "locust"}]},
    }
    stage.api.create(bare)
    stage.settle()
    stage.change({"replicas": 0})
    stage.settle()
    assert list(stage.api.named("Pod")) == ["locust-worker"]


def test_a_settled_cluster_is_not_written_to() -> None:
    """Looking again changes nothing."""
    stage = Stage()
    stage.settle()
    before = stage.api.version
    stage.time_s += 3600
    stage.workloads.sync()
    assert stage.api.version == before


def test_a_replica_set_that_was_left_behind_is_adopted() -> None:
    """As after kubectl delete --cascade=orphan and a new apply: its pods stay."""
    stage = Stage()
    stage.settle()
    pods = set(stage.api.named("Pod"))
    (left,) = stage.api.named("ReplicaSet").values()
    stage.api.delete(stage.api.named("Deployment")["catalog"])
    stage.api.patch(left, {"metadata": {"ownerReferences": None}})
    again = deployment("catalog", 3)
    again["metadata"]["uid"] = "another"
    stage.api.create(again)
    stage.settle()
    assert set(stage.api.named("Pod")) == pods
    assert stage.sets() == {"1": 3}
    assert stage.status()["availableReplicas"] == 3


def test_what_is_refused_for_one_workload_does_not_stop_the_others() -> None:
    """It is tried again."""
    stage = Stage()
    stage.api.create(deployment("ui", 1))
    stage.settle()
    stage.change({"replicas": 0})
    stage.settle()
    name = next(name for name in stage.api.named("ReplicaSet") if name.startswith("catalog"))
    stage.api.refused = {f"{name}-{index:05d}" for index in range(300)}
    stage.change({"replicas": 1})
    stage.api.patch(stage.api.named("Deployment")["ui"], {"spec": {"replicas": 2}})
    stage.settle()
    assert [name[:2] for name in stage.api.named("Pod")] == ["ui", "ui"]
    stage.api.refused.clear()
    stage.settle()
    assert len(stage.api.named("Pod")) == 3
