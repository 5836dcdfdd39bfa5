"""An experiment from its design to its folder: the windows' runs, and ``trial.json`` beside them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from analysis.arm.result import AssumedBytes
from analysis.jobs.measuring import Session
from analysis.trial import run as trial_run
from analysis.trial.bench import BenchRequest, RunBench
from analysis.trial.design import Design
from analysis.trial.run import Found
from analysis.trial.values import Trial
from loadtest import rundir
from loadtest.measure import Load
from loadtest.record import RunRecord

TRIAL: Final = "trial.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRequest:
    """An experiment to be made."""

    design: Design
    load: Load
    """Of every window; its plan's duration is replaced by the design's."""
    runs: Path
    """Folder of the run folders; the experiment makes its own in it."""
    assumed: AssumedBytes = field(default_factory=AssumedBytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conducted:
    """An experiment that was made."""

    folder: Path
    trial: Trial


def conduct(session: Session, request: ExperimentRequest) -> Conducted:
    """Certify, measure in blocks, judge; every window's run and the trial are in the experiment's folder.

    Whatever a window raises ends it; the windows before it are kept, and the reader is told where.
    """
    traffic, design = session.traffic, request.design
    cluster = traffic.open_platform().cluster
    created_s, began_s = traffic.clock(), traffic.monotonic()
    folder = rundir.create(request.runs, "experiment", now_s=created_s)
    bench = RunBench(session, BenchRequest(load=request.load, folder=folder, assumed=request.assumed))
    traffic.say(
        f"experiment {', '.join(design.arms)} on Service {request.load.service} in context {cluster.context}"
    )
    try:
        found = trial_run.run(design, bench)
    except BaseException:
        traffic.say(f"the windows measured so far are kept in {folder}")
        raise
    trial = _trial(
        design,
        found,
        bench.record,
        versions=traffic.versions,
        created_s=created_s,
        seconds=traffic.monotonic() - began_s,
    )
    rundir.write_json(folder / TRIAL, trial)
    return Conducted(folder=folder, trial=trial)


def _trial(
    design: Design,
    found: Found,
    record: RunRecord,
    *,
    versions: tuple[tuple[str, str], ...],
    created_s: float,
    seconds: float,
) -> Trial:
    """What was found, with the place of the last window."""
    asked, place = record.asked, record.place
    caveats = {caveat.code: caveat for one in found.contests for caveat in one.effects.caveats}
    return Trial(
        created_s=created_s,
        platform=place.platform,
        context=place.context,
        region=place.region,
        zones=place.zones,
        service=str(asked.service),
        client=str(asked.client),
        plan=asked.plan,
        arms=design.arms,
        order=found.order,
        planned=found.planned,
        null=found.null,
        windows=found.windows,
        contests=found.contests,
        standing=found.standing,
        decision=found.decision,
        reasons=found.reasons,
        advice=found.advice,
        stopped=found.stopped,
        measuring=trial_run.measuring(
            found.requests,
            warm_up_requests=asked.plan.rate_per_s * asked.plan.warmup_s,
            seconds=seconds,
        ),
        versions=versions,
        caveats=tuple(caveats.values()),
    )
