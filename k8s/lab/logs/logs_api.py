"""The operations of CloudWatch Logs Insights; answers as botocore's service model has them.

Its documentation says: with SQL the log group stands in the query itself, and only the Logs Insights query
language has pages; a SQL query gives up to 10,000 rows. ``sql_pages`` gives pages to SQL, too.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from k8s.lab.logs.logs_errors import (
    invalid_parameter,
    malformed_query,
    rate_exceeded,
    unknown_target,
)
from k8s.lab.logs.running_queries import QueryBehaviour, RunningQueries, RunningQuery, Work

TARGET: Final = "Logs_20140328."
"""What the header ``X-Amz-Target`` begins with."""
SPANS: Final = "aws/spans"
MOST_ROWS: Final = 10_000
"""Of a page, and of a SQL query."""
MOST_IN_ALL: Final = 100_000
LONGEST_QUERY: Final = 10_000
"""Characters."""
_MOST_DESCRIBED: Final = 1_000
_DESCRIBED: Final = 50
_LANGUAGES: Final = ("CWLI", "SQL", "PPL")
_STATUSES: Final = ("Scheduled", "Running", "Complete", "Failed", "Cancelled", "Timeout", "Unknown")
_MOST_S: Final = 1e10

LogsBody = Mapping[str, Any]
LogsAnswer = dict[str, Any]


class Log(Protocol):
    """What is queried."""

    def prepared(self, text: str) -> Work:
        """The query, ready to run over all there is now; LogsError for one that cannot."""

    def close(self) -> None:
        """Forget it."""


class LogsApi:
    """One account's CloudWatch Logs, with one log group."""

    def __init__(
        self,
        log: Log,
        behaviour: QueryBehaviour,
        clock: Callable[[], float],
        *,
        seed: int = 0,
        sql_pages: bool = False,
    ) -> None:
        """*sql_pages*: whether results of SQL come in pages, up to 100,000 rows."""
        self._log = log
        self._sql_pages = sql_pages
        self._queries = RunningQueries(behaviour, clock, seed)
        self._operations: dict[str, Callable[[LogsBody], LogsAnswer]] = {
            "StartQuery": self._start,
            "GetQueryResults": self._results,
            "StopQuery": self._stop,
            "DescribeQueries": self._describe,
        }

    def call(self, target: str, body: LogsBody, *, throttle: bool = False) -> LogsAnswer:
        """LogsAnswer one call; LogsError for anything but success."""
        operation = self._operations.get(target.removeprefix(TARGET))
        if operation is None:
            raise unknown_target(target)
        if throttle:
            raise rate_exceeded()
        return operation(body)

    def close(self) -> None:
        """End every query, forget the log."""
        self._queries.close()
        self._log.close()

    def _start(self, body: LogsBody) -> LogsAnswer:
        start_s, end_s = _moment(body, "startTime"), _moment(body, "endTime")
        text, most = _text(body, "queryString"), _number(body, "limit", MOST_ROWS, default=MOST_ROWS)
        if end_s < start_s:
            raise invalid_parameter("endTime must not be earlier than startTime")
        if len(text) > LONGEST_QUERY:
            raise invalid_parameter(f"queryString must have at most {LONGEST_QUERY} characters")
        language = body.get("queryLanguage", "CWLI")
        if language not in _LANGUAGES:
            raise invalid_parameter(f"queryLanguage must be one of {', '.join(_LANGUAGES)}")
        if language != "SQL":
            raise malformed_query(f"the stand-in knows queryLanguage SQL, not {language}")
        if any(body.get(one) for one in ("logGroupName", "logGroupNames", "logGroupIdentifiers")):
            raise invalid_parameter("with queryLanguage SQL the log groups are named in the query string")
        found = self._queries.start(
            self._log.prepared(text),
            text=text,
            group=SPANS,
            start_s=start_s,
            end_s=end_s,
            most=MOST_IN_ALL if self._sql_pages else most,
        )
        return {"queryId": found.id}

    def _results(self, body: LogsBody) -> LogsAnswer:
        query = self._queries.find(_text(body, "queryId"))
        size = _number(body, "maxItems", MOST_ROWS, default=MOST_ROWS)
        rows = self._queries.rows(query)
        place = _place(body, query, len(rows))
        columns = query.found.columns if query.found else ()
        shown = rows[place : place + size] if self._sql_pages else rows
        answer: LogsAnswer = {
            "queryLanguage": "SQL",
            "results": [_row(columns, row) for row in shown],
            "statistics": _statistics(query, len(rows)),
            "status": self._queries.status(query),
        }
        if self._sql_pages and place + size < len(rows):
            answer["nextToken"] = f"{query.id}:{place + size}"
        return answer

    def _stop(self, body: LogsBody) -> LogsAnswer:
        self._queries.stop(self._queries.find(_text(body, "queryId")))
        return {"success": True}

    def _describe(self, body: LogsBody) -> LogsAnswer:
        wanted, group = body.get("status"), body.get("logGroupName")
        if wanted is not None and wanted not in _STATUSES:
            raise invalid_parameter(f"status must be one of {', '.join(_STATUSES)}")
        size = _number(body, "maxResults", _MOST_DESCRIBED, default=_DESCRIBED)
        found = [
            self._described(one)
            for one in self._queries.newest_first()
            if wanted in (None, self._queries.status(one)) and group in (None, one.group)
        ]
        token = str(body.get("nextToken") or "0")
        if not token.isascii() or not token.isdecimal():
            raise invalid_parameter("The specified nextToken is invalid.")
        place = int(token)
        answer: LogsAnswer = {"queries": found[place : place + size]}
        return answer | ({"nextToken": str(place + size)} if place + size < len(found) else {})

    def _described(self, query: RunningQuery) -> LogsAnswer:
        return {
            "queryLanguage": "SQL",
            "queryId": query.id,
            "queryString": query.text,
            "status": self._queries.status(query),
            "createTime": int(query.created_s * 1000),
            "logGroupName": query.group,
            "bytesScanned": float(query.found.bytes_scanned if query.found else 0),
        }


def _statistics(query: RunningQuery, rows: int) -> dict[str, float]:
    found = query.found
    return {
        "recordsMatched": float(found.records if found else 0),
        "recordsScanned": float(found.records if found else 0),
        "bytesScanned": float(found.bytes_scanned if found else 0),
        "logGroupsScanned": 1.0,
        "resultCount": float(rows),
    }


def _row(columns: tuple[str, ...], row: tuple[Any, ...]) -> list[dict[str, str]]:
    """Every value as text; what is NULL is not there."""
    return [
        {"field": name, "value": str(value)}
        for name, value in zip(columns, row, strict=True)
        if value is not None
    ]


def _place(body: LogsBody, query: RunningQuery, rows: int) -> int:
    token = body.get("nextToken")
    if token is None:
        return 0
    query_id, _, place = str(token).rpartition(":")
    if query_id != query.id or not (place.isascii() and place.isdecimal()) or int(place) >= rows:
        raise invalid_parameter("The specified nextToken is invalid.")
    return int(place)


def _moment(body: LogsBody, key: str) -> float:
    """Seconds since the epoch."""
    value = body.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_S:
        raise invalid_parameter(f"{key} is required, in seconds since the epoch")
    return float(value)


def _number(body: LogsBody, key: str, most: int, *, default: int) -> int:
    value = body.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise invalid_parameter(f"{key} must be a number from 1 to {most}")
    return value


def _text(body: LogsBody, key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise invalid_parameter(f"{key} is required")
    return value
