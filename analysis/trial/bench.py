"""Windows as run folders: a bench that measures and collects arms on a place."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from analysis import artifacts
from analysis.arm.result import AssumedBytes
from analysis.jobs import again
from analysis.jobs.again import Attempt
from analysis.jobs.measuring import Session, measure
from k8s.errors import UsageError
from k8s.routing.modes import parse_mode
from loadtest.measure import Load, MeasureRequest
from loadtest.record import RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRequest:
    """What all windows have in common."""

    load: Load
    """Its plan's duration is replaced by each window's."""
    folder: Path
    """Of the experiment; the windows' run folders are made in it."""
    assumed: AssumedBytes = field(default_factory=AssumedBytes)


class RunBench:
    """Implements Bench: each window is a run folder below the experiment's."""

    def __init__(self, session: Session, request: BenchRequest) -> None:
        self._session = session
        self._request = request
        self._overheads_s: list[float] = []
        self._record: RunRecord | None = None

    @property
    def settle_s(self) -> float:
        """Seconds that a window takes beside its measured ones, warm-up included."""
        return sum(self._overheads_s) / len(self._overheads_s) if self._overheads_s else 0.0

    def say(self, text: str) -> None:
        """A line for a person."""
        self._session.traffic.say(text)

    def set_aside(self, broken: Attempt, instead: Attempt, why: str) -> None:
        """Mark the broken window's run folder, which stays."""
        folder = self._request.folder
        artifacts.set_aside(folder / broken.folder, instead=folder / instead.folder, why=why)

    def measure(self, mode: str, *, label: str, seconds: float) -> Attempt:
        """Run, collect, read; the run is labelled with *label* in the experiment's folder."""
        self.say(label)
        monotonic, request = self._session.traffic.monotonic, self._request
        began_s = monotonic()
        window = MeasureRequest(
            mode=parse_mode(mode),
            load=replace(request.load, plan=replace(request.load.plan, duration_s=seconds)),
            runs=request.folder,
            arm=re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-"),
        )
        run = measure(self._session, window)
        self._overheads_s.append(monotonic() - began_s - seconds)
        inputs = artifacts.read_arm(run.folder)
        self._record = inputs.record
        return again.attempt(inputs, label=label, assumed=request.assumed)

    @property
    def record(self) -> RunRecord:
        """Of the last window; UsageError before the first."""
        if self._record is None:
            raise UsageError("the experiment has measured nothing yet")
        return self._record
