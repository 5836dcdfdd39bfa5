"""``samezone history``: the runs of a folder over time, with the changes of their same-zone share."""

import argparse
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console

from analysis import history
from analysis.jobs.stored import stored_runs
from analysis.report import history_console
from k8s.console import Io, Parser, Verbs, path, verb
from k8s.errors import ExitCode, UsageError

_DEFAULT_RUNS: Final = Path("runs")


def add(verbs: "Verbs[Parser]") -> None:
    """The verb."""
    parser = verb(
        verbs,
        "history",
        history_command,
        summary="The same-zone share of all stored runs over time, and when it changed.",
    )
    parser.add_argument("--runs", type=path, default=_DEFAULT_RUNS, help="default: runs")
    parser.add_argument("--json", action="store_true", help="the same as JSON")


def history_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone history``; folders that cannot be read are skipped, each with a line that says why."""
    found = tuple(stored_runs(args.runs, io.say))
    if not found:
        raise UsageError(f"history: no collected run under {args.runs}; run: make baseline")
    series = history.series(found)
    if args.json:
        io.write(msgspec.json.format(msgspec.json.encode(series), indent=1).decode())
    else:
        Console(file=io.out, highlight=False).print(history_console.history(series))
    return ExitCode.DONE
