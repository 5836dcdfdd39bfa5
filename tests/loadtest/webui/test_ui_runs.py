"""Loads of the web UI become run folders: over a fake place, with real files."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from loadtest import rundir
from loadtest.record import Asked, RunStatus
from loadtest.swarm.interface import Progress
from loadtest.webui.ui_runs import RunsSetting, UiRuns
from loadtest.worker.messages import UI_RUN, Order
from loadtest.worker.plan import LoadPlan
from loadtest.worker.tally import WorkerTally
from tests.k8s.fakes import KEY
from tests.loadtest.fakes import PLACE, UI, FakePlaceCluster, FakePlatform

RATE_PER_S = 10


@dataclass
class Screen:
    """The web UI second by second: started, stopped, looked at."""

    folder: Path
    cluster: FakePlaceCluster = field(default_factory=FakePlaceCluster)
    said: list[str] = field(default_factory=list)
    truths: list[float] = field(default_factory=list)
    """When the relays were read."""
    order: Order | None = None
    stopped_s: float | None = None
    settles: bool = True

    def __post_init__(self) -> None:
        platform = FakePlatform(cluster=self.cluster, read_truth=self.read_truth)
        self.runs = UiRuns(
            RunsSetting(
                platform=platform,
                place=PLACE,
                asked=Asked(mode="off", service=KEY, client=UI, plan=LoadPlan()),
                runs=self.folder,
                counting=(("source", "xray"),),
                versions=(("samezone", "1"),),
                clock=self.cluster.clock,
                monotonic=self.cluster.monotonic,
                say=self.said.append,
            )
        )

    def read_truth(self) -> Any:
        self.truths.append(self.cluster.now_s)
        return {"at_s": self.cluster.now_s}

    def start(self, *, run_id: str = f"100{UI_RUN}") -> None:
        generation = 1 if self.order is None else self.order.generation + 1
        self.order = Order(
            generation=generation,
            run_id=run_id,
            phase="measure",
            plan=LoadPlan(),
            start_at_s=self.cluster.now_s + 0.5,
            seats=(),
        )
        self.stopped_s = None

    def stop(self) -> None:
        self.stopped_s = self.cluster.now_s

    def progress(self) -> Progress:
        runs = self.order is not None and self.stopped_s is None
        tally = WorkerTally(worker="w1", zone="a", node="node-a")
        if self.order is not None:
            until_s = self.cluster.now_s if self.stopped_s is None else self.stopped_s
            first_s = self.order.start_at_s
            requests = max(0, int((until_s - first_s) * RATE_PER_S))
            tally = replace(tally, requests=requests, first_s=first_s, last_s=max(first_s, until_s))
        return Progress(
            requests=tally.requests,
            failures=0,
            workers=1,
            tallies=(tally,),
            state="running" if runs else "stopped",
            idle=0 if runs or not self.settles else 1,
            order=self.order,
        )

    def watch(self, seconds: int) -> None:
        for _ in range(seconds):
            self.runs.look(self.progress())
            self.cluster.sleep(1.0)

    @property
    def folders(self) -> list[Path]:
        return sorted(self.folder.iterdir()) if self.folder.exists() else []


def test_a_load_leaves_a_run_folder(tmp_path: Path):
    """Complete, with its own mode, and a window that has quiet time on both sides of all its requests."""
    screen = Screen(tmp_path)
    screen.watch(5)
    screen.start()
    screen.watch(20)
    screen.stop()
    screen.watch(4)

    (folder,) = screen.folders
    record = rundir.read_record(folder)
    assert (record.status, record.arm, record.asked.mode) == (RunStatus.COMPLETE, "web-off", "off")
    assert (record.run_id, record.counting) == (screen.order.run_id, (("source", "xray"),))
    assert record.measured.start_s <= screen.order.start_at_s - 1.5
    assert record.measured.end_s >= screen.stopped_s + 1.5
    assert record.seen.measured.requests == 195
    assert record.asked.plan.warmup_s == 0
    assert {path.name for path in folder.iterdir()} == {"record.json", "topology.jsonl", "truth.json"}
    assert rundir.read_topology(folder)
    assert folder.name in screen.runs.told
    assert "not-quiet" not in {one.code for one in record.caveats}


def test_two_loads_of_about_equal_length_can_be_compared(tmp_path: Path):
    """Their plans are equal: a person's stop is never twice at the same second."""
    screen = Screen(tmp_path)
    for seconds in (22, 24):
        screen.watch(4)
        screen.start()
        screen.watch(seconds)
        screen.stop()
        screen.watch(4)

    first, second = (rundir.read_record(folder) for folder in screen.folders)
    assert first.asked.plan == second.asked.plan
    assert first.status is second.status is RunStatus.COMPLETE


def test_a_mode_changed_under_the_load_makes_it_no_evidence(tmp_path: Path):
    """Also one that is put back before the end: the folder is kept, its status and a caveat tell."""
    screen = Screen(tmp_path)
    screen.watch(4)
    screen.start()
    screen.watch(5)
    before = screen.cluster.current
    screen.cluster.apply({"spec": {"trafficDistribution": "PreferClose"}})
    screen.watch(5)
    screen.cluster.current = before
    screen.watch(5)
    screen.stop()
    screen.watch(4)

    record = rundir.read_record(screen.folders[0])
    assert record.status is RunStatus.FAILED
    assert "from off to prefer-close" in next(
        one.text for one in record.caveats if one.code == "routing-changed"
    )
    assert "failed" in screen.runs.told


def test_ctrl_c_keeps_what_was_measured(tmp_path: Path):
    """Marked as interrupted."""
    screen = Screen(tmp_path)
    screen.watch(4)
    screen.start()
    screen.watch(8)
    screen.runs.end()

    record = rundir.read_record(screen.folders[0])
    assert record.status is RunStatus.INTERRUPTED
    assert record.seen.measured.requests > 50


def test_a_start_right_after_a_stop_ends_the_run_as_failed(tmp_path: Path):
    """Its last requests were never seen to be counted."""
    screen = Screen(tmp_path)
    screen.watch(4)
    screen.start()
    screen.watch(8)
    screen.settles = False
    screen.stop()
    screen.watch(1)
    screen.settles = True
    screen.start()
    screen.watch(8)
    screen.stop()
    screen.watch(4)

    first, second = (rundir.read_record(folder) for folder in screen.folders)
    assert (first.status, second.status) == (RunStatus.FAILED, RunStatus.COMPLETE)
    assert "not-quiet" in {one.code for one in second.caveats}


def test_loads_of_other_commands_are_not_ours(tmp_path: Path):
    """A run drives the same master in a cluster, and keeps itself."""
    screen = Screen(tmp_path)
    screen.watch(4)
    screen.start(run_id="1700000000-tar")
    screen.watch(6)
    screen.stop()
    screen.watch(4)

    assert screen.folders == []


def test_an_api_server_that_is_away_costs_the_run_alone(tmp_path: Path):
    """The web UI goes on, the tab tells, and the next load is kept again."""
    screen = Screen(tmp_path)
    screen.watch(4)
    screen.cluster.is_away = True
    screen.start()
    screen.watch(6)
    assert "not kept" in screen.runs.told
    screen.cluster.is_away = False
    screen.stop()
    screen.watch(4)
    screen.start()
    screen.watch(6)
    screen.stop()
    screen.watch(4)

    assert [rundir.read_record(folder).status for folder in screen.folders] == [RunStatus.COMPLETE]


def test_an_api_server_that_goes_away_under_the_load_ends_its_run(tmp_path: Path):
    """What was measured until then is kept as failed, with the reason."""
    screen = Screen(tmp_path)
    screen.watch(4)
    screen.start()
    screen.watch(6)
    screen.cluster.is_away = True
    screen.watch(3)

    record = rundir.read_record(screen.folders[0])
    assert record.status is RunStatus.FAILED
    assert "connection refused" in screen.runs.told
