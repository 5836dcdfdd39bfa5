"""Is the candidate better without being worse: guards with margins, judged on interval bounds.

A verdict passes only if *every* guard passes, each at its full level: that intersection-union test needs no
correction for their number (R. L. Berger, Technometrics 24 (1982) 295; Berger and J. C. Hsu, Statistical
Science 11 (1996) 283). Non-inferiority with a margin: S. Senn, Statistical Issues in Drug Development (2007)
ch. 15.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, assert_never

from analysis.statistics import stats
from analysis.statistics.interval import Interval

SHARE_MARGIN: Final = 0.0
"""The same-zone share must rise by more than this."""
P99_MARGIN: Final = 1.10
"""The p99 may become 10 % longer."""
ERROR_MARGIN: Final = 0.005
"""One request in two hundred more may fail; without any failure it takes 800 requests an arm to show that."""
SKEW_MARGIN: Final = 1.3
"""The busiest endpoint may get 30 % more than the mean. The EndpointSlice controller itself calls a zone
overloaded at 20 % (KEP-2433); the rest is for chance, since an interval has to fit below."""


class Outcome(StrEnum):
    """Of a guard, or of all."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """What still counts as no harm."""

    share: float = SHARE_MARGIN
    p99_ratio: float = P99_MARGIN
    error_rate: float = ERROR_MARGIN
    skew: float = SKEW_MARGIN


class GuardName(StrEnum):
    """What a guard looks at."""

    SHARE = "share"
    P99 = "p99"
    ERRORS = "errors"
    SKEW = "skew"

    @classmethod
    def _missing_(cls, value: object) -> "GuardName | None":
        """Artifacts of before these names hold the guard's phrase."""
        return next((one for one in cls if phrase(one) == value), None)


def phrase(name: GuardName) -> str:
    """What a guard looks at, in words."""
    match name:
        case GuardName.SHARE:
            return "same-zone share gained"
        case GuardName.P99:
            return "p99 ratio"
        case GuardName.ERRORS:
            return "error rate gained"
        case GuardName.SKEW:
            return "busiest endpoint over the mean"
        case _:
            assert_never(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """The intervals to be judged; None where one could not be made."""

    share_difference: Interval | None
    """Candidate minus baseline."""
    p99_ratio: Interval | None
    """Candidate over baseline."""
    error_difference: Interval | None
    """Candidate minus baseline, share of failed calls."""
    skew: Interval | None
    """Of the candidate: see ``load_skew``."""
    unseen: Mapping[GuardName, str] = field(default_factory=dict)
    """What the source cannot tell, and why: that is neither a pass nor a fail, whatever interval there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """One guard's judgement."""

    name: GuardName
    outcome: Outcome
    reason: str
    """One sentence with the numbers."""
    margin: float
    interval: Interval | None
    unseen: str = ""
    """Why the source of the calls has no figure for it; empty where it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All guards together."""

    outcome: Outcome
    guards: tuple[Guard, ...]


def judge(guarded: Guarded, margins: Margins | None = None) -> Judgement:
    """Pass if all guards pass; fail if one fails; inconclusive otherwise.

    With 95 % intervals a candidate that misses any one margin passes with a probability of at most 2.5 %. One
    that is fine in all fails with at most 2.5 % for each guard.
    """
    margins = margins or Margins()
    judged = (
        _above(GuardName.SHARE, guarded.share_difference, margins.share),
        _below(GuardName.P99, guarded.p99_ratio, margins.p99_ratio),
        _below(GuardName.ERRORS, guarded.error_difference, margins.error_rate),
        _below(GuardName.SKEW, guarded.skew, margins.skew),
    )
    guards = tuple(
        _unseen(one, guarded.unseen[one.name]) if one.name in guarded.unseen else one for one in judged
    )
    outcomes = {guard.outcome for guard in guards}
    outcome = Outcome.PASS
    if outcomes != {Outcome.PASS}:
        outcome = Outcome.FAIL if Outcome.FAIL in outcomes else Outcome.INCONCLUSIVE
    return Judgement(outcome=outcome, guards=guards)


def _above(name: GuardName, interval: Interval | None, margin: float) -> Guard:
    if interval is None:
        return _missing(name, margin)
    if interval.low > margin:
        return _guard(name, Outcome.PASS, "above", interval, margin)
    if interval.high <= margin:
        return _guard(name, Outcome.FAIL, "not above", interval, margin)
    return _guard(name, Outcome.INCONCLUSIVE, "on both sides of", interval, margin)


def _below(name: GuardName, interval: Interval | None, margin: float) -> Guard:
    if interval is None:
        return _missing(name, margin)
    if interval.high <= margin:
        return _guard(name, Outcome.PASS, "not above", interval, margin)
    if interval.low > margin:
        return _guard(name, Outcome.FAIL, "above", interval, margin)
    return _guard(name, Outcome.INCONCLUSIVE, "on both sides of", interval, margin)


def _guard(name: GuardName, outcome: Outcome, where: str, interval: Interval, margin: float) -> Guard:
    seen = f"{interval.estimate:.4g} ({interval.low:.4g} to {interval.high:.4g})"
    reason = f"{phrase(name)}: {seen} is {where} {margin:g}"
    return Guard(name=name, outcome=outcome, reason=reason, margin=margin, interval=interval)


def _missing(name: GuardName, margin: float) -> Guard:
    reason = f"{phrase(name)}: no interval could be made"
    return Guard(name=name, outcome=Outcome.INCONCLUSIVE, reason=reason, margin=margin, interval=None)


def _unseen(guard: Guard, why: str) -> Guard:
    return replace(
        guard,
        outcome=Outcome.INCONCLUSIVE,
        reason=f"{phrase(guard.name)}: {why}",
        interval=None,
        unseen=why,
    )


def load_skew(
    calls: Mapping[str, float], effective_n: float, *, level: float = stats.LEVEL
) -> Interval | None:
    """The busiest endpoint's calls over the mean of all endpoints; None without calls.

    Give every usable endpoint, those without calls too. Wilson intervals of all endpoints' shares hold at
    once by Bonferroni (as L. A. Goodman, Technometrics 7 (1965) 247, for multinomials); the greatest low and
    the greatest high end then hold the greatest true share. The estimate is biased upwards by chance, its low
    end is not.
    """
    total, size = math.fsum(calls.values()), len(calls)
    whole = math.floor(effective_n + 1e-9)
    if total <= 0 or whole < 1:
        return None
    each = 1 - (1 - level) / size
    found = [stats.wilson(one / total * whole, whole, level=each) for one in calls.values()]
    ends: Sequence[Interval] = [one for one in found if one is not None]
    return Interval(
        estimate=size * max(one.estimate for one in ends),
        low=max(1.0, size * max(one.low for one in ends)),
        high=size * max(one.high for one in ends),
        level=level,
        n=whole,
        method="Bonferroni over endpoints, Wilson score",
    )
