"""The runs of a folder, read by a call."""

from pathlib import Path

import pytest

from analysis import artifacts
from analysis.jobs.stored import stored_runs
from k8s.errors import UsageError
from loadtest import rundir
from tests.analysis.test_history import START_S, stored


def test_runs_come_by_name_and_what_cannot_be_read_is_named(tmp_path: Path):
    """Windows of an experiment under their own path; a folder without a record, and a broken comparison."""
    stored(tmp_path / "2-experiment", "window", 90, START_S)
    (stored(tmp_path, "1-tar", 99, START_S) / rundir.COMPARISON).write_bytes(b"{")
    (tmp_path / "3-notes").mkdir()
    said: list[str] = []

    runs = list(stored_runs(tmp_path, said.append))

    assert [run.folder for run in runs] == ["1-tar", "2-experiment/window"]
    assert [run.share.estimate for run in runs] == pytest.approx([0.99, 0.90])
    assert said[0].startswith("no verdict for 1-tar: ")
    assert said[1].startswith("skipped 3-notes: ")


def test_a_folder_that_is_not_there(tmp_path: Path):
    """Said before anything else."""
    with pytest.raises(UsageError, match="history: no folder"):
        list(stored_runs(tmp_path / "nowhere", print))


def test_a_run_that_was_set_aside_is_no_point_of_the_history(tmp_path: Path):
    """Another one was measured in its place."""
    broken, instead = stored(tmp_path, "1-off", 10, START_S), stored(tmp_path, "2-off", 33, START_S)
    artifacts.set_aside(broken, instead=instead, why="rate: too low")
    said: list[str] = []

    runs = list(stored_runs(tmp_path, said.append))

    assert [run.folder for run in runs] == ["2-off"]
    assert said == ["skipped 1-off: set aside, its window was measured once more"]
