"""A run that is interrupted at any line of what drives it: the handler runs there, as it would."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from k8s.errors import SamezoneError
from k8s.live.originals import Originals
from k8s.process import interrupts
from k8s.routing.modes import RoutingMode, mode_of
from loadtest import rundir
from loadtest.measure import measure
from loadtest.record import RunStatus
from tests.k8s.fakes import KEY
from tests.loadtest.fakes import FakePlaceCluster, FakePlatform, request, session

REPO = Path(__file__).parents[2]
DRIVES = tuple(
    str(REPO / one)
    for one in (
        "loadtest/measure.py",
        "loadtest/arm_run.py",
        "loadtest/keeping",
        "loadtest/window",
        "k8s/live",
    )
)
EVERY = 37
"""Of the lines of a run, in their order, one in so many."""


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if this process were a command at work; it says nothing."""
    monkeypatch.setattr(interrupts, "_state", interrupts._State())
    monkeypatch.setattr(interrupts, "say", lambda _: None)
    monkeypatch.setattr(interrupts.signal, "signal", lambda *_: None)
    before = sys.unraisablehook
    interrupts.listen("samezone")
    with interrupts.Working():
        yield
    sys.unraisablehook = before


@dataclass
class Hit:
    """Hears a signal at the *at*-th line that runs in the files that drive a run."""

    at: int
    lines: int = 0
    where: str = ""
    sent: bool = field(default=False)

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(DRIVES):
            return None
        if event == "line":
            self.lines += 1
            if self.lines == self.at:
                self.sent = True
                self.where = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
                interrupts._hear(2, frame)
        return self.trace


def interrupted(folder: Path, at: int) -> tuple[Hit, FakePlatform, str]:
    """Run an arm and interrupt it; how it ends."""
    interrupts._state.hits, interrupts._state.pending, interrupts._state.allowed = 0, False, True
    platform = FakePlatform(cluster=FakePlaceCluster())
    hit, ends = Hit(at), "returned"
    asked, on = request(folder), session(platform, folder)
    before = sys.gettrace()
    sys.settrace(hit.trace)
    try:
        measure(on, asked)
    except KeyboardInterrupt:
        ends = "interrupted"
    except SamezoneError as error:
        ends = error.exit_code.name.lower()
    finally:
        sys.settrace(before)
    return hit, platform, ends


def check(folder: Path, hit: Hit, platform: FakePlatform, ends: str) -> None:
    """Nothing is left changed or running, and a folder is whole or not there."""
    where = f"line {hit.at} ({hit.where}), {ends}"
    assert ends in ("interrupted", "returned"), where
    assert mode_of(platform.cluster.current) is RoutingMode.OFF, where
    assert Originals(folder / "originals").recall("lab", KEY) is None, where
    assert all(swarm.steps[-1] == "close" for swarm in platform.swarms if swarm.steps), where
    assert [one for one in folder.rglob("*") if one.name.endswith((".tmp", ".new"))] == [], where
    for run in (folder / "runs").iterdir() if (folder / "runs").is_dir() else ():
        record = rundir.read_record(run)
        assert record.status in (RunStatus.INTERRUPTED, RunStatus.COMPLETE), where
        assert rundir.read_topology(run), where
    loaded = any("start measure" in " ".join(swarm.steps) for swarm in platform.swarms)
    assert not loaded or list((folder / "runs").iterdir()), where


@pytest.mark.usefixtures("listening")
def test_interrupted_at_any_line(tmp_path: Path):
    """The Service has what it had, the load generators have ended, what was measured is kept."""
    whole, platform, ends = interrupted(tmp_path / "whole", 10**9)
    check(tmp_path / "whole", whole, platform, ends)
    assert whole.lines > 500

    for at in range(1, whole.lines, EVERY):
        folder = tmp_path / str(at)
        hit, platform, ends = interrupted(folder, at)
        check(folder, hit, platform, ends)
        assert hit.sent
