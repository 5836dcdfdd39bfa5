"""The calls under test over the time of each window: a picture and a table an arm, and what happened."""

from collections.abc import Callable, Iterator
from typing import Final

from analysis.model import ArmResult, PairResult
from analysis.report import names, units
from analysis.report.drawing import Anchor, Box, Dot, Drawing, Label, Line, Mark, Paint, Spot
from analysis.report.lookup import arms, find
from analysis.report.notes import Side
from analysis.report.pages import Picture, Plate, markup
from analysis.report.pictures import WIDTH, round_ticks
from analysis.report.tables import Cell, Row, Table, Tone, columns, row
from analysis.statistics.stretches import Course, Happening, Stretch
from analysis.verdict.compared import Comparison

HINT: Final = "Tap a part, or go to it with the Tab key, for its numbers."
_LEFT, _RIGHT = 58.0, WIDTH - 6.0
_TOP: Final = 60.0
"""Room for two lines of words and for the numbers of what happened."""
_SHARE, _MEAN, _FAILED, _GAP = 120.0, 72.0, 40.0, 30.0
_LEAST_FAILED: Final = 0.01
"""The failures' axis reaches to one per cent at least: one failed call shall not look like an outage."""
_NEAR: Final = 34.0
"""What happened closer together than this many pixels shares one label."""


def plate(comparison: Comparison) -> Plate | None:
    """Both arms side by side on the same axes; None where no source told when single calls were sent."""
    found = list(_courses(comparison))
    if not found:
        return None
    means = [one.mean_s for *_, course in found for one in course.stretches if one.mean_s is not None]
    worst = max((_failed(one) for *_, course in found for one in course.stretches), default=0.0)
    slowest, failing = round_ticks(max(means, default=0.0))[-1], max(worst, _LEAST_FAILED)
    return Plate(
        title="Over time",
        about=_about(found),
        pictures=tuple(
            Picture(
                svg=markup(picture(side, arm, pair, course, slowest, failing)),
                caption=f"{side.value.capitalize()}: {names.arm(arm)}",
            )
            for side, arm, pair, course in found
        ),
    )


def _courses(comparison: Comparison) -> Iterator[tuple[Side, ArmResult, PairResult, Course]]:
    for side, arm in arms(comparison):
        pair = find(arm, comparison.focus)
        if arm.course is not None and pair is not None:
            yield side, arm, pair, arm.course


def _about(found: list[tuple[Side, ArmResult, PairResult, Course]]) -> str:
    """What the picture rests on."""
    each = " and ".join(
        f"{units.count(course.calls)} of {units.count(pair.calls)} calls {side.value}"
        for side, _, pair, course in found
    )
    marked = any(course.happenings for *_, course in found)
    marks = " Numbers above a dashed line: what happened then, in the table below." if marked else ""
    return (
        f"From the traces that were read: {each}. Each bar is one stretch of time, with its interval; one "
        f"without calls is left empty, and nothing is drawn in between. Dashed: random routing.{marks}"
    )


def _failed(one: Stretch) -> float:
    return one.failed / one.calls if one.calls else 0.0


def says(one: Stretch) -> tuple[str, str]:
    """A stretch's numbers, in two lines."""
    when = f"{units.moment(one.start_s)}, {units.span(one.length_s)}"
    if not one.calls:
        return when, "no call in the traces"
    failed = f"{units.count(one.failed)} failed" if one.failed else "none failed"
    return (
        f"{when}: same zone {units.percent_interval(one.share)}",
        f"{units.count(one.calls)} calls, mean {units.milliseconds(one.mean_s)}, {failed}",
    )


def picture(
    side: Side, arm: ArmResult, pair: PairResult, course: Course, slowest_s: float, failing: float
) -> Drawing:
    """Three bands over one axis of time: share, mean response time to *slowest_s*, failures to *failing*."""
    start = course.stretches[0].start_s
    end = course.stretches[-1].start_s + course.stretches[-1].length_s

    def x_at(at_s: float) -> float:
        return _LEFT + (min(max(at_s, start), end) - start) / (end - start) * (_RIGHT - _LEFT)

    share, mean = _TOP + 12, _TOP + 12 + _SHARE + _GAP
    failed = mean + _MEAN + _GAP
    bottom = failed + _FAILED
    none, half, whole = f"0{units.GAP}%", f"50{units.GAP}%", f"100{units.GAP}%"
    marks: list[Mark] = [
        Label(x=_LEFT, y=14, text=HINT, size=12, paint=Paint.MUTED, resting=True),
        *_band(
            "Calls that stay in their zone",
            share,
            _SHARE,
            ((0.0, none), (0.5, half), (1.0, whole)),
        ),
        *_band("Mean response time", mean, _MEAN, ((0.0, "0"), (1.0, units.tick_milliseconds(slowest_s)))),
        *_band("Failed calls", failed, _FAILED, ((0.0, "0"), (1.0, units.percent(failing)))),
        *_chance(pair, share),
        *_times(start, end, bottom),
        *_happened(course.happenings, x_at, bottom),
    ]
    for one in course.stretches:
        left, right = x_at(one.start_s), x_at(one.start_s + one.length_s)
        marks += _stretch(one, left, right, (share, mean, failed), (slowest_s, failing))
        marks.append(
            Spot(x=left, y=_TOP, width=right - left, height=bottom - _TOP, says=says(one), at=(_LEFT, 14))
        )
    return Drawing(
        width=WIDTH,
        height=bottom + 24,
        label=f"{side.value.capitalize()} ({names.arm(arm)}), over the time of the window: share of calls "
        "that stay in their zone, mean response time, failed calls",
        marks=tuple(marks),
    )


def _band(title: str, top: float, height: float, ticks: tuple[tuple[float, str], ...]) -> Iterator[Mark]:
    """A title, and a line with its number at each tick, 0 at the bottom and 1 at the top."""
    yield Label(x=_LEFT, y=top - 8, text=title, size=12, bold=True, paint=Paint.MUTED)
    for value, text in ticks:
        y = top + height * (1 - value)
        yield Line(points=((_LEFT, y), (_RIGHT, y)), paint=Paint.RULE)
        yield Label(x=_LEFT - 6, y=y + 4, text=text, anchor=Anchor.END, size=11, paint=Paint.MUTED)


def _chance(pair: PairResult, top: float) -> Iterator[Mark]:
    if pair.expected_even_share is not None:
        y = top + _SHARE * (1 - pair.expected_even_share)
        yield Line(points=((_LEFT, y), (_RIGHT, y)), paint=Paint.INK, dashed=True, tip="random routing")


def _times(start_s: float, end_s: float, bottom: float) -> Iterator[Mark]:
    yield Label(x=_LEFT, y=bottom + 17, text=units.moment(start_s), size=11, paint=Paint.MUTED)
    text = f"{units.moment(end_s)} UTC"
    yield Label(x=_RIGHT, y=bottom + 17, text=text, anchor=Anchor.END, size=11, paint=Paint.MUTED)


def _happened(found: tuple[Happening, ...], x_at: Callable[[float], float], bottom: float) -> Iterator[Mark]:
    """A dashed line for each; a number above it, or of several close together the first and the last."""
    groups: list[list[int]] = []
    places = [x_at(one.at_s) for one in found]
    for number, (one, x) in enumerate(zip(found, places, strict=True)):
        yield Line(points=((x, _TOP), (x, bottom)), paint=Paint.INVALID, dashed=True, tip=one.text)
        if groups and x - places[groups[-1][0]] < _NEAR:
            groups[-1].append(number)
        else:
            groups.append([number])
    for group in groups:
        x = min(max(places[group[0]], _LEFT + 10), _RIGHT - 12)
        text = "\u2013".join(str(number + 1) for number in dict.fromkeys((group[0], group[-1])))
        yield Label(
            x=x, y=_TOP - 12, text=text, anchor=Anchor.MIDDLE, size=11, bold=True, paint=Paint.INVALID
        )


def _stretch(
    one: Stretch,
    left: float,
    right: float,
    tops: tuple[float, float, float],
    most: tuple[float, float],
) -> Iterator[Mark]:
    middle, inset = (left + right) / 2, min(2.0, (right - left) / 6)
    share, mean, failed = tops
    if one.share is not None:
        low, high = (share + _SHARE * (1 - end) for end in (one.share.low, one.share.high))
        y = share + _SHARE * (1 - one.share.estimate)
        yield Line(points=((middle, low), (middle, high)), paint=Paint.SAME, width=2, opacity=0.45)
        yield Line(points=((left + inset, y), (right - inset, y)), paint=Paint.SAME, width=4)
    if one.mean_s is not None:
        y = mean + _MEAN * (1 - one.mean_s / most[0])
        yield Dot(x=middle, y=y, radius=3.0, paint=Paint.INK)
    if one.failed:
        height = _FAILED * _failed(one) / most[1]
        wide = right - left - 2 * inset
        yield Box(x=left + inset, y=failed + _FAILED - height, width=wide, height=height, fill=Paint.FAIL)


def tables(comparison: Comparison) -> Iterator[Table]:
    """What happened, where anything did."""
    rows = [
        row(side.value, str(number), f"{units.moment(one.at_s)} UTC", one.text)
        for side, _, _, course in _courses(comparison)
        for number, one in enumerate(course.happenings, start=1)
    ]
    if rows:
        yield Table(
            key="happenings",
            title="What happened in the windows",
            columns=columns("Arm", "Number", "When", "What"),
            rows=tuple(rows),
        )


def folded(comparison: Comparison) -> Iterator[Table]:
    """The numbers of the pictures."""
    for side, arm, _, course in _courses(comparison):
        untimed = f" {units.count(course.untimed)} more are without a time." * (course.untimed > 0)
        yield Table(
            key=f"course-{side.name.lower()}",
            title=f"Over time, {side.value}: {names.arm(arm)}",
            about=f"{units.count(course.calls)} calls of the traces that were read, by when they "
            f"were sent.{untimed}",
            columns=columns(
                "From", numbers=("Length", "Calls", "Same-zone share", "Unknown", "Mean", "Failed")
            ),
            rows=tuple(map(_row, course.stretches)),
        )


def _row(one: Stretch) -> Row:
    return (
        *row(units.moment(one.start_s), units.span(one.length_s), units.count(one.calls)),
        Cell(text=units.percent_interval(one.share), tone=Tone.STRONG),
        *row(units.count(one.unknown), units.milliseconds(one.mean_s)),
        Cell(text=units.count(one.failed), tone=Tone.WARN if one.failed else Tone.PLAIN),
    )
