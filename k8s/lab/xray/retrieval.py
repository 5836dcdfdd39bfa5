"""Traces out of Transaction Search's log group: StartTraceRetrieval and what follows. Source: service model.

It finds traces that began to arrive while Transaction Search was on. With Transaction Search off there is
no log group, which is answered (our reading) with ResourceNotFoundException.
"""

import random
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final

from k8s.lab.xray.api_errors import XrayError, invalid_request
from k8s.lab.xray.arguments import any_window, string, trace_keys
from k8s.lab.xray.behaviour import Clock, Settings
from k8s.lab.xray.destination import LOGS, Destination, Operations
from k8s.lab.xray.paging import Cursor, PageBook, query_of
from k8s.lab.xray.trace_store import BY_ID, TraceStore
from k8s.lab.xray.written import segments_as_text

MOST_IDS: Final = 100
_LIFE_S: Final = 3600.0
_MOST_KEPT: Final = 1_000
_TRACES_A_PAGE: Final = 5
_SPANS_AN_ENTRY: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Retrieval:
    keys: tuple[bytes, ...]
    started_s: float
    cancelled: bool = False


class Retrievals:
    """The retrievals of the last hour."""

    def __init__(
        self, settings: Settings, clock: Clock, store: TraceStore, pages: PageBook, destination: Destination
    ) -> None:
        """Begin with none."""
        self._settings = settings
        self._clock = clock
        self._store = store
        self._pages = pages
        self._destination = destination
        self._random = random.Random(settings.seed)  # noqa: S311  # unguessable tokens are not needed on loopback
        self._kept: OrderedDict[str, _Retrieval] = OrderedDict()

    def operations(self) -> Operations:
        """The API's operations."""
        return {
            "/StartTraceRetrieval": self._start,
            "/ListRetrievedTraces": self._list,
            "/CancelTraceRetrieval": self._cancel,
        }

    def found(self, body: Mapping[str, Any]) -> tuple[str, Sequence[bytes]]:
        """The status of the retrieval that a request names, and, once COMPLETE, its traces."""
        retrieval = self._retrieval(body)
        age_s = self._clock() - retrieval.started_s
        if retrieval.cancelled:
            return "CANCELLED", ()
        if age_s < self._settings.retrieval_s:
            return "RUNNING", ()
        return ("COMPLETE", retrieval.keys) if age_s < _LIFE_S else ("TIMEOUT", ())

    def _start(self, body: Mapping[str, Any]) -> dict[str, Any]:
        keys = trace_keys(body, most=MOST_IDS)
        window = any_window(body)
        if self._destination.in_force != LOGS:
            raise _not_found("The log group aws/spans does not exist: Transaction Search is not enabled")
        keys = [
            key
            for key in keys
            if not self._store.route(key, default=BY_ID) & BY_ID
            and self._store.is_within(key, window.start_s, window.end_s)
        ]
        token = f"{self._random.getrandbits(256):064x}"
        self._kept[token] = _Retrieval(keys=tuple(keys), started_s=self._clock())
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return {"RetrievalToken": token}

    def _list(self, body: Mapping[str, Any]) -> dict[str, Any]:
        if string(body, "TraceFormat") not in {None, "XRAY"}:
            raise invalid_request("The stand-in knows the TraceFormat XRAY only")
        status, keys = self.found(body)
        cursor = self._pages.resume("ListRetrievedTraces", body)
        if cursor is None:
            entries = [entry for key in keys for entry in self._entries(key)]
            cursor = Cursor(query=query_of("ListRetrievedTraces", body), items=entries)
        end = cursor.place + _TRACES_A_PAGE
        answer = {
            "RetrievalStatus": status,
            "TraceFormat": "XRAY",
            "Traces": list(cursor.items[cursor.place : end]),
        }
        token = self._pages.token(cursor, end)
        return answer if token is None else {**answer, "NextToken": token}

    def _entries(self, key: bytes) -> list[dict[str, Any]]:
        """The trace, in as many entries as its spans need."""
        trace = self._store.trace(key)
        if trace is None:
            return []
        spans = segments_as_text(trace)
        return [
            {
                "Id": trace.id,
                "Duration": round(trace.end_s - trace.start_s, 3),
                "Spans": spans[start : start + _SPANS_AN_ENTRY],
            }
            for start in range(0, len(spans), _SPANS_AN_ENTRY)
        ]

    def _cancel(self, body: Mapping[str, Any]) -> dict[str, Any]:
        retrieval = self._retrieval(body)
        self._kept[string(body, "RetrievalToken") or ""] = replace(retrieval, cancelled=True)
        return {}

    def _retrieval(self, body: Mapping[str, Any]) -> _Retrieval:
        retrieval = self._kept.get(string(body, "RetrievalToken") or "")
        if retrieval is None:
            raise _not_found("The RetrievalToken is not known")
        return retrieval


def _not_found(message: str) -> XrayError:
    return XrayError("ResourceNotFoundException", message, HTTPStatus.NOT_FOUND)
