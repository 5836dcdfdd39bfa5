"""How a number is written wherever a person reads one: shares, differences of shares, dollars (pure).

The tables of a report add their own (``analysis/report/units.py``); what stands here, every verb shares.
"""

import math
from typing import Final, SupportsFloat

NOTHING: Final = "\u2013"
"""An en dash: not measured, or not measurable."""
GAP: Final = "\u00a0"
"""Between a number and its unit; does not break over lines."""
THIN: Final = "\u202f"
"""Between thousands."""
MINUS: Final = "\u2212"
_FINEST: Final = 3
"""Most decimals of a percentage."""


def fixed(value: float, decimals: int, *, sign: bool = False) -> str:
    """A number with thin thousands separators, a real minus and no negative zero."""
    if not math.isfinite(value):
        return NOTHING
    text = f"{abs(value):,.{decimals}f}".replace(",", THIN)
    zero = not text.strip(f"0.{THIN}")
    if value < 0 and not zero:
        return MINUS + text
    return "+" + text if sign and not zero else text


def ratio_decimals(ratio: float) -> int:
    """One decimal; more where one would round a share to an all or a nothing that it is not."""
    for decimals in range(1, _FINEST):
        shown = round(ratio * 100, decimals)
        if not ((shown <= 0 < ratio) or (ratio < 1 and shown >= 100)):  # noqa: PLR2004 - per cent
            return decimals
    return _FINEST


def percent(share: SupportsFloat | None) -> str:
    """A share of 0..1, e.g. ``33.4 %``; never rounded to 0 % or 100 % unless it is exactly that."""
    if share is None:
        return NOTHING
    ratio = float(share)
    decimals = ratio_decimals(ratio)
    finest = 10.0 ** -(_FINEST + 2)
    if 0 < ratio < finest / 2:
        return f"<{GAP}{fixed(finest * 100, _FINEST)}{GAP}%"
    if 1 - finest / 2 < ratio < 1:
        return f">{GAP}{fixed(100 - finest * 100, _FINEST)}{GAP}%"
    return f"{fixed(ratio * 100, decimals)}{GAP}%"


def round_percent(share: float) -> str:
    """A share that was set and not measured, e.g. ``20 %``."""
    return f"{share * 100:g}{GAP}%"


def percent_range(low: SupportsFloat, high: SupportsFloat) -> str:
    """Two shares as a range, e.g. ``31.9 % to 34.9 %``; one where both read alike."""
    return " to ".join(dict.fromkeys((percent(low), percent(high))))


def bounds(low: float, high: float, decimals: int, *, sign: bool = False) -> str:
    """Both ends of an interval, e.g. ``[1.20, 1.26]``."""
    return f"[{fixed(low, decimals, sign=sign)},{GAP}{fixed(high, decimals, sign=sign)}]"


def points(difference: float) -> str:
    """A difference of two shares in percentage points with its sign, e.g. ``+65.3 points``."""
    return f"{fixed(difference * 100, 1, sign=True)}{GAP}points"


def points_within(difference: float, low: float, high: float) -> str:
    """The same with its interval, e.g. ``+65.3 points [+64.0, +66.6]``."""
    return f"{points(difference)} {bounds(low * 100, high * 100, 1, sign=True)}"


def dollars(amount: float, decimals: int = 2) -> str:
    """An amount of US dollars, e.g. ``$0.50``; where so few decimals would make it nothing, ``<$0.01``."""
    least = 10.0**-decimals
    return f"<${fixed(least, decimals)}" if 0 < amount < least / 2 else f"${fixed(amount, decimals)}"
