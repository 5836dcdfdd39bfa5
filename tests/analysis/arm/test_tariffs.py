"""Prices by region: whose it is, who pays, and that it says where it is from."""

import pytest

from analysis.arm import tariffs


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1", "ap-southeast-5", "us-gov-west-1"])
def test_aws_charges_both_sides(region: str):
    """One cent a GB on each side, in every region."""
    assert tariffs.tariff(region) is tariffs.AWS
    assert tariffs.AWS.usd_per_gb_each_direction == 0.01


@pytest.mark.parametrize(("region", "found"), [("europe-west1", tariffs.GCP), ("westeurope", tariffs.AZURE)])
def test_other_clouds_are_known_by_their_names(region: str, found: tariffs.Tariff):
    """At Google the sender pays one cent: half of it stands for each side. Azure charges nothing."""
    assert tariffs.tariff(region) is found


@pytest.mark.parametrize("region", ["", "rack 7", "EU-WEST-1", "r"])
def test_an_unknown_region_is_an_assumption_and_says_so(region: str):
    """AWS's price, marked as assumed."""
    found = tariffs.tariff(region)
    assert found.usd_per_gb_each_direction == 0.01
    assert found.source.startswith("assumed, region ")


def test_every_price_has_a_date():
    """A price without one is a rumour."""
    for found in (tariffs.AWS, tariffs.GCP, tariffs.AZURE):
        assert tariffs.CHECKED in found.source
    assert "user" in tariffs.own(0.02).source
