"""Bytes and money: what the cross-zone calls of a workload pair cost.

AWS bills traffic between zones of a region on both sides, 0.01 USD per GB each (EC2 on-demand data transfer
page; checked by lastweekinaws by sending 10 GB). Same-zone traffic over private addresses is free.
"""

from dataclasses import dataclass
from typing import Final

from analysis.arm import tariffs
from analysis.arm.tariffs import Tariff
from analysis.model import Cost, PairResult
from analysis.statistics import stats
from analysis.statistics.interval import Interval

SECONDS_PER_MONTH: Final = 30 * 24 * 3600
BYTES_PER_GB: Final = 1e9
DIRECTIONS: Final = 2
COUNTED: Final = "counted by the source, in the direction from the first to the second"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBytes:
    """TCP payload bytes of an average call."""

    request: float
    response: float
    source: str


def of_bytes(pair: PairResult, *, load_s: float, tariff: Tariff = tariffs.AWS) -> Cost:
    """The monthly cost where it is bytes that were counted: nothing is assumed, and nothing left to chance.

    The ends of the interval are the cost if no byte of unknown zones crossed, and if all of them did.
    """
    bytes_per_s = pair.calls / load_s if load_s > 0 else 0.0
    known = pair.same_zone + pair.cross_zone
    cross = None
    if known:
        unknown, whole = pair.calls - known, pair.calls
        cross = Interval(
            estimate=bytes_per_s * pair.cross_zone / known,
            low=bytes_per_s * pair.cross_zone / whole,
            high=bytes_per_s * (pair.cross_zone + unknown) / whole,
            level=1.0,
            n=whole,
            method="counted bytes; ends: none and all of the unknown ones cross",
        )
    factor = DIRECTIONS * tariff.usd_per_gb_each_direction * SECONDS_PER_MONTH / BYTES_PER_GB
    return Cost(
        client=pair.client,
        server=pair.server,
        calls_per_s=bytes_per_s,
        cross_calls_per_s=cross,
        request_bytes_per_call=1.0,
        response_bytes_per_call=0.0,
        bytes_source=COUNTED,
        usd_per_gb_each_direction=tariff.usd_per_gb_each_direction,
        usd_per_month=stats.scaled(cross, factor, "cross-zone bytes x price x 30 days"),
        price_source=tariff.source,
    )


def of_pair(pair: PairResult, call_bytes: CallBytes, *, load_s: float, tariff: Tariff = tariffs.AWS) -> Cost:
    """The monthly cost of a pair at the measured rate; unknown calls are left out of the interval's share."""
    calls_per_s = pair.calls / load_s if load_s > 0 else 0.0
    cross = stats.scaled(stats.complement(pair.share), calls_per_s, "cross-zone share x rate")
    per_call_gb = (call_bytes.request + call_bytes.response) / BYTES_PER_GB
    factor = per_call_gb * DIRECTIONS * tariff.usd_per_gb_each_direction * SECONDS_PER_MONTH
    usd: Interval | None = stats.scaled(cross, factor, "cross-zone bytes x price x 30 days")
    return Cost(
        client=pair.client,
        server=pair.server,
        calls_per_s=calls_per_s,
        cross_calls_per_s=cross,
        request_bytes_per_call=call_bytes.request,
        response_bytes_per_call=call_bytes.response,
        bytes_source=call_bytes.source,
        usd_per_gb_each_direction=tariff.usd_per_gb_each_direction,
        usd_per_month=usd,
        price_source=tariff.source,
    )
