"""The guards of the verdict, held against live traffic while a mode is in force.

Whatever a look finds is found by what judges the experiment: the same reading of the source, the same effects
and guards. Only how sure it has to be differs, since there are many looks and one of them is enough.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from analysis.arm.inputs import arm_inputs
from analysis.arm.result import AssumedBytes
from analysis.jobs import again
from analysis.jobs.measuring import Session
from analysis.source.collect import SETTLE_S
from analysis.source.interface import Question, Received, Source
from analysis.verdict import guards
from analysis.verdict.effects import effects
from analysis.verdict.guards import Guard, Guarded, GuardName, Margins, Outcome
from analysis.verdict.judged import Effects
from analysis.verdict.windows import Measured
from k8s.topology import Snapshot
from loadtest.record import LoadSeen, Place, RunRecord, Window
from loadtest.window.watching import Watch

LEVEL: Final = 0.999
"""Of the intervals of one look. A mode that is exactly at a margin breaks one guard at one look by chance in
one of two thousand cases: with thirty looks at three guards in at most five blocks of a hundred; one that is
better than its margins, more seldom."""
LEAST_S: Final = 5.0
"""The shortest window that is looked at."""
LOOK_S: Final = 2.0
"""From one look to the next; longer where the source asks for it."""
BLIND_S: Final = 30.0
"""The longest that a source may not answer; longer where it is asked less often."""
_WATCHED: Final = (GuardName.P99, GuardName.ERRORS, GuardName.SKEW)


@contextmanager
def watched(
    session: Session,
    place: Place,
    *,
    references: Sequence[Sequence[Measured]],
    margins: Margins,
    assumed: AssumedBytes,
) -> Iterator[Watch]:
    """The guards' eyes on a place, as long as the context lasts.

    *references* are windows of the reference mode, each as the Services under test saw it: the first one's
    view first. A guard is broken where it is against every one of them: what differs between equal windows
    is nobody's harm.
    """
    with session.open_source(place) as source:
        looking = LiveGuards(source=source, references=references, margins=margins, assumed=assumed)
        every_s = max(LOOK_S, source.patience.poll_s)
        yield Watch(look=looking.look, every_s=every_s, blind_s=max(BLIND_S, 4 * every_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveGuards:
    """Looks at what a source shows of a window so far."""

    source: Source
    references: Sequence[Sequence[Measured]]
    margins: Margins = field(default_factory=Margins)
    assumed: AssumedBytes = field(default_factory=AssumedBytes)

    @property
    def lag_s(self) -> float:
        """How old calls have to be until the source shows all of them alike: pods hand over in batches."""
        return max(SETTLE_S, self.source.patience.least_s)

    def look(self, so_far: RunRecord, topology: Sequence[Snapshot], window: Window) -> str | None:
        """The guards that are broken in *window*, a clause; None where none is, or too little is known."""
        asked = Window(start_s=math.ceil(window.start_s), end_s=math.floor(window.end_s - self.lag_s))
        if asked.length_s < LEAST_S:
            return None
        question = Question(window=asked, run_id=None)
        received = Received(
            answers=self.source.ask(question),
            rows=self.source.sample(question, self.source.patience.traces).rows,
            window=asked,
        )
        now = self._views(so_far, topology, asked, received)
        found = [
            f"{where}{one.reason}"
            for number, view in enumerate(now)
            for where in (f"{view.pair.client} to {view.pair.server}: " if len(now) > 1 else "",)
            for one in broken(view, [each[number] for each in self.references if number < len(each)], self)
        ]
        return "; ".join(found) or None

    def _views(
        self, so_far: RunRecord, topology: Sequence[Snapshot], asked: Window, received: Received
    ) -> tuple[Measured, ...]:
        """The window so far as each Service under test sees it; none where no call's zones are known yet."""
        record = _up_to_now(so_far, asked)
        inputs = arm_inputs(
            folder=so_far.run_id,
            record=record,
            topology=tuple(topology),
            reader=self.source.reader,
            received=received,
            stable=True,
        )
        seen = again.attempt(inputs, label=so_far.arm, assumed=self.assumed)
        return () if seen.window is None else (seen.window, *seen.further)


def broken(now: Measured, references: Sequence[Measured], how: LiveGuards) -> list[Guard]:
    """The guards that *now* breaks against every reference; none without a reference.

    As a rule nothing is broken against the newest, and then the older ones are not asked.
    """
    found: dict[GuardName, Guard] = {}
    for number, before in enumerate(reversed(references)):
        judged = {one.name: one for one in _judged(effects([(before, now)], level=LEVEL), how.margins)}
        found = {
            name: judged[name]
            for name in (found if number else _WATCHED)
            if judged[name].outcome is Outcome.FAIL
        }
        if not found:
            break
    return list(found.values())


def _judged(found: Effects, margins: Margins) -> tuple[Guard, ...]:
    guarded = Guarded(
        share_difference=None,
        p99_ratio=found.p99_ratio,
        error_difference=found.error_gain,
        skew=found.skew,
    )
    # An endpoint that was as busy before is not made so by the mode.
    before = 1.0 if found.skew_before is None else found.skew_before.estimate
    return guards.judge(guarded, replace(margins, skew=max(margins.skew, before))).guards


def _up_to_now(so_far: RunRecord, window: Window) -> RunRecord:
    """The record as if the run ended with that window."""
    return replace(
        so_far, measured=window, seen=replace(so_far.seen, measured=LoadSeen(seconds=window.length_s))
    )
