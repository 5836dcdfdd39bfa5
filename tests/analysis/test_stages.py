"""Advice names only commands that will work: whatever a run folder holds, and whoever is asked."""

import io
import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from analysis import artifacts, stages
from analysis.cli import main
from k8s.console import Io
from k8s.errors import InterruptedRunError
from loadtest import rundir
from loadtest.record import RunStatus
from tests.analysis.test_history import START_S, stored
from tests.analysis.trial.mortal import MortalShop, conducted

_ADVISED = re.compile(r"(?:run|go on with|ask again|to see it|On with it|Go on with it): (samezone [^;\n]*)")


def run(folder: Path, *argv: str) -> tuple[int, str]:
    """Exit code and words."""
    out, err = io.StringIO(), io.StringIO()
    code = main(argv, Io(out=out, err=err, environment={}, folder=folder))
    return code, err.getvalue()


def unmeasured(folder: Path, status: RunStatus) -> None:
    """As a run leaves it that ended in its warm-up."""
    record = rundir.read_record(folder)
    seen = replace(record.seen, measured=None)
    rundir.write_json(folder / rundir.RECORD, replace(record, status=status, measured=None, seen=seen))
    (folder / rundir.GRAPH).unlink()


def cut(folder: Path, status: RunStatus) -> None:
    """As a run leaves it that ended in its window."""
    record = rundir.read_record(folder)
    rundir.write_json(folder / rundir.RECORD, replace(record, status=status, checkpoint_s=1.0))


def uncollected(folder: Path) -> None:
    (folder / rundir.GRAPH).unlink()


STATES: dict[str, Callable[[Path], None]] = {
    "collected": lambda _: None,
    "uncollected": uncollected,
    **{f"{one.value} and collected": lambda folder, one=one: cut(folder, one) for one in RunStatus},
    **{
        f"{one.value} and not": lambda folder, one=one: (cut(folder, one), uncollected(folder))
        for one in RunStatus
    },
    **{
        f"{one.value} unmeasured": lambda folder, one=one: unmeasured(folder, one)
        for one in (RunStatus.RUNNING, RunStatus.INTERRUPTED, RunStatus.FAILED)
    },
}


@pytest.mark.parametrize("has_baseline", [False, True])
@pytest.mark.parametrize("mode", ["off", "tar"])
@pytest.mark.parametrize("state", STATES)
def test_every_advised_command_works(tmp_path: Path, state: str, mode: str, has_baseline: bool):
    """Each verb is asked about each state; what it says to run is run, and is no usage error."""
    folder = stored(tmp_path / "a run", "2-it", 90, START_S, mode=mode)
    STATES[state](folder)
    if has_baseline:
        stored(tmp_path / "a run", "1-off", 40, START_S, mode="off")
    advised = {artifacts.advice(folder)}
    for argv in (
        ("report", str(folder)),
        ("history", "--runs", str(folder.parent)),
        ("collect", str(folder)),
        ("compare", str(folder), str(folder)),
    ):
        _, words = run(tmp_path, *argv)
        advised |= {one.strip() for one in _ADVISED.findall(words.replace("make baseline", ""))}

    assert advised
    for command in sorted(advised):
        name, *argv = shlex.split(command)
        assert name == "samezone"
        code, words = run(tmp_path, *argv)
        assert code != 2, f"{command}: {words}"


@pytest.mark.parametrize("state", [one for one in STATES if one.endswith("unmeasured")])
def test_a_run_that_measured_nothing_is_measured_again(tmp_path: Path, state: str):
    """Not collected: there is nothing to ask. The load is the run's own."""
    folder = stored(tmp_path, "one", 90, START_S)
    STATES[state](folder)

    for verb in ("report", "collect"):
        code, words = run(tmp_path, verb, str(folder))
        assert code == 2
        assert "before it measured anything; run: samezone run tar --service catalog/catalog" in words
        assert "samezone collect" not in words


@pytest.mark.parametrize("status", [RunStatus.RUNNING, RunStatus.INTERRUPTED, RunStatus.FAILED])
def test_a_run_that_was_cut_is_compared_and_said_to_be(tmp_path: Path, status: RunStatus):
    """All figures of its window, a caveat with its length, and invalid by the gate's name."""
    off = stored(tmp_path, "1-off", 40, START_S, mode="off")
    tar = stored(tmp_path, "2-tar", 90, START_S)
    cut(tar, status)

    code, words = run(tmp_path, "compare", str(off), str(tar))

    assert code == 4, words
    found = json.loads((tar / rundir.COMPARISON).read_bytes())
    assert found["effects"]["share"]["interval"]["estimate"] == pytest.approx(0.5)
    ended = "cut off" if status is RunStatus.RUNNING else status.value
    assert f"the run was {ended}" in " ".join(found["verdict"]["reasons"])
    (caveat,) = (one["text"] for one in found["candidate"]["caveats"] if one["code"] == "not-complete")
    assert re.match(rf"The run was {ended} after \d+ of \d+ s of load; ", caveat)
    assert artifacts.advice(tar) == stages.next_step(
        str(tar), rundir.read_record(tar), stages.Stage.JUDGED, baseline=None
    )


def test_a_trial_says_how_to_go_on_and_that_works(tmp_path: Path):
    """Interrupted: resume, which looks for the lab. Finished: report."""
    shop = MortalShop(folder=tmp_path, lasts=2)
    with pytest.raises(InterruptedRunError):
        conducted(shop)
    advised = [one for line in shop.person.said for one in _ADVISED.findall(line)]

    assert [one.split()[1:3] for one in advised] == [["experiment", "--resume"]]
    assert run(tmp_path, *shlex.split(advised[0])[1:])[0] == 5
