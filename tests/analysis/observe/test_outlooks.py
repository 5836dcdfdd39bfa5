"""Whether a Service setting can change a pair, and why not."""

from dataclasses import replace

import pytest

from analysis.observe.observed import Lever, Outlook
from analysis.observe.reading import observation
from k8s.model.scene import Agent, AgentKind
from k8s.topology import Service
from tests.analysis.observe.looks import cluster, endpoints, gathered, scene, service
from tests.analysis.observe.test_reading import pair_of
from tests.analysis.traced_shop import CATALOG_PODS, Shop

SHOP = Shop(by_pod=True, requests=300)


def outlook(*services: Service, **changes: object) -> Outlook:
    ends = endpoints("catalog", CATALOG_PODS)
    shown = cluster(services=services, slices=(ends,) if services else ())
    found = observation(gathered(SHOP, shown=shown, scene=scene(shown, **changes)))
    return pair_of(found, "ui", "catalog").outlook


@pytest.mark.parametrize(
    ("services", "words"),
    [
        ((), "No Service has catalog's pods as endpoints"),
        ((service("catalog", cluster_ip="None"),), "is headless"),
        ((service("catalog", type="ExternalName", selector=()),), "is an ExternalName"),
        ((service("catalog", selector=()),), "has no selector"),
    ],
)
def test_what_no_setting_reaches(services: tuple[Service, ...], words: str):
    """No Service, or one whose endpoints kube-proxy does not choose by hints."""
    found = outlook(*services)

    assert found.lever is Lever.OUT_OF_REACH
    assert words in found.why
    assert found.modes == ()


def test_a_data_plane_that_reads_no_hints_is_out_of_reach():
    """The doctor's D45 for every mode: OVN-Kubernetes serves ClusterIPs itself."""
    agents = tuple(
        Agent(name=f"ovn-{at}", node=f"node-{at}", image="ovn:1", kind=AgentKind.OVN_KUBERNETES)
        for at in "abc"
    )
    found = outlook(service("catalog"), agents=agents)

    assert (found.lever, found.why[:4]) == (Lever.OUT_OF_REACH, "D45:")
    assert "OVN-Kubernetes" in found.why


def test_a_cluster_whose_modes_are_all_refused_says_why():
    """Kubernetes 1.30 knows no trafficDistribution, and Auto refuses two endpoints for three zones."""
    few = {"catalog-1": "a", "catalog-4": "b"}
    shown = cluster(services=(service("catalog"),), slices=(endpoints("catalog", few),))
    place = scene(shown, server_minor=29, proxy_minors=tuple((f"node-{at}", 29) for at in "abc"))

    found = pair_of(observation(gathered(SHOP, shown=shown, scene=place)), "ui", "catalog").outlook

    assert found.lever is Lever.REFUSED
    assert "refused:" in found.why
    assert all(one.hindrances for one in found.modes if one.mode != "off")


def test_one_mode_refused_leaves_the_others():
    """Auto refuses two endpoints for three zones; trafficDistribution does not."""
    few = {"catalog-1": "a", "catalog-4": "b"}
    shown = cluster(services=(service("catalog"),), slices=(endpoints("catalog", few),))

    found = pair_of(observation(gathered(SHOP, shown=shown, scene=scene(shown))), "ui", "catalog").outlook

    modes = {one.mode: one for one in found.modes}
    assert modes["tar"].hindrances[0].code == "refused"
    assert found.best == "prefer-close"
    assert found.lever is Lever.CAN


def test_nothing_is_gained_where_it_is_in_force():
    """PreferSameZone is set and every endpoint hinted to its zone."""
    ends = endpoints("catalog", CATALOG_PODS)
    hinted = replace(
        ends, endpoints=tuple(replace(one, zone_hints=(one.zone,)) for one in ends.endpoints if one.zone)
    )
    shown = cluster(services=(service("catalog", traffic_distribution="PreferSameZone"),), slices=(hinted,))

    found = pair_of(observation(gathered(SHOP, shown=shown, scene=scene(shown))), "ui", "catalog").outlook

    assert (found.lever, found.mode_now) == (Lever.NO_GAIN, "prefer-same-zone")
    assert "PreferSameZone is in force" in found.why


def test_of_two_services_the_one_that_kube_proxy_serves_is_meant():
    """A headless twin is noted, not taken."""
    twin = replace(service("catalog"), name="catalog-pods", cluster_ip="None")
    ends = endpoints("catalog", CATALOG_PODS)
    shown = cluster(
        services=(twin, service("catalog")),
        slices=(ends, replace(ends, name="catalog-pods-x", service="catalog-pods")),
    )

    found = pair_of(observation(gathered(SHOP, shown=shown, scene=scene(shown))), "ui", "catalog").outlook

    assert (found.service, found.lever) == ("catalog/catalog", Lever.CAN)
    assert any("also behind Service catalog/catalog-pods" in one for one in found.notes)
