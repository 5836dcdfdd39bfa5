"""CPU ratios, minimum/desired/maximum per zone, refusals, the overload test."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s.routing.allocation import (
    NODES_NOT_LOADED,
    Allocation,
    FeasibleCounts,
    RatiosGap,
    Refusal,
    allocate,
    cpu_ratios,
    feasible_counts,
    overloaded,
    refused_by_rounding,
)
from k8s.topology import Node, NodeName, Zone
from tests.k8s.cases import counted, cpu_of, zone


def node(
    name: str, at: str | None, milli: int = 4000, *, ready: bool = True, role: str = "", value: str = ""
) -> Node:
    return Node(
        name=NodeName(name),
        zone=Zone(at) if at is not None else None,
        ready=ready,
        cpu_allocatable_milli=milli,
        labels=((f"node-role.kubernetes.io/{role}", value),) if role else (),
    )


def test_ratio_is_the_share_of_cpu() -> None:
    """Nodes of a zone add up; the ratio is the zone's share of all counted CPU."""
    cpu = cpu_ratios([node("a1", "a", 1930), node("a2", "a", 3920), node("b1", "b", 1930)])

    assert cpu.by_zone == (("a", 5850 / 7780), ("b", 1930 / 7780))
    assert cpu.gaps == ()


@pytest.mark.parametrize("role", ["control-plane", "master"])
@pytest.mark.parametrize("value", ["", "true", "false"])
def test_control_plane_is_skipped(role: str, value: str) -> None:
    """A control-plane label with any value takes a node out, even one without a zone."""
    cpu = cpu_ratios([node("a", "a"), node("b", "b"), node("cp", None, 0, role=role, value=value)])

    assert cpu.by_zone == (("a", 0.5), ("b", 0.5))
    assert cpu.control_plane == ("cp",)


def test_not_ready_is_skipped() -> None:
    """A node that is not ready does not count, and its missing zone does no harm."""
    cpu = cpu_ratios([node("a", "a"), node("b", "b"), node("new", None, 0, ready=False)])

    assert cpu.by_zone == (("a", 0.5), ("b", 0.5))
    assert cpu.not_ready == ("new",)


def test_one_zoneless_node_stops_everybody() -> None:
    """A single ready worker without a zone label leaves the whole cluster without ratios."""
    cpu = cpu_ratios([node("a", "a"), node("b", "b"), node("odd", None), node("blank", "")])

    assert cpu.by_zone is None
    assert cpu.gaps == (RatiosGap.ZONELESS_NODE,)
    assert cpu.zoneless == ("blank", "odd")
    assert cpu.cpu_milli_by_zone == (("a", 4000), ("b", 4000))


def test_one_node_without_cpu_stops_everybody() -> None:
    """So does a ready worker that reports no allocatable CPU."""
    cpu = cpu_ratios([node("a", "a"), node("b", "b"), node("odd", "c", 0)])

    assert cpu.by_zone is None
    assert cpu.gaps == (RatiosGap.ZERO_CPU_NODE,)
    assert cpu.zero_cpu == ("odd",)


def test_all_broken_nodes_are_named() -> None:
    """Both faults are told at once, so that one repair round is enough."""
    cpu = cpu_ratios([node("a", "a"), node("x", None), node("y", "b", 0), node("z", None, 0)])

    assert cpu.gaps == (RatiosGap.ZONELESS_NODE, RatiosGap.ZERO_CPU_NODE)
    assert cpu.zoneless == ("x", "z")
    assert cpu.zero_cpu == ("y", "z")


@pytest.mark.parametrize(
    ("nodes", "gap"),
    [
        ([node("a1", "a"), node("a2", "a")], RatiosGap.ONE_ZONE),
        ([node("a", "a"), node("b", "b", ready=False)], RatiosGap.ONE_ZONE),
        ([node("a", "a"), node("b", "b", role="control-plane")], RatiosGap.ONE_ZONE),
        ([node("a", "a", ready=False)], RatiosGap.NO_NODES),
        ([], RatiosGap.NO_NODES),
    ],
)
def test_fewer_than_two_zones(nodes: list[Node], gap: RatiosGap) -> None:
    """One zone, or none, is as good as no information."""
    cpu = cpu_ratios(nodes)

    assert cpu.by_zone is None
    assert (gap,) == cpu.gaps
    assert Refusal.INSUFFICIENT_NODES is allocate(cpu, 9).refusal


REFUSED = {
    "1:1": [1, 3, 5],
    "1:1:1": [1, 2, 4, 5, 8, 11],
    "1:1:1:1": [1, 2, 3, 5, 6, 7, 10, 11, 15],
    "1:1:1:1:1:1": [1, 2, 3, 4, 5, 8, 9, 10, 11, 15, 16, 17, 22, 23, 29],
    "2:1:1": [1, 2, 3, 5, 6, 10],
    "3:2:2": [1, 2, 3, 5, 6, 9],
    "3:3:2": [1, 2, 4, 5, 7, 10],
    "4:3:3": [1, 2, 3, 5, 6],
    "2:2:1": [1, 2, 3, 4, 6, 7, 12],
    "20:16:14": [1, 2, 3, 4, 5, 6],
}


@pytest.mark.parametrize("cpu", REFUSED)
def test_refused_counts(cpu: str) -> None:
    """Which numbers of ready endpoints are refused depends on the CPU ratios alone."""
    found = feasible_counts(cpu_of(cpu), around=100, span=100)

    assert tuple(REFUSED[cpu]) == found.refused
    assert tuple(n for n in range(1, 201) if n not in REFUSED[cpu]) == found.accepted


def test_feasible_counts_names_the_neighbours() -> None:
    """The nearest numbers of endpoints that work are told in both directions, within the span."""
    found = feasible_counts(cpu_of("1:1:1"), around=8, span=3)

    assert FeasibleCounts(around=8, accepted=(6, 7, 9, 10), refused=(5, 8, 11)) == found
    assert (found.nearest_below, found.nearest_above) == (7, 9)
    lone = feasible_counts(cpu_of("1:1:1"), around=1, span=1)
    assert (lone.nearest_below, lone.nearest_above) == (None, None)


@pytest.mark.parametrize(
    ("cpu", "zone_letter", "last", "differing"),
    [
        ("1:4", "a", 60, [6, 12, 24, 42, 48, 54]),
        ("2:3", "a", 30, [3, 6, 12, 21, 24, 27]),
    ],
)
def test_rounding_of_doubles_decides(cpu: str, zone_letter: str, last: int, differing: list[int]) -> None:
    """The minimum of a double's ceiling is one above the exact one for these numbers of endpoints."""
    parts = [int(part) for part in cpu.split(":")]
    ratio = Fraction(parts[0], sum(parts))

    found = []
    for n in range(1, last + 1):
        allocated = allocate(cpu_of(cpu), n).of(zone(zone_letter))
        assert allocated is not None
        if allocated.minimum != math.ceil(ratio * n / Fraction(6, 5)):
            found.append(n)

    assert differing == found


def test_refused_by_rounding_alone() -> None:
    """CPU 4:1 with 6 endpoints would be fine in exact arithmetic; 1:1 with 3 would not."""
    cpu = cpu_of("4:1")

    assert Refusal.MINIMUMS_EXCEED is allocate(cpu, 6).refusal
    assert refused_by_rounding(cpu, 6)
    assert Refusal.MINIMUMS_EXCEED is allocate(cpu_of("1:1"), 3).refusal
    assert not refused_by_rounding(cpu_of("1:1"), 3)
    assert not refused_by_rounding(cpu, 5)
    assert not refused_by_rounding(cpu_of("4"), 6)


def test_refused_allocation_still_shows_the_table() -> None:
    """Where the minimums exceed N, they are told zone by zone."""
    refused = allocate(cpu_of("2:1:1"), 6)

    assert [(one.zone, one.minimum, one.desired) for one in refused.zones] == [
        ("a", 3, 3.0),
        ("b", 2, 2.0),
        ("c", 2, 2.0),
    ]
    assert refused.message == (
        "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold "
        "(6 endpoints, 3 zones)"
    )


def test_messages() -> None:
    """The controller's words, to the letter."""
    assert (
        allocate(cpu_of("4"), 3).message
        == "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"
    )
    assert allocate(NODES_NOT_LOADED, 3).message == "Nodes only ready in one zone"
    assert allocate(cpu_of("1:1:1"), 2).message == "Insufficient number of endpoints (2 endpoints, 3 zones)"
    assert allocate(cpu_of("1:1:1"), 3).message is None


def test_refusal_of_message() -> None:
    """A refusal is recognised in an event's message, with or without counts and address type."""
    text = "Insufficient number of endpoints (2 endpoints, 3 zones), addressType: IPv4"

    assert Refusal.TOO_FEW_ENDPOINTS is Refusal.of_message(text)
    assert Refusal.ONE_ZONE is Refusal.of_message("Nodes only ready in one zone, addressType: IPv6")
    assert Refusal.of_message("Topology Aware Hints has been enabled, addressType: IPv4") is None


@pytest.mark.parametrize(
    ("have", "cpu", "expected"),
    [
        ("", "1:1:1", False),
        ("3/3/3", "1:1:1", False),
        ("3/3/3", "0", True),
        ("3/3/3", "1:1:1:1", True),
        ("3/3/3", "40:30:30", False),
        ("3/3/3", "46:27:27", True),
        ("2/2/2", "1:1", True),
    ],
)
def test_overloaded(have: str, cpu: str, expected: bool) -> None:
    """Overloaded: no ratios any more, a zone without hints, or fewer than its minimum."""
    assert expected is overloaded(counted(have) if have else (), cpu_of(cpu))


@given(
    cpu=st.lists(st.integers(min_value=1, max_value=10_000), min_size=2, max_size=6),
    n=st.integers(min_value=0, max_value=300),
)
def test_minimums_fit_whenever_accepted(cpu: list[int], n: int) -> None:
    """Whenever hints are given, the minimums sum to at most N, and every zone's maximum uses up the rest."""
    found: Allocation = allocate(cpu_of(":".join(map(str, cpu))), n)

    minimums = sum(one.minimum for one in found.zones)
    assert (found.refusal is None) == (len(cpu) <= n and minimums <= n)
    if found.refusal is None:
        assert all(one.maximum - one.minimum == n - minimums for one in found.zones)
        assert all(1 <= one.minimum <= one.desired for one in found.zones)


@given(cpu=st.lists(st.integers(min_value=1, max_value=50), min_size=2, max_size=4))
def test_never_more_than_the_threshold_over(cpu: list[int]) -> None:
    """An accepted minimum keeps an endpoint's load at or below 1.2 times the fair share."""
    ratios = cpu_of(":".join(map(str, cpu)))
    for n in feasible_counts(ratios, around=20, span=19).accepted:
        for one in allocate(ratios, n).zones:
            assert one.ratio * n / one.minimum <= 1.2 + 1e-9
