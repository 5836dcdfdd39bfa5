"""Stored answers, read without AWS: tolerant of rows, strict about whose they are."""

from collections.abc import Iterator
from typing import Any

import pytest

from analysis.source.facts import Facts
from analysis.source.interface import CountUnit, Grain, Received
from analysis.source.registry import READERS
from analysis.source.spans.spans_reader import LOSS_METER, SpansReader
from k8s.errors import UsageError
from tests.analysis.source.spans.tables import counted
from tests.k8s.lab.logs.builders import World, record

FACTS = Facts(
    workloads={"catalog": "catalog", "catalog.catalog": "catalog"},
    callers=frozenset({"ui"}),
    pods={"10.0.0.7": "ui-7"},
)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.api.close()


def page(query: str, *rows: dict[str, object], **more: Any) -> dict[str, Any]:
    fields = [[{"field": key, "value": str(value)} for key, value in row.items()] for row in rows]
    return {"query": query, "whose": "everybody", "results": fields, **more}


def read(*pages: dict[str, Any], rows: tuple[dict[str, Any], ...] = ()) -> Any:
    return SpansReader().read(Received(answers=(pages,), rows=rows), FACTS)


def test_the_reader_is_registered() -> None:
    """Under the name that the source stores; requests between pods."""
    found = READERS["spans"].read(Received(answers=()), Facts())
    assert (found.title, found.unit, found.grain) == ("aws/spans", CountUnit.REQUESTS, Grain.POD)
    assert found.loss_meter == LOSS_METER


def test_the_queries_are_kept(world: World) -> None:
    """Each as it was sent."""
    world.add(record(1))
    assert [text[:7] for text in counted(world).queries] == ["SELECT ", "SELECT "]


def test_a_callee_that_could_have_answered_is_lost(world: World) -> None:
    """A Service's host, or a bare method under a caller whose calls are under study."""
    world.add(
        record(1, kind="CLIENT", pod="ui-1", server__address="catalog.catalog.svc"),
        record(2, kind="CLIENT", pod="ui-1", db__system="redis", server__address="catalog"),
    )
    found = counted(world, FACTS)
    assert [(one.client, one.server, one.count) for one in found.lost] == [("ui-1", "catalog", 1)]
    assert [one.type for one in found.leaves] == ["Database::redis"]


def test_a_caller_without_a_name_is_known_by_its_address(world: World) -> None:
    """Subsegments that came as documents name no resource; the callee saw the caller's address."""
    nameless = {"resource": {"attributes": {}}}
    world.add(
        record(1, kind="CLIENT") | nameless,
        record(2, parent=1, pod="catalog-1", network__peer__address="10.0.0.7"),
        record(3, kind="CLIENT") | nameless,
        record(4, parent=3, pod="catalog-1", network__peer__address="192.0.2.1"),
    )
    found = counted(world, FACTS)
    assert [(one.client, one.server, one.count) for one in found.calls] == [("ui-7", "catalog-1", 1)]
    assert found.unattributed == 1
    assert "1 calls name neither pod nor service" in found.flaws[0].text


def test_zones_are_stated_where_all_spans_agree(world: World) -> None:
    """A pod's name in two zones has none."""
    for number, zone in enumerate(("a", "a", "b"), 1):
        caller = record(10 * number, kind="CLIENT", pod="ui-1")
        callee = record(10 * number + 1, parent=10 * number, pod=f"catalog-{number % 2}")
        caller["resource"]["attributes"]["cloud.availability_zone"] = "a"
        callee["resource"]["attributes"]["cloud.availability_zone"] = zone
        world.add(caller, callee)
    found = counted(world)
    assert {one.server: (one.client_zone, one.server_zone) for one in found.calls} == {
        "catalog-0": ("a", "a"),
        "catalog-1": ("a", None),
    }


def test_rows_that_cannot_be_understood_are_counted() -> None:
    """And said, as a flaw that is not slight; the others count."""
    good = {"kind": "SERVER", "place": "root", "pod": "ui-1", "records": "2.0", "spans": "2e0"}
    found = read(
        page("ends", good, good | {"spans": "many"}, good | {"spans": "nan"}), page("pairs", {"calls": 1})
    )
    assert [(one.name, one.count) for one in found.entries] == [("ui-1", 2)]
    (flaw,) = found.flaws
    assert "3 rows of the answer were not understood" in flaw.text
    assert not flaw.is_slight


def test_a_graph_of_another_source_is_refused() -> None:
    """One line; the pages say what they answer."""
    with pytest.raises(UsageError, match=r"is graph\.json of aws/spans"):
        read({"Services": []})


def test_the_sample_is_read() -> None:
    """Traces by number, connections by port; a row without numbers is left out."""
    row = {"client": "ui-1", "server": "catalog-1", "port": "4711", "nanos": "2000000", "outcome": "1"}
    row |= {"began": "1795376700000000000", "trace": "a"}
    nameless = {key: value for key, value in row.items() if key != "client"} | {
        "peer": "10.0.0.7",
        "trace": "b",
    }
    found = read(rows=(row, nameless, row | {"nanos": "x"}, row | {"outcome": "2", "server": ""})).sample
    assert [(one.client, one.connection, one.duration_s, one.trace, one.is_error) for one in found.calls] == [
        ("ui-1", 4711, 0.002, 0, True),
        ("ui-7", 4711, 0.002, 1, True),
    ]
    assert found.traces == 2
