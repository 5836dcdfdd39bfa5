"""An experiment that was killed on the lab is gone on with, and the Service is put back."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.lab.conftest import JUDGED, Lab, await_line

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(600)]
TOPOLOGY_MODE = "service.kubernetes.io/topology-mode"
LOAD = ("--rate", "30", "--users", "9", "--warmup", "1", "--duration", "6", "--block-duration", "6")


def test_an_experiment_killed_in_a_window_is_gone_on_with(lab: Lab):
    """SIGKILL in the second window, and in the third: every window that was whole is kept."""
    process = lab.start("experiment", "--blocks", "AB", *LOAD)
    await_line(process, "X-Ray shows")
    await_line(process, "measuring for")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (folder,) = (lab.folder / "runs").glob("*-experiment")
    first = windows(folder)
    assert [one["label"] for one in first] == ["null pair 1a"]
    judged = lab.samezone("report", str(folder))
    assert judged.returncode == 0, judged.stderr
    assert "interrupted" in judged.stdout

    process = lab.start("experiment", "--resume", str(folder))
    await_line(process, "measuring for")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    done = lab.samezone("experiment", "--resume", str(folder), timeout_s=400)

    # A machine that is too busy ends it as invalid, after a window that broke a gate twice.
    assert done.returncode in JUDGED, done.stderr
    trial = json.loads((folder / "trial.json").read_bytes())
    assert not trial["is_interrupted"]
    assert windows(folder)[0] == first[0]
    assert len([one for one in trial["caveats"] if one["code"].startswith("interrupted")]) == 2
    again = lab.samezone("experiment", "--resume", str(folder))
    assert again.returncode == 2
    assert f"it is finished, verdict {trial['decision']}" in again.stderr
    lab.samezone("routing", "restore")
    assert TOPOLOGY_MODE not in lab.annotations()


def windows(folder: Path) -> list[dict]:
    """Those that the trial has, by its journal."""
    kept: list[dict] = json.loads((folder / "journal.json").read_bytes())["windows"]
    return kept
