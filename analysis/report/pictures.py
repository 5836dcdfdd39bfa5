"""The pictures of a comparison: zone matrices, intervals on an axis, endpoint load."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.model import ArmResult, PairResult
from analysis.report import counted, lettering, names, units
from analysis.report.drawing import Anchor, Box, Dot, Drawing, Label, Line, Mark, Paint
from analysis.report.lookup import arms, cell_of, find, tone_of, zones_of
from analysis.report.notes import Side
from analysis.report.tables import Tone
from analysis.statistics.interval import Interval
from analysis.verdict.compared import Comparison

WIDTH = 440.0
"""Two pictures stand side by side on a desk, one fills a phone."""
PAINTS = {Tone.SAME: Paint.SAME, Tone.CROSS: Paint.CROSS, Tone.UNKNOWN: Paint.UNKNOWN}
_LEAST_CELL = 88.0
"""Room for the name of a zone and for 100.0 %."""
_FAINTEST, _STRONGEST = 0.04, 0.5
"""Opacity of a cell with none and with all of its row's calls; text stays readable on the strongest."""


def zone_matrix(pair: PairResult, known: tuple[str, ...], title: str) -> Drawing:
    """Heat map: rows are the clients' zones, columns the servers'; a cell's strength is its share of the row.

    A row or column ``unknown`` appears only if there are unknown calls.
    """
    noun = counted.many(pair.unit)
    client_zones, server_zones = zones_of(pair, known)
    widest = max(_head_width(zone) for zone in (*client_zones, None))
    left, top, cell_height, gap = min(max(widest + 12, 72.0), 140.0), 50.0, 56.0, 3.0
    cell_width = max(_LEAST_CELL, (WIDTH - left) / max(1, len(server_zones)))
    right = left + len(server_zones) * cell_width
    marks: list[Mark] = [
        _axis_name(pair.client, "\u2193", 0, right / 2 - 6, Anchor.START),
        _axis_name(pair.server, "\u2192", right - gap, right / 2 - 6, Anchor.END),
    ]
    for column, zone in enumerate(server_zones):
        middle = left + (column + 0.5) * cell_width - gap / 2
        marks.append(_head(zone, middle, 40, Anchor.MIDDLE, cell_width - gap))
    for row, client_zone in enumerate(client_zones):
        y = top + row * cell_height
        marks.append(_head(client_zone, 0, y + cell_height / 2 + 3, Anchor.START, left - 6))
        calls = [cell_of(pair, client_zone, zone).calls for zone in server_zones]
        for column, zone in enumerate(server_zones):
            corner = (left + column * cell_width, y)
            area = (cell_width - gap, cell_height - gap)
            marks += _matrix_cell(corner, area, (client_zone, zone), (calls[column], sum(calls)), noun)
    return Drawing(
        width=right,
        height=top + len(client_zones) * cell_height,
        label=f"{title}: {noun} from each {pair.client} zone to each {pair.server} zone. Same-zone "
        f"share {counted.share(pair)}.",
        marks=tuple(marks),
    )


def _axis_name(workload: str, arrow: str, x: float, room: float, anchor: Anchor) -> Label:
    rest = f" pod's zone {arrow}"
    short = lettering.fit(workload, room - lettering.width(rest, size=12), size=12)
    return Label(x=x, y=15, text=f"{short}{rest}", anchor=anchor, size=12, paint=Paint.MUTED, tip=workload)


def _head_width(zone: str | None) -> float:
    return lettering.width(names.zone(zone), size=12, bold=True)


def _head(zone: str | None, x: float, y: float, anchor: Anchor, room: float) -> Label:
    text = names.zone(zone)
    short = lettering.fit(text, room, size=12, bold=True)
    return Label(x=x, y=y, text=short, anchor=anchor, bold=True, tip=text if short != text else "")


def _matrix_cell(
    corner: tuple[float, float],
    area: tuple[float, float],
    zones: tuple[str | None, str | None],
    calls: tuple[int, int],
    noun: str,
) -> list[Mark]:
    (x, y), (width, height), (count, total) = corner, area, calls
    share = count / total if total else 0.0
    text = units.percent(share) if total else units.NOTHING
    where = f"{names.zone(zones[0])} \u2192 {names.zone(zones[1])}"
    tip = f"{where}: {units.count(count)} of {units.count(total)} {noun} ({text})"
    middle = x + width / 2
    return [
        Box(
            x=x,
            y=y,
            width=width,
            height=height,
            fill=PAINTS[tone_of(*zones)],
            opacity=_FAINTEST + (_STRONGEST - _FAINTEST) * share,
            radius=4,
            tip=tip,
        ),
        Label(x=middle, y=y + 24, text=text, anchor=Anchor.MIDDLE, size=15, bold=share > 0),
        Label(
            x=middle,
            y=y + 42,
            text=units.count(count),
            anchor=Anchor.MIDDLE,
            size=12,
            paint=Paint.INK if share else Paint.MUTED,
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One row of a picture of intervals."""

    label: str
    text: str
    """The value in words."""
    value: float
    low: float
    high: float
    paint: Paint
    reference: float | None = None
    """Where a value would be by chance."""


def shares(comparison: Comparison) -> Drawing | None:
    """The same-zone share before and after with its intervals on one axis; None where neither is known."""
    rows: list[Estimate] = []
    for side, arm in arms(comparison):
        pair = find(arm, comparison.focus)
        if pair is None or pair.share is None:
            continue
        rows.append(
            _estimate(
                f"{side.value}: {names.arm(arm)}",
                units.percent(pair.share.estimate),
                pair.share,
                Paint.SAME,
                pair.expected_even_share,
            )
        )
    if not rows:
        return None
    return _shares_on_axis(rows)


def intervals(found: Sequence[tuple[str, str, Interval, Paint]]) -> Drawing:
    """Shares as rows of (label, value in words, share, paint) on one axis."""
    return _shares_on_axis(
        [_estimate(label, text, share, paint, None) for label, text, share, paint in found]
    )


def _shares_on_axis(rows: Sequence[Estimate]) -> Drawing:
    ticks = tuple((step / 4, f"{step * 25} %") for step in range(5))
    label = "Same-zone share: " + "; ".join(f"{row.label} {row.text}" for row in rows)
    return _on_axis(tuple(rows), ticks, label)


def latencies(comparison: Comparison) -> Drawing | None:
    """Mean response times of same-zone and cross-zone calls, before and after; None without any."""
    rows: list[Estimate] = []
    for side, arm in arms(comparison):
        pair = find(arm, comparison.focus)
        for kind, paint, seen in (
            ()
            if pair is None
            else (
                ("same zone", Paint.SAME, pair.same_latency.mean_s),
                ("cross zone", Paint.CROSS, pair.cross_latency.mean_s),
            )
        ):
            if seen is not None:
                text = units.milliseconds(seen.estimate)
                rows.append(_estimate(f"{side.value}: {kind}", text, seen, paint, None))
    if not rows:
        return None
    ticks = tuple(
        (tick, units.tick_milliseconds(tick)) for tick in round_ticks(max(row.high for row in rows))
    )
    label = "Mean response time: " + "; ".join(f"{row.label} {row.text}" for row in rows)
    return _on_axis(tuple(rows), ticks, label)


def _estimate(label: str, text: str, seen: Interval, paint: Paint, reference: float | None) -> Estimate:
    return Estimate(
        label=label,
        text=text,
        value=seen.estimate,
        low=seen.low,
        high=seen.high,
        paint=paint,
        reference=reference,
    )


def round_ticks(most: float) -> tuple[float, ...]:
    """Round steps of 1, 2 or 5 times a power of ten from 0 past *most*."""
    if most <= 0:
        return (0.0, 0.001)
    power = 10.0 ** math.floor(math.log10(most))
    step = next(power * part for part in (0.2, 0.5, 1.0, 2.0, 5.0) if most / (power * part) <= 5)  # noqa: PLR2004
    return tuple(step * position for position in range(math.ceil(most / step - 1e-9) + 1))


def _on_axis(rows: tuple[Estimate, ...], ticks: tuple[tuple[float, str], ...], label: str) -> Drawing:
    """Rows of a dot with its interval over one axis from the first to the last tick."""
    row_height, left, right, top = 46.0, 20.0, WIDTH - 32.0, 6.0
    bottom = top + len(rows) * row_height
    scale = (right - left) / (ticks[-1][0] - ticks[0][0])

    def at(value: float) -> float:
        return left + (min(max(value, ticks[0][0]), ticks[-1][0]) - ticks[0][0]) * scale

    marks: list[Mark] = []
    for value, text in ticks:
        marks.append(Line(points=((at(value), top), (at(value), bottom)), paint=Paint.RULE))
        marks.append(
            Label(x=at(value), y=bottom + 17, text=text, anchor=Anchor.MIDDLE, size=12, paint=Paint.MUTED)
        )
    for number, row in enumerate(rows):
        y = top + number * row_height
        tip = f"{row.label}: {row.text}"
        reach = (at(row.low), at(row.high))
        marks += [
            *_words(row, left + 4, right - 4, y + 15),
            Line(points=((left, y + 30), (at(row.value), y + 30)), paint=row.paint, width=8, opacity=0.25),
            Line(points=((reach[0], y + 30), (reach[1], y + 30)), paint=row.paint, width=2),
            *(Line(points=((x, y + 23), (x, y + 37)), paint=row.paint, width=2) for x in reach),
            Dot(x=at(row.value), y=y + 30, radius=4.5, paint=row.paint, tip=tip),
        ]
        if row.reference is not None:
            x = at(row.reference)
            marks.append(
                Line(points=((x, y + 19), (x, y + 41)), paint=Paint.INK, dashed=True, tip="random routing")
            )
    return Drawing(width=WIDTH, height=bottom + 24, label=label, marks=tuple(marks))


def _words(row: Estimate, left: float, right: float, y: float) -> list[Mark]:
    """What a row is of on the left, its value on the right."""
    room = right - left - lettering.width(row.text, size=13, bold=True) - 8
    short = lettering.fit(row.label, room, size=13)
    return [
        Label(x=left, y=y, text=short, size=13, tip=row.label if short != row.label else ""),
        Label(x=right, y=y, text=row.text, anchor=Anchor.END, size=13, bold=True),
    ]


def load(pair: PairResult, side: Side, arm: ArmResult, most: float) -> Drawing:
    """One bar per server pod: its calls over the mean of all ready pods; the axis ends at *most*."""
    row_height, left, right, top = 22.0, 190.0, WIDTH - 62.0, 4.0
    found = sorted(pair.loads, key=lambda seen: (seen.zone is None, seen.zone or "", seen.pod))
    short = names.short_names(seen.pod for seen in found)
    scale = (right - left) / max(most, 1.0)
    bottom = top + len(found) * row_height
    marks: list[Mark] = []
    for number, seen in enumerate(found):
        y = top + number * row_height
        tip = f"{seen.pod} ({names.zone(seen.zone)}): {units.count(seen.calls)} calls"
        width = max(1.0, min(seen.times_mean, most) * scale)
        zone = lettering.fit(names.zone(seen.zone), 84, size=12)
        pod = lettering.fit(short[seen.pod], left - 8 - 90, size=12)
        marks += [
            Label(x=0, y=y + 15, text=zone, size=12, paint=Paint.MUTED, tip=tip),
            Label(x=left - 8, y=y + 15, text=pod, anchor=Anchor.END, size=12, tip=tip),
            Box(x=left, y=y + 4, width=width, height=14, fill=Paint.SAME, opacity=0.55, radius=2, tip=tip),
            Label(x=WIDTH, y=y + 15, text=units.times(seen.times_mean), anchor=Anchor.END, size=12),
        ]
    even = left + scale
    marks.append(Line(points=((even, top), (even, bottom + 2)), paint=Paint.INK, dashed=True))
    marks.append(
        Label(x=even, y=bottom + 17, text="even load", anchor=Anchor.MIDDLE, size=12, paint=Paint.MUTED)
    )
    return Drawing(
        width=WIDTH,
        height=bottom + 24,
        label=f"Load of each {pair.server} pod {side.value} ({names.arm(arm)}); 1.00\u00d7 is an even load",
        marks=tuple(marks),
    )
