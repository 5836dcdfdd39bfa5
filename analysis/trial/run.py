"""Run an experiment: certify the instrument, plan, measure blocks, look, stop when the answer is settled.

The effects (changing the Service, sending load, reading X-Ray) are a ``Bench``'s; what is here decides.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final, Protocol

from analysis.jobs import again
from analysis.statistics import blocks, latency_ratios, sequential, shares
from analysis.statistics.clusters import Unit
from analysis.statistics.interval import Interval
from analysis.statistics.sequential import Action, Look
from analysis.statistics.tournament import Contender, Duel, Standing, standing
from analysis.trial.design import Design, planned_blocks
from analysis.trial.switching import switched
from analysis.trial.values import BlockWindow, Contest, LookTaken, Measuring, Planned
from analysis.verdict import decision as verdict
from analysis.verdict import gates
from analysis.verdict.effects import Block, effects, gain, latencies_of, unit_of, zones_moved
from analysis.verdict.judged import Decision, Null, Verdict
from analysis.verdict.windows import Measured
from loadtest.budget import DOLLARS_A_TRACE

MOST_NULL_PAIRS: Final = 3
"""Equal arms that are still not shown to be equal then leave the instrument without a certificate."""


class Bench(Protocol):
    """Measures one window."""

    def measure(self, mode: str, *, label: str, seconds: float) -> Measured:
        """Put *mode* in force with new connections, measure, put it back, read the graph."""

    @property
    def settle_s(self) -> float:
        """What a window took so far beside its measured seconds, on average."""

    def say(self, text: str) -> None:
        """A line for a person."""

    def set_aside(self, broken: Measured, instead: Measured, why: str) -> None:
        """Mark a window that broke a gate: another one stands for it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """All that an experiment leaves; ``analysis/trial/cli.py`` adds the place."""

    order: tuple[tuple[str, ...], ...]
    planned: Planned
    null: Null | None
    windows: tuple[BlockWindow, ...]
    contests: tuple[Contest, ...]
    standing: Standing | None
    decision: Decision
    reasons: tuple[str, ...]
    advice: str
    stopped: str


Numbered = tuple[int, Measured]
"""(block, what it measured); block 0 is the null pairs'."""


def run(design: Design, bench: Bench) -> Found:
    """The whole experiment; whatever a window raises ends it, and the windows before it are kept."""
    windows: list[Numbered] = []
    _certify(design, bench, windows)
    planned, order = planned_blocks(design, [one for _, one in windows], settle_s=bench.settle_s)
    bench.say(
        f"plan: {planned.blocks} blocks of {len(design.arms)} windows of {planned.block_s:.0f} s, a look "
        f"after {', '.join(map(str, planned.looks_after))}"
    )
    taken: dict[str, list[LookTaken]] = {arm: [] for arm in design.arms[1:]}
    measured: list[dict[str, Measured]] = []
    contests: tuple[Contest, ...] = ()
    stopped = "the plan is done"
    for number, block in enumerate(order, start=1):
        measured.append(_block(number, len(order), block, planned.block_s, bench, windows))
        broken = _broken(windows)
        last = number == len(order) or broken
        if number not in planned.looks_after and not last:
            continue
        contests = tuple(
            _contest(design, arm, measured, windows, taken[arm], planned, last=last)
            for arm in design.arms[1:]
        )
        for one in contests:
            bench.say(_told(one))
        if broken:
            stopped = "a window broke a gate twice"
            break
        if not last and design.stops_early and all(_settled(one) for one in contests):
            stopped = f"settled after {number} of {len(order)} blocks"
            break
    ranking = _standing(design, measured, contests)
    decision, reasons, advice = _decision(contests, ranking)
    unit = unit_of([one for _, one in windows]).unit
    return Found(
        order=tuple(order[: len(measured)]),
        planned=planned,
        null=_null_by(unit, windows),
        windows=tuple(_row(number, one, unit) for number, one in windows),
        contests=contests,
        standing=ranking,
        decision=decision,
        reasons=reasons,
        advice=advice,
        stopped=stopped,
    )


def _certify(design: Design, bench: Bench, windows: list[Numbered]) -> None:
    """Null pairs until the instrument is certified, or there have been enough of them."""
    pairs: list[Block] = []
    null: Null | None = None
    while len(pairs) < design.null_pairs or (null and not null.certified and len(pairs) < MOST_NULL_PAIRS):
        number = len(pairs) + 1
        left, right = (
            _window(design.arms[0], f"null pair {number}{half}", design.null_s, bench, windows, block=0)
            for half in "ab"
        )
        pairs.append((left, right))
        null = verdict.null_of(pairs)
        word = "certified" if null.certified else "not certified"
        bench.say(f"null pair {number}: {word}: {'; '.join(null.reasons)}")


def _window(
    mode: str, label: str, seconds: float, bench: Bench, windows: list[Numbered], *, block: int
) -> Measured:
    """One window; measured once more where it breaks a gate, and the broken one is left out."""
    found = again.once_more(
        lambda: bench.measure(mode, label=label, seconds=seconds),
        again.broken_gate,
        on_fault=lambda _, why: bench.say(f"{label}: {why}; measuring this window again"),
        set_aside=bench.set_aside,
    )
    windows.append((block, found))
    return found


def _block(
    number: int, count: int, arms: Sequence[str], seconds: float, bench: Bench, windows: list[Numbered]
) -> dict[str, Measured]:
    return {
        arm: _window(arm, f"block {number} of {count}, {arm}", seconds, bench, windows, block=number)
        for arm in arms
    }


def _broken(windows: Sequence[Numbered]) -> bool:
    return any(not gate.passed for _, one in windows for gate in gates.of_window(one.evidence))


def _contest(
    design: Design,
    arm: str,
    measured: Sequence[dict[str, Measured]],
    windows: Sequence[Numbered],
    taken: list[LookTaken],
    planned: Planned,
    *,
    last: bool,
) -> Contest:
    """The candidate after so many blocks, at the level that this look allows."""
    pairs = [(block[design.arms[0]], block[arm]) for block in measured]
    relevant = [one for number, one in windows if number == 0 or one.mode in (design.arms[0], arm)]
    chosen, moved = unit_of(relevant), zones_moved(pairs)
    checked = switched(pairs, chosen.unit)
    pairs = list(checked.blocks)

    def interval_at(level: float) -> Interval:
        return gain(pairs, chosen.unit, level=level, at_baseline=moved).interval

    looks = [one.after_blocks for one in taken] + [len(measured)]
    look: Look = sequential.look(
        [one / planned.blocks for one in looks],
        interval_at,
        last=last,
        wanted_half_width=planned.wanted_half_width,
    )
    taken.append(
        LookTaken(
            after_blocks=len(measured),
            interval=look.interval,
            boundary_z=look.boundary_z,
            action=look.action,
            reason=look.reason,
        )
    )
    found = effects(pairs, chosen=chosen, level=look.nominal_level)
    found = replace(found, caveats=(*found.caveats, *checked.caveats))
    return Contest(
        arm=arm,
        effects=found,
        gain=look.interval,
        looks=tuple(taken),
        verdict=verdict.decide(
            found,
            gates=(*verdict.gates_of(relevant), *checked.gates),
            null=_null_by(chosen.unit, windows),
            margins=design.terms.margins,
            required=design.terms.required,
            share=look.interval,
        ),
        p99_s=latency_ratios.quantile(latencies_of([block[arm] for block in measured], chosen.unit), 0.99),
    )


def _null_by(unit: Unit, windows: Sequence[Numbered]) -> Null | None:
    """The null pairs once more, by the unit that all windows call for."""
    nulls = [one for number, one in windows if number == 0]
    pairs = list(zip(nulls[::2], nulls[1::2], strict=True))
    return verdict.null_of(pairs, unit=unit) if pairs else None


def _settled(one: Contest) -> bool:
    """Whether more blocks would not change what is said."""
    return one.looks[-1].action is Action.STOP and one.verdict.decision is not Decision.INCONCLUSIVE


def _told(one: Contest) -> str:
    gain = one.gain
    return (
        f"look after {one.looks[-1].after_blocks} blocks: {one.arm} changed the same-zone share by "
        f"{gain.estimate * 100:+.1f} pp [{gain.low * 100:+.1f}, {gain.high * 100:+.1f}]; "
        f"{one.verdict.decision.value}"
    )


def _standing(
    design: Design, measured: Sequence[dict[str, Measured]], contests: Sequence[Contest]
) -> Standing | None:
    """Everybody against everybody, with three or more arms."""
    if len(design.arms) < 3:  # noqa: PLR2004 - two arms are one contest
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


def _decision(contests: Sequence[Contest], ranking: Standing | None) -> tuple[Decision, tuple[str, ...], str]:
    """Of two arms their contest's; of more: invalid if any is, else pass if a candidate is chosen."""
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


def _row(number: int, one: Measured, unit: Unit) -> BlockWindow:
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
    )


def measuring(windows: Sequence[BlockWindow], *, warm_up_requests: float, seconds: float) -> Measuring:
    """What measuring took: every request leaves a trace, those of the warm-ups too."""
    traces = round(sum(one.requests for one in windows) + warm_up_requests * len(windows))
    return Measuring(seconds=seconds, traces=traces, usd=traces * DOLLARS_A_TRACE)
