"""Records in the table: fields by their paths, missing ones, the engine's own limits."""

from collections.abc import Iterator

import pytest

from k8s.lab.logs.logs_errors import LogsError
from tests.k8s.lab.logs.builders import T0, World, record


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.api.close()


def test_fields_are_found_by_their_paths(world: World) -> None:
    """Numbers, lists and truths come back as text; what a record lacks is not in its row."""
    world.add(record(1, n=1, f=1.5, l=[1, "x"], t=True, q__odd='a"b'), record(2, other="x"))
    (first, second) = world.rows(
        "SELECT `attributes.n` AS n, `attributes.f` AS f, `attributes.l` AS l, `attributes.t` AS t, "
        "`attributes.q.odd` AS q, durationNano AS d, `attributes.nowhere` AS x FROM `aws/spans` "
        "ORDER BY spanId"
    )
    assert first == {"n": "1", "f": "1.5", "l": '[1,"x"]', "t": "true", "q": 'a"b', "d": "1000000"}
    assert second == {"d": "1000000"}


def test_times_bound_what_is_scanned(world: World) -> None:
    """Both ends are within, in whole seconds; statistics tell what was looked through, each time it was."""
    for number, at_s in enumerate((0, 10, 20), 1):
        world.add(record(number) | {"@timestamp": (T0 + at_s) * 1000 + 999})
    text = "SELECT spanId FROM `aws/spans` ORDER BY spanId"
    found = world.results(world.start(text, startTime=T0 + 10, endTime=T0 + 20))
    assert len(found["results"]) == 2
    assert found["statistics"]["recordsScanned"] == 2.0
    whole = world.results(world.start(text))["statistics"]["bytesScanned"]
    twice = world.results(
        world.start(
            f"SELECT spanId FROM `aws/spans` WHERE spanId IN ({text.replace(' ORDER BY spanId', '')})"
        )
    )
    assert twice["statistics"]["bytesScanned"] == 2 * whole > 0


def test_names_that_differ_in_case_alone_are_one_field(world: World) -> None:
    """AWS refuses to query those; here the first is kept, and how many were left out is counted."""
    world.add(record(1, Foo="a"), record(2, foo="b"))
    assert world.rows("SELECT `attributes.Foo` AS x FROM `aws/spans` ORDER BY spanId") == [{"x": "a"}, {}]
    assert world.log.table.left_out == 1


def test_an_unknown_column_is_malformed(world: World) -> None:
    """A name without a dot is a field that every span may have, or a mistake."""
    with pytest.raises(LogsError, match="nope") as caught:
        world.start("SELECT nope FROM `aws/spans`")
    assert caught.value.code == "MalformedQueryException"


def test_a_text_with_quotes_is_a_text(world: World) -> None:
    """Nothing in a literal gets out of it."""
    world.add(record(1, x="it's"))
    text = "SELECT spanId FROM `aws/spans` WHERE `attributes.x` = 'it\\'s'"
    assert len(world.rows(text)) == 1
    assert world.rows(text.replace("it\\'s", "\\' OR 1=1 --")) == []


def test_records_of_forgotten_traces_are_gone(world: World) -> None:
    """The trace store let them go."""
    world.add(record(1), record(2) | {"traceId": "b" * 32})
    world.log.table.forget(["b" * 32])
    assert world.rows("SELECT COUNT(*) AS n FROM `aws/spans`") == [{"n": "1"}]
