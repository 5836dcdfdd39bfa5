"""Live traffic is watched for its length, and no longer than a guard or the source allows."""

from dataclasses import replace
from itertools import pairwise

import pytest

from k8s.errors import UnreachableError
from k8s.routing.modes import RoutingMode, mode_of
from k8s.topology import Snapshot
from loadtest.arm_run import ArmRequest, ArmRun, Setup, run_arm
from loadtest.record import Asked, RunRecord, RunStatus, Traffic, Window
from loadtest.window import watching
from loadtest.window.watching import GuardBreachedError, Watch
from tests.k8s.fakes import FakeCluster
from tests.loadtest.fakes import LOAD, PLACE, FakePlaceCluster

PLAN = replace(LOAD.plan, duration_s=100.0, warmup_s=5.0)


class Eyes:
    """Sees a guard broken, or nothing at all, from some moment on."""

    def __init__(self, cluster: FakeCluster, *, broken_at_s: float = 1e9, blind_at_s: float = 1e9) -> None:
        self.cluster, self.broken_at_s, self.blind_at_s = cluster, broken_at_s, blind_at_s
        self.windows: list[Window] = []
        self.records: list[RunRecord] = []

    def look(self, so_far: RunRecord, topology: object, window: Window) -> str | None:
        assert isinstance(topology, tuple)
        assert all(isinstance(one, Snapshot) for one in topology)
        self.records.append(so_far)
        self.windows.append(window)
        if self.cluster.now_s >= self.blind_at_s:
            raise UnreachableError("the source is away")
        return "error rate gained: 0.5" if self.cluster.now_s >= self.broken_at_s else None


def run(cluster: FakePlaceCluster, eyes: Eyes | None) -> ArmRun:
    had = cluster.current

    def give_back() -> None:
        cluster.current = had

    watch = None if eyes is None else Watch(look=eyes.look, every_s=2.0, blind_s=30.0)
    setup = Setup(
        cluster=cluster,
        swarm=None,
        clock=cluster.clock,
        monotonic=cluster.monotonic,
        sleep=cluster.sleep,
        remember=lambda *_: None,
        give_back=give_back,
    )
    asked = Asked(mode="tar", service=LOAD.service, client=LOAD.client, plan=PLAN, traffic=Traffic.LIVE)
    return run_arm(setup, ArmRequest(run_id="1-tar", arm="tar", asked=asked, place=PLACE, watch=watch))


def test_a_window_without_a_breach_is_as_long_as_asked():
    """Its load is nobody's; looks begin when the mode is in force, and grow apart as the window does."""
    cluster = FakePlaceCluster()
    eyes = Eyes(cluster)
    found = run(cluster, eyes)

    assert (found.error, found.record.status) == (None, RunStatus.COMPLETE)
    assert found.record.measured is not None
    assert found.record.measured.length_s == pytest.approx(PLAN.duration_s, abs=0.01)
    assert found.record.seen.measured is not None
    assert found.record.seen.measured.workers == ()
    assert {one.status for one in eyes.records} == {RunStatus.RUNNING}
    assert len({one.start_s for one in eyes.windows}) == 1
    lengths = [one.length_s for one in eyes.windows]
    gaps = [later - earlier for earlier, later in pairwise(lengths)]
    assert 2.0 <= lengths[0] <= 2.6
    assert all(
        gap <= max(2.0, watching.GROWTH * before) + 0.6 for before, gap in zip(lengths, gaps, strict=False)
    )
    assert lengths[-1] > 90.0


def test_a_breach_ends_it_with_the_service_put_back():
    """The record says which guard, when it was seen and when the Service had what it had before."""
    cluster = FakePlaceCluster()
    found = run(cluster, Eyes(cluster, broken_at_s=130.0))

    assert isinstance(found.error, GuardBreachedError)
    assert found.record.status is RunStatus.BREACHED
    breach = found.record.seen.breach
    assert breach is not None
    assert breach.text == "error rate gained: 0.5"
    assert breach.restored_s is not None
    assert 130.0 <= breach.at_s <= breach.restored_s < 135.0
    assert mode_of(cluster.current) is RoutingMode.OFF
    assert found.record.measured is not None
    assert found.record.measured.end_s < 135.0
    assert str(found.error).startswith("a guard was broken: error rate gained: 0.5; put back after")


def test_a_source_that_is_away_for_a_moment_costs_nothing():
    """Away for less than the patience: the window goes on."""
    cluster = FakePlaceCluster()
    eyes = Eyes(cluster, blind_at_s=195.0)  # the window ends at 209
    assert run(cluster, eyes).error is None


def test_nobody_is_under_a_mode_that_nobody_watches():
    """Away for longer: the run fails, the Service has what it had."""
    cluster = FakePlaceCluster()
    found = run(cluster, Eyes(cluster, blind_at_s=120.0))
    assert isinstance(found.error, UnreachableError)
    assert "nobody could look at the guards for 3" in str(found.error)
    assert found.record.status is RunStatus.FAILED
    assert found.record.seen.breach is None
    assert mode_of(cluster.current) is RoutingMode.OFF


def test_the_reference_mode_needs_no_eyes():
    """Without a watch the same windows are measured."""
    cluster = FakePlaceCluster()
    assert run(cluster, None).record.status is RunStatus.COMPLETE
