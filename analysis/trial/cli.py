"""``samezone experiment``: arms in interleaved blocks, up to a verdict."""

import argparse
from collections.abc import Callable
from pathlib import Path

import loadtest.cli
from analysis import terms_cli
from analysis.jobs import session_cli
from analysis.source import cli as source_cli
from analysis.statistics.planning import Detection, Precision
from analysis.trial import design, resume_cli
from analysis.trial.design import Design
from analysis.trial.experiment import ExperimentRequest, conduct, open_journal, resume
from analysis.trial.values import Trial
from k8s.console import Io, Parser, Verbs, path, verb
from k8s.errors import UsageError
from k8s.routing.modes import RoutingMode, parse_mode

DEFAULT_ARMS = "off,tar"
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
        "--resume",
        type=path,
        metavar="FOLDER",
        help="go on with an interrupted experiment as it was planned; no other option is needed",
    )
    add_options(parser)
    resume_cli.mark(parser)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options that describe an experiment."""
    parser.add_argument(
        "--arms", default=DEFAULT_ARMS, help="routing modes, the reference first; all: all five"
    )
    parser.add_argument("--blocks", help="e.g. ABBA; default: planned")
    parser.add_argument("--block-duration", type=float, help="measured seconds of a window; default: planned")
    parser.add_argument(
        "--half-width", type=float, default=design.DEFAULT_HALF_WIDTH, help="wanted, of the share gained"
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
    given = resume_cli.settle(args)
    if args.resume is None:
        conducted = conduct(session_cli.session_of(args, io), request_of(args))
    else:
        kept = open_journal(args.resume)
        if "arms" not in given:
            args.arms = ",".join(kept.design.arms)  # which the letters of --blocks stand for
        resume_cli.refuse_other_design(args.resume, kept, request_of(args), given)
        resume_cli.reach_again(args, kept, given)
        conducted = resume(session_cli.session_of(args, io), args.resume)
    io.write(str(conducted.folder))
    return report(conducted.trial, conducted.folder, io)


def request_of(args: argparse.Namespace) -> ExperimentRequest:
    """What the options of ``add_options`` ask for."""
    return ExperimentRequest(
        design=design_of(args),
        load=loadtest.cli.load_of(args),
        runs=args.runs,
        assumed=terms_cli.assumed_of(args),
        reach=resume_cli.reach_of(args),
    )


def design_of(args: argparse.Namespace) -> Design:
    """What the options ask for; UsageError names the one that is off."""
    names = [mode.value for mode in RoutingMode] if args.arms == "all" else args.arms.split(",")
    arms = tuple(parse_mode(name.strip()).value for name in names)
    if len(arms) < 2 or len(set(arms)) < len(arms):  # noqa: PLR2004 - a comparison takes two
        raise UsageError(f"--arms {args.arms}: give two or more different routing modes, or all")
    if args.null_pairs < 0 or not 0 < args.half_width < 1:
        raise UsageError("--null-pairs and --half-width: give 0 or more pairs, and a share between 0 and 1")
    return Design(
        arms=arms,
        order=design.order_of(arms, args.blocks) if args.blocks else None,
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
