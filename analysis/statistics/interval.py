"""An estimate with its interval: what every number of the answer is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with its interval."""

    estimate: float
    low: float
    high: float
    level: float
    """Nominal coverage, e.g. 0.95."""
    n: int
    """Independent observations behind it (connections)."""
    method: str
    """The named method, e.g. ``Wilson score``."""
    least_n: int | None = None
    """Observations that this method needs at this estimate for a half-width of 5 points (shares only)."""
