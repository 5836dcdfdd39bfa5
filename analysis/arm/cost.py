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


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBytes:
    """TCP payload bytes of an average call."""

    request: float
    response: float
    source: str


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
