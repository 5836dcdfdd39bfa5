"""Measure one arm into a run folder: the door to the traffic, for a command, a test or a notebook."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from k8s.effects import Say, Talk
from k8s.errors import InvalidRunError, UsageError
from k8s.live.holding import Holds
from k8s.live.several import HeldServices, check_services, held_services
from k8s.model import names
from k8s.process import interrupts
from k8s.routing.modes import RoutingMode
from k8s.routing.restoring import ChangedKnob
from k8s.topology import ServiceKey
from loadtest import rundir
from loadtest.arm_run import ArmRequest, ArmRun, Setup, Timing, run_arm
from loadtest.keeping.disk import require_room
from loadtest.keeping.keeper import RunKeeper, TruthSource
from loadtest.record import Asked, Caveat, Place, RunRecord, RunStatus, Traffic
from loadtest.swarm.interface import Progress
from loadtest.swarm.platforms import Checked, Platform
from loadtest.window.driving import OnProgress
from loadtest.window.job import JobView, UnseenJob
from loadtest.window.watching import Watch
from loadtest.worker.plan import LoadPlan

Preflight = Callable[[Place], tuple[tuple[str, str], ...]]
"""Looks at a place before it is changed; names and values of the options by which its calls are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Who calls whom, and how much."""

    service: ServiceKey
    """The Service whose routing is studied."""
    client: ServiceKey
    """The Service whose pods call it."""
    plan: LoadPlan
    also: tuple[ServiceKey, ...] = ()
    """Further Services that are studied with it: they get each mode together, and back what they had."""
    callers: tuple[ServiceKey, ...] = ()
    """Whose pods call those, in the same order, as far as it is told."""
    traffic: Traffic = Traffic.DRIVEN
    """With live traffic nothing is sent, and *plan* tells lengths alone."""

    def __post_init__(self) -> None:
        """Refuse a Service that is named twice, and a caller of none."""
        twice = next((key for key in self.services if self.services.count(key) > 1), None)
        if twice is not None:
            raise UsageError(f"--service {twice}: it is named twice; name each Service once")
        if len(self.callers) > len(self.also):
            raise UsageError(
                f"--client {self.callers[len(self.also)]}: it is the client of no --service; give as many "
                "Services, in the same order"
            )

    @property
    def services(self) -> tuple[ServiceKey, ...]:
        """All of them, the one that the client calls first."""
        return (self.service, *self.also)


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
    watch: Watch | None = None
    """Who looks at the guards while live traffic is under the mode; None: nobody."""
    modes: tuple[RoutingMode, ...] = ()
    """All that a command sets window by window, where it is more than this one: consent is asked once."""

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
        load = self.load
        return Asked(
            mode=self.mode.value,
            service=load.service,
            client=load.client,
            plan=load.plan,
            also=load.also,
            callers=load.callers,
            traffic=load.traffic,
        )


@dataclass(slots=True, kw_only=True)
class Consent:
    """Agreement to change a cluster: asked for once in a session, announced before every arm."""

    talk: Talk
    given: bool = False
    told: set[str] = field(default_factory=set)
    """What was said already."""

    def tell(self, lines: Sequence[str]) -> None:
        """Say what nobody has to agree to, each line once in a session."""
        for line in lines:
            if line not in self.told:
                self.told.add(line)
                self.talk.say(line)

    def ask(self, lines: Sequence[str]) -> None:
        """Return once it is given; UsageError where it is refused."""
        if self.given:
            for line in lines:
                self.talk.say(line)
        else:
            self.talk.agree(lines)
            self.given = True


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
    job: JobView = field(default_factory=UnseenJob)
    """Shows how far all of it is."""
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
    preflight: Preflight = lambda _: (),
    on_tick: OnProgress = lambda *_: None,
) -> MeasuredRun:
    """Measure one arm into a new run folder; raises what went wrong after everything is written.

    *preflight* may refuse the place before anything is changed, and says for the record by which options the
    calls are counted; *on_tick* hears the progress. The folder is
    made before anything is changed, too: UsageError where it cannot be, or lacks room. From the load on it
    holds what is measured, whatever becomes of this process.
    """
    platform = session.open_platform()
    place = platform.place()
    counting = preflight(place)
    checked = platform.check(request.asked)
    check_services(session.holds, platform.cluster, request.load.services)
    session.consent.tell(checked.notes)
    if checked.announcement:
        session.consent.ask(
            ("this changes a cluster:", *checked.announcement, *_in_turn(request), _afterwards(request))
        )
    began_s = session.clock()
    arm = ArmRequest(
        run_id=f"{int(began_s)}-{rundir.plain(request.label)}",
        arm=request.label,
        asked=request.asked,
        place=place,
        keep_mode=request.keep,
        watch=request.watch,
        versions=session.versions,
        caveats=(*checked.caveats, *of_load(request.load)),
        counting=counting,
    )
    # Signals are let in where the run waits; what it began is ended and written down in whole.
    holding = held_services(session.holds, platform.cluster, request.load.services, run=f"run {arm.run_id}")
    with interrupts.held(), holding as held:
        putting = _Putting(held=held)
        keeper = _keeper(session, request, platform, began_s)
        setup = partial(_setup, session, platform, checked, arm, began_s, keeper, putting)
        return _ended(session, keeper, _kept_run(session, arm, keeper, setup, putting, on_tick))


def of_load(load: Load) -> tuple[Caveat, ...]:
    """What has to be known of figures that a load like this gives."""
    plan = load.plan
    if load.traffic is Traffic.LIVE:
        text = (
            "The traffic was live, and nobody held it equal: what else changed in it between the windows, "
            "the blocks have to even out. No generator counted it either: losses show by their marks alone."
        )
        return (Caveat(code="live-traffic", text=text),)
    if not plan.is_closed_loop:
        return ()
    text = (
        f"The load was {plan.users} closed-loop users of {plan.locustfile.partition(' ')[0]}: when the "
        "service slows down they send less, so latency figures leave out the requests that were not sent "
        "(coordinated omission)."
    )
    return (Caveat(code="closed-loop", text=text),)


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
        plan = arm.asked.plan
        seconds = plan.warmup_s + plan.duration_s + 2 * plan.quiet_s
        with session.job.window(arm.asked.mode, seconds=seconds) as show:

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
    is_live = arm.asked.is_live
    name, logs = f"{int(began_s):x}", session.logs / arm.run_id
    return Setup(
        cluster=platform.cluster,
        swarm=None if is_live else platform.swarm(arm.asked.client, name=name, log_dir=logs),
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


def _in_turn(request: MeasureRequest) -> tuple[str, ...]:
    """What later windows of the command will set, for somebody who is asked at the first."""
    if len(request.modes) <= 1:
        return ()
    modes = ", ".join(one.value for one in request.modes)
    return (f"mode     window by window it is set to {modes}, in turn; you are asked only now",)


def _afterwards(request: MeasureRequest) -> str:
    if not request.load.also:
        if request.keep:
            return "the Service keeps the mode afterwards; to put it back: make disable-tar PLATFORM=cluster"
        return "the Service gets back what it had afterwards"
    if request.keep:
        names = " ".join(f"--service {key}" for key in request.load.services)
        return f"the Services keep the mode afterwards; to put them back: samezone routing restore {names}"
    return "the Services get back what they had afterwards"


@dataclass(slots=True, kw_only=True)
class _Putting:
    """Puts back what the Services had before the run, and remembers what it had to leave."""

    held: HeldServices
    left: dict[ServiceKey, tuple[ChangedKnob, ...]] = field(default_factory=dict)

    def give_back(self) -> None:
        self.left = self.held.give_back()

    def seen_by(self, run: ArmRun) -> ArmRun:
        """The run with what is to be said of its Services: caveats, an error where somebody changed one."""
        caveats = [Caveat(code="hold", text=text) for text in self.held.trouble]
        error, status = run.error, run.record.status
        for key, left in self.left.items():
            if not left:
                continue
            said = "; ".join(map(str, left))
            text = f"Somebody else changed Service {key} during the run: {said}; left as they set it"
            caveats.append(Caveat(code="routing-changed", text=f"{text}."))
            if error is None:
                status = RunStatus.FAILED
                error = InvalidRunError(
                    f"{text}; to overrule: {self.held.each[key].command} --force; then measure again"
                )
        record = replace(run.record, status=status, caveats=(*run.record.caveats, *caveats))
        return replace(run, record=record, error=error)
