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
from k8s.live import control, switching
from k8s.live.control import Applied
from k8s.process import interrupts
from k8s.routing.modes import RoutingMode, RoutingSettings, settings_of
from k8s.topology import Event, HintsSeen, Recycled, Snapshot
from loadtest.record import Asked, Caveat, Place, RunRecord, RunStatus, Seen
from loadtest.swarm.interface import Swarm
from loadtest.swarm.platforms import RunnableCluster
from loadtest.window import driving
from loadtest.window.chronometer import Chronometer
from loadtest.window.driving import Driver, OnProgress, WindowsSeen
from loadtest.window.topology_log import TopologyLog

T = TypeVar("T")
INTERRUPTED: Final = "interrupted; the load is stopped and the Service is as it was"
_ATTEMPTS: Final = 3
"""How often what must be done is begun, should Ctrl-C fall into it."""


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
    swarm: Swarm
    clock: Callable[[], float]
    """Wall clock, seconds since the epoch: X-Ray's time axis. It can be set while a run goes on."""
    monotonic: Callable[[], float]
    """Seconds that only go forward: what paces the load and the waiting."""
    sleep: Callable[[float], None]
    remember: Callable[[RoutingSettings], None]
    """Called with the Service's knobs before anything is changed, to be restored by anybody later."""
    give_back: Callable[[], object]
    """Puts those knobs back; SamezoneError, which says what to type later, where that cannot be done now."""
    note: control.Note = field(default=lambda *_: None)
    """Called before each change of the Service with what it has and is to have."""
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
    versions: tuple[tuple[str, str], ...] = ()
    caveats: tuple[Caveat, ...] = ()
    """Known before the run."""

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Whose pods and slices belong to the timeline."""
        return tuple(dict.fromkeys((self.asked.service.namespace, self.asked.client.namespace, "locust")))


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
class _Progressing:
    """What is known so far; becomes the record however the run ends."""

    request: ArmRequest
    created_s: float
    log: TopologyLog
    applied: Applied
    hints_start: HintsSeen
    hints_end: HintsSeen | None = None
    """As read after the load; until then the newest snapshot has them."""
    recycled: Recycled | None = None
    windows: WindowsSeen = field(default_factory=WindowsSeen)
    chronometer: Chronometer | None = None
    events: tuple[Event, ...] = ()
    topology: tuple[Snapshot, ...] = ()
    """Taken otherwise than by the log."""
    caveats: list[Caveat] = field(default_factory=list)

    def run(self, status: RunStatus, error: SamezoneError | None = None) -> ArmRun:
        """As it stands now."""
        windows = self.windows
        steps = () if self.chronometer is None else tuple(self.chronometer.steps)
        record = RunRecord(
            run_id=self.request.run_id,
            arm=self.request.arm,
            status=status,
            created_s=self.created_s,
            place=self.request.place,
            asked=self.request.asked,
            seen=Seen(
                service_before=self.applied.service_before,
                service_during=self.applied.service,
                hints_start=self.hints_start,
                hints_end=self.hints_end or self._newest_hints(),
                events=self.events,
                warmup=windows.warmup_seen,
                measured=windows.measured_seen,
                recycled=self.recycled,
            ),
            warmup=windows.warmup,
            measured=windows.measured,
            versions=self.request.versions,
            caveats=(*self.caveats, *windows.caveats, *map(driving.step_caveat, steps)),
            clock_steps=steps,
        )
        return ArmRun(
            record=record,
            topology=self.log.so_far or self.topology,
            truth_before=windows.truth_before,
            truth_after=windows.truth_after,
            error=error,
        )

    def _newest_hints(self) -> HintsSeen:
        key, snapshots = self.request.asked.service, self.log.so_far
        if not snapshots:
            return self.hints_start
        mine = [
            one for one in snapshots[-1].slices if (one.namespace, one.service) == (key.namespace, key.name)
        ]
        return control.hints_seen(mine, at_s=snapshots[-1].taken_at_s)


def run_arm(setup: Setup, request: ArmRequest) -> ArmRun:
    """Run one arm.

    Raises HintsRefusedError (with the Service restored) before any load when the mode's hints do not come,
    and whatever else goes wrong before the load. Any trouble after that point is in ``ArmRun.error`` beside
    the record of what was measured; so is a Service that could not be restored.
    """
    created_s = setup.clock()
    setup.remember(settings_of(setup.cluster.service(request.asked.service)))
    log = TopologyLog(setup.cluster, request.namespaces)
    try:
        with interrupts.allowed():
            state = _prepare(setup, request, log, created_s)
        error = _under_load(setup, state)
        error = _look_again(setup, state, error)
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
    return RunStatus.INTERRUPTED if isinstance(error, InterruptedRunError) else RunStatus.FAILED


def _under_load(setup: Setup, state: _Progressing) -> SamezoneError | None:
    """Start the generators, warm up, measure; what cuts it short is returned, not raised."""
    request, has_workers = state.request, False
    try:
        with interrupts.allowed():
            state.recycled = _recycle(setup)
            setup.on_progress("starting the load generators", 0, 0, None)
            has_workers = bool(setup.swarm.open())
            state.chronometer = Chronometer(clock=setup.clock, monotonic=setup.monotonic)
            state.log.start()
            driver = Driver(
                swarm=setup.swarm,
                chronometer=state.chronometer,
                sleep=setup.sleep,
                truth=setup.truth,
                on_progress=setup.on_progress,
                publish=lambda: setup.publish(state.run(RunStatus.RUNNING)),
            )
            driving.warm_up(driver, request.asked.plan, state.windows, run_id=request.run_id)
            driving.measure_window(driver, request.asked.plan, state.windows, run_id=request.run_id)
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


def _look_again(setup: Setup, state: _Progressing, error: SamezoneError | None) -> SamezoneError | None:
    """Hints, topology and events after the load, each read for itself: one that is lost costs no other.

    Returns *error*, or else why the run is no evidence: nobody knows whether the place stayed as it was.
    """
    key, cluster = state.request.asked.service, setup.cluster
    looking = _Looking(state=state, error=error)
    state.hints_end = looking.at(
        "the hints after the load",
        lambda: control.hints_seen(cluster.slices(key), at_s=setup.clock()),
        required=True,
    )
    if state.hints_end is not None:
        _note_hints(state, state.hints_end)
    looking.at("the pods and slices after the load", partial(_stop_log, setup, state), required=True)
    state.caveats += [Caveat(code="watch", text=text) for text in state.log.trouble]
    before = state.applied.events_before
    events = looking.at("the Service's events", lambda: control.new_events(before, cluster.events(key)))
    state.events = events or ()
    return looking.error


def _stop_log(setup: Setup, state: _Progressing) -> None:
    if state.log.so_far:
        state.log.stop()
    else:
        state.topology = (setup.cluster.snapshot(state.request.namespaces),)


@dataclass(slots=True, kw_only=True)
class _Looking:
    """Reads one thing after the other; what cannot be read is a caveat."""

    state: _Progressing
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
    """End the load generators and give the Service its knobs back: each is tried, whatever the other does."""
    ending = _insist(setup.swarm.close)
    restoring = _insist(setup.give_back) if restored else None
    said = [] if restoring is None else [str(restoring)]
    if ending is not None:
        said.append(f"the load generators could not be ended ({ending})")
    return NotRestoredError("; ".join(said)) if said else None


def _insist(do: Callable[[], object]) -> Exception | None:
    """Do what must be done, anew where Ctrl-C falls into it; returns why it could not be done."""
    for _ in range(_ATTEMPTS):
        try:
            do()
        except KeyboardInterrupt:
            continue
        except (SamezoneError, OSError) as trouble:
            return trouble
        return None
    return InterruptedRunError(f"interrupted {_ATTEMPTS} times")


def _both(trouble: NotRestoredError, before: BaseException) -> NotRestoredError:
    """One line for a run that went wrong and whose end did, too."""
    said = "interrupted" if isinstance(before, InterruptedRunError | KeyboardInterrupt) else str(before)
    return NotRestoredError(f"{trouble}; before that: {said}")


def _prepare(setup: Setup, request: ArmRequest, log: TopologyLog, created_s: float) -> _Progressing:
    """Set the mode and wait for its hints."""
    asked = request.asked
    mode = RoutingMode(asked.mode)
    setup.on_progress(f"setting routing mode {mode.value} on {asked.service}", 0, 0, None)
    patience = Patience(
        timeout_s=setup.timing.hints_timeout_s,
        clock=setup.clock,
        monotonic=setup.monotonic,
        sleep=setup.sleep,
    )
    applied = control.set_mode(setup.cluster, asked.service, mode, patience, note=setup.note)
    outcome = switching.require_hints(
        setup.cluster,
        asked.service,
        mode,
        events_before=applied.events_before,
        patience=patience,
        doing=f"setting {mode.value} on Service {asked.service}",
        afterwards="the Service is as it was",
    )
    setup.sleep(setup.timing.settle_s)
    caveats = [Caveat(code="routing-conflict", text=text) for text in applied.warnings]
    return _Progressing(
        request=request,
        created_s=created_s,
        log=log,
        applied=applied,
        hints_start=outcome.hints,
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


def _note_hints(state: _Progressing, hints_end: HintsSeen) -> None:
    if replace(hints_end, at_s=0) != replace(state.hints_start, at_s=0):
        state.caveats.append(
            Caveat(
                code="hints-changed",
                text=f"Hints changed during the run: {state.hints_start.hinted} of "
                f"{state.hints_start.endpoints} endpoints hinted at its start, {hints_end.hinted} of "
                f"{hints_end.endpoints} at its end.",
            )
        )
