"""The comparison as one self-contained HTML page: no script, no request; for light, dark and print."""

from collections.abc import Iterator
from dataclasses import dataclass

import jinja2
from markupsafe import Markup

from analysis.model import Comparison
from analysis.report import evidence, expected, flows, names, pictures, prose, service, traffic, units
from analysis.report.answer import answer
from analysis.report.drawing import Drawing, Paint
from analysis.report.lookup import arms, find
from analysis.report.notes import Notes, number
from analysis.report.tables import Table

_SHORT = 32
"""Characters of a table cell that are kept on one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One drawing with the words under it."""

    svg: Markup
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plate:
    """Pictures to be compared, side by side where there is room."""

    title: str
    about: str
    pictures: tuple[Picture, ...]
    zones: bool = False
    """Whether the colours mean same zone and cross zone, so that the legend is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page: tables that are read at once, and tables that are looked up."""

    key: str
    title: str
    tables: tuple[Table, ...]
    folded: tuple[Table, ...] = ()


def render(comparison: Comparison) -> str:
    """The page; a text with ``<``, ``&`` or quotes in any name comes out as that text."""
    notes = number(comparison)
    found = answer(comparison, notes)
    drawn = pictures.shares(comparison)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            answer=found,
            notes=notes.items,
            eyebrow=_eyebrow(comparison),
            title=f"samezone: {names.pair(*comparison.focus)}",
            in_the_lab=prose.IN_THE_LAB if comparison.platform == "lab" else "",
            share_picture=None if drawn is None else _markup(drawn),
            plates=tuple(_plates(comparison)),
            sections=_sections(comparison, notes),
            reading=prose.READING,
            limits=prose.limits(comparison),
            paints=tuple(Paint),
        )
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("analysis.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["fit"] = _fit
    return environment


def _fit(text: str) -> str:
    """How a table cell breaks its lines: never, anywhere, or between words."""
    if len(text) <= _SHORT:
        return "short"
    return "long" if any(len(word) > _SHORT for word in text.split()) else "words"


def _printable(value: object) -> object:
    """Every foreign text on one line; our own markup as it is."""
    return names.plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _markup(drawing: Drawing) -> Markup:
    # matplotlib is slow to import and may build a font cache: only who draws shall pay for it.
    from analysis.report.svg import to_svg  # noqa: PLC0415

    # to_svg escapes every text of the drawing.
    return Markup(to_svg(drawing))  # noqa: S704


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
    titles = [f"{side.value.capitalize()}: {names.arm(arm)}" for side, arm, _ in found]
    pairs = [pair for *_, pair in found]
    matrices = [
        pictures.zone_matrix(pair, comparison.zones, title) for pair, title in zip(pairs, titles, strict=True)
    ]
    yield Plate(
        title="From zone to zone",
        about=f"Each row splits a {client} zone's calls by the zone of the {server} pod that answered.",
        pictures=_captioned(matrices, titles),
        zones=True,
    )
    zones = any(flows.by_zone_only(pair) for pair in pairs)
    most = max(flows.busiest(pair, zones=zones) for pair in pairs)
    streams = [
        flows.flows(pair, comparison.zones, title, most, zones=zones)
        for pair, title in zip(pairs, titles, strict=True)
    ]
    yield Plate(
        title="From zone to zone, as flows" if zones else "From pod to pod",
        about=(
            f"{client} on the left, {server} on the right, in bands of their zone; a line is as wide as its "
            f"calls, on one scale in both pictures. {prose.MANY_PODS if zones else prose.SHORT_NAMES}"
        ),
        pictures=_captioned(streams, titles),
        zones=True,
    )
    yield from _small_plates(comparison)


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
            about="Calls over the mean of all ready pods. What a zone keeps, its own pods must carry.",
            pictures=_captioned(
                [pictures.load(pair, side, arm, most) for side, arm, pair in found],
                [f"{side.value.capitalize()}: {names.arm(arm)}" for side, arm, _ in found],
            ),
        )
    drawn = pictures.latencies(comparison)
    if drawn is not None:
        yield Plate(
            title="What crossing costs in time",
            about="Mean response time as the client pods saw it.",
            pictures=(Picture(svg=_markup(drawn), caption="Mean with its interval"),),
            zones=True,
        )


def _captioned(drawings: list[Drawing], captions: list[str]) -> tuple[Picture, ...]:
    return tuple(
        Picture(svg=_markup(drawing), caption=caption)
        for drawing, caption in zip(drawings, captions, strict=True)
    )


def _sections(comparison: Comparison, notes: Notes) -> tuple[Section, ...]:
    matrices = tuple(
        traffic.matrix(arm, side, pair, comparison.zones)
        for side, arm in arms(comparison)
        if (pair := find(arm, comparison.focus))
    )
    pods = tuple(traffic.flows(arm, side, comparison.focus, notes) for side, arm in arms(comparison))
    return (
        Section(
            key="numbers",
            title="The numbers",
            tables=(
                traffic.pairs(comparison, notes),
                service.latency(comparison, notes),
                service.loads(comparison, notes),
                evidence.costs(comparison, notes),
            ),
            folded=(*matrices, *pods),
        ),
        Section(
            key="trust",
            title="Why to trust them",
            tables=(
                evidence.trust(comparison, notes),
                evidence.routing(comparison, notes),
                expected.table(comparison, notes),
                evidence.events(comparison),
                service.shoppers(comparison, notes),
                evidence.unknown_calls(comparison),
            ),
            folded=(evidence.methods(comparison),),
        ),
        Section(key="origin", title="Where they come from", tables=(evidence.provenance(comparison),)),
    )
