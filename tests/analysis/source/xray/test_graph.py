"""The service graph as calls, and what it lost."""

import pytest

from analysis.source.facts import Facts
from analysis.source.interface import Entry
from analysis.source.xray import graph as xray_graph
from analysis.source.xray.graph import GraphCalls
from k8s.errors import UsageError
from tests.analysis.graphs import CLIENT, REMOTE, Graph

FACTS = Facts(workloads={"ui-1": "ui"}, callers=frozenset({"ui"}))


def calls_of(queries) -> GraphCalls:
    return xray_graph.calls_of(queries, FACTS)


def test_edges_between_pods_are_calls():
    """Counts, faults, times and histograms come from the caller's edge."""
    pages = Graph().edge("ui-1", "catalog-1", 10, each_s=0.003, faults=2).pages()

    found = calls_of([pages])

    (call,) = found.calls
    assert (call.client, call.server, call.count, call.faults) == ("ui-1", "catalog-1", 10, 2)
    assert call.total_s == pytest.approx(0.03)
    assert call.histogram == ((0.003, 10),)


def test_an_edge_to_a_node_on_a_later_page_is_resolved():
    """ReferenceIds are resolved over all pages of a query."""
    graph = Graph().edge("ui-1", "catalog-1", 1).edge("ui-2", "catalog-1", 2).edge("ui-1", "catalog-2", 4)

    found = calls_of([graph.pages(size=1)])

    assert [(call.client, call.server, call.count) for call in found.calls] == [
        ("ui-1", "catalog-1", 1),
        ("ui-1", "catalog-2", 4),
        ("ui-2", "catalog-1", 2),
    ]


def test_entries_are_the_client_edges():
    """A request that enters at a pod hangs under a client node of the pod's name."""
    graph = Graph().edge(("worker-1", CLIENT), "worker-1", 7).edge("worker-1", "ui-1", 7)

    found = calls_of([graph.pages()])

    assert found.entries == (Entry(name="worker-1", count=7),)
    assert [(call.client, call.server) for call in found.calls] == [("worker-1", "ui-1")]


def test_calls_into_an_inferred_node_are_lost():
    """The callee's segment never arrived: counted apart, not as a call between pods."""
    found = calls_of([Graph().edge("ui-1", ("GET", REMOTE), 3).edge("ui-1", "catalog-1", 5).pages()])

    assert [(call.server, call.count) for call in found.lost] == [("GET", 3)]
    assert [(call.server, call.count) for call in found.calls] == [("catalog-1", 5)]


def test_a_pod_that_shows_as_two_nodes_is_added_up():
    """Mixed cloud.platform values split a pod by Type; the name joins it again."""
    graph = Graph()
    graph.edge("ui-1", ("catalog-1", "AWS::EKS::Container"), 3).edge("ui-1", ("catalog-1", None), 4)

    found = calls_of([graph.pages()])

    assert [(call.server, call.count) for call in found.calls] == [("catalog-1", 7)]


def test_two_queries_are_added_up_though_their_ids_differ():
    """Windows over six hours are two graphs with ids of their own."""
    first = Graph().edge("ui-1", "catalog-1", 3, each_s=0.001).pages()
    second = Graph().edge("x", "y", 1).edge("ui-1", "catalog-1", 5, each_s=0.002).pages()

    found = calls_of([first, second])

    call = found.calls[0]
    assert (call.client, call.count, call.histogram) == ("ui-1", 8, ((0.001, 3), (0.002, 5)))
    assert call.total_s == pytest.approx(0.013)


def test_span_links_and_dangling_edges_are_no_calls():
    """Links carry no statistics, and an edge may point nowhere."""
    pages = Graph().edge("ui-1", "catalog-1", 3, link=True).edge("ui-1", "catalog-2", 1).pages()
    del pages[0]["Services"][2]

    assert calls_of([pages]).calls == ()


def test_a_file_that_is_no_graph_is_said_to_be_none():
    """A service without a name gets one line."""
    with pytest.raises(UsageError, match=r"required field `Name`.*; is graph\.json an X-Ray graph"):
        calls_of([({"Services": [{"ReferenceId": 0}, {"ReferenceId": 1, "Edges": [{"ReferenceId": 0}]}]},)])


def test_a_request_that_was_delivered_twice_is_one_request():
    """The exporter's new segment id makes two entries of it; the call below has the span's own id."""
    graph = Graph().edge(("w1", CLIENT), "w1", 1028).edge("w1", "ui-1", 990).edge("w1", ("GET", REMOTE), 10)
    graph.edge("ui-1", "catalog-1", 1830)

    found = xray_graph.calls_of([graph.pages()], Facts(generators=frozenset({"w1"})))

    assert (found.entries, found.repeated) == ((Entry(name="w1", count=1000),), 28)


def test_a_request_whose_call_was_lost_is_no_second_delivery():
    """What it called has no caller then, and says so."""
    graph = (
        Graph().edge(("w1", CLIENT), "w1", 1000).edge("w1", "ui-1", 990).edge(("ui-1", CLIENT), "ui-1", 10)
    )

    found = xray_graph.calls_of([graph.pages()], Facts(generators=frozenset({"w1"})))

    assert found.repeated == 0
    assert found.entries == (Entry(name="ui-1", count=10), Entry(name="w1", count=990))


def test_entries_at_anything_but_a_worker_stay():
    """Nobody knows how many calls each of their requests makes."""
    graph = Graph().edge(("ui-1", CLIENT), "ui-1", 5).edge("ui-1", "catalog-1", 3)

    found = xray_graph.calls_of([graph.pages()], Facts(generators=frozenset({"w1"})))

    assert (found.entries, found.repeated) == ((Entry(name="ui-1", count=5),), 0)
