"""``samezone experiment``: arms in interleaved blocks, up to a verdict."""

import argparse
import re
from collections.abc import Callable
from copy import copy
from pathlib import Path

import loadtest.cli
from analysis import artifacts, measuring, terms_cli
from analysis.arm.result import arm_result
from analysis.source import cli as source_cli
from analysis.statistics.planning import Detection, Precision
from analysis.trial import run
from analysis.trial.run import Design, Found
from analysis.trial.values import Trial
from analysis.verdict.windows import Measured, measured
from k8s.cli import open_cluster
from k8s.console import Io, Parser, Verbs, verb
from k8s.errors import UsageError
from k8s.routing.modes import RoutingMode, parse_mode
from loadtest import rundir
from loadtest.record import RunRecord

DEFAULT_ARMS = "off,tar"
TRIAL = "trial.json"
Report = Callable[[Trial, Path, Io], int]


def add(verbs: "Verbs[Parser]", report: Report) -> None:
    """Add the verb; *report* writes the reports and gives the exit code."""

    def command(args: argparse.Namespace, io: Io) -> int:
        return experiment_command(args, io, report)

    parser = verb(
        verbs,
        "experiment",
        command,
        summary="Certify, measure arms in interleaved blocks, stop when it is settled, judge.",
        description="A null pair first; then blocks, planned from the connections it showed; looks in "
        "between with an error rate that stays right. The Service gets back what it had after every window.",
    )
    parser.add_argument(
        "--arms", default=DEFAULT_ARMS, help="routing modes, the reference first; all: all five"
    )
    parser.add_argument("--blocks", help="e.g. ABBA; default: planned")
    parser.add_argument("--block-duration", type=float, help="measured seconds of a window; default: planned")
    parser.add_argument(
        "--half-width", type=float, default=run.DEFAULT_HALF_WIDTH, help="wanted, of the share gained"
    )
    parser.add_argument("--detect", type=float, help="plan for finding a shift of this share instead")
    parser.add_argument("--power", type=float, default=0.9, help="of finding it")
    parser.add_argument("--null-pairs", type=int, default=1, help="0: no certificate, and no valid verdict")
    parser.add_argument("--no-early-stop", action="store_true", help="measure every planned block")
    loadtest.cli.add_load(parser)
    source_cli.add_options(parser)
    terms_cli.add_options(parser)
    terms_cli.add_byte_options(parser)


def experiment_command(args: argparse.Namespace, io: Io, report: Report) -> int:
    """``samezone experiment``: prints the experiment's folder."""
    design = design_of(args)
    cluster = open_cluster(args, io, changing=True)
    began_s = io.clock()
    folder = rundir.create(args.runs, "experiment", now_s=began_s)
    bench = CliBench(args, io, folder)
    io.say(f"experiment {', '.join(design.arms)} on Service {args.service} in context {cluster.context}")
    try:
        found = run.run(design, bench)
    except BaseException:
        io.say(f"the windows measured so far are kept in {folder}")
        raise
    trial = _trial(design, found, bench, created_s=began_s, seconds=io.clock() - began_s)
    rundir.write_json(folder / TRIAL, trial)
    io.write(str(folder))
    return report(trial, folder, io)


def design_of(args: argparse.Namespace) -> Design:
    """What the options ask for; UsageError names the one that is off."""
    names = [mode.value for mode in RoutingMode] if args.arms == "all" else args.arms.split(",")
    arms = tuple(parse_mode(name.strip()).value for name in names)
    if len(arms) < 2 or len(set(arms)) < len(arms):  # noqa: PLR2004 - a comparison takes two
        raise UsageError(f"--arms {args.arms}: give two or more different routing modes, or all")
    if args.null_pairs < 0 or not 0 < args.half_width < 1:
        raise UsageError("--null-pairs and --half-width: give 0 or more pairs, and a share between 0 and 1")
    loadtest.cli.plan_of(args)
    return Design(
        arms=arms,
        order=run.order_of(arms, args.blocks) if args.blocks else None,
        block_s=args.block_duration,
        null_s=args.block_duration or args.duration,
        null_pairs=args.null_pairs,
        goal=goal_of(args),
        terms=terms_cli.terms_of(args),
        stops_early=not args.no_early_stop,
    )


def goal_of(args: argparse.Namespace) -> Precision | Detection:
    """What to plan for."""
    if args.detect is None:
        return Precision(half_width=args.half_width)
    if not (0 < args.detect < 1 and 0 < args.power < 1):
        raise UsageError(f"--detect {args.detect:g} --power {args.power:g}: give shares between 0 and 1")
    return Detection(shift=args.detect, power=args.power)


class CliBench:
    """Implements Bench: each window is a run folder below the experiment's."""

    def __init__(self, args: argparse.Namespace, io: Io, folder: Path) -> None:
        """*args* as ``samezone run`` takes them."""
        self._args = args
        self._io = io
        self._folder = folder
        self._overheads_s: list[float] = []
        self._record: RunRecord | None = None

    @property
    def settle_s(self) -> float:
        """Seconds that a window takes beside its measured ones, warm-up included."""
        return sum(self._overheads_s) / len(self._overheads_s) if self._overheads_s else 0.0

    def say(self, text: str) -> None:
        """A line for a person."""
        self._io.say(text)

    def measure(self, mode: str, *, label: str, seconds: float) -> Measured:
        """Run, collect, read; the run is ``NN-LABEL`` in the experiment's folder."""
        self.say(label)
        began_s = self._io.clock()
        one = copy(self._args)
        one.duration, one.runs = seconds, self._folder
        one.arm = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")
        folder = measuring.measure(one, self._io, mode=parse_mode(mode), keep=False)
        self._args.yes = one.yes  # agreed to once
        self._overheads_s.append(self._io.clock() - began_s - seconds)
        inputs = artifacts.read_arm(folder)
        assumed = terms_cli.assumed_of(self._args)
        self._record = inputs.record
        return measured(inputs, arm_result(inputs, assumed=assumed), label=label)

    @property
    def record(self) -> RunRecord:
        """Of the last window; UsageError before the first."""
        if self._record is None:
            raise UsageError("the experiment has measured nothing yet")
        return self._record


def _trial(design: Design, found: Found, bench: CliBench, *, created_s: float, seconds: float) -> Trial:
    record = bench.record
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
        stopped=found.stopped,
        measuring=run.measuring(
            found.windows,
            warm_up_requests=asked.plan.rate_per_s * asked.plan.warmup_s,
            seconds=seconds,
        ),
        versions=loadtest.cli.versions(),
        caveats=tuple(caveats.values()),
    )
