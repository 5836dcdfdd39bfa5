"""What a cluster costs by the hour."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from k8s.eks.prices import Goods, as_text, bill

TODAY = date(2026, 11, 23)
DEFAULT = Goods(
    region="eu-west-1",
    kubernetes_version="1.35",
    nodes=(("m6i.xlarge", 6),),
    disk_gb=240,
    nat_gateways=3,
    public_ipv4=3,
    keys=1,
)


def test_the_default_cluster():
    """Control plane, six nodes and their disks, three NAT gateways with their addresses, a key."""
    expected = 0.10 + 6 * 0.214 + 240 * 0.088 / 730 + 3 * 0.048 + 3 * 0.005 + 1 / 730

    assert bill(DEFAULT, today=TODAY).usd_per_h == pytest.approx(expected)


def test_the_readme_states_the_same_price():
    """The Terraform folder's README and the command agree."""
    readme = (Path(__file__).parents[3] / "k8s" / "terraform" / "README.md").read_text()

    assert f"${bill(DEFAULT, today=TODAY).usd_per_h:.2f} an hour" in readme


@pytest.mark.parametrize(
    ("version", "today", "expected"),
    [
        ("1.35", TODAY, 0.10),
        ("1.35", date(2027, 3, 27), 0.10),
        ("1.35", date(2027, 3, 28), 0.60),
        ("1.33", TODAY, 0.60),
        ("1.36", TODAY, 0.10),
    ],
)
def test_extended_support_costs_six_times_as_much(version: str, today: date, expected: float):
    """From the day after standard support ends, and for every older version."""
    first = bill(replace(DEFAULT, kubernetes_version=version), today=today).lines[0]

    assert first.usd_per_h == expected
    assert ("extended" in first.what) == (expected > 0.10)


@pytest.mark.parametrize(
    ("instance_type", "expected"),
    [("m6i.large", 0.107), ("m5.2xlarge", 0.428), ("m6i.metal", None), ("c7g.large", None)],
)
def test_nodes_go_by_family_and_size(instance_type: str, expected: float | None):
    """A type without a known price has none, rather than a guess."""
    assert bill(replace(DEFAULT, nodes=((instance_type, 1),)), today=TODAY).lines[1].usd_per_h == expected


def test_what_has_no_price_makes_the_sum_a_lower_bound():
    """In an unknown region the text says which lines are missing from the sum."""
    total = bill(replace(DEFAULT, region="ap-south-1"), today=TODAY)

    assert total.unpriced == ("6 x m6i.xlarge", "240 GB of gp3 disks", "3 NAT gateways")
    assert "together at least $0.12 an hour" in as_text(total, "ap-south-1")[-1]


def test_regions_differ():
    """The same cluster is cheaper in Virginia and dearer in Frankfurt."""
    costs = [
        bill(replace(DEFAULT, region=region), today=TODAY).usd_per_h
        for region in ("us-east-1", "eu-west-1", "eu-central-1")
    ]

    assert costs == sorted(costs)
    assert len(set(costs)) == 3
