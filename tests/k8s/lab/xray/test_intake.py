"""The way in and the bounds: what is late, lost, doubled, too much or too old."""

import json

from k8s.lab.xray.api_errors import XrayError
from tests.k8s.lab.xray.builders import (
    CLIENT,
    SERVER,
    TRACE,
    WINDOW,
    Clock,
    call,
    canonical,
    counts,
    pod,
    put,
    request,
    roots,
    segment,
    services,
    shop,
    span,
    stand_in,
    take,
    trace_id,
    without,
)


def test_ingest_delay() -> None:
    """What arrived is seen when its delay is over, and counted as waiting before."""
    clock = Clock()
    target = stand_in(clock, ingest_delay_s=(5.0, 6.0))
    take(target, shop())

    before = services(target), target.status()["waiting"]
    clock.now_s += 6.0
    after = services(target), target.status()["waiting"]

    assert before == ([], 8)
    assert (len(after[0]), after[1]) == (5, 0)


def test_throttling() -> None:
    """A share of the calls is answered with 429, and never OTLP."""
    target = stand_in(throttle_rate=0.5, seed=1)
    take(target, shop())
    errors = 0
    for _ in range(200):
        try:
            target.call("/ServiceGraph", WINDOW)
        except XrayError as error:
            assert (error.code, error.status) == ("ThrottledException", 429)  # noqa: PT017  # some calls pass
            errors += 1

    assert 70 < errors < 130
    assert target.status()["documents"] == 8


def test_loss() -> None:
    """A share of the documents is lost and counted; the rest of their traces stays."""
    target = stand_in(loss_rate=0.25)
    for number in range(200):
        message = shop()
        for resource_spans in message.resource_spans:
            for item in resource_spans.scope_spans[0].spans:
                item.trace_id = number.to_bytes(16, "big") if number else bytes(15) + b"\xff"
        take(target, message)
    status = target.status()

    assert status["intake"]["received"] == 1600
    assert 300 < status["intake"]["lost"] < 500
    assert status["documents"] == 1600 - status["intake"]["lost"]
    assert len(target.dump(300)["traces"]) == status["traces"]


def test_duplicates() -> None:
    """Documents that are delivered twice count once."""
    target, plain = stand_in(duplicate_rate=1.0), stand_in()
    for each in (target, plain):
        take(each, shop())
        put(each, segment("x", 50), call("y", 51, 50))

    assert target.status()["intake"]["doubled"] == 10
    assert services(target) == services(plain)


def test_second_delivery_of_spans() -> None:
    """The same OTLP request twice, as an SDK sends after a lost answer: a LOCAL_ROOT span has two segments.

    The exporter draws a new id for the segment at each delivery. What keeps its id counts once.
    """
    once, twice = stand_in(), stand_in()
    take(once, shop())
    for _ in range(2):
        take(twice, shop())

    (nodes, edges), (doubled, doubled_edges) = counts(services(once)), counts(services(twice))
    root = ("locust-a", "AWS::EKS::Container")
    assert nodes[root] == 1
    assert doubled == nodes | {root: 2}
    assert doubled_edges == edges | {(("locust-a", "client"), root): 2}
    (trace,) = twice.call("/Traces", {"TraceIds": [TRACE]})["Traces"]
    documents = [json.loads(one["Document"]) for one in trace["Segments"]]
    roots = [one for one in documents if "parent_id" not in one]
    assert [one["name"] for one in roots] == ["locust-a"] * 2
    assert len({one["id"] for one in roots}) == 2


def test_late_spans() -> None:
    """Spans of one trace may come in any order and any number of requests."""
    whole, parts = stand_in(), stand_in()
    take(whole, shop())
    for kept in (7, 5, 2, 6, 1, 4, 3):
        take(parts, without(shop(), *(number for number in range(1, 8) if number != kept)))
        services(parts)

    assert canonical(services(parts)) == canonical(services(whole))


def test_capacity() -> None:
    """When there are too many documents the oldest traces go, and are counted as dropped."""
    target = stand_in(max_documents=20)
    for number in range(1, 31):
        documents = [segment("ui", 1, start=number), call("GET", 2, 1, start=number)]
        put(target, *(item | {"trace_id": trace_id(number)} for item in documents))
    status = target.status()

    assert (status["traces"], status["documents"]) == (10, 20)
    assert status["dropped"] == {"capacity": 40, "expired": 0}
    assert status["archive"]["payloads"] == 10
    assert counts(services(target, StartTime=21))[0][("ui", None)] == 10
    assert target.call("/Traces", {"TraceIds": [trace_id(20), trace_id(21)]})["UnprocessedTraceIds"] == [
        trace_id(20)
    ]


def test_expiry() -> None:
    """Traces go when their time is over."""
    clock = Clock()
    target = stand_in(clock, retention_s=100.0)
    roots(target, 1.0)
    clock.now_s += 60
    roots(target, 1.0, 119.0)
    clock.now_s += 60
    target.tick()

    assert target.status()["dropped"] == {"capacity": 0, "expired": 2}
    assert target.status()["archive"]["payloads"] == 1
    assert counts(services(target))[0][("ui", None)] == 1


def test_ticks_settle_what_is_quiet() -> None:
    """Regular work counts traces that have been quiet for two seconds, so that queries find it done."""
    clock = Clock()
    target = stand_in(clock)
    take(target, shop())

    assert target.tick() == 0
    clock.now_s += 3
    assert target.tick() == 1
    assert target.tick() == 0
    assert len(services(target)) == 5


def test_many_changes_are_compacted() -> None:
    """Rows of traces that changed again and again are removed, and the graph stays right."""
    target = stand_in(max_documents=10**6)
    for _ in range(60):
        for number in range(1, 201):
            put(target, segment("ui", 1) | {"trace_id": trace_id(number)})
        services(target)

    assert counts(services(target))[0][("ui", None)] == 200
    assert len(target._store._ledger._rows) < 33 * 2 * 12_000


def test_spans_that_cannot_be_documents() -> None:
    """Spans without ids, and those whose document would exceed 64 KB, are refused and counted."""
    target = stand_in()
    nameless = span("x", SERVER, 1)
    nameless.span_id = bytes(8)
    huge = span("x", SERVER, 2, text="x" * 70_000)
    big = span("x", CLIENT, 3, parent=9, text="x" * 60_000)
    take(target, request((pod("ui-1"), [nameless, huge, big])))

    assert target.status()["intake"]["refused"] == 2
    assert target.status()["documents"] == 1
