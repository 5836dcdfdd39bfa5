"""Workers and masters that are killed, stopped or end, as real processes: what comes back, what is kept.

``python -m tests.loadtest.swarm.worker_loss`` does the first of these many times and prints its figures.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from k8s.errors import InvalidRunError, UnreachableError
from loadtest.swarm.interface import Phase, Progress
from tests.loadtest.swarm.test_local_swarm import PLAN, ZONES, Scene, opened
from tests.loadtest.swarm.worker_loss import BACK_S, try_loss

pytestmark = pytest.mark.lab

VICTIM = 2
"""Index of a worker's process; the master's is 0."""


def hit(scene: Scene, number: signal.Signals, *members: int) -> list[int]:
    """Signal processes of the swarm; their ids."""
    pids = [scene.swarm._members[member].process.pid for member in members]
    for pid in pids:
        os.kill(pid, number)
    return pids


def watch(scene: Scene, done: Callable[[Progress], bool], limit_s: float = 60.0) -> Progress:
    """Look at the progress as a run does, until *done*."""
    deadline_s = time.monotonic() + limit_s
    while not done(progress := scene.swarm.progress()):
        assert time.monotonic() < deadline_s, progress
        time.sleep(0.2)
    return progress


def all_back(progress: Progress) -> bool:
    return bool(progress.losses) and all(loss.back_s for loss in progress.losses) and not progress.lost


def load(scene: Scene) -> None:
    scene.swarm.start(PLAN, run_id="r", phase=Phase.MEASURE)
    watch(scene, lambda progress: progress.requests > 30)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
def test_a_lost_workers_zone_has_its_load_again(tmp_path: Path, number: signal.Signals):
    """Within ten seconds, with the mix of zones as before, and no request of another zone cut off."""
    seen = try_loss(tmp_path, number, after_s=4.0)

    assert seen.back_after_s <= BACK_S
    assert seen.mix_off < 0.02
    assert seen.failures == 0
    assert (seen.zone, seen.worker) == (ZONES[1], "locust-worker-1")
    # What the store saw and nobody told of is what may have been sent after the last word.
    assert 0 <= seen.arrived - seen.counted <= seen.untold
    if number is signal.SIGTERM:
        assert seen.untold == 0


def test_all_workers_lost_at_once_come_back(tmp_path: Path):
    """Locust's master stops the load then; it goes on in every zone, in the same window."""
    with opened(tmp_path) as scene:
        load(scene)
        hit(scene, signal.SIGTERM, 1, 2, 3)
        time.sleep(1)
        watch(scene, all_back)
        time.sleep(1)
        scene.swarm.stop()
        tallies, losses = scene.swarm.tallies(), scene.swarm.losses()
        pids = [member.process.pid for member in scene.swarm._members]

    assert sorted(loss.zone for loss in losses) == sorted(ZONES)
    assert [(tally.zone, tally.turn) for tally in tallies] == [
        (zone, turn) for zone in sorted(ZONES) for turn in (0, 1)
    ]
    assert min(tally.requests for tally in tallies) > 5
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []


def test_a_worker_that_stands_still_for_a_moment_is_not_lost(tmp_path: Path):
    """It sends what was due late, and keeps its seat."""
    with opened(tmp_path) as scene:
        load(scene)
        (pid,) = hit(scene, signal.SIGSTOP, VICTIM)
        time.sleep(2)
        os.kill(pid, signal.SIGCONT)
        time.sleep(1.5)
        scene.swarm.stop()
        counts = [tally.requests for tally in scene.swarm.tallies()]

        assert scene.swarm.losses() == ()
        # Two seconds are 40 requests; workers hear of the stop at slightly different moments.
        assert max(counts) - min(counts) <= 15
        assert scene.swarm._members[VICTIM].process.pid == pid


def test_one_lost_between_two_loads_is_there_for_the_second(tmp_path: Path):
    """Nothing of it is in the second load's counts."""
    with opened(tmp_path) as scene:
        scene.run(PLAN, 1)
        hit(scene, signal.SIGKILL, VICTIM)
        scene.swarm._members[VICTIM].process.wait()
        tallies = scene.run(PLAN, 1.5)

        assert scene.swarm.losses() == ()
        assert [tally.turn for tally in tallies] == [0, 0, 0]
        assert max(tally.requests for tally in tallies) - min(tally.requests for tally in tallies) <= 15


def test_one_lost_while_stopping_keeps_its_counts(tmp_path: Path):
    """Nobody replaces it any more, and the stop does not wait for it for long."""
    with opened(tmp_path) as scene:
        load(scene)
        hit(scene, signal.SIGKILL, VICTIM)
        scene.swarm.stop()
        tallies = {tally.worker: tally for tally in scene.swarm.tallies()}

    assert len(tallies) == 3
    assert tallies["locust-worker-1"].requests > 0


def kill_and_look(scene: Scene) -> None:
    hit(scene, signal.SIGKILL, VICTIM)
    scene.swarm._members[VICTIM].process.wait()
    scene.swarm.progress()


def test_a_worker_that_ends_again_and_again_is_replaced_three_times(tmp_path: Path):
    """Then it is one line, with the last line of its log."""
    with opened(tmp_path) as scene:
        load(scene)
        for _ in range(3):
            kill_and_look(scene)
        with pytest.raises(
            InvalidRunError, match=r"locust-worker-1 ended with code -9: .*4 times within 60 s"
        ):
            kill_and_look(scene)
        assert (tmp_path / "locust-worker-1.4.log").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_lost_master_leaves_what_its_workers_had_told(tmp_path: Path, number: signal.Signals):
    """Nothing waits for it for long, and no worker goes on without it."""
    with opened(tmp_path) as scene:
        load(scene)
        time.sleep(1)
        last = scene.swarm.progress()
        hit(scene, number, 0)
        began_s = time.monotonic()
        with pytest.raises(UnreachableError, match="Locust"):
            watch(scene, lambda _: False)
        with pytest.raises(UnreachableError):
            scene.swarm.stop()
        tallies = scene.swarm.tallies()
        waited_s = time.monotonic() - began_s

        assert waited_s < 25
        assert sum(tally.requests for tally in tallies) >= last.requests > 0
        assert 0 < scene.swarm.silent_s < 30
        assert [member.process.poll() is None for member in scene.swarm._members[1:]] == [False] * 3
