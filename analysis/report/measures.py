"""What a verdict judges, in a reader's units: guards and requirements as figures, bounds and sentences."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from analysis.report import names, units
from analysis.statistics.interval import Interval
from analysis.verdict.guards import Guard, GuardName, Outcome
from analysis.verdict.judged import Gate, GateName, Null
from analysis.verdict.requirements import Finding, Met, Metric, Requirement, Sign

_MORE: Final = 2
"""Decimals added at most, so that an end that misses a bound does not look as if it met it."""


_MOST_WINDOWS: Final = 3
"""Windows of which one sentence tells what a gate found."""


class Scale(StrEnum):
    """How a number is read."""

    SHARE = "share"
    POINTS = "points"
    TIMES = "times"
    USD = "usd"
    USD_CHANGE = "usd-change"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """A guard in sentences; ``{figure}`` and ``{bound}`` stand for the numbers."""

    title: str
    scale: Scale
    limit: str
    """The bound, as a table says it."""
    passed: str
    failed: str
    open: str


_SHARE: Final = _Words(
    title="Rise of the same-zone share",
    scale=Scale.POINTS,
    limit="more than {bound}",
    passed="The same-zone share rose by {figure}; more than {bound} was needed.",
    failed="The same-zone share did not rise by more than {bound}: {figure}.",
    open="Cannot tell whether the same-zone share rose by more than {bound}: {figure}.",
)
_P99: Final = _Words(
    title="Slowest 1 % of calls (p99), against the baseline",
    scale=Scale.TIMES,
    limit="at most {bound}",
    passed="The slowest 1 % of calls (p99) take {figure} the baseline's time; the limit is {bound}.",
    failed="The slowest 1 % of calls (p99) take {figure} the baseline's time, over the limit of {bound}.",
    open="Cannot tell whether the slowest 1 % of calls (p99) take at most {bound} the baseline's time: "
    "{figure}.",
)
_ERRORS: Final = _Words(
    title="Rise of failed requests",
    scale=Scale.POINTS,
    limit="at most {bound}",
    passed="The share of failed requests changed by {figure}; the limit is {bound}.",
    failed="The share of failed requests rose by {figure}, over the limit of {bound}.",
    open="Cannot tell whether the share of failed requests rose by at most {bound}: {figure}.",
)
_SKEW: Final = _Words(
    title="Busiest endpoint, against the mean",
    scale=Scale.TIMES,
    limit="at most {bound}",
    passed="The busiest endpoint gets {figure} the mean load; the limit is {bound}.",
    failed="The busiest endpoint gets {figure} the mean load, over the limit of {bound}.",
    open="Cannot tell whether the busiest endpoint gets at most {bound} the mean load: {figure}.",
)
_ANY_RISE: Final = _Words(
    title="Rise of the same-zone share",
    scale=Scale.POINTS,
    limit="more than {bound}",
    passed="The same-zone share rose by {figure}.",
    failed="The same-zone share did not rise: {figure}.",
    open="Cannot tell whether the same-zone share rose: {figure}.",
)
"""Where any rise will do."""


def _words(guard: Guard) -> _Words:
    match guard.name:
        case GuardName.SHARE:
            return _SHARE if guard.margin else _ANY_RISE
        case GuardName.P99:
            return _P99
        case GuardName.ERRORS:
            return _ERRORS
        case GuardName.SKEW:
            return _SKEW
        case _:
            assert_never(guard.name)


def _metric(metric: Metric) -> tuple[str, Scale]:  # noqa: C901 - one line a metric
    """What can be required, in a reader's words, and how its numbers are read."""
    match metric:
        case Metric.SAME_ZONE:
            return "same-zone share after the change", Scale.SHARE
        case Metric.SAME_ZONE_GAIN:
            return "rise of the same-zone share", Scale.POINTS
        case Metric.COVERAGE:
            return "share of calls with both zones known", Scale.SHARE
        case Metric.P50_RATIO:
            return "median response time over the baseline's", Scale.TIMES
        case Metric.P99_RATIO:
            return "p99 response time over the baseline's", Scale.TIMES
        case Metric.MEAN_RATIO:
            return "mean response time over the baseline's", Scale.TIMES
        case Metric.ERROR_RATE:
            return "share of requests that failed after the change", Scale.SHARE
        case Metric.ERROR_GAIN:
            return "rise of the share of failed requests", Scale.POINTS
        case Metric.SKEW:
            return "busiest endpoint's load over the mean", Scale.TIMES
        case Metric.USD_PER_MONTH:
            return "cost of crossing zones after the change", Scale.USD
        case Metric.USD_GAIN:
            return "change of the cost of crossing zones", Scale.USD_CHANGE
        case _:
            assert_never(metric)


def _sign(sign: Sign) -> str:
    match sign:
        case Sign.AT_LEAST:
            return "at least"
        case Sign.AT_MOST:
            return "at most"
        case Sign.MORE_THAN:
            return "more than"
        case Sign.LESS_THAN:
            return "less than"
        case _:
            assert_never(sign)


_GATE_TITLES: Final[Mapping[GateName, str]] = {
    GateName.COMPLETE: "The run has to be complete",
    GateName.LOAD: "The load's own figures have to add up",
    GateName.WINDOW: "The calls have to be of the window",
    GateName.PAGES: "All pages of the calls have to be there",
    GateName.COUNTS: "The counts have to add up",
    GateName.TOPOLOGY: "Every pod has to be known for all of the window",
    GateName.SAMPLE: "The sample of traces has to be the run's, and whole",
    GateName.GENERATOR: "The load generator has to keep up",
    GateName.RATE: "The load has to be what was asked for, and alike",
    GateName.WORKERS: "Every zone has to send its share of the load",
    GateName.SPANS: "The load generator has to deliver its spans",
    GateName.GRAPH: "Every request has to be counted",
    GateName.COVERAGE: "The zones of the calls have to be known",
    GateName.HINTS: "The routing hints have to stay as they are",
    GateName.PODS: "The pods have to stay as they are",
    GateName.CARRY_OVER: "The arm before must not reach into a window",
}


def gate_title(name: GateName) -> str:
    """What a gate asks for."""
    return _GATE_TITLES[name]


NO_INTERVAL: Final = "no interval could be made"


def outcome(guard: Guard) -> str:
    """A guard's outcome as a sign and a word."""
    match guard.outcome:
        case Outcome.PASS:
            return "\u2713 pass"
        case Outcome.FAIL:
            return "\u2717 fail"
        case Outcome.INCONCLUSIVE:
            return "? cannot tell"
        case _:
            assert_never(guard.outcome)


def met(finding: Finding) -> str:
    """A requirement's outcome as a sign and a word."""
    match finding.met:
        case Met.MET:
            return "\u2713 met"
        case Met.NOT_MET:
            return "\u2717 not met"
        case Met.UNDECIDED:
            return "? cannot tell"
        case _:
            assert_never(finding.met)


def guard_title(guard: Guard) -> str:
    """What a guard looks at."""
    return _words(guard).title


def guard_limit(guard: Guard) -> str:
    """A guard's margin, e.g. ``at most 1.10x``."""
    words = _words(guard)
    return words.limit.format(bound=bound(words.scale, guard.margin, guard.interval))


def guard_value(guard: Guard) -> str:
    """A guard's estimate with its interval."""
    return guard.unseen or figure(_words(guard).scale, guard.interval, guard.margin)


def guard_sentence(guard: Guard) -> str:
    """Why a guard came out as it did."""
    words = _words(guard)
    sentence = {
        Outcome.PASS: words.passed,
        Outcome.FAIL: words.failed,
        Outcome.INCONCLUSIVE: words.open,
    }[guard.outcome]
    return sentence.format(
        figure=guard.unseen or figure(words.scale, guard.interval, guard.margin),
        bound=bound(words.scale, guard.margin, guard.interval),
    )


def requirement_title(requirement: Requirement) -> str:
    """What is required to be what, e.g. ``same-zone share after``."""
    return _metric(requirement.metric)[0]


def requirement_limit(finding: Finding) -> str:
    """The bound, e.g. ``at least 95.0 %``."""
    asked = finding.requirement
    shown = bound(_metric(asked.metric)[1], asked.bound, finding.interval)
    return f"{_sign(asked.sign)} {shown}"


def requirement_value(finding: Finding) -> str:
    """A requirement's estimate with its interval."""
    return figure(_metric(finding.requirement.metric)[1], finding.interval, finding.requirement.bound)


def requirement_sentence(finding: Finding) -> str:
    """Why a requirement came out as it did."""
    title, scale = _metric(finding.requirement.metric)
    if finding.interval is None:
        return f"The {title} was not measured; required is {requirement_limit(finding)}."
    end = {
        Met.MET: "as required",
        Met.NOT_MET: "which misses what is required",
        Met.UNDECIDED: "so it cannot be told whether it is as required",
    }[finding.met]
    shown = figure(scale, finding.interval, finding.requirement.bound)
    return f"The {title} is {shown}, {end}: {requirement_limit(finding)}."


def gate_sentence(gate: Gate) -> str:
    """What a gate found."""
    where = f" ({gate.where})" if gate.where else ""
    return f"{gate_title(gate.name)}{where}: {gate.seen}; allowed: {gate.bound}."


def gate_sentences(gates: Iterable[Gate]) -> dict[Gate, str]:
    """What each gate found; of failed ones that ask for the same, one sentence tells all."""
    alike: dict[tuple[GateName, str], list[Gate]] = {}
    for gate in dict.fromkeys(gates):
        alike.setdefault(
            (gate.name, gate.bound if not gate.passed else f"{gate.where} {gate.seen}"), []
        ).append(gate)
    return {gate: _together(group) for group in alike.values() for gate in group}


def _together(gates: Sequence[Gate]) -> str:
    if len(gates) == 1:
        return gate_sentence(gates[0])
    first = gates[0]
    seen = "; ".join(f"{gate.where}: {gate.seen}" for gate in gates[:_MOST_WINDOWS])
    left = len(gates) - _MOST_WINDOWS
    more = f"; and {units.count(left)} windows more" if left > 0 else ""
    return f"{gate_title(first.name)}: {seen}{more}; allowed: {first.bound}."


def null_sentence(null: Null | None) -> str:
    """What two equal arms showed of the instrument."""
    if null is None:
        return (
            "No two equal arms were measured, so nobody knows what difference measuring alone makes: "
            "measure the baseline twice."
        )
    many = "One pair of equal arms differs"
    if null.pairs != 1:
        many = f"{units.count(null.pairs)} pairs of equal arms differ"
    seen = f"{many} by {figure(Scale.POINTS, null.interval, null.margin)}"
    margin = f"at most {units.half_width(null.margin)} ({units.level(null.interval)} interval)"
    if null.certified:
        return f"{seen}, where the true difference is 0; allowed: {margin}. The check is passed."
    raw, shown = f"{null.margin:g}", units.points(null.margin).lstrip("+")
    why = "; ".join(one.replace("(p = 0)", "(p < 0.0001)").replace(raw, shown) for one in null.reasons)
    seen = f"{seen}, where the true difference is 0; allowed: {margin}"
    return f"The check with two equal arms is not passed. {seen}: {why}."


def figure(scale: Scale, interval: Interval | None, against: float | None = None) -> str:
    """An estimate with its interval, e.g. ``+65.5 points [+63.4, +67.6]``, told apart from *against*.

    No interval stands around what was counted.
    """
    if interval is None:
        return NO_INTERVAL
    decimals = _decimals(scale, interval, against)
    estimate = _number(scale, interval.estimate, decimals)
    if interval.low == interval.high:
        return estimate
    signed = scale in {Scale.POINTS, Scale.USD_CHANGE}
    if scale in _MONEY:
        return f"{estimate} {units.dollar_bounds(interval.low, interval.high, decimals, sign=signed)}"
    factor = _FACTORS[scale]
    return f"{estimate} {units.bounds(interval.low * factor, interval.high * factor, decimals, sign=signed)}"


def bound(scale: Scale, value: float, interval: Interval | None = None) -> str:
    """A bound with as many decimals as the interval that is held against it."""
    if value == 0 and scale in {Scale.POINTS, Scale.SHARE}:
        return _number(scale, value, 0)
    decimals = max(_base(scale, value), 0 if interval is None else _decimals(scale, interval, value))
    return _number(scale, value, decimals)


_MONEY: Final = frozenset({Scale.USD, Scale.USD_CHANGE})
_FACTORS: Final = {
    Scale.SHARE: 100.0,
    Scale.POINTS: 100.0,
    Scale.TIMES: 1.0,
    Scale.USD: 1.0,
    Scale.USD_CHANGE: 1.0,
}


def _base(scale: Scale, *values: float) -> int:
    if scale in _MONEY:
        return units.usd_decimals(*values)
    if scale is Scale.SHARE:
        return max(map(units.ratio_decimals, values))
    return 2 if scale is Scale.TIMES else 1


def _decimals(scale: Scale, interval: Interval, against: float | None) -> int:
    """As few as tell both ends apart (cents have to do), and show on which side of *against* each lies."""
    base = _base(scale, interval.estimate, interval.low, interval.high)
    factor = _FACTORS[scale]
    low, high = interval.low * factor, interval.high * factor
    apart = [(low, high)] if low < high and scale not in _MONEY else []
    if against is not None:
        apart += [(end, against * factor) for end in (low, high) if end != against * factor]
    for decimals in range(base, base + _MORE):
        if all(round(one, decimals) != round(other, decimals) for one, other in apart):
            return decimals
    return base + _MORE


def _number(scale: Scale, value: float, decimals: int) -> str:
    match scale:
        case Scale.SHARE:
            return f"{units.fixed(value * 100, decimals)}{units.GAP}%"
        case Scale.POINTS:
            return f"{units.fixed(value * 100, decimals, sign=True)}{units.GAP}points"
        case Scale.TIMES:
            return f"{units.fixed(value, decimals)}\u00d7"
        case Scale.USD:
            return units.month(units.dollars(value, decimals))
        case Scale.USD_CHANGE:
            return units.month(units.dollars(value, decimals, sign=True))


def arm_name(mode: str) -> str:
    """A mode as a reader knows it, with the word of the command line."""
    words = names.mode(mode)
    return mode if words == mode else f"{words} ({mode})"
