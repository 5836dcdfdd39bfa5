"""One pass of the EndpointSlice controller: worked examples, history, precedence, events."""

from dataclasses import dataclass, replace

import pytest

from k8s.allocation import NODES_NOT_LOADED, Refusal, ZoneCounts, cpu_ratios, overloaded
from k8s.hints import (
    HintsCache,
    HintsEvent,
    SliceLists,
    count_ready,
    effective_mode,
    hint_counts,
    is_processed,
    own_zone_counts,
    reconcile,
)
from k8s.outcomes import outcomes
from k8s.routing import RoutingMode
from k8s.topology import (
    OLD_HINTS_ANNOTATION,
    TOPOLOGY_MODE_ANNOTATION,
    Endpoint,
    EndpointSlice,
    NodeName,
    Zone,
)
from tests.k8s.cases import (
    AUTO,
    OFF,
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

ENABLED = HintsEvent(
    type="Normal",
    reason="TopologyAwareHintsEnabled",
    message="Topology Aware Hints has been enabled, addressType: IPv4",
)
DISABLED = HintsEvent(
    type="Warning",
    reason="TopologyAwareHintsDisabled",
    message="Topology Aware Hints has been disabled, addressType: IPv4",
)
SAME_ZONE = service(traffic_distribution="PreferSameZone")
SAME_NODE = service(traffic_distribution="PreferSameNode")


def refused(text: str, family: str = "IPv4") -> HintsEvent:
    return HintsEvent(
        type="Warning", reason="TopologyAwareHintsDisabled", message=f"{text}, addressType: {family}"
    )


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
    ("cpu", "pods", "mode", "share", "load"),
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
def test_load_comparison(cpu: str, pods: str, mode: object, share: float, load: tuple[float, float]) -> None:
    """What the balance of Auto costs in locality, and what PreferSameZone costs in balance."""
    of = AUTO if mode is AUTO else SAME_ZONE
    clients = by_cpu(cpu)

    after = reconciled(cpu, SliceLists(unchanged=(slice_of(pods),)), of=of).slices.every

    assert round(100 * same_zone_share(of, after, clients), 1) == share
    assert load_range(of, after, clients) == pytest.approx(load, abs=0.0051)


@pytest.mark.parametrize("of", [AUTO, SAME_ZONE])
def test_traffic_that_does_not_follow_cpu(of: object) -> None:
    """With traffic 70/15/15 on 3/3/3 pods both modes overload the busy zone's endpoints by 2.1."""
    clients = {Zone("a"): 0.7, Zone("b"): 0.15, Zone("c"): 0.15}

    after = reconciled("1:1:1", SliceLists(unchanged=(slice_of("3/3/3"),)), of=SAME_ZONE).slices.every
    mode = AUTO if of is AUTO else SAME_ZONE

    assert same_zone_share(mode, after, clients) == pytest.approx(1.0)
    assert load_range(mode, after, clients) == pytest.approx((0.45, 2.10))


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


def test_lost_hints_stay_lost() -> None:
    """A Service that lost its hints is not in the cache, so no later change of the nodes brings it back."""
    good = enabled("1:1:1", "2/2/2")

    lost = reconciled("0", SliceLists(unchanged=good.slices.every), good.cache)

    assert lost.event == refused(
        "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"
    )
    assert lost.hinted == ()
    assert lost.cache == HintsCache()
    assert not overloaded(lost.cache.of("IPv4"), cpu_of("1:1:1"))
    back = reconciled("1:1:1", SliceLists(unchanged=lost.slices.every), lost.cache)
    assert (back.hinted, back.event) == (counted("2/2/2"), ENABLED)


def test_restart_keeps_valid_hints() -> None:
    """After a restart of the controller valid hints are kept, and Enabled is announced once more."""
    before = SliceLists(unchanged=enabled("1:1:1", "2/2/2").slices.every)

    done = reconciled("1:1:1", before, HintsCache())

    assert (done.slices, done.event) == (before, ENABLED)


def test_restart_race() -> None:
    """A Service looked at before the nodes loses valid hints, with a message that is seen nowhere else."""
    before = SliceLists(unchanged=enabled("1:1:1", "2/2/2").slices.every)

    done = reconcile(AUTO, NODES_NOT_LOADED, before, HintsCache())

    assert done.event == refused("Nodes only ready in one zone")
    assert (done.refusal, done.hinted) == (Refusal.ONE_ZONE, ())


def test_messages_with_counts() -> None:
    """Refusals by number tell N and the zones, and are repeated at every pass."""
    few = enabled("1:1:1", "1/1")
    many = enabled("1:1:1", "3/1/1")

    assert few.event == refused("Insufficient number of endpoints (2 endpoints, 3 zones)")
    assert many.event == refused(
        "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold "
        "(5 endpoints, 3 zones)"
    )
    again = reconciled("1:1:1", SliceLists(unchanged=few.slices.every), few.cache)
    assert again.event == few.event


def zoneless(one: EndpointSlice) -> EndpointSlice:
    return replace(one, endpoints=(replace(one.endpoints[0], zone=None), *one.endpoints[1:]))


def test_endpoint_without_zone() -> None:
    """A ready endpoint without zone in a slice to be written takes the hints of all slices away."""
    lists = SliceLists(
        update=(zoneless(slice_of("1/1/1", name="new")),), unchanged=(slice_of("1/1/1", "1/1/1", name="old"),)
    )

    done = reconciled("1:1:1", lists)

    assert done.event == refused("One or more endpoints do not have a zone specified")
    assert (done.hinted, done.slices.unchanged) == ((), ())
    assert [one.name for one in done.slices.update] == ["new", "old"]


def test_endpoint_without_zone_in_a_kept_slice() -> None:
    """In a slice that is not written nobody looks at zones."""
    lists = SliceLists(unchanged=(zoneless(slice_of("1/1/1", "1/1/1")),))

    assert reconciled("1:1:1", lists).slices == lists


def test_endpoint_not_ready_without_zone_does_no_harm() -> None:
    """Endpoints that are not ready are passed over."""
    lists = SliceLists(update=(slice_of("1/1/1"), zoneless(slice_of("1", name="bad", ready=False))))

    assert reconciled("1:1:1", lists).refusal is None


@pytest.mark.parametrize("ready", [None, False])
def test_only_strictly_ready_endpoints_count(ready: bool | None) -> None:
    """An endpoint whose condition is absent counts as not ready for the controller."""
    lists = SliceLists(update=(slice_of("1/1"), slice_of("0/0/9", name="more", ready=ready)))

    done = reconciled("1:1:1", lists)

    assert count_ready(lists.every) == 2
    assert done.refusal is Refusal.TOO_FEW_ENDPOINTS


def test_stale_hint_of_an_endpoint_that_is_not_ready_survives() -> None:
    """A slice that is redone keeps the old hint of an endpoint that is not ready."""
    stale = replace(slice_of("1", name="stale").endpoints[0], ready=False, zone_hints=(Zone("gone"),))
    ready = slice_of("1/1/1")
    lists = SliceLists(unchanged=(replace(ready, endpoints=(stale, *ready.endpoints)),))

    done = reconciled("1:1:1", lists)

    assert done.slices.update[0].endpoints[0] == stale
    assert done.hinted == counted("1/1/1")


def test_first_endpoints_in_slice_order_are_moved() -> None:
    """Creates come before updates; within a slice, stored order decides who is moved."""
    lists = SliceLists(create=(slice_of("1", name="new"),), update=(slice_of("5/2/1", name="old"),))

    done = reconciled("1:1:1", lists)

    new, old = done.slices.written
    assert [endpoint.zone_hints for endpoint in new.endpoints] == [("b",)]
    assert "".join(zone for endpoint in old.endpoints for zone in endpoint.zone_hints) == "ccaaabbc"


def test_moves_beyond_what_may_be_written_are_not_made() -> None:
    """A kept slice is never touched: of the four endpoints zone a should give, two can go."""
    lists = SliceLists(
        update=(slice_of("2/0/10", name="new"),), unchanged=(slice_of("10", "10", name="kept"),)
    )

    done = reconciled("8:8:6", lists)

    assert done.slices.unchanged == lists.unchanged
    assert done.hinted == counted("10/6/6")


def test_slice_is_kept_up_to_the_maximum_in_list_order() -> None:
    """Unchanged slices are kept in list order until one would exceed a zone's maximum."""
    lists = SliceLists(unchanged=tuple(slice_of("2/1/1", "2/1/1", name=f"s{number}") for number in range(3)))

    done = reconciled("1:1:1", lists)

    assert [one.name for one in done.slices.unchanged] == ["s0", "s1"]
    assert [one.name for one in done.slices.update] == ["s2"]
    assert done.hinted == counted("4/4/4")


@pytest.mark.parametrize(
    ("hints", "what"),
    [("1/1", "a ready endpoint has no hint"), ("1/1/0/1", "a hint names a zone without node")],
)
def test_slice_is_redone(hints: str, what: str) -> None:
    """An unchanged slice is redone if its hints are incomplete or name a zone that does not count."""
    done = reconciled("1:1:1", SliceLists(unchanged=(slice_of("1/1/1", hints),)))

    assert done.slices.unchanged == (), what
    assert done.hinted == counted("1/1/1")


def test_node_hints_of_an_earlier_mode_survive() -> None:
    """From PreferSameNode to Auto: zone hints that are permitted are kept, and so are the node hints."""
    before = reconciled("1:1:1", SliceLists(unchanged=(slice_of("2/2/2"),)), of=SAME_NODE)

    done = reconciled("1:1:1", SliceLists(unchanged=before.slices.every))

    assert done.slices.unchanged == before.slices.every
    assert {endpoint.node_hints for one in done.slices.every for endpoint in one.endpoints} == {
        ("node-a",),
        ("node-b",),
        ("node-c",),
    }


def annotated(**values: str) -> tuple[tuple[str, str], ...]:
    keys = {"old": OLD_HINTS_ANNOTATION, "new": TOPOLOGY_MODE_ANNOTATION}
    return tuple(sorted((keys[key], value) for key, value in values.items()))


@pytest.mark.parametrize(
    ("annotations", "field", "expected"),
    [
        (annotated(new="Auto"), None, RoutingMode.TAR),
        (annotated(new="auto"), None, RoutingMode.TAR),
        (annotated(old="Auto"), None, RoutingMode.TAR),
        (annotated(new="AUTO"), None, RoutingMode.OFF),
        (annotated(new="Enabled"), None, RoutingMode.OFF),
        (annotated(new="Disabled", old="auto"), None, RoutingMode.TAR),
        (annotated(new="Auto", old="Disabled"), None, RoutingMode.OFF),
        (annotated(new="Auto", old=""), None, RoutingMode.OFF),
        (annotated(new="Auto"), "PreferSameZone", RoutingMode.TAR),
        (annotated(new="Disabled"), "PreferSameZone", RoutingMode.PREFER_SAME_ZONE),
        ((), "PreferClose", RoutingMode.PREFER_CLOSE),
        ((), "PreferSameNode", RoutingMode.PREFER_SAME_NODE),
        ((), "Nearest", RoutingMode.OFF),
    ],
)
def test_precedence(
    annotations: tuple[tuple[str, str], ...], field: str | None, expected: RoutingMode
) -> None:
    """The old key beats the new one, the annotation beats the field, and only Auto and auto count."""
    of = service(annotations=annotations, traffic_distribution=field)

    assert reconciled("1:1:1", SliceLists(unchanged=(slice_of("1/1/1"),)), of=of).mode is expected


@pytest.mark.parametrize(
    ("field", "minor", "expected"),
    [
        ("PreferClose", 30, RoutingMode.OFF),
        ("PreferClose", 31, RoutingMode.PREFER_CLOSE),
        ("PreferSameZone", 33, RoutingMode.OFF),
        ("PreferSameZone", 34, RoutingMode.PREFER_SAME_ZONE),
        ("PreferSameNode", 33, RoutingMode.OFF),
        ("PreferSameNode", 36, RoutingMode.PREFER_SAME_NODE),
    ],
)
def test_field_values_by_version(field: str, minor: int, expected: RoutingMode) -> None:
    """A controller ignores the values that are newer than itself."""
    assert effective_mode(service(traffic_distribution=field), minor) is expected


@pytest.mark.parametrize("minor", [27, 30, 31, 36])
def test_annotation_works_in_every_version(minor: int) -> None:
    """The annotation is recognised throughout."""
    assert effective_mode(AUTO, minor) is RoutingMode.TAR


@pytest.mark.parametrize("field", ["PreferClose", "PreferSameZone"])
@pytest.mark.parametrize("pods", ["3/3/3", "3/1/1", "5/0/0"])
def test_same_zone(field: str, pods: str) -> None:
    """Every ready endpoint is hinted to its own zone, with any number and placement, without an event."""
    done = reconciled(
        "1:1:1", SliceLists(unchanged=(slice_of(pods),)), of=service(traffic_distribution=field)
    )

    assert (done.hinted, own_zone_counts(done.slices.every)) == (counted(pods), counted(pods))
    assert (done.event, done.allocation, done.cache) == (None, None, HintsCache())
    assert not any(endpoint.node_hints for endpoint in done.slices.update[0].endpoints)


def test_same_node() -> None:
    """PreferSameNode hints both the zone and the node."""
    done = reconciled("1:1:1", SliceLists(unchanged=(slice_of("1/1"),)), of=SAME_NODE)

    assert [(one.zone_hints, one.node_hints) for one in done.slices.update[0].endpoints] == [
        (("a",), ("node-a",)),
        (("b",), ("node-b",)),
    ]


def test_same_zone_does_not_need_nodes() -> None:
    """Changes of the nodes cause no writes under trafficDistribution, not even the loss of all."""
    before = reconciled("1:1:1", SliceLists(unchanged=(slice_of("3/1/1"),)), of=SAME_ZONE)

    done = reconciled("0", SliceLists(unchanged=before.slices.every), before.cache, of=SAME_ZONE)

    assert done.slices.unchanged == before.slices.every


def test_same_zone_leaves_endpoints_that_are_not_ready() -> None:
    """A wrong hint of an endpoint that is not ready is neither a reason to write nor written."""
    one = slice_of("1", "0/1", ready=False)

    done = reconciled("1:1:1", SliceLists(unchanged=(one,), update=(replace(one, name="x"),)), of=SAME_ZONE)

    assert done.slices.unchanged == (one,)
    assert done.slices.update[0].endpoints == one.endpoints


@pytest.mark.parametrize(("minor", "hints"), [(32, ("",)), (33, ()), (36, ())])
def test_same_zone_for_an_endpoint_without_zone(minor: int, hints: tuple[str, ...]) -> None:
    """Up to 1.32 an endpoint without zone got a hint with an empty name, since then none."""
    of = service(traffic_distribution="PreferClose")

    done = reconcile(
        of, cpu_of("1:1"), SliceLists(update=(zoneless(slice_of("1/1")),)), HintsCache(), minor=minor
    )

    assert [one.zone_hints for one in done.slices.update[0].endpoints] == [hints, ("b",)]


def test_same_zone_takes_back_a_donation() -> None:
    """From Auto to PreferSameZone: donated endpoints return to their zone, and Auto's end is announced."""
    before = enabled("1:1:1", "5/2/2")

    done = reconciled("1:1:1", SliceLists(unchanged=before.slices.every), before.cache, of=SAME_ZONE)

    assert done.hinted == counted("5/2/2")
    assert done.event == DISABLED


def test_from_node_to_zone() -> None:
    """From PreferSameNode to PreferSameZone: the node hints go."""
    before = reconciled("1:1:1", SliceLists(unchanged=(slice_of("1/1"),)), of=SAME_NODE)

    done = reconciled("1:1:1", SliceLists(unchanged=before.slices.every), of=SAME_ZONE)

    assert [one.node_hints for one in done.slices.update[0].endpoints] == [(), ()]


def test_removal() -> None:
    """Without setting all hints go; the Warning comes once, and only if Auto had been in force."""
    before = enabled("1:1:1", "2/2/2")

    done = reconciled("1:1:1", SliceLists(unchanged=before.slices.every), before.cache, of=OFF)
    again = reconciled("1:1:1", SliceLists(unchanged=done.slices.every), done.cache, of=OFF)

    assert (done.event, done.hinted, done.cache) == (DISABLED, (), HintsCache())
    assert (again.event, again.slices) == (None, SliceLists(unchanged=done.slices.every))


def test_hand_written_hints_do_not_survive() -> None:
    """Hints that somebody else wrote are removed at the next pass, without an event."""
    done = reconciled("1:1:1", SliceLists(unchanged=(slice_of("1/1/1", "1/1/1"),)), of=OFF)

    assert (done.hinted, done.event) == ((), None)


def test_enabled_is_announced_once() -> None:
    """The second pass finds everything as it should be: no write, no event."""
    first = enabled("1:1:1", "5/2/2")

    again = reconciled("1:1:1", SliceLists(unchanged=first.slices.every), first.cache)

    assert first.event == ENABLED
    assert (again.slices, again.event) == (SliceLists(unchanged=first.slices.every), None)


def test_dual_stack_shares_one_flag() -> None:
    """Enabled is announced for one family only; a family that fails makes the other announce itself again."""
    cpu, good = cpu_of("1:1:1"), SliceLists(unchanged=(slice_of("1/1/1"),))
    bad = SliceLists(unchanged=(slice_of("1/1", name="six"),))

    four = reconcile(AUTO, cpu, good, HintsCache())
    both = reconcile(AUTO, cpu, good, four.cache, address_type="IPv6")
    failed = reconcile(AUTO, cpu, bad, both.cache, address_type="IPv6")
    again = reconcile(AUTO, cpu, four.slices, failed.cache)

    assert both.event is None
    assert both.cache.have == (("IPv4", counted("1/1/1")), ("IPv6", counted("1/1/1")))
    assert failed.event == refused("Insufficient number of endpoints (2 endpoints, 3 zones)", "IPv6")
    assert failed.cache == HintsCache(populated=False, have=(("IPv4", counted("1/1/1")),))
    assert again.event == ENABLED


def test_rolling_update_passes_through_refusals() -> None:
    """9 to 12 pods in three equal zones: with 11 the hints are away for a moment."""
    hinted: list[ZoneCounts] = [
        enabled("1:1:1", pods).hinted for pods in ("3/3/3", "4/3/3", "4/4/3", "4/4/4")
    ]

    assert hinted == [counted("3/3/3"), counted("4/3/3"), (), counted("4/4/4")]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"selector": (("app", "x"),)}, True),
        ({"selector": ()}, False),
        ({"selector": (("app", "x"),), "type": "ExternalName"}, False),
        ({"selector": (("app", "x"),), "cluster_ip": "None"}, True),
    ],
)
def test_which_services_are_processed(settings: dict[str, object], expected: bool) -> None:
    """Services without selector and ExternalName ones are left alone; headless ones are not."""
    assert is_processed(service(**settings)) is expected


def test_hint_counts_of_several_zones() -> None:
    """An endpoint with several zones counts once in each, and one that is not ready in none."""
    both = (Zone("a"), Zone("b"))
    endpoint = Endpoint(addresses=("1",), zone=both[0], node=NodeName("n"), ready=True, zone_hints=both)
    one = EndpointSlice(
        namespace="n", name="s", service="s", endpoints=(endpoint, replace(endpoint, ready=False))
    )

    assert hint_counts([one]) == counted("1/1")
    assert own_zone_counts([one]) == counted("1")
