"""The runs that a folder holds, as rows of the history."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from analysis import artifacts, history
from analysis.history import Run
from analysis.verdict.compared import Comparison
from k8s.effects import Say
from k8s.errors import SamezoneError, UsageError
from loadtest import rundir


def stored_runs(root: Path, say: Say) -> Iterator[Run]:
    """Every collected run below *root*, by name; of what cannot be read *say* hears why it is left out.

    UsageError where there is no such folder.
    """
    if not root.is_dir():
        raise UsageError(f"history: no folder {root}; give the folder of the runs with --runs")
    for folder in _folders(root):
        try:
            inputs = artifacts.read_arm(folder)
            if artifacts.is_set_aside(inputs.record):
                say(f"skipped {folder.relative_to(root)}: set aside, its window was measured once more")
                continue
            run = history.run_of(inputs, _comparison(folder, say))
        except SamezoneError as error:
            say(f"skipped {folder.relative_to(root)}: {error}")
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


def _comparison(folder: Path, say: Say) -> Comparison | None:
    """A run that was measured stays in the history, whatever became of its comparison."""
    if not (folder / rundir.COMPARISON).is_file():
        return None
    try:
        return artifacts.read_comparison(folder)
    except SamezoneError as error:
        say(f"no verdict for {folder.name}: {error}")
        return None
