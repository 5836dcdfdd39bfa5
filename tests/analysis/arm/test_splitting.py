"""Service names split by traces, our calls told from others': against a shop whose calls are known."""

from dataclasses import replace

import pytest

from analysis.arm.inputs import ArmInputs
from analysis.arm.result import AssumedBytes, arm_result
from analysis.model import ArmResult, OtherCalls
from analysis.verdict import gates
from analysis.verdict.judged import Gate, GateName
from analysis.verdict.windows import measured
from k8s.lab.xray.standin import StandIn
from loadtest.record import LoadSeen, Traffic
from tests.analysis.graphs import trace
from tests.analysis.traced_shop import LENGTH_S, RUN_ID, START_S, Shop, without
from tests.k8s.lab.xray.builders import Clock, put, stand_in

POD = (("aws", "eks", "pod"), ("annotations", "otel.resource.k8s.pod.name"))


def result(inputs: ArmInputs) -> ArmResult:
    return arm_result(inputs, assumed=AssumedBytes())


def gates_of(inputs: ArmInputs) -> tuple[Gate, ...]:
    return gates.of_window(measured(inputs, result(inputs), label="off").evidence)


def broken_gates(inputs: ArmInputs) -> set[GateName]:
    return {one.name for one in gates_of(inputs) if not one.passed}


def texts(found: ArmResult) -> dict[str, str]:
    return {caveat.code: caveat.text for caveat in found.caveats}


def flows(found: ArmResult) -> list[tuple[str, str | None, str, str | None, int]]:
    """The focus pair's, without times."""
    return [
        (one.client, one.client_zone, one.server, one.server_zone, one.calls) for one in found.pairs[0].flows
    ]


def stored(shop: Shop) -> StandIn:
    """Every document of the shop in the lab's X-Ray."""
    target = stand_in(Clock(START_S + LENGTH_S))
    for one in shop.made:
        put(
            target,
            *({"trace_id": f"1-{int(START_S):08x}-{one.number:024x}"} | doc for doc in shop.documents(one)),
        )
    return target


WINDOW = {"StartTime": START_S - 1, "EndTime": START_S + LENGTH_S + 1}


def test_every_node_renamed_to_its_service_and_every_trace_read():
    """The same zones, pods, shares and intervals as with pods' names, and the relays' own counts."""
    plain, renamed = Shop(seed=3, by_pod=True), Shop(seed=3)

    want, found = result(plain.inputs()), result(renamed.inputs())

    assert flows(found) == flows(want)
    assert found.pairs[0].share == want.pairs[0].share
    assert found.pairs[0].cells == want.pairs[0].cells
    assert found.pairs[0].loads == want.pairs[0].loads
    assert (found.pairs[0].coverage, found.pairs[0].unsampled) == (1.0, 0)
    assert found.truth_check is not None
    assert (found.truth_check.pairs, found.truth_check.worst_relative_error) == (18, 0.0)
    assert found.loss == want.loss
    assert texts(found) == {
        "split-by-traces": "X-Ray names services, not pods: zones are known from 1000 traces, for 3001 "
        "of 3001 calls of the pair, every trace of the run."
    }
    assert [(pair.client, pair.server, pair.calls) for pair in found.pairs] == [
        (pair.client, pair.server, pair.calls) for pair in want.pairs
    ]


def test_a_sample_of_the_traces_splits_the_graphs_totals():
    """The rest is counted and in no zone; the relays' pod pairs are all in the sample's interval."""
    shop = Shop(seed=3)
    found = result(shop.inputs(read=50))
    pair = found.pairs[0]

    assert pair.share is not None
    assert pair.share.low <= shop.happened() <= pair.share.high
    assert pair.share.high - pair.share.low > 0.1
    assert pair.calls == sum(shop.relays().values())
    assert pair.same_zone + pair.cross_zone + pair.unsampled == pair.calls
    assert 0.9 < pair.unsampled / pair.calls < 0.97
    assert "zones are known from 50 traces" in texts(found)["split-by-traces"]
    assert "(5 %); the other calls are in no zone" in texts(found)["split-by-traces"]
    assert found.truth_check is not None
    assert found.truth_check.outside == 0
    assert found.costs[0].calls_per_s == pytest.approx(pair.calls / found.load_s)
    assert broken_gates(shop.inputs(read=50)).isdisjoint({GateName.GRAPH, GateName.COVERAGE})


@pytest.mark.parametrize("by_pod", [True, False])
def test_tracing_sampled_at_five_percent(by_pod):
    """Named with its rate; the gates judge by it, cost is scaled up, and the share has the sample's width."""
    shop = Shop(seed=5, requests=1500, by_pod=by_pod)
    inputs = shop.inputs(traced=shop.traced(0.05))
    found = result(inputs)

    rate, share = found.tracing_rate, found.pairs[0].share
    assert rate is not None
    assert rate.low <= 0.05 <= rate.high
    assert share is not None
    assert share.low <= shop.happened() <= share.high
    assert share.n < 300
    assert found.truth_check is not None
    assert found.truth_check.outside == 0
    assert "requests-differ" not in texts(found)
    assert texts(found)["tracing-sampled"].startswith("Tracing is sampled: X-Ray has")
    gate = next(one for one in gates_of(inputs) if one.name is GateName.GRAPH)
    assert gate.passed
    assert "tracing is sampled at" in gate.seen
    assert found.costs[0].calls_per_s == pytest.approx(sum(shop.relays().values()) / LENGTH_S, rel=0.3)


def test_bytes_of_a_call_over_kept_connections_with_sampled_tracing():
    """The relays' bytes are of all calls, the graph's calls of the traced ones: the rate makes them alike."""
    shop = Shop(seed=5, requests=1500, kept=12)
    (found,) = result(shop.inputs(traced=shop.traced(0.05))).costs

    assert found.bytes_source == "measured by the relays (TCP payload)"
    assert found.request_bytes_per_call == pytest.approx(200, rel=0.3)
    assert found.response_bytes_per_call == pytest.approx(1800, rel=0.3)


def test_bytes_of_a_call_over_kept_connections_beside_other_traffic():
    """The relays counted others' bytes too, and nobody their calls: then they say nothing of a call."""
    shop = Shop(seed=2, requests=300, others=300, kept=12)
    found = result(shop.inputs())

    assert found.other is not None
    assert found.costs[0].bytes_source == "assumed"


def test_a_stretch_of_missing_traces_is_loss_not_sampling():
    """A collector that was away for two thirds of the window keeps whole traces, too."""
    shop = Shop(seed=5, requests=1500)
    inputs = shop.inputs(traced=shop.made[:500])
    found = result(inputs)

    assert found.tracing_rate is None
    assert "requests-differ" in texts(found)
    assert GateName.GRAPH in broken_gates(inputs)


@pytest.mark.parametrize("by_pod", [True, False])
def test_other_traffic_is_shown_and_in_no_figure(by_pod):
    """Users of the same shop in the same window: our numbers are those of our requests alone."""
    shop = Shop(seed=2, requests=800, others=400, by_pod=by_pod)
    found = result(shop.inputs())
    pair = found.pairs[0]

    mine = sum(len(one.calls) for one in shop.own)
    theirs = sum(len(one.calls) for one in shop.made) - mine
    assert pair.calls == mine
    assert pair.share is not None
    assert pair.share.estimate == pytest.approx(shop.happened(own=True))
    assert found.other is not None
    assert (found.other.requests, found.other.is_estimate) == (400, False)
    assert sum(one.calls for one in found.other.calls) == theirs
    assert (found.loss.orphans, found.loss.graph_requests) == (0, 800)
    assert texts(found)["other-traffic"] == (
        f"Other traffic in the window: 400 requests and {theirs} calls between services; it is in no figure."
    )
    if not by_pod:
        assert found.other.calls == (OtherCalls(client="ui", server="catalog", calls=theirs),)


@pytest.mark.parametrize("by_pod", [True, False])
def test_other_traffic_told_apart_where_the_collector_leaves_the_mark_out(by_pod):
    """By the name of the root, which is the generator's; the figures are those of marked traces."""
    shop = Shop(seed=2, requests=800, others=400, by_pod=by_pod)
    rows = tuple(without(trace(*shop.documents(one)), ("annotations", "run_id")) for one in shop.made)
    found, want = result(shop.inputs(rows=rows)), result(shop.inputs())

    assert found.pairs[0].share == want.pairs[0].share
    assert flows(found) == flows(want)
    assert found.other == want.other
    assert found.loss == want.loss


def test_other_traffic_told_apart_by_a_sample():
    """Estimated, and said to be; ours is never theirs as well."""
    shop = Shop(seed=2, requests=800, others=400)
    found = result(shop.inputs(read=300))

    mine = sum(len(one.calls) for one in shop.own)
    assert found.other is not None
    assert found.other.is_estimate
    assert found.pairs[0].calls == pytest.approx(mine, rel=0.1)
    assert GateName.GRAPH not in broken_gates(shop.inputs(read=300))
    assert "(estimated from a sample of the run's traces)" in texts(found)["other-traffic"]


def test_a_lost_worker_is_no_other_traffic():
    """Requests whose root never arrived are ours, and lost."""
    shop = Shop(seed=2, requests=300, by_pod=True)
    lost = [replace(one, worker=None) if one.number % 10 == 0 else one for one in shop.made]
    rows = tuple(trace(*shop.documents(one)) for one in shop.made if one.number % 10)
    orphans = tuple(trace(*list(shop.documents(one))[1:]) for one in shop.made if one.number % 10 == 0)
    found = result(shop.inputs(traced=lost, rows=rows + orphans))

    assert (found.other, found.loss.orphans) == (None, 30)


def test_what_cannot_be_placed_says_why_and_what_to_set():
    """Segments that name neither pod nor node: counted as unknown, with the variable to set."""
    shop = Shop(seed=2, requests=100)
    keys = (*POD, ("aws", "ec2", "instance_id"), ("metadata", "default", "network.peer.address"))
    rows = tuple(without(trace(*shop.documents(one)), *keys) for one in shop.made)
    pair = result(shop.inputs(rows=rows)).pairs[0]

    calls = sum(len(one.calls) for one in shop.made)
    assert (pair.unknown, pair.share, pair.coverage) == (calls, None, 0.0)
    (reason, count), *others = pair.unknown_reasons
    assert (count, others) == (calls, [])
    assert reason.startswith(
        "caller ui: its segments name no pod; set OTEL_RESOURCE_ATTRIBUTES=k8s.pod.name="
    )


def test_names_without_any_trace_say_what_to_set():
    """As when nothing but the graph was kept."""
    found = result(Shop(seed=2, requests=100).inputs(read=0))

    assert found.pairs[0].share is None
    assert texts(found)["names-unplaced"].startswith(
        "catalog, locust, ui: no pod has that name, and no trace says which pod it was; set OTEL_RESOURCE"
    )


def test_the_labs_xray_makes_the_same_of_these_documents():
    """Its graph of service names, with its traces, gives what the shop's own graph gives."""
    shop = Shop(seed=4, requests=60, others=20)
    target = stored(shop)
    pages = (target.call("/ServiceGraph", WINDOW),)
    ids = [f"1-{int(START_S):08x}-{one.number:024x}" for one in shop.made]
    rows = tuple(
        row
        for start in range(0, len(ids), 5)
        for row in target.call("/Traces", {"TraceIds": ids[start : start + 5]})["Traces"]
    )
    found, want = result(shop.inputs(answers=(pages,), rows=rows)), result(shop.inputs())

    assert found.pairs[0].share == want.pairs[0].share
    assert flows(found) == flows(want)
    assert found.other == want.other


def test_xray_finds_the_traces_that_are_not_the_runs():
    """By the filter expression that the source asks with."""
    shop = Shop(seed=4, requests=6, others=4)
    expression = f'!annotation.run_id OR annotation.run_id != "{RUN_ID}"'
    target = stored(shop)

    found = target.call(
        "/TraceSummaries", WINDOW | {"TimeRangeType": "Event", "FilterExpression": expression}
    )

    assert len(found["TraceSummaries"]) == 4


@pytest.mark.simulation
@pytest.mark.parametrize(
    ("kept", "sampled"),
    [(0, False), (12, True)],
    ids=["fresh connections, 5 % of the traces read", "12 kept connections a pod, tracing sampled at 5 %"],
)
def test_intervals_hold_the_routings_share_in_95_of_100(kept, sampled):
    """200 windows through the production functions: routing's share, and the relays' pairs."""
    hits = outside = 0
    for seed in range(200):
        shop = Shop(seed=seed, requests=800, kept=kept)
        found = result(shop.inputs(traced=shop.traced(0.08)) if sampled else shop.inputs(read=50))
        share = found.pairs[0].share
        assert share is not None
        hits += share.low <= shop.routed() <= share.high
        outside += bool(found.truth_check and found.truth_check.outside)

    assert 0.93 <= hits / 200 <= 0.99
    assert outside / 200 <= 0.09


def test_live_traffic_is_everybodys():
    """With names of services: all calls of all traces are placed, nobody is another, and no request lost."""
    shop = Shop(seed=2, requests=800, others=400)
    found = shop.inputs()
    asked = replace(found.record.asked, traffic=Traffic.LIVE)
    seen = replace(found.record.seen, measured=LoadSeen(seconds=LENGTH_S))
    record = replace(found.record, asked=asked, seen=seen)

    live = result(shop.inputs(record=record))

    assert (live.other, live.truth_check, live.rate_asked_per_s) == (None, None, None)
    assert live.pairs[0].calls == shop.relays().total()
    assert live.pairs[0].coverage == 1.0
    assert live.pairs[0].same_zone / live.pairs[0].calls == pytest.approx(shop.happened())
    assert (live.loss.orphans, live.loss.documents) == (0, 0)
    judged = shop.inputs(record=record)
    names = {one.name for one in gates_of(judged)}
    assert not names & {GateName.GENERATOR, GateName.RATE, GateName.SPANS, GateName.WORKERS}
    assert broken_gates(judged) == set()


def test_lost_callers_of_live_traffic_show_by_their_broken_traces():
    """A tenth of the requests lost the document of who made them: scaled up from the sample, in the loss."""
    shop = Shop(seed=2, requests=800, by_pod=True)
    lost = {one.number for one in shop.made if one.number % 10 == 0}
    rows = tuple(
        trace(*(doc for doc in shop.documents(one) if one.number not in lost or doc["name"] != one.worker))
        for one in shop.made
    )
    entered = [replace(one, worker=None) if one.number in lost else one for one in shop.made]
    found = shop.inputs()
    asked = replace(found.record.asked, traffic=Traffic.LIVE)
    seen = replace(found.record.seen, measured=LoadSeen(seconds=LENGTH_S))
    live = shop.inputs(
        rows=rows,
        answers=(shop.graph(entered).pages(),),
        record=replace(found.record, asked=asked, seen=seen),
    )
    assert result(live).loss.orphans == len(lost)
