"""Run artifacts to arms, and two arms to a comparison."""

from dataclasses import replace

import pytest

from analysis.arm.inputs import ArmInputs, arm_inputs
from analysis.arm.result import AssumedBytes, arm_result
from analysis.model import ArmResult, PairResult, TruthCheck
from analysis.source.interface import Received
from analysis.source.xray.reader import XRayReader
from analysis.verdict.compare import compare
from k8s.errors import UsageError
from k8s.lab.truth import TruthRow
from k8s.topology import ServiceKey
from loadtest.record import Asked, LoadSeen, RunStatus, Window
from loadtest.truthfile import TruthFile
from loadtest.worker.latency import histogram
from loadtest.worker.tally import WorkerTally
from tests.analysis.graphs import CLIENT, REMOTE, Graph, call, port, snapshot, trace
from tests.loadtest.test_rundir import record

PODS = {
    "locust-1": "node-a",
    "locust-2": "node-b",
    "ui-1": "node-a",
    "ui-2": "node-b",
    "catalog-1": "node-a",
    "catalog-2": "node-b",
}
CATALOG = ServiceKey(namespace="catalog", name="catalog")
UI = ServiceKey(namespace="ui", name="ui")


def load(requests: int = 100, **changes) -> LoadSeen:
    worker = WorkerTally(
        worker="locust-1",
        zone="a",
        node="node-a",
        requests=requests // 2,
        connections=requests // 2,
        first_s=100.0,
        last_s=109.8,
        latency=histogram([(700, requests // 2)]),
    )
    first = replace(worker, **changes)
    first = replace(first, latency=histogram([(700, first.requests - first.failures)]))
    workers = (first, replace(worker, worker="locust-2", zone="b", node="node-b"))
    return LoadSeen(seconds=10.0, workers=workers)


def shop(same: int, cross: int) -> Graph:
    """A hundred requests through two ui pods; each pod's catalog calls split as given."""
    graph = Graph()
    for number, (mine, other) in enumerate((("1", "2"), ("2", "1")), start=1):
        graph.edge((f"locust-{number}", CLIENT), f"locust-{number}", 50)
        graph.edge(f"locust-{number}", f"ui-{number}", 50)
        if same:
            graph.edge(f"ui-{mine}", f"catalog-{mine}", same, each_s=0.001)
        if cross:
            graph.edge(f"ui-{mine}", f"catalog-{other}", cross, each_s=0.003)
    return graph


def truth(same: int, cross: int, *, per_call: bool = True) -> TruthFile:
    """What the relays counted for the same calls; ui-1 and catalog-1 have addresses .3 and .5."""
    rows = []
    for client, server, connections in (
        ("3", "5", same),
        ("3", "6", cross),
        ("4", "6", same),
        ("4", "5", cross),
    ):
        rows.append(
            TruthRow(
                service=CATALOG,
                client_ip=f"127.100.1.{client}",
                server_ip=f"127.100.1.{server}",
                connections=connections,
                failed=0,
                request_bytes=connections * 200,
                response_bytes=connections * 1800,
            )
        )
    return TruthFile(rows=tuple(rows), connection_per_call=per_call)


def arm(
    graph: Graph, *, mode: str = "off", seen: LoadSeen | None = None, traces: tuple[dict, ...] = (), **changes
) -> ArmInputs:
    made = record(arm=mode, run_id=f"r-{mode}", caveats=())
    seen = seen or load()
    plan = replace(made.asked.plan, rate_per_s=10.0, duration_s=seen.seconds)
    window = Window(start_s=100.0, end_s=103.0 + seen.seconds)
    made = replace(
        made,
        asked=Asked(mode=mode, service=CATALOG, client=UI, plan=plan),
        seen=replace(made.seen, measured=seen),
        measured=window,
        place=replace(made.place, zones=("a", "b", "c")),
    )
    values = {
        "folder": f"20261122T000000Z-{mode}",
        "record": made,
        "topology": (snapshot(PODS), snapshot(PODS, taken_at_s=window.end_s)),
        "reader": XRayReader(),
        "received": Received(answers=(graph.pages(),), rows=traces),
        "stable": True,
    }
    return arm_inputs(**(values | changes))


def focus(result: ArmResult) -> PairResult:
    assert (result.pairs[0].client, result.pairs[0].server) == ("ui", "catalog")
    return result.pairs[0]


def measured(inputs: ArmInputs) -> ArmResult:
    return arm_result(inputs, assumed=AssumedBytes())


def codes(result: ArmResult) -> set[str]:
    return {caveat.code for caveat in result.caveats}


def test_the_focus_pair_comes_first_and_the_generators_hop_is_there_too():
    """Pairs are workloads; nothing else is in the graph."""
    result = measured(arm(shop(40, 60), truth=truth(40, 60)))

    assert [(pair.client, pair.server) for pair in result.pairs] == [("ui", "catalog"), ("locust", "ui")]
    assert (focus(result).same_zone, focus(result).cross_zone) == (80, 120)
    assert codes(result) == set()
    assert result.rate_per_s == pytest.approx(10.0)


def test_truth_that_agrees():
    """Pod pair by pod pair, relays and graph say the same."""
    result = measured(arm(shop(40, 60), truth=truth(40, 60)))

    assert result.truth_check == TruthCheck(
        pairs=4, graph_calls=200, relay_connections=200, worst_relative_error=0.0
    )
    assert result.costs[0].bytes_source.startswith("measured")
    assert result.costs[0].request_bytes_per_call == pytest.approx(200)


def test_truth_that_disagrees_is_a_caveat():
    """Equal totals do not hide a pair that is off."""
    result = measured(arm(shop(40, 60), truth=truth(41, 59)))

    assert result.truth_check is not None
    assert result.truth_check.worst_relative_error == pytest.approx(1 / 41)
    assert "truth" in codes(result)


def kept_connections(calls: int, connections: int) -> tuple[dict, ...]:
    """A trace for each of *calls* from each ui pod to each catalog pod, over so many connections."""
    return tuple(
        trace(*call(client, server, port(4000 + number % connections)))
        for client in ("ui-1", "ui-2")
        for server in ("catalog-1", "catalog-2")
        for number in range(calls)
    )


def test_keep_alive_counts_connections():
    """Two hundred calls over twenty connections: the interval is that of twenty."""
    kept = truth(5, 5, per_call=False)
    pooled = measured(arm(shop(50, 50), truth=kept, traces=kept_connections(50, 5)))

    share = focus(pooled).share
    assert share is not None
    assert (share.estimate, share.n) == (pytest.approx(0.5), 20)
    assert pooled.truth_check is None
    assert codes(pooled) == {"keep-alive"}


def test_connections_older_than_the_window_are_said():
    """Over kept connections only: each of them predates the hints, and the interval is that of four pairs."""
    kept = truth(50, 50, per_call=False)
    rows = tuple(replace(row, connections=0) for row in kept.rows)

    result = measured(arm(shop(50, 50), truth=replace(kept, rows=rows)))

    share = focus(result).share
    assert share is not None
    assert (share.estimate, share.n) == (pytest.approx(0.5), 4)
    assert codes(result) == {"keep-alive", "old-connections", "connections-unknown"}


def test_a_sample_names_the_connections_of_a_cluster():
    """Without relays, half of the calls in traces: fewer than twenty choices, and far more than four."""
    result = measured(arm(shop(50, 50), traces=kept_connections(25, 5)))

    share = focus(result).share
    assert share is not None
    assert 10 < share.n < 20
    assert codes(result) == {"connections-sampled"}


def test_without_relays_the_assumptions_are_said():
    """On a cluster nothing counts connections and bytes: both are assumed, and both are marked."""
    result = measured(arm(shop(40, 60)))

    assert codes(result) == {"connections-unknown"}
    assert result.costs[0].bytes_source == "assumed"


@pytest.mark.parametrize(
    ("annotations", "assumed", "source", "request_bytes"),
    [
        ((), {}, "assumed", 1_000.0),
        ((("samezone.dev/request-bytes", "2000"),), {}, "told by the Service's annotations", 2_000.0),
        ((("samezone.dev/request-bytes", "2 kB"),), {}, "is no number", 1_000.0),
        (
            (("samezone.dev/request-bytes", "2000"),),
            {"request": 5.0, "source": "given by the user"},
            "given by the user",
            5.0,
        ),
    ],
)
def test_bytes_of_a_cluster_are_told_or_assumed(annotations, assumed, source, request_bytes):
    """The command line first, then the Service's annotations, then an assumption; the report says which."""
    inputs = arm(shop(40, 60))
    seen = inputs.record.seen
    service = replace(seen.service_before, annotations=annotations)
    record = replace(inputs.record, seen=replace(seen, service_before=service))

    (cost,) = arm_result(replace(inputs, record=record), assumed=AssumedBytes(**assumed)).costs

    assert source in cost.bytes_source
    assert cost.request_bytes_per_call == request_bytes


def test_a_price_of_ones_own():
    """Half the price, half the cost."""
    inputs = arm(shop(40, 60))
    costs = [
        arm_result(inputs, assumed=AssumedBytes(usd_per_gb=price)).costs[0].usd_per_month
        for price in (0.01, 0.005)
    ]
    assert costs[0] is not None
    assert costs[1] is not None
    assert costs[0].estimate == pytest.approx(2 * costs[1].estimate)


def test_lost_callees_and_orphans_are_unknown_calls():
    """An inferred node and a client edge at a catalog pod lower the focus pair's coverage."""
    graph = shop(40, 60).edge("ui-1", ("GET", REMOTE), 10).edge(("catalog-1", CLIENT), "catalog-1", 5)

    result = measured(arm(graph, truth=truth(40, 60)))

    assert focus(result).unknown == 15
    assert focus(result).coverage == pytest.approx(200 / 215)
    assert (result.loss.lost_callees, result.loss.orphans) == (10, 5)
    assert "documents-lost" in codes(result)


def test_requests_that_the_graph_does_not_show():
    """The generator's count against the graph's."""
    result = measured(arm(shop(40, 60), truth=truth(40, 60), seen=load(120)))

    assert (result.loss.generator_requests, result.loss.graph_requests) == (120, 100)
    assert "requests-differ" in codes(result)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"failures": 3}, "failures"),
        ({"spans_dropped": 3}, "spans-dropped"),
        ({"spans_again": 3}, "spans-again"),
        ({"cpu_percent_max": 95.0}, "saturated"),
        ({"lateness": histogram([(1000, 50)])}, "late"),
        ({"last_s": 105.0}, "rate"),
    ],
)
def test_load_that_was_not_what_was_asked(change: dict, code: str):
    """Each shortfall of the generator has its own caveat."""
    result = measured(arm(shop(40, 60), truth=truth(40, 60), seen=load(**change)))

    assert codes(result) == {code}


def test_calls_that_left_no_mark_are_said_to_be_missing():
    """Of a hundred requests ten are gone with all their calls: a tenth, though no document misses another."""
    whole = load()
    missed = replace(
        whole, workers=tuple(replace(one, requests=one.requests * 10 // 9) for one in whole.workers)
    )

    result = measured(arm(shop(40, 60), seen=missed))

    assert "calls-lost" in codes(result)
    assert result.loss.documents == 0
    assert result.loss.calls_share == pytest.approx(1 - whole.requests / missed.requests)


def test_what_was_delivered_twice_is_named_and_counted_once():
    """Entries above the workers' calls are second deliveries."""
    graph = shop(40, 60).edge(("locust-1", CLIENT), "locust-1", 7)

    result = measured(arm(graph, truth=truth(40, 60)))

    assert codes(result) == {"delivered-twice"}
    assert result.loss.repeated == 7
    assert result.loss.graph_requests == result.loss.generator_requests
    assert result.loss.share == 0


def test_a_comparison_is_candidate_minus_baseline():
    """From 40 % to 100 %: sixty points up, money down, and said to be a change."""
    before, after = arm(shop(40, 60), truth=truth(40, 60)), arm(shop(100, 0), mode="tar", truth=truth(100, 0))

    found = compare(before, after, created_s=1.0, versions=())

    change = found.changes[0]
    assert found.focus == ("ui", "catalog")
    assert change.share is not None
    assert change.share.estimate == pytest.approx(0.6)
    assert change.changed
    assert change.usd_per_month is not None
    assert change.usd_per_month.estimate < 0
    assert change.mean_s is not None
    assert change.mean_s.estimate == pytest.approx(0.001 - 0.0022)


def test_the_prediction_stands_beside_the_observation():
    """Without hints half of the calls would stay; 40 % did, and the gap is named."""
    found = measured(arm(shop(40, 60), truth=truth(40, 60))).expectation

    assert found is not None
    assert found.without_hints == pytest.approx(0.5)
    assert found.share == pytest.approx(0.5)
    assert [(part.cause.split(":")[0], part.share) for part in found.gap] == [
        ("no zone is preferred", pytest.approx(0.5))
    ]
    assert found.observed_minus_expected is not None
    assert found.observed_minus_expected.estimate == pytest.approx(-0.1)
    assert found.unknown == 0


def test_equal_arms_are_no_change():
    """An interval that holds zero is not a change."""
    found = compare(arm(shop(40, 60)), arm(shop(42, 58), mode="tar"), created_s=1.0, versions=())

    assert not found.changes[0].changed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda made: replace(made, asked=replace(made.asked, plan=replace(made.asked.plan, users=99))),
            "users",
        ),
        (lambda made: replace(made, asked=replace(made.asked, service=UI)), r"Service \(catalog/catalog aga"),
        (lambda made: replace(made, place=replace(made.place, context="other")), "context"),
        (lambda made: replace(made, place=replace(made.place, zones=("a", "b"))), "zones"),
        (lambda made: replace(made, place=replace(made.place, cross_zone_delay_s=0.1)), "cross-zone delay"),
        (
            lambda made: replace(
                made, seen=replace(made.seen, measured=LoadSeen(seconds=10, workers=load().workers[:1]))
            ),
            r"workers \(a:1 b:1 against a:1\)",
        ),
    ],
)
def test_unlike_arms_are_refused(change, message: str):
    """What differs is named; no number is given."""
    after = arm(shop(100, 0), mode="tar")

    with pytest.raises(UsageError, match=message):
        compare(arm(shop(40, 60)), replace(after, record=change(after.record)), created_s=1.0, versions=())


def test_an_arm_interrupted_before_its_window():
    """There is nothing to compare, and the message says in which state it ended."""
    inputs = arm(shop(1, 1))
    broken = replace(inputs.record, measured=None, status=RunStatus.INTERRUPTED)

    with pytest.raises(UsageError, match="it was interrupted before it measured anything"):
        measured(replace(inputs, record=broken))
