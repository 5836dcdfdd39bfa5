"""CloudWatch Logs Insights: one query from its start to its last row.

A query that is Running has part of its rows: those are never taken. What is not to be waited for any longer
is stopped, because an account has a limit of queries that run at once.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from analysis.source.aws.aws_client import AwsClient
from analysis.source.interface import IncompleteError, Raw, RefusedError, ThrottledError
from analysis.source.spans.span_queries import GROUP, LANGUAGE, MOST_ROWS, records
from k8s.errors import InvalidRunError, UnreachableError

POLL_S: Final = 1.0
STAND_IN_POLL_S: Final = 0.05
MOST_WAIT_S: Final = 900.0
"""A query over a run's window takes seconds; AWS itself gives up after 60 minutes."""
POLICY: Final = "analysis_policy_arn"
"""Terraform's output that names the policy for what the analysis reads."""
_BUSY: Final = {
    "LimitExceededException": "too many queries run at once in this account; end some, or wait a minute"
}
_HOLDS: Final = {
    "start_query": "queryId",
    "get_query_results": "status",
    "stop_query": "success",
}
_UNDER_WAY: Final = frozenset({"Scheduled", "Running", "Unknown"})


class LogsInsights:
    """Runs queries; every method raises UnreachableError where CloudWatch Logs refuses or is away."""

    def __init__(
        self,
        *,
        region: str | None,
        endpoint_url: str | None,
        dummy_credentials: bool = False,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        most_wait_s: float = MOST_WAIT_S,
    ) -> None:
        """*dummy_credentials*: the lab checks no signature; a query is given up after *most_wait_s*."""
        self._client = AwsClient(
            "logs",
            title="CloudWatch Logs",
            region=region,
            endpoint_url=endpoint_url,
            dummy_credentials=dummy_credentials,
            holds=_HOLDS,
            policy=POLICY,
            busy=_BUSY,
        )
        self.is_stand_in = self._client.is_stand_in
        """Not AWS itself: it shows what it was told at once."""
        self._clock, self._sleep, self._most_wait_s = clock, sleep, most_wait_s

    def check(self) -> None:
        """Ask for the last second, which costs next to nothing: InvalidRunError where there are no spans."""
        now_s = int(self._clock())
        self.query(records(), max(0, now_s - 1), now_s)

    def query(self, text: str, start_s: int, end_s: int) -> tuple[Raw, ...]:
        """All pages of a query over the records from *start_s* to *end_s*, seconds since the epoch.

        ThrottledError and IncompleteError where asking again later may help; InvalidRunError where the log
        group is not there.
        """
        try:
            started = self._client.call(
                "start_query",
                queryLanguage=LANGUAGE,
                startTime=start_s,
                endTime=end_s,
                queryString=text,
                limit=MOST_ROWS,
            )
        except RefusedError as error:
            if "ResourceNotFoundException" in str(error):
                raise self._no_group() from error
            raise
        query_id = str(started["queryId"])
        asked = {"queryString": text, "queryId": query_id, "startTime": start_s, "endTime": end_s}
        try:
            pages = self._pages(query_id)
        except RefusedError:
            raise
        except BaseException:
            self._stop(query_id)
            raise
        return tuple({**asked, **page} for page in pages)

    def _pages(self, query_id: str) -> list[Raw]:
        """Its pages, once it is complete."""
        until_s = self._clock() + self._most_wait_s
        while True:
            first = self._results(query_id, until_s)
            status = str(first["status"])
            if status == "Complete":
                break
            if status not in _UNDER_WAY:
                raise self._ended(query_id, status)
            if self._clock() >= until_s:
                raise IncompleteError(
                    f"waiting for query {query_id} of {self._client.where}: it is {status} after "
                    f"{self._most_wait_s:.0f} s and was stopped; ask again later, or for a shorter window"
                )
            self._sleep(STAND_IN_POLL_S if self.is_stand_in else POLL_S)
        pages = [first]
        while token := pages[-1].get("nextToken"):
            if token in {page.get("nextToken") for page in pages[:-1]}:
                raise IncompleteError(
                    f"reading query {query_id} of {self._client.where}: its pages have no end; ask again"
                )
            pages.append(self._results(query_id, until_s, nextToken=token))
        return pages

    def _results(self, query_id: str, until_s: float, **more: Any) -> Raw:
        """One look; a throttle is waited for, since the query goes on meanwhile."""
        while True:
            try:
                answer = self._client.call("get_query_results", queryId=query_id, **more)
            except ThrottledError:
                if self._clock() >= until_s:
                    raise
                self._sleep(POLL_S)
                continue
            answer.pop("ResponseMetadata", None)
            return answer

    def _stop(self, query_id: str) -> None:
        """Best effort: whatever ended the waiting is what counts."""
        try:
            self._client.call("stop_query", queryId=query_id)
        except UnreachableError:
            return

    def _ended(self, query_id: str, status: str) -> UnreachableError:
        where = f"running query {query_id} of {self._client.where}: it ended as {status}"
        if status == "Timeout":
            return RefusedError(f"{where}, which AWS does after 60 minutes; measure a shorter window")
        if status == "Cancelled":
            return IncompleteError(f"{where}: somebody stopped it; ask again")
        return IncompleteError(f"{where}, without a reason; ask again later")

    def _no_group(self) -> InvalidRunError:
        return InvalidRunError(
            f"asking {self._client.where} for the spans: there is no log group {GROUP}, Transaction Search "
            "is off; count by the X-Ray graph instead (--source xray), or turn it on: "
            "aws xray update-trace-segment-destination --destination CloudWatchLogs"
        )
