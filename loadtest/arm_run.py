"""One arm: set the mode, settle, warm up, measure, look again, restore.

Whatever happens in between, also Ctrl-C, the swarm is ended, the Service gets its knobs back (unless the
user asked to keep the mode), and what was measured is returned in the record.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from k8s.effects import Patience
from k8s.errors import InterruptedRunError, InvalidRunError, SamezoneError
from k8s.live import control, switching
from k8s.live.control import Applied
from k8s.routing.modes import RoutingMode, RoutingSettings, settings_of
from k8s.topology import Event, HintsSeen, Recycled, Snapshot
from loadtest.record import Asked, Caveat, LoadSeen, Place, RunRecord, RunStatus, Seen, Window
from loadtest.swarm.interface import Phase, Progress, Swarm
from loadtest.swarm.platforms import RunnableCluster
from loadtest.topology_log import TopologyLog

PROGRESS_S = 0.5
WARMING_UP = "warming up"
MEASURING = "measuring"

OnProgress = Callable[[str, float, float, Progress | None], None]
"""Hears (step, seconds done, seconds in total, what the swarm did); in total 0 for a step without length."""


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
    forget: Callable[[], None] = field(default=lambda: None)
    """Called once the Service has those knobs again; never where they could not be put back."""
    recycle: Callable[[], Recycled | None] = field(default=lambda: None)
    """Makes the clients open new connections under the mode now in force; None where they do so anyway."""
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
    """Why the run is not complete; to be raised once everything is written."""


@dataclass(slots=True)
class _Progressing:
    """What is known so far; becomes the record however the run ends."""

    applied: Applied
    hints_start: HintsSeen
    recycled: Recycled | None = None
    has_workers: bool = False
    is_watched: bool = False
    """Whether the topology log has started."""
    warmup: Window | None = None
    warmup_seen: LoadSeen | None = None
    measured: Window | None = None
    measured_seen: LoadSeen | None = None
    truth_before: Any = None
    truth_after: Any = None
    caveats: list[Caveat] = field(default_factory=list)


def run_arm(setup: Setup, request: ArmRequest) -> ArmRun:
    """Run one arm.

    Raises HintsRefusedError (with the Service restored) before any load when the mode's hints do not come.
    Any other trouble after that point is in ``ArmRun.error`` beside the record of what was measured.
    """
    key = request.asked.service
    created_s = setup.clock()
    original = settings_of(setup.cluster.service(key))
    setup.remember(original)
    log = TopologyLog(setup.cluster, request.namespaces)
    restore = True
    try:
        state = _prepare(setup, request.asked)
        state.caveats += request.caveats
        error = _under_load(setup, request, state, log)
        hints_end = control.hints_seen(setup.cluster.slices(key), at_s=setup.clock())
        _note_hints(state, hints_end)
        topology = log.stop() if state.is_watched else (setup.cluster.snapshot(request.namespaces),)
        state.caveats += [Caveat(code="watch", text=text) for text in log.trouble]
        events = control.new_events(state.applied.events_before, setup.cluster.events(key))
        restore = error is not None or not request.keep_mode
    finally:
        try:
            setup.swarm.close()
        finally:
            if restore:
                control.restore(setup.cluster, key, original)
                setup.forget()
    return ArmRun(
        record=_record(request, state, created_s=created_s, hints_end=hints_end, events=events, error=error),
        topology=topology,
        truth_before=state.truth_before,
        truth_after=state.truth_after,
        error=error,
    )


def _under_load(
    setup: Setup, request: ArmRequest, state: _Progressing, log: TopologyLog
) -> SamezoneError | None:
    """Start the generators, warm up, measure; what cuts it short is returned, not raised."""
    try:
        state.recycled = _recycle(setup)
        setup.on_progress("starting the load generators", 0, 0, None)
        state.has_workers = bool(setup.swarm.open())
        log.start()
        state.is_watched = True
        _warm_up(setup, request.asked, state, request.run_id)
        _measure(setup, request.asked, state, request.run_id)
    except KeyboardInterrupt:
        return InterruptedRunError("interrupted; the load is stopped and the Service is as it was")
    except SamezoneError as trouble:
        return trouble
    finally:
        if not state.has_workers:
            state.caveats.append(Caveat(code="no-load", text="The load generators did not start."))
    return None


def _record(
    request: ArmRequest,
    state: _Progressing,
    *,
    created_s: float,
    hints_end: HintsSeen,
    events: tuple[Event, ...],
    error: SamezoneError | None,
) -> RunRecord:
    return RunRecord(
        run_id=request.run_id,
        arm=request.arm,
        status=_status(error),
        created_s=created_s,
        place=request.place,
        asked=request.asked,
        seen=Seen(
            service_before=state.applied.service_before,
            service_during=state.applied.service,
            hints_start=state.hints_start,
            hints_end=hints_end,
            events=events,
            warmup=state.warmup_seen,
            measured=state.measured_seen,
            recycled=state.recycled,
        ),
        warmup=state.warmup,
        measured=state.measured,
        versions=request.versions,
        caveats=tuple(state.caveats),
    )


def _status(error: SamezoneError | None) -> RunStatus:
    if error is None:
        return RunStatus.COMPLETE
    return RunStatus.INTERRUPTED if isinstance(error, InterruptedRunError) else RunStatus.FAILED


def _prepare(setup: Setup, asked: Asked) -> _Progressing:
    """Set the mode and wait for its hints."""
    mode = RoutingMode(asked.mode)
    setup.on_progress(f"setting routing mode {mode.value} on {asked.service}", 0, 0, None)
    patience = Patience(
        timeout_s=setup.timing.hints_timeout_s,
        clock=setup.clock,
        monotonic=setup.monotonic,
        sleep=setup.sleep,
    )
    applied = control.set_mode(setup.cluster, asked.service, mode, patience)
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
    return _Progressing(applied=applied, hints_start=outcome.hints, caveats=caveats)


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


def _warm_up(setup: Setup, asked: Asked, state: _Progressing, run_id: str) -> None:
    if asked.plan.warmup_s <= 0:
        return
    began_s = setup.clock()
    state.warmup_seen = _load(setup, asked, run_id, Phase.WARMUP, asked.plan.warmup_s)
    state.warmup = Window(start_s=began_s, end_s=setup.clock())


def _measure(setup: Setup, asked: Asked, state: _Progressing, run_id: str) -> None:
    """The measured window: quiet, load, quiet; nothing of another phase is in it."""
    if setup.truth is not None:
        state.truth_before = setup.truth()
    began_s = setup.clock()
    setup.sleep(asked.plan.quiet_s)
    try:
        state.measured_seen = _load(setup, asked, run_id, Phase.MEASURE, asked.plan.duration_s)
    except (KeyboardInterrupt, SamezoneError):
        # What was measured until then is kept: the load is stopped, the window ends here.
        state.measured_seen = _salvage(setup, began_s)
        raise
    finally:
        setup.sleep(asked.plan.quiet_s)
        state.measured = Window(start_s=began_s, end_s=setup.clock())
        if setup.truth is not None:
            state.truth_after = setup.truth()


def _salvage(setup: Setup, began_s: float) -> LoadSeen | None:
    with suppress(SamezoneError):
        setup.swarm.stop()
    try:
        return LoadSeen(seconds=max(0.0, setup.clock() - began_s), workers=setup.swarm.tallies())
    except SamezoneError:
        return None


def _load(setup: Setup, asked: Asked, run_id: str, phase: Phase, length_s: float) -> LoadSeen:
    """Load for *length_s* seconds; InvalidRunError when a worker is lost on the way."""
    setup.swarm.start(asked.plan, run_id=run_id, phase=phase)
    began_s = setup.monotonic()
    label = WARMING_UP if phase is Phase.WARMUP else MEASURING
    while (done_s := setup.monotonic() - began_s) < length_s:
        progress = setup.swarm.progress()
        setup.on_progress(label, done_s, length_s, progress)
        if progress.lost:
            raise InvalidRunError(
                f"{label}: lost worker {', '.join(progress.lost)}; its zone's load is missing, so the window "
                "is cut; see its log and measure again"
            )
        setup.sleep(min(PROGRESS_S, length_s - done_s))
    seconds = setup.monotonic() - began_s
    setup.swarm.stop()
    setup.on_progress(label, length_s, length_s, setup.swarm.progress())
    return LoadSeen(seconds=seconds, workers=setup.swarm.tallies())


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
