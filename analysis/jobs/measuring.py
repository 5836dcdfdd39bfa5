"""One arm, measured and collected: what every job that measures does."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from analysis import artifacts
from analysis.source.collect import Poll, collect
from analysis.source.interface import Source
from k8s.effects import Say
from k8s.errors import UnreachableError
from loadtest import rundir
from loadtest.measure import MeasuredRun, MeasureRequest, MeasureSession
from loadtest.measure import measure as measure_arm
from loadtest.record import Place

OpenSource = Callable[[Place], AbstractContextManager[Source]]
"""The source that counts the calls of a place; open as long as the context lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectSession:
    """What collecting may use."""

    open_source: OpenSource
    clock: Callable[[], float]
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
            clock=self.traffic.clock,
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
        session.traffic.say(f"the run is kept; go on with: samezone collect {run.folder}")
        raise
    return run


def _preflight(open_source: OpenSource, place: Place) -> None:
    """The lab's own source is in order by construction."""
    if place.platform != "lab":
        with open_source(place) as source:
            source.preflight()


def collect_run(session: CollectSession, folder: Path) -> None:
    """Read the run's graph and traces into its folder."""
    record = rundir.read_record(folder)
    with session.open_source(record.place) as source:

        def say(poll: Poll, expected: int) -> None:
            seen = f"{poll.requests} of {expected} requests, {poll.calls} calls between pods"
            session.say(f"{source.title} shows {seen}")

        collected = collect(source, record, clock=session.clock, sleep=session.sleep, on_poll=say)
    artifacts.save_collected(folder, collected)
