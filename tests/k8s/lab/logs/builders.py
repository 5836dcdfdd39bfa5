"""Records of a log group of spans, and a log of them without a stand-in around it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from k8s.lab.logs.logs_api import SPANS, LogsApi
from k8s.lab.logs.logs_errors import no_such_group
from k8s.lab.logs.running_queries import Work
from k8s.lab.logs.span_table import SpanTable
from k8s.lab.logs.sql_subset import translate

T0 = 1_795_376_700
"""When everything begins, in seconds since the epoch."""


def record(
    number: int, *, kind: str = "SERVER", parent: int = 0, pod: str = "ui-1", **attributes: Any
) -> dict:
    """A span of a millisecond; in attribute names a double underscore stands for a dot."""
    start_ns = T0 * 1_000_000_000
    return {
        "@timestamp": T0 * 1000,
        "traceId": f"{1:032x}",
        "spanId": f"{number:016x}",
        **({"parentSpanId": f"{parent:016x}"} if parent else {}),
        "kind": kind,
        "name": "GET",
        "startTimeUnixNano": start_ns,
        "endTimeUnixNano": start_ns + 1_000_000,
        "durationNano": 1_000_000,
        "status": {"code": "UNSET"},
        "attributes": {key.replace("__", "."): value for key, value in attributes.items()},
        "resource": {"attributes": {"k8s.pod.name": pod, "service.name": pod.partition("-")[0]}},
    }


@dataclass
class Knobs:
    """Implements QueryBehaviour."""

    logs_scheduled_s: float = 0.0
    logs_running_s: float = 0.0
    logs_partial: float = 0.5
    logs_outcome: str = "Complete"
    logs_most_queries: int = 100


@dataclass
class Clock:
    """Stands still until it is moved."""

    now_s: float = float(T0)

    def __call__(self) -> float:
        return self.now_s


@dataclass
class PlainLog:
    """Implements Log over a table."""

    table: SpanTable = field(default_factory=SpanTable)

    def prepared(self, text: str) -> Work:
        query = translate(text)
        for group in query.groups:
            if group != SPANS:
                raise no_such_group(group, "000000000000")
        return self.table.prepared(query)

    def close(self) -> None:
        self.table.close()


@dataclass
class World:
    """A log with what turns it."""

    knobs: Knobs = field(default_factory=Knobs)
    clock: Clock = field(default_factory=Clock)
    log: PlainLog = field(default_factory=PlainLog)
    sql_pages: bool = False
    api: LogsApi = field(init=False)

    def __post_init__(self) -> None:
        self.api = LogsApi(self.log, self.knobs, self.clock, sql_pages=self.sql_pages)

    def add(self, *records: dict) -> None:
        self.log.table.add(records)

    def start(self, text: str, **more: Any) -> str:
        """StartQuery over an hour; returns the id."""
        body = {"startTime": T0 - 60, "endTime": T0 + 3600, "queryString": text, "queryLanguage": "SQL"}
        return str(self.api.call("Logs_20140328.StartQuery", body | more)["queryId"])

    def results(self, query_id: str, **more: Any) -> dict[str, Any]:
        """GetQueryResults, once the engine is done."""
        self.api._queries.find(query_id).ended.wait(60)
        return self.api.call("Logs_20140328.GetQueryResults", {"queryId": query_id, **more})

    def rows(self, text: str) -> list[dict[str, str]]:
        return rows_of(self.results(self.start(text))["results"])


def rows_of(results: Iterable[list[dict[str, str]]]) -> list[dict[str, str]]:
    """Field to value."""
    return [{one["field"]: one["value"] for one in row} for row in results]
