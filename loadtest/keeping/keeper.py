"""Writes a run into its folder while it goes on: every few seconds what is known so far, and the end.

The record comes first, then the rest, each under a temporary name and then renamed. What cannot be written
keeps nothing else from being tried. A run that has ended is written with its status last, so that a folder
whose record says *complete* is whole.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from k8s.effects import Say
from k8s.errors import SamezoneError
from k8s.process import interrupts
from k8s.topology import Snapshot
from loadtest import rundir
from loadtest.arm_run import ArmRun
from loadtest.keeping.disk import Reserve, is_full
from loadtest.record import Caveat, RunRecord, RunStatus
from loadtest.truthfile import TruthFile

CHECKPOINT_S: Final = 2.0
"""From one checkpoint to the next; with half a second between looks, what is kept is at most 3 s old."""
_JOIN_S: Final = 6.0
"""For a checkpoint that is under way: a relay may take five seconds to not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthSource:
    """The relays' counters; read by the keeper while the run goes on."""

    read: Callable[[], Any]
    between: Callable[[Any, Any], TruthFile]
    """What was counted from one reading to another."""


class RunKeeper:
    """Keeps one run; ``publish`` is called by the run, the checkpoints are written beside it."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], float],
        say: Say,
        truth: TruthSource | None = None,
        every_s: float = CHECKPOINT_S,
    ) -> None:
        """UsageError where the folder cannot be written to; *clock* stamps the checkpoints."""
        self.folder = folder
        self._clock = clock
        self._say = say
        self._truth = truth
        self._every_s = every_s
        self._reserve = Reserve(folder)
        self.status = RunStatus.RUNNING
        """Of the record that was written last."""
        self._latest: ArmRun | None = None
        self._topology: tuple[Snapshot, ...] | None = None
        """As it was written last."""
        self._trouble = ""
        self._said = False
        self._writing = threading.Lock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def publish(self, run: ArmRun) -> None:
        """Take what the run has so far; the first time, begin to write checkpoints."""
        self._latest = run
        if self._thread is None:
            with interrupts.held():
                self._thread = threading.Thread(target=self._write_for_ever, daemon=True)
                self._thread.start()
        if self._trouble and not self._said:
            self._said = True
            self._say(f"what is measured cannot be kept while the run goes on: {self._trouble}")

    def finish(self, run: ArmRun) -> tuple[str, ...]:
        """Write the end of the run; what could not be written, a clause each."""
        self._stop()
        with self._writing:
            lost = self._write_end(run)
        self._reserve.release()
        return lost

    def give_up(self, status: RunStatus) -> bool:
        """The run will not tell its end: what it published last becomes all of it, with that status.

        False where it published nothing: then its folder is gone again.
        """
        self._stop()
        latest = self._latest
        with self._writing:
            if latest is not None:
                self._write_end(replace(latest, record=replace(latest.record, status=status)))
        self._reserve.release()
        if latest is None:
            with suppress(OSError):
                self.folder.rmdir()
        return latest is not None

    def _stop(self) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)

    def _write_for_ever(self) -> None:
        while not self._over.is_set():
            run = self._latest
            if run is not None:
                self._checkpoint(run)
            self._over.wait(self._every_s)

    def _checkpoint(self, run: ArmRun) -> None:
        record = replace(run.record, checkpoint_s=self._clock())
        lost: list[str] = []
        with self._writing:
            if self._over.is_set():
                return
            self._try(lost, rundir.RECORD, lambda: self._write_record(record))
            self._try(lost, rundir.TOPOLOGY, lambda: self._write_topology(run.topology))
        truth = self._truth_so_far(run)
        with self._writing:
            if truth is not None and not self._over.is_set():
                self._try(lost, rundir.TRUTH, lambda: rundir.write_json(self.folder / rundir.TRUTH, truth))
        self._trouble = "; ".join(lost)

    def _write_end(self, run: ArmRun) -> tuple[str, ...]:
        lost: list[str] = []
        unfinished = replace(run.record, status=RunStatus.RUNNING, checkpoint_s=self._clock())
        self._try(lost, rundir.RECORD, lambda: self._write_record(unfinished))
        self._try(lost, rundir.TOPOLOGY, lambda: self._write_topology(run.topology))
        self._try(lost, rundir.TRUTH, lambda: self._write_truth(run))
        record = run.record
        if lost:
            text = f"Not all of the run could be kept: {'; '.join(lost)}."
            status = RunStatus.FAILED if record.status is RunStatus.COMPLETE else record.status
            caveats = (*record.caveats, Caveat(code="not-kept", text=text))
            record = replace(record, status=status, caveats=caveats)
        self._try(lost, rundir.RECORD, lambda: self._write_record(record))
        return tuple(dict.fromkeys(lost))

    def _try(self, lost: list[str], name: str, write: Callable[[], None]) -> None:
        """Write one artifact; at the end of the run, on a full disk, in the room that was kept for this."""
        try:
            write()
        except (SamezoneError, OSError) as error:
            if self._over.is_set() and is_full(error) and self._reserve.release():
                self._try(lost, name, write)
            else:
                lost.append(f"{name} ({_reason(error)})")

    def _write_record(self, record: RunRecord) -> None:
        rundir.write_json(self.folder / rundir.RECORD, record)
        self.status = record.status

    def _write_topology(self, topology: tuple[Snapshot, ...]) -> None:
        if topology and topology != self._topology:
            rundir.write_lines(self.folder / rundir.TOPOLOGY, topology)
            self._topology = topology

    def _write_truth(self, run: ArmRun) -> None:
        if self._truth is not None and run.truth_before is not None and run.truth_after is not None:
            found = self._truth.between(run.truth_before, run.truth_after)
            rundir.write_json(self.folder / rundir.TRUTH, found)

    def _truth_so_far(self, run: ArmRun) -> TruthFile | None:
        """What the relays have counted so far; None where there are none, or they do not answer."""
        if self._truth is None or run.truth_before is None:
            return None
        with suppress(SamezoneError, OSError):
            after = run.truth_after if run.truth_after is not None else self._truth.read()
            return self._truth.between(run.truth_before, after)
        return None


def _reason(error: BaseException) -> str:
    cause = error.__cause__
    return cause.strerror or str(cause) if isinstance(cause, OSError) else str(error)
