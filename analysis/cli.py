"""The ``samezone`` command: which verbs there are, and where each is.

A verb's module, and all that it needs, is loaded when it is asked for: help and mistakes answer at once.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Final

from k8s.console import Io, LaterParser, Parser, Verbs, guarded, perform
from k8s.process import interrupts, streams

VERBS: Final = (
    ("demo", "analysis.jobs_cli", "The whole job on the lab: baseline, TAR, report."),
    ("baseline", "analysis.jobs_cli", "Measure with routing off and print it."),
    ("enable", "analysis.jobs_cli", "Set a mode, measure, compare with the baseline."),
    ("lab", "k8s.cli", "The embedded place: emulated zones on this machine."),
    ("routing", "k8s.cli", "How a Service prefers endpoints."),
    ("cluster", "k8s.cli", "An EKS cluster to measure on: Terraform and manifests."),
    ("kind", "k8s.cli", "A three-zone kind cluster on this machine; needs docker and kind."),
    ("run", "loadtest.cli", "Measure one arm and leave a run folder."),
    ("web", "loadtest.cli", "The Locust web UI with the workers of all zones."),
    ("collect", "analysis.jobs_cli", "Read a run's service graph from X-Ray."),
    ("compare", "analysis.jobs_cli", "Compare two collected runs, and judge."),
    (
        "experiment",
        "analysis.jobs_cli",
        "Certify, measure arms in interleaved blocks, stop when it is settled, judge.",
    ),
    (
        "history",
        "analysis.history_cli",
        "The same-zone share of all stored runs over time, and when it changed.",
    ),
    ("drill", "loadtest.drill_cli", "Let a zone of the lab fail under load, in each routing mode."),
    ("report", "analysis.jobs_cli", "Render the report again from the artifacts."),
)
"""Name, module with an ``add`` for it, summary; in the order of a person's work."""


def entry() -> int:
    """Run the command that this process was started with; ``analysis/entry.py`` comes first."""
    interrupts.listen("samezone")
    streams.make_tolerant()
    return main(sys.argv[1:], Io())


def main(argv: Sequence[str], io: Io) -> int:
    """Run one command; returns the exit code and never raises for what a user can cause."""

    def command() -> int:
        args = parser().parse_args(argv)
        return perform(args, io)

    return guarded("samezone", io, command)


class _Version(argparse.Action):
    """Print the version and end, as ``--help`` does; the installed package knows it."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        print(f"samezone {version('samezone')}")
        parser.exit()


def parser() -> Parser:
    """All verbs, by name and summary; a verb's options are there when it is parsed."""
    root = Parser(
        prog="samezone",
        description="How much service-to-service traffic crosses availability zones, what it costs, and what "
        "topology-aware routing changes.",
        epilog="Exit codes: 0 done; 1 verdict fail; 2 usage; 3 inconclusive; 4 invalid run; 5 place not "
        "reachable; 130 interrupted, everything restored.",
    )
    root.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    verbs: Verbs[LaterParser] = root.add_subparsers(
        dest="verb", metavar="VERB", required=True, parser_class=LaterParser
    )
    for name, module, summary in VERBS:
        verbs.add_parser(name, help=summary).module = module
    return root
