"""One pass of the EndpointSlice controller: history, events, precedence, the field."""

from dataclasses import replace

import pytest

from k8s.routing.allocation import NODES_NOT_LOADED, Refusal, overloaded
from k8s.routing.hints import (
    HintsCache,
    HintsEvent,
    SliceLists,
    count_ready,
    hint_counts,
    is_processed,
    own_zone_counts,
    reconcile,
)
from k8s.routing.modes import RoutingMode
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
    counted,
    cpu_of,
    enabled,
    reconciled,
    service,
    slice_of,
    zoneless,
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


def test_node_hints_of_an_earlier_mode_go_with_a_redone_slice() -> None:
    """From PreferSameNode to Auto where the zone hints must change: only then the node hints go."""
    before = reconciled("1:1:1", SliceLists(unchanged=(slice_of("5/2/2"),)), of=SAME_NODE)

    done = reconciled("1:1:1", SliceLists(unchanged=before.slices.every))

    assert done.hinted == counted("3/3/3")
    assert not any(endpoint.node_hints for one in done.slices.every for endpoint in one.endpoints)


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


def test_same_zone_takes_back_a_donation() -> None:
    """From Auto to PreferSameZone: donated endpoints return to their zone, and Auto's end is announced."""
    before = enabled("1:1:1", "5/2/2")

    done = reconciled("1:1:1", SliceLists(unchanged=before.slices.every), before.cache, of=SAME_ZONE)

    assert done.hinted == counted("5/2/2")
    assert done.event == DISABLED


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
