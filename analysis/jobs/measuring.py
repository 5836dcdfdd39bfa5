"""One arm, measured and collected: what every job that measures does; once more where it is no evidence."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from analysis import artifacts, stages
from analysis.arm.caveats import LOSS_TOLERANCE
from analysis.arm.result import AssumedBytes, arm_result
from analysis.jobs import again, stored
from analysis.source.collect import Collected, Poll, collect
from analysis.source.interface import Source
from analysis.verdict import gates
from analysis.verdict.judged import GateName
from analysis.verdict.windows import measured
from k8s.effects import Say, steady
from k8s.errors import InvalidRunError, UnreachableError, UsageError
from k8s.routing.modes import RoutingSettings, settings_of
from k8s.topology import ServiceKey, Snapshot
from loadtest import rundir
from loadtest.measure import MeasuredRun, MeasureRequest, MeasureSession
from loadtest.measure import measure as measure_arm
from loadtest.record import CUT_OFF_S, Caveat, Place, RunRecord, RunStatus

LEFT_OUT: Final = "traces-left-out"
"""Code of the caveats that tell what the run's traces were not drawn from."""
OpenSource = Callable[[Place], AbstractContextManager[Source]]
"""The source that counts the calls of a place; open as long as the context lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectSession:
    """What collecting may use."""

    open_source: OpenSource
    clock: Callable[[], float]
    """Seconds since the epoch, by a clock that nobody sets: how long is waited depends on it."""
    sleep: Callable[[float], None]
    say: Say


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a job that measures may use; one session for all arms of a command."""

    traffic: MeasureSession
    open_source: OpenSource

    @property
    def collecting(self) -> CollectSession:
        """The part of it that reads calls."""
        return CollectSession(
            open_source=self.open_source,
            clock=steady(self.traffic.clock, self.traffic.monotonic),
            sleep=self.traffic.sleep,
            say=self.traffic.say,
        )


def measure(session: Session, request: MeasureRequest) -> MeasuredRun:
    """Measure and collect one arm; what was measured is kept when the calls cannot be read.

    Raises what measuring and collecting raise. A source that would not show all calls is refused before
    anything is changed.
    """
    run = measure_arm(session.traffic, request, preflight=partial(_preflight, session.open_source))
    try:
        collect_run(session.collecting, run.folder)
    except (UnreachableError, KeyboardInterrupt):
        session.traffic.say(f"the run is kept; go on with: {artifacts.advice(run.folder)}")
        raise
    return run


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedWindow:
    """A run that was measured and collected, and why it is no evidence."""

    run: MeasuredRun
    fault: str | None
    """The first gate that does not hold, in words; None where all do."""


def measure_well(session: Session, request: MeasureRequest) -> JudgedWindow:
    """Measure and collect one arm, and once more where the window broke a gate, saying why.

    The broken run's folder stays, marked. The second window stands whatever became of it.
    """
    traffic = session.traffic

    def one() -> JudgedWindow:
        run = measure(session, request)
        return JudgedWindow(run=run, fault=fault_of(run.folder))

    def say(broken: JudgedWindow, why: str) -> None:
        if request.keep:
            # The second window finds what the first one found, and puts that back where it fails.
            record = broken.run.record
            before = settings_of(record.seen.service_before)
            put_back(session, request.load.service, before, run=f"run {record.run_id}")
        traffic.say(f"{broken.run.folder} is no evidence: {why}; measuring this window once more")

    def set_aside(broken: JudgedWindow, instead: JudgedWindow, why: str) -> None:
        artifacts.set_aside(broken.run.folder, instead=instead.run.folder, why=why)

    with traffic.holds.together():
        return again.once_more(one, lambda window: window.fault, on_fault=say, set_aside=set_aside)


def put_back(session: Session, service: ServiceKey, before: RoutingSettings, *, run: str) -> None:
    """Give a Service what it had before a mode was kept; an older record, of an earlier command, stays."""
    traffic = session.traffic
    with traffic.holds.held(traffic.open_platform().cluster, service, run=run) as held:
        held.give_back(before)


def fault_of(folder: Path) -> str | None:
    """Why a collected run's window is no evidence; None where every gate holds."""
    return again.attempt(artifacts.read_arm(folder), label=folder.name).fault


def _preflight(open_source: OpenSource, place: Place) -> None:
    """The lab's own source is in order by construction."""
    if place.platform != "lab":
        with open_source(place) as source:
            source.preflight()


def collect_again(session: CollectSession, folder: Path) -> None:
    """Read a run's graph and traces into its folder.

    InvalidRunError, with everything written, where they do not agree with the generator's own count. A run
    without a topology has no zones to judge by: then it is enough that the counts are final and whole.
    """
    graph = collect_run(session, folder).graph
    if not _topology(folder):
        if not (graph.stable and graph.reconciled):
            last, load = graph.polls[-1], rundir.read_record(folder).seen.measured
            made = 0 if load is None else load.requests
            raise _disagree(folder, f"{last.requests} of {made} requests are there")
        return
    inputs = artifacts.read_arm(folder)
    window = measured(inputs, arm_result(inputs, assumed=AssumedBytes()), label=folder.name)
    seen = window.evidence
    missing = abs(seen.load.requests - seen.graph_requests)
    agrees = seen.stable and missing <= LOSS_TOLERANCE * seen.load.requests
    counts = next(one for one in gates.of_window(seen) if one.name is GateName.GRAPH)
    if not (agrees or counts.passed):
        raise _disagree(folder, counts.seen)


def _disagree(folder: Path, seen: str) -> InvalidRunError:
    return InvalidRunError(
        f"collecting run {folder}: {seen}; if they are only late, ask again: samezone collect {folder}; "
        "if they were lost on the way, measure again"
    )


def _refuse_running(folder: Path, record: RunRecord, now_s: float) -> None:
    """UsageError for a run that goes on: two processes would write one record."""
    seen_s = record.checkpoint_s
    if record.status is RunStatus.RUNNING and seen_s is not None and 0 <= now_s - seen_s < CUT_OFF_S:
        raise UsageError(
            f"collecting run {folder}: it goes on, as its record is {now_s - seen_s:.0f} s old; if it was "
            f"killed, ask again in {CUT_OFF_S:.0f} s"
        )


def _topology(folder: Path) -> tuple[Snapshot, ...]:
    """The run's snapshots; none for a run that was measured without them."""
    return rundir.read_topology(folder) if (folder / rundir.TOPOLOGY).is_file() else ()


def collect_run(session: CollectSession, folder: Path) -> Collected:
    """Read the run's graph and traces into its folder, whether they are whole or not; returns them.

    What the traces were not drawn from becomes a caveat of the run's record, in place of an earlier one.
    """
    record = rundir.read_record(folder)
    _refuse_running(folder, record, session.clock())
    if record.measured is None or record.seen.measured is None:
        raise UsageError(
            f"collecting run {folder}: {stages.why_unmeasured(record)}; run: {artifacts.advice(folder)}"
        )
    with session.open_source(record.place) as source:

        def say(poll: Poll, expected: int) -> None:
            seen = f"{poll.requests} of {expected} requests, {poll.calls} calls between pods"
            session.say(f"{source.title} shows {seen}")

        collected = collect(
            source,
            record,
            clock=session.clock,
            sleep=session.sleep,
            on_poll=say,
            topology=_topology(folder),
            say=session.say,
        )
    artifacts.save_collected(folder, collected)
    kept = tuple(one for one in record.caveats if one.code != LEFT_OUT)
    said = tuple(Caveat(code=LEFT_OUT, text=one) for one in collected.left_out)
    if (*kept, *said) != record.caveats:
        rundir.write_json(folder / rundir.RECORD, replace(record, caveats=(*kept, *said)))
    stored.refresh(folder)
    return collected
