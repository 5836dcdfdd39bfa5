"""A mode enabled and judged against a baseline; it stays in force."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from analysis import artifacts
from analysis.jobs.comparing import CompareRequest, JudgedRun, Judging, compare_runs
from analysis.jobs.measuring import Session, fitted, measure_well, put_back
from analysis.source.choice import counted_by
from k8s.doctor import examination
from k8s.doctor.finding import Severity
from k8s.errors import SamezoneError, UsageError
from k8s.live import live_scene
from k8s.live.claims import HeldByOtherError
from k8s.process import interrupts
from k8s.routing.modes import RoutingMode, settings_of
from loadtest import rundir
from loadtest.measure import Load, MeasureRequest
from loadtest.swarm.platforms import PlatformCluster
from loadtest.worker import plan


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


def enable(session: Session, request: EnableRequest) -> JudgedRun:
    """Set the mode, measure the same load, collect, compare; the mode stays in force.

    A window that is no evidence is measured once more.

    Where the job is not done, interrupted or without an answer of X-Ray, the Service gets back what it had.

    UsageError, before anything is changed, without a baseline under the same load. HintsRefusedError, with
    the Service as it was, where the controller refuses.
    """
    if request.mode is RoutingMode.OFF:
        raise UsageError("enable off: that is no mode to enable; run: samezone baseline")
    traffic = session.traffic
    request = replace(request, load=fitted(session, request.load))
    platform = traffic.open_platform()
    cluster = platform.cluster
    found = _baseline_for(request, cluster, counted_by(session.choice(platform.place()).options()))
    _say_findings(session, request, cluster)
    before = {key: settings_of(cluster.service(key)) for key in request.load.services}
    with traffic.holds.together():
        try:
            judged = _judged(session, request, found)
        except HeldByOtherError:
            raise  # nothing was changed
        except (SamezoneError, KeyboardInterrupt):
            # Measured, perhaps, but not judged: a mode stays in force only where the job is done.
            with interrupts.held():
                put_back(session, before, run=f"enable {request.mode.value}")
            raise
    traffic.say(_stays(request))
    return judged


def _stays(request: EnableRequest) -> str:
    load, mode = request.load, request.mode.value
    if not load.also:
        return f"Service {load.service} stays on {mode}; to put it back: make disable-tar"
    options = " ".join(f"--service {key}" for key in load.services)
    return (
        f"Services {', '.join(map(str, load.services))} stay on {mode}; to put them back: samezone routing "
        f"restore {options}"
    )


def _judged(session: Session, request: EnableRequest, found: Path) -> JudgedRun:
    """The arm measured, collected and compared with the baseline *found*."""
    run = measure_well(
        session,
        MeasureRequest(mode=request.mode, load=request.load, runs=request.runs, arm=request.arm, keep=True),
    ).run
    compared = CompareRequest(baseline=found, candidate=run.folder, judging=request.judging)
    comparison = compare_runs(compared, created_s=session.traffic.clock(), versions=session.traffic.versions)
    return JudgedRun(folder=run.folder, comparison=comparison)


def _baseline_for(request: EnableRequest, cluster: PlatformCluster, source: str) -> Path:
    """The baseline to compare with, counted by the same *source*; checked before anything is measured."""
    services, doing = request.load.services, f"enable {request.mode.value}"
    found = request.baseline or artifacts.latest_baseline(
        request.runs, context=cluster.context, services=services, source=source
    )
    if found is None:
        names = ", ".join(map(str, services))
        raise UsageError(
            f"{doing}: no baseline of Service {names} in context {cluster.context}{_counted(source)} under "
            f"{request.runs}; run: make baseline"
        )
    record = rundir.read_record(found)
    asked = record.asked
    unlike = [
        f"{one.name} ({one.left} against {one.right})"
        for one in plan.differences(asked.plan, request.load.plan)
    ]
    if (counted := counted_by(record.counting)) != source:
        unlike.append(f"source ({counted} against {source})")
    if asked.services != services:
        left, right = (", ".join(map(str, one)) for one in (asked.services, services))
        unlike.append(f"Services ({left} against {right})")
    if unlike:
        faults = "; ".join(unlike)
        raise UsageError(
            f"{doing}: baseline {found} was measured under another load: {faults}; give the same load, or "
            "run: make baseline"
        )
    return found


def _counted(source: str) -> str:
    return "" if source == counted_by(()) else f", counted by {source},"


def _say_findings(session: Session, request: EnableRequest, cluster: PlatformCluster) -> None:
    """What the doctor finds wrong with the mode before it is set; the controller has the last word."""
    traffic, load = session.traffic, request.load
    scene = live_scene.read(cluster, taken_at_s=traffic.clock())
    clients = dict(zip(load.services, (load.client, *load.callers), strict=False))
    for service in load.services:
        for finding in examination.examine(scene, service, clients.get(service), wanted=request.mode):
            if finding.severity is Severity.PROBLEM:
                fix = f" Fix: {finding.fix}" if finding.fix else ""
                where = f"Service {service}: " if load.also else ""
                traffic.say(f"doctor {finding.code}: {where}{finding.meaning}{fix}")
