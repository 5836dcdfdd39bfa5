"""Who called whom by a series' labels; an unknown zone is unknown."""

from collections.abc import Mapping

import pytest

from analysis.source.facts import Facts
from analysis.source.prometheus.profiles import ENVOY, LINKERD, ZTUNNEL, Profile
from analysis.source.prometheus.sides import CallEnds, Naming
from k8s.topology import Zone

CLUSTER = Facts(nodes={"n-1": Zone("eu-west-1a"), "n-2": Zone("eu-west-1b"), "n-3": Zone("odd_zone.b")})


def ends(
    profile: Profile, labels: Mapping[str, str], metric: str = "", facts: Facts | None = None
) -> CallEnds:
    return Naming.of(profile, facts or Facts(), [labels]).ends(labels, metric)


def test_the_first_label_that_says_something():
    """A pod if there is one, else its deployment, else nobody."""
    assert ends(LINKERD, {"pod": "ui-1", "deployment": "ui"}).client == "ui-1"
    assert ends(LINKERD, {"pod": "unknown", "deployment": "ui"}).client == "ui"
    assert ends(LINKERD, {}) == CallEnds("unknown", "unknown", None, None)


@pytest.mark.parametrize(
    ("locality", "zones"),
    [("local", ("a", "a")), ("remote", (None, "a")), ("unknown", (None, "a")), ("", (None, "a"))],
)
def test_a_local_call_states_both_zones(locality: str, zones: tuple[str | None, str]):
    """Any other says nothing of the caller's."""
    found = ends(LINKERD, {"pod": "ui-1", "dst_zone": "a", "dst_zone_locality": locality})
    assert (found.client_zone, found.server_zone) == zones


def test_local_in_an_unknown_zone():
    """Both are unknown then: nobody states where."""
    found = ends(LINKERD, {"dst_zone_locality": "local", "dst_zone": "unknown"})
    assert (found.client_zone, found.server_zone) == (None, None)


@pytest.mark.parametrize(
    ("zones", "found"),
    [
        ("eu_west_1a_eu_west_1b", ("eu-west-1a", "eu-west-1b")),
        ("us_gov_west_1a_us_gov_west_1a", ("us-gov-west-1a", "us-gov-west-1a")),
        ("europe_west1_b_europe_west1_c", ("europe-west1-b", "europe-west1-c")),
        ("eastus_1_eastus_2", ("eastus-1", "eastus-2")),
        ("eu_west_1a_eu_central_1", (None, None)),
        ("a", (None, None)),
        ("a_a_a", (None, None)),
    ],
)
def test_zones_in_a_name_without_a_cluster(zones: str, found: tuple[str | None, str | None]):
    """Two that are built alike, or they are unknown."""
    got = ends(ENVOY, {}, f"envoy_cluster_zone_{zones}_upstream_rq_xx")
    assert (got.client_zone, got.server_zone) == found


@pytest.mark.parametrize(
    ("zones", "found"),
    [
        ("eu_west_1a_eu_west_1b", ("eu-west-1a", "eu-west-1b")),
        ("odd_zone_b_eu_west_1a", ("odd_zone.b", "eu-west-1a")),
        ("eu_west_1a_eu_west_1c", (None, None)),
    ],
)
def test_zones_in_a_name_of_a_known_cluster(zones: str, found: tuple[str | None, str | None]):
    """Only those that the cluster has, with its own spelling."""
    got = ends(ENVOY, {}, f"envoy_cluster_zone_{zones}_upstream_rq_xx", CLUSTER)
    assert (got.client_zone, got.server_zone) == found


def test_a_name_in_two_namespaces():
    """Is told with each; another name is told as it is."""
    rows = [
        {
            "source_workload": "ui",
            "source_workload_namespace": "shop",
            "destination_workload": "db",
            "destination_workload_namespace": space,
        }
        for space in ("a", "b")
    ]
    naming = Naming.of(ZTUNNEL, Facts(), rows)
    assert [(one.client, one.server) for one in (naming.ends(row, "") for row in rows)] == [
        ("ui", "db.a"),
        ("ui", "db.b"),
    ]
    assert naming.shared == {"db"}
