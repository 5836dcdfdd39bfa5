"""Locust's own statistics of what the lean client sends, brought up to date in batches.

Locust's ``request`` event costs 3-5 us a request, as much as sending one does. So requests that went well are
put by, and every few hundred of them, or every second, the statistics get the sums: counts, times and lengths
are exact, and only the second that a request is counted in may be the next one. Failures are told at once,
and so is everything as soon as anybody but Locust listens to the event.
"""

import time
from collections import Counter, defaultdict
from typing import Any, Final

from locust.env import Environment
from locust.stats import bucket_response_time

_MOST: Final = 512
"""As many may wait; their sums take about 0.1 ms."""
_EXACT_MS: Final = 99.5
"""Below it Locust's buckets are whole milliseconds."""


class StatsBatch:
    """Requests that Locust's statistics do not have yet."""

    def __init__(self, environment: Environment) -> None:
        self._stats = environment.stats
        self._event: Any = environment.events.request
        self._waiting: defaultdict[tuple[str, str], list[tuple[float, int]]] = defaultdict(list)
        self._count = 0

    def ended(self, page: tuple[str, str], error: Exception | None, *, time_ms: float, length: int) -> None:
        """A request of *page*, a method and a name, ended after *time_ms* with *length* bytes of a body."""
        # A hook does not tell how many listen.
        if error is not None or len(self._event._handlers) != 1:  # noqa: SLF001
            self._event.fire(
                request_type=page[0],
                name=page[1],
                response_time=time_ms,
                response_length=length,
                exception=error,
                response=None,
                context={},
                start_time=time.time() - time_ms / 1000,
                url=page[1],
            )
            return
        self._waiting[page].append((time_ms, length))
        self._count += 1
        if self._count >= _MOST:
            self.flush()

    def flush(self) -> None:
        """Bring the statistics up to date."""
        now_s = time.time()
        for (method, name), done in self._waiting.items():
            if done:
                for entry in (self._stats.total, self._stats.entries[name, method]):
                    _add(entry, done, now_s)
                done.clear()
        self._count = 0


def _add(entry: Any, done: list[tuple[float, int]], now_s: float) -> None:
    """What ``StatsEntry.log`` does for one request, for many."""
    times_ms = [one[0] for one in done]
    least_ms, most_ms = min(times_ms), max(times_ms)
    entry.num_requests += len(done)
    entry.num_reqs_per_sec[int(now_s)] += len(done)
    entry.last_request_timestamp = now_s
    entry.total_content_length += sum(one[1] for one in done)
    entry.total_response_time += sum(times_ms)
    known_ms = entry.min_response_time
    entry.min_response_time = least_ms if known_ms is None else min(known_ms, least_ms)
    entry.max_response_time = max(entry.max_response_time, most_ms)
    rounded = round if most_ms < _EXACT_MS else bucket_response_time
    for rounded_ms, count in Counter(map(rounded, times_ms)).items():
        entry.response_times[rounded_ms] += count
