"""A trial's journal on file, kept by one process at a time."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from analysis.trial.journal import JOURNAL, SCHEMA, BrokenOff, GivenUp, Journal, KeptWindow, Sitting
from k8s.errors import UnreachableError, UsageError
from loadtest import bounds, rundir


def read(folder: Path) -> Journal:
    """The journal of a trial's folder; UsageError where it is none, or damaged."""
    found = rundir.read_json(folder / JOURNAL, Journal, schema=SCHEMA)
    if (wrong := bounds.wrong_number(found, signed=True)) is not None:
        raise UsageError(f"reading {folder / JOURNAL}: {wrong}")
    return found


class Book:
    """The journal as it grows; every change is on file when the call returns."""

    def __init__(self, folder: Path, journal: Journal, *, monotonic: Callable[[], float]) -> None:
        """*monotonic* tells seconds that nobody sets."""
        self.folder = folder
        self.journal = journal
        self._monotonic = monotonic
        self._began_s = monotonic()

    def sit_down(self, now_s: float) -> None:
        """Begin to measure."""
        self._began_s = self._monotonic()
        begun = Sitting(began_s=now_s, ended_s=now_s)
        self._write(replace(self.journal, sittings=(*self.journal.sittings, begun)))

    def rise(self, now_s: float, why: str) -> None:
        """End this sitting; *why* is a clause."""
        *before, last = self.journal.sittings
        last = replace(last, ended_s=now_s, took_s=self._took_s, why=why)
        self._write(replace(self.journal, sittings=(*before, last)))

    def plan(self, order: tuple[tuple[str, ...], ...], block_s: float) -> None:
        """Remember the blocks that were planned."""
        if (self.journal.order, self.journal.block_s) != (order, block_s):
            self._write(replace(self.journal, order=order, block_s=block_s))

    def keep(self, window: KeptWindow) -> None:
        """Add a window; the sitting lasts at least until its end."""
        *before, last = self.journal.sittings
        last = replace(last, ended_s=max(last.ended_s, window.ended_s), took_s=self._took_s)
        self._write(replace(self.journal, windows=(*self.journal.windows, window), sittings=(*before, last)))

    def break_off(self, where: BrokenOff) -> None:
        """A guard ended the trial."""
        self._write(replace(self.journal, broken_off=where))

    def give_up(self, gone: GivenUp) -> None:
        """Leave a run folder out of the trial, whether it was in it or not."""
        left = tuple(one for one in self.journal.windows if one.folder != gone.folder)
        self._write(replace(self.journal, windows=left, given_up=(*self.journal.given_up, gone)))

    @property
    def _took_s(self) -> float:
        return self._monotonic() - self._began_s

    def _write(self, journal: Journal) -> None:
        rundir.write_json(self.folder / JOURNAL, journal)
        self.journal = journal


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder is this process's alone as long as the context lasts; UnreachableError if another has it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UnreachableError(
                f"measuring trial {folder}: another samezone is measuring it; wait for it, or stop it"
            ) from error
        yield
    finally:
        os.close(handle)
