"""The queries' texts on a real engine: what pairs, what does not, and how little leaves it."""

from collections.abc import Iterator

import pytest

from analysis.source.interface import Entry, Leaf
from analysis.source.spans import span_queries
from analysis.source.spans.span_queries import MOST_ROWS, Wanted
from tests.analysis.source.spans.tables import WINDOW, answer, counted
from tests.k8s.lab.logs.builders import World, record, rows_of

PORT = "network__peer__port"


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.api.close()


def visit(
    world: World, trace: int = 1, *, run: str = "R1", catalog: str = "catalog-1", **answered: object
) -> None:
    """A worker asks ui, which asks the catalog."""
    found = [
        record(1, kind="CLIENT", pod="locust-a", run_id=run, phase="measure"),
        record(2, parent=1, pod="ui-1", **{PORT: 40_001}),
        record(3, kind="INTERNAL", parent=2, pod="ui-1"),
        record(4, kind="CLIENT", parent=3, pod="ui-1", http__response__status_code=200) | answered,
        record(5, parent=4, pod=catalog, **{PORT: 40_000 + trace % 3}),
    ]
    world.add(*(one | {"traceId": f"{trace:032x}"} for one in found))


def calls(world: World, **more: object) -> dict[tuple[str, str], int]:
    return {(one.client, one.server): one.count for one in counted(world, **more).calls}  # type: ignore[arg-type]


def test_a_call_is_a_server_span_with_its_parent(world: World) -> None:
    """Pods by name, requests where they entered, connections by the caller's ports."""
    for trace in range(1, 7):
        visit(world, trace)
    found = counted(world)
    assert {(one.client, one.server): (one.count, one.connections) for one in found.calls} == {
        ("locust-a", "ui-1"): (6, 1),
        ("ui-1", "catalog-1"): (6, 3),
    }
    assert found.entries == (Entry(name="locust-a", count=6),)
    assert (found.lost, found.leaves, found.unattributed, found.repeated, found.flaws) == ((), (), 0, 0, ())
    (first, _) = found.calls
    assert first.total_s == pytest.approx(0.006)
    assert sum(count for _, count in first.histogram) == 6
    assert first.histogram[0][0] == pytest.approx(0.001, rel=0.2)


@pytest.mark.parametrize("server", ["SERVER", "Server", "SPAN_KIND_SERVER", 2, "2"])
def test_kinds_however_they_are_spelled(world: World, server: object) -> None:
    """AWS does not document which spelling it stores."""
    client = {"SERVER": "CLIENT", "Server": "Client", "SPAN_KIND_SERVER": "SPAN_KIND_CLIENT"}.get(
        str(server), 3
    )
    world.add(
        record(1, pod="ui-1") | {"kind": client},
        record(2, parent=1, pod="catalog-1") | {"kind": server},
        record(3, parent=1, pod="ui-1") | {"kind": client},
    )
    found = counted(world)
    assert [(one.client, one.server, one.count) for one in found.calls] == [("ui-1", "catalog-1", 1)]
    assert [one.count for one in found.leaves] == [1]
    assert found.flaws == ()


def test_a_kind_that_nobody_knows_is_said(world: World) -> None:
    """It is no call, and no silent loss either."""
    world.add(record(1) | {"kind": "SIDEWAYS"}, record(2, kind="PRODUCER"), record(3, kind="CONSUMER"))
    (flaw,) = counted(world).flaws
    assert "1 of 3 spans are of a kind that is not known ('SIDEWAYS')" in flaw.text
    assert not flaw.is_slight


def test_numbers_that_come_as_text(world: World) -> None:
    """Times and codes are read as numbers, whichever they are."""
    one = record(1, kind="CLIENT", pod="ui-1", http__response__status_code="503")
    texts = {key: str(value) for key, value in one.items() if key.endswith("Nano")}
    world.add(one | texts, record(2, parent=1, pod="catalog-1"))
    (call,) = counted(world).calls
    assert (call.count, call.faults, call.total_s) == (1, 1, pytest.approx(0.001))


@pytest.mark.parametrize(
    ("code", "status", "errors", "faults"),
    [
        (200, "UNSET", 0, 0),
        (404, "ERROR", 1, 0),
        (500, "ERROR", 0, 1),
        (None, "ERROR", 0, 1),
        (None, "STATUS_CODE_ERROR", 0, 1),
        (None, 2, 0, 1),
        (None, "OK", 0, 0),
    ],
)
def test_errors_and_faults(world: World, code: int | None, status: object, errors: int, faults: int) -> None:
    """As X-Ray tells them: by the status of HTTP, otherwise by that of the span; the caller's counts."""
    attributes = {} if code is None else {"http__response__status_code": code}
    world.add(
        record(1, kind="CLIENT", pod="ui-1", **attributes) | {"status": {"code": status}},
        record(2, parent=1, pod="catalog-1", http__response__status_code=200),
    )
    (call,) = counted(world).calls
    assert (call.errors, call.faults) == (errors, faults)


def test_a_client_span_without_an_answer(world: World) -> None:
    """A database's is a leaf; so is that of a host that is nobody's here."""
    world.add(
        record(1, kind="CLIENT", pod="catalog-1", db__system="mysql", db__name="orders"),
        record(2, kind="CLIENT", pod="ui-1", server__address="api.example.com"),
        record(3, kind="PRODUCER", pod="ui-1"),
    )
    found = counted(world)
    assert found.leaves == (
        Leaf(client="catalog-1", name="orders", type="Database::mysql", count=1),
        Leaf(client="ui-1", name="api.example.com", type="", count=1),
    )
    assert found.calls == ()


def test_a_run_has_its_own_calls_alone(world: World) -> None:
    """By the mark on the root of a trace; other runs, other phases and strangers are not in it."""
    for trace, run in enumerate(("R1", "R1", "R2", "it's"), 1):
        visit(world, trace, run=run)
    world.add(record(9, pod="ui-1") | {"traceId": "f" * 32})
    ours = {"run_id": "R1", "phase": "measure"}
    assert calls(world, **ours) == {("locust-a", "ui-1"): 2, ("ui-1", "catalog-1"): 2}
    assert counted(world, **ours).entries == (Entry(name="locust-a", count=2),)
    assert calls(world, run_id="it's", phase="measure")["ui-1", "catalog-1"] == 1
    assert calls(world, run_id="R1", phase="warmup") == {}
    others = counted(world, others=True, **ours)
    assert others.entries == (Entry(name="locust-a", count=2), Entry(name="ui-1", count=1))


def test_a_missing_parent(world: World) -> None:
    """In a run it is of nobody in particular; in everybody's a request that entered where it is seen."""
    world.add(
        record(1, kind="CLIENT", pod="locust-a", run_id="R1", phase="measure"),
        record(2, parent=1, pod="ui-1"),
        record(5, parent=4, pod="catalog-1"),
    )
    run = counted(world, run_id="R1", phase="measure")
    assert (run.unattributed, run.entries) == (1, (Entry(name="locust-a", count=1),))
    everybody = counted(world)
    assert everybody.unattributed == 0
    assert everybody.entries == (Entry(name="catalog-1", count=1), Entry(name="locust-a", count=1))


def test_what_came_twice_counts_once(world: World) -> None:
    """Where the ends show it the pairs are asked for with each span once; times and codes, too."""
    for _ in range(2):
        visit(world, status={"code": "ERROR"}, attributes={})
    found = counted(world, once=True)
    assert [(one.count, one.faults, round(one.total_s, 6)) for one in found.calls] == [
        (1, 0, 0.001),
        (1, 1, 0.001),
    ]
    assert (found.entries, found.repeated) == ((Entry(name="locust-a", count=1),), 1)
    rows = rows_of(answer(world, span_queries.ends(Wanted(window=WINDOW)))["results"])
    assert {(one["records"], one["spans"]) for one in rows} == {("2", "1")}


def test_the_window_is_that_of_the_spans_begin(world: World) -> None:
    """A call counts where its callee began, whenever its record was written."""
    late = WINDOW.end_s * 1e9
    world.add(
        record(1, kind="CLIENT", pod="ui-1"),
        record(2, parent=1, pod="catalog-1") | {"startTimeUnixNano": int(late)},
        record(3, kind="CLIENT", pod="ui-1"),
        record(4, parent=3, pod="catalog-1") | {"startTimeUnixNano": int(late) - 1},
    )
    found = counted(world)
    assert [one.count for one in found.calls] == [1]
    assert found.unattributed == 0


def test_a_table_is_read_on_from_a_row(world: World) -> None:
    """Beyond 10,000 rows the next are asked for by the last one's key: no pair twice, none left out."""
    for trace in range(1, 30):
        visit(world, trace, catalog=f"catalog-{trace}")
    wanted = Wanted(window=WINDOW)
    whole = rows_of(answer(world, span_queries.pairs(wanted))["results"])
    for text_of in (span_queries.pairs, span_queries.ends):
        rows = rows_of(answer(world, text_of(wanted))["results"])
        assert [one["row_key"] for one in rows] == sorted(one["row_key"] for one in rows)
        for at, row in enumerate(rows):
            rest = rows_of(answer(world, text_of(wanted, row["row_key"]))["results"])
            assert rest == rows[at + 1 :]
    assert len(whole) == 30


def test_what_leaves_the_engine_is_a_table_of_pairs(world: World) -> None:
    """As many rows for a thousand traces as for ten: one a pair, two a pod and kind at most."""
    sizes = set()
    for trace in range(1, 1_001):
        visit(world, trace, catalog=f"catalog-{trace % 5}")
        if trace in {10, 1_000}:
            wanted = Wanted(window=WINDOW)
            sizes.add(
                tuple(
                    len(answer(world, text)["results"])
                    for text in (span_queries.ends(wanted), span_queries.pairs(wanted))
                )
            )
    assert sizes == {(2 + 2 + 5, 1 + 5)}
    assert len(answer(world, span_queries.single_calls(wanted, 100))["results"]) == 100


def test_every_text_is_as_long_as_it_may_be() -> None:
    """With a run's id and a key as long as they come."""
    wanted = Wanted(window=WINDOW, run_id="R" * 200, phase="measure")
    for text in (
        span_queries.ends(wanted, "k" * 700),
        span_queries.pairs(wanted, "k" * 700, once=True),
        span_queries.single_calls(wanted, MOST_ROWS),
    ):
        assert len(text) <= span_queries.LONGEST


def test_single_calls_are_the_same_each_time(world: World) -> None:
    """Those with the lowest ids, which are drawn at random where spans begin."""
    for trace in range(1, 20):
        visit(world, trace)
    text = span_queries.single_calls(Wanted(window=WINDOW), 5)
    first, second = (rows_of(answer(world, text)["results"]) for _ in range(2))
    assert first == second
    assert {(one["client"], one["server"], one["port"]) for one in first} == {("locust-a", "ui-1", "40001")}
