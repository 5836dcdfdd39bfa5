"""Polling X-Ray until the graph is final, over a fake source and a fake clock."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from analysis.model import ZoneCheck
from analysis.placement import Timeline
from analysis.source import collect
from analysis.source.collect import Patience
from analysis.source.xray import ThrottledError
from k8s.errors import InvalidRunError, UsageError
from loadtest.record import LoadSeen, Window
from loadtest.worker.tally import WorkerTally
from tests.analysis.graphs import CLIENT, Graph, snapshot
from tests.loadtest.test_rundir import record

PATIENCE = Patience(poll_s=1.0, least_s=0.0, most_s=10.0, traces=5)
LOAD = LoadSeen(seconds=10.0, workers=(WorkerTally(worker="w1", zone="a", node="n", requests=5),))


def whole_record():
    made = record(measured=Window(start_s=100.4, end_s=113.7))
    return replace(made, seen=replace(made.seen, measured=LOAD))


@dataclass
class FakeXRay:
    """Shows more requests at every read, up to the last number."""

    requests: list[int]
    reads: int = 0
    throttled: int = 0
    """Reads that it refuses first."""
    windows: list[Window] = field(default_factory=list)
    expressions: list[str] = field(default_factory=list)

    def preflight(self) -> None:
        """Always fine."""

    def graph(self, window: Window) -> tuple[tuple[dict[str, Any], ...], ...]:
        if self.throttled:
            self.throttled -= 1
            raise ThrottledError("calling get_service_graph: it throttles")
        self.windows.append(window)
        count = self.requests[min(self.reads, len(self.requests) - 1)]
        self.reads += 1
        graph = Graph()
        if count:
            graph.edge(("w1", CLIENT), "w1", count).edge("w1", "ui-1", count)
        return (graph.pages(),)

    def trace_ids(self, window: Window, expression: str, *, limit: int) -> tuple[str, ...]:
        del window
        self.expressions.append(expression)
        return ("1-a", "1-b")[:limit]

    def traces(self, ids: tuple[str, ...]) -> tuple[dict[str, Any], ...]:
        return tuple({"Id": one} for one in ids)


@dataclass
class Clock:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def run(source: FakeXRay) -> collect.Collected:
    clock = Clock()
    return collect.collect(source, whole_record(), PATIENCE, clock=clock, sleep=clock.sleep)


def test_two_equal_reads_that_hold_every_request_end_the_polling():
    """Not the first whole read: the second one that says the same."""
    source = FakeXRay(requests=[2, 5, 5, 5])

    found = run(source)

    assert [poll.requests for poll in found.graph.polls] == [2, 5, 5]
    assert (found.graph.stable, found.graph.reconciled) == (True, True)
    assert found.traces == ({"Id": "1-a"}, {"Id": "1-b"})


def test_throttled_reads_are_tried_again():
    """They cost time, not the run."""
    found = run(FakeXRay(requests=[5], throttled=3))

    assert len(found.graph.polls) == 2


def test_throttled_for_all_the_time_there_is():
    """Then the message is X-Ray's."""
    with pytest.raises(ThrottledError, match="it throttles"):
        run(FakeXRay(requests=[5], throttled=100))


def test_the_sample_is_drawn_from_the_whole_window():
    """Ids come newest first; the sample takes old ones as well, and is the same each time."""
    ids = tuple(f"1-{number}" for number in range(1000))
    found = collect.draw(ids, 100, seed="r1")

    assert len(set(found)) == 100
    assert any(int(one[2:]) > 900 for one in found)
    assert any(int(one[2:]) < 100 for one in found)
    assert found == collect.draw(ids, 100, seed="r1")
    assert found != collect.draw(ids, 100, seed="r2")
    assert collect.draw(ids, 1000, seed="r1") == ids


def test_equal_reads_that_miss_requests_are_not_enough():
    """A graph that stands still short of the generator's count is waited for, then kept with that mark."""
    found = run(FakeXRay(requests=[4]))

    assert len(found.graph.polls) == 11
    assert (found.graph.stable, found.graph.reconciled) == (True, False)


def test_an_empty_graph_is_no_measurement():
    """Nothing arrived at all: the run cannot be trusted, and the message says where to look."""
    with pytest.raises(
        InvalidRunError, match="shows none of its 5 requests after 10 s; do the workers reach"
    ):
        run(FakeXRay(requests=[0]))


def test_the_window_is_cut_to_whole_seconds_inside_the_quiet_time():
    """100.4-113.7 with 1.5 s of silence at both ends is asked for as 101-113."""
    source = FakeXRay(requests=[5])

    run(source)

    assert source.windows[0] == Window(start_s=101, end_s=113)


def test_the_sample_is_of_this_run_and_phase():
    """Traces of the warm-up or of another run are not in it."""
    source = FakeXRay(requests=[5])

    run(source)

    assert source.expressions == ['annotation.run_id = "r1" AND annotation.phase = "measure"']


def test_a_run_without_a_window_cannot_be_collected():
    """An arm that was interrupted in its warm-up has nothing to ask for."""
    clock = Clock()

    with pytest.raises(UsageError, match="it has no measured window"):
        collect.collect(FakeXRay([5]), record(measured=None), PATIENCE, clock=clock, sleep=clock.sleep)


def test_zones_of_spans_are_checked_against_the_pods():
    """Agreement, disagreement and silence are counted; inferred segments say nothing of their own."""

    def segment(name: str, zone: str | None, **more: Any) -> dict[str, str]:
        block = {"aws": {"ec2": {"availability_zone": zone}}} if zone else {}
        return {"Document": json.dumps({"name": name, **block, **more})}

    timeline = Timeline([snapshot({"ui-1": "node-a", "catalog-1": "node-b"})])
    traces = [
        {"Segments": [segment("ui-1", "a"), segment("catalog-1", "a"), segment("catalog-1", None)]},
        {"Segments": [segment("GET", "a", inferred=True), segment("stranger", "a")]},
    ]

    found = collect.zone_check(traces, timeline)

    assert found == ZoneCheck(traces=2, segments=3, agree=1, disagree=1, silent=1)
    assert collect.zone_check([], timeline) is None
