"""The campaign's lab, one a process of pytest, and the table at its end."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PART
from tests.faults.aftermath import check_exit, check_folder, check_leftovers, check_service
from tests.faults.playing import Happens, Moment, Play
from tests.faults.stage import CLOSE, NOTHING, Place, Stage, leftovers
from tests.faults.table import GONE, KEPT, THEIRS, Row, Seen, Table

CELLS = "fault"
TABLE_FILE = "faults.txt"


@pytest.fixture(scope="session")
def shared_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    # Under nohup it would be ignored here, and by samezone, too, as nohup asks for.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    stage = Stage(tmp_path_factory.mktemp("campaign"))
    yield stage
    stage.down()


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    """A lab in order."""
    shared_stage.ready()
    return shared_stage


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """Plays rows."""

    stage: Stage
    folder: Path
    tell: Callable[[dict[str, str]], None]

    def play(
        self,
        row: Row,
        *arguments: str,
        moment: Moment,
        happens: Happens,
        place: Place | None = None,
        wrapped: tuple[str, ...] = (),
        live: str = "samezone, lab",
        afterwards: Callable[[], None] = lambda: None,
        patience_s: float = 90.0,
        baseline: bool = True,
    ) -> Seen:
        """Run a command, let something happen at a moment of it, and look at what is left.

        *afterwards* is done once it has ended: what was gone comes back.
        """
        stage, seen = self.stage, Seen(row=row, live=live)
        began_s = time.monotonic()
        before = (NOTHING, CLOSE)[sum(map(ord, row.name)) % 2]
        stage.set_knobs(before)
        place = place or stage.place(self.folder)
        play = Play(place, *arguments, wrapped=wrapped)
        try:
            moment.arm(stage, play, happens)
            code = play.end(patience_s)
            afterwards()
            stage.api.forget()
            stage.xray.forget()
            assert play.provoked, f"nothing was provoked; it said: {play.err}"
            check_exit(play, seen, code)
            if row.service not in (GONE, THEIRS, KEPT):
                check_service(stage, place, seen, before)
            else:
                seen.service = row.service
            check_folder(stage, place, seen, baseline=baseline and row.service != GONE)
            check_leftovers(stage, place, seen)
        finally:
            play.kill()
            for one in leftovers(place):
                one.kill()
            seen.seconds = time.monotonic() - began_s
            self.tell(seen.cells())
        return seen

    def piped(
        self,
        row: Row,
        place: Place,
        run: Callable[[tuple[str, ...]], subprocess.CompletedProcess[str]],
        words: tuple[str, ...],
    ) -> Seen:
        """A command whose reader goes after a line; what it says is what that line was."""
        stage, seen = self.stage, Seen(row=row, live="samezone, lab, head")
        began_s = time.monotonic()
        stage.set_knobs(NOTHING)
        try:
            done = run(words)
            seen.code, seen.line = done.returncode, done.stdout.strip()
            assert seen.line, "nothing was read"
            assert "Traceback" not in done.stdout + done.stderr
            assert done.returncode in row.exits, done
            check_service(stage, place, seen, NOTHING)
            check_folder(stage, place, seen)
            check_leftovers(stage, place, seen)
        finally:
            seen.seconds = time.monotonic() - began_s
            self.tell(seen.cells())
        return seen


@pytest.fixture
def campaign(stage: Stage, tmp_path: Path, record_property: Callable[[str, object], None]) -> Campaign:
    return Campaign(stage=stage, folder=tmp_path / "row", tell=lambda cells: record_property(CELLS, cells))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """``N faults, N survived``, and the table."""
    ran = [
        (dict(report.user_properties)[CELLS], outcome)
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, ())
        if report.when == "call" and CELLS in dict(report.user_properties)
    ]
    if not ran:
        return
    rows = [{"survived": "yes" if outcome == "passed" else "NO", **cells} for cells, outcome in ran]
    rows.sort(key=lambda row: (row["verb"], row["fault"], row["phase"]))
    left = sum(row["leftovers"] != "none" for row in rows)
    survived = sum(row["survived"] == "yes" for row in rows)
    table = terminalreporter.config.rootpath / ".samezone" / TABLE_FILE
    table.parent.mkdir(mode=0o700, exist_ok=True)
    table.write_text(Table(rows=rows).text() + "\n")
    terminalreporter.section("faults")
    terminalreporter.write_line(f"the table: {table}")
    terminalreporter.write_line(f"part {PART}: {len(rows)} faults, {survived} survived, {left} leftovers")
