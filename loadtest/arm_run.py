"""One arm: set the mode, settle, warm up, measure, look again, restore.

Whatever happens in between, also Ctrl-C, the swarm is ended, the Service gets its knobs back (unless the
user asked to keep the mode), and what was measured is returned in the record. While load is sent, what is
known so far is published at every look, so that it can be kept outside this process.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, TypeVar

from k8s.effects import Patience
from k8s.errors import InterruptedRunError, SamezoneError, UnreachableError, UsageError
from k8s.live import control
from k8s.process import interrupts
from k8s.process.insisting import insist
from k8s.routing.modes import RoutingSettings, settings_of
from k8s.topology import HintsSeen, Recycled, ServiceKey, Snapshot
from loadtest.record import Asked, Breach, Caveat, Place, RunRecord, RunStatus, Seen, Window
from loadtest.routed import NoteOf, Routed, set_modes
from loadtest.swarm.interface import Swarm
from loadtest.swarm.platforms import RunnableCluster
from loadtest.window import driving, watching
from loadtest.window.chronometer import Chronometer
from loadtest.window.driving import Driver, OnProgress, WindowsSeen
from loadtest.window.topology_log import TopologyLog
from loadtest.window.watching import GuardBreachedError, Watch, Watcher

T = TypeVar("T")
INTERRUPTED: Final = "interrupted; the load is stopped and the Service is as it was"


class NotRestoredError(UnreachableError):
    """The run is over and the Service may not have what it had; the record of that is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long to wait for things that are not load."""

    hints_timeout_s: float = 30.0
    settle_s: float = 1.0
    """From converged hints to load: kube-proxy programs its rules in that time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The effects a run may use."""

    cluster: RunnableCluster
    swarm: Swarm | None
    """None where nothing is sent: the traffic is live."""
    clock: Callable[[], float]
    """Wall clock, seconds since the epoch: X-Ray's time axis. It can be set while a run goes on."""
    monotonic: Callable[[], float]
    """Seconds that only go forward: what paces the load and the waiting."""
    sleep: Callable[[float], None]
    remember: Callable[[ServiceKey, RoutingSettings], None]
    """Called with each Service's knobs before anything is changed, to be restored by anybody later."""
    give_back: Callable[[], object]
    """Puts all of them back; SamezoneError, which says what to type later, where that cannot be done now."""
    note: NoteOf = field(default=lambda *_: None)
    """Called before each change of a Service with what it has and is to have."""
    recycle: Callable[[], Recycled | None] = field(default=lambda: None)
    """Makes the clients open new connections under the mode now in force; None where they do so anyway."""
    publish: Callable[["ArmRun"], None] = field(default=lambda _: None)
    """Hears what the run has so far, with the status ``running``, whenever more is known."""
    truth: Callable[[], Any] | None = None
    """Reads the relays' counters; None where there are none."""
    on_progress: OnProgress = field(default=lambda *_: None)
    timing: Timing = field(default_factory=Timing)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmRequest:
    """One arm to be run."""

    run_id: str
    arm: str
    """Its label."""
    asked: Asked
    place: Place
    keep_mode: bool = False
    """Whether the mode stays in force after a complete run."""
    watch: Watch | None = None
    """Who looks at the guards while live traffic is under the mode; None: nobody."""
    versions: tuple[tuple[str, str], ...] = ()
    caveats: tuple[Caveat, ...] = ()
    """Known before the run."""
    counting: tuple[tuple[str, str], ...] = ()
    """By which options its calls are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmRun:
    """What a run leaves: the caller writes it into the run folder."""

    record: RunRecord
    topology: tuple[Snapshot, ...]
    truth_before: Any = None
    truth_after: Any = None
    error: SamezoneError | None = None
    """Why the run is not complete, or what could not be put back; to be raised once everything is written."""


@dataclass(slots=True, kw_only=True)
class SoFar:
    """What is known so far; becomes the record however the run ends."""

    request: ArmRequest
    created_s: float
    log: TopologyLog
    routed: tuple[Routed, ...]
    """One a Service, the one that the client calls first."""
    recycled: Recycled | None = None
    windows: WindowsSeen = field(default_factory=WindowsSeen)
    chronometer: Chronometer | None = None
    breach: Breach | None = None
    topology: tuple[Snapshot, ...] = ()
    """Taken otherwise than by the log."""
    caveats: list[Caveat] = field(default_factory=list)

    def run(self, status: RunStatus, error: SamezoneError | None = None) -> ArmRun:
        """As it stands now."""
        windows = self.windows
        steps = () if self.chronometer is None else tuple(self.chronometer.steps)
        first, *others = (one.seen(self.log.so_far) for one in self.routed)
        record = RunRecord(
            run_id=self.request.run_id,
            arm=self.request.arm,
            status=status,
            created_s=self.created_s,
            place=self.request.place,
            asked=self.request.asked,
            seen=Seen(
                service_before=first.service_before,
                service_during=first.service_during,
                hints_start=first.hints_start,
                hints_end=first.hints_end,
                events=first.events,
                warmup=windows.warmup_seen,
                measured=windows.measured_seen,
                recycled=self.recycled,
                others=tuple(others),
                breach=self.breach,
            ),
            warmup=windows.warmup,
            measured=windows.measured,
            versions=self.request.versions,
            caveats=(*self.caveats, *windows.caveats, *map(driving.step_caveat, steps)),
            clock_steps=steps,
            counting=self.request.counting,
        )
        return ArmRun(
            record=record,
            topology=self.log.so_far or self.topology,
            truth_before=windows.truth_before,
            truth_after=windows.truth_after,
            error=error,
        )


def run_arm(setup: Setup, request: ArmRequest) -> ArmRun:
    """Run one arm.

    Raises HintsRefusedError (with every Service restored) before any load when the mode's hints do not come
    on one of them, and whatever else goes wrong before the load. Any trouble after that point is in
    ``ArmRun.error`` beside the record of what was measured; so is a Service that could not be restored.
    """
    created_s = setup.clock()
    had = {key: settings_of(setup.cluster.service(key)) for key in request.asked.services}
    for key, settings in had.items():
        setup.remember(key, settings)
    log = TopologyLog(setup.cluster, request.asked.namespaces)
    try:
        with interrupts.allowed():
            state = _prepare(setup, request, log, created_s)
        error = _under_load(setup, state)
        if isinstance(error, GuardBreachedError):
            error = _put_back_now(setup, state, error.breach)
        error = look_again(setup.cluster, setup.clock, state, error)
    except BaseException as stopped:
        trouble = _end(setup, restored=True)
        if trouble is not None:
            raise _both(trouble, stopped) from stopped
        raise
    status = _status(error)
    trouble = _end(setup, restored=error is not None or not request.keep_mode)
    if trouble is not None:
        state.caveats.append(Caveat(code="not-restored", text=f"After the run {trouble}."))
        error = trouble if error is None else _both(trouble, error)
    return state.run(status, error)


def _status(error: SamezoneError | None) -> RunStatus:
    if error is None:
        return RunStatus.COMPLETE
    if isinstance(error, GuardBreachedError):
        return RunStatus.BREACHED
    return RunStatus.INTERRUPTED if isinstance(error, InterruptedRunError) else RunStatus.FAILED


def _under_load(setup: Setup, state: SoFar) -> SamezoneError | None:
    """Start the generators, warm up, measure; what cuts it short is returned, not raised."""
    request, has_workers = state.request, setup.swarm is None
    try:
        with interrupts.allowed():
            state.recycled = _recycle(setup)
            if setup.swarm is not None:
                setup.on_progress("starting the load generators", 0, 0, None)
                has_workers = bool(setup.swarm.open())
            state.chronometer = Chronometer(clock=setup.clock, monotonic=setup.monotonic)
            state.log.start()
            if setup.swarm is None:
                _watch(setup, state, state.chronometer)
            else:
                _drive(setup, state, state.chronometer, setup.swarm)
    except KeyboardInterrupt:
        return InterruptedRunError(INTERRUPTED)
    except SamezoneError as trouble:
        return trouble
    except OSError as trouble:
        return UsageError(f"run {request.run_id}: {trouble}")
    finally:
        if state.chronometer is not None:
            setup.publish(state.run(RunStatus.RUNNING))
        if not has_workers:
            state.caveats.append(Caveat(code="no-load", text="The load generators did not start."))
    return None


def _drive(setup: Setup, state: SoFar, chronometer: Chronometer, swarm: Swarm) -> None:
    request = state.request
    driver = Driver(
        swarm=swarm,
        chronometer=chronometer,
        sleep=setup.sleep,
        truth=setup.truth,
        on_progress=setup.on_progress,
        publish=lambda: setup.publish(state.run(RunStatus.RUNNING)),
    )
    driving.warm_up(driver, request.asked.plan, state.windows, run_id=request.run_id)
    driving.measure_window(driver, request.asked.plan, state.windows, run_id=request.run_id)


def _watch(setup: Setup, state: SoFar, chronometer: Chronometer) -> None:
    """The same windows with nothing sent; GuardBreachedError where a guard is broken in them."""
    plan, watch = state.request.asked.plan, state.request.watch

    def look(window: Window) -> str | None:
        so_far = state.run(RunStatus.RUNNING)
        return None if watch is None else watch.look(so_far.record, so_far.topology, window)

    watcher = Watcher(
        chronometer=chronometer,
        sleep=setup.sleep,
        truth=setup.truth,
        on_progress=setup.on_progress,
        publish=lambda: setup.publish(state.run(RunStatus.RUNNING)),
        guardian=None if watch is None else watch.guardian(look, chronometer),
    )
    watching.watch(watcher, plan, state.windows)


def _put_back_now(setup: Setup, state: SoFar, breach: Breach) -> GuardBreachedError:
    """Take the mode back before anything else is looked at; the breach with the time that it took."""
    for one in state.routed:  # as they are known: reading them again would cost time
        one.hints_end = one.seen(state.log.so_far).hints_end
    if insist(setup.give_back) is None:
        breach = replace(breach, restored_s=setup.clock())
    state.breach = breach
    return GuardBreachedError(breach)


def look_again(
    cluster: RunnableCluster, clock: Callable[[], float], state: SoFar, error: SamezoneError | None
) -> SamezoneError | None:
    """Hints, topology and events after the load, each read for itself: one that is lost costs no other.

    Returns *error*, or else why the run is no evidence: nobody knows whether the place stayed as it was.
    """
    looking = _Looking(state=state, error=error)
    for one in state.routed if state.breach is None else ():
        read, what = partial(_hints_now, cluster, clock, one.key), _of("the hints after the load", one, state)
        one.hints_end = looking.at(what, read, required=True)
        if one.hints_end is not None:
            _note_hints(state, one, one.hints_end)
    looking.at("the pods and slices after the load", partial(_stop_log, cluster, state), required=True)
    state.caveats += [Caveat(code="watch", text=text) for text in state.log.trouble]
    if state.log.unseen:
        state.caveats.append(Caveat(code="namespaces-unseen", text=state.log.unseen))
    for one in state.routed:
        after = looking.at(_of("the Service's events", one, state), partial(cluster.events, one.key))
        one.events = control.new_events(one.applied.events_before, after or ())
    return looking.error


def _of(what: str, one: Routed, state: SoFar) -> str:
    """With the Service's name, where there are several."""
    return f"{what} of Service {one.key}" if state.request.asked.also else what


def _hints_now(cluster: RunnableCluster, clock: Callable[[], float], key: ServiceKey) -> HintsSeen:
    return control.hints_seen(cluster.slices(key), at_s=clock())


def _stop_log(cluster: RunnableCluster, state: SoFar) -> None:
    if state.log.so_far:
        state.log.stop()
    else:
        state.topology = (cluster.snapshot(state.request.asked.namespaces),)


@dataclass(slots=True, kw_only=True)
class _Looking:
    """Reads one thing after the other; what cannot be read is a caveat."""

    state: SoFar
    error: SamezoneError | None

    def at(self, what: str, read: Callable[[], T], *, required: bool = False) -> T | None:
        """What is read; None where it cannot be, and a run that lacks what is *required* has failed."""
        error: SamezoneError
        try:
            with interrupts.allowed():
                return read()
        except KeyboardInterrupt:
            why, error = "interrupted", InterruptedRunError(INTERRUPTED)
        except (SamezoneError, OSError) as trouble:
            why, error = str(trouble), UnreachableError(f"reading {what}: {trouble}")
        self.state.caveats.append(Caveat(code="unread", text=f"Could not read {what}: {why}."))
        if self.error is None and (required or isinstance(error, InterruptedRunError)):
            self.error = error
        return None


def _end(setup: Setup, *, restored: bool) -> NotRestoredError | None:
    """End the load generators and give the Services their knobs back: each whatever the other does."""
    ending = None if setup.swarm is None else insist(setup.swarm.close)
    restoring = insist(setup.give_back) if restored else None
    said = [] if restoring is None else [str(restoring)]
    if ending is not None:
        said.append(f"the load generators could not be ended ({ending})")
    return NotRestoredError("; ".join(said)) if said else None


def _both(trouble: NotRestoredError, before: BaseException) -> NotRestoredError:
    """One line for a run that went wrong and whose end did, too."""
    said = "interrupted" if isinstance(before, InterruptedRunError | KeyboardInterrupt) else str(before)
    return NotRestoredError(f"{trouble}; before that: {said}")


def _prepare(setup: Setup, request: ArmRequest, log: TopologyLog, created_s: float) -> SoFar:
    """Set the mode on every Service, then wait for its hints on each."""
    asked = request.asked
    names = ", ".join(map(str, asked.services))
    setup.on_progress(f"setting routing mode {asked.mode} on {names}", 0, 0, None)
    patience = Patience(
        timeout_s=setup.timing.hints_timeout_s,
        clock=setup.clock,
        monotonic=setup.monotonic,
        sleep=setup.sleep,
    )
    routed = set_modes(setup.cluster, asked, patience, note=setup.note)
    setup.sleep(setup.timing.settle_s)
    caveats = [Caveat(code="routing-conflict", text=text) for one in routed for text in one.applied.warnings]
    return SoFar(
        request=request,
        created_s=created_s,
        log=log,
        routed=routed,
        caveats=[*caveats, *request.caveats],
    )


def _recycle(setup: Setup) -> Recycled | None:
    recycled = setup.recycle()
    if recycled is not None:
        setup.on_progress(
            f"restarted {', '.join(recycled.deployments)} ({recycled.pods} pods, {recycled.seconds:.0f} s): "
            f"{recycled.reason}",
            0,
            0,
            None,
        )
    return recycled


def _note_hints(state: SoFar, one: Routed, hints_end: HintsSeen) -> None:
    hints_start = one.hints_start
    if replace(hints_end, at_s=0) != replace(hints_start, at_s=0):
        state.caveats.append(
            Caveat(
                code="hints-changed",
                text=f"{_of('Hints', one, state)} changed during the run: {hints_start.hinted} of "
                f"{hints_start.endpoints} endpoints hinted at its start, {hints_end.hinted} of "
                f"{hints_end.endpoints} at its end.",
            )
        )
