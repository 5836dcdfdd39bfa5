"""The stand-in stands still for five seconds under load: what the relays counted is what the graph has."""

import signal
import time
from pathlib import Path

import psutil
import pytest

from analysis import artifacts
from analysis.arm.result import AssumedBytes, arm_result
from analysis.jobs.measuring import fault_of
from k8s.lab import state as lab_state
from tests.lab.conftest import Lab, await_line

pytestmark = [pytest.mark.lab, pytest.mark.slow]

STILL_S = 5.5
"""Longer than the load generators, and the pods, wait for an answer."""


def stand_in_of(lab: Lab) -> psutil.Process:
    """The stand-in's process."""
    children = lab_state.load(lab.home / "lab").children
    return psutil.Process(next(child.process.pid for child in children if child.name == "xray"))


def test_calls_are_the_relays_though_spans_were_posted_again(lab: Lab):
    """Valid and within a thousandth, or invalid with a size within a fifth of the truth."""
    standin = stand_in_of(lab)
    load = ("--rate", "50", "--duration", "20", "--warmup", "1", "--arm", "still")
    process = lab.start("run", "off", *load)
    try:
        await_line(process, "measuring")
        time.sleep(8)
        standin.send_signal(signal.SIGSTOP)
        time.sleep(STILL_S)
    finally:
        standin.send_signal(signal.SIGCONT)
    _, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    (folder,) = (lab.folder / "runs").glob("*-still")
    collected = lab.samezone("collect", str(folder))

    found = artifacts.read_arm(Path(folder))
    result = arm_result(found, assumed=AssumedBytes())
    load_seen, truth, pair = found.record.seen.measured, result.truth_check, result.pairs[0]
    assert load_seen is not None
    assert truth is not None
    again = sum(worker.spans_again for worker in load_seen.workers)
    lost = 1 - (pair.same_zone + pair.cross_zone) / truth.relay_connections
    print(result.loss, truth, f"posted again {again}, lost {lost:.2%}", fault_of(folder))
    assert again > 0
    if collected.returncode == 0:
        assert abs(lost) <= 0.001
        assert truth.worst_relative_error <= 0.001
    else:
        assert collected.returncode == 4
        assert f"samezone collect {folder}" in collected.stderr
        assert result.loss.calls_share == pytest.approx(lost, rel=0.2, abs=0.001)
