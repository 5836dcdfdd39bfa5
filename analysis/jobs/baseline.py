"""Routing off, measured; twice, so that two equal arms show what this instrument takes for a change.

A window that is no evidence is measured once more.
"""

from dataclasses import dataclass
from pathlib import Path

from analysis import artifacts
from analysis.arm.pairs import Pair
from analysis.jobs.measuring import Session, fitted, measure_well
from analysis.verdict.compare import further_nulls, null_of_runs
from analysis.verdict.judged import Null
from k8s.routing.modes import RoutingMode
from loadtest.measure import Load, MeasureRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineRequest:
    """Routing off, to be measured."""

    load: Load
    runs: Path
    arm: str | None = None
    """Label of the arm; None: the mode's name."""
    has_twin: bool = True
    """Measure it twice: two equal arms show what this instrument takes for a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A baseline, and what its twin says of the instrument."""

    folder: Path
    null: Null | None
    """None without a twin, and where one of the two is no evidence."""
    further: tuple[tuple[Pair, Null], ...] = ()
    """What it says of each further pair under test."""
    fault: str | None
    """Why it, or its twin, is no evidence even when measured once more; None where it is."""


def baseline(session: Session, request: BaselineRequest) -> Baseline:
    """Measure and collect routing off; the Service gets back what it had."""
    load = fitted(session, request.load)
    arm = MeasureRequest(mode=RoutingMode.OFF, load=load, runs=request.runs, arm=request.arm)
    session.traffic.job.expect(2 if request.has_twin else 1)
    with session.traffic.holds.together():
        twin = measure_well(session, arm) if request.has_twin else None
        window = measure_well(session, arm)
    folder = window.run.folder
    fault = window.fault or (twin.fault if twin else None)
    if twin is None or fault is not None:
        return Baseline(folder=folder, null=None, fault=fault)
    equal = artifacts.read_arm(twin.run.folder), artifacts.read_arm(folder)
    return Baseline(
        folder=folder, null=null_of_runs(*equal), further=tuple(further_nulls(*equal)), fault=None
    )
