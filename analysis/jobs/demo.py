"""The whole job: a baseline, the same load under Topology Aware Routing, and what it changed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from analysis.jobs.baseline import BaselineRequest, baseline
from analysis.jobs.comparing import CompareRequest, JudgedRun, Judging, compare_runs
from analysis.jobs.measuring import Session, fitted, measure_well
from k8s.routing.modes import RoutingMode
from loadtest.measure import Load, MeasureRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRequest:
    """The whole job: a baseline with its twin, then Topology Aware Routing."""

    load: Load
    runs: Path
    arm: str | None = None
    """Label of every arm; None: the mode's name."""
    judging: Judging = field(default_factory=Judging)


def demo(
    session: Session,
    request: DemoRequest,
    *,
    lab: Callable[[], AbstractContextManager[object]],
    on_baseline: Callable[[Path], None] = lambda _: None,
) -> JudgedRun:
    """Baseline, the same load under Topology Aware Routing, comparison; nothing stays changed.

    A window that is no evidence is measured once more. *lab* is entered first and left last: it brings a lab
    up where none runs, and takes that one down again.
    *on_baseline* hears the baseline's run folder once it is collected.
    """
    traffic = session.traffic
    traffic.job.expect(3)
    with lab(), traffic.holds.together():
        off = baseline(session, BaselineRequest(load=request.load, runs=request.runs, arm=request.arm))
        on_baseline(off.folder)
        tar = measure_well(
            session,
            MeasureRequest(
                mode=RoutingMode.TAR, load=fitted(session, request.load), runs=request.runs, arm=request.arm
            ),
        ).run
        compared = CompareRequest(baseline=off.folder, candidate=tar.folder, judging=request.judging)
        comparison = compare_runs(compared, created_s=traffic.clock(), versions=traffic.versions)
    return JudgedRun(folder=tar.folder, comparison=comparison)
