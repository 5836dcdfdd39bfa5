"""What a run leaves when its process is killed, its disk is full, or the clock of the machine is set."""

import json
import os
import re
import resource
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from loadtest import rundir
from loadtest.record import RunRecord, RunStatus
from tests.lab.conftest import BIN, JUDGED, Lab, await_line

pytestmark = pytest.mark.lab

RUN = ("run", "tar", "--rate", "20", "--warmup", "2")
CLOCK = """
import os, time
from pathlib import Path

_offset, _time, _time_ns = Path(os.environ["CLOCK_IS_SET_BY"]), time.time, time.time_ns
time.time = lambda: _time() + float(_offset.read_text())
time.time_ns = lambda: _time_ns() + int(_offset.read_text()) * 10**9
"""
"""Loaded by Python before anything else: a wall clock that is as far ahead as a file says at that moment.

Of the run and of its load generators: as where the machine of the person who measures is
not the cluster's.
"""
AT_MOST_S = 5.0
"""How old what is kept may be."""


@pytest.fixture
def runs(lab: Lab, tmp_path: Path) -> Iterator[Path]:
    """A folder for the run folders; the Service is as it was afterwards, also by hand."""
    yield tmp_path / "runs"
    lab.samezone("routing", "restore")
    assert "service.kubernetes.io/topology-mode" not in lab.annotations()


def start(lab: Lab, runs: Path, *options: str, **surroundings: str) -> subprocess.Popen[str]:
    """A run in the middle of its warm-up."""
    process = subprocess.Popen(
        [str(BIN / "samezone"), *RUN, "--runs", str(runs), *options],
        cwd=lab.folder,
        env={**os.environ, **surroundings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    await_line(process, "warming up")
    return process


def kept(runs: Path) -> tuple[Path, RunRecord]:
    """The only run folder, whose record can be read."""
    (folder,) = runs.iterdir()
    return folder, rundir.read_record(folder)


def requests(record: RunRecord) -> int:
    return 0 if record.seen.measured is None else record.seen.measured.requests


def ended(process: subprocess.Popen[str]) -> tuple[int, list[str]]:
    """Exit code and what it said."""
    _, said = process.communicate(timeout=100)
    return process.returncode, said.splitlines()


def test_a_killed_process_leaves_what_it_had_measured(lab: Lab, runs: Path) -> None:
    """Five times on the way to its death the folder is looked at: whole each time, and never old."""
    process = start(lab, runs, "--duration", "60")
    await_line(process, "measuring")
    time.sleep(4)
    seen = []
    for _ in range(5):
        time.sleep(0.7)
        _, record = kept(runs)
        assert record.checkpoint_s is not None
        assert time.time() - record.checkpoint_s < AT_MOST_S
        seen.append(requests(record))
    process.kill()
    process.communicate()

    folder, record = kept(runs)
    assert record.status is RunStatus.RUNNING
    assert seen == sorted(seen)
    assert 0 < seen[-1] <= requests(record)
    assert record.measured is not None
    assert time.time() - record.measured.end_s < AT_MOST_S + 1
    assert rundir.read_topology(folder)
    assert json.loads((folder / rundir.TRUTH).read_text())["rows"]
    assert "has what it had" in lab.samezone("routing", "restore").stderr
    time.sleep(max(0.0, record.checkpoint_s + 16 - time.time()) if record.checkpoint_s else 0)
    assert lab.samezone("collect", str(folder)).returncode in JUDGED


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a file system needs root")
def test_a_disk_that_fills_up_in_the_window_takes_the_end_of_the_run(lab: Lab, runs: Path) -> None:
    """Some room was kept for it: record, topology and counters of the whole run, complete, exit 0."""
    runs.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(runs)], check=False).returncode:
        pytest.skip("nothing may be mounted here")
    try:
        process = start(lab, runs, "--duration", "8")
        await_line(process, "measuring")
        time.sleep(1)
        with (runs / "others").open("wb") as file:
            try:
                while file.write(bytes(65536)):
                    file.flush()
            except OSError:
                pass
        code, said = ended(process)
        (runs / "others").unlink()
        folder, record = kept(runs)
        assert (code, record.status) == (0, RunStatus.COMPLETE), said
        assert 100 < requests(record) <= 165  # 20 a second for 8 s; a busy machine sends fewer
        assert rundir.read_topology(folder)[-1].taken_at_s > record.measured.end_s  # type: ignore[union-attr]
        (line,) = [one for one in said if "cannot be kept while the run goes on" in one]
        assert "record.json (No space left on device)" in line
    finally:
        subprocess.run(["umount", "-l", str(runs)], check=True)


def test_a_process_that_may_write_no_more_keeps_its_last_checkpoint(lab: Lab, runs: Path) -> None:
    """One line says what is kept and what is not; the Service has what it had. No root is needed for this."""
    process = start(lab, runs, "--duration", "8")
    await_line(process, "measuring")
    time.sleep(5)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, 0))

    code, said = ended(process)

    folder, record = kept(runs)
    assert (code, record.status) == (2, RunStatus.RUNNING)
    assert 0 < requests(record) < 160
    assert rundir.read_topology(folder)
    (line,) = [one for one in said if one.startswith("what was measured is kept")]
    assert line.startswith(
        f"what was measured is kept in {folder}, marked running, but for record.json (File "
    )
    assert said[-1].startswith("samezone: run ")
    assert "service.kubernetes.io/topology-mode" not in lab.annotations()


@pytest.mark.parametrize("step_s", [600, -600])
def test_a_clock_that_is_set_in_the_window_cuts_it(lab: Lab, runs: Path, tmp_path: Path, step_s: int) -> None:
    """The load ends at once, not ten minutes later; the window is as long as its load; the step is named."""
    offset = tmp_path / "offset"
    offset.write_text("0")
    (tmp_path / "sitecustomize.py").write_text(CLOCK)
    faked = {"PYTHONPATH": str(tmp_path), "CLOCK_IS_SET_BY": str(offset)}
    process = start(lab, runs, "--duration", "30", **faked)
    await_line(process, "measuring")
    time.sleep(6)
    whole = tmp_path / "whole"
    whole.write_text(str(step_s))
    whole.replace(offset)
    set_at_s = time.monotonic()

    code, said = ended(process)

    _, record = kept(runs)
    assert time.monotonic() - set_at_s < 25
    assert (code, record.status) == (4, RunStatus.FAILED)
    (step,) = record.clock_steps
    assert abs(step.step_s - step_s) < 1
    assert re.search(
        r"measuring: the wall clock of this machine was set (forward|back) by \d+\.\d s", said[-1]
    )
    assert record.measured is not None
    assert record.seen.measured is not None
    assert 2 < record.seen.measured.seconds < 12
    assert 0 < record.measured.length_s - record.seen.measured.seconds < 3
    assert requests(record) > 20
    assert "service.kubernetes.io/topology-mode" not in lab.annotations()


def test_no_process_is_left(lab: Lab) -> None:
    """Of all the runs above: no load generator has outlived them."""
    until_s = time.monotonic() + 20
    left = [None]
    while left and time.monotonic() < until_s:
        left = [
            one
            for one in psutil.process_iter(["cmdline", "cwd"])
            if "locust" in " ".join(one.info["cmdline"] or ()) and str(lab.folder) in (one.info["cwd"] or "")
        ]
        time.sleep(0.2)
    assert left == []
