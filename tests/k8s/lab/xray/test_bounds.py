"""Memory stays bounded: what is too old, too much or too large goes, and is counted."""

import random

import pytest

from k8s.lab.xray.api_errors import XrayError
from tests.k8s.lab.xray.builders import (
    T0,
    TRACE,
    Clock,
    canonical,
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


def noise(size: int, seed: int = 0) -> str:
    """Text that does not shrink."""
    return random.Random(seed).randbytes(size // 2).hex()


def trace_of(number: int) -> dict[str, str]:
    """The field that puts a document into a trace of its own."""
    return {"trace_id": trace_id(number)}


def test_bytes_are_bounded() -> None:
    """Large documents push out the oldest traces before they are many."""
    target = stand_in(max_bytes=200_000)
    for number in range(1, 51):
        document = segment("ui", number, metadata={"default": {"blob": noise(20_000, number)}})
        put(target, document | {"trace_id": trace_id(number)})
    status = target.status()

    assert status["archive"]["bytes"] <= 200_000
    assert status["traces"] + status["dropped"]["capacity"] == 50
    assert 10 < status["traces"] < 50
    assert target.dump(50)["status"]["traces"] == status["traces"]


def test_one_trace_cannot_take_everything() -> None:
    """A single trace beyond the bound goes as a whole, and what comes after it is taken."""
    target = stand_in(max_documents=100)
    for first in range(1, 151, 50):
        put(target, *(segment("ui", number) for number in range(first, first + 50)))
    put(target, segment("catalog", 999, start=2.0) | {"trace_id": trace_id(2)})

    assert target.status()["dropped"]["capacity"] == 150
    assert counts(services(target, StartTime=2.0))[0] == {("catalog", "client"): None, ("catalog", None): 1}


def test_names_are_forgotten() -> None:
    """Names that no trace has any more are given back, and the graph of the others stays as it was."""
    clock = Clock()
    target = stand_in(clock, max_unused_names=50, max_documents=60)
    take(target, shop())
    for number in range(10, 300):
        put(target, segment(f"pod-{number}", number, start=number / 10, took=0.05) | trace_of(number))
        services(target, StartTime=number / 10)
        target.tick()
    kept = [number for number in range(300) if number >= 300 - target.status()["documents"]]
    expected = stand_in()
    for number in kept:
        put(expected, segment(f"pod-{number}", number, start=number / 10, took=0.05) | trace_of(number))

    assert target.status()["names"] <= 4 * 60
    since = {"StartTime": min(kept) / 10}
    assert canonical(services(target, **since)) == canonical(services(expected, **since))


def test_a_window_that_reaches_back_to_what_had_to_go_is_refused() -> None:
    """No number rather than a wrong one, for the graph, its series and searches; later windows are whole."""
    target = stand_in(max_documents=20)
    for number in range(1, 31):
        put(target, segment("ui", number, start=number, took=0.5) | trace_of(number))
    assert counts(services(target, StartTime=10.6))[0]["ui", None] == 20
    assert target.status()["whole_since_s"] == T0 + 10.5

    early = {"StartTime": T0 + 10.4, "EndTime": T0 + 60}
    for path in ("/ServiceGraph", "/TimeSeriesServiceStatistics", "/TraceSummaries"):
        with pytest.raises(XrayError, match="keeps 20 documents and let traces go"):
            target.call(path, early)


def test_names_of_what_is_under_way_stay() -> None:
    """What waits for its delay keeps its names, too."""
    clock = Clock()
    target = stand_in(clock, max_unused_names=0, ingest_delay_s=(5.0, 5.0))
    take(target, shop())
    for _ in range(3):
        target.tick()
    clock.now_s += 5.0

    assert ("ui-1", "AWS::EKS::Container") in counts(services(target))[0]


def test_pages_of_large_graphs_are_kept_as_text() -> None:
    """What later pages need is kept as JSON text, and decodes to what one page would hold."""
    target, whole = stand_in(graph_page_size=3), stand_in()
    for each in (target, whole):
        take(each, shop())
    window = {"StartTime": T0, "EndTime": T0 + 60}
    first = target.call("/ServiceGraph", window)
    second = target.call("/ServiceGraph", window | {"NextToken": first["NextToken"]})

    assert first["Services"] + second["Services"] == whole.call("/ServiceGraph", window)["Services"]


@pytest.mark.parametrize(("rule", "expected"), [("start", 1), ("overlap", 2), ("minute", 3)])
def test_window_rules(rule: str, expected: int) -> None:
    """A window holds what began in it; or what was under way; or what began in its minutes."""
    target = stand_in(window=rule)
    put(
        target,
        segment("ui", 1, start=0.5, took=0.1),
        segment("ui", 2, start=9.0, took=2.0),
        segment("ui", 3, start=12.0, took=1.0),
    )
    found = services(target, StartTime=10, EndTime=30)

    assert counts(found)[0]["ui", None] == expected


def test_status_tells_what_was_dropped() -> None:
    """Expired traces are counted apart from those that made room."""
    clock = Clock()
    target = stand_in(clock, retention_s=60.0)
    put(target, segment("ui", 1))
    clock.now_s += 61.0
    target.tick()

    assert target.status()["dropped"] == {"capacity": 0, "expired": 1}
    assert refused(target, "/Insight").status == 404
    assert target.call("/Traces", {"TraceIds": [TRACE]})["UnprocessedTraceIds"] == [TRACE]
