"""Requirements such as ``same_zone>=0.95`` or ``p99_ratio<=1.05``, judged on interval bounds."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from analysis.statistics.interval import Interval
from k8s.errors import UsageError

METRICS: Final[Mapping[str, str]] = {
    "same_zone": "same-zone share of the candidate",
    "same_zone_gain": "candidate minus baseline same-zone share",
    "coverage": "share of calls with both zones known",
    "p50_ratio": "candidate over baseline median response time",
    "p99_ratio": "candidate over baseline 99th percentile",
    "mean_ratio": "candidate over baseline mean response time",
    "error_rate": "share of the candidate's calls that failed",
    "error_gain": "candidate minus baseline share of failed calls",
    "skew": "the busiest endpoint's calls over the mean",
    "usd_per_month": "monthly cost of the candidate's cross-zone bytes",
    "usd_gain": "candidate minus baseline monthly cost",
}
"""What can be required; the names are part of the command line."""

_FORM: Final = re.compile(r"\s*(\w+)\s*(>=|<=|>|<)\s*([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*(%?)\s*")


class Met(StrEnum):
    """Whether a requirement holds."""

    MET = "met"
    NOT_MET = "not met"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A bound on one metric."""

    metric: str
    sign: str
    """``>=``, ``<=``, ``>`` or ``<``."""
    bound: float

    def __str__(self) -> str:
        return f"{self.metric}{self.sign}{self.bound:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A requirement, judged."""

    requirement: Requirement
    met: Met
    reason: str
    """One clause with the numbers."""
    interval: Interval | None


def parse(text: str) -> Requirement:
    """``metric`` sign number, the number with ``%`` if wanted; UsageError that lists the metrics."""
    known = ", ".join(METRICS)
    form = _FORM.fullmatch(text)
    try:
        bound = float(form[3]) / (100 if form[4] else 1) if form else math.nan
    except ValueError:
        bound = math.nan
    if form is None or not math.isfinite(bound):
        raise UsageError(f"requirement {text!r}: write it like same_zone>=0.95; metrics: {known}")
    if form[1] not in METRICS:
        raise UsageError(f"requirement {text!r}: there is no metric {form[1]}; metrics: {known}")
    return Requirement(metric=form[1], sign=form[2], bound=bound)


def judge(requirement: Requirement, measured: Mapping[str, Interval | None]) -> Finding:
    """Met if the whole interval is on the right side of the bound, not met if none of it is."""
    interval = measured.get(requirement.metric)
    if interval is None:
        reason = f"{requirement.metric} was not measured, or has no interval"
        return Finding(requirement=requirement, met=Met.UNDECIDED, reason=reason, interval=None)
    good = [_holds(end, requirement) for end in (interval.low, interval.high)]
    met = Met.UNDECIDED
    if all(good):
        met = Met.MET
    elif not any(good):
        met = Met.NOT_MET
    reason = (
        f"{requirement.metric} is {interval.estimate:.4g} ({interval.low:.4g} to {interval.high:.4g}), "
        f"required {requirement.sign}{requirement.bound:g}"
    )
    return Finding(requirement=requirement, met=met, reason=reason, interval=interval)


def _holds(value: float, requirement: Requirement) -> bool:
    match requirement.sign:
        case ">=":
            return value >= requirement.bound
        case "<=":
            return value <= requirement.bound
        case ">":
            return value > requirement.bound
        case _:
            return value < requirement.bound
