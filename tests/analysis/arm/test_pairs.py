"""Same-zone, cross-zone, unknown; and the arithmetic around them."""

import pytest

from analysis.arm import cost, pairs
from analysis.arm.cost import CallBytes
from analysis.arm.pairs import LostCalls
from analysis.model import PairResult, Workload
from analysis.placement import Timeline
from analysis.source.facts import Facts
from analysis.source.xray.graph import calls_of
from tests.analysis.graphs import Graph, snapshot

PAIR = (Workload("ui"), Workload("catalog"))
PODS = {
    "ui-1": "node-a",
    "ui-2": "node-b",
    "catalog-1": "node-a",
    "catalog-2": "node-b",
    "catalog-3": None,
    "catalog-4": "node-c",
}


def result(graph: Graph, **options) -> PairResult:
    return pairs.result(PAIR, calls_of([graph.pages()], Facts()).calls, Timeline([snapshot(PODS)]), **options)


def graph() -> Graph:
    built = Graph().edge("ui-1", "catalog-1", 60, each_s=0.002).edge("ui-1", "catalog-2", 20, each_s=0.004)
    return built.edge("ui-2", "catalog-1", 10, each_s=0.005).edge("ui-2", "catalog-3", 10)


def test_calls_are_same_cross_or_unknown():
    """The three add up to all calls; coverage and bounds speak of the unknown ones."""
    found = result(graph())

    assert (found.same_zone, found.cross_zone, found.unknown, found.calls) == (60, 30, 10, 100)
    assert found.coverage == pytest.approx(0.9)
    assert found.share is not None
    assert (found.share.estimate, found.share.n) == (pytest.approx(60 / 90), 90)
    assert found.share_bounds == (pytest.approx(0.6), pytest.approx(0.7))
    assert found.unknown_reasons == (("callee catalog-3: the pod was never scheduled", 10),)


def test_the_matrix_holds_every_call():
    """Unknown zones have cells of their own."""
    found = result(graph())

    cells = [(cell.client_zone, cell.server_zone, cell.calls) for cell in found.cells]
    assert cells == [("a", "a", 60), ("a", "b", 20), ("b", "a", 10), ("b", None, 10)]
    assert sum(flow.calls for flow in found.flows) == found.calls


def test_lost_calls_are_unknown_too():
    """A call whose callee's segment never arrived lowers coverage, and stands in the matrix."""
    found = result(graph(), lost=[LostCalls(reason="callee lost", count=25)])

    assert (found.unknown, found.calls) == (35, 125)
    assert found.share_bounds == (pytest.approx(60 / 125), pytest.approx(95 / 125))
    assert found.cells[-1].calls == 25
    assert found.unknown_reasons[0] == ("callee lost", 25)


def test_latency_same_against_cross():
    """Groups are compared within the arm: cross minus same."""
    found = result(graph())

    assert found.same_latency.p50_s == 0.002
    assert found.cross_latency.calls == 30
    assert found.cross_minus_same_s is not None
    assert found.cross_minus_same_s.estimate == pytest.approx((20 * 0.004 + 10 * 0.005) / 30 - 0.002)


def test_a_ready_pod_without_calls_is_shown():
    """catalog-4 serves nobody: that is a finding, not a gap in the table."""
    loads = {load.pod: (load.calls, load.times_mean) for load in result(graph()).loads}

    assert loads["catalog-4"] == (0, 0.0)
    assert loads["catalog-1"] == (70, pytest.approx(70 / 25))


def test_expected_share_of_random_routing():
    """Sum over zones of client share times pod share: a 0.8 x 1/3 + b 0.2 x 1/3."""
    assert result(graph()).expected_even_share == pytest.approx(1 / 3)


@pytest.mark.parametrize("empty", [Graph(), Graph().edge("ui-1", "catalog-1", 0)])
def test_no_calls_no_numbers(empty: Graph):
    """A pair without calls, listed or not, has no share, and does not divide by zero."""
    found = result(empty)

    assert (found.calls, found.share, found.share_bounds, found.coverage) == (0, None, None, None)
    assert found.expected_even_share is None


def test_cost_counts_both_directions():
    """10 calls/s, 30 of 90 cross, 11 kB each: bytes x 2 x 0.01 USD/GB x 30 days."""
    found = cost.of_pair(
        result(graph()), CallBytes(request=1000, response=10_000, source="assumed"), load_s=10.0
    )

    assert found.calls_per_s == pytest.approx(10.0)
    assert found.usd_per_month is not None
    expected = 10 * (30 / 90) * 11_000 / 1e9 * 0.02 * 30 * 24 * 3600
    assert found.usd_per_month.estimate == pytest.approx(expected)
    assert found.usd_per_month.low < expected < found.usd_per_month.high


def test_a_terabyte_a_month_at_two_thirds_costs_thirteen_dollars():
    """The published figure: 1 TB a month, three even zones, 0.02 USD per GB crossing -> 13.3 USD."""
    even = result(Graph().edge("ui-1", "catalog-1", 100).edge("ui-1", "catalog-2", 200))
    seconds = cost.SECONDS_PER_MONTH
    call_bytes = CallBytes(request=0, response=1e12 / 300, source="assumed")

    found = cost.of_pair(even, call_bytes, load_s=seconds)

    assert found.usd_per_month is not None
    assert found.usd_per_month.estimate == pytest.approx(13.33, abs=0.01)
