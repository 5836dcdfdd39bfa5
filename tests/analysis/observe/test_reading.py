"""Counts become an observation: every pair exact, every caller told apart, nothing invented."""

from dataclasses import replace

import pytest

from analysis.arm.result import AssumedBytes
from analysis.model import Workload
from analysis.observe.observed import Lever, Observation, ObservedPair, Scope
from analysis.source.interface import Received
from k8s.errors import ExitCode, InvalidRunError
from k8s.topology import ServiceKey
from tests.analysis.graphs import CLIENT, REMOTE, SQL, TABLE, TOPIC, Graph
from tests.analysis.observe.looks import WINDOW, cluster, gathered, seen, service
from tests.analysis.traced_shop import LENGTH_S, ZONES, Shop


def pair_of(found: Observation, client: str, server: str) -> ObservedPair:
    return next(one for one in found.pairs if (one.result.client, one.result.server) == (client, server))


@pytest.mark.parametrize("by_pod", [True, False], ids=["pods", "service names"])
def test_every_pair_is_what_happened(by_pod: bool):
    """With nodes called after pods from the graph, after services by the traces: the same, exactly."""
    shop = Shop(by_pod=by_pod, others=200)

    found = seen(shop)

    pair = pair_of(found, "ui", "catalog")
    assert {(flow.client, flow.server): flow.calls for flow in pair.result.flows} == dict(shop.relays())
    assert pair.result.share.estimate == pytest.approx(shop.happened())
    assert (pair.result.coverage, pair.result.unsampled) == (1.0, 0)
    assert pair.calls_per_s == pytest.approx(shop.relays().total() / LENGTH_S)
    assert (pair.client_namespaces, pair.server_namespaces) == (("ui",), ("catalog",))
    # Our own load is one of the callers, others' requests begin at the ui.
    assert pair_of(found, "locust", "ui").result.calls == 1000
    assert {one.workload: one.requests for one in found.entries} == {"locust": 1000, "ui": 200}
    assert "our-load" in {one.code for one in found.caveats}


def test_nothing_is_controlled_and_it_says_so_first():
    """The first caveat of every observation; where the cluster was not watched that is said, too."""
    codes = [one.code for one in seen(Shop(by_pod=True)).caveats]

    assert codes[0] == "observed"
    assert {"topology-now", "traced-calls", "bytes-assumed"} <= set(codes)
    assert "topology-now" not in {one.code for one in seen(Shop(by_pod=True), watched=True).caveats}


def test_what_costs_most_comes_first():
    """Money is rate times crossing share times bytes times price, on both sides."""
    found = seen(Shop(by_pod=True), assumed=AssumedBytes(request=500, response=1500, usd_per_gb=0.02))

    pair = found.pairs[0]
    assert (pair.result.client, pair.result.server) == ("ui", "catalog")
    cross_per_s = pair.result.cross_zone / LENGTH_S
    month_s = 30 * 24 * 3600
    assert pair.request_gb_month == pytest.approx(cross_per_s * 500 * month_s / 1e9)
    assert pair.response_gb_month == pytest.approx(cross_per_s * 1500 * month_s / 1e9)
    assert pair.usd_month == pytest.approx(cross_per_s * 2000 / 1e9 * 2 * 0.02 * month_s)
    assert [one.usd_month for one in found.pairs] == sorted(
        (one.usd_month for one in found.pairs), reverse=True
    )


def test_calls_that_no_trace_tells_of_are_in_no_zone():
    """Service names with half of the traces: counted, unsampled, and nothing is extrapolated."""
    shop = Shop()
    whole = gathered(shop)
    half = replace(whole.received, rows=whole.received.rows[::2])

    pair = pair_of(seen(shop, received=half), "ui", "catalog").result

    assert pair.calls == shop.relays().total()
    assert 0.4 < pair.unsampled / pair.calls < 0.6
    assert pair.same_zone + pair.cross_zone + pair.unsampled == pair.calls


def test_a_pod_that_is_gone_is_unknown_with_its_reason():
    """Only what the cluster shows now has a zone; the rest is counted, and named."""
    shop = Shop(by_pod=True)
    kept = cluster(pods={pod: zone for pod, zone in ZONES.items() if pod != "ui-3"}, slices=())

    found = seen(shop, shown=kept)

    pair = pair_of(found, "ui", "catalog").result
    gone = sum(count for (client, _), count in shop.relays().items() if client == "ui-3")
    assert pair.unknown == gone > 0
    assert "ui-3" in pair.unknown_reasons[0][0]
    assert "pods-gone" in {one.code for one in found.caveats}


def test_leaves_are_dependencies_and_no_setting_reaches_them():
    """The X-Ray developer guide's example: client, EC2 service, DynamoDB, SNS. Nothing is lost."""
    graph = (
        Graph()
        .edge(("ui-1", CLIENT), "ui-1", 100)
        .edge("ui-1", "catalog-1", 40)
        .edge("ui-1", ("scorekeep-game", TABLE), 30)
        .edge("ui-1", ("game-topic", TOPIC), 20)
        .edge("catalog-1", ("gorm.Query", SQL), 60)
    )

    found = seen(Shop(), received=Received(answers=(graph.pages(),)))

    assert {(one.client, one.name): one.calls for one in found.dependencies} == {
        ("ui", "scorekeep-game"): 30,
        ("ui", "game-topic"): 20,
        ("catalog", "gorm.Query"): 60,
    }
    assert [one.result.calls for one in found.pairs] == [40]
    assert found.pairs[0].result.coverage == 1.0


def test_a_callee_without_a_document_is_unknown_not_gone():
    """The Service it is the host of is named, its zone is not known."""
    graph = (
        Graph().edge("ui-1", ("catalog.catalog.svc.cluster.local", REMOTE), 25).edge("ui-1", "catalog-1", 75)
    )

    pair = pair_of(seen(Shop(), received=Received(answers=(graph.pages(),))), "ui", "catalog").result

    assert (pair.calls, pair.unknown, pair.same_zone, pair.coverage) == (100, 25, 75, 0.75)


def test_the_scope_chooses_pairs():
    """Client or server in a namespace; callee behind a Service; what is left out is counted."""
    shop = Shop(by_pod=True)

    spaces = seen(shop, scope=Scope(namespaces=("catalog",)))
    assert [(one.result.client, one.result.server) for one in spaces.pairs] == [("ui", "catalog")]
    assert spaces.out_of_scope == 1000
    key = ServiceKey(namespace="catalog", name="catalog")
    assert len(seen(shop, scope=Scope(services=(key,))).pairs) == 1
    with pytest.raises(
        InvalidRunError, match="no call of namespace payments; calls were seen between 2 pairs"
    ):
        seen(shop, scope=Scope(namespaces=("payments",)))


def test_no_call_is_invalid_and_says_what_to_check():
    """Nothing at all, or requests that call nobody."""
    for graph, message in (
        (Graph(), "do the pods send their spans"),
        (Graph().edge(("ui-1", CLIENT), "ui-1", 7), "7 requests enter, but no service calls another"),
    ):
        with pytest.raises(InvalidRunError, match=message) as caught:
            seen(Shop(), received=Received(answers=(graph.pages(),), window=WINDOW))
        assert caught.value.exit_code is ExitCode.INVALID


def test_workloads_of_one_name_in_two_namespaces_are_two():
    """Both namespaces have a catalog; each pair has its own calls, and says whose it is."""
    shown = cluster()
    pods = tuple(
        replace(pod, namespace="other") if pod.name in ("catalog-5", "catalog-6") else pod
        for pod in shown.pods
    )
    shop = Shop(by_pod=True)

    found = seen(shop, shown=replace(shown, pods=pods, slices=()))

    calls = {(one.result.client, one.result.server): one.result.calls for one in found.pairs}
    theirs = sum(count for (_, to), count in shop.relays().items() if to in ("catalog-5", "catalog-6"))
    assert calls["ui", "other/catalog"] == theirs > 0
    assert calls["ui", "catalog/catalog"] == shop.relays().total() - theirs
    assert pair_of(found, "ui", "other/catalog").server_namespaces == ("other",)


def test_a_pair_behind_a_service_has_a_lever():
    """Six endpoints, 3/2/1, three equal zones: trafficDistribution keeps all of it."""
    found = pair_of(seen(Shop(by_pod=True)), "ui", "catalog").outlook

    assert (found.lever, found.service, found.mode_now) == (Lever.CAN, "catalog/catalog", "off")
    assert found.best == "prefer-close"
    modes = {one.mode: one for one in found.modes}
    assert modes["prefer-close"].share_low == modes["prefer-same-zone"].share_low == 1.0
    assert modes["off"].share_low == pytest.approx(1 / 3, abs=0.05)


def test_prices_of_a_service_annotation_are_used():
    """What the Service tells of its bytes goes before what is assumed."""
    told = service("catalog", annotations=(("samezone.dev/request-bytes", "200"),))

    pair = pair_of(seen(Shop(by_pod=True), shown=cluster(services=(told,))), "ui", "catalog")

    assert pair.cost.request_bytes_per_call == 200
    assert pair.cost.bytes_source == "told by the Service's annotations"


def test_names_are_workloads():
    """A workload without a namespace has a plain name."""
    assert all("/" not in one.result.client for one in seen(Shop(by_pod=True)).pairs)
    assert Workload("ui") in {one.result.client for one in seen(Shop(by_pod=True)).pairs}
