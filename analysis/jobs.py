"""The jobs of several steps: a baseline, a mode enabled and judged against it, the whole demonstration."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from analysis import artifacts
from analysis.comparing import CompareRequest, Judging, compare_runs
from analysis.measuring import Session, measure
from analysis.model import Comparison
from analysis.verdict.compare import null_of_runs
from analysis.verdict.judged import Null
from k8s.doctor import examination
from k8s.doctor.finding import Severity
from k8s.errors import UsageError
from k8s.live import live_scene
from k8s.routing.modes import RoutingMode
from loadtest import rundir
from loadtest.measure import Load, MeasureRequest
from loadtest.swarm.platforms import PlatformCluster
from loadtest.worker import plan


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
    """None without a twin."""


def baseline(session: Session, request: BaselineRequest) -> Baseline:
    """Measure and collect routing off; the Service gets back what it had."""
    arm = MeasureRequest(mode=RoutingMode.OFF, load=request.load, runs=request.runs, arm=request.arm)
    twin = measure(session, arm).folder if request.has_twin else None
    folder = measure(session, arm).folder
    null = None if twin is None else null_of_runs(artifacts.read_arm(twin), artifacts.read_arm(folder))
    return Baseline(folder=folder, null=null)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnableRequest:
    """A mode to be enabled and judged."""

    mode: RoutingMode
    load: Load
    runs: Path
    arm: str | None = None
    """Label of the arm; None: the mode's name."""
    baseline: Path | None = None
    """The run to compare with; None: the newest one that fits."""
    judging: Judging = field(default_factory=Judging)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A candidate's run folder, and its comparison with a baseline."""

    folder: Path
    comparison: Comparison


def enable(session: Session, request: EnableRequest) -> Judged:
    """Set the mode, measure the same load, collect, compare; the mode stays in force.

    UsageError, before anything is changed, without a baseline under the same load. HintsRefusedError, with
    the Service as it was, where the controller refuses.
    """
    if request.mode is RoutingMode.OFF:
        raise UsageError("enable off: that is no mode to enable; run: samezone baseline")
    traffic = session.traffic
    cluster = traffic.open_platform().cluster
    found = _baseline_for(request, cluster)
    _say_findings(session, request, cluster)
    run = measure(
        session,
        MeasureRequest(mode=request.mode, load=request.load, runs=request.runs, arm=request.arm, keep=True),
    )
    compared = CompareRequest(baseline=found, candidate=run.folder, judging=request.judging)
    comparison = compare_runs(compared, created_s=traffic.clock(), versions=traffic.versions)
    traffic.say(
        f"Service {request.load.service} stays on {request.mode.value}; to put it back: make disable-tar"
    )
    return Judged(folder=run.folder, comparison=comparison)


def _baseline_for(request: EnableRequest, cluster: PlatformCluster) -> Path:
    """The baseline to compare with, checked before anything is measured."""
    service, doing = request.load.service, f"enable {request.mode.value}"
    found = request.baseline or artifacts.latest_baseline(
        request.runs, context=cluster.context, service=str(service)
    )
    if found is None:
        raise UsageError(
            f"{doing}: no baseline of Service {service} in context {cluster.context} under "
            f"{request.runs}; run: make baseline"
        )
    unlike = plan.differences(rundir.read_record(found).asked.plan, request.load.plan)
    if unlike:
        faults = "; ".join(f"{one.name} ({one.left} against {one.right})" for one in unlike)
        raise UsageError(
            f"{doing}: baseline {found} was measured under another load: {faults}; give the same load, or "
            "run: make baseline"
        )
    return found


def _say_findings(session: Session, request: EnableRequest, cluster: PlatformCluster) -> None:
    """What the doctor finds wrong with the mode before it is set; the controller has the last word."""
    traffic, load = session.traffic, request.load
    scene = live_scene.read(cluster, taken_at_s=traffic.clock())
    for finding in examination.examine(scene, load.service, load.client, wanted=request.mode):
        if finding.severity is Severity.PROBLEM:
            fix = f" Fix: {finding.fix}" if finding.fix else ""
            traffic.say(f"doctor {finding.code}: {finding.meaning}{fix}")


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
) -> Judged:
    """Baseline, the same load under Topology Aware Routing, comparison; nothing stays changed.

    *lab* is entered first and left last: it brings a lab up where none runs, and takes that one down again.
    *on_baseline* hears the baseline's run folder once it is collected.
    """
    traffic = session.traffic
    with lab():
        off = baseline(session, BaselineRequest(load=request.load, runs=request.runs, arm=request.arm))
        on_baseline(off.folder)
        tar = measure(
            session,
            MeasureRequest(mode=RoutingMode.TAR, load=request.load, runs=request.runs, arm=request.arm),
        )
        compared = CompareRequest(baseline=off.folder, candidate=tar.folder, judging=request.judging)
        comparison = compare_runs(compared, created_s=traffic.clock(), versions=traffic.versions)
    return Judged(folder=tar.folder, comparison=comparison)
