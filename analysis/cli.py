"""The ``samezone`` command: which verbs there are, and where each is.

A verb's module, and all that it needs, is loaded when it is asked for: help and mistakes answer at once.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Final, cast

from k8s.console import Io, LaterParser, Parser, guarded, perform, verbs_of
from k8s.process import interrupts, streams

VERBS: Final = (
    ("demo", "analysis.jobs_cli", "The whole job on the lab: measure, set TAR, measure, report."),
    ("baseline", "analysis.jobs_cli", "Measure twice with routing off, and print who called whom."),
    ("enable", "analysis.jobs_cli", "Set a mode, measure, and compare with the baseline."),
    ("experiment", "analysis.jobs_cli", "Compare modes in alternating windows, up to a verdict."),
    ("observe", "analysis.observe_cli", "Only look at the traffic there is; nothing is changed."),
    ("report", "analysis.jobs_cli", "Make the report of a run again, from its files."),
    ("status", "analysis.jobs.status_cli", "Where things stand, and what to do next."),
    ("history", "analysis.history_cli", "The same-zone share over all stored runs, and when it changed."),
    ("routing", "k8s.cli", "Which endpoints a Service prefers: set, show, explain."),
    ("lab", "k8s.cli", "The lab: three zones with an app, on this machine."),
    ("drill", "loadtest.drill_cli", "Let a zone of the lab fail under load, in each mode."),
    ("web", "analysis.live.cli", "Locust's web UI with workers in every zone."),
    ("run", "loadtest.cli", "Measure one mode and leave a run folder."),
    ("collect", "analysis.jobs_cli", "Read a run's calls from where they are counted."),
    ("compare", "analysis.jobs_cli", "Compare runs that were collected, and judge."),
    ("cluster", "k8s.cli", "An EKS cluster to measure on, by Terraform."),
    ("completion", "analysis.shell.completion_cli", "Print what makes a shell complete these verbs."),
    ("kind", "k8s.cli", "A kind cluster of three zones, if docker and kind are here."),
)
"""Name, module with an ``add`` for it, summary; in the order of a person's work."""

ELSEWHERE: Final = {
    "up": "lab up",
    "down": "lab down",
    "xray": "lab xray",
    "zone": "lab zone",
    "set": "routing set",
    "show": "routing show",
    "restore": "routing restore",
    "doctor": "routing doctor",
    "predict": "routing predict",
    "enable-tar": "enable tar",
    "enable-same-zone": "enable prefer-same-zone",
    "disable-tar": "routing restore",
    "tournament": "experiment --arms all",
    "deploy": "cluster deploy",
    "destroy": "cluster destroy",
    "help": "--help",
    "version": "--version",
}
"""Verbs of make and of verbs that have verbs of their own, and what is typed for them here."""


def entry() -> int:
    """Run the command that this process was started with; ``analysis/entry.py`` comes first."""
    interrupts.listen("samezone")
    if "_ARGCOMPLETE" in os.environ:
        complete(os.environ.get("COMP_LINE", ""))
    streams.make_tolerant()
    return main(sys.argv[1:], Io())


def complete(line: str) -> None:
    """Tell the shell how *line* may go on, and end the process."""
    completion = importlib.import_module("analysis.shell.completion_cli")
    completion.complete(parser(whole=line.split()))


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


def parser(*, whole: Sequence[str] = ()) -> Parser:
    """All verbs, by name and summary; a verb's options are there when it is parsed, or with *whole*."""
    root = Parser(
        prog="samezone",
        description="How much service-to-service traffic crosses availability zones, what it costs, and what "
        "topology-aware routing changes.",
        epilog="Begin with: samezone demo. Exit codes: 0 done, or verdict pass; 1 verdict fail; 2 bad input; "
        "3 inconclusive; 4 invalid; 5 not reachable; 130 interrupted, everything restored.",
    )
    root.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    root.elsewhere = ELSEWHERE
    verbs = verbs_of(root, dest="verb", kind=LaterParser)
    for name, module, summary in VERBS:
        later = verbs.add_parser(name, help=summary)
        later.module = module
        if name in whole:
            cast("dict[str, Parser]", verbs.choices)[name] = later.loaded()
    return root
