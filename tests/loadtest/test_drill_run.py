"""A zone fails under load, over fakes: each mode is drilled, and the zone is healed however it ends."""

import time
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest

from k8s.errors import InvalidRunError, UnreachableError, UsageError
from k8s.lab.design import marks
from k8s.routing.modes import RoutingMode
from k8s.topology import NodeName, Zone
from loadtest import rundir
from loadtest.drill import Drill
from loadtest.drill_run import DRILL, DrillRequest, run_drills
from loadtest.swarm.interface import Progress
from tests.loadtest.fakes import LOAD, FakePlaceCluster, FakePlatform, FakeSwarm, Person, session

ZONE = Zone("b")


@dataclass
class FakeZones:
    """Two zones; a failure is noticed after three seconds of the cluster's clock."""

    cluster: FakePlaceCluster
    done: list[str] = field(default_factory=list)
    down: bool = False
    cannot_fail: bool = False

    def fail_zone(self, zone: Zone, outage: str) -> tuple[NodeName, ...]:
        if self.cannot_fail:
            raise UnreachableError("failing zone b: no answer")
        self.done.append(f"fail {zone} {outage}")
        self.down = True
        return (NodeName("node-b"),)

    def heal_zone(self, zone: Zone) -> tuple[NodeName, ...]:
        self.done.append(f"heal {zone}")
        self.down = False
        return (NodeName("node-b"),)


@dataclass
class FailingSwarm(FakeSwarm):
    """Every request fails while the zone is down, for three seconds."""

    zones: FakeZones | None = None
    failures: int = 0
    noticed_at_s: float = 0.0

    def progress(self) -> Progress:
        seen = super().progress()
        assert self.zones is not None
        if self.requests > 30:  # the failure is made in a thread of its own
            until_s = time.monotonic() + 10
            while not (self.zones.down or self.zones.cannot_fail) and time.monotonic() < until_s:
                time.sleep(0.001)
        self.noticed_at_s = self.noticed_at_s or (self.cluster.now_s + 3 if self.zones.down else 0.0)
        self.failures += 5 if self.zones.down and self.cluster.now_s < self.noticed_at_s else 0
        return replace(seen, failures=self.failures)


@dataclass
class Stage:
    """A platform whose load feels the zones."""

    folder: Path
    lost_at_s: float = 1e9
    cluster: FakePlaceCluster = field(default_factory=FakePlaceCluster)
    person: Person = field(default_factory=Person)

    def __post_init__(self) -> None:
        self.zones = FakeZones(self.cluster)
        swarm = partial(FailingSwarm, zones=self.zones, lost_at_s=self.lost_at_s)
        self.platform = FakePlatform(cluster=self.cluster, make_swarm=swarm)

    def drill(self, *modes: RoutingMode, zone: Zone = ZONE) -> tuple[Drill, ...]:
        request = DrillRequest(
            zone=zone, outage=marks.NODES, modes=modes, load=LOAD, runs=self.folder / "runs"
        )
        on = session(self.platform, self.folder, self.person)
        return run_drills(on, request, open_zones=lambda: self.zones)


def test_every_mode_goes_through_the_failure(tmp_path: Path):
    """The zone fails after a quarter of the window and is healed before the next mode; each is on file."""
    stage = Stage(tmp_path)

    off, tar = stage.drill(RoutingMode.OFF, RoutingMode.TAR)

    assert stage.zones.done == ["fail b nodes", "heal b"] * 2
    assert (off.mode, tar.mode) == ("off", "tar")
    for one in (off, tar):
        assert one.failed_at_s == 2.5
        assert one.noticed_after_s is not None
        assert one.ticks[-1].failures > 0
        assert one.recovered_after_s == pytest.approx(3.0, abs=1.0)
    folders = sorted((tmp_path / "runs").iterdir())
    assert {rundir.read_json(folder / DRILL, Drill) for folder in folders} == {off, tar}
    assert [line for line in stage.person.said if line.startswith("tar: drill kept in ")]


def test_the_zone_is_healed_when_the_run_breaks(tmp_path: Path):
    """A worker is lost after the failure: the run's error is raised, and the zone has its power back."""
    stage = Stage(tmp_path, lost_at_s=112.0)

    with pytest.raises(InvalidRunError, match="lost worker w1"):
        stage.drill(RoutingMode.OFF)

    assert stage.zones.done[-1] == "heal b"
    assert not stage.zones.down


def test_a_zone_that_could_not_fail_is_no_drill(tmp_path: Path):
    """What stood in the way is raised, and no drill is on file."""
    stage = Stage(tmp_path)
    stage.zones.cannot_fail = True

    with pytest.raises(UnreachableError, match="failing zone b"):
        stage.drill(RoutingMode.OFF)

    assert list((tmp_path / "runs").glob(f"*/{DRILL}")) == []


def test_a_zone_that_is_not_there(tmp_path: Path):
    """Its name and those of the zones there are; no load."""
    stage = Stage(tmp_path)

    with pytest.raises(UsageError, match="the lab has no zone c; it has a, b"):
        stage.drill(RoutingMode.OFF, zone=Zone("c"))

    assert stage.platform.swarms == []
