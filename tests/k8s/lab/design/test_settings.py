"""What a lab may be asked to be."""

from typing import Any

import pytest

from k8s.errors import UsageError
from k8s.lab.design.settings import LabSettings, PairDelay, check
from k8s.lab.design.store_app import store
from k8s.topology import Zone

A, B, C = Zone("eu-west-1a"), Zone("eu-west-1b"), Zone("eu-west-1c")


def settings(**given: Any) -> LabSettings:
    return LabSettings(state_dir="unused", **given)


def test_the_defaults_can_be_built() -> None:
    """And are in the region their zones name."""
    check(settings())
    assert settings().region == "eu-west-1"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"zones": ()}, "no zones given"),
        ({"zones": (A, A)}, "named twice"),
        ({"zones": (A, Zone("us-east-1b"))}, "give one region and a letter each"),
        ({"zones": (Zone("a"),)}, "give one region and a letter each"),
        ({"nodes_per_zone": 0}, "0 nodes asked for"),
        ({"nodes_per_zone": 20}, "60 nodes asked for; have between 1 and 54"),
        ({"cpu_milli": 0}, "a node needs some CPU"),
        ({"app": store(ui=0)}, "ui/ui needs at least one pod"),
        ({"app": store(catalog=(1, 2))}, "catalog/catalog: expected 3 numbers, one for each zone"),
        ({"app": store(catalog=97)}, "100 pods asked for"),
        ({"api_port": 70000}, "API port 70000 is not a port"),
        ({"api_port": 7, "xray_port": 7}, "both the API server and X-Ray"),
        ({"prometheus_port": -1}, "Prometheus port -1 is not a port"),
        ({"prometheus_scrape_s": 0.0}, "a scrape every 0 s asked for; give from 0.1 to 60 seconds"),
        ({"prometheus_scrape_s": 61.0}, "a scrape every 61 s asked for"),
        ({"cross_zone_delay_s": -1.0}, "a cross-zone delay below 0 s"),
        (
            {"zone_cpu_milli": ((Zone("eu-west-1x"), 1),)},
            "the zones eu-west-1x, which this lab does not have",
        ),
    ],
)
def test_what_cannot_be_built_is_refused_in_one_line(given: dict[str, Any], said: str) -> None:
    """The message names the fault."""
    with pytest.raises(UsageError, match=said):
        check(settings(**given))


def test_a_pair_of_zones_can_have_a_delay_of_its_own_both_ways() -> None:
    """Others have the common one, and within a zone there is none."""
    given = settings(cross_zone_delay_s=0.001, pair_delays=(PairDelay(zones=(A, B), delay_s=0.003),))
    assert (
        given.delay_s(A, B),
        given.delay_s(B, A),
        given.delay_s(A, C),
        given.delay_s(A, A),
    ) == (0.003, 0.003, 0.001, 0.0)
