"""The source against a stand-in: the same numbers as the graph's, the price before and after, the polling."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from analysis.source.facts import Facts
from analysis.source.interface import Entry, Question, Received, ThrottledError
from analysis.source.spans import scan_price, span_queries, spans_source
from analysis.source.spans.span_queries import Wanted
from analysis.source.spans.spans_source import CLOUD_PATIENCE, LAB_PATIENCE, SpansSource
from analysis.source.xray.client import XRay, transaction_search_is_on
from analysis.source.xray.xray_source import XRaySource
from k8s.errors import InvalidRunError
from loadtest.record import Window
from tests.analysis.source.spans.conftest import RUN, WINDOW, Place

SOON: dict[str, Any] = {"sleep": time.sleep, "clock": time.time}
FACTS = Facts(generators=frozenset({"locust-a"}))


def test_the_same_as_the_graph(place: Place) -> None:
    """Calls, errors, times and entries of one trace; connections and single calls besides."""
    xray = XRaySource(XRay(region="eu-west-1", endpoint_url=place.server.url, dummy_credentials=True))
    source = place.source(**SOON)
    answers = source.ask(RUN)
    rows = source.sample(RUN, 2).rows
    found = source.reader.read(Received(answers=answers, rows=rows), FACTS)
    graph = xray.reader.read(Received(answers=xray.ask(RUN)), FACTS)
    for one in (found, graph):
        assert [(call.client, call.server, call.count, call.faults, call.errors) for call in one.calls] == [
            ("locust-a", "ui-1", 1, 0, 0),
            ("ui-1", "catalog-1", 1, 0, 0),
            ("ui-1", "catalog-2", 1, 0, 0),
        ]
    assert [call.total_s for call in found.calls] == pytest.approx([call.total_s for call in graph.calls])
    assert found.entries == graph.entries == (Entry(name="locust-a", count=1),)
    assert (len(found.sample.calls), found.sample.traces) == (2, 1)


def test_the_price_is_told_before_and_after(place: Place) -> None:
    """Before by a slice, after by the engine's own statistics."""
    source = place.source(**SOON)
    source.ask(RUN)
    source.ask(RUN)
    source.sample(RUN, 10)
    before, after = place.said
    assert before.startswith("aws/spans holds about ")
    assert "each look scans about" in before
    assert after.endswith("at $0.005 a GB, in 6 queries")
    assert source.scanned.queries == 6
    assert source.scanned.bytes > 0


def test_a_slice_without_records_tells_nothing(place: Place) -> None:
    """Then longer ones are looked at, up to the whole window."""
    source = place.source(**SOON)
    found = source.estimate(Wanted(window=Window(start_s=WINDOW.start_s, end_s=WINDOW.end_s + 200.0)))
    assert found.bytes > 0
    assert source.scanned.queries > 1
    nothing = source.estimate(Wanted(window=Window(start_s=1_000.0, end_s=1_100.0)))
    assert (nothing.bytes, nothing.slice_s) == (0, 100)


def test_what_is_stored_tells_what_it_cost(place: Place) -> None:
    """Each page keeps the statistics of its query."""
    found = scan_price.of_answers(place.source(**SOON).ask(RUN))
    assert (found.queries, found.bytes > 0) == (2, True)


def test_a_table_of_more_rows_than_an_answer_holds(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is put together; one without an end is refused."""
    monkeypatch.setattr(spans_source, "MOST_ROWS", 1)
    monkeypatch.setattr(span_queries, "MOST_ROWS", 1)
    source = place.source(**SOON)
    ends, pairs = source.ask(RUN)
    assert (len(ends), len(pairs)) == (7, 4)
    found = source.reader.read(Received(answers=(ends, pairs)), FACTS)
    assert [call.count for call in found.calls] == [1, 1, 1]
    monkeypatch.setattr(spans_source, "MOST_TABLES", 2)
    with pytest.raises(InvalidRunError, match="it has more than 2 rows"):
        source.ask(RUN)


def test_what_came_twice_counts_once(started_with: Callable[[str], Place]) -> None:
    """A collector that delivers again."""
    source = started_with('{"duplicate_rate": 1.0}').source(**SOON)
    found = source.reader.read(Received(answers=source.ask(RUN)), FACTS)
    assert [call.count for call in found.calls] == [1, 1, 1]
    assert (found.repeated, found.entries) == (1, (Entry(name="locust-a", count=1),))


def test_others_and_everybody(place: Place) -> None:
    """Of a run that is not there everything is others'; without a run it is everybody's."""
    source = place.source(**SOON)

    def calls(question: Question) -> int:
        found = source.reader.read(Received(answers=source.ask(question)), Facts())
        return sum(call.count for call in found.calls)

    assert calls(Question(window=WINDOW, run_id="R2")) == 0
    assert calls(Question(window=WINDOW, run_id="R2", others=True)) == 3
    assert calls(Question(window=WINDOW, run_id=None)) == 3


def test_a_throttle_passes_through(place: Place) -> None:
    """Collecting asks again as long as its patience lasts."""
    place.turn(throttle_for_s=60.0)
    with pytest.raises(ThrottledError):
        place.source().ask(RUN)


def test_patience_is_its_own(place: Place) -> None:
    """A stand-in shows at once what it was told; on AWS each look has its price."""
    assert place.source().patience is LAB_PATIENCE
    aws = SpansSource(place.logs(endpoint_url="https://logs.eu-west-1.amazonaws.com"))
    assert aws.patience is CLOUD_PATIENCE
    assert CLOUD_PATIENCE.most_traces == 0


def test_whether_transaction_search_is_on(started_with: Callable[[str], Place]) -> None:
    """The command line chooses by it."""
    for settings, is_on in (("{}", False), ('{"transaction_search": true}', True)):
        url = started_with(settings).server.url
        assert (
            transaction_search_is_on(XRay(region="eu-west-1", endpoint_url=url, dummy_credentials=True))
            is is_on
        )
