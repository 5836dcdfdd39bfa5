"""The survey: its rows, and its shares against the exact predictor."""

import random
from dataclasses import replace
from fractions import Fraction

import pytest

from k8s.bench.bench_survey import scene as big_scene
from k8s.doctor.examination import diagnose
from k8s.doctor.place import place_of
from k8s.doctor.survey import survey, unhealthy
from k8s.model.scene import Scene
from k8s.predict.clients import by_cpu
from k8s.predict.prediction import predict, predict_all
from k8s.predict.starting_point import starting_point
from k8s.routing.modes import RoutingMode
from k8s.topology import Endpoint, EndpointSlice, ServiceKey, Zone
from tests.k8s.cases import AUTO, OFF, slice_of, zoneless
from tests.k8s.doctor.doctor_cases import (
    CASES,
    KEY,
    SAME_NODE,
    SAME_ZONE,
    ZONELESS,
    foreign,
    node,
    node_hinted,
    scene,
)

PLACES: dict[str, Scene] = {
    "E1": scene(of=OFF, pods="1/1/1"),
    "E2": scene(of=OFF, pods="2/1/1"),
    "E4": scene(of=OFF, pods="2/1/0"),
    "E5": scene(of=OFF, pods="6/0/3"),
    "E6": scene(of=OFF, pods="5/2/2"),
    "E7": scene(of=OFF, pods="4/3/3"),
    "E8": scene("2:1:1", "3/3/3", of=OFF),
    "E9": scene("2:1:1", "4/4/4", of=OFF),
    "E11": scene("4:1", "5/1", of=OFF),
    "E12": scene("3:1", "2/2", of=OFF),
    "hinted": scene(hints="3/3/3"),
    "donated": scene(pods="6/0/3", hints="3/3/3"),
    "stale": scene("2:1:1", hints="3/3/3"),
    "field": scene(pods="5/2/2", hints="5/2/2", of=SAME_ZONE),
    "field without pods in a zone": scene(pods="3/3", hints="3/3", of=SAME_ZONE),
    "old proxies": scene(hints="3/3/3", of=SAME_ZONE, proxies=30),
    "old server": scene(hints="3/3/3", of=SAME_ZONE, minor=33),
    "node hints": scene(
        of=SAME_NODE,
        slices=[node_hinted(slice_of("3/1/1", "3/1/1"))],
        more=[node("node-a2", "a"), node("node-b2", "b", cpu=500)],
    ),
    "node hints, old proxies": scene(
        of=SAME_NODE, slices=[node_hinted(slice_of("3/1/1", "3/1/1"))], proxies=33
    ),
    "local": scene(hints="3/3", pods="3/3", of=replace(AUTO, internal_traffic_policy="Local")),
    "headless": scene(hints="3/3/3", of=replace(AUTO, cluster_ip="None")),
    "endpoint without zone": scene(slices=[zoneless(slice_of("3/3/3"))]),
    "zoneless node": scene(of=OFF, more=[replace(ZONELESS, ready=False)]),
    "foreign": scene(slices=[slice_of("3/3/3", "3/3/3"), foreign(slice_of("1", name="x"))]),
    "not ready": scene(slices=[slice_of("3/3/3", "3/3/3"), slice_of("0/0/2", name="catalog-2", ready=False)]),
}


@pytest.mark.parametrize("name", PLACES)
def test_shares_as_predicted(name: str) -> None:
    """By zone counts the same shares come out as by the exact predictor, for every mode."""
    place = PLACES[name]
    exact = starting_point(place, KEY, by_cpu(place.snapshot.nodes))

    (row,) = survey(place)

    for prediction in predict_all(exact):
        least, greatest = prediction.share or (0, 0)
        assert dict(row.shares)[prediction.mode] == pytest.approx((float(least), float(greatest)))


@pytest.mark.parametrize(
    "name", ["hinted", "donated", "field", "node hints", "node hints, old proxies", "old proxies"]
)
def test_share_now_is_that_of_the_mode_in_force(name: str) -> None:
    """Where the hints are what the mode leads to, the share now is the one predicted for it."""
    place = PLACES[name]
    exact = starting_point(place, KEY, by_cpu(place.snapshot.nodes))

    (row,) = survey(place)

    predicted = predict(exact, row.mode).share
    assert predicted is not None
    assert row.share_now == pytest.approx(float(predicted[0]))


def test_row() -> None:
    """A row says what is asked for, what is there, and what Auto would be told."""
    (row,) = survey(scene(pods="2/1/1"))

    assert (row.service, row.mode, row.endpoints, row.hinted) == (KEY, RoutingMode.TAR, 4, 0)
    assert row.refusal == (
        "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold "
        "(4 endpoints, 3 zones)"
    )
    assert row.share_now == pytest.approx(1 / 3)
    assert dict(row.shares)[RoutingMode.PREFER_SAME_ZONE] == pytest.approx((1.0, 1.0))
    assert (row.finding, row.healthy) == ("D21", False)


@pytest.mark.parametrize("seed", range(40))
def test_shares_of_made_up_places(seed: int) -> None:
    """The same on places with random nodes, versions, endpoints and hints."""
    place = made_up(random.Random(seed))
    exact = starting_point(place, KEY, by_cpu(place.snapshot.nodes))

    (row,) = survey(place)

    for prediction in predict_all(exact):
        least, greatest = prediction.share or (0, 0)
        assert dict(row.shares)[prediction.mode] == pytest.approx((float(least), float(greatest)))


def made_up(rng: random.Random) -> Scene:
    """One Service, up to four zones, nine nodes and fourteen endpoints, hinted for zones, nodes or not."""
    letters = "abcd"[: rng.randint(2, 4)]
    nodes = [
        node(f"node-{n}", rng.choice(letters), ready=rng.random() < 0.9, cpu=rng.choice((500, 1000, 2000)))
        for n in range(rng.randint(2, 9))
    ]
    nodes.append(node("node-z", letters[0]))
    kind = rng.choice(("none", "own zone", "any zone", "own node"))
    endpoints = []
    for n in range(rng.randint(1, 14)):
        on = rng.choice(nodes)
        hints = {"own zone": on.zone, "own node": on.zone, "any zone": Zone(rng.choice(letters))}.get(kind)
        endpoints.append(
            Endpoint(
                addresses=(f"10.0.0.{n}",),
                zone=on.zone,
                node=on.name,
                ready=rng.random() < 0.9 or n == 0,
                zone_hints=(hints,) if hints else (),
                node_hints=(on.name,) if kind == "own node" else (),
            )
        )
    one = replace(slice_of("0"), endpoints=tuple(endpoints))
    of = rng.choice((AUTO, OFF, SAME_ZONE, SAME_NODE))
    place = scene(of=of, nodes=nodes, slices=[one], minor=rng.choice((30, 33, 35)))
    return replace(place, proxy_minors=tuple((each.name, rng.choice((30, 33, 35))) for each in nodes))


def test_chance_is_a_range() -> None:
    """Where the controller leaves hints to chance, the share is a range."""
    place = scene("2:1:1:1", "4/0/1/4", of=OFF)

    (row,) = survey(place)

    exact = predict(starting_point(place, KEY, by_cpu(place.snapshot.nodes)), RoutingMode.TAR).share
    assert exact == (Fraction(7, 10), Fraction(8, 10))
    assert dict(row.shares)[RoutingMode.TAR] == pytest.approx((0.7, 0.8))


@pytest.mark.parametrize("code", CASES)
def test_first_finding(code: str) -> None:
    """The table names the same first problem as the examination does; a problem goes before a risk."""
    place = CASES[code].sick
    examined = diagnose(place_of(place), KEY)
    first = {one.severity.value: one.code for one in reversed(examined.findings)}

    (row,) = survey(place)

    assert row.finding == first.get("problem", first.get("risk"))
    assert row.healthy is examined.healthy


def test_only_services_with_endpoints() -> None:
    """Services without endpoints have no row; the rows are sorted."""
    place = scene(hints="3/3/3")
    other = replace(AUTO, name="another")
    empty = replace(AUTO, name="empty")
    slices: tuple[EndpointSlice, ...] = (
        *place.snapshot.slices,
        replace(slice_of("2/1/1"), name="another-1", service="another"),
        replace(slice_of("0"), name="empty-1", service="empty"),
    )
    several = replace(
        place,
        snapshot=replace(place.snapshot, services=(*place.snapshot.services, other, empty), slices=slices),
    )

    rows = survey(several)

    another = ServiceKey(namespace="catalog", name="another")
    assert [row.service for row in rows] == [another, KEY]
    assert unhealthy(rows) == (another,)


@pytest.mark.parametrize(
    "place", [replace(scene(), snapshot=replace(scene().snapshot, nodes=())), scene(proxies=26)]
)
def test_nothing_to_say(place: Scene) -> None:
    """Without nodes, or with a kube-proxy that is not modelled, there are no shares, not wrong ones."""
    (row,) = survey(place)

    assert (row.share_now, row.shares) == (None, ())


def test_example_of_the_benchmark() -> None:
    """The made-up place of the benchmark has every kind of Service, and rows for all."""
    rows = survey(big_scene(0.02))

    assert len(rows) == 20
    assert {row.mode for row in rows} == set(RoutingMode) - {RoutingMode.PREFER_CLOSE}
    assert all(0 <= share <= 1 for row in rows for share in (row.share_now or 0.0,))
