"""Pods are placed by their node's zone, or not at all, with the reason."""

import re

import pytest

from analysis.model import Placed, Unplaced
from analysis.placement import Timeline
from k8s.topology import Zone
from tests.analysis.graphs import snapshot


def test_a_pod_is_where_its_node_is():
    """Zone and workload come from the Kubernetes API."""
    timeline = Timeline([snapshot({"ui-1": "node-b"})])

    assert timeline.place("ui-1") == Placed(zone=Zone("b"))
    assert timeline.workload("ui-1") == "ui"


@pytest.mark.parametrize(
    ("snapshots", "reason"),
    [
        ([snapshot({})], "no pod of that name"),
        ([snapshot({"ui-1": None})], "never scheduled"),
        ([snapshot({"ui-1": "node-x"})], "node node-x is not in"),
        ([snapshot({"ui-1": "node-a"}, zones={"node-a": None})], "node node-a has no zone label"),
        ([snapshot({"ui-1": "node-a"}), snapshot({"ui-1": "node-b"})], r"several zones \(a, b\)"),
    ],
)
def test_what_cannot_be_placed_says_why(snapshots, reason: str):
    """Unknown is a type with a reason, never a guess."""
    place = Timeline(snapshots).place("ui-1")

    assert isinstance(place, Unplaced)
    assert re.search(reason, place.reason)


def test_a_pod_that_came_and_went_is_still_placed():
    """A pod that is in one snapshot only keeps its zone."""
    timeline = Timeline([snapshot({}), snapshot({"catalog-9": "node-c"}), snapshot({})])

    assert timeline.place("catalog-9") == Placed(zone=Zone("c"))


def test_a_zone_label_that_arrives_late_counts():
    """A node that was unlabelled at first places its pods once the label is there."""
    late = [
        snapshot({"ui-1": "n"}, zones={"n": None}),
        snapshot({"ui-1": "n"}, zones={"n": "a"}),
    ]

    assert Timeline(late).place("ui-1") == Placed(zone=Zone("a"))


def test_addresses_are_looked_up_only_when_unambiguous():
    """An address that two pods had in turn names neither."""
    timeline = Timeline([snapshot({"ui-1": "node-a"}), snapshot({"ui-2": "node-b"})])

    assert timeline.pod_at("127.100.1.1") is None
    assert Timeline([snapshot({"ui-1": "node-a"})]).pod_at("127.100.1.1") == "ui-1"
