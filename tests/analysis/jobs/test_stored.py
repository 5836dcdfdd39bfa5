"""The runs of a folder, read by a call."""

import os
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


def test_what_is_damaged_is_one_line_and_not_the_end(tmp_path: Path):
    """Whatever stands where runs should be: each is named with its reason, and the others are shown."""
    stored(tmp_path, "good", 90, START_S)
    (tmp_path / "a-file").write_text("no folder")
    (tmp_path / "empty").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path)
    (stored(tmp_path, "no-topology", 90, START_S) / rundir.TOPOLOGY).unlink()
    (stored(tmp_path, "void-topology", 90, START_S) / rundir.TOPOLOGY).write_bytes(b"")
    (stored(tmp_path, "record-of-bytes", 90, START_S) / rundir.RECORD).write_bytes(b"\xff\x00{")
    torn = stored(tmp_path, "record-torn", 90, START_S) / rundir.RECORD
    torn.write_bytes(torn.read_bytes()[:300])
    graph = stored(tmp_path, "graph-is-a-folder", 90, START_S) / rundir.GRAPH
    graph.unlink()
    graph.mkdir()
    said: list[str] = []

    runs = list(stored_runs(tmp_path, said.append))

    assert [run.folder for run in runs] == ["good"]
    assert [line.split(":")[0] for line in said] == [
        f"skipped {name}"
        for name in (
            "loop",
            "empty",
            "graph-is-a-folder",
            "no-topology",
            "record-of-bytes",
            "record-torn",
            "void-topology",
        )
    ]
    assert not any("\n" in line for line in said)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"schema": 99}', '{"schema": 1, "verdict": {"decision": 3}}']
)
def test_a_comparison_that_cannot_be_read_costs_no_run(tmp_path: Path, text: str):
    """Of another schema, too; the run stays, without a verdict."""
    (stored(tmp_path, "one", 90, START_S) / rundir.COMPARISON).write_text(text)
    said: list[str] = []

    (run,) = stored_runs(tmp_path, said.append)

    assert run.decision is None
    (line,) = said
    assert line.startswith("no verdict for one: reading ")


def test_a_folder_that_may_not_be_read_is_one_line(tmp_path: Path):
    """Of somebody else: asked for in a process without the right to look."""
    stored(tmp_path / "runs", "good", 90, START_S)
    shut = stored(tmp_path / "runs", "shut", 90, START_S)
    shut.chmod(0)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and "pytest" in folder.as_posix():
            folder.chmod(0o755)

    said = as_nobody(tmp_path / "runs")

    assert said == ["skipped shut: Permission denied", "good"]


def as_nobody(root: Path) -> list[str]:
    """What is said, then the runs that are there."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if os.getuid() == 0:
                os.setuid(65534)
            said: list[str] = []
            runs = [run.folder for run in stored_runs(root, said.append)]
            os.write(writer, "\n".join([*said, *runs]).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with os.fdopen(reader) as answer:
        return answer.read().splitlines()
