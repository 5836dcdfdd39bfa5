"""Counts what one worker did since the last start of the swarm."""

from collections import Counter

from loadtest.worker.latency import bucket, histogram
from loadtest.worker.tally import PageTally, WorkerTally

_MOST_ERRORS = 20
_MOST_DISTINCT_ERRORS = 200
_MOST_PAGES = 500
OTHER_PAGES = "other pages"


class LoadCounter:
    """Mutable counters, frozen into a WorkerTally on demand; one greenlet at a time, so no locks."""

    def __init__(self) -> None:
        self.requests = 0
        self.failures = 0
        self.connections = 0
        self.redirects = 0
        self.untraced = 0
        self.lean = 0
        self.in_flight = 0
        self.cpu_percent_max = 0.0
        self.first_s = 0.0
        self.last_s = 0.0
        self._pages: Counter[str] = Counter()
        self._failed_pages: Counter[str] = Counter()
        self._latency: Counter[int] = Counter()
        self._latency_intended: Counter[int] = Counter()
        self._lateness: Counter[int] = Counter()
        self._errors: Counter[str] = Counter()

    def begin(self, *, late_ms: float | None, at_s: float) -> None:
        """A request starts *late_ms* after it was due, at *at_s* seconds since the epoch.

        None for one that nobody scheduled.
        """
        self.in_flight += 1
        if late_ms is not None:
            self._lateness[bucket(late_ms)] += 1
        if not self.first_s:
            self.first_s = at_s
        self.last_s = at_s

    def succeed(self, page: str, *, latency_ms: float, late_ms: float) -> None:
        """A request ended well."""
        self._end(page)
        self._latency[bucket(latency_ms)] += 1
        self._latency_intended[bucket(latency_ms + late_ms)] += 1

    def fail(self, page: str, reason: str) -> None:
        """A request failed; *reason* is short and holds no address."""
        self._end(page)
        self.failures += 1
        self._failed_pages[page] += 1
        if reason in self._errors or len(self._errors) < _MOST_DISTINCT_ERRORS:
            self._errors[reason] += 1
        else:
            self._errors["other errors"] += 1

    def page(self, name: str) -> str:
        """*name*, or what stands for the rest once there are too many: a path with an id in it is no page."""
        return name if name in self._pages or len(self._pages) < _MOST_PAGES else OTHER_PAGES

    def _end(self, page: str) -> None:
        self.in_flight -= 1
        self.requests += 1
        self._pages[page] += 1

    def tally(
        self, *, worker: str, zone: str, node: str, spans: tuple[int, int, int, int] = (0, 0, 0, 0)
    ) -> WorkerTally:
        """What was counted so far; *spans* are those made, delivered, dropped and posted again."""
        made, delivered, dropped, again = spans
        return WorkerTally(
            worker=worker,
            zone=zone,
            node=node,
            requests=self.requests,
            failures=self.failures,
            connections=self.connections,
            redirects=self.redirects,
            untraced=self.untraced,
            lean=self.lean,
            in_flight=self.in_flight,
            pages=tuple(
                PageTally(page=page, requests=count, failures=self._failed_pages[page])
                for page, count in sorted(self._pages.items())
            ),
            latency=histogram(self._latency.items()),
            latency_intended=histogram(self._latency_intended.items()),
            lateness=histogram(self._lateness.items()),
            spans_made=made,
            spans_delivered=delivered,
            spans_dropped=dropped,
            spans_again=again,
            cpu_percent_max=self.cpu_percent_max,
            first_s=self.first_s,
            last_s=self.last_s,
            errors=tuple(self._errors.most_common(_MOST_ERRORS)),
        )
