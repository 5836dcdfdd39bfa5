"""Run an experiment: certify the instrument, plan, measure blocks, look, stop when the answer is settled.

The effects (changing the Service, sending load, reading X-Ray) are a ``Bench``'s; what is here decides.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Final, Protocol

from analysis.statistics import blocks, latency_ratios, planning, sequential, shares
from analysis.statistics.interval import Interval
from analysis.statistics.planning import Detection, Precision
from analysis.statistics.sequential import Action, Look
from analysis.statistics.tournament import Contender, Duel, Standing, standing
from analysis.trial.values import BlockWindow, Contest, LookTaken, Measuring, Planned
from analysis.verdict import decision as verdict
from analysis.verdict import gates
from analysis.verdict.compare import Terms
from analysis.verdict.effects import Block, effects, latencies_of
from analysis.verdict.judged import Decision, Null, Verdict
from analysis.verdict.windows import Measured
from k8s.errors import UsageError
from loadtest.budget import DOLLARS_A_TRACE

HOUR_S: Final = 3600.0
DEFAULT_HALF_WIDTH: Final = 0.05
"""Of the share's difference: five points either way."""
LEAST_BLOCK_S: Final = 10.0
MOST_LOOKS: Final = 4
PLANNED_LOOKS: Final = 2
"""What the least number of blocks allows; more looks cost next to no power."""
MOST_NULL_PAIRS: Final = 3
"""Equal arms that are still not shown to be equal then leave the instrument without a certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What the experiment is asked to do."""

    arms: tuple[str, ...]
    """Routing modes; the first is the reference."""
    order: tuple[tuple[str, ...], ...] | None = None
    """The arms of each block in turn; None: planned."""
    block_s: float | None = None
    """Measured seconds of a window; None: planned."""
    null_s: float
    """Measured seconds of a window of the null pairs."""
    null_pairs: int = 1
    goal: Precision | Detection = field(default_factory=lambda: Precision(half_width=DEFAULT_HALF_WIDTH))
    """What the blocks are planned for; its shares are replaced by the null pairs'."""
    terms: Terms = field(default_factory=Terms)
    stops_early: bool = True


class Bench(Protocol):
    """Measures one window."""

    def measure(self, mode: str, *, label: str, seconds: float) -> Measured:
        """Put *mode* in force with new connections, measure, put it back, read the graph."""

    @property
    def settle_s(self) -> float:
        """What a window took so far beside its measured seconds, on average."""

    def say(self, text: str) -> None:
        """A line for a person."""


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
    stopped: str


Numbered = tuple[int, Measured]
"""(block, what it measured); block 0 is the null pairs'."""


def run(design: Design, bench: Bench) -> Found:
    """The whole experiment; whatever a window raises ends it, and the windows before it are kept."""
    windows: list[Numbered] = []
    null = _certified(design, bench, windows)
    planned, order = _planned(design, bench, [one for _, one in windows])
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
            _contest(design, arm, measured, windows, null, taken[arm], planned, last=last)
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
    decision, reasons = _decision(contests, ranking)
    return Found(
        order=tuple(order[: len(measured)]),
        planned=planned,
        null=null,
        windows=tuple(_row(number, one) for number, one in windows),
        contests=contests,
        standing=ranking,
        decision=decision,
        reasons=reasons,
        stopped=stopped,
    )


def order_of(arms: Sequence[str], letters: str) -> tuple[tuple[str, ...], ...]:
    """``ABBA`` over two arms is A B, then B A; UsageError unless every block has each arm once."""
    known = {chr(ord("A") + index): arm for index, arm in enumerate(arms)}
    text = letters.upper()
    size = len(arms)
    cut = [text[start : start + size] for start in range(0, len(text), size)]
    if not cut or any(sorted(part) != sorted(known) for part in cut):
        named = ", ".join(f"{letter} = {arm}" for letter, arm in known.items())
        raise UsageError(
            f"--blocks {letters}: each block has every arm once, so give groups of {size} such as "
            f"{''.join(known)}{''.join(reversed(known))} ({named})"
        )
    return tuple(tuple(known[letter] for letter in part) for part in cut)


def _certified(design: Design, bench: Bench, windows: list[Numbered]) -> Null | None:
    """Null pairs until the instrument is certified, or there have been enough of them."""
    pairs: list[Block] = []
    null = None
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
    return null


def _window(
    mode: str, label: str, seconds: float, bench: Bench, windows: list[Numbered], *, block: int
) -> Measured:
    """One window; measured once more where it breaks a gate, and the broken one is left out."""
    found = bench.measure(mode, label=label, seconds=seconds)
    failed = [gate for gate in gates.of_window(found.evidence) if not gate.passed]
    if failed:
        bench.say(f"{label}: {failed[0]}; measuring this window again")
        found = bench.measure(mode, label=label, seconds=seconds)
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


def _planned(
    design: Design, bench: Bench, nulls: Sequence[Measured]
) -> tuple[Planned, tuple[tuple[str, ...], ...]]:
    """Blocks from the null pairs' design effect; what the user gave is kept."""
    if not nulls and (design.order is None or design.block_s is None):
        raise UsageError(
            "planning the experiment: without a null pair nothing is known of the connections; give --blocks "
            "and --block-duration, or a null pair"
        )
    effect = math.fsum(one.design_effect for one in nulls) / len(nulls) if nulls else 1.0
    share = math.fsum(one.share.share for one in nulls) / len(nulls) if nulls else 1 / 3
    rate = math.fsum(one.calls_per_s for one in nulls) / len(nulls) if nulls else 1.0
    traffic = planning.Traffic(calls_per_s=max(rate, 1e-6), design_effect=max(1.0, effect))
    goal: Precision | Detection = replace(design.goal, baseline=share)
    if isinstance(goal, Precision):
        goal = replace(goal, candidate=share)
    order, seconds = design.order, design.block_s
    if order is None or seconds is None:
        limits = planning.Limits(
            arms=len(design.arms),
            settle_s=bench.settle_s,
            least_block_s=LEAST_BLOCK_S,
            looks=PLANNED_LOOKS if design.stops_early else 1,
        )
        plan = planning.plan(goal, traffic, limits)
        order = order or blocks.schedule(design.arms, plan.blocks)
        # As much load an arm as planned, over as many blocks as there are.
        seconds = seconds or max(LEAST_BLOCK_S, plan.load_s / len(order))
    looks = max(1, min(MOST_LOOKS, len(order) // 2)) if design.stops_early else 1
    after = planning.looks_after(len(order), looks) if len(order) > 1 else (1,)
    n = traffic.effective_n(seconds) * len(order)
    expected = planning.half_width(max(n, 1.0), share, share)
    wanted = goal.half_width if isinstance(goal, Precision) else expected
    fixed = planning.fixed_seconds(traffic, Precision(half_width=wanted, baseline=share, candidate=share))
    return (
        Planned(
            blocks=len(order),
            block_s=seconds,
            looks_after=after,
            wanted_half_width=wanted,
            expected_half_width=expected,
            design_effect=effect,
            fixed_run_s=None if fixed is None else fixed.seconds,
            hour_half_width=planning.fixed_run(traffic, HOUR_S, baseline=share, candidate=share).half_width,
        ),
        order,
    )


def _contest(
    design: Design,
    arm: str,
    measured: Sequence[dict[str, Measured]],
    windows: Sequence[Numbered],
    null: Null | None,
    taken: list[LookTaken],
    planned: Planned,
    *,
    last: bool,
) -> Contest:
    """The candidate after so many blocks, at the level that this look allows."""
    pairs = [(block[design.arms[0]], block[arm]) for block in measured]

    def interval_at(level: float) -> Interval:
        return blocks.share_difference([(a.share, b.share) for a, b in pairs], level=level).interval

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
    found = effects(pairs, level=look.nominal_level)
    relevant = [one for number, one in windows if number == 0 or one.mode in (design.arms[0], arm)]
    return Contest(
        arm=arm,
        effects=found,
        gain=look.interval,
        looks=tuple(taken),
        verdict=verdict.decide(
            found,
            gates=verdict.gates_of(relevant),
            null=null,
            margins=design.terms.margins,
            required=design.terms.required,
            share=look.interval,
        ),
        p99_s=latency_ratios.quantile(latencies_of([block[arm] for block in measured]), 0.99),
    )


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
    for left, right in combinations(design.arms, 2):
        found = blocks.share_difference([(block[left].share, block[right].share) for block in measured])
        duels.append(Duel(left=left, right=right, interval=found.interval, p_value=found.p_value))
    verdicts = {one.arm: one.verdict for one in contests}
    return standing([_contender(arm, measured, verdicts.get(arm)) for arm in design.arms], duels)


def _contender(arm: str, measured: Sequence[dict[str, Measured]], judged: Verdict | None) -> Contender:
    windows = [block[arm] for block in measured]
    costs = [one.usd_per_month.estimate for one in windows if one.usd_per_month is not None]
    loads = [max(one.endpoint_calls.values()) for one in windows if one.endpoint_calls]
    means = [math.fsum(one.endpoint_calls.values()) / len(one.endpoint_calls) for one in windows]
    return Contender(
        mode=arm,
        share=blocks.pooled([one.share for one in windows]).share,
        p99_s=latency_ratios.quantile(latencies_of(windows), 0.99),
        skew=math.fsum(loads) / math.fsum(means) if math.fsum(means) > 0 else None,
        usd_per_month=math.fsum(costs) / len(costs) if len(costs) == len(windows) else None,
        # The reference is what there is today: it passes by definition.
        passes=judged is None or judged.decision is Decision.PASS,
    )


def _decision(contests: Sequence[Contest], ranking: Standing | None) -> tuple[Decision, tuple[str, ...]]:
    """Of two arms their contest's; of more: invalid if any is, else pass if a candidate is chosen."""
    if ranking is None:
        (only,) = contests
        return only.verdict.decision, only.verdict.reasons
    for one in contests:
        if one.verdict.decision is Decision.INVALID:
            return Decision.INVALID, one.verdict.reasons
    decisions = {one.arm: one.verdict.decision for one in contests}
    if ranking.choice in decisions:
        return Decision.PASS, (ranking.sentence,)
    undecided = Decision.INCONCLUSIVE in decisions.values()
    return (Decision.INCONCLUSIVE if undecided else Decision.FAIL), (ranking.sentence,)


def _row(number: int, one: Measured) -> BlockWindow:
    return BlockWindow(
        block=number,
        arm=one.mode,
        folder=one.folder,
        start_s=one.evidence.window.start_s,
        share=shares.share_interval(one.share),
        design_effect=one.design_effect,
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
