"""Watch one window of live traffic: nothing is sent, and a mode that does harm is not left to its end.

While a mode is in force somebody else's requests are under it. So every few seconds the guards of the verdict
are held against what the source shows by then; a guard that is broken ends the window. A source that does not
answer for too long ends it, too: nobody may be under a mode that nobody watches.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from k8s.errors import InvalidRunError, UnreachableError
from k8s.topology import Snapshot
from loadtest.record import Breach, LoadSeen, RunRecord, Window
from loadtest.window import driving
from loadtest.window.chronometer import Chronometer, Timer
from loadtest.window.driving import OnProgress, WindowsSeen
from loadtest.worker.plan import LoadPlan

GROWTH: Final = 0.1
"""Of the window, by which it has grown before it is looked at again: what little is new changes no answer."""
_LEAST_SLEEP_S: Final = 0.001


class GuardBreachedError(InvalidRunError):
    """A guard was broken under the mode; *breach* says which, and when."""

    def __init__(self, breach: Breach) -> None:
        super().__init__(f"a guard was broken: {breach.told}")
        self.breach = breach


@dataclass(slots=True, kw_only=True)
class Guardian:
    """Looks at the guards when it is time to."""

    look: Callable[[Window], str | None]
    every_s: float
    blind_s: float
    timer: Timer
    """Since the mode is in force."""
    monotonic: Callable[[], float]
    _next_s: float = field(init=False)
    _seen_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._seen_s = self.monotonic()
        self._next_s = self._seen_s + self.every_s

    def check(self) -> None:
        """GuardBreachedError where a guard is broken, UnreachableError where nobody could look for long."""
        if self.monotonic() < self._next_s:
            return
        window, pause_s = self.timer.window(), self.every_s
        try:
            broken = self.look(window)
        except UnreachableError as error:
            blind_s = self.monotonic() - self._seen_s
            if blind_s > self.blind_s:
                raise UnreachableError(
                    f"watching live traffic: nobody could look at the guards for {blind_s:.0f} s ({error})"
                ) from error
        else:
            self._seen_s = self.monotonic()
            pause_s = max(pause_s, GROWTH * window.length_s)
            if broken is not None:
                raise GuardBreachedError(Breach(at_s=self.timer.window().end_s, text=broken))
        self._next_s = self.monotonic() + pause_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who looks at the guards, and how often."""

    look: Callable[[RunRecord, Sequence[Snapshot], Window], str | None]
    """Given what the run has so far and the window since the mode is in force: which guard is broken, in a
    clause, or None. UnreachableError where the source does not answer."""
    every_s: float
    """From one look to the next, at first."""
    blind_s: float
    """The longest that the source may not answer."""

    def guardian(self, look: Callable[[Window], str | None], chronometer: Chronometer) -> Guardian:
        """Who does so from now on, by a *look* at a window of the run."""
        return Guardian(
            look=look,
            every_s=self.every_s,
            blind_s=self.blind_s,
            timer=Timer(chronometer),
            monotonic=chronometer.monotonic,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """The effects that watching may use."""

    chronometer: Chronometer
    sleep: Callable[[float], None]
    truth: Callable[[], Any] | None
    """Reads the relays' counters; None where there are none."""
    on_progress: OnProgress
    publish: Callable[[], None]
    """Called whenever more is known than before."""
    guardian: Guardian | None
    """None under the mode that guards are measured against."""


def watch(watcher: Watcher, plan: LoadPlan, seen: WindowsSeen) -> None:
    """A warm-up and a measured window; GuardBreachedError where a guard is broken in them."""
    _settle(watcher, plan, seen)
    _watch_window(watcher, plan, seen)


def _settle(watcher: Watcher, plan: LoadPlan, seen: WindowsSeen) -> None:
    """The time before the measured window: clients come to know the mode; nothing where the plan has none."""
    if plan.warmup_s <= 0:
        return
    timer = Timer(watcher.chronometer)

    def hear(seconds: float) -> None:
        seen.warmup_seen, seen.warmup = LoadSeen(seconds=seconds), timer.window()
        watcher.publish()

    _watch(watcher, driving.WARMING_UP, plan.warmup_s, hear)


def _watch_window(watcher: Watcher, plan: LoadPlan, seen: WindowsSeen) -> None:
    """The measured window; traffic goes on at both of its ends."""
    if watcher.truth is not None:
        seen.truth_before = watcher.truth()
    timer = Timer(watcher.chronometer)

    def hear(seconds: float) -> None:
        seen.measured_seen, seen.measured = LoadSeen(seconds=seconds), timer.window()
        watcher.publish()

    try:
        _watch(watcher, driving.MEASURING, plan.duration_s, hear)
    finally:
        driving.read_truth(watcher.truth, seen)


def _watch(watcher: Watcher, label: str, length_s: float, hear: Callable[[float], None]) -> None:
    """For that long; *hear* is told how much of it is over, twice a second and at the end."""
    monotonic = watcher.chronometer.monotonic
    began_s = monotonic()
    while (done_s := monotonic() - began_s) < length_s:
        driving.look_at_clock(watcher.chronometer, label)
        hear(done_s)
        watcher.on_progress(label, done_s, length_s, None)
        if watcher.guardian is not None:
            watcher.guardian.check()
        left_s = length_s - (monotonic() - began_s)
        watcher.sleep(min(driving.PROGRESS_S, max(_LEAST_SLEEP_S, left_s)))
    driving.look_at_clock(watcher.chronometer, label)
    hear(monotonic() - began_s)
    watcher.on_progress(label, length_s, length_s, None)
