"""One query to its end, and each way in which it may not get there: one clear line, nothing left running."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from analysis.source.interface import IncompleteError, RefusedError, ThrottledError
from analysis.source.spans import span_queries
from analysis.source.spans.logs_insights import LogsInsights
from analysis.source.spans.span_counts import rows_of
from k8s.errors import InvalidRunError, UnreachableError
from tests.analysis.source.spans.conftest import Place
from tests.k8s.lab.xray.builders import T0

TEXT = "SELECT kind, COUNT(*) AS n FROM `aws/spans` GROUP BY kind ORDER BY kind"
SOON = {"sleep": time.sleep, "clock": time.time}


def asked(logs: LogsInsights, text: str = TEXT) -> list[dict[str, Any]]:
    """The rows."""
    return [dict(row) for row in rows_of(logs.query(text, T0 - 60, T0 + 60))]


def test_a_query_is_waited_for(place: Place) -> None:
    """Scheduled, Running with part of its rows, then all of them: the parts are never taken."""
    place.turn(logs_scheduled_s=0.3, logs_running_s=0.3)
    assert asked(place.logs(**SOON)) == [
        {"kind": "CLIENT", "n": "3"},
        {"kind": "INTERNAL", "n": "1"},
        {"kind": "SERVER", "n": "3"},
    ]


def test_pages_are_read_to_the_end(started_with: Callable[[str], Place]) -> None:
    """Where the engine gives pages; each keeps what was asked."""
    place = started_with('{"logs_sql_pages": true}')
    call = place.logs()._client.call

    def small(operation: str, **arguments: Any) -> dict[str, Any]:
        return call(operation, **arguments, **({"maxItems": 2} if operation == "get_query_results" else {}))

    logs = place.logs(**SOON)
    logs._client.call = small  # type: ignore[method-assign] - smaller pages than 10,000 rows
    pages = logs.query(TEXT, T0 - 60, T0 + 60)
    assert [len(page["results"]) for page in pages] == [2, 1]
    assert {page["queryString"] for page in pages} == {TEXT}


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        ("Failed", IncompleteError, "it ended as Failed, without a reason; ask again later"),
        ("Cancelled", IncompleteError, "it ended as Cancelled: somebody stopped it; ask again"),
        ("Timeout", RefusedError, "it ended as Timeout, which AWS does after 60 minutes; measure a shorter"),
    ],
)
def test_a_query_that_ends_otherwise(
    place: Place, status: str, error: type[UnreachableError], message: str
) -> None:
    """Whether asking again may help; never a row of it."""
    place.turn(logs_outcome=status)
    with pytest.raises(error, match=message) as caught:
        asked(place.logs(**SOON))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("status", ["Complete", "Unknown"])
def test_a_query_that_takes_too_long_is_stopped(place: Place, status: str) -> None:
    """So that it does not hold one of the account's places; asking again may help."""
    place.turn(logs_running_s=3_000.0 if status == "Complete" else 0.0, logs_outcome=status)
    with pytest.raises(IncompleteError, match="after 30 s and was stopped"):
        asked(place.logs(most_wait_s=30.0))
    if status == "Complete":
        assert [one["status"] for one in place.described()] == ["Cancelled"]


def test_an_interrupt_stops_the_query(place: Place) -> None:
    """Ctrl-C while it runs."""
    place.turn(logs_running_s=3_000.0)

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asked(place.logs(sleep=interrupt))
    assert [one["status"] for one in place.described()] == ["Cancelled"]


def test_too_many_queries_at_once(place: Place) -> None:
    """The account's limit: passing, so it is asked again."""
    place.turn(logs_most_queries=0)
    with pytest.raises(ThrottledError, match=r"LimitExceededException.*too many queries run at once"):
        asked(place.logs())


def test_throttled(place: Place) -> None:
    """Passing, too, once the client's own attempts are over."""
    place.turn(throttle_for_s=60.0)
    with pytest.raises(ThrottledError, match="ThrottlingException: Rate exceeded; it throttles; wait"):
        asked(place.logs())


def test_throttled_while_the_query_runs(place: Place) -> None:
    """The query goes on and is not asked anew: it has its price."""
    logs = place.logs()
    call, refusals = logs._client.call, iter([True, True])

    def sometimes(operation: str, **arguments: Any) -> dict[str, Any]:
        if operation == "get_query_results" and next(refusals, False):
            raise ThrottledError("Rate exceeded")
        return call(operation, **arguments)

    logs._client.call = sometimes  # type: ignore[method-assign] - the stand-in throttles all or at random
    logs._sleep = lambda _: time.sleep(0.01)
    assert len(asked(logs)) == 3
    assert len(place.described()) == 1


def test_credentials_that_expire_while_the_query_runs(place: Place) -> None:
    """Refused for good, with what to do; the run can be collected later."""
    place.turn(logs_running_s=3_000.0, logs_refuse_after=3)
    with pytest.raises(RefusedError, match=r"calling get_query_results.*expired; renew the AWS credentials"):
        asked(place.logs())
    place.turn(refuse="")
    place.turn(logs_running_s=0.0)
    assert len(asked(place.logs(**SOON))) == 3


def test_access_denied_names_the_action(place: Place) -> None:
    """And the policy that has it."""
    place.turn(refuse="denied")
    with pytest.raises(RefusedError, match=r"allow the IAM action logs:StartQuery, .*analysis_policy_arn"):
        asked(place.logs())


def test_a_log_group_that_is_not_there(started_with: Callable[[str], Place]) -> None:
    """Transaction Search is off: the line says what counts instead, and how to turn it on."""
    place = started_with('{"spans_log_group": "transaction-search"}')
    with pytest.raises(
        InvalidRunError, match="no log group aws/spans, Transaction Search is off; count by the X"
    ):
        place.source().preflight()


def test_the_preflight_asks_for_a_second(place: Place) -> None:
    """Which costs next to nothing."""
    place.source(**SOON).preflight()
    assert [one["queryString"] for one in place.described()] == [span_queries.records()]


def test_a_query_that_aws_does_not_take(place: Place) -> None:
    """Its own words are in the line."""
    with pytest.raises(RefusedError, match=r"MalformedQueryException: Binder Error.*nope"):
        asked(place.logs(), "SELECT nope FROM `aws/spans`")


def test_nobody_there() -> None:
    """One line."""
    logs = LogsInsights(region="eu-west-1", endpoint_url="http://127.0.0.1:9", dummy_credentials=True)
    with pytest.raises(UnreachableError, match=r"calling start_query of http://127\.0\.0\.1:9: "):
        asked(logs)
