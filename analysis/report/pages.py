"""What the pages of a comparison and of a trial share: how templates are filled, and their parts."""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

import jinja2
from markupsafe import Markup

from analysis.report import names, units
from analysis.report.at_traffic import AtTraffic
from analysis.report.drawing import Drawing, Paint
from analysis.report.svg import to_svg
from analysis.report.tables import Section, Table

MOST_ROWS: Final = 150
"""Rows of a table that is looked up: with every pod of a large Service a page would be megabytes."""
_SHORT = 32
"""Characters of a table cell that are kept on one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One drawing with the words under it."""

    svg: Markup
    caption: str
    wide: float | None = None
    """Width in pixels below which it scrolls instead of shrinking; None for one that fits a phone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plate:
    """Pictures to be compared, side by side where there is room."""

    title: str
    about: str
    pictures: tuple[Picture, ...]
    zones: bool = False
    """Whether the colours mean same zone and cross zone, so that the legend is needed."""


def page(template: str, *, at_traffic: AtTraffic | None = None, **parts: Any) -> str:
    """A whole page; a text with ``<``, ``&`` or quotes in any name comes out as that text.

    Its policy lets one script run, the one that works out the money *at_traffic* of the reader's own, and
    none where there is nothing to work out.
    """
    environment = _environment()
    script = "" if at_traffic is None else environment.get_template("page.js").render()
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return environment.get_template(template).render(
        paints=tuple(Paint),
        at_traffic=at_traffic,
        # Our own file: nothing of a cluster is in it.
        script=Markup(script),  # noqa: S704
        allowed=f" script-src 'sha256-{digest}';" if script else "",
        **parts,
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


def shortened(sections: Iterable[Section], artifact: str) -> tuple[Section, ...]:
    """The sections with the tables that are looked up cut to what a page can hold.

    What is left out is counted; all of it is in *artifact*.
    """
    return tuple(
        replace(one, folded=tuple(_shortened(table, artifact) for table in one.folded)) for one in sections
    )


def _shortened(table: Table, artifact: str) -> Table:
    left = len(table.rows) - MOST_ROWS
    if left <= 0:
        return table
    shown, more = units.count(MOST_ROWS), units.count(left)
    rest = f"The first {shown} rows; {more} more are in the run's {artifact}."
    return replace(table, rows=table.rows[:MOST_ROWS], about=f"{table.about} {rest}".strip())


def markup(drawing: Drawing) -> Markup:
    """A drawing as SVG."""
    # to_svg escapes every text of the drawing.
    return Markup(to_svg(drawing))  # noqa: S704
