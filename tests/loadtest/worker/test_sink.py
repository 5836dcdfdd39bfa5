"""The span sink against a real HTTP server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import gevent

from loadtest.worker.placement import WorkerPlacement
from loadtest.worker.sink import SinkSettings, SpanSink
from loadtest.worker.tracing import Outcome, SpanEncoder, new_ids
from tests.loadtest.stand import Memory, rejection, serving

PLACEMENT = WorkerPlacement(
    pod="locust-worker-x",
    zone="eu-west-1a",
    node="node-a-1",
    target_url="http://127.0.0.1:1",
    otlp_url="http://127.0.0.1:1",
    region="eu-west-1",
    cluster="lab",
)
ENCODER = SpanEncoder(PLACEMENT, run_id="r", phase="measure", version="0")
OUTCOME = Outcome(page="home", url="http://127.0.0.1:1/home", status=200)
QUICK = SinkSettings(batch=512, age_s=0.01, backoff_s=(0.01, 0.01))
LONG_S = 20.0


def span() -> bytes:
    """One more span with ids of its own."""
    return ENCODER.span(new_ids(1), 1, 2, OUTCOME)


@contextmanager
def sink_to(memory: Memory, settings: SinkSettings = QUICK) -> Iterator[SpanSink]:
    """A sink that posts to a collector with that memory."""
    with serving(memory, "127.0.0.1") as (url,):
        sink = SpanSink(url + "/v1/traces", ENCODER.request_body, settings)
        try:
            yield sink
        finally:
            memory.gate.set()
            sink.close()


def wait_for(condition: Callable[[], bool]) -> None:
    """Let greenlets run until it holds."""
    with gevent.Timeout(LONG_S):
        while not condition():
            gevent.sleep(0.005)


def test_every_span_arrives_once():
    """In posts of 512 at most, as OTLP protobuf, over one connection."""
    memory = Memory()
    with sink_to(memory) as sink:
        for _ in range(1300):
            sink.put(span())
        assert sink.drain(LONG_S) == 0

        assert (sink.made, sink.delivered, sink.dropped, sink.pending) == (1300, 1300, 0, 0)
    ids = {span.span_id for _, span in memory.spans()}
    sizes = [len(request.resource_spans[0].scope_spans[0].spans) for request in memory.requests()]
    assert len(ids) == 1300
    assert sizes == [512, 512, 276]
    assert memory.content_types == {"application/x-protobuf"}
    assert sum(memory.connections.values()) == 1


def test_a_lone_span_is_posted_without_being_asked_for():
    """It waits for company for a moment only."""
    memory = Memory()
    with sink_to(memory) as sink:
        sink.put(span())
        wait_for(lambda: sink.delivered == 1)

    assert len(memory.spans()) == 1


def test_a_busy_collector_is_asked_again_with_the_same_bytes():
    """503, 429 and a server error lose nothing."""
    for status in (503, 429, 500):
        memory = Memory(answers=[(status, b""), (status, b"")])
        with sink_to(memory) as sink:
            sink.put(span())
            sink.drain(LONG_S)

            assert (sink.delivered, sink.dropped) == (1, 0)
        assert len(memory.spans()) == 1


def test_what_may_have_arrived_before_is_counted_when_it_is_posted_again():
    """No answer in time: the collector has it twice. Told to come later, or not there at all: once."""
    memory = Memory()
    with sink_to(memory, replace(QUICK, timeout_s=0.2, backoff_s=(0.01,) * 50)) as sink:
        memory.gate.clear()
        sink.put(span())
        sink.put(span())
        wait_for(lambda: sink.again >= 2)
        memory.gate.set()
        assert sink.drain(LONG_S) == 0

        assert (sink.delivered, sink.dropped) == (2, 0)
        wait_for(lambda: len(memory.spans()) == 2 + sink.again)
    assert len({span.span_id for _, span in memory.spans()}) == 2

    for status, again in ((429, 0), (500, 1)):
        memory = Memory(answers=[(status, b"")])
        with sink_to(memory) as sink:
            sink.put(span())
            sink.drain(LONG_S)

            assert (sink.delivered, sink.again) == (1, again)


def test_a_refusal_is_not_repeated():
    """400 means these bytes will never do."""
    memory = Memory(answers=[(400, b""), (200, b"")])
    with sink_to(memory) as sink:
        sink.put(span())
        sink.drain(LONG_S)

        assert (sink.delivered, sink.dropped) == (0, 1)
    assert memory.answers == [(200, b"")]


def test_what_the_collector_rejects_counts_as_dropped():
    """A partial success is not a success."""
    memory = Memory(answers=[(200, rejection(3))])
    with sink_to(memory) as sink:
        for _ in range(10):
            sink.put(span())
        sink.drain(LONG_S)

        assert (sink.delivered, sink.dropped, sink.pending) == (7, 3, 0)


def test_a_full_queue_drops_and_counts():
    """The newest are dropped; making spans never blocks."""
    memory = Memory()
    with sink_to(memory, replace(QUICK, capacity=10)) as sink:
        for _ in range(25):
            sink.put(span())
        sink.drain(LONG_S)

        assert (sink.made, sink.delivered, sink.dropped) == (25, 10, 15)


def test_a_collector_that_is_away_costs_spans_not_the_run():
    """After the last try the batch is dropped, and said so."""
    sink = SpanSink("http://127.0.0.1:1/v1/traces", ENCODER.request_body, QUICK)
    sink.put(span())
    sink.drain(LONG_S)
    sink.close()

    assert (sink.delivered, sink.dropped, sink.pending, sink.again) == (0, 1, 0, 0)


def test_a_drain_that_runs_out_of_time_drops_the_rest():
    """And the sink goes on with what comes later."""
    memory = Memory()
    with sink_to(memory) as sink:
        memory.gate.clear()
        for _ in range(5):
            sink.put(span())

        assert sink.drain(0.05) == 5
        assert (sink.made, sink.dropped, sink.pending) == (5, 5, 0)

        memory.gate.set()
        sink.put(span())
        assert sink.drain(LONG_S) == 0
        assert (sink.delivered, sink.dropped) == (1, 5)
