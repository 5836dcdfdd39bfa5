"""What can happen to a lab on demand, over an API server in memory; what follows is played here."""

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from k8s.effects import Patience
from k8s.errors import InvalidRunError, UsageError
from k8s.lab.design import marks
from k8s.lab.design.settings import LabSettings
from k8s.lab.life import Life
from k8s.lab.processes import ProcessId
from k8s.lab.run.lineup import plan_lab
from k8s.lab.state import ChildState
from k8s.topology import NodeName, ServiceKey, Zone
from tests.k8s.lab.cast import Cast, deployment, node

A, B, C = Zone("eu-west-1a"), Zone("eu-west-1b"), Zone("eu-west-1c")
ME = ProcessId(pid=1, started="x")
CATALOG = ServiceKey(namespace="shop", name="catalog")


class World:
    """A lab of two nodes a zone; *react* is what its supervisor does while somebody waits."""

    def __init__(self) -> None:
        settings = LabSettings(state_dir="unused", nodes_per_zone=2)
        self.state = plan_lab(settings, octet=100, token="").state(ME, 0.0)
        self.api = Cast()
        self.time_s = 0.0
        self.sent: list[tuple[ProcessId, signal.Signals]] = []
        self.runs = True
        self.relays: dict[str, dict[str, float]] = {}
        self.react: Callable[[], None] = lambda: None
        for one in self.state.nodes:
            self.api.create(node(one.name, one.zone, zone=one.zone))

    @property
    def life(self) -> Life:
        return Life(
            api=self.api,
            state=self.state,
            patience=Patience(timeout_s=3, clock=self.now, monotonic=self.now, sleep=self.sleep),
            send=self.send,
            wires=lambda url: self.relays.get(url, {}),
        )

    def now(self) -> float:
        return self.time_s

    def sleep(self, seconds: float) -> None:
        self.time_s += seconds
        self.react()

    def send(self, process: ProcessId, number: signal.Signals) -> bool:
        self.sent.append((process, number))
        return self.runs

    def node(self, name: str) -> Any:
        return self.api.named("Node")[name]

    def outages(self) -> dict[str, str | None]:
        return {name: marks.outage(obj) for name, obj in self.api.named("Node").items()}

    def follow_outages(self) -> None:
        """As the supervisor: nodes without power are not ready, nor are pods where there is an outage."""
        for name, failed in self.outages().items():
            self.set_ready("Node", name, ready=failed != marks.NODES)
        for name, pod in self.api.named("Pod").items():
            self.set_ready("Pod", name, ready=not self.outages()[pod["spec"]["nodeName"]])

    def set_ready(self, kind: str, name: str, *, ready: bool) -> None:
        status = {"conditions": [{"type": "Ready", "status": str(ready)}]}
        self.api.patch_status(self.api.named(kind)[name], status)

    def add_pod(self, name: str, on: str, **annotations: str) -> None:
        metadata = {"name": name, "namespace": "shop", "annotations": annotations}
        spec = {"nodeName": on, "containers": []}
        self.api.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        self.set_ready("Pod", name, ready=True)


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("outage", [marks.NODES, marks.PODS])
def test_a_zone_fails_and_heals(world: World, outage: str) -> None:
    """All its nodes are marked; it returns when its pods show it. Workers of a load do not count."""
    world.add_pod("one", "node-b-1")
    world.add_pod("two", "node-a-1")
    world.add_pod("worker", "node-b-2", **{"samezone.dev/external": "true"})
    world.react = world.follow_outages
    assert world.life.fail_zone(B, outage) == ("node-b-1", "node-b-2")
    marked = {name for name, found in world.outages().items() if found == outage}
    assert marked == {"node-b-1", "node-b-2"}
    assert world.api.named("Pod")["one"]["status"]["conditions"][0]["status"] == "False"
    world.set_ready("Pod", "worker", ready=True)
    assert world.life.heal_zone(B) == ("node-b-1", "node-b-2")
    assert set(world.outages().values()) == {None}


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("outage", [marks.NODES, marks.PODS, marks.SHIFT])
def test_interrupted_an_outage_is_taken_back(world: World, outage: str) -> None:
    """Nothing is left changed."""
    world.add_pod("one", "node-b-1")
    piece = {"kind": "/apis/discovery.k8s.io/v1/endpointslices", "spec": {}}
    metadata = {"name": "s", "namespace": "shop"}
    world.api.create({**piece, "metadata": metadata, "endpoints": [{"nodeName": "node-b-1"}]})
    world.react = interrupt
    with pytest.raises(KeyboardInterrupt):
        world.life.fail_zone(B, outage)
    assert set(world.outages().values()) == {None}
    assert not world.node("node-b-1").get("spec", {}).get("unschedulable")


def test_interrupted_a_deployment_has_its_replicas_again(world: World) -> None:
    """Nothing is left changed."""
    world.api.create(deployment("catalog", replicas=2))
    world.react = interrupt
    with pytest.raises(KeyboardInterrupt):
        world.life.scale(CATALOG, 4)
    assert world.api.named("Deployment")["catalog"]["spec"]["replicas"] == 2


def test_a_zonal_shift(world: World) -> None:
    """The nodes are cordoned and stay ready; it returns when no slice names them, and heals likewise."""
    path = "/apis/discovery.k8s.io/v1/endpointslices"
    world.add_pod("one", "node-b-1")
    piece = {"kind": path, "metadata": {"name": "s", "namespace": "shop"}, "spec": {}}
    world.api.create(piece | {"endpoints": [{"nodeName": "node-b-1"}, {"nodeName": "node-a-1"}]})

    def follow() -> None:
        shifted = {name for name, found in world.outages().items() if found == marks.SHIFT}
        names = [name for name in ("node-b-1", "node-a-1") if name not in shifted]
        world.api.patch(piece, {"endpoints": [{"nodeName": name} for name in names]})
        for name in world.outages():
            world.set_ready("Node", name, ready=True)
        world.set_ready("Pod", "one", ready=True)

    world.react = follow
    world.set_ready("Pod", "one", ready=True)
    assert world.life.fail_zone(B, marks.SHIFT) == ("node-b-1", "node-b-2")
    assert world.node("node-b-1")["spec"]["unschedulable"] is True
    assert world.api.named("Pod")["one"]["status"]["conditions"][0]["status"] == "True"
    assert world.life.heal_zone(B) == ("node-b-1", "node-b-2")
    assert not world.node("node-b-1")["spec"].get("unschedulable")
    assert set(world.outages().values()) == {None}


@pytest.mark.parametrize(("first", "second"), [(marks.SHIFT, marks.NODES), (marks.NODES, marks.SHIFT)])
def test_one_outage_at_a_time(world: World, first: str, second: str) -> None:
    """A second one would make the first be forgotten: nodes stay cordoned, or power comes back unasked."""
    world.react = world.follow_outages
    world.life.fail_zone(B, first)
    before = json.dumps(world.node("node-b-1"))

    with pytest.raises(UsageError, match="heal it first, with samezone lab zone heal eu-west-1b"):
        world.life.fail_zone(B, second)

    assert json.dumps(world.node("node-b-1")) == before
    assert world.life.fail_zone(B, first) == world.life.heal_zone(B)
    assert not world.node("node-b-1")["spec"].get("unschedulable")


def test_a_failure_that_does_not_show_is_an_error(world: World) -> None:
    """After the patience; it says what was waited for."""
    with pytest.raises(InvalidRunError, match="waited 3 s for the nodes of eu-west-1b to be found silent"):
        world.life.fail_zone(B, marks.NODES)


def test_a_pod_is_killed_by_its_process(world: World) -> None:
    """The one that the state names; a pod without one, or of no such name, is an error."""
    pod, process = world.state.pods[0], ProcessId(pid=77, started="then")
    world.state = replace(world.state, children=(ChildState(name=pod.name, process=process),))
    assert world.life.kill_pod(pod.name, pod.namespace) == process
    assert world.sent == [(process, signal.SIGKILL)]
    world.runs = False
    with pytest.raises(InvalidRunError, match="has no process now"):
        world.life.kill_pod(pod.name, None)
    with pytest.raises(UsageError, match=f"no pod {pod.name} of the lab; it has ui/"):
        world.life.kill_pod(pod.name, "ui")


def test_scaling_waits_for_the_pods(world: World) -> None:
    """Seen by the controller, and as many available as wanted; it returns what was before."""
    world.api.create(deployment("catalog", 3))

    def follow() -> None:
        found = world.api.named("Deployment")["catalog"]
        wanted = found["spec"]["replicas"]
        has = found.get("status", {}).get("replicas", 3) + 1
        seen = found["metadata"]["generation"]
        world.api.patch_status(
            found, {"observedGeneration": seen, "replicas": has, "availableReplicas": min(has, wanted)}
        )

    world.react = follow
    assert world.life.scale(CATALOG, 6) == 3
    assert world.api.named("Deployment")["catalog"]["status"]["replicas"] == 6
    for key, replicas in ((CATALOG, -1), (ServiceKey(namespace="shop", name="ui"), 1)):
        with pytest.raises(UsageError, match="lab scale: "):
            world.life.scale(key, replicas)


def test_a_node_that_is_added_takes_the_next_name_and_its_zones_wires(world: World) -> None:
    """It is not ready until its machine is, which the supervisor says."""
    world.api.patch(
        world.node("node-b-1"), {"metadata": {"annotations": {"samezone.dev/delays": '{"eu-west-1a": 1.0}'}}}
    )
    world.react = lambda: world.set_ready("Node", "node-b-3", ready=True)
    assert world.life.add_node(B, 1930, None, "now") == "node-b-3"
    made = world.node("node-b-3")
    assert (marks.wants_machine(made), marks.physical_zone(made), marks.delays_s(made)) == (True, B, {A: 1.0})
    assert made["status"]["allocatable"]["cpu"] == "1930m"
    with pytest.raises(UsageError, match="there is a node node-b-3 already"):
        world.life.add_node(B, 1000, "node-b-3", "now")
    with pytest.raises(UsageError, match="the lab has no zone mars"):
        world.life.add_node(Zone("mars"), 1000, None, "now")


def test_a_zone_label_is_taken_away_once(world: World) -> None:
    """The rest of the node stays; where it physically is, too."""
    assert world.life.unlabel_node("node-c-1") == C
    assert marks.physical_zone(world.node("node-c-1")) == C
    with pytest.raises(UsageError, match="node node-c-1 has no label topology"):
        world.life.unlabel_node("node-c-1")


def test_a_delay_is_set_both_ways_and_waited_for(world: World) -> None:
    """On every node of both zones; other delays stay; done when every relay has it."""

    def follow() -> None:
        for one in world.state.nodes:
            world.relays[one.relay_admin_url] = dict(marks.delays_s(world.node(one.name)))

    world.react = follow
    world.life.set_delay(A, B, 0.05)
    world.life.set_delay(C, A, 0.2)
    assert {name: marks.delays_s(world.node(name)) for name in ("node-a-2", "node-b-1", "node-c-2")} == {
        "node-a-2": {B: 0.05, C: 0.2},
        "node-b-1": {A: 0.05},
        "node-c-2": {A: 0.2},
    }
    assert json.loads(marks.annotations(world.node("node-a-1"))[marks.DELAYS]) == {B: 0.05, C: 0.2}


@pytest.mark.parametrize(
    ("one", "other", "delay_s"), [(A, A, 1.0), (A, B, -1.0), (A, B, float("nan")), (A, B, float("inf"))]
)
def test_a_delay_that_cannot_be_had_is_refused(world: World, one: Zone, other: Zone, delay_s: float) -> None:
    """Before anything is written."""
    before = world.api.version
    with pytest.raises(UsageError, match="give two zones, and seconds from 0"):
        world.life.set_delay(one, other, delay_s)
    assert world.api.version == before
    assert NodeName("node-a-1") in world.api.named("Node")
