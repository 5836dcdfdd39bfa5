"""How far a command is, on a terminal and where nobody sees a line that moves."""

import io
import re

import pytest

from k8s.console import Io, Loudness
from loadtest.progress_cli import JobProgress
from loadtest.swarm.interface import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def a_job(err: io.StringIO, *, loudness: Loudness = Loudness.PLAIN) -> str:
    """Two windows of three, the clock going on by ten seconds at each look; what was shown."""
    now = iter(range(0, 100_000, 10))
    job = JobProgress(Io(err=err, monotonic=lambda: float(next(now)), loudness=loudness))
    job.expect(3)
    job.expect(2)
    for mode in ("off", "tar"):
        with job.window(mode, seconds=46.0) as update:
            update("starting the load generators", 0.0, 0.0, None)
            update("measuring", 20.0, 40.0, PROGRESS)
            update("measuring", 40.0, 40.0, PROGRESS)
        with job.waiting("X-Ray") as hear:
            hear("812 of 2000 requests")
            hear("all 2000 requests, 5618 calls between pods")
    return err.getvalue()


PROGRESS = Progress(requests=2000, failures=1, workers=3)


def test_where_nobody_sees_it_move_every_step_is_a_line():
    """Which window of how many, how long all of it takes, and what each came to."""
    said = a_job(io.StringIO()).splitlines()
    assert re.fullmatch(r"window 1 of 3, off; \d:\d\d left", said[0])
    assert said[1:4] == [
        "starting the load generators",
        "measuring for 40 s",
        "measuring: done, 2000 requests, 50.0/s, 1 failed",
    ]
    assert re.fullmatch(r"window 2 of 3, tar; \d:\d\d left", said[4])


def test_a_step_of_live_traffic_ends_without_figures():
    """Nobody sends, so there is nothing to count: no comma is left hanging; one window is no job."""
    err = io.StringIO()
    with JobProgress(Io(err=err)).window("tar", seconds=6.0) as update:
        update("measuring", 0.0, 6.0, None)
        update("measuring", 6.0, 6.0, None)
    assert err.getvalue().splitlines() == ["measuring for 6 s", "measuring: done"]


def test_a_window_that_is_measured_again_is_one_more():
    """The end moves away; nothing is counted twice."""
    err = io.StringIO()
    job = JobProgress(Io(err=err))
    job.expect(2)
    job.more()
    for _ in range(2):
        with job.window("off", seconds=1.0):
            pass
    assert [line.partition(",")[0] for line in err.getvalue().splitlines()] == [
        "window 1 of 3",
        "window 2 of 3",
    ]


@pytest.mark.parametrize("columns", [80, 60])
def test_a_terminal_shows_one_line_that_goes_away(columns: int, monkeypatch: pytest.MonkeyPatch):
    """It fits the terminal, names the window, the step and the time left, and what is waited for."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    shown = a_job(Terminal())
    lines = [one for one in re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)) if one.strip()]
    assert max(map(len, lines)) <= columns
    assert any(re.match(r"window 1 of 3, off: measuring, \d:\d\d left", one) for one in lines)
    assert any(one.startswith("window 2 of 3, tar: waiting for X-Ray") for one in lines)
    assert not any("…" in one for one in lines)  # what has no room is left out as a whole
    assert shown.endswith("\x1b[2K")  # gone


@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_quiet_is_quiet(kind: type[io.StringIO]):
    """Neither lines nor one that moves."""
    assert a_job(kind(), loudness=Loudness.QUIET) == ""


def test_verbose_tells_each_look_at_the_source():
    """How many calls were there by then."""
    assert "X-Ray shows 812 of 2000 requests\n" in a_job(io.StringIO(), loudness=Loudness.VERBOSE)
