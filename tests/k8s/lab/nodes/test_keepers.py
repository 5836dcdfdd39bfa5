"""The kubelets of all nodes, the outages and the machines, over an API server in memory; no process runs."""

import signal
from typing import Any

import pytest

from k8s.lab.design.addresses import MAX_OWN_PODS, Addresses
from k8s.lab.design.layout import LabNode, LabPod
from k8s.lab.design.store_app import STORE
from k8s.lab.nodes.keepers import Keepers, NoAddressError, PodAddresses
from k8s.lab.nodes.kubelet import Kubelet
from k8s.lab.nodes.machines import Machines
from k8s.lab.nodes.outages import Outages
from k8s.lab.processes import ProcessId
from k8s.topology import NodeName, PodName, Zone
from tests.k8s.lab.cast import Cast, node

LAB = Addresses(octet=100)
A, B = Zone("eu-west-1a"), Zone("eu-west-1b")
NOW = "2026-01-01T00:00:00Z"


def machine(number: int, zone: Zone) -> LabNode:
    name = NodeName(f"node-{zone[-1]}-1")
    return LabNode(number=number, name=name, zone=zone, ip=LAB.node(number), cpu_milli=4000)


class House:
    """Two machines, their kubelets, and a clock."""

    def __init__(self) -> None:
        self.api = Cast()
        self.time_s = 100.0
        self.machines = {one.name: one for one in (machine(1, A), machine(2, B))}
        self.processes: dict[str, ProcessId] = {}
        self.sent: list[tuple[str, signal.Signals]] = []
        self.relays: list[str] = []
        self.relays_up = True
        for one in self.machines.values():
            self.api.create(node(one.name, one.zone, zone=one.zone, machine="lab"))
        self.keepers = Keepers(
            api=self.api,
            pods=self.api.feeds.pods,
            machines=self.machines,
            addresses=PodAddresses(LAB),
            images=STORE.images,
            seeded={},
            make=self.make,
            late=set(),
        )
        self.outages = Outages(
            api=self.api,
            nodes=self.api.feeds.nodes,
            keepers=self.keepers,
            machines=self.machines,
            clock_s=lambda: self.time_s,
            now=lambda: NOW,
        )
        self.joining = Machines(
            api=self.api,
            nodes=self.api.feeds.nodes,
            machines=self.machines,
            addresses=LAB,
            zones=(A, B),
            start_relay=lambda one: self.relays.append(one.name),
            is_up=lambda _: self.relays_up,
            now=lambda: NOW,
        )

    def make(self, pod: LabPod) -> Kubelet:
        return Kubelet(
            pod=pod,
            host_ip="127.100.0.1",
            api=self.api,
            launch=lambda: self.launch(pod.name),
            probe=lambda _: True,
            clock_s=lambda: self.time_s,
            send=self.send,
            now=lambda: NOW,
        )

    def launch(self, name: str) -> ProcessId:
        self.processes[name] = ProcessId(pid=len(self.processes) + 1, started=name)
        return self.processes[name]

    def send(self, process: ProcessId, number: signal.Signals) -> None:
        self.sent.append((process.started, number))
        if number in {signal.SIGTERM, signal.SIGKILL}:
            self.keepers.kubelets[PodName(process.started)].ended(0)

    def pass_time(self, seconds: float) -> None:
        """Live on, in steps of a tenth of a second."""
        for _ in range(round(seconds * 10)):
            self.time_s += 0.1
            self.joining.sync()
            self.outages.sync()
            self.keepers.sync()
            self.keepers.tick()

    def add_pod(self, name: str, on: str | None = "node-a-1", **more: Any) -> None:
        image = more.pop("image", "samezone.dev/lab/catalog")
        owner = [
            {"kind": "ReplicaSet", "uid": "rs", "name": "rs", "apiVersion": "apps/v1", "controller": True}
        ]
        metadata = {"name": name, "namespace": "catalog", "ownerReferences": owner, **more}
        spec = {"containers": [{"name": "app", "image": image}], **({"nodeName": on} if on else {})}
        self.api.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})

    def pod(self, name: str) -> Any:
        return self.api.named("Pod")[name]

    def ready(self, kind: str, name: str) -> str:
        conditions = self.api.named(kind)[name]["status"]["conditions"]
        return next(one["status"] for one in conditions if one["type"] == "Ready")

    def mark(self, name: str, outage: str | None) -> None:
        self.api.patch(
            self.api.named("Node")[name], {"metadata": {"annotations": {"samezone.dev/outage": outage}}}
        )


def test_a_pod_that_is_placed_is_started_and_becomes_ready() -> None:
    """With an address on its node that no pod had before."""
    house = House()
    house.add_pod("one")
    house.add_pod("two", "node-b-1")
    house.pass_time(0.5)
    assert (house.ready("Pod", "one"), house.pod("one")["status"]["podIP"]) == ("True", "127.100.1.1")
    assert [(pod.name, pod.zone, pod.ip) for pod in house.keepers.present] == [
        ("one", A, "127.100.1.1"),
        ("two", B, "127.100.2.1"),
    ]


@pytest.mark.parametrize(
    "pod",
    [
        {"on": None},
        {"on": "paper"},
        {"ownerReferences": []},
        {"ownerReferences": [], "annotations": {"samezone.dev/external": "true"}},
    ],
    ids=["not placed", "no machine", "bare", "external"],
)
def test_a_pod_that_is_not_ours_is_not_started(pod: dict[str, Any]) -> None:
    """Nor removed."""
    house = House()
    house.add_pod("one", **pod)
    house.pass_time(1)
    assert (house.processes, list(house.api.named("Pod"))) == ({}, ["one"])


def test_a_pod_of_an_image_the_lab_does_not_have_says_so_once() -> None:
    """It stays Pending, and goes when it is deleted."""
    house = House()
    house.add_pod("one", image="nginx")
    house.pass_time(0.1)
    said = house.pod("one")["status"]
    version = house.api.version
    house.pass_time(1)
    assert (said["phase"], house.processes, house.api.version) == ("Pending", {}, version)
    assert said["containerStatuses"][0]["state"]["waiting"]["reason"] == "ErrImageNeverPull"
    house.api.delete(house.pod("one"))
    house.pass_time(0.1)
    assert house.api.removed == ["one"]


def test_a_deleted_pod_ends_goes_away_and_its_address_is_not_used_again() -> None:
    """SIGTERM, its object removed when its process is gone, another address for the next."""
    house = House()
    house.add_pod("one")
    house.pass_time(1)
    house.api.delete(house.pod("one"))
    house.pass_time(0.3)
    assert (house.sent, house.api.removed) == ([("one", signal.SIGTERM)], ["one"])
    house.add_pod("two")
    house.pass_time(0.3)
    assert [pod.ip for pod in house.keepers.present] == ["127.100.1.2"]


def test_a_pod_whose_object_vanished_ends_too() -> None:
    """As after kubectl delete --force; there is nothing left to remove."""
    house = House()
    house.add_pod("one")
    house.pass_time(1)
    house.api.delete(house.pod("one"), 0)
    house.pass_time(0.3)
    assert (house.sent, house.keepers.present) == ([("one", signal.SIGTERM)], ())


def test_a_deleted_pod_that_never_ran_here_is_removed_at_once() -> None:
    """A bare pod on a machine: nobody else would finish it."""
    house = House()
    house.add_pod("bare", ownerReferences=[])
    house.api.delete(house.pod("bare"))
    house.pass_time(0.1)
    assert house.api.removed == ["bare"]


def test_a_power_loss_is_found_after_the_grace_time_and_taken_back() -> None:
    """The node is Unknown and its pods not ready; when power is back they start anew and all is ready."""
    house = House()
    house.add_pod("one")
    house.add_pod("two", "node-b-1")
    house.pass_time(1)
    house.mark("node-a-1", "nodes")
    house.pass_time(0.9)
    assert (house.ready("Node", "node-a-1"), house.ready("Pod", "one")) == ("True", "True")
    house.pass_time(0.3)
    assert (house.ready("Node", "node-a-1"), house.ready("Pod", "one")) == ("Unknown", "False")
    assert (house.ready("Node", "node-b-1"), house.ready("Pod", "two")) == ("True", "True")
    assert house.sent == [("one", signal.SIGSTOP)]
    house.mark("node-a-1", None)
    house.pass_time(1)
    assert (house.ready("Node", "node-a-1"), house.ready("Pod", "one")) == ("True", "True")
    assert house.keepers.kubelets[PodName("one")].restarts == 1


def test_a_machine_without_power_neither_starts_nor_ends_pods() -> None:
    """Both happen when it is back."""
    house = House()
    house.add_pod("one")
    house.pass_time(1)
    house.mark("node-a-1", "nodes")
    house.pass_time(0.1)
    house.api.delete(house.pod("one"))
    house.add_pod("two")
    house.pass_time(3)
    assert (list(house.processes), house.api.removed) == (["one"], [])
    house.mark("node-a-1", None)
    house.pass_time(1)
    assert (list(house.processes), house.api.removed) == (["one", "two"], ["one"])


def test_pods_that_hang_are_not_ready_while_their_node_is() -> None:
    """Three failed probes later."""
    house = House()
    house.add_pod("one")
    house.pass_time(1)
    house.mark("node-a-1", "pods")
    house.pass_time(4)
    assert (house.ready("Node", "node-a-1"), house.ready("Pod", "one")) == ("True", "False")
    house.mark("node-a-1", None)
    house.pass_time(2)
    assert (house.ready("Pod", "one"), len(house.processes)) == ("True", 1)


def test_a_node_that_somebody_declares_not_ready_takes_its_pods_along() -> None:
    """Nothing writes the condition back: it is somebody's wish."""
    house = House()
    house.add_pod("one")
    house.pass_time(1)
    wish = {"conditions": [{"type": "Ready", "status": "False"}]}
    house.api.patch_status(house.api.named("Node")["node-a-1"], wish)
    house.pass_time(2)
    assert (house.ready("Node", "node-a-1"), house.ready("Pod", "one")) == ("False", "False")


def test_what_stands_still_can_end() -> None:
    """Before the lab stops; a process that is stopped would not hear."""
    house = House()
    house.add_pod("one")
    house.add_pod("two", "node-b-1")
    house.pass_time(1)
    house.mark("node-a-1", "nodes")
    house.mark("node-b-1", "pods")
    house.pass_time(0.1)
    house.keepers.thaw_all()
    assert house.sent[2:] == [("one", signal.SIGKILL), ("two", signal.SIGCONT)]


def test_a_node_that_asks_for_a_machine_gets_one() -> None:
    """The next number, a relay, an address; ready once the relay works, and then pods may run there."""
    house = House()
    house.relays_up = False
    house.api.create(node("node-a-2", A, ready="False", zone=A, machine="lab"))
    house.pass_time(0.5)
    assert (house.relays, house.ready("Node", "node-a-2")) == (["node-a-2"], "False")
    house.relays_up = True
    house.pass_time(0.1)
    made = house.api.named("Node")["node-a-2"]["status"]
    assert made["addresses"][0] == {"type": "InternalIP", "address": "127.100.0.3"}
    assert house.ready("Node", "node-a-2") == "True"
    house.add_pod("one", "node-a-2")
    house.pass_time(0.5)
    assert [pod.ip for pod in house.keepers.present] == ["127.100.3.1"]


@pytest.mark.parametrize(
    "marks", [{}, {"zone": A}, {"machine": "lab"}, {"machine": "lab", "zone": "eu-west-1z"}]
)
def test_a_node_without_the_marks_stays_an_object(marks: dict[str, str]) -> None:
    """It counts for CPU shares, and nothing runs there."""
    house = House()
    house.api.create(node("paper", A, **marks))
    house.pass_time(1)
    assert (house.relays, len(house.machines)) == ([], 2)


def test_addresses_are_used_again_only_when_there_are_no_others() -> None:
    """The longest unused first; none at all is an error that says so."""
    addresses = PodAddresses(LAB, {1: 3})
    ips = [addresses.take(1) for _ in range(MAX_OWN_PODS - 3)]
    assert (ips[0], len(set(ips))) == ("127.100.1.4", MAX_OWN_PODS - 3)
    with pytest.raises(NoAddressError, match="node number 1: all its 607 addresses are in use"):
        addresses.take(1)
    for ip in (ips[7], ips[2]):
        addresses.give_back(ip)
    assert [addresses.take(1), addresses.take(1)] == [ips[7], ips[2]]
    assert addresses.take(2) == "127.100.2.1"
