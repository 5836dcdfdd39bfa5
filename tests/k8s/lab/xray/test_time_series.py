"""GetTimeSeriesServiceStatistics: counts per period for all edges, one edge or one service."""

from typing import Any

import pytest

from tests.k8s.lab.xray.builders import (
    EKS,
    T0,
    WINDOW,
    Clock,
    Json,
    by_name,
    put,
    refused,
    segment,
    services,
    shop,
    stand_in,
    take,
    trace_id,
)

_PATH = "/TimeSeriesServiceStatistics"
_EDGES, _SERVICES = "EdgeSummaryStatistics", "ServiceSummaryStatistics"


def totals(target: Any, **more: Any) -> list[tuple[float, int]]:
    """(seconds after T0, TotalCount) of each period."""
    found = target.call(_PATH, WINDOW | more)["TimeSeriesServiceStatistics"]
    key = _SERVICES if found and _SERVICES in found[0] else _EDGES
    return [(entry["Timestamp"] - T0, entry[key]["TotalCount"]) for entry in found]


def spread() -> Any:
    """Five requests at 0, 10, 59.999, 60 and 301 s; the last is a fault."""
    target = stand_in()
    for number, start in enumerate((0.0, 10.0, 59.999, 60.0, 301.0), 1):
        fault = True if start > 300 else None
        document = segment("ui", number, start=start, took=0.5, fault=fault)
        put(target, document | {"trace_id": trace_id(number)})
    return target


def test_periods() -> None:
    """Requests count in the minute that they began in; minutes without one are left out."""
    assert totals(spread(), Period=60) == [(0.0, 3), (60.0, 1), (300.0, 1)]
    assert totals(spread(), Period=300) == [(0.0, 4), (300.0, 1)]
    assert totals(spread()) == totals(spread(), Period=60)


def test_entries() -> None:
    """Without a selector an entry tells about edges, with outcomes, seconds and histogram."""
    last = spread().call(_PATH, WINDOW)["TimeSeriesServiceStatistics"][-1]

    assert last == {
        "Timestamp": T0 + 300.0,
        _EDGES: {
            "OkCount": 0,
            "ErrorStatistics": {"ThrottleCount": 0, "OtherCount": 0, "TotalCount": 0},
            "FaultStatistics": {"OtherCount": 1, "TotalCount": 1},
            "TotalCount": 1,
            "TotalResponseTime": 0.5,
        },
        "ResponseTimeHistogram": [{"Value": 0.5, "Count": 1}],
    }


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ('edge("ui-1", "catalog-1")', 1),
        ('edge(id(name: "ui-1"), id(name: "catalog-2", type: "AWS::EKS::Container"))', 1),
        ('edge("catalog-1", "ui-1")', None),
        ('edge(id(name: "locust-a", type: "client"), "locust-a")', 1),
        ('service("ui-1")', 1),
        ('id(name: "ui-1", type: "AWS::EKS::Container")', 1),
        ('service(id(type: "AWS::EKS::Container"))', 4),
        ("service()", 4),
        ('service("GET")', None),
        ('id(name: "ui-1", account.id: "1")', None),
    ],
)
def test_selectors(selector: str, expected: int | None) -> None:
    """Services count their own requests, edges their calls; what is not there has no periods."""
    target = stand_in()
    take(target, shop())

    assert totals(target, EntitySelectorExpression=selector) == ([(0.0, expected)] if expected else [])


def test_edges_together_are_the_edges_of_the_graph() -> None:
    """Without a selector, a period counts every edge of the graph, clients' included."""
    target = stand_in()
    take(target, shop())
    edges = [edge for item in services(target) for edge in item["Edges"]]

    assert totals(target) == [(0.0, sum(edge["SummaryStatistics"]["TotalCount"] for edge in edges))]
    assert by_name(services(target), "ui-1", EKS)["SummaryStatistics"]["TotalCount"] == 1


def test_of_a_group() -> None:
    """A group's series counts its traces, and tells of a changed expression."""
    clock = Clock()
    target = stand_in(clock)
    target.call("/CreateGroup", {"GroupName": "g", "FilterExpression": "fault"})
    put(target, segment("ui", 1), segment("ui", 2, fault=True) | {"trace_id": trace_id(2)})
    before = target.call(_PATH, WINDOW | {"GroupName": "g"})
    target.call("/UpdateGroup", {"GroupName": "g", "FilterExpression": "ok"})

    assert [entry[_EDGES]["TotalCount"] for entry in before["TimeSeriesServiceStatistics"]] == [1]
    assert before["ContainsOldGroupVersions"] is False
    assert target.call(_PATH, WINDOW | {"GroupName": "g"})["ContainsOldGroupVersions"] is True


def test_forecasts() -> None:
    """Asking for a forecast needs a selector with an id; the answer comes without one."""
    target = spread()
    asked = {"ForecastStatistics": True, "EntitySelectorExpression": 'id(name: "ui")'}

    assert totals(target, **asked) == [(0.0, 3), (60.0, 1), (300.0, 1)]
    assert refused(target, _PATH, **WINDOW, ForecastStatistics=True).code == "InvalidRequestException"


def test_pages() -> None:
    """Periods come page by page; a token belongs to its query."""
    target = spread()
    paged = stand_in(series_page_size=2)
    put(paged, *(segment("ui", number, start=60.0 * number) for number in range(5)))
    first = paged.call(_PATH, WINDOW)
    token = first["NextToken"]
    second = paged.call(_PATH, WINDOW | {"NextToken": token})

    assert len(first["TimeSeriesServiceStatistics"]) == len(second["TimeSeriesServiceStatistics"]) == 2
    assert refused(paged, _PATH, **WINDOW, Period=300, NextToken=token).status == 400
    assert "NextToken" not in target.call(_PATH, WINDOW)


@pytest.mark.parametrize(
    "bad",
    [
        *({"Period": value} for value in (0, -60, 30, 90, "60", 60.5)),
        *(
            {"EntitySelectorExpression": text}
            for text in ("ok", "service(", 'service("a") {ok}', 'edge("a")', 'id("a")', "annotation.a")
        ),
        {"EndTime": T0 + 7 * 3600},
        {"GroupName": "nobody"},
    ],
)
def test_bad_requests(bad: Json) -> None:
    """Periods are whole minutes, selectors name entities, windows have six hours."""
    assert refused(stand_in(), _PATH, **(WINDOW | bad)).code == "InvalidRequestException"
