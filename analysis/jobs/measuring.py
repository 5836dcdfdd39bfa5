"""One arm, measured and collected: what every job that measures does; once more where it is no evidence."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

from analysis import artifacts, stages
from analysis.arm.caveats import LOSS_TOLERANCE
from analysis.arm.result import AssumedBytes, arm_result
from analysis.jobs import again, stored
from analysis.source.choice import Options, SourceChoice
from analysis.source.collect import Collected, Shown, collect
from analysis.source.interface import Source
from analysis.verdict import gates
from analysis.verdict.judged import GateName
from analysis.verdict.windows import measured
from k8s.effects import Say, steady
from k8s.errors import InvalidRunError, UnreachableError, UsageError
from k8s.live.several import held_services
from k8s.routing.modes import RoutingSettings, settings_of
from k8s.topology import ServiceKey, Snapshot
from loadtest import rundir
from loadtest.measure import Load, MeasuredRun, MeasureRequest, MeasureSession
from loadtest.measure import measure as measure_arm
from loadtest.record import CUT_OFF_S, Caveat, Place, RunRecord, RunStatus
from loadtest.window.job import JobView, UnseenJob

LEFT_OUT: Final = "traces-left-out"
"""Code of the caveats that tell what the run's traces were not drawn from."""
OpenSource = Callable[[Place], AbstractContextManager[Source]]
"""The source that counts the calls of a place; open as long as the context lasts."""
QuietOf = Callable[[Place], float]
"""How long it has to be quiet on both sides of a load, for the source to tell it from others; seconds."""
Settle = Callable[[Place], SourceChoice]
"""Which source that is, for the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectSession:
    """What collecting may use."""

    open_source: OpenSource
    clock: Callable[[], float]
    """Seconds since the epoch, by a clock that nobody sets: how long is waited depends on it."""
    sleep: Callable[[float], None]
    say: Say
    settle: Settle | None = None
    job: JobView = field(default_factory=UnseenJob)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a job that measures may use; one session for all arms of a command."""

    traffic: MeasureSession
    open_source: OpenSource
    settle: Settle | None = None
    """None: nothing is remembered of how the source is reached."""
    quiet_s: QuietOf | None = None
    """None: whatever the load has."""

    def choice(self, place: Place) -> SourceChoice:
        """How the calls of a place are counted; nothing where nobody says."""
        return SourceChoice() if self.settle is None else self.settle(place)

    @property
    def collecting(self) -> CollectSession:
        """The part of it that reads calls."""
        return CollectSession(
            open_source=self.open_source,
            clock=steady(self.traffic.clock, self.traffic.monotonic),
            sleep=self.traffic.sleep,
            say=self.traffic.say,
            settle=self.settle,
            job=self.traffic.job,
        )


def fitted(session: Session, load: Load) -> Load:
    """The load with as much quiet around it as the source needs; as it is where that is enough."""
    if session.quiet_s is None:
        return load
    quiet_s = session.quiet_s(session.traffic.open_platform().place())
    if quiet_s <= load.plan.quiet_s:
        return load
    return replace(load, plan=replace(load.plan, quiet_s=quiet_s))


def measure(session: Session, request: MeasureRequest) -> MeasuredRun:
    """Measure and collect one arm; what was measured is kept when the calls cannot be read.

    Raises what measuring and collecting raise. A source that would not show all calls is refused before
    anything is changed.
    """
    run = measure_arm(session.traffic, request, preflight=partial(_preflight, session))
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
        traffic.job.more()
        if request.keep:
            # The second window finds what the first one found, and puts that back where it fails.
            record = broken.run.record
            befores = [one.service_before for one in record.seen.services]
            before = {one.key: settings_of(one) for one in befores}
            put_back(session, before, run=f"run {record.run_id}")
        # A gate names the window that broke it, which stands at the line's beginning already.
        told = why.replace(f" ({broken.run.folder.name})", "", 1)
        traffic.say(f"{broken.run.folder} is no evidence: {told}; measuring it once more")

    def set_aside(broken: JudgedWindow, instead: JudgedWindow, why: str) -> None:
        artifacts.set_aside(broken.run.folder, instead=instead.run.folder, why=why)

    with traffic.holds.together():
        return again.once_more(one, lambda window: window.fault, on_fault=say, set_aside=set_aside)


def put_back(session: Session, before: Mapping[ServiceKey, RoutingSettings], *, run: str) -> None:
    """Give Services what they had before a mode was kept; an older record, of an earlier command, stays."""
    traffic = session.traffic
    with held_services(traffic.holds, traffic.open_platform().cluster, list(before), run=run) as held:
        held.give_back(before)


def fault_of(folder: Path) -> str | None:
    """Why a collected run's window is no evidence; None where every gate holds for every pair under test."""
    return again.attempt(artifacts.read_arm(folder), label=folder.name).fault


def _preflight(session: Session, place: Place) -> Options:
    """How the calls are counted; the lab's own source is in order by construction."""
    counting = session.choice(place).options()
    if place.platform != "lab":
        with session.open_source(place) as source:
            source.preflight()
    return counting


def collect_again(session: CollectSession, folder: Path) -> None:
    """Read a run's graph and traces into its folder.

    InvalidRunError, with everything written, where they do not agree with the generator's own count. A run
    without a topology has no zones to judge by: then it is enough that the counts are final and whole.
    """
    graph = collect_run(session, folder).graph
    if not _topology(folder):
        if not (graph.stable and (graph.reconciled or not graph.reconcilable)):
            last, load = graph.polls[-1], rundir.read_record(folder).seen.measured
            made = 0 if load is None else load.requests
            raise _disagree(folder, f"{last.requests} of {made} requests are there")
        return
    inputs = artifacts.read_arm(folder)
    window = measured(inputs, arm_result(inputs, assumed=AssumedBytes()), label=folder.name)
    seen = window.evidence
    agrees = seen.stable and seen.missing <= LOSS_TOLERANCE * (seen.made or 0)
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
        polls: list[Shown] = []
        with session.job.waiting(source.title) as wait:

            def hear(shown: Shown) -> None:
                polls.append(shown)
                wait(str(shown))

            collected = collect(
                source,
                record,
                clock=session.clock,
                sleep=session.sleep,
                on_poll=hear,
                topology=_topology(folder),
                say=session.say,
            )
        session.say(f"{source.title} shows {polls[-1]}")
    artifacts.save_collected(folder, collected)
    kept = tuple(one for one in record.caveats if one.code != LEFT_OUT)
    more = tuple(Caveat(code=LEFT_OUT, text=one) for one in collected.left_out)
    counting = record.counting if session.settle is None else session.settle(record.place).options()
    told = replace(record, caveats=(*kept, *more), counting=counting)
    if told != record:
        rundir.write_json(folder / rundir.RECORD, told)
    stored.refresh(folder)
    return collected
