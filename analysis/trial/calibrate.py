"""How often the instrument errs on a place: equal arms called different, true shifts not found."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from analysis.arm.result import AssumedBytes
from analysis.jobs.measuring import Session
from analysis.statistics.interval import Interval
from analysis.trial import book as books
from analysis.trial import experiment
from analysis.trial.bench import RunBench
from analysis.trial.book import Book
from analysis.trial.design import Design
from analysis.trial.experiment import ExperimentRequest
from analysis.trial.journal import AskedDesign, Journal
from analysis.trial.run import Bench
from analysis.trial.values import Trial
from analysis.verdict.effects import effects
from analysis.verdict.windows import Measured
from k8s.errors import InvalidRunError
from k8s.routing.modes import RoutingMode
from loadtest import rundir
from loadtest.measure import Load


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrateRequest:
    """Trials of the instrument."""

    count: int
    load: Load
    """Of every window; its plan's duration is that of a window of an equal pair."""
    runs: Path
    """Folder of the run folders; the calibration makes its own in it."""
    assumed: AssumedBytes = field(default_factory=AssumedBytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualPair:
    """Two arms that are the same."""

    number: int
    gain: Interval
    """Of the same-zone share from the first to the second."""
    calls_a_connection: float
    effective_n: float

    @property
    def is_called_changed(self) -> bool:
        """Whether they are called different: an error of the instrument."""
        return not self.gain.low <= 0 <= self.gain.high


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shifted:
    """An experiment on a place where the candidate does move calls."""

    number: int
    found: Trial

    @property
    def gain(self) -> Interval:
        """Of the same-zone share."""
        return self.found.contests[0].gain

    @property
    def is_found(self) -> bool:
        """Whether the experiment saw that something changed."""
        return not self.gain.low <= 0 <= self.gain.high


def equal_pairs(session: Session, request: CalibrateRequest) -> Iterator[EqualPair]:
    """Measure one pair of equal arms after the other, routing off."""
    traffic, seconds = session.traffic, request.load.plan.duration_s
    now_s = traffic.clock()
    folder = rundir.create(request.runs, "calibrate-null", now_s=now_s)
    design = Design(arms=(RoutingMode.OFF.value,), null_s=seconds, null_pairs=request.count)
    begun = Journal(
        created_s=now_s,
        place=traffic.open_platform().place(),
        design=AskedDesign.of(design),
        load=request.load,
        assumed=request.assumed,
        versions=traffic.versions,
    )
    with books.held(folder):
        book = Book(folder, begun, monotonic=traffic.monotonic)
        book.sit_down(now_s)
        bench = RunBench(session, book)
        for number in range(1, request.count + 1):
            yield equal_pair(bench, number, seconds=seconds)


def equal_pair(bench: Bench, number: int, *, seconds: float) -> EqualPair:
    """Two windows of *seconds* each, one after the other; InvalidRunError where one cannot be judged."""
    left, right = (_window(bench, f"pair {number}{half}", seconds) for half in "ab")
    found = effects([(left, right)])
    return EqualPair(
        number=number,
        gain=found.share.interval,
        calls_a_connection=left.chance.design_effect,
        effective_n=found.share_before.n,
    )


def _window(bench: Bench, label: str, seconds: float) -> Measured:
    found = bench.measure(RoutingMode.OFF.value, label=label, seconds=seconds)
    if found.window is None:
        raise InvalidRunError(f"calibrating, {label}: {found.fault}")
    return found.window


def shifts(session: Session, request: CalibrateRequest, design: Design) -> Iterator[Shifted]:
    """Make one experiment after the other; the place has to be one where the candidate changes something.

    Each has a folder of its own, with its trial. InvalidRunError where one ends before any block.
    """
    folder = rundir.create(request.runs, "calibrate-shift", now_s=session.traffic.clock())
    asked = ExperimentRequest(design=design, load=request.load, runs=folder, assumed=request.assumed)
    for number in range(1, request.count + 1):
        found = experiment.conduct(session, asked).trial
        if not found.contests:
            raise InvalidRunError(f"calibrating, experiment {number}: {'; '.join(found.reasons)}")
        yield Shifted(number=number, found=found)
