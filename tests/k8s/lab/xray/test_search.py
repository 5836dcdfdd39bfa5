"""GetTraceSummaries: windows, order, filters, pages."""

from typing import Any

from k8s.lab.xray.standin import StandIn
from tests.k8s.lab.xray.builders import (
    T0,
    WINDOW,
    Json,
    put,
    refused,
    roots,
    segment,
    stand_in,
    trace_id,
)

_HOUR_S = 3600


def summaries(target: StandIn, **more: Any) -> Json:
    """GetTraceSummaries for the first hour."""
    return target.call("/TraceSummaries", WINDOW | more)


def starts(answer: Json) -> list[float]:
    """The starts of the summaries, in seconds after T0."""
    return [item["StartTime"] - T0 for item in answer["TraceSummaries"]]


def test_twenty_four_hours() -> None:
    """24 hours are allowed, more is not."""
    target = stand_in()
    target.call("/TraceSummaries", {"StartTime": T0, "EndTime": T0 + 24 * _HOUR_S})

    assert refused(target, "/TraceSummaries", StartTime=T0, EndTime=T0 + 24 * _HOUR_S + 1).status == 400


def test_newest_first() -> None:
    """Summaries come newest first, by the time in the id unless asked otherwise."""
    target = stand_in()
    roots(target, 5.0, 1.0, 9.0)

    for kind in ({}, {"TimeRangeType": "TraceId"}, {"TimeRangeType": "Event"}, {"TimeRangeType": "Service"}):
        assert starts(summaries(target, **kind)) == [9.0, 5.0, 1.0]


def test_time_range_types() -> None:
    """TraceId goes by the id, Service by the end, Event by any moment of activity; the end is outside."""
    target = stand_in()
    document = segment("ui", 1, start=10.0, took=20.0) | {"trace_id": trace_id(1, T0 + 5)}
    put(target, document)
    seen = {
        kind: [
            second
            for second in (4, 5, 9, 10, 20, 29, 30, 31)
            if summaries(target, StartTime=T0 + second, EndTime=T0 + second + 1, TimeRangeType=kind)[
                "TraceSummaries"
            ]
        ]
        for kind in ("TraceId", "Service", "Event")
    }

    assert seen == {"TraceId": [5], "Service": [30], "Event": [10, 20, 29, 30]}
    assert refused(target, "/TraceSummaries", **WINDOW, TimeRangeType="Now").status == 400


def test_random_ids_have_no_time() -> None:
    """Traces with random ids are not found by the time in their ids."""
    target = stand_in()
    put(target, segment("ui", 1) | {"trace_id": "1-eb6ca50d-370721cdb31e74c0d1c0720f"})

    assert starts(summaries(target)) == []
    assert starts(summaries(target, TimeRangeType="Event")) == [0.0]


def test_filter() -> None:
    """Only fitting traces are told, but all that were looked at are counted; a bad filter is refused."""
    target = stand_in()
    roots(target, 1.0, 2.0, annotations={"run_id": "R1"})
    put(target, segment("ui", 9, start=3.0) | {"trace_id": trace_id(9, T0 + 3)})
    answer = summaries(target, FilterExpression='annotation.run_id = "R1"')

    assert (starts(answer), answer["TracesProcessedCount"]) == ([2.0, 1.0], 3)
    assert summaries(target, FilterExpression="")["TracesProcessedCount"] == 3
    assert refused(target, "/TraceSummaries", **WINDOW, FilterExpression="nonsense").status == 400


def test_summary_pages() -> None:
    """Pages end at their size or after a number of traces looked at; the last has no token."""
    target = stand_in(summary_page_size=2, summary_page_scan=3)
    roots(target, *range(7))
    answers = [summaries(target, FilterExpression="responsetime > 0")]
    while token := answers[-1].get("NextToken"):
        answers.append(summaries(target, FilterExpression="responsetime > 0", NextToken=token))
    nothing = summaries(target, FilterExpression="fault")

    assert [starts(answer) for answer in answers] == [[6.0, 5.0], [4.0, 3.0], [2.0, 1.0], [0.0]]
    assert [answer["TracesProcessedCount"] for answer in answers] == [2, 2, 2, 1]
    assert [answer["ApproximateTime"] - T0 for answer in answers] == [5.0, 3.0, 1.0, 0.0]
    assert (nothing["TraceSummaries"], nothing["TracesProcessedCount"]) == ([], 3)
    assert "NextToken" in nothing


def test_sampled_summaries() -> None:
    """Sampling looks at a part of the traces, always the same."""
    target = stand_in()
    roots(target, *[number / 10 for number in range(200)])
    sample = summaries(target, SamplingStrategy={"Name": "FixedRate", "Value": 0.3})
    again = summaries(target, SamplingStrategy={"Name": "PartialScan", "Value": 0.3})

    assert sample == again
    assert 30 < sample["TracesProcessedCount"] < 90
    assert 0 < summaries(target, Sampling=True)["TracesProcessedCount"] < 60
