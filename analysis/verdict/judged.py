"""Effects and verdict as values: what ``comparison.json`` and ``trial.json`` hold of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from analysis.statistics.blocks import BlockResult, Certificate
from analysis.statistics.clusters import Unit
from analysis.statistics.interval import Interval
from analysis.statistics.mix import MixCheck
from analysis.verdict.guards import Guard, GuardName, Outcome
from analysis.verdict.requirements import Finding, Met, Metric
from k8s.errors import ExitCode
from loadtest.record import Caveat


class GateName(StrEnum):
    """What a gate looks at."""

    COMPLETE = "complete"
    LOAD = "load"
    WINDOW = "window"
    PAGES = "pages"
    COUNTS = "counts"
    TOPOLOGY = "topology"
    SAMPLE = "sample"
    GENERATOR = "generator"
    RATE = "rate"
    SPANS = "spans"
    GRAPH = "graph"
    COVERAGE = "coverage"
    HINTS = "hints"
    PODS = "pods"
    WORKERS = "workers"
    """Only where one was lost."""
    CARRY_OVER = "carry-over"
    """Of a trial's arms, not of a window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One condition."""

    name: GateName
    passed: bool
    seen: str
    """What was found, in a clause."""
    bound: str
    """What it may be."""
    where: str = ""
    """The arm or block it was found in."""
    more_s: float | None = None
    """Seconds of warm-up that would mend it; None where no warm-up does, and in older files."""
    run: str = ""
    """The run folder it was found in; empty where it is of several, and in older files."""

    def __str__(self) -> str:
        return f"{self.name}{f' ({self.where})' if self.where else ''}: {self.seen}; bound: {self.bound}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """Candidate against baseline."""

    share_before: Interval
    share_after: Interval
    share: BlockResult
    """Of the difference."""
    design_effect_before: float
    design_effect_after: float
    p50_ratio: Interval | None
    p99_ratio: Interval | None
    """Response times of single calls, as their callers saw them."""
    mean_ratio: Interval | None
    error_rate: Interval | None
    """The candidate's share of failed requests."""
    error_gain: Interval | None
    skew: Interval | None
    """The candidate's busiest endpoint over the mean."""
    skew_before: Interval | None
    coverage: float | None
    """The smaller one of the two arms."""
    usd_before: Interval | None
    usd_after: Interval | None
    usd_gain: Interval | None
    counterfactual_s: Interval | None
    """What a cross-zone call took longer than a same-zone one, in the baseline's own windows."""
    predicted_mean_s: Interval | None
    """The mean that follows from it: less cross-zone calls by so much, each shorter by that."""
    observed_mean_s: Interval | None
    """The difference of the means that then happened."""
    caveats: tuple[Caveat, ...]
    unit: Unit = Unit.CONNECTION
    """What was taken for one random choice of an endpoint."""
    why_unit: str = ""
    """One sentence; empty in older files."""
    mix: tuple[MixCheck, ...] = ()
    """Whether the arms had the same clients; where they did not, shares are at the baseline's mix of zones.
    """
    seconds: float | None = None
    """Of load in one arm, over all blocks."""
    unseen: tuple[tuple[GuardName, str], ...] = ()
    """What the source of the calls cannot tell, and why."""

    def metric(self, metric: Metric) -> Interval | None:  # noqa: C901 - one line a metric
        """What a requirement on *metric* is held against; None where it was not measured."""
        match metric:
            case Metric.SAME_ZONE:
                return self.share_after
            case Metric.SAME_ZONE_GAIN:
                return self.share.interval
            case Metric.COVERAGE:
                return self._counted_coverage()
            case Metric.P50_RATIO:
                return self.p50_ratio
            case Metric.P99_RATIO:
                return self.p99_ratio
            case Metric.MEAN_RATIO:
                return self.mean_ratio
            case Metric.ERROR_RATE:
                return self.error_rate
            case Metric.ERROR_GAIN:
                return self.error_gain
            case Metric.SKEW:
                return self.skew
            case Metric.USD_PER_MONTH:
                return self.usd_after
            case Metric.USD_GAIN:
                return self.usd_gain
            case _:
                assert_never(metric)

    def metrics(self) -> Mapping[Metric, Interval | None]:
        """All of them."""
        return {metric: self.metric(metric) for metric in Metric}

    def _counted_coverage(self) -> Interval | None:
        if self.coverage is None:
            return None
        return Interval(
            estimate=self.coverage,
            low=self.coverage,
            high=self.coverage,
            level=self.share_after.level,
            n=self.share_after.n,
            method="counted",
        )


class Decision(StrEnum):
    """How it ends."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"

    @property
    def exit_code(self) -> ExitCode:
        """Of the process."""
        return _EXIT[self]


def worst(decisions: Sequence[Decision]) -> Decision:
    """Of several pairs that are judged for themselves under one run; ``pass`` of none.

    A *fail* is only given where every gate holds, so it stands whatever the other pairs are: somebody's calls
    are worse off for sure. Next counts what cannot be trusted, then what is open. All have to pass for a
    *pass*, so that a wrong one is no likelier with many pairs than with one.
    """
    return next((one for one in _WORST_FIRST if one in decisions), Decision.PASS)


_WORST_FIRST: Final = (Decision.FAIL, Decision.INVALID, Decision.INCONCLUSIVE)
_EXIT: Final[Mapping[Decision, ExitCode]] = {
    Decision.PASS: ExitCode.DONE,
    Decision.FAIL: ExitCode.FAIL,
    Decision.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Decision.INVALID: ExitCode.INVALID,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Null:
    """The instrument on two equal arms."""

    certified: bool
    pairs: int
    interval: Interval
    """Of a difference that is known to be 0, at 90 %."""
    margin: float
    reasons: tuple[str, ...]
    certificate: Certificate | None = None
    """None in older files, which have *certified* alone."""
    needed: float | None = None
    """How many times as many choices it takes to certify a true instrument in eight of ten cases; None where
    more of them would not help, and in older files."""
    choices: float | None = None
    """Random choices in an arm, over all pairs."""
    seconds: float | None = None
    """Of load in an arm, over all pairs."""
    unit: Unit = Unit.CONNECTION

    @property
    def imprecise(self) -> bool:
        """Not certified because too little was measured, not because equal arms differ."""
        return self.certificate is Certificate.UNDECIDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The decision with everything it rests on."""

    decision: Decision
    reasons: tuple[str, ...]
    """What decided, one sentence each, the weightiest first."""
    gates: tuple[Gate, ...]
    null: Null | None
    """None where no two equal arms were measured."""
    guards: tuple[Guard, ...]
    requirements: tuple[Finding, ...]
    advice: str = ""
    """What to do, in one line, where it is invalid or inconclusive; empty otherwise, and in older files."""

    @property
    def is_open_for_good(self) -> bool:
        """Nothing is open but what no longer measurement would tell."""
        open_ = [one for one in self.guards if one.outcome is Outcome.INCONCLUSIVE]
        told = all(one.unseen for one in open_) and all(
            one.met is not Met.UNDECIDED for one in self.requirements
        )
        return self.decision is Decision.INCONCLUSIVE and bool(open_) and told

    @property
    def failed_gates(self) -> tuple[Gate, ...]:
        """What makes it invalid."""
        return tuple(gate for gate in self.gates if not gate.passed)
