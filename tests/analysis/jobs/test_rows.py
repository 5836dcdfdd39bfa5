"""A kept row is believed only as long as it says what its run's artifacts say."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.jobs import rows
from analysis.jobs.stored import refresh, stored_runs
from k8s.errors import InvalidRunError
from loadtest import rundir
from tests.analysis.test_history import START_S, stored


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = stored(tmp_path / "runs", "one", 90, START_S)
    refresh(made)
    return made


def share(folder: Path) -> float:
    """As the history shows it; nothing may be skipped."""
    (run,) = stored_runs(folder.parent, pytest.fail)
    return run.share.estimate


def test_a_row_is_what_is_computed(folder: Path):
    """The history with it is the history without it, and it is read instead of the artifacts."""
    (kept,) = stored_runs(folder.parent, pytest.fail)
    assert rows.read(folder) is not None
    (folder / rows.ROW).unlink()
    (made,) = stored_runs(folder.parent, pytest.fail)

    assert kept == made
    assert rows.read(folder) == replace(made, folder="one")


def test_a_copied_folder_keeps_its_row(folder: Path):
    """Other times of change, the same content."""
    copied = folder.parent / "two"
    shutil.copytree(folder, copied, copy_function=shutil.copy)
    os.utime(copied / rundir.GRAPH, ns=(1, 1))

    assert rows.read(copied) is not None


@pytest.mark.parametrize("name", [rundir.RECORD, rundir.TOPOLOGY, rundir.GRAPH])
def test_another_artifact_is_another_row(folder: Path, name: str):
    """Also one of the same length, and one that is gone."""
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data.replace(b"a", b"b", 1))
    assert rows.read(folder) is None
    (folder / name).unlink()
    assert rows.read(folder) is None


def test_an_edited_graph_is_computed_anew(folder: Path):
    """The row does not stand for what is there no more."""
    other = stored(folder.parent.parent / "others", "one", 40, START_S)
    shutil.copy(other / rundir.GRAPH, folder / rundir.GRAPH)

    assert share(folder) == pytest.approx(0.4)


@pytest.mark.parametrize("place", range(0, 1000, 37))
def test_a_damaged_row_is_computed_anew(folder: Path, place: int):
    """Any flipped bit of it, wherever it is: the share shown stays that of the artifacts."""
    data = bytearray((folder / rows.ROW).read_bytes())
    data[place * len(data) // 1000] ^= 1 << place % 8
    (folder / rows.ROW).write_bytes(data)

    assert share(folder) == pytest.approx(0.9)


def test_a_folder_that_cannot_be_written_to_has_no_row(folder: Path):
    """And a history all the same: a folder stands where the row would be."""
    (folder / rows.ROW).unlink()
    (folder / rows.ROW).mkdir()

    assert share(folder) == pytest.approx(0.9)


def test_a_run_that_is_no_point_is_known_to_be_none(tmp_path: Path):
    """Why, too; found out once, until its artifacts are others."""
    folder = stored(tmp_path / "runs", "one", 90, START_S)
    record = rundir.read_record(folder)
    window = replace(record.measured, start_s=START_S + 600, end_s=START_S + 613)
    rundir.write_json(folder / rundir.RECORD, replace(record, measured=window))
    refresh(folder)

    with pytest.raises(InvalidRunError, match="gate window"):
        rows.read(folder)
    said: list[str] = []
    assert list(stored_runs(folder.parent, said.append)) == []
    (line,) = said
    assert line.endswith(f"collect again: samezone collect {folder}")
    rundir.write_json(folder / rundir.RECORD, record)
    assert rows.read(folder) is None
