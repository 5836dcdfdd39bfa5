"""What the pages of a comparison and of a trial share: how templates are filled, and their parts."""

from dataclasses import dataclass
from typing import Any

import jinja2
from markupsafe import Markup

from analysis.report import names
from analysis.report.drawing import Drawing, Paint
from analysis.report.svg import to_svg

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


def page(template: str, **parts: Any) -> str:
    """A whole page; a text with ``<``, ``&`` or quotes in any name comes out as that text."""
    return _environment().get_template(template).render(paints=tuple(Paint), **parts)


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


def markup(drawing: Drawing) -> Markup:
    """A drawing as SVG."""
    # to_svg escapes every text of the drawing.
    return Markup(to_svg(drawing))  # noqa: S704
