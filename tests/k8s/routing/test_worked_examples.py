"""One pass of the EndpointSlice controller: the worked examples, and what a change of nodes does."""

from dataclasses import dataclass, replace

import pytest

from k8s.routing.allocation import ZoneCounts, cpu_ratios, overloaded
from k8s.routing.hints import HintsCache, SliceLists, reconcile
from k8s.routing.outcomes import outcomes
from k8s.topology import Service, Zone
from tests.k8s.cases import (
    AUTO,
    by_cpu,
    counted,
    cpu_of,
    enabled,
    load_range,
    nodes_of,
    reconciled,
    same_zone_share,
    service,
    slice_of,
)

SAME_ZONE = service(traffic_distribution="PreferSameZone")


@dataclass(frozen=True)
class Example:
    """A Service of one slice without hints, for which Auto is switched on."""

    cpu: str
    pods: str
    zones: tuple[tuple[int, float, int], ...]
    """(minimum, desired to two digits, maximum) per zone."""
    hinted: tuple[str, ...]
    """The per-zone outcomes; empty: refused."""
    moved: str
    """To which zone each endpoint is hinted in the first outcome (a letter each)."""
    shares: tuple[float, float]
    """Same-zone share in percent, without and with hints."""


EXAMPLES = {
    "E1": Example("1:1:1", "1/1/1", ((1, 1.0, 1),) * 3, ("1/1/1",), "abc", (33.3, 100)),
    "E2": Example("1:1:1", "2/1/1", ((2, 2.0, 2),) * 3, (), "", (33.3, 33.3)),
    "E3, two": Example("1:1:1", "2/2/2", ((2, 2.0, 2),) * 3, ("2/2/2",), "aabbcc", (33.3, 100)),
    "E3, three": Example("1:1:1", "3/3/3", ((3, 3.0, 3),) * 3, ("3/3/3",), "aaabbbccc", (33.3, 100)),
    "E4": Example("1:1:1", "2/1/0", ((1, 1.0, 1),) * 3, ("1/1/1",), "cab", (33.3, 66.7)),
    "E5": Example("1:1:1", "6/0/3", ((3, 3.0, 3),) * 3, ("3/3/3",), "bbbaaaccc", (33.3, 66.7)),
    "E6": Example("1:1:1", "5/2/2", ((3, 3.0, 3),) * 3, ("3/3/3",), "bcaaabbcc", (33.3, 77.8)),
    "E7": Example("1:1:1", "4/3/3", ((3, 3.33, 4),) * 3, ("4/3/3",), "aaaabbbccc", (33.3, 100)),
    "E7b": Example("1:1:1", "4/4/3", ((4, 4.0, 4),) * 3, (), "", (33.3, 33.3)),
    "E8": Example(
        "2:1:1",
        "3/3/3",
        ((4, 4.5, 5), (2, 2.25, 3), (2, 2.25, 3)),
        ("4/2/3", "4/3/2"),
        "aaaabbccc",
        (33.3, 87.5),
    ),
    "E9": Example(
        "2:1:1",
        "4/4/4",
        ((5, 6.0, 6), (3, 3.0, 4), (3, 3.0, 4)),
        ("6/3/3",),
        "aaaaabbbaccc",
        (33.3, 83.3),
    ),
    "E10": Example("2:1:1", "2/2/2", ((3, 3.0, 3), (2, 2.0, 2), (2, 2.0, 2)), (), "", (33.3, 33.3)),
    "E10b": Example("1:1:2", "2/2/2", ((2, 2.0, 2), (2, 2.0, 2), (3, 3.0, 3)), (), "", (33.3, 33.3)),
    "E11": Example("4:1", "5/1", ((5, 5.0, 5), (2, 2.0, 2)), (), "", (70, 70)),
    "E12": Example("3:1", "2/2", ((3, 3.0, 3), (1, 1.0, 1)), ("3/1",), "aaab", (50, 75)),
    "E13": Example("1:1", "2/2/2", ((3, 3.0, 3),) * 2, ("2/2/2",), "aabbcc", (33.3, 100)),
    "E14": Example("1:1", "3/3", ((3, 3.0, 3),) * 2, ("3/3",), "aaabbb", (50, 100)),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_worked_example(name: str) -> None:
    """Allocation, hints and refusals of the worked examples."""
    example = EXAMPLES[name]

    done = enabled(example.cpu, example.pods)

    assert done.allocation is not None
    shown = tuple((one.minimum, round(one.desired, 2), one.maximum) for one in done.allocation.zones)
    assert shown == example.zones
    found = outcomes(cpu_of(example.cpu), SliceLists(unchanged=(slice_of(example.pods),)))
    assert [one.hinted for one in found] == ([counted(one) for one in example.hinted] or [()])
    endpoints = [endpoint for one in done.slices.every for endpoint in one.endpoints]
    assert "".join(zone for endpoint in endpoints for zone in endpoint.zone_hints) == example.moved
    assert (done.refusal is None) == bool(example.moved)


@pytest.mark.parametrize("name", EXAMPLES)
def test_worked_example_share(name: str) -> None:
    """The expected same-zone share of the worked examples, clients in proportion to CPU."""
    example = EXAMPLES[name]
    before = (slice_of(example.pods),)
    clients = by_cpu(example.cpu)

    after = enabled(example.cpu, example.pods).slices.every

    shares = (same_zone_share(AUTO, before, clients), same_zone_share(AUTO, after, clients))
    assert [round(100 * share, 1) for share in shares] == list(example.shares)


@pytest.mark.parametrize(
    ("cpu", "pods", "of", "share", "load"),
    [
        ("1:1:1", "6/0/3", AUTO, 66.7, (1.00, 1.00)),
        ("1:1:1", "6/0/3", SAME_ZONE, 66.7, (0.83, 1.33)),
        ("1:1:1", "5/2/2", AUTO, 77.8, (1.00, 1.00)),
        ("1:1:1", "5/2/2", SAME_ZONE, 100, (0.60, 1.50)),
        ("1:1:1", "4/4/3", AUTO, 33.3, (1.00, 1.00)),
        ("1:1:1", "4/4/3", SAME_ZONE, 100, (0.92, 1.22)),
        ("1:1:1", "2/1/1", AUTO, 33.3, (1.00, 1.00)),
        ("1:1:1", "2/1/1", SAME_ZONE, 100, (0.67, 1.33)),
        ("1:1:1", "4/3/3", AUTO, 100, (0.83, 1.11)),
        ("2:1:1", "3/3/3", AUTO, 87.5, (0.75, 1.12)),
        ("2:1:1", "3/3/3", SAME_ZONE, 100, (0.75, 1.50)),
    ],
)
def test_load_comparison(cpu: str, pods: str, of: Service, share: float, load: tuple[float, float]) -> None:
    """What the balance of Auto costs in locality, and what PreferSameZone costs in balance."""
    clients = by_cpu(cpu)

    after = reconciled(cpu, SliceLists(unchanged=(slice_of(pods),)), of=of).slices.every

    assert round(100 * same_zone_share(of, after, clients), 1) == share
    assert load_range(of, after, clients) == pytest.approx(load, abs=0.0051)


@pytest.mark.parametrize("of", [AUTO, SAME_ZONE])
def test_traffic_that_does_not_follow_cpu(of: Service) -> None:
    """With traffic 70/15/15 on 3/3/3 pods both modes overload the busy zone's endpoints by 2.1."""
    clients = {Zone("a"): 0.7, Zone("b"): 0.15, Zone("c"): 0.15}

    after = reconciled("1:1:1", SliceLists(unchanged=(slice_of("3/3/3"),)), of=of).slices.every

    assert same_zone_share(of, after, clients) == pytest.approx(1.0)
    assert load_range(of, after, clients) == pytest.approx((0.45, 2.10))


def test_zone_that_owns_no_endpoint_is_all_cross_zone() -> None:
    """2/1/0 pods: zone c gets one endpoint of zone a, so no connection of c stays in its zone."""
    after = enabled("1:1:1", "2/1/0").slices.every

    assert same_zone_share(AUTO, after, {Zone("c"): 1.0}) == 0


def test_zone_without_counted_node() -> None:
    """Endpoints of a zone without counted node keep their own-zone hint; the slice is redone each time."""
    first = enabled("1:1", "2/2/2")
    have = first.cache.of("IPv4")

    again = reconciled("1:1", SliceLists(unchanged=first.slices.every), first.cache)

    assert have == counted("2/2/2")
    assert overloaded(have, cpu_of("1:1"))
    assert again.slices == SliceLists(update=first.slices.update)
    assert again.event is None


def test_failed_zone() -> None:
    """When zone c fails, its pods do not count and the other zones keep to themselves."""
    nodes = [replace(node, ready=node.zone != "c") for node in nodes_of("1:1:1")]
    lists = SliceLists(
        update=(slice_of("3/3"),), unchanged=(slice_of("0/0/3", "0/0/3", name="rest", ready=False),)
    )

    done = reconcile(AUTO, cpu_ratios(nodes), lists, HintsCache())

    assert done.hinted == counted("3/3")
    assert done.slices.unchanged == lists.unchanged


NODE_ONLY = {
    **dict.fromkeys(range(30, 42, 2), ("kept", counted("3/3/3"))),
    **dict.fromkeys(range(42, 48, 2), ("removed", ())),
    **dict.fromkeys(range(48, 54, 2), ("kept", counted("3/3/3"))),
    **dict.fromkeys(range(54, 68, 2), ("rewritten", counted("5/2/2"))),
    **dict.fromkeys(range(68, 74, 2), ("removed", ())),
    74: ("rewritten", counted("6/1/2")),
}


@pytest.mark.parametrize("percent", NODE_ONLY)
def test_node_only_change(percent: int) -> None:
    """Hints 3/3/3 on one slice while the CPU share of zone a grows: not monotonic, and history counts."""
    what, hinted = NODE_ONLY[percent]
    cpu = f"{2 * percent}:{100 - percent}:{100 - percent}"
    before = slice_of("3/3/3", "3/3/3")
    cache = HintsCache(populated=True, have=(("IPv4", counted("3/3/3")),))

    done = reconciled(cpu, SliceLists(unchanged=(before,)), cache)

    is_kept = done.slices.unchanged == (before,)
    assert (done.refusal is not None, is_kept) == (what == "removed", what == "kept")
    assert done.hinted == hinted


@pytest.mark.parametrize(("percent", "expected"), [(30, False), (40, False), (48, True), (52, True)])
def test_kept_although_overloaded(percent: int, expected: bool) -> None:
    """Between 0.48 and 0.52 the Service is overloaded, looked at, and left as it is."""
    cpu = cpu_of(f"{2 * percent}:{100 - percent}:{100 - percent}")

    assert overloaded(counted("3/3/3"), cpu) is expected


def test_node_only_change_tie() -> None:
    """At 0.74 chance decides between 6/1/2 and 6/2/1."""
    found = outcomes(cpu_of("148:26:26"), SliceLists(unchanged=(slice_of("3/3/3", "3/3/3"),)))

    assert [one.hinted for one in found] == [counted("6/1/2"), counted("6/2/1")]


def test_rolling_update_passes_through_refusals() -> None:
    """9 to 12 pods in three equal zones: with 11 the hints are away for a moment."""
    hinted: list[ZoneCounts] = [
        enabled("1:1:1", pods).hinted for pods in ("3/3/3", "4/3/3", "4/4/3", "4/4/4")
    ]

    assert hinted == [counted("3/3/3"), counted("4/3/3"), (), counted("4/4/4")]
