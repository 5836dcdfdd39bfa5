"""The web UI's use-case over fakes: it ends its load generators however it ends."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from k8s.errors import UnreachableError
from loadtest.swarm.interface import Progress, Swarm
from loadtest.webui.serving import WebRequest, serve
from loadtest.worker.messages import UI_RUN
from tests.loadtest.fakes import UI, FakePlaceCluster, FakePlatform, FakeSwarm


@dataclass
class Aside:
    """Counts its looks; its end may fail."""

    steps: list[str] = field(default_factory=list)
    fails: bool = False
    stopped: bool = False
    """Whether the load had been stopped when this ended."""
    swarm: Swarm | None = None

    def begin(self) -> None:
        self.steps.append("begin")

    def look(self, swarm: Swarm, progress: Progress) -> None:
        assert swarm.web_url
        assert progress.workers
        self.swarm = swarm
        self.steps.append("look")

    def end(self) -> None:
        self.steps.append("end")
        self.stopped = isinstance(self.swarm, FakeSwarm) and "stop" in self.swarm.steps
        if self.fails:
            raise UnreachableError("putting back what Service catalog/catalog had: connection refused")


@dataclass
class Watcher:
    """Waits on the cluster's clock; presses Ctrl-C at a time."""

    platform: FakePlatform
    leaves_at_s: float = 1e9
    said: list[str] = field(default_factory=list)
    beside: Aside = field(default_factory=Aside)

    def sleep(self, seconds: float) -> None:
        self.platform.cluster.sleep(seconds)
        if self.platform.cluster.now_s >= self.leaves_at_s:
            raise KeyboardInterrupt

    def serve(self, logs: Path) -> None:
        serve(
            self.platform,
            WebRequest(client=UI, port=8089, logs=logs),
            beside=self.beside,
            clock=self.platform.cluster.clock,
            sleep=self.sleep,
            say=self.said.append,
        )


def platform(**swarm: object) -> FakePlatform:
    return FakePlatform(
        cluster=FakePlaceCluster(),
        make_swarm=lambda cluster: FakeSwarm(cluster, **swarm),  # type: ignore[arg-type]
    )


def test_it_runs_until_ctrl_c(tmp_path: Path):
    """The address is said first; the port is the one asked for."""
    watcher = Watcher(platform(), leaves_at_s=105.0)

    watcher.serve(tmp_path)

    assert watcher.said == [
        "Locust web UI: http://127.0.0.1:8089 (workers in a); Ctrl-C ends it",
        "ending",
    ]
    assert watcher.platform.swarms[0].steps == ["open", "close"]
    assert watcher.platform.names == [(UI, "64", tmp_path, 8089)]
    assert watcher.beside.steps == ["begin", *["look"] * 5, "end"]


@pytest.mark.parametrize(("run_id", "is_stopped"), [(f"1-{UI_RUN}", True), ("20261130T101010Z-off", False)])
def test_a_load_that_goes_on_is_stopped_if_it_is_the_uis(tmp_path: Path, run_id: str, is_stopped: bool):
    """Before anything is put back; what another command drives by the same master is not ours to end."""
    watcher = Watcher(platform(going=run_id), leaves_at_s=103.0)

    watcher.serve(tmp_path)

    assert watcher.said[1:] == ["ending", *["stopping the load"] * is_stopped]
    assert watcher.platform.swarms[0].steps == ["open", *["stop"] * is_stopped, "close"]
    assert watcher.beside.stopped == is_stopped


def test_a_lost_worker_does_not_end_it(tmp_path: Path):
    """Who is lost and who is back is said once each, with what it cost; Ctrl-C ends it as before."""
    watcher = Watcher(platform(lost_at_s=103.0, back_after_s=3.0, comes_back=True), leaves_at_s=110.0)

    watcher.serve(tmp_path)

    assert watcher.said[1:] == [
        "worker w1 is lost; its zone's load is missing until it is replaced",
        "worker w1 of a is back after 3.0 s, now w2; 0 requests are missing",
        "ending",
    ]
    assert watcher.platform.swarms[0].steps[-1] == "close"


def test_a_lost_master_ends_it(tmp_path: Path):
    """Nobody can drive the workers then."""
    watcher = Watcher(platform(dies_at_s=103.0))

    with pytest.raises(UnreachableError, match="master does not answer"):
        watcher.serve(tmp_path)

    assert watcher.platform.swarms[0].steps[-1] == "close"


def test_generators_that_do_not_start_are_ended(tmp_path: Path):
    """Half a swarm is closed, and the reason is raised."""
    watcher = Watcher(platform(fails_to_open=True))

    with pytest.raises(UnreachableError, match="port 5557 is taken"):
        watcher.serve(tmp_path)

    assert watcher.platform.swarms[0].steps == ["open", "close"]


def test_interrupted_before_the_ui_is_there(tmp_path: Path):
    """That is no orderly end, but everything is ended."""
    watcher = Watcher(platform(interrupted_while_opening=True))

    with pytest.raises(KeyboardInterrupt):
        watcher.serve(tmp_path)

    assert watcher.said == []
    assert watcher.platform.swarms[0].steps == ["open", "close"]


def test_what_cannot_be_put_back_ends_the_generators_all_the_same(tmp_path: Path):
    """And is raised."""
    watcher = Watcher(platform(), leaves_at_s=103.0, beside=Aside(fails=True))

    with pytest.raises(UnreachableError, match="putting back"):
        watcher.serve(tmp_path)

    assert watcher.platform.swarms[0].steps[-1] == "close"
