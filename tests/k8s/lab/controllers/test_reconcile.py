"""Which slices a Service should have."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from k8s.lab.controllers.reconcile import (
    MANAGED_BY,
    MAX_ENDPOINTS,
    Backend,
    SlicePlan,
    StoredSlice,
    plan_slices,
    reuse_deleted,
)
from k8s.model.objects import SliceOwner, slice_labels
from k8s.routing.hints import SliceLists
from k8s.topology import EndpointSlice, NodeName, Pod, PodName, Service, ServicePort, Zone

ZONES: Mapping[NodeName, Zone | None] = {
    NodeName("node-a"): Zone("a"),
    NodeName("node-b"): Zone("b"),
    NodeName("bare"): None,
}
SERVICE = Service(
    namespace="catalog",
    name="catalog",
    selector=(("app", "catalog"),),
    ports=(ServicePort(name="http", port=80, target_port="8080"),),
)
OWNER = SliceOwner(name="catalog", uid="s-1", labels=(("team", "shop"),))
LABELS = tuple(sorted(slice_labels(OWNER, MANAGED_BY).items()))


def pod(number: int, node: str = "node-a", **fields: Any) -> Pod:
    plain = Pod(
        namespace="catalog",
        name=PodName(f"catalog-{number}"),
        ip=f"127.100.1.{number}",
        node=NodeName(node),
    )
    return replace(plain, **fields)


def plan(
    pods: Sequence[Pod], stored: Sequence[StoredSlice] = (), of: Service = SERVICE, owner: SliceOwner = OWNER
) -> SlicePlan:
    backends = [Backend(pod=one) for one in pods]
    return plan_slices(of, owner, backends, ZONES, stored, random.Random(1))


def stored(one: EndpointSlice, *, owner_uid: str = "s-1") -> StoredSlice:
    return StoredSlice(value=one, owner_uid=owner_uid, labels=LABELS)


def settled(pods: Sequence[Pod], of: Service = SERVICE) -> list[StoredSlice]:
    """The slices after a first pass."""
    return [stored(one) for one in plan(pods, of=of).lists.every]


def names(one: EndpointSlice) -> list[str]:
    return [str(endpoint.pod).removeprefix("catalog-") for endpoint in one.endpoints]


def test_new_service() -> None:
    """The first pass creates one slice with an endpoint a pod."""
    found = plan([pod(1), pod(2, "node-b")])

    assert (found.lists.update, found.lists.unchanged, found.delete) == ((), (), ())
    (new,) = found.lists.create
    assert new.name.startswith("catalog-")
    assert len(new.name) == len("catalog-") + 5
    assert (new.service, new.managed_by, new.ports) == ("catalog", MANAGED_BY, (("http", 8080),))
    assert {(one.pod, one.zone, one.node, one.ready) for one in new.endpoints} == {
        ("catalog-1", "a", "node-a", True),
        ("catalog-2", "b", "node-b", True),
    }


def test_nothing_to_do() -> None:
    """A second pass leaves everything as it is."""
    pods = [pod(1), pod(2)]
    before = settled(pods)

    assert plan(pods, before) == SlicePlan(lists=SliceLists(unchanged=(before[0].value,)))


def test_same_seed_same_plan() -> None:
    """Names and order come from the source of chance alone."""
    pods = [pod(number) for number in range(1, 20)]

    assert plan(pods) == plan(pods)
    assert names(plan(pods).lists.create[0]) != [str(number) for number in range(1, 20)]


def test_order_is_kept_and_newcomers_come_last() -> None:
    """Endpoints keep their place when others come and go."""
    before = settled([pod(number) for number in range(1, 6)])
    order = names(before[0].value)

    found = plan([pod(number) for number in (1, 2, 4, 5, 7, 8)], before)

    (after,) = found.lists.update
    kept = [name for name in order if name != "3"]
    assert names(after)[:4] == kept
    assert sorted(names(after)[4:]) == ["7", "8"]


def test_dirty_slice_loses_its_hints() -> None:
    """A slice with a changed endpoint is rebuilt without hints; an unchanged one keeps them."""
    (one,) = settled([pod(1), pod(2)])
    endpoints = tuple(replace(endpoint, zone_hints=(Zone("a"),)) for endpoint in one.value.endpoints)
    before = [replace(one, value=replace(one.value, endpoints=endpoints))]

    same = plan([pod(1), pod(2)], before)
    dirty = plan([pod(1), pod(2, ready=False)], before)

    assert same.lists.unchanged == (before[0].value,)
    assert [endpoint.zone_hints for endpoint in dirty.lists.update[0].endpoints] == [(), ()]


def test_filled_up_slice_keeps_its_hints() -> None:
    """A slice that only gets newcomers keeps the hints it had, for the controller to judge."""
    (one,) = settled([pod(1)])
    hinted = replace(one.value, endpoints=(replace(one.value.endpoints[0], zone_hints=(Zone("a"),)),))

    found = plan([pod(1), pod(2)], [replace(one, value=hinted)])

    assert [endpoint.zone_hints for endpoint in found.lists.update[0].endpoints] == [("a",), ()]


@pytest.mark.parametrize(
    ("fields", "ready", "serving", "terminating"),
    [
        ({}, True, True, False),
        ({"ready": False}, False, False, False),
        ({"terminating": True}, False, True, True),
        ({"terminating": True, "ready": False}, False, False, True),
    ],
)
def test_conditions(fields: dict[str, Any], ready: bool, serving: bool, terminating: bool) -> None:
    """Ready is ready and not terminating; serving is the pod's readiness alone."""
    (one,) = plan([pod(1, **fields)]).lists.create[0].endpoints

    assert (one.ready, one.serving, one.terminating) == (ready, serving, terminating)


def test_publish_not_ready_addresses() -> None:
    """With publishNotReadyAddresses every endpoint is ready, even on a node that is not known."""
    of = replace(SERVICE, publish_not_ready_addresses=True)

    found = plan([pod(1, ready=False), pod(2, "gone")], of=of)

    assert {(one.ready, one.zone) for one in found.lists.create[0].endpoints} == {(True, "a"), (True, None)}
    assert found.homeless == ()


@pytest.mark.parametrize("fields", [{"ip": None}, {"phase": "Succeeded"}, {"phase": "Failed"}])
def test_pods_that_cannot_serve(fields: dict[str, Any]) -> None:
    """Pods without address and finished pods are no endpoints."""
    found = plan([pod(1), pod(2, **fields)])

    assert names(found.lists.create[0]) == ["1"]


def test_pod_on_an_unknown_node() -> None:
    """A pod whose node is not there is left out for now, and told."""
    found = plan([pod(1), pod(2, "gone")])

    assert names(found.lists.create[0]) == ["1"]
    assert found.homeless == (("catalog-2", "gone"),)


def test_node_without_zone() -> None:
    """On a node without zone label an endpoint has no zone."""
    assert plan([pod(1, "bare")]).lists.create[0].endpoints[0].zone is None


def test_named_target_ports_group_the_slices() -> None:
    """Pods with different numbers for a named port get slices of their own; unknown names are left out."""
    of = replace(SERVICE, ports=(ServicePort(name="web", port=80, target_port="http"),))
    backends = [
        Backend(pod=pod(1), named_ports=(("http", 8080),)),
        Backend(pod=pod(2), named_ports=(("http", 9090),)),
        Backend(pod=pod(3)),
    ]

    found = plan_slices(of, OWNER, backends, ZONES, [], random.Random(1))

    assert {(tuple(names(one)), one.ports) for one in found.lists.create} == {
        (("1",), (("web", 8080),)),
        (("2",), (("web", 9090),)),
        (("3",), ()),
    }


def test_at_most_a_hundred_endpoints_a_slice() -> None:
    """250 pods make slices of 100, 100 and 50."""
    pods = [pod(number % 250 + 1, ip=f"127.100.2.{number}") for number in range(250)]

    found = plan(pods)

    assert MAX_ENDPOINTS == 100
    assert [len(one.endpoints) for one in found.lists.create] == [100, 100, 50]
    assert len({one.name for one in found.lists.create}) == 3


def test_newcomers_go_where_they_just_fit() -> None:
    """Newcomers fill the fullest unchanged slice that has room for all of them."""
    pods = [pod(number, ip=f"127.100.2.{number}") for number in range(1, 151)]
    before = settled(pods)

    found = plan([*pods, pod(200)], before)

    assert [len(one.endpoints) for one in found.lists.update] == [51]
    assert [len(one.endpoints) for one in found.lists.unchanged] == [100]


def test_newcomers_fill_dirty_slices_first() -> None:
    """A slice that is written anyway is filled up first, the fullest first."""
    pods = [pod(number, ip=f"127.100.2.{number}") for number in range(1, 151)]
    before = settled(pods)
    full = {endpoint.pod for endpoint in before[0].value.endpoints}
    gone = next(one for one in pods if one.name in full)

    found = plan([*(one for one in pods if one != gone), pod(200), pod(201)], before)

    assert sorted(len(one.endpoints) for one in found.lists.update) == [51, 100]


def test_no_pods_makes_a_placeholder() -> None:
    """A Service without pods has one empty slice, which the next pass leaves alone."""
    found = plan([])
    (empty,) = found.lists.create

    assert (empty.endpoints, empty.ports) == ((), ())
    again = plan([], [stored(empty)])
    assert again == SlicePlan(lists=SliceLists(unchanged=(empty,)))


def test_placeholder_is_reused() -> None:
    """When the first pod comes, the empty slice becomes its slice: one update, no creation, no deletion."""
    before = [stored(plan([]).lists.create[0])]

    found = reuse_deleted(plan([pod(1)], before), before, OWNER)

    assert (found.lists.create, found.delete) == ((), ())
    assert [(one.name, names(one)) for one in found.lists.update] == [(before[0].value.name, ["1"])]


def test_last_pod_goes() -> None:
    """When the last pod goes, its slice becomes the empty one."""
    before = settled([pod(1)])

    found = reuse_deleted(plan([], before), before, OWNER)

    assert (found.lists.create, found.delete) == ((), ())
    assert [(one.name, one.endpoints) for one in found.lists.update] == [(before[0].value.name, ())]


def test_slice_that_is_no_longer_needed_goes() -> None:
    """A slice none of whose endpoints is left is deleted when others remain."""
    pods = [pod(number, ip=f"127.100.2.{number}") for number in range(1, 102)]
    before = settled(pods)
    (rest,) = before[1].value.endpoints

    found = plan([one for one in pods if one.name != rest.pod], before)

    assert (found.delete, found.lists.update) == ((before[1].value.name,), ())


def test_slice_of_an_earlier_service() -> None:
    """A slice that another Service of the same name owned is deleted, never reused."""
    before = [replace(settled([pod(1)])[0], owner_uid="older")]

    found = reuse_deleted(plan([pod(1)], before), before, OWNER)

    assert found.delete == (before[0].value.name,)
    assert len(found.lists.create) == 1


def test_labels_follow_the_service() -> None:
    """When the Service's labels change, its slices are written, hints and all."""
    before = settled([pod(1)])

    found = plan([pod(1)], before, owner=replace(OWNER, labels=(("team", "other"),)))

    assert found.lists.update == (before[0].value,)
