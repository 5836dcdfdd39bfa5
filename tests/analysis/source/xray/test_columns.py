"""A graph read in columns says what it says edge by edge, to the last bit; and it stays small."""

import tracemalloc
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.arm import pairs
from analysis.model import Workload
from analysis.placement import Timeline
from analysis.source.facts import Facts
from analysis.source.stored_page import StoredPage
from analysis.source.xray.graph import calls_of
from k8s.errors import UsageError
from tests.analysis import plain_graphs
from tests.analysis.graphs import snapshot
from tests.analysis.plain_graphs import Pages

PODS = {"ui-1": "node-a", "ui-2": "node-b", "ui-3": None, "catalog-1": "node-a", "catalog-2": "node-c"}
TIMELINE = Timeline([snapshot(PODS)])
NAMES = st.sampled_from([*PODS, "catalog-unseen"])
COUNTS = st.integers(0, 9) | st.integers(0, 10**12)
TIMES = st.integers(-1, 40).map(lambda ms: ms / 1000) | st.floats(0, 1e6)
BUCKETS = st.lists(st.fixed_dictionaries({"Value": TIMES, "Count": COUNTS}), max_size=4)


@st.composite
def services(draw: st.DrawFn, kind: str | None = None) -> dict[str, Any]:
    """A node whose edges lead to any of the nodes, or to none."""
    edges = [
        {
            "ReferenceId": draw(st.integers(0, 6)),
            "SummaryStatistics": {
                "OkCount": draw(COUNTS),
                "ErrorStatistics": {"TotalCount": draw(COUNTS)},
                "FaultStatistics": {"TotalCount": draw(COUNTS)},
                "TotalCount": draw(COUNTS),
                "TotalResponseTime": draw(st.floats(0, 1e9)),
            },
            "ResponseTimeHistogram": draw(BUCKETS),
            **draw(st.sampled_from([{}, {}, {}, {"EdgeType": "Link"}])),
        }
        for _ in range(draw(st.integers(0, 4)))
    ]
    typed = {} if kind is None else {"Type": kind}
    return {"Name": draw(NAMES), "State": "active", "Edges": edges, **typed}


@st.composite
def graphs(draw: st.DrawFn) -> Pages:
    """Nodes with numbers of their own, some of them of the same name, on pages of two."""
    nodes = [*draw(st.lists(services(), max_size=5)), *draw(st.lists(services("client"), max_size=1))]
    numbered = [node | {"ReferenceId": number} for number, node in enumerate(nodes)]
    return tuple({"Services": numbered[at : at + 2]} for at in range(0, len(numbered), 2))


def stored(pages: Pages) -> tuple[StoredPage, ...]:
    return tuple(StoredPage(msgspec.Raw(msgspec.json.encode(page))) for page in pages)


@given(first=graphs(), second=graphs())
def test_columns_say_what_every_edge_says(first: Pages, second: Pages):
    """Two queries, nodes of one name, links, edges to nowhere; as objects and as bytes."""
    queries = [first, second, plain_graphs.again(first, 1000)]
    calls, entries = plain_graphs.calls_of(queries)
    found = calls_of(queries, Facts())
    assert found.calls == calls
    assert {one.name: one.count for one in found.entries} == entries
    again = calls_of([stored(query) for query in queries], Facts())
    assert (again.calls, again.entries, again.flaws) == (found.calls, found.entries, found.flaws)


@given(pages=graphs())
def test_a_pair_is_what_its_calls_are(pages: Pages):
    """Sums, cells, reasons and flows of all calls, whichever workloads they are of, as call by call."""
    calls, _ = plain_graphs.calls_of([pages])
    found = pairs.result((Workload("ui"), Workload("catalog")), calls_of([pages], Facts()).calls, TIMELINE)
    for field, wanted in plain_graphs.pair_of(calls, TIMELINE).items():
        assert getattr(found, field) == wanted, field


def mesh(pods: int) -> Pages:
    """Half of the pods call all of the other half."""
    half = pods // 2
    edges = [
        {
            "ReferenceId": half + number,
            "SummaryStatistics": {"TotalCount": 5 + number, "TotalResponseTime": 0.25},
            "ResponseTimeHistogram": [
                {"Value": 0.001 * number, "Count": 2},
                {"Value": 0.5, "Count": 3 + number},
            ],
        }
        for number in range(half)
    ]
    nodes = [
        {"ReferenceId": number, "Name": f"pod-{number}", "Edges": edges if number < half else []}
        for number in range(pods)
    ]
    return tuple({"Services": [node]} for node in nodes)


def test_an_edge_is_no_object():
    """Twenty thousand edges take what their numbers take: objects would be several times as much."""
    pages, edges = stored(mesh(284)), 142 * 142
    calls_of([pages], Facts())  # what is made once
    tracemalloc.start()
    try:
        found = calls_of([pages], Facts())
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found.calls) == edges
    assert kept < 120 * edges, "80 of them are numbers"
    assert most < 500 * edges


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (b'{"Services": [{"ReferenceId": 0}]}', r"`Name` - at `\$\[0\]\[0\]\.Services\[0\]`; is graph.json"),
        (b'{"Services": [{"ReferenceId": 0, "Name": "\xff"}]}', "not valid JSON"),
        (b"[]", r"Expected `object`, got `array` - at `\$\[0\]\[0\]`"),
    ],
)
def test_a_stored_page_that_is_no_graph_is_named(page: bytes, words: str):
    """The key, where it stands, and what to do; of bytes as of objects."""
    with pytest.raises(UsageError, match=words):
        calls_of([(StoredPage(msgspec.Raw(page)),)], Facts())
