"""What a trial's folder holds from its start on: what was asked, the plan, and every window as it came.

``journal.json`` is a ``Journal``. A trial is a function of its design and its windows (``run``), so this and
the windows' run folders are all that it takes to go on with one, or to judge it as far as it came.

An interruption is a gap in time between two windows. Arms are only ever compared within a block, which
measures each of them shortly after one another; so a gap *between* blocks is one more thing that may differ
between blocks, and ``statistics/blocks`` widens the interval by what it sees of that. A gap *within* a block
would fall between its arms: a block, or a null pair, is measured anew where that gap is longer than
``LONGEST_TEAR_S``. The looks are taken after the blocks they were planned after, whatever the time; a trial
is not looked at because it was interrupted, so its error rate is that of one that was not.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from typing import Final

from analysis.arm.result import AssumedBytes
from analysis.source.choice import SourceChoice
from analysis.statistics.planning import Detection, Precision
from analysis.trial.design import Design
from analysis.verdict.compare import Terms
from k8s.errors import InvalidRunError, UsageError
from loadtest.measure import Load
from loadtest.record import Breach, Caveat, Place

JOURNAL: Final = "journal.json"
SCHEMA: Final = 1
LONGEST_TEAR_S: Final = 3600.0
"""Most seconds between two windows of a block: traffic of other people moves with the hour of the day."""
CUT_OFF: Final = "it was cut off without a word"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach(SourceChoice):
    """By which options the place and its source were reached, so that nobody has to give them again."""

    kubeconfig: str | None = None
    recycle: str = "auto"
    workers: int | None = None
    """Load generators a zone; None: as many as there are by default."""
    target_unchecked: bool = False

    def settled(self, choice: SourceChoice) -> "Reach":
        """The same with the source that was found; as it is where none was."""
        if choice.source is None:
            return self
        return replace(self, **{one.name: getattr(choice, one.name) for one in fields(SourceChoice)})


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedDesign:
    """A ``Design`` on file: its goal is one of two kinds, and JSON does not tell which."""

    arms: tuple[str, ...]
    order: tuple[tuple[str, ...], ...] | None
    block_s: float | None
    null_s: float
    null_pairs: int
    precision: Precision | None
    detection: Detection | None
    terms: Terms
    stops_early: bool

    @classmethod
    def of(cls, design: Design) -> "AskedDesign":
        """The same to be stored."""
        goal = design.goal
        return cls(
            arms=design.arms,
            order=design.order,
            block_s=design.block_s,
            null_s=design.null_s,
            null_pairs=design.null_pairs,
            precision=goal if isinstance(goal, Precision) else None,
            detection=goal if isinstance(goal, Detection) else None,
            terms=design.terms,
            stops_early=design.stops_early,
        )

    @property
    def design(self) -> Design:
        """The same to be used; UsageError without a goal."""
        goal = self.precision or self.detection
        if goal is None:
            raise UsageError(f"reading {JOURNAL}: its design has neither a precision nor a detection")
        return Design(
            arms=self.arms,
            order=self.order,
            block_s=self.block_s,
            null_s=self.null_s,
            null_pairs=self.null_pairs,
            goal=goal,
            terms=self.terms,
            stops_early=self.stops_early,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptWindow:
    """A window that was measured and collected."""

    label: str
    mode: str
    seconds: float
    """Of load that were asked for."""
    folder: str
    """Of its run, relative to the trial's folder."""
    began_s: float
    ended_s: float
    """Seconds since the epoch, collecting included."""
    took_s: float
    """By a clock that nobody sets."""

    @property
    def settle_s(self) -> float:
        """Seconds that it took beside its measured ones, warm-up included."""
        return self.took_s - self.seconds


def settle_s(windows: Sequence[KeptWindow]) -> float:
    """Seconds that a window takes beside its measured ones, on average; 0 of none."""
    return sum(one.settle_s for one in windows) / len(windows) if windows else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """A window that is no part of the trial: interrupted, or of a block that was begun again."""

    label: str
    folder: str
    why: str
    requests: int
    """Sent in it: each left a trace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenOff:
    """The window in which a guard was broken under live traffic: the trial ended there."""

    label: str
    mode: str
    folder: str
    """Of its run, relative to the trial's folder."""
    breach: Breach


class TrialBrokenOffError(InvalidRunError):
    """A guard was broken under live traffic; the mode is taken back, and nothing more is tried."""

    def __init__(self, where: BrokenOff) -> None:
        super().__init__(f"{where.label}: {where.breach.told}")
        self.where = where


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """A time in which the trial was measured without a break."""

    began_s: float
    ended_s: float
    """Seconds since the epoch; of one that was cut off, the last that is known."""
    took_s: float = 0.0
    """By a clock that nobody sets."""
    why: str = CUT_OFF
    """Why it ended, in a clause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """``journal.json``."""

    schema: int = SCHEMA
    created_s: float
    place: Place
    reach: Reach = field(default_factory=Reach)
    design: AskedDesign
    load: Load
    """Of every window; its plan's duration is replaced by the window's."""
    assumed: AssumedBytes
    versions: tuple[tuple[str, str], ...]
    """What began it."""
    order: tuple[tuple[str, ...], ...] | None = None
    """The arms of each block, once they are planned."""
    block_s: float | None = None
    """Measured seconds of a window of these blocks."""
    windows: tuple[KeptWindow, ...] = ()
    """In the order in which they were measured, those too that others were measured for."""
    given_up: tuple[GivenUp, ...] = ()
    sittings: tuple[Sitting, ...] = ()
    broken_off: BrokenOff | None = None
    """Where a guard ended it; None where none did."""

    @property
    def seconds(self) -> float:
        """What measuring took, without the gaps."""
        return math.fsum(one.took_s for one in self.sittings)

    @property
    def why(self) -> str:
        """Why its last sitting ended."""
        return self.sittings[-1].why if self.sittings else CUT_OFF


def caveats(journal: Journal) -> tuple[Caveat, ...]:
    """What a reader of a trial that was interrupted should know of it."""
    return (*_gaps(journal), *_begun_again(journal))


def _gaps(journal: Journal) -> Iterator[Caveat]:
    for number, (left, right) in enumerate(pairwise(journal.sittings), start=1):
        before = [one.label for one in journal.windows if one.ended_s <= left.ended_s]
        after = [one.label for one in journal.windows if one.began_s >= right.began_s]
        if not after:
            continue
        between = f"between {before[-1]} and {after[0]}" if before else f"before {after[0]}"
        text = (
            f"The trial was interrupted for {_span(right.began_s - left.ended_s)}, {between} ({left.why}). "
            "Arms are compared within blocks only, and a block that would be torn for longer than an hour is "
            "measured anew, so what changed meanwhile lies between blocks, where the interval allows for it; "
            "order, looks and the rule to stop are those of the plan."
        )
        yield Caveat(code=f"interrupted-{number}", text=text)


def _begun_again(journal: Journal) -> Iterator[Caveat]:
    for one in journal.given_up:
        yield Caveat(
            code=f"given-up-{one.folder}", text=f"{one.label} ({one.folder}) is left out: {one.why}."
        )


def _span(seconds: float) -> str:
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{math.ceil(seconds)} s"
    if seconds < 2 * 3600:
        return f"{math.ceil(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
