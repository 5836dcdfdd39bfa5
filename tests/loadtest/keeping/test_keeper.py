"""What a run leaves on the disk while it goes on, at its end, and on a disk that takes no more."""

import json
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from k8s.errors import UnreachableError
from k8s.topology import Node, NodeName, Snapshot, Zone
from loadtest import rundir
from loadtest.arm_run import ArmRun
from loadtest.keeping.keeper import RunKeeper, TruthSource
from loadtest.record import RunStatus
from loadtest.truthfile import TruthFile
from tests.loadtest.test_rundir import record

SOON_S = 0.02


def snapshot(at_s: float) -> Snapshot:
    node = Node(name=NodeName(f"n-{at_s:g}"), zone=Zone("a"), ready=True, cpu_allocatable_milli=4000)
    return Snapshot(taken_at_s=at_s, nodes=(node,))


def so_far(requests: int, *snapshots: float) -> ArmRun:
    """A run that goes on."""
    seen = record().seen
    assert seen.measured is not None
    (worker,) = seen.measured.workers
    load = replace(seen.measured, workers=(replace(worker, requests=requests),))
    return ArmRun(
        record=record(status=RunStatus.RUNNING, seen=replace(seen, measured=load)),
        topology=tuple(snapshot(at_s) for at_s in snapshots),
        truth_before=1,
    )


def ended(run: ArmRun, status: RunStatus = RunStatus.COMPLETE) -> ArmRun:
    return replace(run, record=replace(run.record, status=status), truth_after=2)


def keeper(folder: Path, said: list[str], read: Callable[[], int] = lambda: 5) -> RunKeeper:
    def between(before: int, after: int) -> TruthFile:
        return TruthFile(rows=(), connection_per_call=after - before == 1)

    truth = TruthSource(read=read, between=between)
    return RunKeeper(folder, clock=lambda: 77.0, say=said.append, truth=truth, every_s=SOON_S)


def await_(holds: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until_s
        time.sleep(0.005)


def requests_in(folder: Path) -> int:
    """Of the record on the disk; -1 without one."""
    if not (folder / rundir.RECORD).exists():
        return -1
    load = rundir.read_record(folder).seen.measured
    return -1 if load is None else load.requests


@contextmanager
def full_disk(room: int = 0) -> Iterator[None]:
    """No file may become larger than this: what a full disk does, for one process and without being root."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_checkpoints_follow_the_run(tmp_path: Path):
    """The newest that was published is on the disk soon, with its time; truth and topology beside it."""
    kept = keeper(tmp_path, [])

    kept.publish(so_far(6, 1.0))
    await_(lambda: requests_in(tmp_path) == 6 and (tmp_path / rundir.TRUTH).exists())
    kept.publish(so_far(7, 1.0, 2.0))
    await_(lambda: requests_in(tmp_path) == 7 and len(rundir.read_topology(tmp_path)) == 2)

    found = rundir.read_record(tmp_path)
    assert (found.status, found.checkpoint_s) == (RunStatus.RUNNING, 77.0)
    kept.finish(ended(so_far(7, 1.0, 2.0)))


def test_the_end_takes_the_checkpoints_place(tmp_path: Path):
    """Status, counters and topology of the end; nothing says any more that the run goes on."""
    kept = keeper(tmp_path, [])
    kept.publish(so_far(6, 1.0))

    lost = kept.finish(ended(so_far(8, 1.0, 2.0)))

    found = rundir.read_record(tmp_path)
    assert lost == ()
    assert (found.status, found.checkpoint_s, requests_in(tmp_path)) == (RunStatus.COMPLETE, None, 8)
    assert len(rundir.read_topology(tmp_path)) == 2
    assert json.loads((tmp_path / rundir.TRUTH).read_text())["connection_per_call"] is True
    assert sorted(one.name for one in tmp_path.iterdir()) == ["record.json", "topology.jsonl", "truth.json"]


def test_a_run_that_cannot_tell_its_end_is_what_it_published(tmp_path: Path):
    """With the status it is given; without a word from it, there is no folder."""
    told, silent = tmp_path / "told", tmp_path / "silent"
    told.mkdir()
    silent.mkdir()
    first = keeper(told, [])
    first.publish(so_far(6, 1.0))

    assert first.give_up(RunStatus.INTERRUPTED)
    assert not keeper(silent, []).give_up(RunStatus.INTERRUPTED)

    assert (rundir.read_record(told).status, requests_in(told)) == (RunStatus.INTERRUPTED, 6)
    assert not silent.exists()


def test_relays_that_do_not_answer_cost_nothing_else(tmp_path: Path):
    """The record is written every time; the counters that were read last stay."""

    def gone() -> int:
        raise UnreachableError("the relay of node-a is gone")

    kept = keeper(tmp_path, [], read=gone)
    kept.publish(so_far(6, 1.0))
    await_(lambda: requests_in(tmp_path) == 6)
    kept.publish(so_far(7, 1.0))
    await_(lambda: requests_in(tmp_path) == 7)

    assert kept.finish(replace(ended(so_far(7, 1.0)), truth_after=None)) == ()


def test_a_disk_that_is_full_for_a_while_is_said_once_and_costs_nothing(tmp_path: Path):
    """The last checkpoint stays readable; the end is written in whole."""
    said: list[str] = []
    kept = keeper(tmp_path, said)
    kept.publish(so_far(6, 1.0))
    await_(lambda: requests_in(tmp_path) == 6 and (tmp_path / rundir.TRUTH).exists())
    with full_disk():
        kept.publish(so_far(7, 1.0, 2.0))
        await_(lambda: bool(kept._trouble))
        kept.publish(so_far(7, 1.0, 2.0))
        kept.publish(so_far(7, 1.0, 2.0))
        assert requests_in(tmp_path) == 6

    assert kept.finish(ended(so_far(8, 1.0, 2.0))) == ()

    assert (rundir.read_record(tmp_path).status, requests_in(tmp_path)) == (RunStatus.COMPLETE, 8)
    (line,) = said
    assert line.startswith(
        "what is measured cannot be kept while the run goes on: record.json (File too large)"
    )


def test_what_does_not_fit_keeps_nothing_else_from_being_written(tmp_path: Path):
    """The record fits and the topology does not: the record says that it is missing, and is not complete."""
    kept = keeper(tmp_path, [])
    with full_disk(room=20_000):
        lost = kept.finish(ended(so_far(8, *map(float, range(300)))))

    assert lost == ("topology.jsonl (File too large)",)
    found = rundir.read_record(tmp_path)
    assert (found.status, requests_in(tmp_path)) == (RunStatus.FAILED, 8)
    assert [(one.code, one.text) for one in found.caveats][-1] == (
        "not-kept",
        "Not all of the run could be kept: topology.jsonl (File too large).",
    )
    assert json.loads((tmp_path / rundir.TRUTH).read_text())["connection_per_call"] is True
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".")]


@pytest.mark.parametrize("status", [RunStatus.INTERRUPTED, RunStatus.FAILED])
def test_where_nothing_fits_the_last_checkpoint_stays(tmp_path: Path, status: RunStatus):
    """It says of itself that the run went on when it was written."""
    kept = keeper(tmp_path, [])
    kept.publish(so_far(6, 1.0))
    await_(lambda: requests_in(tmp_path) == 6 and (tmp_path / rundir.TRUTH).exists())
    with full_disk():
        lost = kept.finish(ended(so_far(8, 1.0, 2.0), status))

    assert [one.split()[0] for one in lost] == ["record.json", "topology.jsonl", "truth.json"]
    assert (rundir.read_record(tmp_path).status, requests_in(tmp_path)) == (RunStatus.RUNNING, 6)
    assert kept.status is RunStatus.RUNNING
