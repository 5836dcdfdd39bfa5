"""Ages as kubectl's columns show them: ``45s``, ``3m20s``, ``5d2h`` (upstream ``util/duration``)."""

from datetime import datetime

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86_400, 365 * 86_400

# (below this many seconds, big unit, its letter, small unit or 0, its letter)
_SCALE = (
    (2 * _MINUTE, 1, "s", 0, ""),
    (10 * _MINUTE, _MINUTE, "m", 1, "s"),
    (3 * _HOUR, _MINUTE, "m", 0, ""),
    (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
    (2 * _DAY, _HOUR, "h", 0, ""),
    (8 * _DAY, _DAY, "d", _HOUR, "h"),
    (2 * _YEAR, _DAY, "d", 0, ""),
    (8 * _YEAR, _YEAR, "y", _DAY, "d"),
)


def human(seconds: float) -> str:
    """A duration in its two largest sensible units."""
    if seconds < -1:
        return "<invalid>"
    whole = max(0, int(seconds))
    for below, big, letter, small, small_letter in _SCALE:
        if whole < below:
            rest = whole % big // small if small else 0
            return f"{whole // big}{letter}" + (f"{rest}{small_letter}" if rest else "")
    return f"{whole // _YEAR}y"


def age(stamp: object, now: datetime) -> str:
    """The time since an RFC 3339 *stamp*; ``<unknown>`` if it is missing or malformed."""
    if not isinstance(stamp, str) or not stamp:
        return "<unknown>"
    try:
        then = datetime.fromisoformat(stamp)
        return human((now - then).total_seconds())
    except (ValueError, TypeError, OverflowError):  # not a time; a time without a zone
        return "<unknown>"
