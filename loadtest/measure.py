"""Measure one arm into a run folder: the door to the traffic, for a command, a test or a notebook."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from k8s.effects import Say, Talk
from k8s.errors import InvalidRunError, UsageError
from k8s.live.holding import Held, Holds
from k8s.model import names
from k8s.process import interrupts
from k8s.routing.modes import RoutingMode
from k8s.routing.restoring import ChangedKnob
from k8s.topology import ServiceKey
from loadtest import rundir
from loadtest.arm_run import ArmRequest, ArmRun, Setup, Timing, run_arm
from loadtest.keeping.disk import require_room
from loadtest.keeping.keeper import RunKeeper, TruthSource
from loadtest.record import Asked, Caveat, Place, RunRecord, RunStatus
from loadtest.swarm.interface import Progress
from loadtest.swarm.platforms import Checked, Platform
from loadtest.window.driving import OnProgress
from loadtest.worker.plan import LoadPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Who calls whom, and how much."""

    service: ServiceKey
    """The Service whose routing is studied."""
    client: ServiceKey
    """The Service whose pods call it."""
    plan: LoadPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureRequest:
    """One arm to be measured."""

    mode: RoutingMode
    load: Load
    runs: Path
    """Folder of the run folders."""
    arm: str | None = None
    """Its label; None: the mode's name."""
    keep: bool = False
    """Whether the mode stays in force after a complete run."""

    def __post_init__(self) -> None:
        """Refuse a label that would not be the same in a folder's name and in a query."""
        if self.arm is not None and not names.is_label(self.arm):
            raise UsageError(f"arm {names.shown(self.arm)}: {names.LABEL}")

    @property
    def label(self) -> str:
        """The arm's label."""
        return self.mode.value if self.arm is None else self.arm

    @property
    def asked(self) -> Asked:
        """The same for the record."""
        return Asked(
            mode=self.mode.value, service=self.load.service, client=self.load.client, plan=self.load.plan
        )


@dataclass(slots=True, kw_only=True)
class Consent:
    """Agreement to change a cluster: asked for once in a session, announced before every arm."""

    talk: Talk
    given: bool = False

    def ask(self, lines: Sequence[str]) -> None:
        """Return once it is given; UsageError where it is refused."""
        if self.given:
            for line in lines:
                self.talk.say(line)
        else:
            self.talk.agree(lines)
            self.given = True


@contextmanager
def unseen() -> Iterator[OnProgress]:
    """Progress that nobody looks at."""
    yield lambda *_: None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureSession:
    """What measuring may use; one session for all arms of a command."""

    open_platform: Callable[[], Platform]
    """Asked for each arm: what a lab has, and a cluster's credentials, change in the course of hours."""
    clock: Callable[[], float]
    """Wall clock, seconds since the epoch."""
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    say: Say
    consent: Consent
    holds: Holds
    """The Services that this command changes, and what they had."""
    logs: Path
    """Folder for the load generators' logs, one folder in it a run."""
    versions: tuple[tuple[str, str], ...] = ()
    """What measures, for the record."""
    progress: Callable[[], AbstractContextManager[OnProgress]] = unseen
    """Shows how far a run is as long as the context lasts."""
    timing: Timing = field(default_factory=Timing)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRun:
    """A run folder and its record."""

    folder: Path
    record: RunRecord


def measure(
    session: MeasureSession,
    request: MeasureRequest,
    *,
    preflight: Callable[[Place], None] = lambda _: None,
    on_tick: OnProgress = lambda *_: None,
) -> MeasuredRun:
    """Measure one arm into a new run folder; raises what went wrong after everything is written.

    *preflight* may refuse the place before anything is changed; *on_tick* hears the progress. The folder is
    made before anything is changed, too: UsageError where it cannot be, or lacks room. From the load on it
    holds what is measured, whatever becomes of this process.
    """
    platform = session.open_platform()
    place = platform.place()
    preflight(place)
    checked = platform.check(request.asked)
    session.holds.check(platform.cluster, request.load.service)
    if checked.announcement:
        session.consent.ask(
            ("this changes a cluster:", *checked.announcement, _afterwards(keep=request.keep))
        )
    began_s = session.clock()
    arm = ArmRequest(
        run_id=f"{int(began_s)}-{rundir.plain(request.label)}",
        arm=request.label,
        asked=request.asked,
        place=place,
        keep_mode=request.keep,
        versions=session.versions,
        caveats=checked.caveats,
    )
    # Signals are let in where the run waits; what it began is ended and written down in whole.
    holding = session.holds.held(platform.cluster, request.load.service, run=f"run {arm.run_id}")
    with interrupts.held(), holding as held:
        putting = _Putting(held=held, service=request.load.service)
        keeper = _keeper(session, request, platform, began_s)
        setup = partial(_setup, session, platform, checked, arm, began_s, keeper, putting)
        return _ended(session, keeper, _kept_run(session, arm, keeper, setup, putting, on_tick))


def _kept_run(
    session: MeasureSession,
    arm: ArmRequest,
    keeper: RunKeeper,
    setup: Callable[[OnProgress], Setup],
    putting: "_Putting",
    on_tick: OnProgress,
) -> ArmRun:
    """Run the arm under the eyes of a keeper, who writes down what there is when it ends otherwise."""
    try:
        with session.progress() as show:

            def on_progress(step: str, done_s: float, total_s: float, swarm: Progress | None) -> None:
                putting.held.check()
                show(step, done_s, total_s, swarm)
                on_tick(step, done_s, total_s, swarm)

            return putting.seen_by(run_arm(setup(on_progress), arm))
    except BaseException as stopped:
        status = RunStatus.INTERRUPTED if isinstance(stopped, KeyboardInterrupt) else RunStatus.FAILED
        if keeper.give_up(status):
            session.say(_kept(keeper.folder, status))
        if isinstance(stopped, OSError) and not isinstance(stopped, BrokenPipeError):
            raise UsageError(f"run {arm.run_id}: {stopped}") from stopped
        raise


def _setup(
    session: MeasureSession,
    platform: Platform,
    checked: Checked,
    arm: ArmRequest,
    began_s: float,
    keeper: RunKeeper,
    putting: "_Putting",
    on_progress: OnProgress,
) -> Setup:
    return Setup(
        cluster=platform.cluster,
        swarm=platform.swarm(arm.asked.client, name=f"{int(began_s):x}", log_dir=session.logs / arm.run_id),
        clock=session.clock,
        monotonic=session.monotonic,
        sleep=session.sleep,
        remember=putting.held.remember,
        note=putting.held.note,
        give_back=putting.give_back,
        recycle=checked.recycle,
        publish=keeper.publish,
        truth=platform.read_truth,
        on_progress=on_progress,
        timing=session.timing,
    )


def _keeper(
    session: MeasureSession, request: MeasureRequest, platform: Platform, began_s: float
) -> RunKeeper:
    """The run folder and who writes into it; UsageError, and no folder, where there is no room for it."""
    folder = rundir.create(request.runs, request.label, now_s=began_s)
    read = platform.read_truth
    plan = request.load.plan
    try:
        require_room(folder, seconds=plan.warmup_s + plan.duration_s)
        return RunKeeper(
            folder,
            clock=session.clock,
            say=session.say,
            truth=None if read is None else TruthSource(read=read, between=platform.truth_file),
        )
    except UsageError:
        folder.rmdir()
        raise


def _ended(session: MeasureSession, keeper: RunKeeper, run: ArmRun) -> MeasuredRun:
    """The run written down; raises what cut it short, or what could not be kept of it."""
    folder, lost = keeper.folder, keeper.finish(run)
    if lost or run.error is not None:
        session.say(_kept(folder, keeper.status, lost))
    if run.error is not None:
        raise run.error
    if lost:
        raise UsageError(f"run {folder}: not all of it could be kept: {'; '.join(lost)}")
    return MeasuredRun(folder=folder, record=run.record)


def _kept(folder: Path, status: RunStatus, lost: Sequence[str] = ()) -> str:
    but = f", but for {'; '.join(lost)}" if lost else ""
    return f"what was measured is kept in {folder}, marked {status.value}{but}"


def _afterwards(*, keep: bool) -> str:
    if keep:
        return "the Service keeps the mode afterwards; to put it back: make disable-tar PLATFORM=cluster"
    return "the Service gets back what it had afterwards"


@dataclass(slots=True, kw_only=True)
class _Putting:
    """Puts back what the Service had before the run, and remembers what it had to leave."""

    held: Held
    service: ServiceKey
    left: tuple[ChangedKnob, ...] = ()

    def give_back(self) -> None:
        self.left = self.held.give_back()

    def seen_by(self, run: ArmRun) -> ArmRun:
        """The run with what is to be said of its Service: caveats, and an error where somebody changed it."""
        caveats = [Caveat(code="hold", text=text) for text in self.held.trouble]
        error, status = run.error, run.record.status
        if self.left:
            said = "; ".join(map(str, self.left))
            text = f"Somebody else changed Service {self.service} during the run: {said}; left as they set it"
            caveats.append(Caveat(code="routing-changed", text=f"{text}."))
            if error is None:
                status = RunStatus.FAILED
                error = InvalidRunError(
                    f"{text}; to overrule: {self.held.command} --force; then measure again"
                )
        record = replace(run.record, status=status, caveats=(*run.record.caveats, *caveats))
        return replace(run, record=record, error=error)
