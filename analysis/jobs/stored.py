"""The runs that a folder holds, as rows of the history."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from analysis import artifacts, history, stages
from analysis.history import Run
from analysis.jobs import rows
from analysis.verdict import compared
from analysis.verdict.judged import Decision, worst
from k8s.effects import Say
from k8s.errors import InvalidRunError, SamezoneError, UsageError
from loadtest import rundir
from loadtest.record import RunStatus

OnRead = Callable[[int, int], None]
"""Hears how many run folders were read, of how many."""
_DAMAGED: Final = (SamezoneError, OSError, ArithmeticError, LookupError, ValueError)
"""What a folder that was damaged, or edited, may end in: one line, and not the history of all others."""


def stored_runs(root: Path, say: Say, on_read: OnRead = lambda *_: None) -> Iterator[Run]:
    """Every collected run below *root*, by name; of what cannot be read *say* hears why it is left out.

    A row that was made before is taken from the run's folder. UsageError where there is no such folder.
    """
    if not root.is_dir():
        raise UsageError(f"history: no folder {root}; give the folder of the runs with --runs")
    folders = list(_folders(root, say))
    for number, folder in enumerate(folders, start=1):
        name = folder.relative_to(root).as_posix()
        try:
            run = rows.read(folder) or _made(folder)
        except _DAMAGED as error:
            say(f"skipped {name}: {stages.of_run(_words(error), str(folder))}")
        else:
            # Windows of two experiments may have the same name.
            yield replace(run, folder=name, decision=_decision(folder, say))
        on_read(number, len(folders))


def refresh(folder: Path) -> None:
    """Make a run's row, so that no history has to; a run that has none is left as it is."""
    try:
        _made(folder)
    except _DAMAGED:
        return


def _made(folder: Path) -> Run:
    """Of the run's artifacts; kept in its folder."""
    record = rundir.read_record(folder)
    if artifacts.is_set_aside(record):
        raise InvalidRunError("set aside, its window was measured once more")
    if record.status is not RunStatus.COMPLETE:
        raise history.not_comparable(folder.name, record)
    inputs = artifacts.read_arm(folder)
    try:
        row = history.run_of(inputs, None)
    except SamezoneError as error:
        # It takes as long to find out that a run is none as that it is one.
        rows.save(folder, None, why=str(error))
        raise
    rows.save(folder, row)
    return row


def _words(error: BaseException) -> str:
    if isinstance(error, SamezoneError):
        return str(error)
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return f"it cannot be judged ({type(error).__name__}: {error})"


def _folders(root: Path, say: Say) -> Iterator[Path]:
    """Run folders by name, those inside of others too: the windows of experiments."""
    for folder in sorted(Path(one) for one in os.scandir(root) if one.is_dir()):
        if folder.is_symlink() and root.resolve().is_relative_to(folder.resolve()):
            say(f"skipped {folder.name}: a link to the folder that it is in")
            continue
        found = [
            Path(at)
            for at, _, files in os.walk(folder, onerror=lambda error: say(_unreadable(root, error)))
            if rundir.RECORD in files
        ]
        # What was only looked at is no run, and no broken one.
        is_run = os.access(folder, os.R_OK) and not (folder / rundir.OBSERVATION).is_file()
        yield from sorted(found) or ([folder] if is_run else [])


def _unreadable(root: Path, error: OSError) -> str:
    return f"skipped {os.path.relpath(error.filename, root)}: {error.strerror}"


class _Verdict(msgspec.Struct):
    decision: Decision


class _Judged(msgspec.Struct):
    """The part of a comparison that a row shows."""

    schema: int
    verdict: _Verdict | None = None
    further: tuple["_Judged", ...] = ()


def _decision(folder: Path, say: Say) -> Decision | None:
    """A run that was measured stays in the history, whatever became of its comparison."""
    path = folder / rundir.COMPARISON
    if not os.path.isfile(path):  # noqa: PTH113 - False, too, where it may not be looked at
        return None
    try:
        found = rundir.read_json(path, _Judged, schema=compared.SCHEMA)
    except SamezoneError as error:
        say(f"no verdict for {folder.name}: {error}")
        return None
    made = [one.verdict.decision for one in (found, *found.further) if one.verdict is not None]
    return worst(made) if made else None
