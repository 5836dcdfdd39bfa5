"""What to do next, in one line, where a verdict is invalid or inconclusive."""

import math
from collections.abc import Iterator, Mapping
from typing import Final, assert_never

from analysis import stages
from analysis.statistics.clusters import Unit
from analysis.statistics.interval import Interval
from analysis.verdict.guards import GuardName, Outcome, phrase
from analysis.verdict.judged import Decision, Effects, Gate, GateName, Null, Verdict
from analysis.verdict.requirements import Met, Sign

LONGEST_S: Final = 24 * 3600.0
"""Nobody measures an arm for longer than a day."""


def of(verdict: Verdict, effects: Effects) -> str:
    """One line; empty for a pass or a fail."""
    match verdict.decision:
        case Decision.PASS | Decision.FAIL:
            return ""
        case Decision.INVALID:
            return _of_invalid(verdict)
        case Decision.INCONCLUSIVE:
            if verdict.null is not None and not verdict.null.certified:
                return _of_null(verdict.null)
            return _of_open(verdict, effects)
        case _:
            assert_never(verdict.decision)


def _of_invalid(verdict: Verdict) -> str:
    if verdict.failed_gates:
        return of_gate(verdict.failed_gates[0])
    if verdict.null is None:
        return "Measure the baseline a second time under the same load, and compare again."
    return (
        "Find out what differs between two runs of the baseline (other load, autoscaling, restarts), keep it "
        "still, and measure them again; or let samezone experiment alternate the arms."
    )


_READ_AGAIN: Final = (
    f"Read the run's calls again while the source still has them ({stages.COLLECT}); else measure again."
)
_OF_GATES: Final[Mapping[GateName, str]] = {
    GateName.COMPLETE: "Measure again, and let the run come to its end.",
    GateName.LOAD: "The record is damaged, or not of one run: measure again.",
    GateName.WINDOW: _READ_AGAIN,
    GateName.PAGES: _READ_AGAIN,
    GateName.COUNTS: _READ_AGAIN,
    GateName.SAMPLE: _READ_AGAIN,
    GateName.TOPOLOGY: ("Have the cluster answer, and its pods stay, for all of the window; measure again."),
    GateName.GENERATOR: "Give the load generators more CPU, or ask for a lower rate; measure again.",
    GateName.RATE: "Ask for a rate that the services can take (--rate), or give more users; measure again.",
    GateName.WORKERS: "See in its log why the worker was lost, and measure again, or for longer.",
    GateName.SPANS: "Give the collector more CPU and memory, or ask for a lower rate; measure again.",
    GateName.GRAPH: (
        f"If documents are only late, read them again ({stages.COLLECT}); else have every request "
        "traced (no sampling, no lost documents), and measure again."
    ),
    GateName.COVERAGE: "Have every pod on a node with a zone label, and named in its traces; measure again.",
    GateName.HINTS: (
        "Have the hints settle first (samezone routing doctor says why they move); measure again."
    ),
    GateName.PODS: "Switch autoscaling and rollouts off while it is measured, and measure again.",
}


def of_gate(gate: Gate) -> str:
    """What to do about one that does not hold."""
    if gate.name is GateName.CARRY_OVER:
        longer = "for longer" if gate.more_s is None else f"for {_span(gate.more_s)} more"
        return f"Warm up {longer} before each window, or have the clients restarted there."
    text = _OF_GATES[gate.name]
    # Gates of older files do not say of which run they are.
    return stages.of_run(text, gate.run) if gate.run else text.replace(f" ({stages.COLLECT})", "")


def _of_null(null: Null) -> str:
    """Enough choices to certify."""
    if null.needed is None or null.choices is None or null.seconds is None:
        return "Measure the two equal arms for longer."
    choices = math.ceil(null.choices * null.needed)
    return _more(null.needed, null.seconds, null.unit, f"{choices} random choices in each equal arm")


def _of_open(verdict: Verdict, effects: Effects) -> str:
    """Enough to tell, if the estimates are the truth."""
    if verdict.is_open_for_good:
        names = ", ".join(phrase(one.name) for one in verdict.guards if one.unseen)
        return (
            f"No longer measurement tells what is open here ({names}): for a pass have the calls counted by "
            "a source that does, e.g. --source xray or --source spans; the share itself is judged above."
        )
    factors = list(_factors(verdict))
    if None in factors or not factors:
        return (
            "Measure for longer and more often (samezone experiment): a figure is too close to its limit, or "
            "has no interval, to say how long."
        )
    factor = max(one for one in factors if one is not None)
    choices = math.ceil(effects.share_after.n * factor)
    return _more(factor, effects.seconds, effects.unit, f"{choices} random choices in each arm")


def _factors(verdict: Verdict) -> Iterator[float | None]:
    for guard in verdict.guards:
        if guard.outcome is Outcome.INCONCLUSIVE and not guard.unseen:
            yield _factor(guard.interval, guard.margin, above=guard.name is GuardName.SHARE)
    for one in verdict.requirements:
        if one.met is Met.UNDECIDED:
            above = one.requirement.sign in {Sign.AT_LEAST, Sign.MORE_THAN}
            yield _factor(one.interval, one.requirement.bound, above=above)


def _factor(interval: Interval | None, bound: float, *, above: bool) -> float | None:
    """How many times as much shrinks the interval to one side of the bound; None where that is not known."""
    if interval is None:
        return None
    good = interval.estimate > bound if above else interval.estimate <= bound
    # Towards a pass the far end has to come over, towards a fail the other one.
    end = interval.low if above == good else interval.high
    gap = abs(interval.estimate - bound)
    if gap <= 0:
        return None
    return max(1.0, (abs(interval.estimate - end) / gap) ** 2)


def _more(factor: float, seconds: float | None, unit: Unit, choices: str) -> str:
    times = f"{max(factor, 1.1):.1f} times" if factor < 10 else f"{math.ceil(factor)} times"  # noqa: PLR2004 - digits
    match unit:
        case Unit.CLIENT_POD:
            return (
                f"It takes about {choices}, {times} as many; a client pod chooses once, however long a "
                "window is: run more client pods, or that many more blocks (samezone experiment)."
            )
        case Unit.PAIR:
            return (
                f"It takes about {choices}, {times} as many; connections cannot be told apart: have traces "
                "name their peer's port, or measure that many more blocks (samezone experiment)."
            )
        case Unit.CONNECTION:
            if seconds is None or seconds * factor > LONGEST_S:
                return (
                    f"It takes about {choices}, {times} as many: open more connections, or measure that many "
                    "more blocks (samezone experiment)."
                )
            return (
                f"Measure each arm for about {_span(seconds * factor)} ({times} as long, {choices}); clients "
                "that keep their connections have to open new ones meanwhile."
            )
        case _:
            assert_never(unit)


def _span(seconds: float) -> str:
    return f"{math.ceil(seconds)} s" if seconds < 120 else f"{math.ceil(seconds / 60)} minutes"  # noqa: PLR2004
