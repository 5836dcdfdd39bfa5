"""Base units to human text: ratios, seconds, dollars, counts and times as a reader wants them.

What every verb writes alike (shares, points) is that of ``k8s/model/figures.py``. One scale a kind (percent,
ms, dollars a month), so that two cells of a column can be compared by eye. Everything is pure; times are UTC.
"""

from datetime import UTC, datetime

from analysis.statistics.interval import Interval
from k8s.model import figures
from loadtest.record import Window

SAME = "no clear change"
"""Said in place of a difference whose interval contains zero."""
NOTHING = figures.NOTHING
GAP = figures.GAP
fixed = figures.fixed
ratio_decimals = figures.ratio_decimals
percent = figures.percent
percent_range = figures.percent_range
bounds = figures.bounds
points = figures.points


def count(value: int) -> str:
    """How many, e.g. ``12 345``."""
    return fixed(value, 0)


def rate(per_s: float) -> str:
    """Events a second, e.g. ``49.8/s``."""
    return f"{fixed(per_s, 1)}/s"


def times(ratio: float) -> str:
    """A multiple, e.g. ``1.25x`` with a multiplication sign."""
    return f"{fixed(ratio, 2)}\u00d7"


def level(interval: Interval) -> str:
    """The nominal coverage of an interval, e.g. ``95 %``."""
    return f"{interval.level * 100:g}{GAP}%"


def sure(interval: Interval) -> bool:
    """Whether the interval of a difference excludes zero."""
    return interval.low > 0 or interval.high < 0


def share_bounds(share: Interval) -> str:
    """The interval of a share in per cent, e.g. ``[31.9, 34.9]``, or ``[99.998, 100.000]`` around an all."""
    around = (share.low, share.high) if share.estimate in {0.0, 1.0} else (share.estimate,)
    return bounds(share.low * 100, share.high * 100, max(map(ratio_decimals, around)))


def percent_interval(share: Interval | None) -> str:
    """A share with its interval, e.g. ``33.4 % [31.9, 34.9]``."""
    if share is None:
        return NOTHING
    return f"{percent(share.estimate)} {share_bounds(share)}"


def points_bounds(difference: Interval) -> str:
    """The interval of a difference of two shares in percentage points, e.g. ``[+64.0, +66.6]``."""
    return bounds(difference.low * 100, difference.high * 100, 1, sign=True)


def points_change(difference: Interval | None, *, changed: bool) -> str:
    """A difference of two shares: ``+65.3 points [+64.0, +66.6]``, or with its ends alone."""
    if difference is None:
        return NOTHING
    if not changed:
        return f"{SAME} {points_bounds(difference)}{GAP}points"
    return figures.points_within(difference.estimate, difference.low, difference.high)


def _ms_decimals(*seconds: float) -> int:
    largest = max(abs(value) for value in seconds) * 1000
    return 2 if largest < 10 else 1 if largest < 100 else 0  # noqa: PLR2004 - three digits that mean something


def milliseconds(seconds: float | None) -> str:
    """A duration, e.g. ``1.23 ms``."""
    if seconds is None:
        return NOTHING
    return f"{fixed(seconds * 1000, _ms_decimals(seconds))}{GAP}ms"


def whole_milliseconds(seconds: float | None) -> str:
    """A duration that is known to 1 ms only, e.g. ``3 ms``."""
    if seconds is None:
        return NOTHING
    if 0 <= seconds < 0.0005:  # noqa: PLR2004 - half of the resolution
        return f"<{GAP}1{GAP}ms"
    return f"{fixed(seconds * 1000, 0)}{GAP}ms"


def tick_milliseconds(value_s: float) -> str:
    """A round duration on an axis, e.g. ``2.5 ms``."""
    return f"{value_s * 1000:g}{GAP}ms"


def milliseconds_interval(duration: Interval | None) -> str:
    """A duration with its interval, e.g. ``1.23 ms [1.20, 1.26]``."""
    if duration is None:
        return NOTHING
    decimals = _ms_decimals(duration.estimate)
    reach = bounds(duration.low * 1000, duration.high * 1000, decimals)
    return f"{milliseconds(duration.estimate)} {reach}"


def milliseconds_change(difference: Interval | None) -> str:
    """A difference of durations: ``-0.62 ms [-0.70, -0.54]``, or its ends alone around zero."""
    if difference is None:
        return NOTHING
    decimals = _ms_decimals(difference.estimate, difference.low, difference.high)
    reach = bounds(difference.low * 1000, difference.high * 1000, decimals, sign=True)
    if not sure(difference):
        return f"{SAME} {reach}{GAP}ms"
    return f"{fixed(difference.estimate * 1000, decimals, sign=True)}{GAP}ms {reach}"


def usd_decimals(*amounts: float) -> int:
    """Cents; whole dollars from 1000 up."""
    return 0 if max(map(abs, amounts)) >= 1000 else 2  # noqa: PLR2004 - cents are noise here


def dollars(amount: float, decimals: int, *, sign: bool = False) -> str:
    """An amount of US dollars with so many decimals, e.g. ``+$0.50``, or ``<$0.01``."""
    text = _money(amount, decimals, sign=sign)
    number = text.lstrip(f"<>+{figures.MINUS}")
    return f"{text[: len(text) - len(number)]}${number}"


def dollar_bounds(low: float, high: float, decimals: int, *, sign: bool = False) -> str:
    """Both ends of an interval of dollars, e.g. ``[1.20, 1.26]`` or ``[0.00, <0.01]``."""
    return f"[{_money(low, decimals, sign=sign)},{GAP}{_money(high, decimals, sign=sign)}]"


def _money(amount: float, decimals: int, *, sign: bool) -> str:
    least = 10.0**-decimals
    if 0 < abs(amount) < least / 2:
        return f"<{fixed(least, decimals)}" if amount > 0 else f">{fixed(-least, decimals)}"
    return fixed(amount, decimals, sign=sign)


def month(amount: str) -> str:
    """Dollars of one month, e.g. ``$12.34 a month``."""
    return f"{amount}{GAP}a{GAP}month"


def usd_per_gb(price: float) -> str:
    """The price of a gigabyte as the provider lists it, e.g. ``$0.01/GB``."""
    return f"${price:g}/GB"


def usd(amount: float) -> str:
    """An amount of US dollars, e.g. ``$0.01``."""
    return dollars(amount, usd_decimals(amount))


def usd_month(cost: Interval | None) -> str:
    """Dollars a month with the interval, e.g. ``$12.34 a month [11.90, 12.78]``."""
    if cost is None:
        return NOTHING
    decimals = usd_decimals(cost.estimate, cost.low, cost.high)
    return f"{month(dollars(cost.estimate, decimals))} {dollar_bounds(cost.low, cost.high, decimals)}"


def usd_month_change(difference: Interval | None) -> str:
    """A difference of monthly cost: ``-$11.20 a month [-11.90, -10.50]``, or its ends alone."""
    if difference is None:
        return NOTHING
    decimals = usd_decimals(difference.estimate, difference.low, difference.high)
    reach = dollar_bounds(difference.low, difference.high, decimals, sign=True)
    if not sure(difference):
        return f"{SAME} {month(reach)}"
    return f"{month(dollars(difference.estimate, decimals, sign=True))} {reach}"


def rate_interval(per_s: Interval | None) -> str:
    """Events a second with the interval, e.g. ``16.7/s [15.9, 17.5]``."""
    if per_s is None:
        return NOTHING
    return f"{rate(per_s.estimate)} {bounds(per_s.low, per_s.high, 1)}"


def size(byte_count: float) -> str:
    """Bytes in decimal units, e.g. ``1.2 kB``."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(byte_count) >= scale:
            return f"{fixed(byte_count / scale, 1)}{GAP}{unit}"
    return f"{fixed(byte_count, 0)}{GAP}B"


def times_interval(ratio: Interval | None) -> str:
    """A multiple with its interval, e.g. ``1.02x [0.95, 1.10]`` with a multiplication sign."""
    return NOTHING if ratio is None else f"{times(ratio.estimate)} {bounds(ratio.low, ratio.high, 2)}"


def p_value(value: float) -> str:
    """A probability of chance, e.g. ``p = 0.03`` or ``p < 0.0001``."""
    return "p < 0.0001" if value < 0.0001 else f"p = {value:.2g}"  # noqa: PLR2004 - nobody needs more


def half_width(value: float | None) -> str:
    """Half of an interval of a share, e.g. ``+-1.4 points`` with a plus-minus sign."""
    return NOTHING if value is None else f"\u00b1{fixed(value * 100, 1)}{GAP}points"


def seconds(length_s: float) -> str:
    """A length of time, e.g. ``40.0 s``."""
    return f"{fixed(length_s, 1)}{GAP}s"


def span(length_s: float) -> str:
    """A length of time for people, e.g. ``40 s``, ``12 min`` or ``3.5 h``."""
    if length_s < 120:  # noqa: PLR2004 - two minutes
        return f"{fixed(length_s, 0)}{GAP}s"
    if length_s < 7200:  # noqa: PLR2004 - two hours
        return f"{fixed(length_s / 60, 0)}{GAP}min"
    return f"{fixed(length_s / 3600, 1)}{GAP}h"


def clock(at_s: float) -> str:
    """A time of day, e.g. ``20:15`` (UTC)."""
    return f"{datetime.fromtimestamp(at_s, UTC):%H:%M}"


def moment(at_s: float) -> str:
    """A time of day to the second, e.g. ``20:15:03`` (UTC)."""
    return f"{datetime.fromtimestamp(at_s, UTC):%H:%M:%S}"


def utc(at_s: float) -> str:
    """A moment, e.g. ``2026-11-22 20:15:03 UTC``."""
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S} UTC"


def window(seen: Window) -> str:
    """A window of time, e.g. ``2026-11-22 20:15:03 to 20:15:46 UTC (43.0 s)``."""
    start, end = (datetime.fromtimestamp(at_s, UTC) for at_s in (seen.start_s, seen.end_s))
    until = f"{end:%H:%M:%S}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M:%S}"
    return f"{start:%Y-%m-%d %H:%M:%S} to {until} UTC ({seconds(seen.length_s)})"
