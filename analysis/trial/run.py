"""Run an experiment: certify the instrument, plan, measure blocks, look, stop when the answer is settled.

The effects (changing the Service, sending load, reading X-Ray) are a ``Bench``'s; what is here decides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from analysis.jobs import again
from analysis.jobs.again import Attempt
from analysis.statistics import latency_ratios, sequential
from analysis.statistics.clusters import Unit
from analysis.statistics.interval import Interval
from analysis.statistics.sequential import Action, Look
from analysis.statistics.tournament import Standing
from analysis.trial import concluding
from analysis.trial.design import Design, planned_blocks
from analysis.trial.journal import BrokenOff, TrialBrokenOffError
from analysis.trial.switching import switched
from analysis.trial.values import BlockWindow, Contest, FurtherPair, LookTaken, Planned
from analysis.verdict import decision as verdict
from analysis.verdict.effects import Block, effects, gain, latencies_of, unit_of, zones_moved
from analysis.verdict.judged import Decision, Null
from analysis.verdict.windows import Measured
from k8s.errors import InvalidRunError
from k8s.model import figures

MOST_NULL_PAIRS: Final = 3
"""Equal arms that are still not shown to be equal then leave the instrument without a certificate."""
TWICE: Final = "a window broke a gate twice"
CUT: Final = "it was interrupted"


def null_label(number: int, half: str) -> str:
    """Of a window of a null pair."""
    return f"null pair {number}{half}"


def block_label(number: int, count: int, arm: str) -> str:
    """Of a window of a block."""
    return f"block {number} of {count}, {arm}"


def part_of(label: str) -> str:
    """The block or null pair of a window's label: what is compared with each other, so measured at a time."""
    block, comma, _ = label.partition(",")
    return block if comma else label[:-1]


class Bench(Protocol):
    """Measures one window."""

    def measure(self, mode: str, *, label: str, seconds: float) -> Attempt:
        """Put *mode* in force with new connections, measure, put it back, read the graph.

        WindowsEndError where there is no such window, and none can be measured any more;
        TrialBrokenOffError where live traffic fared too badly under the mode in it.
        """

    @property
    def settle_s(self) -> float:
        """What a window took so far beside its measured seconds, on average."""

    def say(self, text: str) -> None:
        """A line for a person."""

    def set_aside(self, broken: Attempt, instead: Attempt, why: str) -> None:
        """Mark a window that is no evidence: another one stands for it."""


class WindowsEndError(InvalidRunError):
    """A bench that only gives back what was measured before has no more of it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """All that an experiment leaves; ``analysis/trial/experiment.py`` adds the place."""

    order: tuple[tuple[str, ...], ...]
    planned: Planned | None
    """None where it ended before there was anything to plan from."""
    null: Null | None
    windows: tuple[BlockWindow, ...]
    contests: tuple[Contest, ...]
    """Empty where it ended before any block was whole, or before the first look."""
    standing: Standing | None
    decision: Decision
    reasons: tuple[str, ...]
    advice: str
    stopped: str
    further: tuple[FurtherPair, ...] = ()
    requests: tuple[int, ...]
    """Of every window measured, those that were set aside too."""
    is_cut: bool = False
    """Its windows ended before it did: nothing is decided but what cannot change any more."""
    broken_off: BrokenOff | None = None
    """Where a guard ended it."""


Numbered = tuple[int, Measured]
"""(block, what it measured); block 0 is the null pairs'."""
Order = Sequence[tuple[str, ...]]
"""The arms of each block."""
OnPlan = Callable[[Planned, Order], None]
"""Hears the plan and its order, before the first block."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Course:
    """What was measured so far."""

    windows: list[Numbered] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    broken: Attempt | None = None
    """The first window that was no evidence when measured once more, either."""
    planned: Planned | None = None
    order: Order = ()
    blocks: list[dict[str, Measured]] = field(default_factory=list)
    """The whole ones."""
    contests: tuple[Contest, ...] = ()
    views: dict[str, tuple[Measured, ...]] = field(default_factory=dict)
    """Windows as the further Services saw them, by folder."""
    further: tuple[FurtherPair, ...] = ()
    stopped: str = "the plan is done"

    def seen_by(self, number: int) -> tuple[list[Numbered], list[dict[str, Measured]]]:
        """Windows and whole blocks as that further Service saw them."""

        def view(one: Measured) -> Measured | None:
            found = self.views.get(one.folder, ())
            return found[number] if number < len(found) else None

        windows = [(at, seen) for at, one in self.windows if (seen := view(one)) is not None]
        blocks = [
            {arm: seen for arm, one in block.items() if (seen := view(one)) is not None}
            for block in self.blocks
        ]
        return windows, [
            one for one, whole in zip(blocks, self.blocks, strict=True) if len(one) == len(whole)
        ]


def run(design: Design, bench: Bench, *, on_plan: OnPlan = lambda *_: None) -> Found:
    """The whole experiment; a window that is no evidence twice ends it as invalid.

    It is a function of its design and its windows alone: given the windows of an interrupted one, it plans,
    looks and stops as that one did, and goes on from there. Where a bench's windows end, what was found up to
    the last look is returned, undecided: a look that was not planned would have to be paid for.

    Whatever else a window raises ends it, too; the windows before it are kept.
    """
    course, is_cut, broken_off = _Course(), False, None
    try:
        _certify(design, bench, course)
        if course.broken is None:
            planned = _plan(design, bench, course)
            on_plan(planned, course.order)
            _blocks(design, bench, course, planned)
        else:
            course.stopped = TWICE
    except WindowsEndError:
        is_cut, course.stopped = True, CUT
    except TrialBrokenOffError as ended:
        broken_off, course.stopped = ended.where, f"a guard was broken in {ended.where.label}"
        bench.say(f"{ended}; the trial ends here")
    windows, contests = course.windows, course.contests
    # Everybody against everybody is a look, too.
    ranking = concluding.ranked(design, [] if is_cut or broken_off else course.blocks, contests)
    if broken_off is not None:
        decision, reasons, to_do = concluding.broken_off(broken_off)
    elif is_cut:
        decision, reasons, to_do = concluding.undecided(contests, len(course.blocks), course.planned)
    else:
        first = concluding.decided(contests, ranking, course.broken)
        decision, reasons, to_do = concluding.over_all(first, ranking, course.further)
    unit = unit_of([one for _, one in windows]).unit if windows else Unit.CONNECTION
    return Found(
        order=tuple(course.order[: len(course.blocks)]),
        planned=course.planned,
        null=_null_by(unit, windows),
        windows=tuple(concluding.row(number, one, unit) for number, one in windows),
        contests=contests,
        further=course.further,
        standing=ranking,
        decision=decision,
        reasons=reasons,
        advice=to_do,
        stopped=course.stopped,
        requests=tuple(course.requests),
        is_cut=is_cut,
        broken_off=broken_off,
    )


def _plan(design: Design, bench: Bench, course: _Course) -> Planned:
    nulls = [one for _, one in course.windows]
    planned, course.order = planned_blocks(design, nulls, settle_s=bench.settle_s)
    course.planned = planned
    bench.say(
        f"plan: {planned.blocks} blocks of {len(design.arms)} windows of {planned.block_s:.0f} s, a look "
        f"after {', '.join(map(str, planned.looks_after))}"
    )
    return planned


def _blocks(design: Design, bench: Bench, course: _Course, planned: Planned) -> None:
    """Block after block, up to the plan's end, a settled answer or a window that is no evidence."""
    order = course.order
    taken: dict[str, list[LookTaken]] = {arm: [] for arm in design.arms[1:]}
    looked_after = 0
    for number, block in enumerate(order, start=1):
        whole = _block(number, len(order), block, planned.block_s, bench, course)
        if whole is not None:
            course.blocks.append(whole)
        last = number == len(order) or course.broken is not None
        if number not in planned.looks_after and not last:
            continue
        if len(course.blocks) > looked_after:
            looked_after = len(course.blocks)
            course.contests = tuple(
                _contest(design, arm, course.blocks, course.windows, taken[arm], planned, last=last)
                for arm in design.arms[1:]
            )
            course.further = _further(design, course, planned, last=last)
            for one in course.contests:
                bench.say(_told(one))
            for pair in course.further:
                for one in pair.contests:
                    bench.say(f"{pair.title}: {_told(one)}")
        if course.broken is not None:
            course.stopped = TWICE
            break
        contests = (*course.contests, *(one for pair in course.further for one in pair.contests))
        if not last and design.stops_early and all(map(_settled, contests)):
            course.stopped = f"settled after {number} of {len(order)} blocks"
            break


def _certify(design: Design, bench: Bench, course: _Course) -> None:
    """Null pairs until the instrument is certified, or there have been enough, or one is no evidence."""
    pairs: list[Block] = []
    null: Null | None = None
    while len(pairs) < design.null_pairs or (null and not null.certified and len(pairs) < MOST_NULL_PAIRS):
        number = len(pairs) + 1
        pair: list[Measured] = []
        for half in "ab":
            label = null_label(number, half)
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
        course.views[found.window.folder] = found.further
    return found.window


def _block(
    number: int, count: int, arms: Sequence[str], seconds: float, bench: Bench, course: _Course
) -> dict[str, Measured] | None:
    """The arms' windows; None as soon as one of them cannot be judged."""
    found: dict[str, Measured] = {}
    for arm in arms:
        label = block_label(number, count, arm)
        window = _window(arm, label, seconds, bench, course, block=number)
        if window is None:
            return None
        found[arm] = window
    return found


def _further(design: Design, course: _Course, planned: Planned, *, last: bool) -> tuple[FurtherPair, ...]:
    """The other pairs under test at this look; one without a whole block is left out."""
    found: list[FurtherPair] = []
    for number in range(max(map(len, course.views.values()), default=0)):
        windows, blocks = course.seen_by(number)
        if not blocks:
            continue
        before = course.further[len(found)].contests if len(found) < len(course.further) else ()
        taken = {one.arm: list(one.looks) for one in before}
        contests = tuple(
            _contest(design, arm, blocks, windows, taken.get(arm, []), planned, last=last)
            for arm in design.arms[1:]
        )
        one = windows[-1][1]
        found.append(
            FurtherPair(
                service=str(one.evidence.service),
                client=one.pair.client,
                server=one.pair.server,
                null=_null_by(unit_of([seen for _, seen in windows]).unit, windows),
                contests=contests,
            )
        )
    return tuple(found)


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
    is_open = one.verdict.decision is Decision.INCONCLUSIVE and not one.verdict.is_open_for_good
    return one.looks[-1].action is Action.STOP and not is_open


def _told(one: Contest) -> str:
    gain = one.gain
    return (
        f"look after {one.looks[-1].after_blocks} blocks: {one.arm} changed the same-zone share by "
        f"{figures.points_within(gain.estimate, gain.low, gain.high)}; {one.verdict.decision.value}"
    )
