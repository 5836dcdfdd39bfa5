"""What a byte that crosses zones costs, by the region's name.

Prices as public sources gave them in November 2026; they change, and accounts have discounts: give your own
with ``--usd-per-gb``.
"""

import re
from dataclasses import dataclass
from typing import Final

CHECKED: Final = "2026-11"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """The price of traffic between the zones of a region."""

    usd_per_gb_each_direction: float
    """Charged on the sender's and on the receiver's side; half of the price where one side pays."""
    source: str
    """Where it is from and of when; goes into the report."""


AWS: Final = Tariff(
    usd_per_gb_each_direction=0.01,
    source=f"AWS, same in all regions: $0.01 per GB out and $0.01 in, EC2 data transfer prices, {CHECKED}",
)
GCP: Final = Tariff(
    usd_per_gb_each_direction=0.005,
    source=f"Google Cloud: $0.01 per GB, the sender pays, VPC network pricing, {CHECKED}",
)
AZURE: Final = Tariff(
    usd_per_gb_each_direction=0.0,
    source=f"Azure: traffic between availability zones is not charged, bandwidth pricing, {CHECKED}",
)
_FORMS: Final = (
    (re.compile(r"[a-z]{2}(-gov|-iso[a-z]?)?-[a-z]+-\d+"), AWS),
    (re.compile(r"[a-z]+-[a-z]+\d+"), GCP),
    (re.compile(r"[a-z]*(north|south|east|west|central)[a-z]*\d?"), AZURE),
)
"""``eu-west-1`` is AWS's way to name a region, ``europe-west1`` Google's, ``westeurope`` Azure's."""


def tariff(region: str) -> Tariff:
    """The tariff of a region; AWS's, and said to be assumed, for a name in nobody's form."""
    for form, found in _FORMS:
        if form.fullmatch(region):
            return found
    return Tariff(
        usd_per_gb_each_direction=AWS.usd_per_gb_each_direction,
        source=f"assumed, region {region or 'unknown'}: {AWS.source}",
    )


def own(usd_per_gb: float) -> Tariff:
    """What the user says a GB costs on each side."""
    return Tariff(usd_per_gb_each_direction=usd_per_gb, source="given by the user, in each direction")
