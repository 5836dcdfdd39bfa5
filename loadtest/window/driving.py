"""Drive one window of load: start it, watch it, stop it, and know at each moment what it did so far.

A window that is cut short keeps what was counted: a window and counts that belong together, so that both can
be held against the graph.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from k8s.errors import InvalidRunError, SamezoneError, UnreachableError
from loadtest.record import Caveat, ClockStep, LoadSeen, Window
from loadtest.swarm.interface import Phase, Progress, Swarm
from loadtest.window.chronometer import Chronometer, Timer, told
from loadtest.worker.plan import LoadPlan

PROGRESS_S: Final = 0.5
WARMING_UP: Final = "warming up"
MEASURING: Final = "measuring"

OnProgress = Callable[[str, float, float, Progress | None], None]
"""Hears (step, seconds done, seconds in total, what the swarm did); in total 0 for a step without length."""
_LABELS: Final = {Phase.WARMUP: WARMING_UP, Phase.MEASURE: MEASURING}


class ClockSteppedError(InvalidRunError):
    """The wall clock was set in a window: what was stamped before and after it is not on one time axis."""


@dataclass(slots=True, kw_only=True)
class WindowsSeen:
    """Both windows as far as they got; becomes part of the record however the run ends."""

    warmup: Window | None = None
    warmup_seen: LoadSeen | None = None
    measured: Window | None = None
    measured_seen: LoadSeen | None = None
    truth_before: Any = None
    truth_after: Any = None
    caveats: list[Caveat] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """The effects that driving load may use."""

    swarm: Swarm
    chronometer: Chronometer
    sleep: Callable[[float], None]
    truth: Callable[[], Any] | None
    """Reads the relays' counters; None where there are none."""
    on_progress: OnProgress
    publish: Callable[[], None]
    """Called whenever more is known than before."""


def warm_up(driver: Driver, plan: LoadPlan, seen: WindowsSeen, *, run_id: str) -> None:
    """The window before the measured one; nothing where the plan has none."""
    if plan.warmup_s <= 0:
        return
    timer = Timer(driver.chronometer)

    def hear(load: LoadSeen) -> None:
        seen.warmup_seen, seen.warmup = load, timer.window()
        driver.publish()

    driver.publish()
    hear(_load(driver, plan, run_id, Phase.WARMUP, hear))


def measure_window(driver: Driver, plan: LoadPlan, seen: WindowsSeen, *, run_id: str) -> None:
    """The measured window: quiet, load, quiet; nothing of another phase is in it.

    Whatever ends it early, *seen* has a window and the counts that belong to it once requests were counted.
    """
    if driver.truth is not None:
        seen.truth_before = driver.truth()
    timer = Timer(driver.chronometer)

    def hear(load: LoadSeen) -> None:
        # A window without a request is none: there would be nothing to ask for.
        if load.requests:
            seen.measured_seen, seen.measured = load, timer.window()
        driver.publish()

    driver.publish()
    driver.sleep(plan.quiet_s)
    look_at_clock(driver.chronometer, MEASURING)
    try:
        load = _load_or_salvage(driver, plan, seen, timer, run_id=run_id, hear=hear)
        seen.measured_seen, seen.measured = load, timer.window()
        try:
            _keep_quiet(driver, plan)
        finally:
            seen.measured = timer.window()
        # Nothing was sent in the quiet time, so a step in it moves no call.
        driver.chronometer.look("looking again")
    finally:
        read_truth(driver.truth, seen)


def _load(
    driver: Driver, plan: LoadPlan, run_id: str, phase: Phase, hear: Callable[[LoadSeen], None]
) -> LoadSeen:
    """Load for the phase's length; *hear* is told what was done so far, twice a second.

    InvalidRunError when a lost worker is not replaced, ClockSteppedError when the clock is set.
    """
    label = _LABELS[phase]
    length_s = plan.warmup_s if phase is Phase.WARMUP else plan.duration_s
    monotonic = driver.chronometer.monotonic
    driver.swarm.start(plan, run_id=run_id, phase=phase)
    began_s = monotonic()
    while (done_s := monotonic() - began_s) < length_s:
        progress = driver.swarm.progress()
        look_at_clock(driver.chronometer, label)
        hear(LoadSeen(seconds=monotonic() - began_s, workers=progress.tallies, losses=progress.losses))
        driver.on_progress(label, done_s, length_s, progress)
        if progress.given_up:
            raise InvalidRunError(
                f"{label}: lost worker {', '.join(progress.given_up)} was not replaced; its zone's load is "
                "missing, so the window is cut; see its log and measure again"
            )
        driver.sleep(min(PROGRESS_S, length_s - done_s))
    seconds = monotonic() - began_s
    look_at_clock(driver.chronometer, label)
    driver.swarm.stop()
    driver.on_progress(label, length_s, length_s, driver.swarm.progress())
    return LoadSeen(seconds=seconds, workers=driver.swarm.tallies(), losses=driver.swarm.losses())


def look_at_clock(chronometer: Chronometer, label: str) -> None:
    """ClockSteppedError where the wall clock was set since the last look."""
    step = chronometer.look(label)
    if step is not None:
        raise ClockSteppedError(
            f"{label}: {told(step)}; spans are stamped by it, so the window is cut there; measure again"
        )


def _load_or_salvage(
    driver: Driver,
    plan: LoadPlan,
    seen: WindowsSeen,
    timer: Timer,
    *,
    run_id: str,
    hear: Callable[[LoadSeen], None],
) -> LoadSeen:
    try:
        return _load(driver, plan, run_id, Phase.MEASURE, hear)
    except ClockSteppedError:
        # The window ends at the last look before the step, and so do its counts: later ones are of requests
        # whose spans are stamped on another time axis.
        with suppress(SamezoneError, OSError):
            driver.swarm.stop()
        raise
    except (KeyboardInterrupt, SamezoneError, OSError) as trouble:
        _salvage(driver, plan, seen, timer)
        _note_silence(driver, seen, trouble)
        raise


def _note_silence(driver: Driver, seen: WindowsSeen, trouble: BaseException) -> None:
    """Say of counts that nobody could ask for any more how old they are."""
    silent_s = driver.swarm.silent_s
    if not silent_s or seen.measured_seen is None:
        return
    text = f"the counts are those that its workers had told it {silent_s:.1f} s before the load was given up"
    seen.caveats.append(Caveat(code="master-lost", text=f"The Locust master was lost ({trouble}); {text}."))
    if isinstance(trouble, UnreachableError):
        raise UnreachableError(f"{trouble}; {text}") from trouble
    if isinstance(trouble, InvalidRunError):
        raise InvalidRunError(f"{trouble}; {text}") from trouble


def _keep_quiet(driver: Driver, plan: LoadPlan) -> None:
    """Silence at the window's end, in whole also for a person who is in a hurry: it is short."""
    try:
        driver.sleep(plan.quiet_s)
    except KeyboardInterrupt:
        driver.sleep(plan.quiet_s)
        raise


def _salvage(driver: Driver, plan: LoadPlan, seen: WindowsSeen, timer: Timer) -> None:
    """End a window that was cut: with the workers' last counts, or with those they had told so far.

    Where the load generators no longer answer, the window ends when they last did, as its counts do.
    """
    if seen.measured_seen is None or seen.measured is None:
        return
    seconds = seen.measured_seen.seconds + timer.window().end_s - seen.measured.end_s
    try:
        with suppress(SamezoneError, OSError):
            driver.swarm.stop()
        load = LoadSeen(seconds=seconds, workers=driver.swarm.tallies(), losses=driver.swarm.losses())
        if driver.swarm.silent_s:
            return
        driver.sleep(plan.quiet_s)
    except (KeyboardInterrupt, SamezoneError, OSError):
        return
    seen.measured_seen, seen.measured = load, timer.window()


def read_truth(truth: Callable[[], Any] | None, seen: WindowsSeen) -> None:
    """The relays' counters at the end; without them the run is as good, it only cannot be checked by them."""
    if truth is None or seen.truth_before is None:
        return
    try:
        seen.truth_after = truth()
    except (SamezoneError, OSError) as error:
        seen.caveats.append(
            Caveat(
                code="truth-unread",
                text=f"The relays' counters could not be read at the end of the window ({error}); what is "
                "kept of them is older, or missing.",
            )
        )


def step_caveat(step: ClockStep) -> Caveat:
    """What a step means for the numbers."""
    text = told(step)
    return Caveat(
        code="clock-stepped",
        text=f"{text[0].upper()}{text[1:]} ({step.during}): windows before and after it are not on one time "
        "axis, and the measured window ends where it was set.",
    )
