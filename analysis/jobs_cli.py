"""The verbs of the answer: jobs of several steps, and the stages that read run folders."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console

import loadtest.cli
from analysis import artifacts, observe_cli, terms_cli
from analysis.arm.result import AssumedBytes, arm_result
from analysis.arm.views import callers, views
from analysis.jobs import session_cli
from analysis.jobs.baseline import BaselineRequest, baseline
from analysis.jobs.comparing import CompareRequest, compare_runs
from analysis.jobs.demo import DemoRequest, demo
from analysis.jobs.enabling import EnableRequest, enable
from analysis.jobs.measuring import collect_again
from analysis.observe.observing import is_observation, read_observation
from analysis.report import formats, units
from analysis.report.comparison import console
from analysis.report.trial import console as trial_console
from analysis.source import cli as source_cli
from analysis.source.choice import SourceChoice, SourceKind
from analysis.trial import cli as trial_cli
from analysis.trial import experiment
from analysis.trial.values import Trial
from analysis.verdict.compare import rank
from analysis.verdict.compared import Comparison
from k8s.cli import add_mode
from k8s.commandline.json_text import as_json
from k8s.console import Io, Parser, Verbs, add_json, add_open, path, verb
from k8s.errors import ExitCode, InvalidRunError, UsageError
from k8s.lab import bring_cli
from k8s.lab.run import bringing
from k8s.model import figures
from k8s.process import interrupts
from k8s.routing.modes import RoutingMode, parse_mode
from loadtest import rundir
from loadtest.record import Caveat

DEFAULT_RUNS = Path("runs")


def add(verbs: "Verbs[Parser]") -> None:
    """Add the verbs."""
    shower = verb(
        verbs, "demo", demo_command, summary="The whole job on the lab: measure, set TAR, measure, report."
    )
    loadtest.cli.add_load(shower)
    # It is of the lab alone, but make says so to every verb.
    shower.hide("platform", "context", "kubeconfig", "yes", "recycle", "target_unchecked")
    bring_cli.add_lab_options(shower)
    # The lab's Prometheus runs where the calls are to be counted by one.
    shower.set_defaults(lab_prometheus=None, prometheus_scrape=None, prometheus_port=0)
    measurer = verb(
        verbs,
        "baseline",
        baseline_command,
        summary="Measure twice with routing off, and print who called whom.",
    )
    measurer.add_argument(
        "--no-null", action="store_true", help="measure only once: then no verdict is valid"
    )
    loadtest.cli.add_load(measurer)
    enabler = verb(
        verbs, "enable", enable_command, summary="Set a mode, measure, and compare with the baseline."
    )
    add_mode(enabler, without=RoutingMode.OFF)
    enabler.add_argument(
        "--baseline", type=path, metavar="FOLDER", help="its run folder; default: the newest one that fits"
    )
    loadtest.cli.add_load(enabler)
    collector, comparer, reporter = _add_stages(verbs)
    for one in (shower, measurer, enabler, collector, comparer, reporter):
        add_json(one)
    for one in (shower, enabler, comparer, reporter):
        add_open(one)
    for one in (shower, enabler, comparer):
        terms_cli.add_byte_options(one)
        terms_cli.add_options(one)
    for one in (shower, measurer, enabler):
        source_cli.add_options(one)
    trial_cli.add(verbs, _report_trial)


def _add_stages(verbs: "Verbs[Parser]") -> tuple[Parser, Parser, Parser]:
    """The verbs that read run folders: collect, compare, report."""
    collector = verb(
        verbs, "collect", collect_command, summary="Read a run's calls from where they are counted."
    )
    collector.add_argument("run", type=path, metavar="FOLDER", help="the run's folder")
    source_cli.add_options(collector)
    comparer = verb(verbs, "compare", compare_command, summary="Compare runs that were collected, and judge.")
    comparer.add_argument("baseline", type=path, metavar="BEFORE", help="run folder of the baseline")
    comparer.add_argument(
        "candidates", type=path, nargs="+", metavar="AFTER", help="run folder to compare with it"
    )
    comparer.add_argument(
        "--null",
        type=path,
        metavar="FOLDER",
        help="an equal run, to test the instrument; default: the nearest in time",
    )
    reporter = verb(
        verbs, "report", report_command, summary="Make the report of a run again, from its files."
    )
    reporter.add_argument(
        "run", type=path, nargs="?", metavar="FOLDER", help="its folder; default: the newest comparison"
    )
    reporter.add_argument(
        "--runs", type=path, default=DEFAULT_RUNS, metavar="FOLDER", help="where run folders are"
    )
    return collector, comparer, reporter


def baseline_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone baseline``: routing off, load, collect, print the zone matrix.

    Measured twice: the two equal arms show what this instrument takes for a change.
    """
    request = BaselineRequest(
        load=loadtest.cli.load_of(args), runs=args.runs, arm=args.arm, has_twin=not args.no_null
    )
    found = baseline(session_cli.session_of(args, io), request)
    if args.json:
        io.write(as_json(arms_of(found.folder)))
    else:
        _print_arm(found.folder, io)
    if found.null is not None:
        word = "certified" if found.null.certified else "not certified"
        io.say(f"null pair {word}: {'; '.join(found.null.reasons)}")
    for (client, server), null in found.further:
        word = "certified" if null.certified else "not certified"
        io.say(f"null pair of {client} to {server} {word}: {'; '.join(null.reasons)}")
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
    return _finish(judged.comparison, judged.folder, args, io)


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
        on_baseline=(lambda _: None) if args.json else partial(_print_arm, io=io),
    )
    _finish(judged.comparison, judged.folder, args, io)
    return ExitCode.DONE


@contextmanager
def _lab(args: argparse.Namespace, io: Io) -> Iterator[None]:
    """A running lab; one that was started here is down afterwards."""
    session = bring_cli.lab_session(io)
    with interrupts.held():
        io.require_home("lab", "originals")
        choice = source_cli.choice_of(args)
        told = choice.told()
        is_scraped = told is not None and told[0] is SourceKind.PROMETHEUS and choice.prometheus is None
        args.lab_prometheus = is_scraped
        lab = bringing.bring_up(session, bring_cli.lab_settings(args, io))
        try:
            with interrupts.allowed():
                yield
        finally:
            if lab.is_ours:
                bringing.take_down(session, io.lab_dir)


def collect_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone collect RUN``."""
    kept = SourceChoice.of(rundir.read_record(args.run).counting)
    collect_again(session_cli.collect_session_of(args, io, kept), args.run)
    if args.json:
        io.write(as_json(arms_of(args.run)))
    else:
        io.write(str(args.run / rundir.GRAPH))
    return ExitCode.DONE


def compare_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone compare BASELINE CANDIDATE...``: each into its candidate's folder; of several, who wins.

    Two observations are shown beside each other, and judged by nobody.
    """
    if is_observation(args.baseline):
        return observe_cli.compare_observations(args.baseline, args.candidates, io, is_json=args.json)
    judging = session_cli.judging_of(args)
    found = [
        compare_runs(
            CompareRequest(baseline=args.baseline, candidate=candidate, null=args.null, judging=judging),
            created_s=io.clock(),
            versions=loadtest.cli.versions(),
        )
        for candidate in args.candidates
    ]
    if args.json and len(found) > 1:
        io.write(as_json(found))
    codes = [
        _finish(comparison, candidate, args, io, prints=not args.json or len(found) == 1)
        for comparison, candidate in zip(found, args.candidates, strict=True)
    ]
    if len(found) == 1:
        return codes[0]
    ranking = rank(found, [artifacts.read_arm(run) for run in (args.baseline, *args.candidates)])
    for duel in ranking.duels:
        gain = duel.duel.interval
        io.say(
            f"{duel.duel.left} -> {duel.duel.right}: "
            f"{figures.points_within(gain.estimate, gain.low, gain.high)}, "
            f"adjusted for so many: {units.p_value(duel.adjusted_p)}"
        )
    io.say(ranking.sentence)
    return max(codes)


def report_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone report [RUN]``: of a comparison, or of a trial, as far as it came."""
    folder = args.run or artifacts.latest_comparison(args.runs)
    if folder is None:
        raise UsageError(f"report: no comparison under {args.runs}; run: make baseline enable-tar")
    if is_observation(folder):
        found = read_observation(folder)
        return observe_cli.finish(found, folder, io, is_json=args.json, is_open=args.open)
    if experiment.is_trial(folder):
        _report_trial(experiment.read_trial(folder), folder, args, io)
    else:
        _finish(artifacts.read_comparison(folder), folder, args, io)
    return ExitCode.DONE


def _print_arm(folder: Path, io: Io) -> None:
    """The zone matrix of each pair under test; a line that says why not where the run cannot be judged."""
    inputs = artifacts.read_arm(folder)
    try:
        seen = [
            (arm_result(one, assumed=AssumedBytes()), one.focus) for one in views(inputs, callers(inputs))
        ]
    except InvalidRunError as error:
        io.say(f"no zone matrix: {error}")
        return
    said: tuple[Caveat, ...] = ()
    for arm, focus in seen:
        own = tuple(one for one in arm.caveats if one not in said)
        _console(io).print(console.zone_matrix(replace(arm, caveats=own), focus))
        said += own


def _finish(
    comparison: Comparison, folder: Path, args: argparse.Namespace, io: Io, *, prints: bool = True
) -> int:
    """Write the reports, print the answer, say where they are; the verdict's exit code."""
    for name, content in formats.documents(comparison, formats.COMPARISON):
        rundir.write_bytes(folder / name, content)
    if prints and args.json:
        io.write(as_json(comparison))
    elif prints:
        _console(io).print(console.comparison(comparison))
    io.show(folder / formats.PAGE, is_wanted=args.open)
    decision = comparison.decision
    return ExitCode.DONE if decision is None else decision.exit_code


def _report_trial(trial: Trial, folder: Path, args: argparse.Namespace, io: Io) -> int:
    """Write the reports, print the answer, say where they are; the verdict's exit code."""
    for name, content in formats.documents(trial, formats.TRIAL):
        rundir.write_bytes(folder / name, content)
    if args.json:
        io.write(as_json(trial))
    else:
        _console(io).print(trial_console.trial(trial))
    io.show(folder / formats.PAGE, is_wanted=args.open)
    return trial.decision.exit_code


def arms_of(folder: Path) -> list[dict[str, object]]:
    """What a run shows of each pair under test, for a program; InvalidRunError where it cannot be judged."""
    inputs = artifacts.read_arm(folder)
    return [
        {
            "run": str(folder),
            "client": str(one.focus[0]),
            "server": str(one.focus[1]),
            "arm": arm_result(one, assumed=AssumedBytes()),
        }
        for one in views(inputs, callers(inputs))
    ]


def _console(io: Io) -> Console:
    return Console(file=io.out, highlight=False)
