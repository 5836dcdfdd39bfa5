"""``samezone history``: the runs of a folder over time, with the changes of their same-zone share."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console

from analysis import artifacts, history
from analysis.history import Run
from analysis.model import Comparison
from analysis.report import history_console
from k8s.console import Io, Parser, Verbs, verb
from k8s.errors import ExitCode, SamezoneError, UsageError
from loadtest import rundir

_DEFAULT_RUNS: Final = Path("runs")


def add(verbs: "Verbs[Parser]") -> None:
    """The verb."""
    parser = verb(
        verbs,
        "history",
        history_command,
        summary="The same-zone share of all stored runs over time, and when it changed.",
    )
    parser.add_argument("--runs", type=Path, default=_DEFAULT_RUNS, help="default: runs")
    parser.add_argument("--json", action="store_true", help="the same as JSON")


def history_command(args: argparse.Namespace, io: Io) -> int:
    """``samezone history``; folders that cannot be read are skipped, each with a line that says why."""
    found = tuple(_runs(args.runs, io))
    if not found:
        raise UsageError(f"history: no collected run under {args.runs}; run: make baseline")
    series = history.series(found)
    if args.json:
        io.write(msgspec.json.format(msgspec.json.encode(series), indent=1).decode())
    else:
        Console(file=io.out, highlight=False).print(history_console.history(series))
    return ExitCode.DONE


def _runs(root: Path, io: Io) -> Iterator[Run]:
    if not root.is_dir():
        raise UsageError(f"history: no folder {root}; give the folder of the runs with --runs")
    for folder in _folders(root):
        try:
            run = history.run_of(artifacts.read_arm(folder), _comparison(folder, io))
        except SamezoneError as error:
            io.say(f"skipped {folder.relative_to(root)}: {error}")
            continue
        # Windows of two experiments may have the same name.
        yield replace(run, folder=folder.relative_to(root).as_posix())


def _folders(root: Path) -> Iterator[Path]:
    """Run folders by name, those inside of others too: the windows of experiments."""
    for folder in sorted(one for one in root.iterdir() if one.is_dir()):
        inner = [one for one in sorted(folder.rglob(rundir.RECORD)) if one.parent != folder]
        if (folder / rundir.RECORD).is_file() or not inner:
            yield folder
        yield from (one.parent for one in inner)


def _comparison(folder: Path, io: Io) -> Comparison | None:
    """A run that was measured stays in the history, whatever became of its comparison."""
    if not (folder / rundir.COMPARISON).is_file():
        return None
    try:
        return artifacts.read_comparison(folder)
    except SamezoneError as error:
        io.say(f"no verdict for {folder.name}: {error}")
        return None
