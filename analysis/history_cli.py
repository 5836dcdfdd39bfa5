"""``samezone history``: the runs of a folder over time, with the changes of their same-zone share."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress

from analysis import history
from analysis.jobs.stored import OnRead, stored_runs
from analysis.report import history_console
from k8s.commandline.json_text import as_json
from k8s.console import Io, Parser, Verbs, add_json, path, verb
from k8s.effects import Say
from k8s.errors import ExitCode, UsageError

_DEFAULT_RUNS: Final = Path("runs")


def add(verbs: "Verbs[Parser]") -> None:
    """The verb."""
    parser = verb(
        verbs,
        "history",
        history_command,
        summary="The same-zone share over all stored runs, and when it changed.",
    )
    add_json(parser)
    parser.add_argument(
        "--runs", type=path, default=_DEFAULT_RUNS, metavar="FOLDER", help="where run folders are"
    )


def history_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone history``; folders that cannot be read are skipped, each with a line that says why."""
    with _progress(io) as (say, on_read):
        found = tuple(stored_runs(args.runs, say, on_read))
    if not found:
        raise UsageError(f"history: no collected run under {args.runs}; run: make baseline")
    series = history.series(found)
    if args.json:
        io.write(as_json(series))
    else:
        Console(file=io.out, highlight=False).print(history_console.history(series))
    return ExitCode.DONE


@contextmanager
def _progress(io: Io) -> Iterator[tuple[Say, OnRead]]:
    """A bar on a terminal, with lines for a person above it; elsewhere the lines alone."""
    console = Console(file=io.err)
    if not console.is_terminal:
        yield io.say, lambda *_: None
        return
    with Progress(console=console, transient=True, refresh_per_second=4) as bar:
        task = bar.add_task("reading runs", total=None)

        def say(text: str) -> None:
            bar.console.print(text, highlight=False, markup=False, soft_wrap=True)

        yield say, lambda done, total: bar.update(task, completed=done, total=total)
