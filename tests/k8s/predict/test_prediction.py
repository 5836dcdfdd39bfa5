"""Predictions against the worked examples, the proxy's rule played at random, and what always holds."""

import random
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s.errors import UsageError
from k8s.model.scene import Scene
from k8s.predict.clients import ClientNode, Clients, by_cpu, shared
from k8s.predict.expected import GapCause, LoadRange, expected_share
from k8s.predict.prediction import Prediction, predict, predict_all, with_mode
from k8s.predict.starting_point import StartingPoint, starting_point
from k8s.routing.allocation import allocate, cpu_ratios
from k8s.routing.assignments import assignments, realised
from k8s.routing.hints import HintsCache, SliceLists, count_ready, reconcile
from k8s.routing.modes import RoutingMode
from k8s.routing.outcomes import outcomes
from k8s.routing.proxy import HintsIgnored, usable
from k8s.topology import Endpoint, EndpointSlice, Node, NodeName, Service, ServiceKey, Snapshot, Zone
from tests.k8s.cases import OFF, counted, nodes_of, same_zone_share, service, slice_of, zone
from tests.k8s.routing.test_outcomes import places
from tests.k8s.routing.test_worked_examples import EXAMPLES

TAR, SAME_ZONE, SAME_NODE = RoutingMode.TAR, RoutingMode.PREFER_SAME_ZONE, RoutingMode.PREFER_SAME_NODE


def clients_in(weights: Mapping[str, Fraction | int]) -> Clients:
    """Clients on one node a zone."""
    total = Fraction(sum(weights.values()))
    return Clients(
        nodes=tuple(
            ClientNode(node=NodeName(f"node-{at}"), zone=Zone(at), share=weight / total)
            for at, weight in sorted(weights.items())
            if weight
        ),
        basis="given",
    )


def here(
    cpu: str, *slices: EndpointSlice, clients: Clients | None = None, of: Service = OFF
) -> StartingPoint:
    nodes = nodes_of(cpu)
    return StartingPoint(service=of, slices=slices, nodes=nodes, clients=clients or by_cpu(nodes))


def percents(one: Prediction) -> tuple[float, ...]:
    assert one.share is not None
    return tuple(round(100 * float(share), 1) for share in one.share)


def loads(one: Prediction) -> tuple[float, ...]:
    assert one.load is not None
    return tuple(map(float, one.load))


@pytest.mark.parametrize("name", EXAMPLES)
def test_worked_examples(name: str) -> None:
    """Off and TAR give the shares and the hints of every worked example."""
    example = EXAMPLES[name]
    found = here(example.cpu, slice_of(example.pods))

    off, tar = predict(found, RoutingMode.OFF), predict(found, TAR)

    assert (percents(off), percents(tar)) == ((example.shares[0],) * 2, (example.shares[1],) * 2)
    assert [one.hinted for one in tar.outcomes] == ([counted(one) for one in example.hinted] or [()])
    assert (tar.message is None) == bool(example.hinted)
    assert loads(off) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("cpu", "pods", "mode", "share", "load"),
    [
        ("1:1:1", "6/0/3", TAR, 66.7, (1.00, 1.00)),
        ("1:1:1", "6/0/3", SAME_ZONE, 66.7, (0.83, 1.33)),
        ("1:1:1", "5/2/2", TAR, 77.8, (1.00, 1.00)),
        ("1:1:1", "5/2/2", SAME_ZONE, 100, (0.60, 1.50)),
        ("1:1:1", "4/4/3", TAR, 33.3, (1.00, 1.00)),
        ("1:1:1", "4/4/3", SAME_ZONE, 100, (0.92, 1.22)),
        ("1:1:1", "2/1/1", TAR, 33.3, (1.00, 1.00)),
        ("1:1:1", "2/1/1", SAME_ZONE, 100, (0.67, 1.33)),
        ("1:1:1", "4/3/3", TAR, 100, (0.83, 1.11)),
        ("2:1:1", "3/3/3", TAR, 87.5, (0.75, 1.12)),
        ("2:1:1", "3/3/3", SAME_ZONE, 100, (0.75, 1.50)),
    ],
)
def test_load_comparison(
    cpu: str, pods: str, mode: RoutingMode, share: float, load: tuple[float, float]
) -> None:
    """What the balance of Auto costs in locality, and what PreferSameZone costs in balance."""
    found = predict(here(cpu, slice_of(pods)), mode)

    assert percents(found) == (share, share)
    assert loads(found) == pytest.approx(load, abs=0.0051)


@pytest.mark.parametrize("mode", [TAR, SAME_ZONE])
def test_traffic_that_does_not_follow_cpu(mode: RoutingMode) -> None:
    """With traffic 70/15/15 on 3/3/3 pods the busy zone's endpoints get 2.1 times the mean."""
    clients = clients_in({"a": 70, "b": 15, "c": 15})

    found = predict(here("1:1:1", slice_of("3/3/3"), clients=clients), mode)

    assert found.share == (Fraction(1), Fraction(1))
    assert found.load == (Fraction(45, 100), Fraction(210, 100))


def test_range_over_outcomes() -> None:
    """Where chance decides who gives an endpoint away, the load covers both, though the share is the same."""
    clients = clients_in({"a": 2, "b": 1, "c": 0})

    found = predict(here("2:1:1", slice_of("3/3/3"), clients=clients), TAR)

    assert [one.hinted for one in found.outcomes] == [counted("4/2/3"), counted("4/3/2")]
    assert found.share == (Fraction(5, 6), Fraction(5, 6))
    assert found.load == (Fraction(0), Fraction(3, 2))


def test_range_of_the_share() -> None:
    """Where a kept slice holds endpoints back, chance decides whether the busy zone gets a foreign one."""
    clients = clients_in({"b": 3, "c": 1})
    kept, written = slice_of("6", "6", name="kept"), slice_of("1/4/4/3", name="new")

    found = predict(here("1:1:1:1", kept, written, clients=clients), TAR)

    assert len(found.outcomes) == 3
    assert found.share == (Fraction(3, 4) * Fraction(4, 5) + Fraction(1, 4), Fraction(1))


def test_refusal() -> None:
    """A refusal comes with the controller's event, the arithmetic of each zone, and counts that work."""
    found = predict(here("1:1:1", slice_of("2/2/1")), TAR)

    assert found.message == (
        "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold "
        "(5 endpoints, 3 zones), addressType: IPv4"
    )
    assert found.allocation is not None
    assert [(one.minimum, one.maximum) for one in found.allocation.zones] == [(2, 2)] * 3
    assert found.counts is not None
    assert (found.counts.refused, found.counts.accepted) == ((2, 4, 5, 8), (3, 6, 7))
    assert found.nearest == (3, 6)
    assert [part.cause for part in found.cases[0].expected.gap] == [GapCause.NO_HINTS]


def test_nearest_count_may_be_far() -> None:
    """With one endpoint in six zones the nearest number that works is named although it is 5 away."""
    found = predict(here("1:1:1:1:1:1", slice_of("1")), TAR)

    assert found.counts is not None
    assert found.counts.accepted == ()
    assert found.nearest == (6,)


def test_no_count_works_without_ratios() -> None:
    """On nodes without zones no number of endpoints helps."""
    nodes = tuple(replace(node, zone=None) for node in nodes_of("1:1"))
    found = predict(replace(here("1:1", slice_of("1/1")), nodes=nodes), TAR)

    assert found.message is not None
    assert found.message.startswith("Insufficient Node information")
    assert found.nearest == ()


def test_fallback_zone() -> None:
    """A zone whose clients have no hinted endpoint uses all, and is named."""
    found = predict(here("1:1:1", slice_of("6/0/3")), SAME_ZONE)

    assert found.fallback_zones == ("b",)
    (part,) = found.cases[0].expected.gap
    assert (part.cause, part.share, part.zones) == (GapCause.FALLBACK, Fraction(1, 3), ("b",))
    assert part.reason is HintsIgnored.NO_HINT_FOR_ZONE


def test_present_hints_decide() -> None:
    """Hints that are there are kept where they fit, although a fresh start would lead to others."""
    cpu = "100:50:50"
    kept = predict(here(cpu, slice_of("3/3/3", "3/3/3")), TAR)
    fresh = predict(here(cpu, slice_of("3/3/3")), TAR)

    assert [one.hinted for one in kept.outcomes] == [counted("3/3/3")]
    assert [one.hinted for one in fresh.outcomes] == [counted("4/2/3"), counted("4/3/2")]


def test_any_order_of_slices() -> None:
    """Of two slices that fit one at a time, either may be kept: the cache lists them in any order."""
    one, two = slice_of("3/1", "3/1", name="one"), slice_of("3/2", "4/1", name="two")
    expected = {
        tuple(sorted(done.hinted))
        for order in ((one, two), (two, one))
        for done in [
            reconcile(service(), cpu_ratios(nodes_of("1:1")), SliceLists(unchanged=order), HintsCache())
        ]
    }

    found = predict(here("1:1", one, two), TAR)

    assert {one.hinted for one in found.outcomes} == expected
    assert len(found.cases) == 2


@settings(max_examples=60)
@given(
    parts=st.lists(st.sampled_from(["3/1", "2/2", "1/2", "0/3"]), min_size=4, max_size=4),
    hints=st.lists(st.sampled_from(["3/3", "2/3", "4/1", "1/3"]), min_size=4, max_size=4),
)
def test_assignments_are_those_of_the_orders(parts: list[str], hints: list[str]) -> None:
    """Over all orders of the slices the same outcomes come out, and no others."""
    slices = [
        slice_of(each, hint, name=f"s{at}") for at, (each, hint) in enumerate(zip(parts, hints, strict=True))
    ]
    cpu = cpu_ratios(nodes_of("1:1"))
    allocation = allocate(cpu, count_ready(slices))
    if allocation.refusal:
        return

    expected = {one for order in permutations(slices) for one in outcomes(cpu, SliceLists(unchanged=order))}

    assert {
        one.outcome for one in assignments(cpu, SliceLists(unchanged=tuple(slices)), allocation)
    } == expected


def test_many_outcomes() -> None:
    """Of very many outcomes only those that bound share and load are worked out, and they do bound them."""
    kept, written = slice_of("25", "25", name="kept"), slice_of("5/12/12/12/12/12", name="new")
    place = here(
        "1:1:1:1:1:1", kept, written, clients=clients_in(dict(zip("abcdef", range(1, 7), strict=True)))
    )

    found = predict(place, TAR)

    assert len(found.outcomes) == 101
    assert len(found.cases) <= 4
    lists, cpu = SliceLists(unchanged=place.slices), cpu_ratios(place.nodes)
    every = [
        expected_share(with_mode(OFF, TAR), realised(one), place.clients, place.nodes)
        for one in assignments(cpu, lists, allocate(cpu, 90))
    ]
    shares = [one.share for one in every if one.share is not None]
    loads_found = [one.load for one in every if one.load is not None]
    assert found.share == (min(shares), max(shares))
    assert found.load == (min(one.least for one in loads_found), max(one.greatest for one in loads_found))


def test_old_controller_ignores_new_values() -> None:
    """Kubernetes 1.33 does not act on PreferSameZone."""
    found = predict(replace(here("1:1", slice_of("2/2")), minor=33), SAME_ZONE)

    assert found.acts_as is RoutingMode.OFF
    assert percents(found) == (50, 50)


@pytest.mark.parametrize(
    ("mode", "minor", "share"),
    [
        (SAME_ZONE, 30, Fraction(1, 2)),
        (SAME_ZONE, 31, Fraction(1)),
        (TAR, 27, Fraction(1)),
        (SAME_NODE, 33, Fraction(1)),
    ],
)
def test_kube_proxy_versions(mode: RoutingMode, minor: int, share: Fraction) -> None:
    """kube-proxy up to 1.30 ignores hints that come from the field; hints of Auto it uses."""
    found = predict(replace(here("1:1", slice_of("2/2")), proxy_minor=minor), mode)

    assert found.share == (share, share)


def test_one_old_kube_proxy() -> None:
    """One node with an old kube-proxy sends half of its connections away, and the part is named."""
    place = replace(here("1:1", slice_of("2/2")), proxy_minors=((NodeName("node-a"), 30),))

    (case,) = predict(place, SAME_ZONE).cases

    assert case.expected.share == Fraction(3, 4)
    (part,) = case.expected.gap
    assert (part.cause, part.reason, part.zones) == (GapCause.IGNORED, HintsIgnored.ANNOTATION, ("a",))


def test_kube_proxy_too_old() -> None:
    """What is not modelled is refused."""
    with pytest.raises(UsageError, match=r"kube-proxy 1\.26 is not modelled"):
        predict(replace(here("1:1", slice_of("2/2")), proxy_minor=26), TAR)


def on_nodes(*names: str) -> EndpointSlice:
    """An endpoint on each; the first letter of a node's name is its zone."""
    plain = slice_of(str(len(names)))
    return replace(
        plain,
        endpoints=tuple(
            replace(one, node=NodeName(name), zone=Zone(name[0]))
            for one, name in zip(plain.endpoints, names, strict=True)
        ),
    )


def nodes_named(*names: str) -> tuple[Node, ...]:
    return tuple(
        Node(name=NodeName(name), zone=Zone(name[0]), ready=True, cpu_allocatable_milli=1000)
        for name in names
    )


def test_same_node() -> None:
    """Clients on a node without an endpoint use their zone's; the load follows."""
    nodes = nodes_named("a1", "a2", "b1")
    found = StartingPoint(
        service=OFF, slices=(on_nodes("a1", "a1", "b1"),), nodes=nodes, clients=by_cpu(nodes)
    )

    (case,) = predict(found, SAME_NODE).cases

    assert case.expected.share == 1
    assert case.expected.load == LoadRange(least=Fraction(1), greatest=Fraction(1))


def test_local_policy() -> None:
    """With internalTrafficPolicy Local all that is established stays, and bare nodes refuse."""
    nodes = nodes_named("a1", "a2", "b1")
    local = replace(OFF, internal_traffic_policy="Local")
    found = StartingPoint(
        service=local, slices=(on_nodes("a1", "a1", "b1"),), nodes=nodes, clients=by_cpu(nodes)
    )

    for one in predict_all(found):
        assert one.share == (Fraction(1), Fraction(1))
        assert one.cases[0].expected.refused == Fraction(1, 3)
        assert one.load == (Fraction(3, 4), Fraction(3, 2))


def test_headless_service() -> None:
    """Nobody uses the hints of a headless Service."""
    headless = replace(OFF, cluster_ip="None")

    found = predict(here("1:1", slice_of("2/2"), of=headless), SAME_ZONE)

    assert percents(found) == (50, 50)
    assert [one.hinted for one in found.outcomes] == [counted("2/2")]


def test_service_without_selector() -> None:
    """No controller writes hints for a Service without selector, so every mode leaves them as they are."""
    bare = replace(OFF, selector=())

    found = predict_all(here("1:1", slice_of("2/2", "2/2"), of=bare))

    assert {one.share for one in found} == {(Fraction(1), Fraction(1))}


def test_foreign_slice() -> None:
    """A slice of another manager gets no hints, which switches those of all the others off."""
    foreign = replace(slice_of("1", name="mine"), managed_by="me")

    found = predict(here("1:1", slice_of("2/2"), foreign), SAME_ZONE)

    assert percents(found) == (50, 50)
    assert found.cases[0].expected.gap[0].reason is HintsIgnored.ZONE_HINT_MISSING


def test_mode_is_set_as_the_command_sets_it() -> None:
    """A Service on Auto predicted with another mode loses the annotation, and off loses the field."""
    auto = service(annotations=service().annotations, traffic_distribution="PreferSameZone")

    assert with_mode(auto, SAME_ZONE) == replace(auto, annotations=())
    assert with_mode(with_mode(auto, TAR), RoutingMode.OFF) == OFF


@settings(max_examples=150)
@given(
    pods=st.lists(st.integers(0, 6), min_size=2, max_size=6).filter(any),
    weights=st.lists(st.integers(0, 50), min_size=6, max_size=6),
)
def test_off_is_the_product_of_the_shares(pods: list[int], weights: list[int]) -> None:
    """Without hints the share is the sum over zones of clients' share times endpoints' share, exactly."""
    clients = dict(zip("abcdef"[: len(pods)], weights, strict=False))
    clients["a"] = clients["a"] or 1
    found = here(":".join("1" * len(pods)), slice_of("/".join(map(str, pods))), clients=clients_in(clients))

    expected = sum(
        Fraction(clients[at], sum(clients.values())) * Fraction(count, sum(pods))
        for at, count in zip("abcdef", pods, strict=False)
    )

    assert predict(found, RoutingMode.OFF).share == (expected, expected)


MODES = st.sampled_from(list(RoutingMode))


@settings(max_examples=150)
@given(place=places(most=24), seed=st.randoms(use_true_random=False), mode=MODES)
def test_what_a_pass_does_is_among_the_cases(
    place: tuple[str, SliceLists], seed: random.Random, mode: RoutingMode
) -> None:
    """A pass of the controller with any choices and any order of slices leads to one of the cases."""
    cpu, lists = place
    slices = tuple(sorted(lists.every, key=lambda one: one.name))
    found = here(cpu, *slices)
    wanted = with_mode(OFF, mode)
    order = SliceLists(unchanged=tuple(seed.sample(slices, len(slices))))

    done = reconcile(wanted, cpu_ratios(found.nodes), order, HintsCache(), choose=seed.choice)
    if not any(one.ready is not False for each in slices for one in each.endpoints):
        return
    after = done.slices.every
    weights = {one.zone: float(one.share) for one in found.clients.nodes if one.zone}
    predicted = predict(found, mode)

    assert done.hinted in [one.hinted for one in predicted.outcomes]
    share = pytest.approx(same_zone_share(wanted, after, weights))
    shares = [case.expected.share for case in predicted.cases if case.hints.hinted == done.hinted]
    assert share in [float(one) for one in shares if one is not None]


@pytest.mark.parametrize("mode", RoutingMode)
@pytest.mark.parametrize("seed", [1, 2])
def test_monte_carlo(mode: RoutingMode, seed: int) -> None:
    """Connections drawn one by one through the proxy's rule come to the predicted share."""
    rng = random.Random(seed)
    pods = "/".join(str(rng.randint(0, 4)) for _ in range(4)) + "/3"
    clients = clients_in({letter: rng.randint(1, 9) for letter in "abcde"})
    found = here("2:1:1:1:1", slice_of(pods), clients=clients)
    wanted = with_mode(OFF, mode)
    lists = SliceLists(unchanged=found.slices)
    after = reconcile(wanted, cpu_ratios(found.nodes), lists, HintsCache(), choose=rng.choice).slices.every

    count, same = 4000, 0
    weights = [float(one.share) for one in clients.nodes]
    targets = {one.node: usable(wanted, after, one.node, one.zone).endpoints for one in clients.nodes}
    for one in rng.choices(clients.nodes, weights, k=count):
        same += rng.choice(targets[one.node]).zone == one.zone

    least, greatest = map(float, predict(found, mode).share or ())
    error = 4 * (max(least * (1 - least), greatest * (1 - greatest), 1e-9) / count) ** 0.5
    assert least - error <= same / count <= greatest + error


def test_sixty_endpoints_in_six_zones() -> None:
    """Sixty endpoints in six zones: every equal split, exactly."""
    found = predict(here("1:1:1:1:1:1", slice_of("20/15/10/10/5/0")), TAR)

    assert [one.hinted for one in found.outcomes] == [counted("10/10/10/10/10/10")]
    assert found.share == (Fraction(45, 60), Fraction(45, 60))
    assert found.load == (Fraction(1), Fraction(1))


KEY = ServiceKey(namespace="catalog", name="catalog")


def scene_of(*slices: EndpointSlice, services: tuple[Service, ...] = (OFF,), nodes: str = "1:1") -> Scene:
    snapshot = Snapshot(taken_at_s=0, nodes=nodes_of(nodes), services=services, slices=slices)
    return Scene(source="here", snapshot=snapshot, server_minor=35, proxy_minors=((NodeName("node-a"), 34),))


def test_situation_takes_the_services_slices() -> None:
    """Only the slices of the Service and of one family count, by name; versions come from the scene."""
    other = replace(slice_of("1"), service="other")
    six = replace(slice_of("2/2", name="six"), address_type="IPv6")
    scene = scene_of(slice_of("1", name="z"), slice_of("0/1", name="a"), other, six)

    found = starting_point(scene, KEY, by_cpu(nodes_of("1:1")))

    assert [one.name for one in found.slices] == ["a", "z"]
    assert (found.minor, found.proxy_minor, found.proxy_minors) == (35, 35, ((NodeName("node-a"), 34),))
    assert found.notes == ("IPv4 is predicted; catalog/catalog has slices of IPv6 too",)
    assert starting_point(scene, KEY, by_cpu(nodes_of("1:1")), family="IPv6").slices == (six,)


@pytest.mark.parametrize(
    ("scene", "message"),
    [
        (scene_of(slice_of("1"), services=()), "predicting Service catalog/catalog: not in here"),
        (
            scene_of(slice_of("1"), services=(replace(OFF, namespace="shop"),)),
            "not in here; there is shop/catalog",
        ),
        (scene_of(slice_of("1"), nodes="0"), "no nodes in here; save them too"),
        (scene_of(), "it has no endpoints in here"),
        (scene_of(slice_of("0")), "it has no endpoints in here"),
    ],
)
def test_situation_complaints(scene: Scene, message: str) -> None:
    """What is missing is named in one line."""
    clients = shared({NodeName("node-a"): Fraction(1)}, nodes_of("1"), "given")

    with pytest.raises(UsageError, match=message):
        starting_point(scene, KEY, clients)


def test_nothing_ready() -> None:
    """Without a ready endpoint nothing is established, and that is no share of 0."""
    found = predict(here("1:1", slice_of("1/1", ready=False)), SAME_ZONE)

    assert (found.share, found.load) == (None, None)
    assert found.cases[0].expected.refused == 1


def test_endpoint_of_unknown_zone_has_a_place_of_its_own() -> None:
    """An endpoint without zone on an unknown node is neither same-zone nor crossing on purpose."""
    stray = Endpoint(addresses=("stray",), ready=True)
    one = slice_of("1/0")

    (case,) = predict(here("1:1", replace(one, endpoints=(*one.endpoints, stray))), RoutingMode.OFF).cases

    assert {part.cause: part.share for part in case.expected.gap} == {
        GapCause.UNPLACED: Fraction(1, 2),
        GapCause.OFF: Fraction(1, 4),
    }
    assert zone("a") in case.expected.gap[0].zones
