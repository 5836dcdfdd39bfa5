"""What becomes of a query: scheduled, running, ended; what may be seen of its rows meanwhile.

The rows are worked out at once, in a thread, one query after the other; how long a query seems to take and
how it ends is what the behaviour says on top of that.
"""

import random
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from k8s.errors import SamezoneError
from k8s.lab.logs.logs_errors import invalid_parameter, no_such_query, too_many_queries

SCHEDULED: Final = "Scheduled"
RUNNING: Final = "Running"
COMPLETE: Final = "Complete"
FAILED: Final = "Failed"
CANCELLED: Final = "Cancelled"
MOST_KEPT: Final = 1_000
LIFE_S: Final = 7 * 86_400.0
"""AWS keeps results for seven days (CloudWatch Logs quotas)."""


class QueryFailedError(SamezoneError):
    """The engine could not run a query to its end."""


class QueryBehaviour(Protocol):
    """How queries go."""

    logs_scheduled_s: float
    """How long a query is Scheduled, at least."""
    logs_running_s: float
    """How long it is Running after that, at least."""
    logs_partial: float
    """The share of its rows that is there while it is Running."""

    @property
    def logs_outcome(self) -> str:
        """The status in which it ends."""

    logs_most_queries: int
    """How many may be Scheduled or Running at once."""


class Answered(Protocol):
    """What a query found."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Their names."""

    @property
    def rows(self) -> tuple[tuple[Any, ...], ...]:
        """As many values each."""

    @property
    def records(self) -> int:
        """Records scanned."""

    @property
    def bytes_scanned(self) -> int:
        """Of them."""


class Work(Protocol):
    """A query that is ready to run."""

    def run(self, start_s: float, end_s: float, most: int) -> Answered:
        """Over the records of [start, end]."""

    def stop(self) -> None:
        """End it, in whatever thread it runs."""


@dataclass(slots=True, kw_only=True)
class RunningQuery:
    """One query."""

    id: str
    text: str
    group: str
    start_s: float
    end_s: float
    most: int
    created_s: float
    work: Work
    found: Answered | None = None
    problem: str = ""
    """Why the engine failed; AWS does not tell."""
    stopped: bool = False
    ended: threading.Event = field(default_factory=threading.Event)


class RunningQueries:
    """The queries of the account."""

    def __init__(self, behaviour: QueryBehaviour, clock: Callable[[], float], seed: int) -> None:
        """*seed* of the ids."""
        self._behaviour = behaviour
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311 - ids are no secrets on loopback
        self._kept: OrderedDict[str, RunningQuery] = OrderedDict()
        self._turn = threading.Lock()

    def start(
        self, work: Work, *, text: str, group: str, start_s: float, end_s: float, most: int
    ) -> RunningQuery:
        """Begin; LimitExceededException where too many run."""
        most_queries = self._behaviour.logs_most_queries
        if sum(self.status(one) in {SCHEDULED, RUNNING} for one in self._kept.values()) >= most_queries:
            raise too_many_queries(most_queries)
        query = RunningQuery(
            id=str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            text=text,
            group=group,
            start_s=start_s,
            end_s=end_s,
            most=most,
            created_s=self._clock(),
            work=work,
        )
        self._kept[query.id] = query
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        threading.Thread(target=self._run, args=(query,), daemon=True, name="logs-query").start()
        return query

    def find(self, query_id: str) -> RunningQuery:
        """ResourceNotFoundException where it is not there."""
        query = self._kept.get(query_id)
        if query is None or self._clock() > query.created_s + LIFE_S:
            raise no_such_query(query_id)
        return query

    def newest_first(self) -> Iterator[RunningQuery]:
        """All of them."""
        return reversed(self._kept.values())

    def status(self, query: RunningQuery) -> str:
        """At this moment."""
        if query.stopped:
            return CANCELLED
        age_s = self._clock() - query.created_s
        if age_s < self._behaviour.logs_scheduled_s:
            return SCHEDULED
        if age_s < self._behaviour.logs_scheduled_s + self._behaviour.logs_running_s:
            return RUNNING
        if not query.ended.is_set():
            return RUNNING
        return FAILED if query.found is None else self._behaviour.logs_outcome

    def rows(self, query: RunningQuery) -> list[tuple[Any, ...]]:
        """What may be seen: some while it is Running, all once it is Complete."""
        status = self.status(query)
        if query.found is None or not query.ended.is_set() or status not in {RUNNING, COMPLETE}:
            return []
        rows = list(query.found.rows)
        return rows if status == COMPLETE else rows[: int(len(rows) * self._behaviour.logs_partial)]

    def stop(self, query: RunningQuery) -> None:
        """InvalidParameterException where it ended already."""
        if self.status(query) not in {SCHEDULED, RUNNING}:
            raise invalid_parameter(f"Query with ID {query.id} is not running: it is {self.status(query)}")
        query.stopped = True
        query.work.stop()

    def close(self) -> None:
        """Stop all, and wait until none reads the records any more."""
        for query in self._kept.values():
            if not query.ended.is_set():
                query.stopped = True
                query.work.stop()
        for query in self._kept.values():
            query.ended.wait()

    def _run(self, query: RunningQuery) -> None:
        try:
            with self._turn:
                if not query.stopped:
                    query.found = query.work.run(query.start_s, query.end_s, query.most)
        except QueryFailedError as error:
            query.problem = str(error)
        finally:
            query.ended.set()
