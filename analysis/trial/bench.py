"""Windows as run folders: a bench that measures and collects arms on a place."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from analysis import artifacts
from analysis.arm.result import AssumedBytes
from analysis.jobs import again, guarding
from analysis.jobs.again import Attempt
from analysis.jobs.measuring import Session, collect_run, measure
from analysis.trial.book import Book
from analysis.trial.journal import (
    LONGEST_TEAR_S,
    BrokenOff,
    GivenUp,
    KeptWindow,
    TrialBrokenOffError,
    settle_s,
)
from analysis.trial.kept import KeptBench
from analysis.trial.run import WindowsEndError, part_of
from analysis.verdict.windows import Measured
from k8s.errors import InvalidRunError, UsageError
from k8s.routing.modes import parse_mode
from loadtest import rundir
from loadtest.measure import MeasuredRun, MeasureRequest
from loadtest.record import RunRecord, RunStatus, Traffic
from loadtest.window.watching import GuardBreachedError

INTERRUPTED: Final = "the trial was interrupted in it"
REFERENCES: Final = 4
"""Windows of the reference mode that live traffic is held against: enough to show what differs between equal
ones, and few enough to be looked at again and again."""


class TornBlockError(InvalidRunError):
    """A block or null pair whose windows lie too far apart in time; it has to be begun again."""

    def __init__(self, part: str) -> None:
        super().__init__(f"{part}: its windows lie too far apart")
        self.part = part


class RunBench:
    """Implements Bench: each window is a run folder below the trial's, and in its journal.

    Windows that the journal has are given back first. Then one that was measured, but not collected or noted
    when all ended, is taken in; only then something is measured.
    """

    def __init__(self, session: Session, book: Book, known: dict[str, Attempt] | None = None) -> None:
        """*known*: attempts by run folder that were read before; it is added to."""
        self._session = session
        self._book = book
        self._known = {} if known is None else known
        journal = book.journal
        self._kept = KeptBench(
            book.folder,
            journal.windows,
            broken_off=journal.broken_off,
            assumed=journal.assumed,
            known=self._known,
        )
        self._is_live = False

    @property
    def settle_s(self) -> float:
        """Seconds that a window takes beside its measured ones, warm-up included."""
        return settle_s(self._book.journal.windows) if self._is_live else self._kept.settle_s

    def say(self, text: str) -> None:
        """A line for a person; what the kept windows showed was said when they were measured."""
        if self._is_live or not self._book.journal.windows:
            self._session.traffic.say(text)

    def set_aside(self, broken: Attempt, instead: Attempt, why: str) -> None:
        """Mark the broken window's run folder, which stays."""
        folder = self._book.folder
        if not artifacts.is_set_aside(rundir.read_record(folder / broken.folder)):
            artifacts.set_aside(folder / broken.folder, instead=folder / instead.folder, why=why)

    def measure(self, mode: str, *, label: str, seconds: float) -> Attempt:
        """Give back what is there, or run, collect, read; TornBlockError before a window that is too late."""
        if not self._is_live:
            try:
                return self._kept.measure(mode, label=label, seconds=seconds)
            except WindowsEndError:
                self._go_live()
        window = self._window(mode, seconds, label)
        taken_in = self._taken_in(window, label)
        if taken_in is not None:
            return taken_in
        self._refuse_torn(label)
        return self._new(window, label)

    def _go_live(self) -> None:
        self._is_live = True
        if self._kept.torn is not None:
            window, error = self._kept.torn
            self.say(f"{window.label} is measured once more: {error}")
            self._give_up(window.folder, f"it cannot be read ({error})")

    def _window(self, mode: str, seconds: float, label: str) -> MeasureRequest:
        load = self._book.journal.load
        return MeasureRequest(
            mode=parse_mode(mode),
            load=replace(load, plan=replace(load.plan, duration_s=seconds)),
            runs=self._book.folder,
            modes=tuple(parse_mode(one) for one in self._book.journal.design.arms),
            arm=re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-"),
        )

    def _refuse_torn(self, label: str) -> None:
        """A gap between the arms of a block would be taken for what the arms differ in."""
        part = part_of(label)
        before = self._book.journal.windows[-1:]
        now_s = self._session.traffic.clock()
        if any(part_of(one.label) == part and now_s - one.ended_s > LONGEST_TEAR_S for one in before):
            raise TornBlockError(part)

    def _new(self, window: MeasureRequest, label: str) -> Attempt:
        self.say(label)
        traffic = self._session.traffic
        left_behind = [one.name for one in self._strangers()]
        began_s, started_s = traffic.clock(), traffic.monotonic()
        run = self._measured(window, label, left_behind)
        took_s = traffic.monotonic() - started_s
        self._keep(window, label, run.folder, began_s=began_s, ended_s=traffic.clock(), took_s=took_s)
        for name in left_behind:
            self._give_up(name, INTERRUPTED, instead=run.folder)
        return self._read(run.folder, label)

    def _measured(self, window: MeasureRequest, label: str, left_behind: Sequence[str]) -> MeasuredRun:
        """Run and collect; under live traffic with eyes on the guards, but for the reference mode."""
        journal = self._book.journal
        reference = journal.design.arms[0]
        if journal.load.traffic is not Traffic.LIVE or window.mode.value == reference:
            return measure(self._session, window)
        try:
            with guarding.watched(
                self._session,
                journal.place,
                references=self._references(reference),
                margins=journal.design.terms.margins,
                assumed=journal.assumed,
            ) as watch:
                return measure(self._session, replace(window, watch=watch))
        except GuardBreachedError as error:
            new = (one.name for one in self._strangers() if one.name not in left_behind)
            where = BrokenOff(label=label, mode=window.mode.value, folder=next(new, ""), breach=error.breach)
            self._book.break_off(where)
            raise TrialBrokenOffError(where) from error

    def _references(self, mode: str) -> list[tuple[Measured, ...]]:
        """The newest windows of the reference mode, as each Service under test saw them."""
        folders = [one.folder for one in self._book.journal.windows if one.mode == mode]
        found = [self._known[one] for one in folders if one in self._known]
        return [(one.window, *one.further) for one in found if one.window is not None and one.fault is None][
            -REFERENCES:
        ]

    def _taken_in(self, window: MeasureRequest, label: str) -> Attempt | None:
        """A window that was measured to its end before all ended, and collected now if it was not."""
        for folder in self._strangers():
            record = _record(folder)
            if record is None or record.status is not RunStatus.COMPLETE or not _is_of(record, window):
                continue
            try:
                if not (folder / rundir.GRAPH).is_file():
                    self.say(f"{label}: it was measured before; collecting it")
                    collect_run(self._session.collecting, folder)
                attempt = self._read(folder, label)
            except (InvalidRunError, UsageError) as error:
                self.say(f"{label}: it was measured before, but cannot be used: {error}")
                continue
            began_s = record.created_s
            ended_s = began_s if record.measured is None else record.measured.end_s
            took_s = max(window.load.plan.duration_s, ended_s - began_s)
            self._keep(window, label, folder, began_s=began_s, ended_s=ended_s, took_s=took_s)
            return attempt
        return None

    def _strangers(self) -> Iterator[Path]:
        """Run folders that the journal does not know, oldest first."""
        journal = self._book.journal
        known = {one.folder for one in journal.windows} | {one.folder for one in journal.given_up}
        for folder in sorted(one for one in self._book.folder.iterdir() if one.is_dir()):
            if folder.name not in known and (folder / rundir.RECORD).is_file():
                yield folder

    def _keep(
        self,
        window: MeasureRequest,
        label: str,
        folder: Path,
        *,
        began_s: float,
        ended_s: float,
        took_s: float,
    ) -> None:
        self._book.keep(
            KeptWindow(
                label=label,
                mode=window.mode.value,
                seconds=window.load.plan.duration_s,
                folder=folder.name,
                began_s=began_s,
                ended_s=ended_s,
                took_s=took_s,
            )
        )

    def _give_up(self, name: str, why: str, *, instead: Path | None = None) -> None:
        record = _leave_out(self._book, name, why)
        if record is not None and instead is not None and not artifacts.is_set_aside(record):
            artifacts.set_aside(self._book.folder / name, instead=instead, why=why)

    def _read(self, folder: Path, label: str) -> Attempt:
        assumed: AssumedBytes = self._book.journal.assumed
        attempt = again.attempt(artifacts.read_arm(folder), label=label, assumed=assumed)
        self._known[folder.name] = attempt
        return attempt


def begin_again(book: Book, part: str) -> None:
    """Leave the windows of a torn block or null pair out: all of it is measured anew."""
    for one in book.journal.windows:
        if part_of(one.label) == part:
            why = f"the trial was interrupted in {part} for more than an hour, so that was begun again"
            _leave_out(book, one.folder, why, label=one.label)


def _leave_out(book: Book, name: str, why: str, *, label: str | None = None) -> RunRecord | None:
    """Give a run folder up, under its arm's label where none is given; its record, where that can be read."""
    record = _record(book.folder / name)
    label = label or (name if record is None else record.arm)
    book.give_up(GivenUp(label=label, folder=name, why=why, requests=_requests(record)))
    return record


def _record(folder: Path) -> RunRecord | None:
    """Of a run folder; None where it cannot be read."""
    try:
        return rundir.read_record(folder)
    except UsageError:
        return None


def _requests(record: RunRecord | None) -> int:
    load = None if record is None else record.seen.measured
    return 0 if load is None else load.requests


def _is_of(record: RunRecord, window: MeasureRequest) -> bool:
    return (record.arm, record.asked) == (window.arm, window.asked)
