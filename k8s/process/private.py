"""Folders of state that are their owner's alone, whatever the umask says: they hold tokens and addresses."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from k8s.errors import UsageError

NAME: Final = ".samezone"
"""Of the folder that is ours by its name; another one, which a user named, keeps its mode."""
_OWNERS: Final = 0o700
_OTHERS: Final = 0o077


def make(home: Path, parts: Sequence[str]) -> None:
    """Make *home* and these folders in it, and find out that they can be written to.

    UsageError where one cannot: it is a file, on a read-only disk, or somebody else's.
    """
    folders = (home, *(home / part for part in parts))
    for folder in folders:
        try:
            is_new = not folder.is_dir()
            folder.mkdir(mode=_OWNERS, parents=True, exist_ok=True)
            if is_new:
                folder.chmod(_OWNERS)  # the umask may have taken some
            elif folder is not home or home.name == NAME:
                _close(folder)
            _try(folder)
        except OSError as error:
            raise UsageError(
                f"keeping state in {folder}: {error.strerror or error}; name another folder in SAMEZONE_HOME"
            ) from error


def _close(folder: Path) -> None:
    """Take from others what an earlier version gave them; a read-only folder stays one."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & _OTHERS:
        folder.chmod(mode & _OWNERS)


def _try(folder: Path) -> None:
    """Asked by doing: a mode says nothing of a read-only disk, nor to root."""
    probe = folder / f".probe.{os.getpid()}"
    probe.touch(mode=0o600)
    probe.unlink()
