"""A graph that lost something, or was changed, contradicts itself; one as X-Ray answers does not."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from analysis.source.facts import Facts
from analysis.source.interface import Flaw, FlawKind
from analysis.source.xray.graph import calls_of
from k8s.errors import UsageError
from loadtest.record import Window
from tests.analysis.graphs import CLIENT, Graph

WINDOW = Window(start_s=1_000_000, end_s=1_000_043)


def whole() -> dict[str, Any]:
    """One page as X-Ray answers it: every service with its own figures, too."""
    graph = Graph().edge(("w", CLIENT), "w", 2000).edge("w", "ui-1", 1200).edge("w", "ui-2", 800)
    graph.edge("ui-1", "catalog-1", 2400, faults=3).edge("ui-2", "catalog-1", 100)
    graph.edge("ui-2", "catalog-2", 1500)
    (page,) = graph.pages()
    into: dict[int, list[dict[str, Any]]] = {}
    for service in page["Services"]:
        for edge in service["Edges"]:
            into.setdefault(edge["ReferenceId"], []).append(edge)
    for service in page["Services"]:
        edges = into.get(service["ReferenceId"], [])
        if edges:
            ok, faults = (
                sum(way(edge["SummaryStatistics"]) for edge in edges)
                for way in (lambda one: one["OkCount"], lambda one: one["FaultStatistics"]["TotalCount"])
            )
            service["SummaryStatistics"] = {
                "OkCount": ok,
                "FaultStatistics": {"TotalCount": faults},
                "TotalCount": ok + faults,
            }
            service["ResponseTimeHistogram"] = [
                one for edge in edges for one in edge["ResponseTimeHistogram"]
            ]
    return page | {"StartTime": "1970-01-12T13:46:40Z", "EndTime": 1_000_043.0}


def flaws(*pages: dict[str, Any], goes_on: bool = False, generator: str = "w") -> tuple[Flaw, ...]:
    facts = Facts(goes_on=goes_on, generators=frozenset({generator}))
    return calls_of([pages], facts, window=WINDOW).flaws


def service(page: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in page["Services"] if one["Name"] == name and one.get("Type") != CLIENT)


def drop(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda page: page["Services"].remove(service(page, name))


def edge_of(page: dict[str, Any]) -> dict[str, Any]:
    edge: dict[str, Any] = service(page, "ui-2")["Edges"][1]
    assert edge["SummaryStatistics"]["TotalCount"] == 1500
    return edge


def count(value: int, *, histogram: int = 1500, ok: int = 1500) -> Callable[[dict[str, Any]], None]:
    def change(page: dict[str, Any]) -> None:
        edge = edge_of(page)
        edge["SummaryStatistics"] |= {"TotalCount": value, "OkCount": ok}
        edge["ResponseTimeHistogram"] = [{"Value": 0.002, "Count": histogram}]

    return change


def test_an_answer_that_is_whole_contradicts_nothing():
    """On one page, or on several that follow one another."""
    page = whole()
    half = len(page["Services"]) // 2

    assert flaws(page) == ()
    assert (
        flaws(
            {**page, "Services": page["Services"][:half], "NextToken": "x"},
            {"Services": page["Services"][half:]},
        )
        == ()
    )


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], Any], FlawKind, str]] = {
    "callee gone": (
        drop("catalog-1"),
        FlawKind.PAGES,
        "2 edges with 2500 calls lead to services that are on no page",
    ),
    "caller gone": (drop("ui-2"), FlawKind.PAGES, "1 edges with 800 calls"),
    "edge gone": (
        lambda page: service(page, "ui-2")["Edges"].pop(1),
        FlawKind.COUNTS,
        "requests of a service are not those of its callers: 1500 of 6500 off, most at catalog-2 (1500)",
    ),
    "page not read": (
        lambda page: page.update(NextToken="more"),
        FlawKind.PAGES,
        "names a next one that was not read",
    ),
    "service twice": (
        lambda page: page["Services"].append(copy.deepcopy(service(page, "ui-2"))),
        FlawKind.PAGES,
        "1 services are there more than once, e.g. ui-2 and ui-2",
    ),
    "ten times": (count(15_000), FlawKind.COUNTS, "good, erring and failing calls are not all calls"),
    "none": (count(0), FlawKind.COUNTS, "good, erring and failing calls are not all calls"),
    "parts fit, times do not": (
        count(1400, ok=1400),
        FlawKind.COUNTS,
        "response times are not of as many calls: 100 of 7900 off, most at ui-2 (100)",
    ),
    "all of the edge fits": (
        count(1400, ok=1400, histogram=1400),
        FlawKind.COUNTS,
        "requests of a service are not those of its callers: 100 of 7900 off, most at catalog-2 (100)",
    ),
    "another day": (
        lambda page: page.update(StartTime=1_086_400.0),
        FlawKind.WINDOW,
        "the pages are of another time than the window, 86400 s off",
    ),
}


@pytest.mark.parametrize(("change", "kind", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_missing_or_changed_is_named(
    change: Callable[[dict[str, Any]], Any], kind: FlawKind, words: str
):
    """With what, where, how much, and what to do; it is no slight thing."""
    page = whole()
    change(page)

    found = [one for one in flaws(page) if words in one.text]

    assert [(one.kind, one.is_slight) for one in found] == [(kind, False)]
    assert found[0].text.endswith("collect again: samezone collect RUN")


def test_one_call_of_thousands_is_slight():
    """It is said, and no margin depends on it."""
    page = whole()
    count(1501, ok=1501, histogram=1501)(page)

    (found,) = flaws(page)

    assert found.is_slight
    assert "1 of 8001 off" in found.text


@pytest.mark.parametrize("asked", [{"goes_on": True}, {"generator": "another"}], ids=["live", "others'"])
@pytest.mark.parametrize(("off", "slight"), [(12, True), (100, False)])
def test_calls_under_way_at_the_ends_of_live_traffic_are_no_contradiction(
    off: int, slight: bool, asked: dict[str, Any]
):
    """As many as their times let be under way, 8,000 of 2 ms in 43 s.

    So it is where requests enter elsewhere than at the load generator, too.
    """
    page = whole()
    for service_ in page["Services"]:
        for edge in service_["Edges"]:
            edge["SummaryStatistics"]["TotalResponseTime"] *= 10
    # 16 s of calls a window of 43 s: 7.6 under way at both ends on average, at most 17.
    count(1500 - off, ok=1500 - off, histogram=1500 - off)(page)
    found = [one for one in flaws(page, **asked) if "of its callers" in one.text]
    assert [one.is_slight for one in found] == [slight]
    assert [one.is_slight for one in flaws(page) if "of its callers" in one.text] == [False]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"TotalCount": -1},
            r"`int` >= 0 - at `\$\[0\]\[0\]\.Services\[\d+\]\.Edges\[1\]\.SummaryStatistics\.TotalCount`",
        ),
        ({"TotalCount": 10**18}, "`int` <= 1000000000000"),
        ({"TotalCount": 10**39}, "`int` <= 1000000000000"),
        ({"TotalCount": "many"}, "Expected `int`, got `str`"),
        ({"TotalCount": 1.5}, "Expected `int`, got `float`"),
        ({"TotalResponseTime": float("nan")}, "Expected `float`"),
        ({"FaultStatistics": []}, "Expected `object | null`, got `array`"),
    ],
)
def test_what_is_no_count_is_refused_with_its_key(change: dict[str, Any], message: str):
    """One line: the key, and why."""
    page = whole()
    edge_of(page)["SummaryStatistics"] |= change

    with pytest.raises(UsageError, match=message) as caught:
        flaws(page)

    assert "\n" not in str(caught.value)
