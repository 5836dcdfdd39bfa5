"""Windows in words: ``30m``, and two moments of RFC 3339 with a slash between them (pure)."""

import re
from datetime import UTC, datetime
from typing import Final

from k8s.errors import UsageError
from loadtest.record import Window

LONGEST_S: Final = 30 * 24 * 3600.0
"""X-Ray keeps traces for 30 days (developer guide, "Quotas")."""
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SPAN: Final = re.compile(r"(?:\d{1,9}(?:\.\d{1,3})?[smhd])+", re.ASCII)
_PART: Final = re.compile(r"([\d.]+)([smhd])", re.ASCII)


def span_s(option: str, text: str) -> float:
    """``90s``, ``10m``, ``1h30m`` or ``2d`` in seconds; UsageError names *option* for anything else."""
    if not _SPAN.fullmatch(text):
        raise UsageError(f"{option} {text!r}: give a length of time with its unit, e.g. 90s, 10m or 1h30m")
    length_s = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if not 1 <= length_s <= LONGEST_S:
        raise UsageError(f"{option} {text}: give 1s to 30d; X-Ray keeps traces for 30 days")
    return length_s


def since(length_s: float, now_s: float) -> Window:
    """The last *length_s* seconds, in whole ones, as X-Ray keeps times."""
    end_s = float(int(now_s))
    return Window(start_s=end_s - max(1, round(length_s)), end_s=end_s)


def window(text: str, now_s: float | None = None) -> Window:
    """``FROM/TO``, both as RFC 3339 with their offset, e.g. ``2026-11-28T10:00:00Z/2026-11-28T10:30:00Z``.

    UsageError for what is none, ends before it starts or, by *now_s*, lies in the future or too far back.
    """
    first, slash, second = text.partition("/")
    if not slash:
        raise UsageError(f"--window {text!r}: give FROM/TO, e.g. 2026-11-28T10:00:00Z/2026-11-28T10:30:00Z")
    start_s, end_s = (_moment(one) for one in (first, second))
    if end_s <= start_s:
        raise UsageError(f"--window {text}: it ends before it starts; give FROM/TO in the order of time")
    if now_s is not None and end_s > now_s:
        now = datetime.fromtimestamp(now_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        raise UsageError(
            f"--window {text}: it ends in the future (now is {now}); to wait for calls use --for 10m"
        )
    if now_s is not None and start_s < now_s - LONGEST_S:
        raise UsageError(f"--window {text}: it starts more than 30 days ago; X-Ray keeps traces for 30 days")
    return Window(start_s=start_s, end_s=end_s)


def _moment(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--window: {text!r} is no time of RFC 3339, e.g. 2026-11-28T10:00:00Z") from None
    if found.tzinfo is None:
        raise UsageError(f"--window: {text!r} has no offset; put Z behind it for UTC, or e.g. +01:00")
    return found.timestamp()
