"""Run an experiment: certify the instrument, plan, measure blocks, look, stop when the answer is settled.

The effects (changing the Service, sending load, reading X-Ray) are a ``Bench``'s; what is here decides.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Final, Protocol

from analysis.jobs import again
from analysis.jobs.again import Attempt
from analysis.statistics import blocks, latency_ratios, sequential, shares
from analysis.statistics.clusters import Unit
from analysis.statistics.interval import Interval
from analysis.statistics.sequential import Action, Look
from analysis.statistics.tournament import Contender, Duel, Standing, standing
from analysis.trial.design import Design, planned_blocks
from analysis.trial.switching import switched
from analysis.trial.values import BlockWindow, Contest, LookTaken, Measuring, Planned
from analysis.verdict import advice, gates
from analysis.verdict import decision as verdict
from analysis.verdict.effects import Block, effects, gain, latencies_of, unit_of, zones_moved
from analysis.verdict.judged import Decision, Null, Verdict
from analysis.verdict.windows import Measured
from loadtest.budget import DOLLARS_A_TRACE

MOST_NULL_PAIRS: Final = 3
"""Equal arms that are still not shown to be equal then leave the instrument without a certificate."""


TWICE: Final = "a window broke a gate twice"
NOT_JUDGED: Final = "Mend what left the window without evidence, and make the experiment again."
"""The advice where a run cannot be judged at all."""


class Bench(Protocol):
    """Measures one window."""

    def measure(self, mode: str, *, label: str, seconds: float) -> Attempt:
        """Put *mode* in force with new connections, measure, put it back, read the graph."""

    @property
    def settle_s(self) -> float:
        """What a window took so far beside its measured seconds, on average."""

    def say(self, text: str) -> None:
        """A line for a person."""

    def set_aside(self, broken: Attempt, instead: Attempt, why: str) -> None:
        """Mark a window that is no evidence: another one stands for it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """All that an experiment leaves; ``analysis/trial/experiment.py`` adds the place."""

    order: tuple[tuple[str, ...], ...]
    planned: Planned | None
    """None where it ended before there was anything to plan from."""
    null: Null | None
    windows: tuple[BlockWindow, ...]
    contests: tuple[Contest, ...]
    """Empty where it ended before any block was whole."""
    standing: Standing | None
    decision: Decision
    reasons: tuple[str, ...]
    advice: str
    stopped: str
    requests: tuple[int, ...]
    """Of every window measured, those that were set aside too."""


Numbered = tuple[int, Measured]
"""(block, what it measured); block 0 is the null pairs'."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Course:
    """What was measured so far."""

    windows: list[Numbered] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    broken: Attempt | None = None
    """The first window that was no evidence when measured once more, either."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Blocks:
    """What the blocks showed so far."""

    measured: list[dict[str, Measured]] = field(default_factory=list)
    contests: tuple[Contest, ...] = ()
    stopped: str = "the plan is done"


def run(design: Design, bench: Bench) -> Found:
    """The whole experiment; a window that is no evidence twice ends it as invalid.

    Whatever else a window raises ends it, too; the windows before it are kept.
    """
    course, planned = _Course(), None
    order: tuple[tuple[str, ...], ...] = ()
    _certify(design, bench, course)
    windows = course.windows
    if course.broken is None:
        planned, order = planned_blocks(design, [one for _, one in windows], settle_s=bench.settle_s)
        bench.say(
            f"plan: {planned.blocks} blocks of {len(design.arms)} windows of {planned.block_s:.0f} s, a look "
            f"after {', '.join(map(str, planned.looks_after))}"
        )
        found = _blocks(design, bench, course, planned, order)
    else:
        found = _Blocks(stopped=TWICE)
    ranking = _standing(design, found.measured, found.contests)
    decision, reasons, to_do = _decision(found.contests, ranking, course.broken)
    unit = unit_of([one for _, one in windows]).unit if windows else Unit.CONNECTION
    return Found(
        order=order[: len(found.measured)],
        planned=planned,
        null=_null_by(unit, windows),
        windows=tuple(_row(number, one, unit) for number, one in windows),
        contests=found.contests,
        standing=ranking,
        decision=decision,
        reasons=reasons,
        advice=to_do,
        stopped=found.stopped,
        requests=tuple(course.requests),
    )


def _blocks(
    design: Design, bench: Bench, course: _Course, planned: Planned, order: Sequence[tuple[str, ...]]
) -> _Blocks:
    """Block after block, up to the plan's end, a settled answer or a window that is no evidence."""
    found = _Blocks()
    taken: dict[str, list[LookTaken]] = {arm: [] for arm in design.arms[1:]}
    looked_after = 0
    for number, block in enumerate(order, start=1):
        whole = _block(number, len(order), block, planned.block_s, bench, course)
        if whole is not None:
            found.measured.append(whole)
        last = number == len(order) or course.broken is not None
        if number not in planned.looks_after and not last:
            continue
        if len(found.measured) > looked_after:
            looked_after = len(found.measured)
            found.contests = tuple(
                _contest(design, arm, found.measured, course.windows, taken[arm], planned, last=last)
                for arm in design.arms[1:]
            )
            for one in found.contests:
                bench.say(_told(one))
        if course.broken is not None:
            found.stopped = TWICE
            break
        if not last and design.stops_early and all(_settled(one) for one in found.contests):
            found.stopped = f"settled after {number} of {len(order)} blocks"
            break
    return found


def _certify(design: Design, bench: Bench, course: _Course) -> None:
    """Null pairs until the instrument is certified, or there have been enough, or one is no evidence."""
    pairs: list[Block] = []
    null: Null | None = None
    while len(pairs) < design.null_pairs or (null and not null.certified and len(pairs) < MOST_NULL_PAIRS):
        number = len(pairs) + 1
        pair: list[Measured] = []
        for half in "ab":
            label = f"null pair {number}{half}"
            window = _window(design.arms[0], label, design.null_s, bench, course, block=0)
            if window is None or course.broken is not None:
                return
            pair.append(window)
        pairs.append((pair[0], pair[1]))
        null = verdict.null_of(pairs)
        word = "certified" if null.certified else "not certified"
        bench.say(f"null pair {number}: {word}: {'; '.join(null.reasons)}")


def _window(
    mode: str, label: str, seconds: float, bench: Bench, course: _Course, *, block: int
) -> Measured | None:
    """One window; measured once more where it is no evidence, and the broken one is left out.

    None where the second one cannot be judged at all.
    """

    def once() -> Attempt:
        made = bench.measure(mode, label=label, seconds=seconds)
        load = made.record.seen.measured
        course.requests.append(0 if load is None else load.requests)
        return made

    found = again.once_more(
        once,
        lambda one: one.fault,
        on_fault=lambda _, why: bench.say(f"{label}: {why}; measuring this window again"),
        set_aside=bench.set_aside,
    )
    if found.fault is not None and course.broken is None:
        course.broken = found
    if found.window is not None:
        course.windows.append((block, found.window))
    return found.window


def _block(
    number: int, count: int, arms: Sequence[str], seconds: float, bench: Bench, course: _Course
) -> dict[str, Measured] | None:
    """The arms' windows; None as soon as one of them cannot be judged."""
    found: dict[str, Measured] = {}
    for arm in arms:
        label = f"block {number} of {count}, {arm}"
        window = _window(arm, label, seconds, bench, course, block=number)
        if window is None:
            return None
        found[arm] = window
    return found


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
    """The whole null pairs once more, by the unit that all windows call for."""
    nulls = [one for number, one in windows if number == 0]
    pairs = list(zip(nulls[::2], nulls[1::2], strict=False))
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


def _decision(
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


def _of_broken(broken: Attempt) -> tuple[tuple[str, ...], str]:
    """The reason and the advice."""
    if broken.window is None:
        return (f"{broken.label}: {broken.fault}",), NOT_JUDGED
    failed = [gate for gate in gates.of_window(broken.window.evidence) if not gate.passed]
    return tuple(f"gate {gate}" for gate in failed), advice.of_gate(failed[0])


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


def measuring(requests: Sequence[int], *, warm_up_requests: float, seconds: float) -> Measuring:
    """What measuring took, from the *requests* of every window: each leaves a trace, a warm-up's too."""
    traces = round(sum(requests) + warm_up_requests * len(requests))
    return Measuring(seconds=seconds, traces=traces, usd=traces * DOLLARS_A_TRACE)
