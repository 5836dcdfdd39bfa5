"""Ask a source until its counts are final: stable, and reconciled with the load generator's own count.

No source promises a time after which a window is complete, so it is polled until two answers in a row are
equal and hold every request the generator made; the polls are kept as evidence, and the last answer is kept
as it came.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, Final, TypeVar

import msgspec

from analysis.placement import Timeline
from analysis.source.calls import Calls
from analysis.source.facts import Facts, facts_of
from analysis.source.interface import (
    Answers,
    Basis,
    Counts,
    CountUnit,
    Drawn,
    IncompleteError,
    Patience,
    Question,
    Raw,
    Received,
    Source,
    ThrottledError,
)
from analysis.source.needs import Needs, needs
from analysis.source.reckoning import Reckoned, reckoned
from analysis.source.registry import DEFAULT
from analysis.source.stored_page import StoredPage
from k8s.errors import InvalidRunError, UsageError
from k8s.topology import Snapshot
from loadtest.record import LoadSeen, RunRecord, Window

SCHEMA: Final = 1
SETTLE_S: Final = 5.0
"""No answer before this counts as final where nobody knows what is still to come: pods hand over their spans
in batches, seconds apart."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One answer."""

    at_s: float
    calls: int
    """Sum over all calls between pods."""
    requests: int
    """What the load generator's workers did, as the source counts it, in its unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNotes:
    """``graph.json`` but for its answers."""

    schema: int = SCHEMA
    source: str = DEFAULT
    """Whose answers these are; the key of their reader."""
    window: Window
    """The window asked for."""
    polls: tuple[Poll, ...]
    stable: bool
    reconciled: bool
    sampled: int | None = None
    """Rows of the sample; None in older files."""
    reconcilable: bool = True
    """The load generator's own count is of the same thing, and of what the source sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphFile(GraphNotes):
    """``graph.json``."""

    queries: tuple[tuple[dict[str, Any], ...], ...]
    """Pages of each query, as received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedGraphFile(GraphNotes):
    """``graph.json`` as it is read: its pages become what their source's reader makes of them, and no objects
    before that.
    """

    queries: tuple[tuple[msgspec.Raw, ...], ...]
    """Pages of each query, as bytes."""

    @property
    def answers(self) -> Answers:
        """The pages, for a reader."""
        return tuple(tuple(map(StoredPage, query)) for query in self.queries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One answer, for people."""

    poll: Poll
    expected: int | None
    """What the load generator counted itself; None where the source does not see it, or counts otherwise."""
    basis: Basis

    def __str__(self) -> str:
        unit = self.basis.unit.value
        between = f"{self.poll.calls} {'calls' if self.basis.unit is CountUnit.REQUESTS else unit} between "
        between += f"{self.basis.grain.value}s"
        if self.expected is None:
            return f"{between}; {not_reconcilable(self.basis)}"
        count = (
            f"all {self.expected}"
            if self.poll.requests == self.expected
            else (f"{self.poll.requests} of {self.expected}")
        )
        return f"{count} {unit}, {between}"


def not_reconcilable(basis: Basis) -> str:
    """Why the load generator's count says nothing of the source's, in a clause."""
    if basis.unit is CountUnit.BYTES:
        return (
            "the load generator counts no bytes, so nothing tells whether they are whole but that they stay"
        )
    return "it sees no load generator, so nothing tells whether they are whole but that they stay the same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What collecting leaves: two artifacts, and what is not in them."""

    graph: GraphFile
    traces: tuple[Raw, ...]
    left_out: tuple[str, ...] = ()
    """A sentence each on what the traces were not drawn from."""


def collect(
    source: Source,
    record: RunRecord,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    patience: Patience | None = None,
    on_poll: Callable[[Shown], None] = lambda _: None,
    topology: Sequence[Snapshot] = (),
    say: Callable[[str], None] = lambda _: None,
) -> Collected:
    """Poll the counts of the measured window until they are final or patience ends, then take a sample.

    *patience* is the source's own where none is given. By the run's *topology* names are known to be pods;
    where they are not, or where others made requests, every trace of the run is read, up to the
    patience's most.
    """
    load = record.seen.measured
    if record.measured is None or load is None:
        raise UsageError(
            f"collecting run {record.run_id}: it has no measured window, so there is nothing to ask"
        )
    patience = _patience(patience or source.patience, is_live=record.asked.is_live)
    began_s = clock()
    asking = Asking.of(source, patience, clock=clock, sleep=sleep, say=say)
    asking.until_answered(source.preflight)
    question = _question(record, record.measured)
    timeline = Timeline(topology)
    facts = _facts(record, load, topology, timeline)
    polls: list[Poll] = []
    while True:
        answers = asking.until_answered(lambda: source.ask(question))
        counts = source.reader.read(Received(answers=answers), facts)
        own = reckoned(counts, load, facts, timeline)
        polls.append(_poll(counts, own, clock()))
        expected = own.made
        on_poll(Shown(poll=polls[-1], expected=expected, basis=counts.basis))
        waited_s = polls[-1].at_s - began_s
        if _is_over(polls, expected, patience, waited_s):
            break
        sleep(patience.poll_s)
    if not (polls[-1].calls if expected is None else polls[-1].requests):
        raise _nothing_shown(record, source, counts, load, waited_s)
    needed = _needs(counts, timeline, facts)
    drawn = asking.until_answered(lambda: _traces(source, question, patience, needed, say))
    return Collected(
        graph=GraphFile(
            source=source.name,
            window=question.window,
            queries=tuple(tuple(dict(page) for page in query) for query in answers),
            polls=tuple(polls),
            stable=_is_stable(polls),
            reconciled=expected is not None and abs(polls[-1].requests - expected) <= load.untold,
            sampled=len(drawn.rows),
            reconcilable=expected is not None,
        ),
        traces=drawn.rows,
        left_out=drawn.left_out,
    )


def _question(record: RunRecord, measured: Window) -> Question:
    """The run's own traces; of live traffic, which is never quiet, everybody's."""
    if record.asked.is_live:
        window = Window(start_s=math.ceil(measured.start_s), end_s=math.floor(measured.end_s))
        return Question(window=window, run_id=None)
    quiet_s = record.asked.plan.quiet_s
    window = query_window(measured, quiet_s=quiet_s)
    return Question(
        window=window,
        run_id=record.run_id,
        quiet_s=quiet_within(measured, window, quiet_s=quiet_s),
    )


@dataclass(slots=True, kw_only=True)
class Asking:
    """Asks again, until a moment, while the source is throttled or not ready."""

    title: str
    until_s: float
    poll_s: float
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    say: Callable[[str], None]

    @classmethod
    def of(
        cls,
        source: Source,
        patience: Patience,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        say: Callable[[str], None],
    ) -> "Asking":
        """Of this source, from now on until patience ends."""
        until_s = clock() + patience.most_s
        return cls(
            title=source.title, until_s=until_s, poll_s=patience.poll_s, clock=clock, sleep=sleep, say=say
        )

    has_said: bool = False

    def until_answered(self, ask: Callable[[], T]) -> T:
        """What *ask* returns; the last ThrottledError or IncompleteError where the time is over."""
        while True:
            try:
                return ask()
            except (ThrottledError, IncompleteError) as error:
                left_s = self.until_s - self.clock()
                if left_s <= 0:
                    raise
                if not self.has_said:
                    self.say(f"{self.title} does not answer yet ({error}); asking for {left_s:.0f} s more")
                    self.has_said = True
                self.sleep(self.poll_s)


def _patience(found: Patience, *, is_live: bool) -> Patience:
    """Where no count of a generator says that all is there, it takes a while until it may be."""
    return replace(found, least_s=max(found.least_s, SETTLE_S)) if is_live else found


def _is_over(polls: Sequence[Poll], expected: int | None, patience: Patience, waited_s: float) -> bool:
    """Whether to ask no more: the counts are final, or do not move any more, or there has been time enough.

    Counts that show nothing at all yet are given all the time there is.
    """
    if waited_s >= patience.most_s:
        return True
    if waited_s < patience.least_s or not _is_stable(polls):
        return False
    if expected is None:
        return polls[-1].calls > 0
    if polls[-1].requests == expected:
        return True
    return polls[-1].requests > 0 and polls[-1].at_s - _last_move_s(polls) >= patience.still_s


def _is_stable(polls: Sequence[Poll]) -> bool:
    return len(polls) > 1 and _same(polls[-1], polls[-2])


def _last_move_s(polls: Sequence[Poll]) -> float:
    """When the counts first were as they are now."""
    still = takewhile(lambda one: _same(one, polls[-1]), reversed(polls))
    return min(one.at_s for one in still)


def _nothing_shown(
    record: RunRecord, source: Source, counts: Counts, load: LoadSeen, waited_s: float
) -> InvalidRunError:
    if counts.members_only:
        return InvalidRunError(
            f"collecting run {record.run_id}: {source.title} counted no {counts.unit.value} in the window of "
            f"its {load.requests} requests after {waited_s:.0f} s; does it scrape the pods under study, and "
            "is the profile that of what they run?"
        )
    return InvalidRunError(
        f"collecting run {record.run_id}: {source.title} shows none of its {load.requests} requests "
        f"after {waited_s:.0f} s; do the workers reach the collector, and the collector {source.title}?"
    )


def _facts(record: RunRecord, load: LoadSeen, topology: Sequence[Snapshot], timeline: Timeline) -> Facts:
    """Totals are all that polling looks at; without a topology the names of the cluster can wait."""
    if topology:
        return facts_of(record, topology, timeline)
    generators = frozenset(worker.worker for worker in load.workers)
    return Facts(generators=generators, goes_on=record.asked.is_live)


def _needs(counts: Counts, timeline: Timeline, facts: Facts) -> Needs:
    """A sample is enough where nobody knows the pods, and where there are no traces to say more."""
    if not facts.pods or counts.members_only:
        return Needs(every=False, others=False, why="")
    return needs(counts, timeline, facts)


def _traces(
    source: Source, question: Question, patience: Patience, needed: Needs, say: Callable[[str], None]
) -> Drawn:
    if not needed.every or not patience.most_traces:
        return source.sample(question, patience.traces)
    price = f" ({patience.price})" if patience.price else ""
    say(f"{needed.why}; reading every trace of the run, up to {patience.most_traces}{price}")
    found = source.sample(question, patience.most_traces)
    if needed.others:
        theirs = source.sample(replace(question, others=True), patience.traces)
        found = Drawn(rows=found.rows + theirs.rows, left_out=found.left_out + theirs.left_out)
    return found


def query_window(measured: Window, *, quiet_s: float) -> Window:
    """The window in whole seconds, as X-Ray keeps times; cut inside the quiet time if that is long enough."""
    if quiet_s < 1:
        return measured
    return Window(start_s=math.ceil(measured.start_s), end_s=math.floor(measured.end_s))


def quiet_within(measured: Window, asked: Window, *, quiet_s: float) -> float:
    """How much of the quiet time on each side is left in the window that is asked for."""
    cut_s = max(asked.start_s - measured.start_s, measured.end_s - asked.end_s)
    return max(0.0, quiet_s - cut_s)


def _poll(counts: Counts, own: Reckoned, at_s: float) -> Poll:
    return Poll(at_s=at_s, calls=Calls.of(counts.calls).total, requests=own.seen)


def _same(left: Poll, right: Poll) -> bool:
    return (left.calls, left.requests) == (right.calls, right.requests)
