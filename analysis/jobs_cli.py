"""The verbs of the answer: jobs of several steps, and the stages that read run folders."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console

import k8s.cli
import loadtest.cli
from analysis import artifacts, terms_cli
from analysis.arm.result import AssumedBytes, arm_result
from analysis.jobs import session_cli
from analysis.jobs.baseline import BaselineRequest, baseline
from analysis.jobs.comparing import CompareRequest, compare_runs
from analysis.jobs.demo import DemoRequest, demo
from analysis.jobs.enabling import EnableRequest, enable
from analysis.jobs.measuring import collect_again
from analysis.report import formats
from analysis.report.comparison import console
from analysis.report.trial import console as trial_console
from analysis.source import cli as source_cli
from analysis.trial import cli as trial_cli
from analysis.trial import experiment
from analysis.trial.values import Trial
from analysis.verdict.compare import rank
from analysis.verdict.compared import Comparison
from k8s.console import Io, Parser, Verbs, path, verb
from k8s.errors import ExitCode, InvalidRunError, UsageError
from k8s.lab.run import bringing
from k8s.process import interrupts
from k8s.routing.modes import RoutingMode, choices, parse_mode
from loadtest import rundir

DEFAULT_RUNS = Path("runs")


def add(verbs: "Verbs[Parser]") -> None:
    """Add the verbs."""
    shower = verb(verbs, "demo", demo_command, summary="The whole job on the lab: baseline, TAR, report.")
    loadtest.cli.add_load(shower)
    k8s.cli.add_lab_options(shower)
    measurer = verb(verbs, "baseline", baseline_command, summary="Measure with routing off and print it.")
    measurer.add_argument(
        "--no-null", action="store_true", help="measure it once: saves time, but then no verdict is valid"
    )
    loadtest.cli.add_load(measurer)
    enabler = verb(verbs, "enable", enable_command, summary="Set a mode, measure, compare with the baseline.")
    enabler.add_argument("mode", help=choices(without=RoutingMode.OFF))
    enabler.add_argument("--baseline", type=path, help="run folder; default: the newest one that fits")
    loadtest.cli.add_load(enabler)
    collector = verb(verbs, "collect", collect_command, summary="Read a run's service graph from X-Ray.")
    collector.add_argument("run", type=path)
    source_cli.add_options(collector)
    comparer = verb(verbs, "compare", compare_command, summary="Compare two collected runs, and judge.")
    comparer.add_argument("baseline", type=path)
    comparer.add_argument("candidates", type=path, nargs="+", metavar="candidate")
    comparer.add_argument("--null", type=path, help="another run of the baseline's arm; default: the nearest")
    reporter = verb(verbs, "report", report_command, summary="Render the report again from the artifacts.")
    reporter.add_argument("run", type=path, nargs="?", help="run folder; default: the newest comparison")
    reporter.add_argument("--runs", type=path, default=DEFAULT_RUNS)
    for one in (shower, enabler, comparer):
        terms_cli.add_byte_options(one)
        terms_cli.add_options(one)
    for one in (shower, measurer, enabler):
        source_cli.add_options(one)
    trial_cli.add(verbs, _report_trial)


def baseline_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone baseline``: routing off, load, collect, print the zone matrix.

    Measured twice: the two equal arms show what this instrument takes for a change.
    """
    request = BaselineRequest(
        load=loadtest.cli.load_of(args), runs=args.runs, arm=args.arm, has_twin=not args.no_null
    )
    found = baseline(session_cli.session_of(args, io), request)
    _print_arm(found.folder, io)
    if found.null is not None:
        word = "certified" if found.null.certified else "not certified"
        io.say(f"null pair {word}: {'; '.join(found.null.reasons)}")
    io.say(f"baseline kept in {found.folder}")
    if found.fault is not None:
        io.say(
            f"the baseline is no evidence, measured twice: {found.fault}; where calls are only late, ask "
            f"again: samezone collect {found.folder}; else mend what broke it and run: make baseline"
        )
        return ExitCode.INVALID
    return ExitCode.DONE


def enable_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone enable MODE``: set it, the same load, collect, compare, report; the mode stays in force."""
    request = EnableRequest(
        mode=parse_mode(args.mode),
        load=loadtest.cli.load_of(args),
        runs=args.runs,
        arm=args.arm,
        baseline=args.baseline,
        judging=session_cli.judging_of(args),
    )
    judged = enable(session_cli.session_of(args, io), request)
    return _finish(judged.comparison, judged.folder, io)


def demo_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone demo``: lab up, baseline, enable tar, report, lab down where we started it.

    Its exit code is that of the job, not of the verdict: on a busy laptop that may be *invalid*.
    """
    if args.platform != "lab":
        raise UsageError(
            "demo runs on the lab only; on a cluster use: make baseline enable-tar PLATFORM=cluster"
        )
    request = DemoRequest(
        load=loadtest.cli.load_of(args), runs=args.runs, arm=args.arm, judging=session_cli.judging_of(args)
    )
    judged = demo(
        session_cli.session_of(args, io),
        request,
        lab=partial(_lab, args, io),
        on_baseline=partial(_print_arm, io=io),
    )
    _finish(judged.comparison, judged.folder, io)
    return ExitCode.DONE


@contextmanager
def _lab(args: argparse.Namespace, io: Io) -> Iterator[None]:
    """A running lab; one that was started here is down afterwards."""
    session = k8s.cli.lab_session(io)
    with interrupts.held():
        io.require_home("lab", "originals")
        lab = bringing.bring_up(session, k8s.cli.lab_settings(args, io))
        try:
            with interrupts.allowed():
                yield
        finally:
            if lab.is_ours:
                bringing.take_down(session, io.lab_dir)


def collect_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone collect RUN``."""
    collect_again(session_cli.collect_session_of(args, io), args.run)
    io.write(str(args.run / rundir.GRAPH))
    return ExitCode.DONE


def compare_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone compare BASELINE CANDIDATE...``: each into its candidate's folder; of several, who wins."""
    judging = session_cli.judging_of(args)
    found = [
        compare_runs(
            CompareRequest(baseline=args.baseline, candidate=candidate, null=args.null, judging=judging),
            created_s=io.clock(),
            versions=loadtest.cli.versions(),
        )
        for candidate in args.candidates
    ]
    codes = [
        _finish(comparison, candidate, io)
        for comparison, candidate in zip(found, args.candidates, strict=True)
    ]
    if len(found) == 1:
        return codes[0]
    ranking = rank(found, [artifacts.read_arm(run) for run in (args.baseline, *args.candidates)])
    for duel in ranking.duels:
        gain = duel.duel.interval
        io.say(
            f"{duel.duel.left} -> {duel.duel.right}: {gain.estimate * 100:+.1f} pp [{gain.low * 100:+.1f}, "
            f"{gain.high * 100:+.1f}], adjusted p {duel.adjusted_p:.2g}"
        )
    io.say(ranking.sentence)
    return max(codes)


def report_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone report [RUN]``: of a comparison, or of a trial, as far as it came."""
    folder = args.run or artifacts.latest_comparison(args.runs)
    if folder is None:
        raise UsageError(f"report: no comparison under {args.runs}; run: make baseline enable-tar")
    if experiment.is_trial(folder):
        _report_trial(experiment.read_trial(folder), folder, io)
    else:
        _finish(artifacts.read_comparison(folder), folder, io)
    return ExitCode.DONE


def _print_arm(folder: Path, io: Io) -> None:
    """The zone matrix; a line that says why there is none where the run cannot be judged."""
    inputs = artifacts.read_arm(folder)
    try:
        arm = arm_result(inputs, assumed=AssumedBytes())
    except InvalidRunError as error:
        io.say(f"no zone matrix: {error}")
        return
    _console(io).print(console.zone_matrix(arm, inputs.focus))


def _finish(comparison: Comparison, folder: Path, io: Io) -> int:
    """Write the reports, print the table, say where they are; the verdict's exit code."""
    for name, content in formats.documents(comparison, formats.COMPARISON):
        rundir.write_bytes(folder / name, content)
    _console(io).print(console.comparison(comparison))
    io.say(f"report: {(folder / formats.PAGE).resolve()}")
    verdict = comparison.verdict
    return ExitCode.DONE if verdict is None else verdict.decision.exit_code


def _report_trial(trial: Trial, folder: Path, io: Io) -> int:
    """Write the reports, print the table, say where they are; the verdict's exit code."""
    for name, content in formats.documents(trial, formats.TRIAL):
        rundir.write_bytes(folder / name, content)
    _console(io).print(trial_console.trial(trial))
    io.say(f"report: {(folder / formats.PAGE).resolve()}")
    return trial.decision.exit_code


def _console(io: Io) -> Console:
    return Console(file=io.out, highlight=False)
