"""List prices of what a cluster of ours consists of, and what it costs by the hour.

Sources, as of PRICES_OF, under https://aws.amazon.com: /eks/pricing/ (control plane), /ec2/pricing/on-demand/
(Linux), /ebs/pricing/ (gp3), /vpc/pricing/ (NAT gateway, public IPv4 address), /kms/pricing/. Prices change,
and accounts have discounts: the pages have the last word.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from k8s.model import figures

PRICES_OF: Final = "2026-11"
PRICE_PAGE: Final = "https://aws.amazon.com/eks/pricing/"
HOURS_PER_MONTH: Final = 730
"""What AWS divides monthly prices by."""

CONTROL_PLANE_USD_PER_H: Final = 0.10
EXTENDED_SUPPORT_USD_PER_H: Final = 0.60
"""The control plane, once its Kubernetes version is past standard support."""
PUBLIC_IPV4_USD_PER_H: Final = 0.005
KEY_USD_PER_MONTH: Final = 1.0
BY_USE: Final = "data through NAT gateways and between zones, logs, X-Ray traces"
"""What is billed by use, and so in no sum here."""

STANDARD_SUPPORT_UNTIL: Final[Mapping[str, date]] = MappingProxyType(
    {"1.34": date(2026, 12, 2), "1.35": date(2027, 3, 27)}
)
"""EKS's release calendar; older versions are past it, newer ones are not there yet."""

_SIZES: Final[Mapping[str, int]] = MappingProxyType(
    {"large": 1, "xlarge": 2, "2xlarge": 4, "4xlarge": 8, "8xlarge": 16, "12xlarge": 24, "16xlarge": 32}
)
"""Prices within these families go by size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionPrices:
    """What differs by region, in USD."""

    large_per_h: Mapping[str, float]
    """By instance family, the size ``large``."""
    nat_gateway_per_h: float
    gp3_per_gb_month: float


_UNITED_STATES: Final = RegionPrices(
    large_per_h=MappingProxyType({"m5": 0.096, "m6i": 0.096}), nat_gateway_per_h=0.045, gp3_per_gb_month=0.08
)
REGIONS: Final[Mapping[str, RegionPrices]] = MappingProxyType(
    {
        "eu-west-1": RegionPrices(
            large_per_h=MappingProxyType({"m5": 0.107, "m6i": 0.107}),
            nat_gateway_per_h=0.048,
            gp3_per_gb_month=0.088,
        ),
        "eu-central-1": RegionPrices(
            large_per_h=MappingProxyType({"m5": 0.115, "m6i": 0.115}),
            nat_gateway_per_h=0.052,
            gp3_per_gb_month=0.0952,
        ),
        "us-east-1": _UNITED_STATES,
        "us-east-2": _UNITED_STATES,
        "us-west-2": _UNITED_STATES,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """What is paid for by the hour, whether it is used or not."""

    region: str
    kubernetes_version: str
    nodes: tuple[tuple[str, int], ...]
    """Instance type and number of nodes, each type once."""
    disk_gb: int
    """gp3, over all nodes."""
    nat_gateways: int
    public_ipv4: int
    keys: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a bill."""

    what: str
    usd_per_h: float | None
    """None: no price of it is known here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What an hour costs."""

    lines: tuple[Line, ...]

    @property
    def usd_per_h(self) -> float:
        """The sum of the lines that have a price."""
        return sum(line.usd_per_h or 0.0 for line in self.lines)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """The lines that the sum leaves out."""
        return tuple(line.what for line in self.lines if line.usd_per_h is None)


def bill(goods: Goods, *, today: date) -> Bill:
    """What an hour of *goods* costs in USD; *today* decides about extended support."""
    region = REGIONS.get(goods.region)
    extended = _past_standard_support(goods.kubernetes_version, today)
    plane = EXTENDED_SUPPORT_USD_PER_H if extended else CONTROL_PLANE_USD_PER_H
    lines = [
        Line(
            what=f"control plane {goods.kubernetes_version}{' (extended support)' * extended}",
            usd_per_h=plane,
        )
    ]
    for instance_type, count in goods.nodes:
        price = _instance(region, instance_type)
        lines.append(
            Line(what=f"{count} x {instance_type}", usd_per_h=None if price is None else count * price)
        )
    lines += [
        Line(
            what=f"{goods.disk_gb} GB of gp3 disks",
            usd_per_h=None if region is None else goods.disk_gb * region.gp3_per_gb_month / HOURS_PER_MONTH,
        ),
        Line(
            what=_counted(goods.nat_gateways, "NAT gateway"),
            usd_per_h=None if region is None else goods.nat_gateways * region.nat_gateway_per_h,
        ),
        Line(
            what=_counted(goods.public_ipv4, "public IPv4 address", "es"),
            usd_per_h=goods.public_ipv4 * PUBLIC_IPV4_USD_PER_H,
        ),
        Line(
            what=_counted(goods.keys, "KMS key"), usd_per_h=goods.keys * KEY_USD_PER_MONTH / HOURS_PER_MONTH
        ),
    ]
    return Bill(lines=tuple(lines))


def as_text(total: Bill, region: str) -> Sequence[str]:
    """The bill as lines for a person."""
    width = max(len(line.what) for line in total.lines)
    text = [f"costs by the hour in {region}, list prices of {PRICES_OF}:"]
    for line in total.lines:
        price = "price not known here" if line.usd_per_h is None else figures.dollars(line.usd_per_h, 3)
        text.append(f"  {line.what:<{width}}  {price}")
    least = "at least " if total.unpriced else ""
    text.append(
        f"  together {least}{figures.dollars(total.usd_per_h)} an hour, "
        f"{figures.dollars(total.usd_per_h * 24)} a day; on top, by use: {BY_USE} ({PRICE_PAGE})"
    )
    return text


def _instance(region: RegionPrices | None, instance_type: str) -> float | None:
    family, _, size = instance_type.partition(".")
    if region is None or family not in region.large_per_h or size not in _SIZES:
        return None
    return region.large_per_h[family] * _SIZES[size]


def _past_standard_support(version: str, today: date) -> bool:
    if version in STANDARD_SUPPORT_UNTIL:
        return today > STANDARD_SUPPORT_UNTIL[version]
    return _minor(version) < min(_minor(known) for known in STANDARD_SUPPORT_UNTIL)


def _minor(version: str) -> int:
    return int(version.partition(".")[2])


def _counted(count: int, noun: str, plural: str = "s") -> str:
    return f"{count} {noun}{'' if count == 1 else plural}"
