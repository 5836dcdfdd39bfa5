"""Requirements such as ``same_zone>=0.95`` or ``p99_ratio<=1.05``, judged on interval bounds."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from analysis.statistics.interval import Interval
from k8s.errors import UsageError


class Metric(StrEnum):
    """What can be required; the values are part of the command line."""

    SAME_ZONE = "same_zone"
    """The candidate's same-zone share."""
    SAME_ZONE_GAIN = "same_zone_gain"
    """Candidate minus baseline same-zone share."""
    COVERAGE = "coverage"
    """Share of calls with both zones known."""
    P50_RATIO = "p50_ratio"
    """Candidate over baseline median response time."""
    P99_RATIO = "p99_ratio"
    MEAN_RATIO = "mean_ratio"
    ERROR_RATE = "error_rate"
    """Share of the candidate's requests that failed."""
    ERROR_GAIN = "error_gain"
    SKEW = "skew"
    """The busiest endpoint's calls over the mean."""
    USD_PER_MONTH = "usd_per_month"
    """Of the candidate's cross-zone bytes."""
    USD_GAIN = "usd_gain"


class Sign(StrEnum):
    """On which side of its bound a metric has to lie."""

    AT_LEAST = ">="
    AT_MOST = "<="
    MORE_THAN = ">"
    LESS_THAN = "<"


_FORM: Final = re.compile(r"\s*(\w+)\s*(>=|<=|>|<)\s*([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*(%?)\s*")


class Met(StrEnum):
    """Whether a requirement holds."""

    MET = "met"
    NOT_MET = "not met"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A bound on one metric."""

    metric: Metric
    sign: Sign
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
    known = ", ".join(Metric)
    form = _FORM.fullmatch(text)
    try:
        bound = float(form[3]) / (100 if form[4] else 1) if form else math.nan
    except ValueError:
        bound = math.nan
    if form is None or not math.isfinite(bound):
        raise UsageError(f"requirement {text!r}: write it like same_zone>=0.95; metrics: {known}")
    if form[1] not in set(Metric):
        raise UsageError(f"requirement {text!r}: there is no metric {form[1]}; metrics: {known}")
    return Requirement(metric=Metric(form[1]), sign=Sign(form[2]), bound=bound)


def judge(requirement: Requirement, measured: Mapping[Metric, Interval | None]) -> Finding:
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
        case Sign.AT_LEAST:
            return value >= requirement.bound
        case Sign.AT_MOST:
            return value <= requirement.bound
        case Sign.MORE_THAN:
            return value > requirement.bound
        case Sign.LESS_THAN:
            return value < requirement.bound
        case _:
            assert_never(requirement.sign)
