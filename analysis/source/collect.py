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

from analysis.placement import Timeline
from analysis.source.facts import Facts, facts_of
from analysis.source.interface import (
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
from analysis.source.registry import DEFAULT
from k8s.errors import InvalidRunError, UsageError
from k8s.topology import Snapshot
from loadtest.record import LoadSeen, RunRecord, Window

SCHEMA: Final = 1
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One answer."""

    at_s: float
    calls: int
    """Sum over all calls between pods."""
    requests: int
    """Requests of the load generator's workers as the source counts them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphFile:
    """``graph.json``."""

    schema: int = SCHEMA
    source: str = DEFAULT
    """Whose answers these are; the key of their reader."""
    window: Window
    """The window asked for."""
    queries: tuple[tuple[dict[str, Any], ...], ...]
    """Pages of each query, as received."""
    polls: tuple[Poll, ...]
    stable: bool
    reconciled: bool
    sampled: int | None = None
    """Rows of the sample; None in older files."""


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
    on_poll: Callable[[Poll, int], None] = lambda *_: None,
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
    patience = patience or source.patience
    began_s = clock()
    asking = _Asking.of(source, patience, clock=clock, sleep=sleep, say=say)
    asking.until_answered(source.preflight)
    window = query_window(record.measured, quiet_s=record.asked.plan.quiet_s)
    question = Question(window=window, run_id=record.run_id)
    timeline = Timeline(topology)
    facts = _facts(record, load, topology, timeline)
    polls: list[Poll] = []
    while True:
        answers = asking.until_answered(lambda: source.ask(question))
        counts = source.reader.read(Received(answers=answers), facts)
        polls.append(_poll(counts, facts, clock()))
        expected = _expected(counts.unit, load)
        on_poll(polls[-1], load.requests if expected is None else expected)
        waited_s = polls[-1].at_s - began_s
        if _is_over(polls, expected, patience, waited_s):
            break
        sleep(patience.poll_s)
    if not polls[-1].requests:
        raise _nothing_shown(record, source, load, waited_s)
    needed = _needs(counts, timeline, facts)
    drawn = asking.until_answered(lambda: _traces(source, question, patience, needed, say))
    return Collected(
        graph=GraphFile(
            source=source.name,
            window=window,
            queries=tuple(tuple(dict(page) for page in query) for query in answers),
            polls=tuple(polls),
            stable=_is_stable(polls),
            reconciled=expected is not None and abs(polls[-1].requests - expected) <= load.untold,
            sampled=len(drawn.rows),
        ),
        traces=drawn.rows,
        left_out=drawn.left_out,
    )


@dataclass(slots=True, kw_only=True)
class _Asking:
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
    ) -> "_Asking":
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


def _is_over(polls: Sequence[Poll], expected: int | None, patience: Patience, waited_s: float) -> bool:
    """Whether to ask no more: the counts are final, or do not move any more, or there has been time enough.

    Counts that show nothing at all yet are given all the time there is.
    """
    if waited_s >= patience.most_s:
        return True
    if waited_s < patience.least_s or not _is_stable(polls):
        return False
    if expected is None or polls[-1].requests == expected:
        return True
    return polls[-1].requests > 0 and polls[-1].at_s - _last_move_s(polls) >= patience.still_s


def _is_stable(polls: Sequence[Poll]) -> bool:
    return len(polls) > 1 and _same(polls[-1], polls[-2])


def _last_move_s(polls: Sequence[Poll]) -> float:
    """When the counts first were as they are now."""
    still = takewhile(lambda one: _same(one, polls[-1]), reversed(polls))
    return min(one.at_s for one in still)


def _nothing_shown(record: RunRecord, source: Source, load: LoadSeen, waited_s: float) -> InvalidRunError:
    return InvalidRunError(
        f"collecting run {record.run_id}: {source.title} shows none of its {load.requests} requests "
        f"after {waited_s:.0f} s; do the workers reach the collector, and the collector {source.title}?"
    )


def _facts(record: RunRecord, load: LoadSeen, topology: Sequence[Snapshot], timeline: Timeline) -> Facts:
    """Totals are all that polling looks at; without a topology the names of the cluster can wait."""
    if topology:
        return facts_of(record, topology, timeline)
    return Facts(generators=frozenset(worker.worker for worker in load.workers))


def _needs(counts: Counts, timeline: Timeline, facts: Facts) -> Needs:
    """A sample is enough where nobody knows the pods."""
    if not facts.pods:
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


def _expected(unit: CountUnit, load: LoadSeen) -> int | None:
    """The generator's own count of what the source counts; None where it keeps none."""
    if unit is CountUnit.REQUESTS:
        return load.requests
    if unit is CountUnit.CONNECTIONS:
        return sum(worker.connections for worker in load.workers)
    return None


def _poll(counts: Counts, facts: Facts, at_s: float) -> Poll:
    return Poll(
        at_s=at_s,
        calls=sum(call.count for call in counts.calls),
        requests=counts.entered(facts.generators),
    )


def _same(left: Poll, right: Poll) -> bool:
    return (left.calls, left.requests) == (right.calls, right.requests)
