"""What an experiment's blocks come to: who beats whom, the decision, a row a window, what it took."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Final

from analysis.jobs.again import Attempt
from analysis.statistics import blocks, latency_ratios, shares
from analysis.statistics.clusters import Unit
from analysis.statistics.tournament import Contender, Duel, Standing, standing
from analysis.trial.design import Design
from analysis.trial.journal import BrokenOff
from analysis.trial.values import BlockWindow, Contest, FurtherPair, Measuring, Planned
from analysis.verdict import advice, gates
from analysis.verdict.effects import gain, latencies_of, unit_of, zones_moved
from analysis.verdict.judged import Decision, Verdict, worst
from analysis.verdict.windows import Measured
from loadtest.budget import DOLLARS_A_TRACE

NOT_JUDGED: Final = "Mend what left the window without evidence, and make the experiment again."
"""The advice where a run cannot be judged at all."""


def ranked(
    design: Design, measured: Sequence[dict[str, Measured]], contests: Sequence[Contest]
) -> Standing | None:
    """Everybody against everybody, with three or more arms and a whole block."""
    if len(design.arms) < 3 or not measured:  # noqa: PLR2004 - two arms are one contest
        return None
    duels = []
    unit = unit_of([one for block in measured for one in block.values()]).unit
    for left, right in combinations(design.arms, 2):
        pairs = [(block[left], block[right]) for block in measured]
        found = gain(pairs, unit, at_baseline=zones_moved(pairs))
        duels.append(Duel(left=left, right=right, interval=found.interval, p_value=found.p_value))
    verdicts = {one.arm: one.verdict for one in contests}
    return standing([_contender(arm, measured, unit, verdicts.get(arm)) for arm in design.arms], duels)


def _contender(
    arm: str, measured: Sequence[dict[str, Measured]], unit: Unit, judged: Verdict | None
) -> Contender:
    windows = [block[arm] for block in measured]
    costs = [one.usd_per_month.estimate for one in windows if one.usd_per_month is not None]
    loads = [max(one.endpoint_calls.values()) for one in windows if one.endpoint_calls]
    means = [math.fsum(one.endpoint_calls.values()) / len(one.endpoint_calls) for one in windows]
    return Contender(
        mode=arm,
        share=blocks.pooled([one.chance.share(unit) for one in windows]).share,
        p99_s=latency_ratios.quantile(latencies_of(windows, unit), 0.99),
        skew=math.fsum(loads) / math.fsum(means) if math.fsum(means) > 0 else None,
        usd_per_month=math.fsum(costs) / len(costs) if len(costs) == len(windows) else None,
        # The reference is what there is today: it passes by definition.
        passes=judged is None or judged.decision is Decision.PASS,
    )


def decided(
    contests: Sequence[Contest], ranking: Standing | None, broken: Attempt | None
) -> tuple[Decision, tuple[str, ...], str]:
    """Of two arms their contest's; of more: invalid if any is, else pass if a candidate is chosen.

    Invalid, too, where a window is *broken* of which no contest tells.
    """
    told = any(one.verdict.failed_gates for one in contests)
    if broken is not None and (broken.window is None or not told):
        return Decision.INVALID, *_of_broken(broken)
    if ranking is None:
        (only,) = contests
        return only.verdict.decision, only.verdict.reasons, only.verdict.advice
    for one in contests:
        if one.verdict.decision is Decision.INVALID:
            return Decision.INVALID, one.verdict.reasons, one.verdict.advice
    decisions = {one.arm: one.verdict.decision for one in contests}
    if ranking.choice in decisions:
        return Decision.PASS, (ranking.sentence,), ""
    for one in contests:
        if one.verdict.decision is Decision.INCONCLUSIVE:
            return Decision.INCONCLUSIVE, (ranking.sentence,), one.verdict.advice
    return Decision.FAIL, (ranking.sentence,), ""


def over_all(
    first: tuple[Decision, tuple[str, ...], str], ranking: Standing | None, further: Sequence[FurtherPair]
) -> tuple[Decision, tuple[str, ...], str]:
    """The decision over all pairs under test: the worst one, with its reasons, led by the pair they are of.

    Of several modes it is the chosen one that counts, or every one where none was.
    """
    chosen = None if ranking is None else ranking.choice
    judged = [
        (pair.title, one.verdict)
        for pair in further
        for one in pair.contests
        if chosen is None or one.arm == chosen
    ]
    decision = worst([first[0], *(verdict.decision for _, verdict in judged)])
    named = [(title, one) for title, one in judged if one.decision is decision]
    told = tuple(f"{title}: {reason}" for title, one in named for reason in one.reasons)
    advised = next((one.advice for _, one in named if one.advice), "")
    if decision is first[0]:
        return decision, (*first[1], *told), first[2] or advised
    return decision, told, advised


def undecided(
    contests: Sequence[Contest], done: int, planned: Planned | None
) -> tuple[Decision, tuple[str, ...], str]:
    """Of an interrupted experiment: what its last look found invalid stays so; nothing else is settled.

    Neither a pass nor a fail: who ends it when the figures please would be right by chance too often, and the
    rule that keeps the error rate is the plan's.
    """
    for one in contests:
        if one.verdict.decision is Decision.INVALID:
            return Decision.INVALID, one.verdict.reasons, one.verdict.advice
    if planned is None:
        return Decision.INCONCLUSIVE, ("it was interrupted before any block",), ""
    reason = f"it was interrupted after {done} of {planned.blocks} blocks, between its looks"
    return Decision.INCONCLUSIVE, (reason,), ""


def broken_off(where: BrokenOff) -> tuple[Decision, tuple[str, ...], str]:
    """Of an experiment that a guard ended: the mode does harm, however much it might have gained."""
    back = where.breach.restored_s
    kept = "was not put back at once" if back is None else "has again what it had"
    return Decision.FAIL, (f"guard broken in {where.label}: {where.breach.told}; the Service {kept}",), ""


def _of_broken(broken: Attempt) -> tuple[tuple[str, ...], str]:
    """The reason and the advice."""
    if broken.window is None:
        return (f"{broken.label}: {broken.fault}",), NOT_JUDGED
    failed = [gate for gate in gates.of_window(broken.window.evidence) if not gate.passed]
    return tuple(f"gate {gate}" for gate in failed), advice.of_gate(failed[0])


def row(number: int, one: Measured, unit: Unit) -> BlockWindow:
    """A window as the reports show it; *number* is its block's."""
    return BlockWindow(
        block=number,
        arm=one.mode,
        folder=one.folder,
        start_s=one.evidence.window.start_s,
        share=shares.share_interval(one.chance.share(unit)),
        design_effect=one.chance.design_effect,
        calls=one.pair.calls,
        unknown=one.pair.unknown,
        requests=one.requests,
        failures=one.failures,
        rate_per_s=one.evidence.load.rate_per_s,
        p99_s=latency_ratios.quantile(one.latencies, 0.99),
        cost=one.result.costs[0] if one.result.costs else None,
        failed_gates=tuple(str(gate) for gate in gates.of_window(one.evidence) if not gate.passed),
        source=one.result.source,
        unit=one.result.unit,
        grain=one.result.grain,
        loss_meter=one.result.loss_meter,
    )


def measuring(requests: Sequence[int], *, warm_up_requests: float, seconds: float) -> Measuring:
    """What measuring took, from the *requests* of every window: each leaves a trace, a warm-up's too."""
    traces = round(sum(requests) + warm_up_requests * len(requests))
    return Measuring(seconds=seconds, traces=traces, usd=traces * DOLLARS_A_TRACE)
