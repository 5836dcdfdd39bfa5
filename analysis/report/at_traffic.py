"""What crossing zones costs at other rates than the measured one: money is in proportion to calls."""

from dataclasses import dataclass
from typing import Final

from analysis.model import Cost
from analysis.report import units
from analysis.report.tables import Row, Table, columns, row
from analysis.statistics.interval import Interval

RATES_PER_S: Final = (100.0, 1_000.0, 10_000.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtTraffic:
    """What one call a second costs in each arm, all month long."""

    pair: str
    noun: str
    rate_per_s: float
    """The measured one, of the arm before."""
    before_usd: float
    """Dollars a month for each call a second."""
    after_usd: float

    @property
    def sentence(self) -> str:
        """At the measured rate, as the page's script says it for others."""
        return said(self, self.rate_per_s)


def of(
    pair: str, noun: str, before: tuple[float, Interval | None], after: tuple[float, Interval | None]
) -> AtTraffic | None:
    """*before* and *after* as (calls a second, dollars a month); None where money or calls are not known."""
    if before[1] is None or after[1] is None or before[0] <= 0 or after[0] <= 0:
        return None
    return AtTraffic(
        pair=pair,
        noun=noun,
        rate_per_s=before[0],
        before_usd=before[1].estimate / before[0],
        after_usd=after[1].estimate / after[0],
    )


def of_costs(pair: str, noun: str, before: Cost | None, after: Cost | None) -> AtTraffic | None:
    """The same from two arms' costs."""
    if before is None or after is None:
        return None
    return of(
        pair, noun, (before.calls_per_s, before.usd_per_month), (after.calls_per_s, after.usd_per_month)
    )


def said(found: AtTraffic, rate_per_s: float) -> str:
    """E.g. ``$12.34 a month before, $1.20 after: $11.14 less``."""
    before, after = found.before_usd * rate_per_s, found.after_usd * rate_per_s
    less = "less" if after <= before else "more"
    moved = f"{units.usd(abs(before - after))} {less}"
    return f"{units.month(units.usd(before))} before, {units.usd(after)} after: {moved}"


def table(found: AtTraffic) -> Table:
    """The measured rate and three round ones."""
    return Table(
        key="at-traffic",
        title="At your traffic",
        about=(
            f"What {found.noun} that cross zones cost a month if {found.pair} is called so often, all "
            "month, with the shares and the bytes measured here. Change the number in the page."
        ),
        columns=columns(numbers=(f"{found.noun.capitalize()} a second", "Before", "After", "Change")),
        rows=tuple(_row(found, rate) for rate in dict.fromkeys((found.rate_per_s, *RATES_PER_S))),
    )


def _row(found: AtTraffic, rate_per_s: float) -> Row:
    before, after = found.before_usd * rate_per_s, found.after_usd * rate_per_s
    moved = units.dollars(after - before, units.usd_decimals(after - before), sign=True)
    decimals = 0 if rate_per_s >= RATES_PER_S[0] and rate_per_s == int(rate_per_s) else 1
    return row(units.fixed(rate_per_s, decimals), *map(units.usd, (before, after)), moved)
