"""The picture of a trial: every window's share in the order of time, each arm in its colour and shape."""

import math
from collections.abc import Sequence
from typing import Final

from analysis.report import lettering, names, units
from analysis.report.drawing import Anchor, Box, Dot, Drawing, Label, Line, Mark, Paint, Polygon, Spot
from analysis.trial.values import BlockWindow, Trial

LEAST_WIDTH: Final = 560.0
HINT: Final = "Tap a window, or go to it with the Tab key, for its numbers."
_ROOM: Final = 26.0
"""Width of a window."""
_LEFT, _RIGHT, _TOP, _HEIGHT = 52.0, 12.0, 38.0, 230.0
_ABOVE, _BELOW = 10.0, 28.0
"""Room over 100 % and under 0 %, where failed gates are marked."""
_RADIUS: Final = 6.0
PAINTS: Final = (Paint.ARM_0, Paint.ARM_1, Paint.ARM_2, Paint.ARM_3, Paint.ARM_4, Paint.ARM_5)
_LONGEST: Final = 220.0
"""Width of a name in the legend."""
_CORNERS: Final[Sequence[tuple[tuple[float, float], ...]]] = (
    (),
    ((-1, -1), (1, -1), (1, 1), (-1, 1)),
    ((0, -1.25), (1.2, 0.95), (-1.2, 0.95)),
    ((0, -1.4), (1.4, 0), (0, 1.4), (-1.4, 0)),
    ((0, 1.25), (1.2, -0.95), (-1.2, -0.95)),
    (
        (-0.45, -1.3),
        (0.45, -1.3),
        (0.45, -0.45),
        (1.3, -0.45),
        (1.3, 0.45),
        (0.45, 0.45),
        (0.45, 1.3),
        (-0.45, 1.3),
        (-0.45, 0.45),
        (-1.3, 0.45),
        (-1.3, -0.45),
        (-0.45, -0.45),
    ),
)
"""A disc, a square, a triangle, a diamond, a triangle on its tip, a cross; in radii around the middle."""


def timeline(trial: Trial) -> Drawing | None:
    """Every window's share with its interval; hollow marks are of null pairs. None without windows."""
    windows = sorted(trial.windows, key=lambda one: one.start_s)
    if not windows:
        return None
    places = {arm: place for place, arm in enumerate(dict.fromkeys((*trial.arms, *(w.arm for w in windows))))}
    width = max(LEAST_WIDTH, _LEFT + _RIGHT + _ROOM * len(windows))
    step = (width - _LEFT - _RIGHT) / len(windows)
    legend, tall = _legend(tuple(places), width, nulls=any(one.block == 0 for one in windows))
    top = _TOP + tall
    marks: list[Mark] = [*legend, *_bands(windows, top, step), *_axis(top, width)]
    for number, one in enumerate(windows):
        marks += _window(one, _LEFT + (number + 0.5) * step, top, places[one.arm])
        marks.append(
            Spot(
                x=_LEFT + number * step,
                y=top,
                width=step,
                height=_HEIGHT,
                says=_says(one),
                at=(_LEFT, top + _HEIGHT + 56),
            )
        )
    return Drawing(
        width=width,
        height=top + _HEIGHT + 78,
        label="Same-zone share of every window in the order of time: "
        + "; ".join(f"{_block(one)} {one.arm} {units.percent(one.share.estimate)}" for one in windows),
        marks=tuple(marks),
    )


def _says(one: BlockWindow) -> tuple[str, str]:
    """A window's numbers, in two lines."""
    failed = f"{units.count(one.failures)} requests failed" if one.failures else "no request failed"
    when = f"{_block(one)}, {names.elide(one.arm, 20)}, {units.utc(one.start_s)}"
    return (
        f"{when}: same zone {units.percent_interval(one.share)}",
        f"{units.count(one.calls)} calls, p99 {units.milliseconds(one.p99_s)}, {failed}",
    )


def _block(one: BlockWindow) -> str:
    return "null pair" if one.block == 0 else f"block {units.count(one.block)}"


def _legend(arms: tuple[str, ...], width: float, *, nulls: bool) -> tuple[list[Mark], float]:
    """(marks, height): a shape and a name for each arm, in as many rows as it takes."""
    marks: list[Mark] = []
    margin = 10.0
    x, y = margin, 12.0
    entries = [(lettering.fit(arm, _LONGEST, size=12), place, False) for place, arm in enumerate(arms)]
    entries += [("hollow: null pair", 0, True)] if nulls else []
    for text, place, hollow in entries:
        long = 12 + lettering.width(text, size=12)
        if x > margin and x + long > width:
            x, y = margin, y + 20
        marks += [_shape(x, y, place, hollow=hollow, tip=""), Label(x=x + 12, y=y + 4.5, text=text, size=12)]
        x += long + 16
    return marks, y


def _bands(windows: Sequence[BlockWindow], top: float, step: float) -> list[Mark]:
    """A stripe behind the windows of each block, its name above and the time of its start below."""
    marks: list[Mark] = []
    start = 0
    for number in range(1, len(windows) + 1):
        if number < len(windows) and windows[number].block == windows[start].block:
            continue
        one, x, wide = windows[start], _LEFT + start * step, (number - start) * step
        marks.append(
            Box(x=x + 1.5, y=top, width=wide - 3, height=_HEIGHT, fill=Paint.BAND, radius=5, tip=_block(one))
        )
        text = _fitting(one, wide)
        marks.append(
            Label(
                x=x + wide / 2,
                y=top - 8,
                text=text,
                anchor=Anchor.MIDDLE,
                size=12,
                bold=True,
                paint=Paint.MUTED,
                tip=_block(one),
            )
        )
        if wide >= 40:  # noqa: PLR2004 - room for hh:mm
            marks.append(
                Label(
                    x=x + 3, y=top + _HEIGHT + 17, text=units.clock(one.start_s), size=11, paint=Paint.MUTED
                )
            )
        start = number
    marks += [
        Label(x=_LEFT, y=top + _HEIGHT + 34, text="start of each block, UTC", size=11, paint=Paint.MUTED),
        Label(x=_LEFT, y=top + _HEIGHT + 56, text=HINT, size=12, paint=Paint.MUTED, resting=True),
    ]
    return marks


def _fitting(one: BlockWindow, wide: float) -> str:
    """The longest name of a block that has room above it."""
    short = "null" if one.block == 0 else units.count(one.block)
    return next(
        (text for text in (_block(one), short) if lettering.width(text, size=12, bold=True) < wide), short
    )


def _axis(top: float, width: float) -> list[Mark]:
    marks: list[Mark] = []
    for quarter in range(5):
        y = _at(quarter / 4, top)
        marks.append(Line(points=((_LEFT - 4, y), (width - _RIGHT, y)), paint=Paint.RULE))
        marks.append(
            Label(
                x=_LEFT - 9,
                y=y + 4,
                text=f"{25 * quarter}{units.GAP}%",
                anchor=Anchor.END,
                size=12,
                paint=Paint.MUTED,
            )
        )
    return marks


def _at(share: float, top: float) -> float:
    return top + _ABOVE + (1 - min(max(share, 0.0), 1.0)) * (_HEIGHT - _ABOVE - _BELOW)


def _window(one: BlockWindow, x: float, top: float, place: int) -> list[Mark]:
    paint = PAINTS[min(place, len(PAINTS) - 1)]
    low, high, middle = (_at(one_end, top) for one_end in (one.share.low, one.share.high, one.share.estimate))
    marks: list[Mark] = [Line(points=((x, low), (x, high)), paint=paint, width=2)]
    marks += [Line(points=((x - 4, y), (x + 4, y)), paint=paint, width=2) for y in (low, high)]
    marks.append(_shape(x, middle, place, hollow=one.block == 0, tip=""))
    if one.failed_gates:
        tip, foot = f"gates failed: {', '.join(one.failed_gates)}", top + _HEIGHT - 4
        corners = ((x, foot - 14), (x + 8, foot), (x - 8, foot))
        marks += [
            Polygon(points=corners, fill=Paint.FAIL, tip=tip),
            Label(
                x=x,
                y=foot - 1.5,
                text="!",
                anchor=Anchor.MIDDLE,
                size=11,
                bold=True,
                paint=Paint.PAPER,
                tip=tip,
            ),
        ]
    return marks


def _shape(x: float, y: float, place: int, *, hollow: bool, tip: str) -> Mark:
    """The mark of the arm at *place*; arms beyond the last shape share it."""
    last = len(_CORNERS) - 1
    paint = PAINTS[min(place, last)]
    fill, stroke = (Paint.PAPER, paint) if hollow else (paint, None)
    corners = _CORNERS[min(place, last)]
    radius = _RADIUS - 1 if hollow else _RADIUS
    if not corners:
        return Dot(x=x, y=y, radius=radius, paint=fill, stroke=stroke, tip=tip)
    # A square of a disc's area.
    size = radius * math.sqrt(math.pi) / 2
    return Polygon(
        points=tuple((x + size * dx, y + size * dy) for dx, dy in corners), fill=fill, stroke=stroke, tip=tip
    )
