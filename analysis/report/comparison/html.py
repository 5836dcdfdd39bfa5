"""The comparison as one self-contained HTML page: no request; for light, dark, phones and print."""

from collections.abc import Iterator

from analysis.model import ArmResult
from analysis.report import counted, names, pictures, prose, units
from analysis.report.comparison import flows, over_time, under_test
from analysis.report.comparison.answer import answer
from analysis.report.comparison.sections import sections, traffic_of
from analysis.report.drawing import Drawing
from analysis.report.lookup import arms, by_connection, find
from analysis.report.notes import number
from analysis.report.pages import Picture, Plate, markup, page, shortened
from analysis.verdict.compared import Comparison


def render(comparison: Comparison) -> str:
    """The page; a text with ``<``, ``&`` or quotes in any name comes out as that text."""
    comparison = by_connection(comparison)
    notes = number(comparison)
    drawn = pictures.shares(comparison)
    return page(
        "page.html.j2",
        answer=answer(comparison, notes),
        banner=under_test.banner(comparison),
        notes=notes.items,
        eyebrow=_eyebrow(comparison),
        title=f"samezone: {names.pair(*comparison.focus)}",
        in_the_lab=prose.IN_THE_LAB if comparison.platform == "lab" else "",
        share_picture=None if drawn is None else markup(drawn),
        plates=tuple(_plates(comparison)),
        sections=shortened(sections(comparison, notes), "comparison.json"),
        at_traffic=traffic_of(comparison),
        reading=prose.reading(judged=comparison.verdict is not None, arm=comparison.candidate),
        limits=prose.limits(comparison),
    )


def _eyebrow(comparison: Comparison) -> str:
    return (
        f"{comparison.platform} \u00b7 {comparison.context} \u00b7 Service {comparison.service} \u00b7 "
        f"{units.utc(comparison.baseline.window.start_s)}"
    )


def _plates(comparison: Comparison) -> Iterator[Plate]:
    """Every plate that has something to show."""
    found = [(side, arm, pair) for side, arm in arms(comparison) if (pair := find(arm, comparison.focus))]
    if not found:
        return
    client, server = comparison.focus
    noun = counted.many(comparison.candidate.unit)
    course = over_time.plate(comparison)
    if course is not None:
        yield course
    titles = [f"{side.value.capitalize()}: {names.arm(arm)}" for side, arm, _ in found]
    pairs = [pair for *_, pair in found]
    matrices = [
        pictures.zone_matrix(pair, comparison.zones, title) for pair, title in zip(pairs, titles, strict=True)
    ]
    yield Plate(
        title="From zone to zone",
        about=f"Each row splits a {client} zone's {noun} by the zone of the {server} pod that answered.",
        pictures=_captioned(matrices, titles),
        zones=True,
    )
    zones = any(flows.by_zone_only(pair) for pair in pairs)
    why = _why([arm for _, arm, _ in found]) if zones else prose.SHORT_NAMES
    most = max(flows.busiest(pair, zones=zones) for pair in pairs)
    streams = [
        flows.flows(pair, comparison.zones, title, most, zones=zones)
        for pair, title in zip(pairs, titles, strict=True)
    ]
    yield Plate(
        title="From zone to zone, as flows" if zones else "From pod to pod",
        about=(
            f"{client} on the left, {server} on the right, in bands of their zone; a line is as wide as its "
            f"{noun}, on one scale in both pictures. {why}"
        ),
        pictures=_captioned(streams, titles),
        zones=True,
    )
    yield from _small_plates(comparison)


def _why(arms_drawn: list[ArmResult]) -> str:
    """Why zones are drawn in place of pods.

    A pair says what its flows are listed by, which is no pod, too, where there were too many of them; what
    the source names stands in the arm.
    """
    named = next((arm.grain for arm in arms_drawn if arm.grain != counted.POD), None)
    return prose.MANY_PODS if named is None else prose.NO_PODS.format(grain=named)


def _small_plates(comparison: Comparison) -> Iterator[Plate]:
    """Endpoint load and latency."""
    found = [
        (side, arm, pair)
        for side, arm in arms(comparison)
        if (pair := find(arm, comparison.focus)) and pair.loads and len(pair.loads) <= flows.MOST_SERVERS
    ]
    if found:
        most = max(load.times_mean for *_, pair in found for load in pair.loads)
        yield Plate(
            title="Load of each endpoint",
            about="Calls relative to the mean of all ready pods. Calls kept in a zone load that zone's pods.",
            pictures=_captioned(
                [pictures.load(pair, side, arm, most) for side, arm, pair in found],
                [f"{side.value.capitalize()}: {names.arm(arm)}" for side, arm, _ in found],
            ),
        )
    drawn = pictures.latencies(comparison)
    if drawn is not None:
        yield Plate(
            title="Response time of same-zone and cross-zone calls",
            about="Mean response time as the client pods saw it.",
            pictures=(Picture(svg=markup(drawn), caption="Mean with its interval"),),
            zones=True,
        )


def _captioned(drawings: list[Drawing], captions: list[str]) -> tuple[Picture, ...]:
    return tuple(
        Picture(svg=markup(drawing), caption=caption)
        for drawing, caption in zip(drawings, captions, strict=True)
    )
