"""Lengths of time and amounts as people type them: ``90s``, ``10m``, ``50k`` (argparse types)."""

import argparse
import math
import re
from typing import Final

from k8s.model import names

_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_NUMBER: Final = r"(?:\d{1,12}(?:\.\d{1,9})?|\.\d{1,9})"
_LENGTH: Final = re.compile(rf"(?:{_NUMBER}(?:ms|[smhd]))+", re.ASCII)
_PART: Final = re.compile(rf"({_NUMBER})(ms|[smhd])", re.ASCII)
_AMOUNT: Final = re.compile(rf"({_NUMBER})([km]?)", re.ASCII | re.IGNORECASE)
_TIMES: Final = {"": 1, "k": 1_000, "m": 1_000_000}
MOST_WORKERS: Final = 16
"""A zone may have so many load generators."""


def seconds(text: str) -> float:
    """``90s``, ``10m``, ``1h30m``, ``500ms``, or a number of seconds; 0 or more."""
    plain = text.strip().lower()
    if _LENGTH.fullmatch(plain):
        return sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(plain))
    try:
        found = float(plain)
    except ValueError:
        found = math.nan
    if not 0 <= found < math.inf:
        raise argparse.ArgumentTypeError(
            f"{names.shown(text)} is no length of time; give one such as 90s, 10m or 1h30m"
        )
    return found


def some_seconds(text: str) -> float:
    """The same, above 0."""
    found = seconds(text)
    if found == 0:
        raise argparse.ArgumentTypeError(f"{text} is no time at all; give a length above 0, e.g. 90s or 10m")
    return found


def amount(text: str) -> float:
    """``1500``, ``1.5k`` or ``2M``; 0 or more."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{names.shown(text)} is no number of 0 or more; give one such as 1500 or 50k"
        )
    return float(found[1]) * _TIMES[found[2].lower()]


def count(text: str) -> int:
    """A whole number: ``12``, ``50k`` or ``1M``."""
    found = amount(text)
    if found != int(found):
        raise argparse.ArgumentTypeError(
            f"{names.shown(text)} is no whole number; give one such as 12 or 50k"
        )
    return int(found)


def workers_each(text: str) -> int:
    """Load generators in each zone."""
    if not text.isdecimal() or not 1 <= int(text) <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"{names.shown(text)}: give a whole number from 1 to {MOST_WORKERS}")
    return int(text)


def lower(text: str) -> str:
    """A choice in whatever case it was typed."""
    return text.lower()
