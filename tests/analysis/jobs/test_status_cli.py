"""What ``samezone status`` says of a place and a folder of runs."""

from pathlib import Path

import pytest

from analysis.history import Run
from analysis.jobs.status_cli import newest, next_step, told
from analysis.statistics.interval import Interval
from analysis.verdict.judged import Decision
from k8s.routing.modes import RoutingMode
from tests.analysis.test_cli import Terminal


def a_run(mode: str) -> Run:
    share = Interval(estimate=0.331, low=0.316, high=0.346, n=3617, level=0.95, method="Wilson")
    return Run(
        folder="runs/x",
        at_s=0.0,
        context="lab",
        service="catalog/catalog",
        mode=mode,
        share=share,
        calls=3617,
        unknown=0,
        p99_s=None,
        decision=Decision.PASS,
    )


@pytest.mark.parametrize(
    ("is_up", "mode", "run", "then"),
    [
        (False, "off", None, "make up"),
        (True, "off", None, "make baseline"),
        (True, "off", "off", "make enable-tar"),
        (True, "off", "tar", "make report"),
        (True, "tar", "tar", "samezone routing restore --service catalog/catalog"),
    ],
)
def test_the_next_step(*, is_up: bool, mode: str, run: str | None, then: str):
    """What a person does now, as it is typed."""
    modes = {"catalog/catalog": RoutingMode(mode)}
    said = next_step(is_up=is_up, modes=modes, run=None if run is None else a_run(run))
    assert then in said


def test_the_last_run_is_one_line():
    """Whose, under what, which share, and what was decided."""
    said = told(a_run("off")).replace("\N{NO-BREAK SPACE}", " ")

    assert said == "catalog/catalog under off: same-zone 33.1 % [31.6, 34.6], pass"


def test_no_run_is_none(tmp_path: Path):
    """Nor is a folder that is no run."""
    (tmp_path / "notes").mkdir()
    assert newest(tmp_path) is None
    assert newest(tmp_path / "nowhere") is None


def test_without_a_lab(tmp_path: Path):
    """Exit 5, and what to do; the same for a program."""
    terminal = Terminal(folder=tmp_path)
    code, out, err = terminal.run("status", "--runs", str(tmp_path))
    assert (code, err) == (5, "")
    assert out.splitlines()[0] == "lab       down"
    assert "next      make up" in out
    code, out, _ = terminal.run("status", "--json", "--runs", str(tmp_path))
    assert code == 5
    assert '"lab": "down"' in out
