"""One pod's keeper, without a process."""

import signal
from dataclasses import dataclass, field
from typing import Any

from k8s.lab.apiclient.api import ApiError
from k8s.lab.design.layout import LabPod
from k8s.lab.design.store_app import CATALOG, STORE
from k8s.lab.nodes.kubelet import Kubelet
from k8s.lab.processes import ProcessId
from k8s.topology import NodeName, PodName, Zone

POD = LabPod(
    service=CATALOG,
    workload=STORE.images["samezone.dev/lab/catalog"],
    name=PodName("catalog-6d5f7c9b8-x7k2p"),
    node=NodeName("node-a-1"),
    zone=Zone("eu-west-1a"),
    ip="127.100.1.1",
)


@dataclass
class World:
    """A pod's process, its probes, the API and the clock."""

    time_s: float = 100.0
    healthy: bool = True
    api_is_up: bool = True
    starts: int = 0
    asked: list[str] = field(default_factory=list)
    statuses: list[Any] = field(default_factory=list)
    sent: list[tuple[int, int]] = field(default_factory=list)
    kubelet: Kubelet = field(init=False)

    def __post_init__(self) -> None:
        self.kubelet = Kubelet(
            pod=POD,
            host_ip="127.100.0.1",
            api=self,
            launch=self.launch,
            send=lambda process, number: self.sent.append((process.pid, number)),
            probe=self.probe,
            clock_s=lambda: self.time_s,
            now=lambda: "2026-01-01T00:00:00Z",
        )

    def launch(self) -> ProcessId:
        self.starts += 1
        return ProcessId(pid=1000 + self.starts, started="now")

    def probe(self, url: str) -> bool:
        self.asked.append(url)
        return self.healthy

    def set_status(self, obj: Any, status: Any) -> bool:
        assert obj["metadata"]["name"] == POD.name
        if not self.api_is_up:
            raise ApiError("the API server is away")
        self.statuses.append(status)
        return True

    def ready(self) -> list[str]:
        """The Ready condition of every status that was written."""
        return [
            condition["status"]
            for status in self.statuses
            for condition in status["conditions"]
            if condition["type"] == "Ready"
        ]

    def pass_time(self, seconds: float, step_s: float = 0.1) -> None:
        for _ in range(round(seconds / step_s)):
            self.time_s += step_s
            self.kubelet.tick()


def test_a_pod_is_ready_once_its_readiness_probe_answers() -> None:
    """Not before; the status says so once."""
    world = World(healthy=False)
    world.kubelet.start()
    world.pass_time(1)
    assert (world.kubelet.ready, world.ready()) == (False, [])
    world.healthy = True
    world.pass_time(1)
    assert (world.kubelet.ready, world.ready()) == (True, ["True"])
    assert {"http://127.100.1.1:8080/health"} == set(world.asked)


def test_the_status_has_the_address_and_the_containers() -> None:
    """What the EndpointSlice controller and kubectl read."""
    world = World()
    world.kubelet.start()
    world.kubelet.tick()
    status = world.statuses[-1]
    assert (status["phase"], status["podIP"], status["hostIP"]) == ("Running", "127.100.1.1", "127.100.0.1")
    assert (status["containerStatuses"][0]["ready"], status["containerStatuses"][0]["restartCount"]) == (
        True,
        0,
    )


def test_two_failed_probes_are_forgiven_and_three_are_not() -> None:
    """A kubelet's default failureThreshold."""
    world = World()
    world.kubelet.start()
    world.pass_time(1)
    world.healthy = False
    world.pass_time(2)
    assert world.kubelet.ready
    world.pass_time(2)
    assert not world.kubelet.ready


def test_a_pod_that_ended_is_not_ready_and_starts_again_at_once() -> None:
    """Its restarts are counted, and it is ready again when its probe answers."""
    world = World()
    world.kubelet.start()
    world.pass_time(1)
    world.kubelet.ended(137)
    assert world.ready() == ["True", "False"]
    assert world.statuses[-1]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 137
    world.pass_time(1)
    assert (world.starts, world.kubelet.restarts, world.kubelet.ready) == (2, 1, True)


def test_a_pod_that_ends_again_and_again_is_started_less_and_less_often() -> None:
    """The pause doubles up to ten seconds."""
    world = World()
    world.kubelet.start()
    for _ in range(2):
        world.kubelet.ended(1)
        world.kubelet.tick()
    assert world.starts == 2
    world.pass_time(0.9)
    assert world.starts == 2
    world.pass_time(0.2)
    assert world.starts == 3


def test_a_status_the_api_did_not_take_is_written_later() -> None:
    """A restart of the API would be a crash of the lab; a slow answer is not."""
    world = World(api_is_up=False)
    world.kubelet.start()
    world.pass_time(1)
    assert (world.kubelet.ready, world.ready()) == (True, [])
    world.api_is_up = True
    world.pass_time(0.1)
    assert world.ready() == ["True"]


def test_a_pod_that_shall_end_is_told_after_its_pre_stop_and_is_not_ready_then() -> None:
    """So the proxies have it off their lists when it stops listening; it is not started again."""
    world = World()
    world.kubelet.start()
    world.pass_time(1)
    world.kubelet.stop(1.0, 30.0)
    world.pass_time(0.5)
    assert (world.sent, world.kubelet.ready) == ([], True)
    world.pass_time(1)
    assert (world.sent, world.kubelet.ready) == ([(1001, signal.SIGTERM)], False)
    assert not world.kubelet.ended_for_good
    world.kubelet.ended(0)
    world.pass_time(20)
    assert (world.starts, world.kubelet.ended_for_good) == (1, True)


def test_a_pod_that_does_not_end_in_time_is_killed() -> None:
    """A shorter grace that comes later counts, a longer one does not."""
    world = World()
    world.kubelet.start()
    world.kubelet.stop(0.0, 30.0)
    world.kubelet.stop(0.0, 2.0)
    world.kubelet.stop(0.0, 60.0)
    world.pass_time(1.9)
    assert world.sent == [(1001, signal.SIGTERM)]
    world.pass_time(0.3)
    assert world.sent[-1] == (1001, signal.SIGKILL)


def test_a_power_loss_is_silence_and_then_a_new_start() -> None:
    """Nothing is probed, nothing reported; when power is back the process is lost and started anew."""
    world = World()
    world.kubelet.start()
    world.pass_time(1)
    world.kubelet.freeze()
    asked, told = len(world.asked), len(world.statuses)
    world.pass_time(5)
    assert (world.sent, len(world.asked), len(world.statuses)) == ([(1001, signal.SIGSTOP)], asked, told)
    world.kubelet.thaw()
    assert world.sent[-1] == (1001, signal.SIGKILL)
    world.kubelet.ended(137)
    world.pass_time(1)
    assert (world.starts, world.kubelet.restarts, world.kubelet.ready) == (2, 1, True)


def test_a_pod_that_hangs_fails_its_probes_and_goes_on_where_it_stood() -> None:
    """Three failures later it is not ready; it is not started anew."""
    world = World()
    world.kubelet.start()
    world.pass_time(1)
    world.kubelet.hang(hung=True)
    world.pass_time(4)
    assert not world.kubelet.ready
    world.kubelet.hang(hung=False)
    world.pass_time(2)
    assert (world.kubelet.ready, world.starts) == (True, 1)
    assert world.sent == [(1001, signal.SIGSTOP), (1001, signal.SIGCONT)]


def test_a_node_that_is_not_ready_takes_its_pods_along() -> None:
    """The pod's condition only: its container is as ready as it was, which is seen again afterwards."""
    world = World()
    world.kubelet.start()
    world.pass_time(1)
    assert world.kubelet.tell_node_ready(ready=False)
    assert not world.kubelet.tell_node_ready(ready=False)
    assert world.statuses[-1]["containerStatuses"][0]["ready"]
    world.kubelet.tell_node_ready(ready=True)
    assert world.ready() == ["True", "False", "True"]
