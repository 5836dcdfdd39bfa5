"""Where segments go: the answers of accounts with Transaction Search on, off, and on their way."""

from typing import Any

import pytest

from tests.k8s.lab.xray.builders import (
    T0,
    WINDOW,
    Clock,
    Json,
    counts,
    put,
    refused,
    segment,
    services,
    shop,
    stand_in,
    take,
    trace_id,
)

_ON = {"Destination": "CloudWatchLogs"}


def put_many(target: Any, amount: int, first: int = 1) -> list[str]:
    """Traces of one segment each; returns their ids."""
    ids = [trace_id(number) for number in range(first, first + amount)]
    for number, each in enumerate(ids, 1):
        put(target, segment("ui", number) | {"trace_id": each})
    return ids


def start(target: Any, *ids: str, **window: float) -> str:
    """StartTraceRetrieval; returns the token."""
    asked: Json = {"TraceIds": list(ids), **WINDOW, **window}
    token: str = target.call("/StartTraceRetrieval", asked)["RetrievalToken"]
    return token


def total(target: Any) -> int:
    """Requests at the node ui."""
    return counts(services(target))[0].get(("ui", None)) or 0


def test_off() -> None:
    """By default segments go to X-Ray; the Default indexing rule says one percent."""
    target = stand_in()

    assert target.call("/GetTraceSegmentDestination", {}) == {"Destination": "XRay", "Status": "ACTIVE"}
    (rule,) = target.call("/GetIndexingRules", {})["IndexingRules"]
    assert rule["Rule"]["Probabilistic"]["DesiredSamplingPercentage"] == 1.0


def test_on() -> None:
    """With it on, only the indexed share is in graph and search, and BatchGetTraces finds nothing."""
    target = stand_in(transaction_search=True, indexing_percent=20.0)
    ids = put_many(target, 500)
    found = target.call("/Traces", {"TraceIds": ids[:5]})
    summaries = target.call("/TraceSummaries", WINDOW)

    assert target.call("/GetTraceSegmentDestination", {}) == _ON | {"Status": "ACTIVE"}
    assert 60 < total(target) < 140
    assert summaries["TracesProcessedCount"] == 100
    assert (found["Traces"], found["UnprocessedTraceIds"]) == ([], ids[:5])
    assert target.call("/TraceGraph", {"TraceIds": ids[:5]})["Services"] == []


def test_indexing_keeps_traces_whole() -> None:
    """A trace is indexed with all its documents, or not at all."""
    for number in range(20):
        target = stand_in(transaction_search=True, indexing_percent=50.0)
        message = shop()
        for resource_spans in message.resource_spans:
            for span in resource_spans.scope_spans[0].spans:
                span.trace_id = bytes(15) + bytes([number + 1])
        take(target, message)
        assert len(services(target)) in {0, 5}


@pytest.mark.parametrize(("percent", "expected"), [(0, 0), (100, 50)])
def test_update_indexing_rule(percent: float, expected: int) -> None:
    """The rule decides for traces from then on."""
    target = stand_in(transaction_search=True)
    share = {"Probabilistic": {"DesiredSamplingPercentage": percent}}
    answer = target.call("/UpdateIndexingRule", {"Name": "Default", "Rule": share})
    put_many(target, 50)

    assert answer["IndexingRule"]["Rule"]["Probabilistic"]["ActualSamplingPercentage"] == percent
    assert total(target) == expected


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"Name": "mine", "Rule": {}}, "ResourceNotFoundException"),
        ({"Name": "Default"}, "InvalidRequestException"),
        ({"Name": "Default", "Rule": {"Probabilistic": {}}}, "InvalidRequestException"),
        (
            {"Name": "Default", "Rule": {"Probabilistic": {"DesiredSamplingPercentage": 101}}},
            "InvalidRequestException",
        ),
    ],
)
def test_indexing_rules_that_cannot_be(body: Json, code: str) -> None:
    """There is one rule, and its percentage is one."""
    assert refused(stand_in(), "/UpdateIndexingRule", **body).code == code


def test_switching_on_and_off() -> None:
    """A change is PENDING for a while, in which the old way is in force; old traces stay where they are."""
    clock = Clock()
    target = stand_in(clock, destination_pending_s=60.0, indexing_percent=0.0)
    put_many(target, 1)
    answer = target.call("/UpdateTraceSegmentDestination", _ON)
    put_many(target, 1, first=2)
    pending = target.call("/GetTraceSegmentDestination", {})
    clock.now_s += 60.0
    active = target.call("/GetTraceSegmentDestination", {})
    put_many(target, 1, first=3)

    assert answer == pending == _ON | {"Status": "PENDING"}
    assert active == _ON | {"Status": "ACTIVE"}
    assert total(target) == 2
    assert len(target.call("/Traces", {"TraceIds": [trace_id(1), trace_id(3)]})["Traces"]) == 1
    assert target.call("/UpdateTraceSegmentDestination", {"Destination": "XRay"})["Status"] == "PENDING"
    assert refused(target, "/UpdateTraceSegmentDestination", Destination="S3").status == 400


def test_retrieval() -> None:
    """A retrieval runs, completes, and gives traces of the log group with their documents."""
    clock = Clock()
    target = stand_in(clock, transaction_search=True, indexing_percent=0.0, retrieval_s=5.0)
    ids = put_many(target, 7)
    token = {"RetrievalToken": start(target, *ids, trace_id(99))}
    running = target.call("/ListRetrievedTraces", token)
    empty = target.call("/GetRetrievedTracesGraph", token)
    clock.now_s += 5.0
    first = target.call("/ListRetrievedTraces", token)
    second = target.call("/ListRetrievedTraces", token | {"NextToken": first["NextToken"]})
    graph = target.call("/GetRetrievedTracesGraph", token)

    assert (running["RetrievalStatus"], running["Traces"]) == ("RUNNING", [])
    assert (empty["RetrievalStatus"], empty["Services"]) == ("RUNNING", [])
    assert [each["Id"] for page in (first, second) for each in page["Traces"]] == ids
    assert (first["RetrievalStatus"], first["TraceFormat"]) == ("COMPLETE", "XRAY")
    assert '"name":"ui"' in first["Traces"][0]["Spans"][0]["Document"]
    nodes, _ = counts(item["Service"] for item in graph["Services"])
    assert nodes == {("ui", "client"): None, ("ui", None): 7}


def test_retrieval_looks_into_its_window_only() -> None:
    """Traces outside of StartTime and EndTime are not retrieved."""
    target = stand_in(transaction_search=True)
    ids = put_many(target, 1)
    outside = start(target, *ids, StartTime=T0 + 600)

    assert target.call("/ListRetrievedTraces", {"RetrievalToken": outside})["Traces"] == []


def test_large_traces_come_in_several_entries() -> None:
    """An entry holds at most 100 spans: a larger trace comes in several, with one id."""
    target = stand_in(transaction_search=True)
    for first in range(1, 251, 50):
        put(target, *(segment("ui", number) for number in range(first, first + 50)))
    token = {"RetrievalToken": start(target, "1-6a0f3c00-0123456789abcdef01234567")}
    entries = target.call("/ListRetrievedTraces", token)["Traces"]

    assert [len(entry["Spans"]) for entry in entries] == [100, 100, 50]
    assert len({entry["Id"] for entry in entries}) == 1


def test_cancelled_and_old_retrievals() -> None:
    """A cancelled retrieval says so; one of an hour ago timed out."""
    clock = Clock()
    target = stand_in(clock, transaction_search=True)
    ids = put_many(target, 1)
    cancelled, old = ({"RetrievalToken": start(target, *ids)} for _ in range(2))
    target.call("/CancelTraceRetrieval", cancelled)
    clock.now_s += 3600.0

    assert target.call("/ListRetrievedTraces", cancelled)["RetrievalStatus"] == "CANCELLED"
    assert target.call("/ListRetrievedTraces", old)["RetrievalStatus"] == "TIMEOUT"


def test_retrievals_that_cannot_be() -> None:
    """Without Transaction Search, without a known token, or for too many ids there is no retrieval."""
    off, on = stand_in(), stand_in(transaction_search=True)
    asked: Json = {"TraceIds": [trace_id(1)], **WINDOW}
    many = [trace_id(number) for number in range(101)]

    assert refused(off, "/StartTraceRetrieval", **asked).code == "ResourceNotFoundException"
    assert refused(on, "/StartTraceRetrieval", **(asked | {"TraceIds": many})).status == 400
    for path in ("/ListRetrievedTraces", "/GetRetrievedTracesGraph", "/CancelTraceRetrieval"):
        assert refused(on, path, RetrievalToken="mine").status == 404
    token = start(on, trace_id(1))
    assert refused(on, "/ListRetrievedTraces", RetrievalToken=token, TraceFormat="OTEL").status == 400
