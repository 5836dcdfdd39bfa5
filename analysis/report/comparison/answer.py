"""The first screen in words: the answer in one sentence, its figures, and the facts that stand beside it."""

from collections.abc import Iterator

from analysis.model import ArmResult, PairResult
from analysis.report import counted, names, units
from analysis.report.comparison.evidence import cost_of, hints
from analysis.report.first_screen import Answer, Fact, Figure
from analysis.report.lookup import arms, change_of, find
from analysis.report.notes import Notes, Side, Topic
from analysis.report.tables import Tone
from analysis.verdict.compared import Comparison, PairChange
from analysis.verdict.judged import Decision

_WITHOUT = ", asked for but without a hint on any endpoint,"


def answer(comparison: Comparison, notes: Notes) -> Answer:
    """The first screen of *comparison*."""
    before, after = (find(arm, comparison.focus) for _, arm in arms(comparison))
    change = change_of(comparison, comparison.focus)
    return Answer(
        headline=headline(comparison),
        arms=tuple(
            Fact(label=f"{side.value.capitalize()} ({names.arm(arm)})", text=names.mode_told(arm.mode))
            for side, arm in arms(comparison)
        ),
        figures=(
            _difference(change, notes),
            _share(before, Side.BEFORE, comparison.baseline, notes),
            _share(after, Side.AFTER, comparison.candidate, notes),
            _money(comparison, change, notes),
        ),
        facts=tuple(_facts(comparison, before, after, change)),
    )


def headline(comparison: Comparison) -> str:
    """The answer in one sentence."""
    noun = counted.many(comparison.candidate.unit)
    calls = f"the same-zone share of {names.pair(*comparison.focus)} {noun}"
    if comparison.verdict is not None and comparison.verdict.decision is Decision.INVALID:
        return f"No conclusion about {calls}: the measurement is not valid."
    before, after = (find(arm, comparison.focus) for _, arm in arms(comparison))
    if before is None or after is None or before.share is None or after.share is None:
        return f"Cannot tell what happened to {calls}: {_missing(comparison)}."
    change = change_of(comparison, comparison.focus)
    if change is None or change.share is None:
        return (
            f"Cannot tell whether {calls} changed from {units.percent(before.share.estimate)} to "
            f"{units.percent(after.share.estimate)}: the comparison has no interval for the difference."
        )
    was, now = units.percent(before.share.estimate), units.percent(after.share.estimate)
    if not change.changed:
        return f"{_cause(comparison)} made no clear difference to {calls}: {was} before, {now} after."
    verb = "raised" if change.share.estimate > 0 else "lowered"
    return f"{_cause(comparison)} {verb} {calls} from {was} to {now}."


def _cause(comparison: Comparison) -> str:
    if comparison.baseline.mode == comparison.candidate.mode:
        return f"A second run under the same routing ({comparison.candidate.mode})"
    after = comparison.candidate
    wanting = "" if after.hints_start.hinted or after.hints_end.hinted or after.mode == "off" else _WITHOUT
    return names.mode(after.mode) + wanting


def _missing(comparison: Comparison) -> str:
    """Why there is no share, naming the arms it is missing in."""
    lacking: list[str] = []
    for side, arm in arms(comparison):
        pair = find(arm, comparison.focus)
        if pair is None or pair.calls == 0:
            lacking.append(f"no such {counted.one(arm.unit)} was seen {side.value}")
        elif pair.share is None:
            lacking.append(f"no {counted.one(arm.unit)} has both zones known {side.value}")
    return " and ".join(lacking)


def _share(pair: PairResult | None, side: Side, arm: ArmResult, notes: Notes) -> Figure:
    share = pair.share if pair else None
    noun = counted.one(arm.unit)
    detail = f"no {noun} with both zones known" if pair and pair.calls else f"no such {noun} was seen"
    if pair is not None and share is not None:
        detail = (
            f"{units.level(share)} interval {units.share_bounds(share)}; "
            f"{units.count(pair.calls)} {counted.many(pair.unit)} on {units.count(share.n)} {_choices(pair)}"
        )
    return Figure(
        title=f"Same-zone share {side.value}: {names.arm(arm)}",
        value=units.NOTHING if share is None else units.percent(share.estimate),
        detail=detail,
        tone=Tone.STRONG,
        notes=notes.touching(Topic.SHARE, Topic.COVERAGE, Topic.ROUTING, Topic.TRUST, side=side),
    )


def _choices(pair: PairResult) -> str:
    """What the interval counts."""
    return "connections" if pair.unit == counted.REQUESTS else "random choices"


def _difference(change: PairChange | None, notes: Notes) -> Figure:
    marks = tuple(
        note.number for note in notes.items if note.sides == (Side.BOTH,) and Topic.SHARE in note.topics
    )
    if change is None or change.share is None:
        return Figure(
            title="Change of the same-zone share", value=units.NOTHING, detail="cannot be told", notes=marks
        )
    detail = f"{units.level(change.share)} interval {units.points_bounds(change.share)}"
    if not change.changed:
        detail += "; zero is within it"
    value = units.points(change.share.estimate) if change.changed else units.SAME.capitalize()
    return Figure(
        title="Change of the same-zone share", value=value, detail=detail, tone=Tone.STRONG, notes=marks
    )


def _money(comparison: Comparison, change: PairChange | None, notes: Notes) -> Figure:
    found = [cost_of(arm, comparison) for _, arm in arms(comparison)]
    spent = [cost.usd_per_month.estimate if cost and cost.usd_per_month else None for cost in found]
    shown = [units.NOTHING if amount is None else units.usd(amount) for amount in spent]
    known = next((cost for cost in found if cost is not None), None)
    detail = "cannot be told"
    if known is not None and not all(amount is None for amount in spent):
        moved = units.usd_month_change(change.usd_per_month if change else None)
        price = f"{units.usd_per_gb(known.usd_per_gb_each_direction)} in each direction"
        detail = f"{moved}; {price}, bytes {known.bytes_source}"
    return Figure(
        title="Cost of crossing zones, a month at this rate",
        value=units.NOTHING if all(amount is None for amount in spent) else " \u2192 ".join(shown),
        detail=detail,
        notes=notes.touching(Topic.COST),
    )


def _facts(
    comparison: Comparison, before: PairResult | None, after: PairResult | None, change: PairChange | None
) -> Iterator[Fact]:
    for one in comparison.further:
        yield Fact(label=f"Service {one.service}", text=headline(one))
    yield Fact(label="Coverage", text=f"both zones are known for {_coverage(before, after)}.")
    chance = [units.percent(pair.expected_even_share if pair else None) for pair in (before, after)]
    if set(chance) != {units.NOTHING}:
        yield Fact(
            label="Random routing",
            text=f"an even choice among the pods seen would give {chance[0]} before and {chance[1]} after.",
        )
    before_hints, after_hints = (hints(arm.hints_end) for _, arm in arms(comparison))
    yield Fact(label="Hints at the end", text=f"before, {before_hints}; after, {after_hints}.")
    for side, pair in ((Side.BEFORE, before), (Side.AFTER, after)):
        if pair is not None and pair.cross_minus_same_s is not None:
            extra = units.milliseconds_change(pair.cross_minus_same_s)
            yield Fact(
                label="What crossing a zone adds",
                text=f"{extra} to the mean response time of a call, measured {side.value}.",
            )
            break
    if change is not None and change.mean_s is not None:
        moved = units.milliseconds_change(change.mean_s)
        yield Fact(label="Mean response time", text=f"{moved}, over all calls of the pair.")
    loads = [[load.times_mean for load in pair.loads] for pair in (before, after) if pair]
    shown = [units.times(max(found)) for found in loads if found]
    if len(shown) == 2:  # noqa: PLR2004 - both arms
        server = comparison.focus[1]
        yield Fact(label=f"Busiest {server} pod", text=f"{shown[0]} the mean load before, {shown[1]} after.")


def _coverage(before: PairResult | None, after: PairResult | None) -> str:
    """How many calls have both zones known, and what the others could do to the share."""
    parts: list[str] = []
    for side, pair in ((Side.BEFORE, before), (Side.AFTER, after)):
        if pair is None or pair.coverage is None or pair.share_bounds is None:
            parts.append(
                f"none of 0 {counted.CALLS if pair is None else counted.many(pair.unit)} {side.value}"
            )
            continue
        noun = counted.many(pair.unit)
        text = f"{units.percent(pair.coverage)} of {units.count(pair.calls)} {noun} {side.value}"
        if pair.unknown:
            allowed = units.percent_range(*pair.share_bounds)
            text += f" (depending on the {units.count(pair.unknown)} unknown {noun} the share is {allowed})"
        parts.append(text)
    return " and ".join(parts)
