"""The unit of chance of every pair of a run: from relays, traces, Services, workers."""

import math
from dataclasses import replace

import pytest

from analysis.arm.chances import CLIENT_IP, chance_of, timed_calls
from analysis.arm.inputs import ArmInputs
from analysis.model import PairResult
from analysis.statistics.carry_over import after
from analysis.statistics.chance import chosen
from analysis.statistics.clusters import Unit
from k8s.topology import Service
from tests.analysis.graphs import Graph, call, port, trace
from tests.analysis.traced_shop import Shop, without
from tests.analysis.verdict.test_compare import CATALOG, arm, load, measured, shop, truth

NAMES_A_POD = (
    ("aws", "eks", "pod"),
    ("annotations", "otel.resource.k8s.pod.name"),
    ("metadata", "default", "network.peer.address"),
)


def unit_of(inputs: ArmInputs, pair: PairResult) -> Unit:
    found = chance_of(inputs, pair)
    assert found is not None
    return chosen([found]).unit


def test_affinity_of_the_service_makes_the_pod_the_unit():
    """As it was before the run or during it; the pair says so in a sentence."""
    inputs = arm(shop(40, 60), truth=truth(40, 60))
    tied = Service(namespace="catalog", name="catalog", session_affinity=CLIENT_IP)
    seen = inputs.record.seen
    before, during = (
        replace(inputs, record=replace(inputs.record, seen=replace(seen, **{name: tied})))
        for name in ("service_before", "service_during")
    )

    for one in (before, during):
        pair = measured(one).pairs[0]
        assert unit_of(one, pair) is Unit.CLIENT_POD
        assert pair.share is not None
        assert pair.share.method == "stratified Wilson, client-pod clusters"
        assert pair.share.n == 2
        assert "sessionAffinity" in pair.why_unit


def test_affinity_of_another_service_is_its_own():
    """That before the ui, in the snapshot: the generator's pair counts pods, the one under study not."""
    inputs = arm(shop(40, 60), truth=truth(40, 60))
    tied = Service(namespace="x", name="ui", session_affinity=CLIENT_IP)
    slices = tuple(replace(one, namespace="x") for one in inputs.topology[0].slices)
    snapshot = replace(inputs.topology[0], services=(tied,), slices=slices)
    inputs = replace(inputs, topology=(snapshot,))
    pairs = {(one.client, one.server): one for one in measured(inputs).pairs}

    assert unit_of(inputs, pairs["locust", "ui"]) is Unit.CLIENT_POD
    assert unit_of(inputs, pairs["ui", "catalog"]) is Unit.CONNECTION


@pytest.mark.parametrize(("connections", "unit"), [(50, Unit.CONNECTION), (2, Unit.PAIR)])
def test_the_generators_own_pair(connections, unit):
    """A connection a request, as the workers count them; kept ones that no trace names are pod pairs."""
    inputs = arm(shop(40, 60), truth=truth(40, 60), seen=load(connections=connections))
    pair = measured(inputs).pairs[1]

    assert (pair.client, pair.server) == ("locust", "ui")
    assert unit_of(inputs, pair) is unit


def test_a_pair_between_others_counts_connections_not_calls():
    """A chain behind the catalog: three hundred calls over kept connections are worth three pod pairs."""
    graph = shop(40, 60).edge("catalog-1", "cart-1", 100).edge("catalog-1", "cart-2", 200)
    inputs = arm(graph, truth=truth(40, 60))
    pair = next(one for one in measured(inputs).pairs if one.client == "catalog")

    found = chance_of(inputs, pair)

    assert found is None or found.by_connection.unit is Unit.PAIR


def test_sampled_calls_carry_their_place_in_the_window():
    """From the caller's own time; calls of other pairs are left out."""
    made = arm(shop(1, 1), traces=(trace(*call("ui-1", "catalog-1", port(1))),))
    window = made.record.measured
    assert window is not None
    start_s = made.counts.sample.calls[0].start_s
    assert start_s is not None

    (found,) = timed_calls(made, measured(made).pairs[0])

    assert found.at == pytest.approx((start_s - window.start_s) / window.length_s)
    assert (found.client, found.server, found.same_zone) == ("ui-1", "catalog-1", True)


def test_timed_calls_that_only_nodes_place_have_their_own_zones():
    """One name stands for callers in three zones; the calls that stay are as many as there were."""
    shop_of_services = Shop(seed=2, requests=300)
    rows = tuple(
        without(trace(*shop_of_services.documents(one)), *NAMES_A_POD) for one in shop_of_services.made
    )
    inputs = shop_of_services.inputs(rows=rows)
    pair = measured(inputs).pairs[0]

    found = timed_calls(inputs, pair)
    whole = after(found, -math.inf, math.inf, affinity=False)

    assert {(one.client, one.server) for one in found} == {("ui", "catalog")}
    assert {one.zone for one in found} == {"a", "b", "c"}
    assert sum(one.same_zone for one in found) == pair.same_zone
    assert whole is not None
    assert whole.by_connection.share == pytest.approx(shop_of_services.happened())


def test_without_calls_there_is_no_chance():
    """Nothing to say."""
    inputs = arm(Graph().edge("ui-1", "catalog-1", 1), truth=None)
    pair = replace(measured(inputs).pairs[0], flows=())

    assert chance_of(inputs, pair) is None
    assert inputs.record.asked.service == CATALOG
