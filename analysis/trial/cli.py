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
from k8s.commandline.quantities import lower, some_seconds
from k8s.console import Io, Parser, Verbs, add_json, add_open, path, verb
from k8s.errors import UsageError
from k8s.routing.modes import RoutingMode, parse_mode
from loadtest.record import Traffic

DEFAULT_ARMS = "off,tar"
Report = Callable[[Trial, Path, argparse.Namespace, Io], int]


def add(verbs: "Verbs[Parser]", report: Report) -> None:
    """Add the verb; *report* writes the reports and gives the exit code."""

    def command(args: argparse.Namespace, io: Io) -> int:
        return experiment_command(args, io, report)

    parser = verb(
        verbs,
        "experiment",
        command,
        summary="Compare modes in alternating windows, up to a verdict.",
        description="Measure two equal windows first, to test the instrument; then windows of each mode in "
        "turn, until the answer is settled; then judge. The Service gets back what it had after each window.",
    )
    parser.add_argument(
        "--resume",
        type=path,
        metavar="FOLDER",
        help="go on with an interrupted experiment; it needs no other option",
    )
    add_json(parser)
    add_open(parser)
    add_options(parser)
    resume_cli.mark(parser)


def add_options(parser: Parser) -> None:
    """Options that describe an experiment."""
    into = parser.section("the experiment")
    into.add_argument(
        "--arms",
        default=DEFAULT_ARMS,
        metavar="MODE,MODE,...",
        help="routing modes to compare, the reference first; all: every one",
    )
    into.add_argument("--blocks", metavar="LETTERS", help="order of the windows, e.g. ABBA; default: planned")
    into.add_argument(
        "--block-duration",
        type=some_seconds,
        metavar="TIME",
        help="how long each window of a block is measured; default: planned",
    )
    into.add_argument(
        "--half-width",
        type=float,
        default=design.DEFAULT_HALF_WIDTH,
        metavar="X",
        help="wanted precision of the change of the same-zone share: plus or minus this",
    )
    into.add_argument(
        "--detect",
        type=float,
        metavar="X",
        help="instead of --half-width: the smallest change of the share that is to be found",
    )
    into.add_argument(
        "--power", type=float, default=0.9, metavar="X", help="with --detect: the chance that it is found"
    )
    into.add_argument(
        "--null-pairs",
        type=int,
        default=1,
        metavar="N",
        help="pairs of equal windows first, to test the instrument; with 0 no verdict is valid",
    )
    into.add_argument("--no-early-stop", action="store_true", help="measure every planned block")
    into.add_argument(
        "--traffic",
        type=lower,
        choices=[one.value for one in Traffic],
        default=Traffic.DRIVEN.value,
        help="driven: load is sent; live: nothing is sent, and a mode that does harm is taken back at once",
    )
    loadtest.cli.add_load(parser, has_arm=False)
    source_cli.add_options(parser)
    terms_cli.add_options(parser)
    terms_cli.add_byte_options(parser)


def experiment_command(args: argparse.Namespace, io: Io, report: Report) -> int:
    """``samezone experiment``: prints the experiment's folder."""
    given = resume_cli.settle(args)
    resume_cli.refuse_unlive(args, given)
    if args.resume is None:
        conducted = conduct(session_cli.session_of(args, io), request_of(args))
    else:
        kept = open_journal(args.resume)
        if "arms" not in given:
            args.arms = ",".join(kept.design.arms)  # which the letters of --blocks stand for
        resume_cli.refuse_other_design(args.resume, kept, request_of(args), given)
        resume_cli.reach_again(args, kept, given)
        conducted = resume(session_cli.session_of(args, io), args.resume)
    if not args.json:
        io.write(str(conducted.folder))
    return report(conducted.trial, conducted.folder, args, io)


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
