"""Pass, fail, inconclusive or invalid: what the evidence allows one to say, and why.

The order: a window that breaks a gate, or an instrument that shows a difference of two equal arms, proves
nothing (*invalid*). One that was not measured well enough to show that it has none leaves it open
(*inconclusive*). Then every guard and every requirement counts: one that is missed is a *fail*, one that is
open makes it *inconclusive*. What is invalid or inconclusive ends in a line that says what to do.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist
from typing import Final

from analysis.statistics import blocks, shares
from analysis.statistics.blocks import BlockDifference, Certificate, NullCheck
from analysis.statistics.clusters import Unit
from analysis.statistics.interval import Interval
from analysis.verdict import advice, gates, guards, requirements
from analysis.verdict.effects import Block, gain, unit_of
from analysis.verdict.guards import Guard, Guarded, Margins, Outcome
from analysis.verdict.judged import Decision, Effects, Gate, Null, Verdict
from analysis.verdict.requirements import Finding, Met, Metric, Requirement
from analysis.verdict.windows import Measured

NULL_PAIRS: Final = 1
"""Pairs of equal arms that it takes: with one, its connections have to show the margin."""


def null_of(pairs: Sequence[Block], *, unit: Unit | None = None, margin: float = blocks.NULL_MARGIN) -> Null:
    """Judge pairs of windows whose arms were the same, by their own *unit* unless given.

    UsageError without any.
    """
    unit = unit or unit_of([one for pair in pairs for one in pair]).unit
    differences = [
        BlockDifference(
            estimate=gain([(left, right)], unit).interval.estimate,
            standard_error=shares.equal_error(left.chance.share(unit), right.chance.share(unit)),
        )
        for left, right in pairs
    ]
    check: NullCheck = blocks.certify(differences, margin=margin, least_blocks=NULL_PAIRS)
    return Null(
        certified=check.certificate is Certificate.CERTIFIED,
        pairs=len(pairs),
        interval=check.interval,
        margin=margin,
        reasons=check.reasons,
        certificate=check.certificate,
        needed=_needed(differences, check),
        choices=math.fsum(min(one.chance.share(unit).effective_n for one in pair) for pair in pairs),
        seconds=math.fsum(min(one.seconds for one in pair) for pair in pairs),
        unit=unit,
    )


def _needed(found: Sequence[BlockDifference], check: NullCheck) -> float | None:
    """How many times as many choices would certify a true instrument in eight of ten cases.

    None where so many were measured: then it was chance, or the arms are a little different.
    """
    if check.certificate is not Certificate.UNDECIDED:
        return None
    error = math.sqrt(math.fsum(one.standard_error**2 for one in found)) / len(found)
    normal = NormalDist()
    wanted = check.margin / (normal.inv_cdf(0.5 + blocks.NULL_LEVEL / 2) + normal.inv_cdf(0.9))
    return None if error <= wanted else (error / wanted) ** 2


def gates_of(windows: Sequence[Measured]) -> tuple[Gate, ...]:
    """Every gate of every window, and of the windows together."""
    each = [gate for window in windows for gate in gates.of_window(window.evidence)]
    together = (gates.between([window.evidence for window in windows]),) if len(windows) > 1 else ()
    return (*each, *together)


def decide(
    effects: Effects,
    *,
    gates: Sequence[Gate],
    null: Null | None,
    margins: Margins | None = None,
    required: Sequence[Requirement] = (),
    share: Interval | None = None,
) -> Verdict:
    """The verdict; *share* replaces the share's interval where somebody looked more than once."""
    gain = share or effects.share.interval
    judgement = guards.judge(
        Guarded(
            share_difference=gain,
            p99_ratio=effects.p99_ratio,
            error_difference=effects.error_gain,
            skew=effects.skew,
            unseen=dict(effects.unseen),
        ),
        margins,
    )
    measured = {**effects.metrics(), Metric.SAME_ZONE_GAIN: gain}
    findings = tuple(requirements.judge(one, measured) for one in required)
    decision, reasons = _decision(tuple(gates), null, judgement.guards, findings)
    verdict = Verdict(
        decision=decision,
        reasons=reasons,
        gates=tuple(gates),
        null=null,
        guards=judgement.guards,
        requirements=findings,
    )
    return replace(verdict, advice=advice.of(verdict, effects))


def _decision(
    gates: tuple[Gate, ...], null: Null | None, judged: tuple[Guard, ...], findings: tuple[Finding, ...]
) -> tuple[Decision, tuple[str, ...]]:
    broken = [f"gate {gate}" for gate in gates if not gate.passed]
    if null is None:
        broken.append("no two equal arms were measured, so nobody knows what this instrument calls a change")
    elif not null.certified and not null.imprecise:
        broken += [f"null pair: {reason}" for reason in null.reasons]
    if broken:
        return Decision.INVALID, tuple(broken)
    if null is not None and not null.certified:
        return Decision.INCONCLUSIVE, tuple(f"null pair: {reason}" for reason in null.reasons)
    missed = [one.reason for one in judged if one.outcome is Outcome.FAIL]
    missed += [one.reason for one in findings if one.met is Met.NOT_MET]
    if missed:
        return Decision.FAIL, tuple(missed)
    open_ = [one.reason for one in judged if one.outcome is Outcome.INCONCLUSIVE]
    open_ += [one.reason for one in findings if one.met is Met.UNDECIDED]
    if open_:
        return Decision.INCONCLUSIVE, tuple(open_)
    return Decision.PASS, (*(one.reason for one in judged), *(one.reason for one in findings))
