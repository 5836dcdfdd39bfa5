"""Windows whose clock is set, whose load generators go, whose person is in a hurry."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s.errors import InterruptedRunError, SamezoneError, UnreachableError
from loadtest.arm_run import ArmRequest, ArmRun, Setup, run_arm
from loadtest.record import Asked, RunStatus
from loadtest.window.driving import ClockSteppedError
from tests.k8s.fakes import FakeCluster
from tests.loadtest.fakes import LOAD, PLACE, FakeSwarm

LOAD_S = LOAD.plan.duration_s
QUIET_S = LOAD.plan.quiet_s
BEGINS_S = 104.1
"""When the measured window begins: hints after a second, a second to settle, two of warm-up."""


@dataclass
class ClockThatIsSet(FakeCluster):
    """Its wall clock is set once its time has come."""

    set_at_s: float = 1e9
    to_be_set_by_s: float = 0.0

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.now_s >= self.set_at_s:
            self.set_by_s = self.to_be_set_by_s


@dataclass
class Impatient(FakeCluster):
    """Ctrl-C falls into the first pause that ends after its time."""

    interrupt_at_s: float = 1e9

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.now_s >= self.interrupt_at_s:
            self.interrupt_at_s = 1e9
            raise KeyboardInterrupt


@dataclass
class Mortal(FakeSwarm):
    """Its master is gone from a moment on: nothing answers any more."""

    dies_at_s: float = 1e9
    asked: list[str] = field(default_factory=list)

    def _ask(self) -> None:
        if self.cluster.now_s >= self.dies_at_s:
            raise UnreachableError("the Locust master does not answer")

    def progress(self) -> Any:
        self._ask()
        return super().progress()

    def stop(self) -> None:
        self._ask()
        super().stop()

    def tallies(self) -> Any:
        if self.cluster.now_s >= self.dies_at_s:
            self._ask()
        return super().tallies()


def run(cluster: FakeCluster, swarm: FakeSwarm | None = None) -> tuple[ArmRun, list[ArmRun]]:
    """The run, and what it published on the way."""
    published: list[ArmRun] = []
    setup = Setup(
        cluster=cluster,
        swarm=swarm or FakeSwarm(cluster),
        clock=cluster.clock,
        monotonic=cluster.monotonic,
        sleep=cluster.sleep,
        remember=lambda *_: None,
        give_back=lambda: None,
        publish=published.append,
    )
    asked = Asked(mode="tar", service=LOAD.service, client=LOAD.client, plan=LOAD.plan)
    return run_arm(setup, ArmRequest(run_id="r1", arm="tar", asked=asked, place=PLACE)), published


@pytest.mark.parametrize("step_s", [600.0, -600.0, 3600.0 * 24 * 365, -1.5])
def test_a_window_ends_where_the_clock_is_set(step_s: float):
    """Window and counts are those before the step, by the clock as it was; the error says so."""
    cluster = ClockThatIsSet(set_at_s=BEGINS_S + QUIET_S + 4.8, to_be_set_by_s=step_s)

    outcome, _ = run(cluster)

    record = outcome.record
    assert isinstance(outcome.error, ClockSteppedError)
    assert f"{abs(step_s):.1f} s" in str(outcome.error)
    assert record.status is RunStatus.FAILED
    assert [(one.step_s, one.during) for one in record.clock_steps] == [(step_s, "measuring")]
    assert "clock-stepped" in {one.code for one in record.caveats}
    assert record.measured is not None
    assert record.seen.measured is not None
    assert record.measured.start_s == pytest.approx(BEGINS_S)
    assert record.measured.length_s == pytest.approx(QUIET_S + 4.5)
    assert record.seen.measured.seconds == pytest.approx(4.5)
    assert record.seen.measured.requests == 50  # ten looks, five requests from one to the next


@given(at_s=st.floats(min_value=99, max_value=130), step_s=st.floats(min_value=-1e5, max_value=1e5))
def test_no_step_makes_load_longer_or_a_window_longer_than_its_load(at_s: float, step_s: float):
    """Whenever and however far the clock is set."""
    cluster = ClockThatIsSet(set_at_s=at_s, to_be_set_by_s=step_s)

    outcome, _ = run(cluster)

    record = outcome.record
    assert cluster.now_s <= BEGINS_S + LOAD_S + 2 * QUIET_S + 1
    if record.measured is not None:
        assert record.seen.measured is not None
        assert record.seen.measured.seconds <= LOAD_S + 1e-6
        assert 0 <= record.measured.length_s - record.seen.measured.seconds <= 2 * QUIET_S + 1e-6
    if record.status is RunStatus.COMPLETE:
        assert record.measured is not None
        assert record.measured.length_s == pytest.approx(LOAD_S + 2 * QUIET_S)
    else:
        assert isinstance(outcome.error, ClockSteppedError)
        assert len(record.clock_steps) == 1


def test_a_person_in_a_hurry_in_the_quiet_time_keeps_all_of_it():
    """After the load everything has been measured: an interrupted run with a whole window."""
    cluster = Impatient(interrupt_at_s=BEGINS_S + LOAD_S + 2 * QUIET_S - 0.01)

    outcome, _ = run(cluster)

    assert isinstance(outcome.error, InterruptedRunError)
    assert outcome.record.measured is not None
    assert outcome.record.measured.length_s >= LOAD_S + 2 * QUIET_S
    assert outcome.record.seen.measured is not None
    assert outcome.record.seen.measured.requests == 105


def test_a_master_that_goes_leaves_what_its_workers_had_told():
    """Counts of the last look, and a window that ends there."""
    cluster = FakeCluster()

    outcome, _ = run(cluster, Mortal(cluster, dies_at_s=BEGINS_S + QUIET_S + 4.8))

    record = outcome.record
    assert isinstance(outcome.error, SamezoneError)
    assert "the Locust master does not answer" in str(outcome.error)
    assert record.status is RunStatus.FAILED
    assert record.measured is not None
    assert record.seen.measured is not None
    assert record.seen.measured.requests == 50
    assert record.measured.length_s == pytest.approx(QUIET_S + 4.5)


def test_all_that_is_known_is_published_at_every_look():
    """From the warm-up on: a record of its own each time, with the status of a run that goes on."""
    outcome, published = run(FakeCluster())

    assert {one.record.status for one in published} == {RunStatus.RUNNING}
    counts = [one.record.seen.measured.requests for one in published if one.record.seen.measured]
    assert counts == sorted(counts)
    assert counts[-1] == 105
    assert len(counts) >= LOAD_S / 0.5
    assert published[0].record.seen.warmup is None
    assert published[-1].record.measured == outcome.record.measured
    assert all(one.topology for one in published)
