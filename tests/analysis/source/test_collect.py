"""Polling until the counts are final, over a source without a client and a fake clock."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from analysis.source import collect
from analysis.source.interface import (
    Basis,
    Drawn,
    IncompleteError,
    Patience,
    Question,
    RefusedError,
    ThrottledError,
)
from analysis.source.xray.xray_source import XRaySource
from k8s.errors import InvalidRunError, UnreachableError, UsageError
from loadtest.record import LoadSeen, Window
from loadtest.worker.tally import WorkerTally
from tests.analysis import meshes
from tests.analysis.graphs import CLIENT, Graph, snapshot
from tests.analysis.meshes import StoredCounts
from tests.loadtest.test_rundir import record

PATIENCE = Patience(poll_s=1.0, least_s=0.0, most_s=10.0, traces=5)
LOAD = LoadSeen(seconds=10.0, workers=(WorkerTally(worker="w1", zone="a", node="n", requests=5),))


def whole_record():
    made = record(measured=Window(start_s=100.4, end_s=113.7))
    return replace(made, seen=replace(made.seen, measured=LOAD))


@dataclass
class FakeXRay(XRaySource):
    """Shows more requests at every read, up to the last number."""

    requests: list[int]
    reads: int = 0
    refused: int = 0
    """Reads that it puts off first."""
    error: type[UnreachableError] = ThrottledError
    asked: list[Question] = field(default_factory=list)

    def preflight(self) -> None:
        """Always fine."""

    def ask(self, question: Question) -> tuple[tuple[dict[str, Any], ...], ...]:
        if self.refused:
            self.refused -= 1
            raise self.error("calling get_service_graph: it throttles")
        self.asked.append(question)
        count = self.requests[min(self.reads, len(self.requests) - 1)]
        self.reads += 1
        graph = Graph()
        if count:
            graph.edge(("w1", CLIENT), "w1", count).edge("w1", "ui-1", count)
        return (graph.pages(),)

    def sample(self, question: Question, most: int) -> Drawn:
        del question
        return Drawn(rows=tuple({"Id": one} for one in ("1-a", "1-b")[:most]))


@dataclass
class Clock:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def run(source: FakeXRay, patience: Patience = PATIENCE) -> collect.Collected:
    clock = Clock()
    return collect.collect(source, whole_record(), patience=patience, clock=clock, sleep=clock.sleep)


def test_two_equal_reads_that_hold_every_request_end_the_polling():
    """Not the first whole read: the second one that says the same."""
    source = FakeXRay(requests=[2, 5, 5, 5])

    found = run(source)

    assert [poll.requests for poll in found.graph.polls] == [2, 5, 5]
    assert (found.graph.stable, found.graph.reconciled) == (True, True)
    assert found.traces == ({"Id": "1-a"}, {"Id": "1-b"})


@pytest.mark.parametrize("error", [ThrottledError, IncompleteError])
def test_reads_that_are_put_off_are_tried_again(error):
    """Throttled, or not yet complete: that costs time, not the run."""
    found = run(FakeXRay(requests=[5], refused=3, error=error))

    assert len(found.graph.polls) == 2


@dataclass
class FakeSampling(FakeXRay):
    """Puts off its sample, too."""

    put_off: int = 2

    def sample(self, question: Question, most: int) -> Drawn:
        if self.put_off:
            self.put_off -= 1
            raise ThrottledError("calling batch_get_traces: it throttles")
        return FakeXRay.sample(self, question, most)


def test_a_sample_that_is_put_off_does_not_cost_the_counts():
    """The counts are asked for once, the sample again; the waiting is said, once."""
    source, clock, said = FakeSampling(requests=[5]), Clock(), []

    found = collect.collect(
        source, whole_record(), patience=PATIENCE, clock=clock, sleep=clock.sleep, say=said.append
    )

    assert found.traces == ({"Id": "1-a"}, {"Id": "1-b"})
    assert source.reads == 2
    (line,) = said
    assert line == ("X-Ray does not answer yet (calling batch_get_traces: it throttles); asking for 9 s more")


def test_a_refusal_is_final():
    """Asking again does not renew credentials."""
    with pytest.raises(RefusedError):
        run(FakeXRay(requests=[5], refused=1, error=RefusedError))


def test_throttled_for_all_the_time_there_is():
    """Then the message is X-Ray's."""
    with pytest.raises(ThrottledError, match="it throttles"):
        run(FakeXRay(requests=[5], refused=100))


def test_equal_reads_that_miss_requests_are_not_enough():
    """A graph that stands still short of the generator's count is waited for, then kept with that mark."""
    found = run(FakeXRay(requests=[4]))

    assert len(found.graph.polls) == 11
    assert (found.graph.stable, found.graph.reconciled) == (True, False)


def test_what_does_not_move_is_not_waited_for_to_the_end():
    """A loss does not come back: three seconds of the same are enough here, not ten; moving counts go on."""
    patience = replace(PATIENCE, still_s=3.0)

    stuck = run(FakeXRay(requests=[2, 4]), patience)
    slow = run(FakeXRay(requests=[1, 1, 1, 2, 2, 3, 3, 3, 5]), patience)

    assert [poll.requests for poll in stuck.graph.polls] == [2, 4, 4, 4, 4]
    assert (stuck.graph.stable, stuck.graph.reconciled) == (True, False)
    assert slow.graph.reconciled


def test_requests_that_were_delivered_twice_do_not_hide_those_that_are_missing():
    """Five entries by second deliveries; four calls are four requests."""

    class Twice(FakeXRay):
        def ask(self, question: Question) -> tuple[tuple[dict[str, Any], ...], ...]:
            del question
            return (Graph().edge(("w1", CLIENT), "w1", 5).edge("w1", "ui-1", 4).pages(),)

    found = run(Twice(requests=[]))

    assert (found.graph.polls[-1].requests, found.graph.reconciled) == (4, False)


def test_an_empty_graph_is_no_measurement():
    """Nothing arrived at all: the run cannot be trusted, and the message says where to look."""
    with pytest.raises(
        InvalidRunError, match="shows none of its 5 requests after 10 s; do the workers reach"
    ):
        run(FakeXRay(requests=[0]))


@dataclass
class FakeMesh(FakeXRay):
    """Counts connections between workloads as they come; the workers are none of its members."""

    name = "mesh"
    basis: Basis = meshes.CONNECTIONS

    @property
    def reader(self) -> StoredCounts:
        count = self.requests[min(max(self.reads, 1), len(self.requests)) - 1]
        return StoredCounts(meshes.counts({"ui@a>catalog@b": count} if count else {}, self.basis))


@pytest.mark.parametrize("basis", [meshes.CONNECTIONS, meshes.BYTES])
def test_counts_that_nothing_compares_with_are_waited_for_until_they_stay(basis: Basis):
    """Two equal answers that show something are enough; that nothing could be compared is stored."""
    shown: list[collect.Shown] = []
    clock = Clock()
    source = FakeMesh(requests=[0, 0, 3, 8, 8, 9], basis=basis)

    found = collect.collect(
        source, whole_record(), patience=PATIENCE, clock=clock, sleep=clock.sleep, on_poll=shown.append
    )

    assert [poll.calls for poll in found.graph.polls] == [0, 0, 3, 8, 8]
    assert (found.graph.stable, found.graph.reconciled, found.graph.reconcilable) == (True, False, False)
    assert str(shown[-1]).startswith(f"8 {basis.unit.value} between workloads; ")
    assert shown[-1].expected is None


def test_a_mesh_that_shows_nothing():
    """Is asked for all the time there is; the message is about scraping, not about traces."""
    with pytest.raises(InvalidRunError, match=r"counted no connections in the window .* after 10 s"):
        run(FakeMesh(requests=[0]))


def test_the_window_is_cut_to_whole_seconds_inside_the_quiet_time():
    """100.4-113.7 with 1.5 s of silence at both ends is asked for as 101-113."""
    source = FakeXRay(requests=[5])

    run(source)

    assert source.asked[0].window == Window(start_s=101, end_s=113)


def test_a_run_without_a_window_cannot_be_collected():
    """An arm that was interrupted in its warm-up has nothing to ask for."""
    clock = Clock()

    with pytest.raises(UsageError, match="it has no measured window"):
        collect.collect(FakeXRay([5]), record(measured=None), clock=clock, sleep=clock.sleep)


def asking(requests: dict[tuple[str, str | None] | str, str], pods: tuple[str, ...]) -> FakeXRay:
    """Collect with a topology, over a graph with these edges; the source remembers what was asked of it."""

    @dataclass
    class Remembering(FakeXRay):
        samples: list[tuple[bool, int]] = field(default_factory=list)
        said: list[str] = field(default_factory=list)

        def ask(self, question: Question) -> tuple[tuple[dict[str, Any], ...], ...]:
            self.asked.append(question)
            graph = Graph().edge(("w1", CLIENT), "w1", 5)
            for client, server in requests.items():
                graph.edge(client, server, 5)
            return (graph.pages(),)

        def sample(self, question: Question, most: int) -> Drawn:
            self.samples.append((question.others, most))
            return Drawn(rows=({"Id": "1-b" if question.others else "1-a"},))

    source, clock = Remembering(requests=[5]), Clock()
    source.found = collect.collect(  # type: ignore[attr-defined]
        source,
        whole_record(),
        patience=replace(PATIENCE, most_traces=900),
        clock=clock,
        sleep=clock.sleep,
        topology=(snapshot(dict.fromkeys(pods, "node-a")),),
        say=source.said.append,
    )
    return source


def test_pods_names_need_a_sample_alone():
    """Nothing is said, and little is read."""
    source = asking({"w1": "ui-1", "ui-1": "catalog-1"}, ("w1", "ui-1", "catalog-1"))

    assert (source.samples, source.said) == ([(False, 5)], [])


def test_services_names_need_every_trace_of_the_run():
    """Only they say which pod called which; it is said why, before it takes its time."""
    source = asking({"w1": "ui", "ui": "catalog"}, ("w1", "ui-1", "catalog-1"))

    assert source.samples == [(False, 900)]
    assert source.said == ["catalog, ui: no pod has that name; reading every trace of the run, up to 900"]


def test_requests_from_elsewhere_need_every_trace_of_ours_and_some_of_theirs():
    """So that what is lost of ours and what is others' can be told apart."""
    source = asking({"w1": "ui-1", ("ui-1", CLIENT): "ui-1"}, ("w1", "ui-1", "catalog-1"))

    assert source.samples == [(False, 900), (True, 5)]
    assert source.found.traces == ({"Id": "1-a"}, {"Id": "1-b"})
    assert source.said[0].startswith("5 requests entered elsewhere than at the load generator; reading every")


@pytest.mark.parametrize(
    ("start_s", "end_s", "quiet_s"),
    [(100.0, 160.0, 5.0), (100.3, 160.0, 4.3), (100.0, 160.9, 4.1), (100.9, 160.9, 4.1)],
)
def test_the_quiet_time_that_is_left(start_s: float, end_s: float, quiet_s: float):
    """A window in whole seconds cuts some of it off."""
    measured = Window(start_s=start_s, end_s=end_s)
    asked = collect.query_window(measured, quiet_s=5.0)
    assert collect.quiet_within(measured, asked, quiet_s=5.0) == pytest.approx(quiet_s)


def test_no_quiet_time_is_not_less_than_none():
    """A quiet time below a second is not cut."""
    measured = Window(start_s=100.5, end_s=160.5)
    asked = collect.query_window(measured, quiet_s=0.2)
    assert collect.quiet_within(measured, asked, quiet_s=0.2) == 0.2
    assert collect.quiet_within(measured, Window(start_s=105.0, end_s=150.0), quiet_s=0.2) == 0.0
