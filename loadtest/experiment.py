"""One arm: set the mode, settle, warm up, measure, look again, restore.

Whatever happens in between, also Ctrl-C, the swarm is ended, the Service gets its knobs back (unless the
user asked to keep the mode), and what was measured is returned in the record.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from k8s.effects import Patience
from k8s.errors import InterruptedRunError, InvalidRunError, SamezoneError
from k8s.live import control
from k8s.live.control import Applied, HintsOutcome
from k8s.routing.modes import RoutingMode, RoutingSettings, settings_of
from k8s.topology import HintsSeen, Recycled, Snapshot
from loadtest.record import Asked, Caveat, LoadSeen, Place, RunRecord, RunStatus, Seen, Window
from loadtest.swarm.interface import Phase, Progress, Swarm
from loadtest.topology_log import TopologyLog, Watchable
from loadtest.worker.tally import WorkerTally

PROGRESS_S = 0.5


class RunnableCluster(control.Cluster, Watchable, Protocol):
    """What a run needs of the place."""


class HintsRefusedError(InvalidRunError):
    """The controller did not assign hints; *outcome* says what it said."""

    def __init__(self, message: str, outcome: HintsOutcome) -> None:
        super().__init__(message)
        self.outcome = outcome


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
    """Wall clock, seconds since the epoch: X-Ray's time axis."""
    sleep: Callable[[float], None]
    remember: Callable[[RoutingSettings], None]
    """Called with the Service's knobs before anything is changed, to be restored by anybody later."""
    recycle: Callable[[], Recycled | None] = field(default=lambda: None)
    """Makes the clients open new connections under the mode now in force; None where they do so anyway."""
    truth: Callable[[], Any] | None = None
    """Reads the relays' counters; None where there are none."""
    on_progress: Callable[[str, float, float, Progress | None], None] = field(default=lambda *_: None)
    """(step, seconds done, seconds in total, the swarm's progress)."""
    timing: Timing = field(default_factory=Timing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
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
    outcome: HintsOutcome
    recycled: Recycled | None = None
    warmup: Window | None = None
    warmup_seen: LoadSeen | None = None
    measured: Window | None = None
    measured_seen: LoadSeen | None = None
    truth_before: Any = None
    truth_after: Any = None
    caveats: list[Caveat] = field(default_factory=list)


def run(
    setup: Setup,
    asked: Asked,
    place: Place,
    *,
    run_id: str,
    arm: str,
    keep_mode: bool,
    versions: Sequence[tuple[str, str]] = (),
    caveats: Sequence[Caveat] = (),
) -> Outcome:
    """Measure one arm.

    Raises HintsRefusedError (with the Service restored) before any load when the mode's hints do not come.
    Any other trouble after that point is in ``Outcome.error`` beside the record of what was measured.
    """
    key = asked.service
    mode = RoutingMode(asked.mode)
    namespaces = tuple(dict.fromkeys((key.namespace, asked.client.namespace, "locust")))
    created_s = setup.clock()
    original = settings_of(setup.cluster.service(key))
    setup.remember(original)
    log = TopologyLog(setup.cluster, namespaces)
    error: SamezoneError | None = None
    restore = True
    try:
        state = _prepare(setup, asked, mode)
        state.caveats += caveats
        tallies: tuple[WorkerTally, ...] = ()
        try:
            state.recycled = _recycle(setup)
            setup.on_progress("starting the load generators", 0, 0, None)
            tallies = setup.swarm.open()
            log.start()
            _warm_up(setup, asked, state, run_id)
            _measure(setup, asked, state, run_id)
            restore = not keep_mode
        except KeyboardInterrupt:
            error = InterruptedRunError("interrupted; the load is stopped and the Service is as it was")
        except SamezoneError as trouble:
            error = trouble
        finally:
            if not tallies:
                state.caveats.append(Caveat(code="no-load", text="The load generators did not start."))
        hints_end = control.hints_seen(setup.cluster.slices(key), at_s=setup.clock())
        _note_hints(state, hints_end)
        topology = log.stop() if tallies else (setup.cluster.snapshot(namespaces),)
        state.caveats += [Caveat(code="watch", text=text) for text in log.trouble]
        events = control.new_events(state.applied.events_before, setup.cluster.events(key))
    finally:
        try:
            setup.swarm.close()
        finally:
            if restore:
                control.restore(setup.cluster, key, original)
    record = RunRecord(
        run_id=run_id,
        arm=arm,
        status=_status(error),
        created_s=created_s,
        place=place,
        asked=asked,
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
        versions=tuple(versions),
        caveats=tuple(state.caveats),
    )
    return Outcome(
        record=record,
        topology=topology,
        truth_before=state.truth_before,
        truth_after=state.truth_after,
        error=error,
    )


def _status(error: SamezoneError | None) -> RunStatus:
    if error is None:
        return RunStatus.COMPLETE
    return RunStatus.INTERRUPTED if isinstance(error, InterruptedRunError) else RunStatus.FAILED


def _prepare(setup: Setup, asked: Asked, mode: RoutingMode) -> _Progressing:
    """Set the mode and wait for its hints."""
    setup.on_progress(f"setting routing mode {mode.value} on {asked.service}", 0, 0, None)
    patience = Patience(timeout_s=setup.timing.hints_timeout_s, clock=setup.clock, sleep=setup.sleep)
    applied = control.set_mode(setup.cluster, asked.service, mode, patience)
    outcome = control.await_hints(
        setup.cluster, asked.service, mode, events_before=applied.events_before, patience=patience
    )
    if not outcome.converged:
        said = f"the controller says: {outcome.refusal}" if outcome.refusal else "the controller said nothing"
        raise HintsRefusedError(
            f"setting {mode.value} on Service {asked.service}: hints were not assigned within "
            f"{outcome.waited_s:.1f} s ({outcome.hints.hinted} of {outcome.hints.endpoints} endpoints "
            f"hinted); {said}",
            outcome,
        )
    setup.sleep(setup.timing.settle_s)
    caveats = [Caveat(code="routing-conflict", text=text) for text in applied.warnings]
    return _Progressing(applied=applied, hints_start=outcome.hints, outcome=outcome, caveats=caveats)


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
    began_s = setup.clock()
    label = "warming up" if phase is Phase.WARMUP else "measuring"
    while (done_s := setup.clock() - began_s) < length_s:
        progress = setup.swarm.progress()
        setup.on_progress(label, done_s, length_s, progress)
        if progress.lost:
            raise InvalidRunError(
                f"{label}: lost worker {', '.join(progress.lost)}; its zone's load is missing, so the window "
                "is cut; see its log and measure again"
            )
        setup.sleep(min(PROGRESS_S, length_s - done_s))
    seconds = setup.clock() - began_s
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
