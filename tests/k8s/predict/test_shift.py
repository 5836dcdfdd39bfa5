"""A zonal shift by the model: the figures that were measured with the verified controller, and the advice."""

import random
from fractions import Fraction

import pytest

from k8s.errors import UsageError
from k8s.predict.clients import by_cpu
from k8s.predict.prediction import Prediction, predict
from k8s.predict.shift import busiest_after_shift, shift_advice
from k8s.predict.starting_point import StartingPoint, shifted
from k8s.routing.allocation import cpu_ratios
from k8s.routing.modes import RoutingMode
from k8s.topology import Zone
from tests.k8s.cases import OFF, nodes_of, slice_of

AWAY = Zone("c")


def start(pods: str, cpu: str = "1:1:1", hints: str = "") -> StartingPoint:
    nodes = nodes_of(cpu)
    return StartingPoint(service=OFF, slices=(slice_of(pods, hints),), nodes=nodes, clients=by_cpu(nodes))


def after(pods: str, mode: RoutingMode, cpu: str = "1:1:1", hints: str = "") -> Prediction:
    return predict(shifted(start(pods, cpu, hints), AWAY), mode)


@pytest.mark.parametrize(
    ("pods", "busiest", "idle"), [("3/3/3", "3/2", 0), ("5/5/5", "5/3", 0), ("10/10/10", "10/7", 0)]
)
@pytest.mark.parametrize("hinted", [False, True])
def test_auto_goes_on_counting_the_zone(pods: str, busiest: str, idle: int, hinted: bool) -> None:
    """3/3/3 pods: 2 usable of 3 in each surviving zone, 1.50 times the mean, two of six idle."""
    found = after(pods, RoutingMode.TAR, hints=pods if hinted else "")

    assert found.load == (idle, Fraction(busiest))
    assert found.share == (1, 1)


@pytest.mark.parametrize("pods", ["2/2/2", "4/4/4"])
def test_auto_loses_its_hints(pods: str) -> None:
    """Four or eight endpoints for three counted zones are refused."""
    found = after(pods, RoutingMode.TAR)

    assert found.refusal is not None
    assert found.share == (Fraction(1, 2), Fraction(1, 2))


@pytest.mark.parametrize("mode", [RoutingMode.PREFER_CLOSE, RoutingMode.PREFER_SAME_ZONE, RoutingMode.OFF])
@pytest.mark.parametrize("pods", ["2/2/2", "3/3/3", "4/4/4", "5/5/5"])
def test_the_field_stays_even(mode: RoutingMode, pods: str) -> None:
    """Own-zone hints know no counts."""
    assert after(pods, mode).load == (1, 1)


def test_survivors_only() -> None:
    """Nobody calls from the zone, nothing serves there, and its node stays."""
    found = shifted(start("3/3/3", "2:1:1"), AWAY)

    assert found.clients.by_zone == ((Zone("a"), Fraction(2, 3)), (Zone("b"), Fraction(1, 3)))
    assert {endpoint.zone for one in found.slices for endpoint in one.endpoints} == {"a", "b"}
    assert len(found.nodes) == 3


@pytest.mark.parametrize(
    ("pods", "zone", "message"),
    [
        ("3/3/3", "d", "shift away from 'd': no node is in it; zones are: a, b, c"),
        ("0/0/3", "c", "shift away from c: Service catalog/catalog has no endpoint elsewhere"),
    ],
)
def test_complaints(pods: str, zone: str, message: str) -> None:
    """A zone of no node, and a Service that lives in one zone only."""
    with pytest.raises(UsageError, match=message):
        shifted(start(pods), Zone(zone))


@pytest.mark.parametrize("seed", range(60))
def test_by_counts_as_by_the_predictor(seed: int) -> None:
    """What a survey computes from counts lies in the predictor's range."""
    rng = random.Random(seed)
    pods = "/".join(str(rng.randint(1, 8)) for _ in range(3))
    cpu = ":".join(str(rng.randint(1, 4)) for _ in range(3))
    here = start(pods, cpu)
    weights = {zone: float(share) for zone, share in here.clients.by_zone if zone}
    counts = {Zone(letter): int(count) for letter, count in zip("abc", pods.split("/"), strict=True)}

    fast = busiest_after_shift(cpu_ratios(here.nodes), counts, weights, AWAY)
    exact = predict(shifted(here, AWAY), RoutingMode.TAR)

    assert (fast is None) is (exact.refusal is not None)
    if fast is not None:
        each = [float(case.expected.load.greatest) for case in exact.cases if case.expected.load]
        assert any(fast == pytest.approx(one) for one in each)


@pytest.mark.parametrize(
    ("pods", "said"),
    [
        ("3/3/3", "the busiest endpoint would carry 1.50x the mean"),
        ("2/2/2", "Auto would lose its hints"),
        ("3/3/3", "prefer-same-zone stays at 1.00x"),
    ],
)
def test_advice(pods: str, said: str) -> None:
    """The sentence names what Auto would do, and what to set before."""
    advice = shift_advice(AWAY, after(pods, RoutingMode.TAR), after(pods, RoutingMode.PREFER_SAME_ZONE))

    assert advice is not None
    assert said in advice


def test_no_advice_where_nothing_happens() -> None:
    """Where Auto stays within its own bounds there is nothing to say."""
    calm = after("12/12/1", RoutingMode.TAR, "10:10:1")

    assert calm.load is not None
    assert calm.load[1] <= Fraction(6, 5)
    assert shift_advice(AWAY, calm, calm) is None
