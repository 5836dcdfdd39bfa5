"""Pairs of workloads whose zones the source states: connections and bytes, placed and priced."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.arm import cost, pairs, placing, splitting
from analysis.model import Workload
from analysis.placement import Timeline
from analysis.source.facts import Facts
from analysis.source.interface import Basis, Grain
from analysis.statistics.clusters import Unit
from tests.analysis import meshes
from tests.analysis.graphs import snapshot
from tests.analysis.meshes import BYTES, call

WAYS = {"ui@a>catalog@a": 60, "ui@a>catalog@b": 20, "ui@b>catalog@a": 10, "ui@b>catalog": 10}


def calls(ways=WAYS):
    return [call(way, count) for way, count in ways.items()]


def test_stated_zones_place_and_an_unknown_one_is_in_no_share():
    """Neither same nor cross, with the source's name in the reason; no endpoint's load is known."""
    found = meshes.pair(calls())

    assert (found.same_zone, found.cross_zone, found.unknown, found.calls) == (60, 30, 10, 100)
    assert found.unknown_reasons == (("callee catalog: a mesh states no zone of it", 10),)
    assert found.share_bounds == (pytest.approx(0.6), pytest.approx(0.7))
    assert (found.unit, found.grain, found.loads) == ("connections", "workload", ())
    assert [(one.client_zone, one.server_zone, one.calls) for one in found.flows] == [
        ("a", "a", 60),
        ("a", "b", 20),
        ("b", None, 10),
        ("b", "a", 10),
    ]


def test_a_workload_named_like_a_pod_is_where_the_source_says():
    """The pod ``ui-1`` is in zone a; the workload of that name, here, in zone b."""
    found = placing.ends(call("ui-1@b>catalog@b", 1), meshes.TIMELINE, meshes.CONNECTIONS)
    assert [one.zone for one in found] == ["b", "b"]
    nowhere = placing.ends(call("ui-1>catalog@b", 1), meshes.TIMELINE, meshes.CONNECTIONS)
    assert nowhere[0].reason == "a mesh states no zone of it"


def test_each_connection_is_one_random_choice():
    """Design effect 1, no caveat, n as many as were counted, however many millions."""
    found = meshes.pair(calls({"ui@a>catalog@a": 4_000_000, "ui@a>catalog@b": 8_000_000}))
    known = meshes.chance(found)

    assert known is not None
    assert (known.design_effect, known.by_connection.unit) == (1.0, Unit.CONNECTION)
    assert known.by_connection.caveats == ()
    assert meshes.interval(found).n == 12_000_000


def test_bytes_have_no_interval_but_a_share_and_an_exact_price():
    """Each byte is charged on both sides; the ends are what unknown ones may add."""
    found = meshes.pair(calls(), BYTES)

    assert (found.share, found.same_share) == (None, pytest.approx(60 / 90))
    assert meshes.chance(found, meshes.BYTES) is None
    price = cost.of_bytes(found, load_s=1.0)
    assert price.usd_per_month is not None
    month = 2 * price.usd_per_gb_each_direction * 30 * 86400 / 1e9
    assert price.usd_per_month.low == pytest.approx(30 * month)
    assert price.usd_per_month.high == pytest.approx(40 * month)
    assert price.usd_per_month.low <= price.usd_per_month.estimate <= price.usd_per_month.high
    assert price.bytes_source.startswith("counted")


def test_a_mesh_names_what_controls_the_pods():
    """The Deployment ``catalog-v2`` has pods with the label ``catalog``: it is that workload's."""
    plain = snapshot(meshes.PODS)
    owned = [replace(one, owner="ReplicaSet/catalog-v2-6d5f") for one in plain.pods if "catalog" in one.name]
    others = [one for one in plain.pods if "catalog" not in one.name]
    timeline = Timeline([replace(plain, pods=(*owned, *others))])

    assert timeline.workload_called("catalog-v2") == "catalog"
    assert timeline.workload_called("catalog") == "catalog"
    assert timeline.workload_called("cart") == "cart"
    found = splitting.everything(
        meshes.counts({"ui@a>catalog-v2@a": 3, "ui@a>catalog@a": 4}), timeline, Facts()
    )
    assert [(one.client, one.server, one.count) for one in found.counts.calls] == [("ui", "catalog", 7)]


def test_a_service_stands_for_the_workload_behind_it():
    """As the cluster's facts know it; a name that nobody knows stays."""
    basis = Basis(title="a connector", grain=Grain.SERVICE, members_only=True)
    found = splitting.everything(
        meshes.counts({"web.shop@a>cat@b": 3, "user>web.shop@a": 4}, basis),
        meshes.TIMELINE,
        Facts(workloads={"web.shop": "ui", "cat": "catalog"}),
    )

    assert [(one.client, one.server) for one in found.counts.calls] == [("ui", "catalog"), ("user", "ui")]


ZONES = st.sampled_from(["", "@a", "@b", "@c"])


@given(
    st.dictionaries(
        st.tuples(ZONES, ZONES).map(lambda ends: f"ui{ends[0]}>catalog{ends[1]}"), st.integers(0, 10**9)
    ),
    st.sampled_from([meshes.CONNECTIONS, BYTES]),
)
def test_nothing_is_lost_and_nothing_invented(ways: dict[str, int], basis: Basis):
    """Same, cross and unknown are all that was counted; an unknown zone is never same-zone."""
    found = meshes.pair(calls(ways), basis)
    split = [way.replace("ui", "").replace("catalog", "").split(">") for way in ways]

    assert found.calls == sum(ways.values())
    known = [
        (ends[0] == ends[1], count) for ends, count in zip(split, ways.values(), strict=True) if all(ends)
    ]
    assert found.same_zone == sum(count for is_same, count in known if is_same)
    assert found.cross_zone == sum(count for is_same, count in known if not is_same)
    assert sum(one.calls for one in found.cells) == found.calls
    assert pairs.grouped(calls(ways), meshes.TIMELINE, basis).keys() <= {
        (Workload("ui"), Workload("catalog"))
    }


def test_clients_that_stick_are_workloads_where_no_pod_is_named():
    """One in a zone is one choice, and the caveat does not speak of pods that nobody saw."""
    found = meshes.pair([meshes.call("ui@a>catalog@a", 60), meshes.call("ui@b>catalog@a", 40)])

    known = meshes.chance(found, affinity=True)

    assert known is not None
    (caveat,) = known.by_client_pod.caveats
    assert "Each of the 2 client workloads, zone by zone" in caveat.text
