"""Arguments and answers of the operations."""

from collections.abc import Iterator
from typing import Any

import pytest

from k8s.lab.logs.logs_api import MOST_ROWS
from k8s.lab.logs.logs_errors import LogsError
from tests.k8s.lab.logs.builders import World, rows_of

TEXT = "SELECT spanId FROM `aws/spans` ORDER BY spanId"


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.api.close()


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"startTime": "x"}, "InvalidParameterException"),
        ({"endTime": 0}, "InvalidParameterException"),
        ({"queryString": ""}, "InvalidParameterException"),
        ({"queryString": TEXT + " " * 10_000}, "InvalidParameterException"),
        ({"limit": 10_001}, "InvalidParameterException"),
        ({"limit": True}, "InvalidParameterException"),
        ({"queryLanguage": "XYZ"}, "InvalidParameterException"),
        ({"queryLanguage": "CWLI"}, "MalformedQueryException"),
        ({"logGroupName": "aws/spans"}, "InvalidParameterException"),
        ({"queryString": TEXT.replace("aws/spans", "other")}, "ResourceNotFoundException"),
    ],
)
def test_what_a_query_may_not_be(world: World, more: dict[str, Any], code: str) -> None:
    """The codes are those of the service model."""
    with pytest.raises(LogsError) as caught:
        world.start(TEXT, **more)
    assert caught.value.code == code


def test_ten_thousand_rows_and_no_page_more(world: World) -> None:
    """The service model: pages are for the Logs Insights language alone."""
    world.log.table.fill(_spans(MOST_ROWS + 5))
    found = world.results(world.start(TEXT))
    assert len(found["results"]) == found["statistics"]["resultCount"] == MOST_ROWS
    assert "nextToken" not in found


def test_pages_where_they_are_wanted() -> None:
    """Each holds up to 10,000 rows, or as many as are asked for; together they are all."""
    world = World(sql_pages=True)
    world.log.table.fill(_spans(2 * MOST_ROWS + 5))
    query, token, found = world.start(TEXT), {}, []
    while True:
        page = world.results(query, **token)
        found.append(len(page["results"]))
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert found == [MOST_ROWS, MOST_ROWS, 5]
    assert rows_of(world.results(query, maxItems=1)["results"]) == [{"spanId": f"{0:016x}"}]
    with pytest.raises(LogsError, match="nextToken"):
        world.results(query, nextToken="nonsense")
    world.api.close()


def test_queries_are_described(world: World) -> None:
    """The newest first, page by page, those with a status."""
    ids = [world.start(TEXT) for _ in range(3)]
    for one in ids:
        world.results(one)
    first = world.api.call("Logs_20140328.DescribeQueries", {"maxResults": 2})
    rest = world.api.call("Logs_20140328.DescribeQueries", {"nextToken": first["nextToken"]})
    assert [one["queryId"] for one in (*first["queries"], *rest["queries"])] == ids[::-1]
    assert world.api.call("Logs_20140328.DescribeQueries", {"status": "Running"}) == {"queries": []}
    with pytest.raises(LogsError, match="status must be"):
        world.api.call("Logs_20140328.DescribeQueries", {"status": "Odd"})


def test_throttles_and_unknown_operations(world: World) -> None:
    """With AWS's code."""
    with pytest.raises(LogsError, match="Rate exceeded"):
        world.api.call("Logs_20140328.DescribeQueries", {}, throttle=True)
    with pytest.raises(LogsError) as caught:
        world.api.call("Logs_20140328.PutLogEvents", {})
    assert caught.value.code == "UnknownOperationException"


def _spans(count: int) -> str:
    return (
        "SELECT printf('%016x', i) AS \"spanId\", 'SERVER' AS kind, "
        f'1795376700000::BIGINT AS "@timestamp", 10::BIGINT AS "@bytes" FROM range({count}) r(i)'
    )
