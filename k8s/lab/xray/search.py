"""GetTraceSummaries: which traces, newest first, and how far one page looks."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from k8s.lab.xray.api_errors import invalid_request
from k8s.lab.xray.arguments import SUMMARY_HOURS, Window, string, window_of
from k8s.lab.xray.behaviour import Settings
from k8s.lab.xray.filters import Expression, parse
from k8s.lab.xray.groups import Groups
from k8s.lab.xray.matching import Matcher
from k8s.lab.xray.paging import Cursor, PageBook, query_of
from k8s.lab.xray.summaries import summary_of
from k8s.lab.xray.trace_store import TraceStore

_OPERATION: Final = "GetTraceSummaries"
_DEFAULT_SAMPLE: Final = 0.1
_MOST_DOCUMENTS: Final = 10_000
"""How many documents one page looks at: half a second of work."""
_TIME_BYTES: Final = 4
"""How much of a trace id is its time, in seconds since the epoch."""
_CRC_RANGE: Final = 2**32


class Search:
    """Looks for traces."""

    def __init__(self, store: TraceStore, groups: Groups, pages: PageBook, settings: Settings) -> None:
        """Search in a store."""
        self._store = store
        self._groups = groups
        self._pages = pages
        self._settings = settings

    def page(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one GetTraceSummaries call; the store must be settled."""
        window = window_of(body, SUMMARY_HOURS)
        by = string(body, "TimeRangeType") or "TraceId"
        text = (string(body, "FilterExpression") or "").strip()
        expression = parse(text) if text else None
        cursor = self._pages.resume(_OPERATION, body)
        if cursor is None:
            found = self._within(window, by)
            sampled = [entry for entry in found if _is_sampled(entry[0], _share(body))]
            cursor = Cursor(query=query_of(_OPERATION, body), items=sampled)
        summaries: list[dict[str, Any]] = []
        place = cursor.place
        last = min(len(cursor.items), cursor.place + self._settings.summary_page_scan)
        looked_at = 0
        while (
            place < last and len(summaries) < self._settings.summary_page_size and looked_at < _MOST_DOCUMENTS
        ):
            key, moment_s = cursor.items[place]
            place += 1
            looked_at += self._store.size(key)
            summary = self._summary(key, expression)
            if summary is not None:
                summaries.append({**summary, "MatchedEventTime": moment_s} if by == "Event" else summary)
        answer = {
            "TraceSummaries": summaries,
            "ApproximateTime": cursor.items[place - 1][1] if place else window.end_s,
            "TracesProcessedCount": place - cursor.place,
        }
        token = self._pages.token(cursor, place)
        return answer if token is None else {**answer, "NextToken": token}

    def _within(self, window: Window, by: str) -> Sequence[tuple[bytes, float]]:
        """Traces with their moments, newest first."""
        if by not in {"TraceId", "Event", "Service"}:
            raise invalid_request(f"TimeRangeType {by} is none of TraceId, Event, Service")
        found: list[tuple[bytes, float]] = []
        for key, start_s, end_s in self._store.extents():
            # Event: traces that were active in the window, whenever they began.
            first_s = last_s = end_s
            if by == "TraceId":
                # The time in the id: meaningless where ids are drawn at random, as with X-Ray itself.
                first_s = last_s = float(int.from_bytes(key[:_TIME_BYTES]))
            elif by == "Event":
                first_s = start_s
            if first_s < window.end_s and last_s >= window.start_s:
                found.append((key, last_s))
        return sorted(found, key=lambda entry: (entry[1], entry[0]), reverse=True)

    def _summary(self, key: bytes, expression: Expression | None) -> dict[str, Any] | None:
        trace = self._store.trace(key)
        if trace is None:
            return None
        if expression is not None:
            names = self._groups.names(self._store.groups(key))
            if not Matcher(trace, names).fits(expression):
                return None
        return summary_of(trace, revision=self._store.revision(key), accounts=self._settings.accounts)


def _share(body: Mapping[str, Any]) -> float:
    """The share of traces to look at: all, unless Sampling or a SamplingStrategy asks for less."""
    strategy = body.get("SamplingStrategy")
    if isinstance(strategy, dict) and isinstance(strategy.get("Value"), int | float):
        return float(strategy["Value"])
    return _DEFAULT_SAMPLE if body.get("Sampling") is True else 1.0


def _is_sampled(key: bytes, share: float) -> bool:
    return share >= 1 or zlib.crc32(key) < share * _CRC_RANGE
