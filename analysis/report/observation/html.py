"""An observation as one self-contained HTML page, of the same make as a comparison's."""

from collections.abc import Iterator
from typing import Final

from analysis.observe.observed import KIND, Observation, ObservedPair
from analysis.report import counted, pictures, prose, units
from analysis.report.comparison import flows
from analysis.report.drawing import Drawing, Paint
from analysis.report.observation import observation_answer
from analysis.report.observation.observation_answer import title
from analysis.report.observation.observation_tables import sections
from analysis.report.pages import Picture, Plate, markup, page

MOST_DRAWN: Final = 6
"""Pairs that are drawn; the others are in the tables."""
MOST_ROWS: Final = 12
"""Shares on the axis of the first screen."""


def render(found: Observation) -> str:
    """The page; a text with ``<``, ``&`` or quotes in any name comes out as that text."""
    drawn = shares(found)
    return page(
        "observation.html.j2",
        answer=observation_answer.answer(found),
        banner=None,
        notes=observation_answer.remarks(found),
        eyebrow=(f"{KIND} \u00b7 {found.platform} \u00b7 {found.place} \u00b7 {units.window(found.window)}"),
        title=f"samezone: {KIND}",
        in_the_lab=prose.IN_THE_LAB if found.platform == "lab" else "",
        share_picture=None if drawn is None else markup(drawn),
        plates=tuple(_plates(found)),
        sections=sections(found),
        reading=prose.called(prose.OBSERVATION, found.source, found.unit, found.grain),
        limits=prose.observation_limits(is_lab=found.platform == "lab"),
    )


def shares(found: Observation) -> Drawing | None:
    """The share of every pair on one axis; None where no zone is known."""
    rows = [
        (title(one), units.percent(one.result.share.estimate), one.result.share, Paint.SAME)
        for one in found.pairs
        if one.result.share is not None
    ]
    return pictures.intervals(rows[:MOST_ROWS]) if rows else None


def _plates(found: Observation) -> Iterator[Plate]:
    drawn = [one for one in found.pairs if one.result.same_zone + one.result.cross_zone][:MOST_DRAWN]
    if not drawn:
        return
    more = len(found.pairs) - len(drawn)
    rest = f" The other {more} pairs are in the tables." if more else ""
    yield Plate(
        title="From zone to zone",
        about=f"Each row splits a caller's zone by the zone of the pod that answered.{rest}",
        pictures=tuple(
            Picture(svg=markup(pictures.zone_matrix(one.result, found.zones, title(one))), caption=title(one))
            for one in drawn
        ),
        zones=True,
    )
    yield Plate(
        title=f"From {found.grain} to {found.grain}",
        about=(
            "Callers on the left, callees on the right, in bands of their zone; a line is as wide as its "
            f"{counted.many(found.unit)}. {prose.SHORT_NAMES}"
        ),
        pictures=tuple(_flow(one, found.zones) for one in drawn),
        zones=True,
    )


def _flow(one: ObservedPair, zones: tuple[str, ...]) -> Picture:
    by_zone = flows.by_zone_only(one.result)
    most = flows.busiest(one.result, zones=by_zone)
    drawing = flows.flows(one.result, zones, title(one), most, zones=by_zone)
    return Picture(svg=markup(drawing), caption=title(one))
