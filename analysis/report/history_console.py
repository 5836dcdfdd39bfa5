"""A history of runs for a terminal: a table for each series, its changes marked and explained."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from rich.console import Group, RenderableType

from analysis.history import COUNTED_BY_DEFAULT, Run, Series, Shift
from analysis.report import judgement, names, units
from analysis.report.tables import Tone
from analysis.report.terminal import grid, text
from analysis.statistics.changepoints import LEAST_RUNS

ALL: Final = 200
"""A table of more runs than this shows its beginning, its end and what surrounds each change."""
_ENDS: Final = 40
"""Runs shown at either end of a longer table."""
_AROUND: Final = 3
"""Runs shown on either side of a change in it."""


def history(found: Sequence[Series]) -> RenderableType:
    """Every series."""
    return Group(*(part for one in found for part in _series(one)))


def _series(found: Series) -> Iterator[RenderableType]:
    title = f"{found.service} in {found.context}, {names.mode(found.mode)} ({found.mode})"
    if found.source != COUNTED_BY_DEFAULT:
        title += f", counted by {found.source}"
    yield text(title, Tone.STRONG)
    rows = grid("", "time (UTC)", "verdict", "same-zone share", "n", "p99", words=3)
    firsts = {shift.first for shift in found.shifts}
    shown = shown_of(found)
    for place, after in pairwise((*shown, len(found.runs))):
        rows.add_row(*_row(found.runs[place], changed=found.runs[place].folder in firsts))
        if after - place > 1:
            left_out = f"{units.count(after - place - 1)} more runs"
            rows.add_row(text(""), text(f"\u2026 {left_out}", Tone.UNKNOWN))
    yield rows
    if len(shown) < len(found.runs):
        yield text(f"All {units.count(len(found.runs))} runs: samezone history --json", Tone.UNKNOWN)
    for shift in found.shifts:
        yield text(f"\u25b8 {sentence(shift, found.mode)}", Tone.WARN)
    yield from _silence(found)
    yield text("")


def shown_of(found: Series) -> tuple[int, ...]:
    """Places of the runs that a table shows: all of a short series, else both ends and around each change."""
    size = len(found.runs)
    if size <= ALL:
        return tuple(range(size))
    firsts = {shift.first for shift in found.shifts}
    changes = [place for place, run in enumerate(found.runs) if run.folder in firsts]
    near = {one for place in changes for one in range(place - _AROUND, place + _AROUND)}
    ends = {*range(_ENDS), *range(size - _ENDS, size)}
    return tuple(sorted(one for one in near | ends if 0 <= one < size))


def _row(run: Run, *, changed: bool) -> Iterator[RenderableType]:
    decision = run.decision
    yield text("\u25b8" if changed else "", Tone.WARN)
    yield text(units.utc(run.at_s).removesuffix(" UTC"))
    yield text(
        units.NOTHING if decision is None else judgement.decision_text(decision),
        Tone.UNKNOWN if decision is None else judgement.tone(decision),
    )
    yield text(units.percent_interval(run.share), Tone.WARN if changed else Tone.PLAIN)
    yield text(units.count(run.share.n))
    yield text(units.milliseconds(run.p99_s))


def sentence(shift: Shift, mode: str) -> str:
    """What changed, between which runs, and how sure that is."""
    way = "fell" if shift.after < shift.before else "rose"
    return (
        f"Between {units.utc(shift.last_at_s)} ({shift.last}) and {units.utc(shift.first_at_s)} "
        f"({shift.first}) the share of {mode} {way} from {units.percent(shift.before)} to "
        f"{units.percent(shift.after)}, {units.p_value(shift.p_value)}."
    )


def _silence(found: Series) -> Iterator[RenderableType]:
    """Why nothing is marked, where nothing is."""
    size = len(found.runs)
    if not found.enough:
        runs = "run" if size == 1 else "runs"
        words = f"{units.count(size)} {runs}; {LEAST_RUNS} are needed to tell a change from chance."
        yield text(words, Tone.UNKNOWN)
    elif not found.shifts:
        words = f"No change in {units.count(size)} runs that chance would not explain."
        yield text(words, Tone.UNKNOWN)
