"""The operations of the API, without HTTP and on a clock that stands still."""

from typing import Any

import pytest

from k8s.lab.xray.api_errors import XrayError
from tests.k8s.lab.xray.builders import (
    T0,
    TRACE,
    WINDOW,
    Clock,
    Json,
    by_name,
    counts,
    put,
    refused,
    roots,
    segment,
    services,
    shop,
    stand_in,
    take,
    trace_id,
)

_HOUR_S = 3600


def test_good_documents_are_kept_beside_bad_ones() -> None:
    """A call answers 200 with the documents that it did not take; the others count."""
    target = stand_in()
    answer = put(target, segment("ui", 1), {"id": "bad"}, segment("ui", 2))

    assert [entry["ErrorCode"] for entry in answer["UnprocessedTraceSegments"]] == ["InvalidTraceId"]
    assert by_name(services(target), "ui")["SummaryStatistics"]["TotalCount"] == 2


def test_fifty_documents_a_call() -> None:
    """50 documents are allowed in a call, 51 are not, and then none of them is taken."""
    target = stand_in()
    documents = [segment("ui", number) for number in range(1, 52)]

    put(target, *documents[:50])
    with pytest.raises(XrayError, match="at most 50"):
        put(target, *documents)

    assert target.status()["documents"] == 50


@pytest.mark.parametrize("documents", [None, "text", [1], {}])
def test_documents_must_be_strings(documents: Any) -> None:
    """TraceSegmentDocuments is a list of strings."""
    assert refused(stand_in(), "/TraceSegments", TraceSegmentDocuments=documents).status == 400


def test_window_is_echoed() -> None:
    """The answer repeats the window and tells that no group changed."""
    answer = stand_in().call("/ServiceGraph", WINDOW)

    assert answer == {
        "StartTime": float(T0),
        "EndTime": T0 + 3600.0,
        "Services": [],
        "ContainsOldGroupVersions": False,
    }


def test_six_hours() -> None:
    """Six hours are allowed, a millisecond more is not, in these words."""
    target = stand_in()
    target.call("/ServiceGraph", {"StartTime": T0, "EndTime": T0 + 6 * _HOUR_S})
    error = refused(target, "/ServiceGraph", StartTime=T0, EndTime=T0 + 6 * _HOUR_S + 0.001)

    assert (error.code, error.status, error.message) == (
        "InvalidRequestException",
        400,
        "Time range cannot be longer than 6 hours",
    )


@pytest.mark.parametrize(
    "window",
    [
        {"StartTime": T0, "EndTime": T0},
        {"StartTime": T0, "EndTime": T0 - 1},
        {"StartTime": T0},
        {"EndTime": T0},
        {"StartTime": "yesterday", "EndTime": T0},
        {"StartTime": True, "EndTime": T0},
    ],
)
def test_windows_that_are_none(window: Json) -> None:
    """A window needs a start and a later end, both numbers."""
    for path in ("/ServiceGraph", "/TraceSummaries"):
        assert refused(stand_in(), path, **window).code == "InvalidRequestException"


def test_thirty_days() -> None:
    """What is older than 30 days is not in the graph, even if it just arrived."""
    clock = Clock(T0 + 30 * 86_400.0)
    target = stand_in(clock)
    put(target, segment("old", 1, start=-1.0), segment("kept", 2, start=1.0))

    assert counts(services(target, StartTime=-60))[0] == {("kept", "client"): None, ("kept", None): 1}


def test_pages() -> None:
    """Pages hold some services each; together they are the graph of one page, references included."""
    target, whole = stand_in(graph_page_size=2), stand_in()
    for each in (target, whole):
        take(each, shop())
    pages = [target.call("/ServiceGraph", WINDOW)]
    while token := pages[-1].get("NextToken"):
        put(target, segment("newcomer", 99))
        pages.append(target.call("/ServiceGraph", WINDOW | {"NextToken": token}))

    assert [len(page["Services"]) for page in pages] == [2, 2, 1]
    assert [item for page in pages for item in page["Services"]] == services(whole)


def test_tokens_belong_to_their_query() -> None:
    """A token of another window, of another operation, or of nobody is refused."""
    target = stand_in(graph_page_size=1)
    take(target, shop())
    token = target.call("/ServiceGraph", WINDOW)["NextToken"]

    other = WINDOW | {"EndTime": T0 + 60}
    assert refused(target, "/ServiceGraph", **other, NextToken=token).code == "InvalidRequestException"
    assert refused(target, "/TraceGraph", TraceIds=[TRACE], NextToken=token).status == 400
    assert refused(target, "/TraceSummaries", **WINDOW, NextToken=token).status == 400
    assert refused(target, "/ServiceGraph", **WINDOW, NextToken="mine").status == 400
    assert target.call("/ServiceGraph", WINDOW | {"NextToken": token})["Services"]


def test_order_is_shuffled_by_seed() -> None:
    """The order of services depends on the seed alone."""
    orders = set()
    for seed in range(8):
        first, second = (stand_in(seed=seed) for _ in range(2))
        for each in (first, second):
            take(each, shop())
        assert services(first) == services(second)
        orders.add(tuple(item["Name"] for item in services(first)))

    assert len(orders) > 1


def test_trace_graph() -> None:
    """The graph of some traces counts these alone."""
    target = stand_in()
    roots(target, 0.0, 1.0, 2.0)
    found = target.call("/TraceGraph", {"TraceIds": [trace_id(1), trace_id(3, T0 + 2), trace_id(9)]})

    assert counts(found["Services"])[0] == {("ui", "client"): None, ("ui", None): 2}


@pytest.mark.parametrize("path", ["/TraceGraph", "/Traces"])
def test_one_to_five_ids(path: str) -> None:
    """No ids, six ids and what is no id are refused."""
    target = stand_in()
    target.call(path, {"TraceIds": [trace_id(number) for number in range(5)]})

    for ids in ([], [trace_id(number) for number in range(6)], ["1-2-3"], "text", None):
        assert refused(target, path, TraceIds=ids).code == "InvalidRequestException"


def test_batch_get_traces() -> None:
    """Known traces come with duration and documents, unknown ids are named."""
    target = stand_in()
    take(target, shop())
    answer = target.call("/Traces", {"TraceIds": [TRACE, trace_id(9)]})

    (found,) = answer["Traces"]
    assert answer["UnprocessedTraceIds"] == [trace_id(9)]
    assert (found["Id"], found["Duration"], found["LimitExceeded"]) == (TRACE, 0.02, False)
    assert len(found["Segments"]) == 4
    assert all(f'"id":"{item["Id"]}"' in item["Document"] for item in found["Segments"])


def test_unknown_ids_can_be_silent() -> None:
    """If asked so, unknown ids are simply absent."""
    target = stand_in(unknown_ids_unprocessed=False)

    assert target.call("/Traces", {"TraceIds": [trace_id(9)]}) == {"Traces": [], "UnprocessedTraceIds": []}


@pytest.mark.parametrize(
    ("start", "expected"),
    [(0.0, "1.7953767E9"), (0.125, "1.795376700125E9"), (300.0, "1.795377E9")],
)
def test_times_have_exponents(start: float, expected: str) -> None:
    """Documents of BatchGetTraces tell times as the JVM prints doubles."""
    target = stand_in()
    put(target, segment("ui", 1, start=start))
    document = target.call("/Traces", {"TraceIds": [TRACE]})["Traces"][0]["Segments"][0]["Document"]

    assert f'"start_time":{expected},' in document


def test_fixed_answers() -> None:
    """Segments go to X-Ray; there is a Default sampling rule and a Default indexing rule."""
    target = stand_in()
    rule = target.call("/GetSamplingRules", {})["SamplingRuleRecords"][0]["SamplingRule"]
    documents = [{"RuleName": "Default"}, {"RuleName": "other"}]
    targets = target.call("/SamplingTargets", {"SamplingStatisticsDocuments": documents})

    assert target.call("/GetTraceSegmentDestination", {}) == {"Destination": "XRay", "Status": "ACTIVE"}
    assert (rule["RuleName"], rule["FixedRate"], rule["ReservoirSize"]) == ("Default", 0.05, 1)
    assert [item["RuleName"] for item in targets["SamplingTargetDocuments"]] == ["Default"]
    assert [item["RuleName"] for item in targets["UnprocessedStatistics"]] == ["other"]
    assert target.call("/GetIndexingRules", {})["IndexingRules"][0]["Name"] == "Default"
    assert target.call("/TelemetryRecords", {"TelemetryRecords": []}) == {}


def test_unknown_operation() -> None:
    """What is not here is a 404."""
    error = refused(stand_in(), "/Insight")

    assert (error.code, error.status) == ("UnknownOperationException", 404)


def test_reset() -> None:
    """After a reset nothing is left: no traces, no groups, no tokens."""
    target = stand_in(graph_page_size=1)
    take(target, shop())
    target.call("/CreateGroup", {"GroupName": "g"})
    token = target.call("/ServiceGraph", WINDOW)["NextToken"]
    target.reset()

    assert (target.status()["documents"], target.call("/Groups", {})) == (0, {"Groups": []})
    assert services(target) == []
    assert refused(target, "/ServiceGraph", **WINDOW, NextToken=token).status == 400
