"""An observation for a terminal of 80 columns, with or without colour."""

from collections.abc import Callable
from typing import Final

from rich.console import Group, RenderableType

from analysis.observe.contrast import Contrast
from analysis.observe.observed import Observation
from analysis.report import counted, names, units
from analysis.report.observation import observation_answer
from analysis.report.observation.observation_tables import lever_cell
from analysis.report.tables import Tone
from analysis.report.terminal import footnotes, grid, points, stacked, text

_MOST: Final = 20
"""Rows that a terminal shows."""
_NAME: Final = 26
_SHORT: Final = {"requests": "calls", "connections": "conns"}
"""What was counted, as it fits over a column."""


def observation(found: Observation) -> RenderableType:
    """What crosses zones, each pair in a row, and every caveat."""
    shown = observation_answer.answer(found)
    return Group(
        text(shown.headline, Tone.STRONG),
        pairs(found),
        points(f"{fact.label}: {fact.text}" for fact in shown.facts),
        footnotes(observation_answer.remarks(found), observation_answer.WHOLE),
    )


def pairs(found: Observation) -> RenderableType:
    """A row for each pair; the figures that do not fit are in the page."""
    rows = grid(
        "pair",
        "setting",
        _SHORT.get(found.unit, found.unit),
        "cross",
        "cover",
        "same-zone share",
        "cost/month",
        words=2,
    )
    for one in found.pairs[:_MOST]:
        pair, cell = one.result, lever_cell(one)
        known = pair.same_zone + pair.cross_zone
        rows.add_row(
            text(names.elide(observation_answer.title(one), _NAME), Tone.STRONG),
            text(cell.text, cell.tone),
            text(units.count(pair.calls)),
            text(units.count(pair.cross_zone), Tone.CROSS),
            text(units.percent(known / pair.calls) if pair.calls else units.NOTHING),
            stacked(counted.share(pair), Tone.STRONG),
            text(units.NOTHING if one.usd_month is None else units.usd(one.usd_month)),
        )
    if len(found.pairs) > _MOST:
        return Group(rows, text(f"and {len(found.pairs) - _MOST} more pairs, in the page", Tone.UNKNOWN))
    return rows


def contrast(found: Contrast) -> RenderableType:
    """The caveat first, then the difference of every pair."""
    rows = grid("pair", "calls/s", "share before", "after", "difference", "cost/month", words=1)
    for one in found.pairs:
        change = one.difference
        rows.add_row(
            text(names.elide(f"{one.client} \u2192 {one.server}", _NAME), Tone.STRONG),
            text(_both(one.calls_per_s_before, one.calls_per_s_after, units.rate)),
            stacked(units.percent_interval(one.share_before), Tone.PLAIN),
            stacked(units.percent_interval(one.share_after), Tone.PLAIN),
            stacked(
                units.points_change(change, changed=change is not None and units.sure(change)), Tone.STRONG
            ),
            text(_both(one.usd_before, one.usd_after, units.usd)),
        )
    windows = f"before: {units.window(found.before)}; after: {units.window(found.after)}"
    return Group(text(found.caveat, Tone.WARN), text(windows), rows)


def _both(before: float | None, after: float | None, words: Callable[[float], str]) -> str:
    shown = [units.NOTHING if one is None else words(one) for one in (before, after)]
    return " \u2192 ".join(shown)
