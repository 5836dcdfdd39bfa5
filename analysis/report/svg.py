"""Drawings to SVG text, fit to stand several times in one HTML page.

The text is deterministic and carries no ids, no style sheet, no metadata and no address but the namespace,
so nothing of one picture can reach another. Colours are CSS variables of the page (with the light colour as
fallback), text stays text and takes the page's font. Every text is escaped.
"""

from typing import assert_never

from markupsafe import escape

from analysis.report.drawing import Anchor, Box, Dot, Drawing, Label, Line, Mark, Paint, Polygon
from analysis.report.names import plain

_RING = 1.8
"""Width of the stroke around a hollow mark, in pixels."""


def to_svg(drawing: Drawing) -> str:
    """The drawing as an ``<svg>`` element."""
    size = f"0 0 {_number(drawing.width)} {_number(drawing.height)}"
    head = _tag("svg", xmlns="http://www.w3.org/2000/svg", viewBox=size, role="img", aria_label=drawing.label)
    return "\n".join([head, *map(_mark, drawing.marks), "</svg>"])


def _mark(mark: Mark) -> str:
    match mark:
        case Box():
            place = {"x": mark.x, "y": mark.y, "width": mark.width, "height": mark.height}
            style = f"{_fill(mark.fill)}{_stroke(mark.stroke, 1)}{_opacity(mark.opacity)}"
            return _element("rect", mark.tip, **place, rx=mark.radius or None, style=style)
        case Line():
            dashes = "stroke-dasharray:5,4;" if mark.dashed else ""
            style = f"fill:none;{_stroke(mark.paint, mark.width)}{dashes}{_opacity(mark.opacity)}"
            return _element("path", mark.tip, d=_path(mark.points), style=style)
        case Dot():
            style = f"{_fill(mark.paint)}{_stroke(mark.stroke, _RING)}"
            return _element("circle", mark.tip, cx=mark.x, cy=mark.y, r=mark.radius, style=style)
        case Polygon():
            style = f"{_fill(mark.fill)}{_stroke(mark.stroke, _RING)}"
            return _element("polygon", mark.tip, points=_points(mark.points), style=style)
        case Label():
            style = f"{_fill(mark.paint)}font-size:{_number(mark.size)}px;{'font-weight:bold;' * mark.bold}"
            place = {"x": mark.x, "y": mark.y, "text_anchor": None if mark.anchor is Anchor.START else mark.anchor}
            return _element("text", mark.tip, text=mark.text, **place, style=style)
        case _:
            assert_never(mark)


def _path(points: tuple[tuple[float, float], ...]) -> str:
    """Straight through two points, a cubic Bezier curve through four control points."""
    return f"M{_points(points[:1])}{'L' if len(points) == 2 else 'C'}{_points(points[1:])}"  # noqa: PLR2004


def _points(points: tuple[tuple[float, float], ...]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _element(name: str, tip: str, *, text: str = "", **attributes: str | float | None) -> str:
    title = f"<title>{escape(plain(tip))}</title>" if tip else ""
    return f"{_tag(name, **attributes)}{escape(plain(text))}{title}</{name}>"


def _tag(name: str, **attributes: str | float | None) -> str:
    """An opening tag; ``_`` in an attribute's name stands for ``-``, one that is None is left out."""
    shown = (
        f' {key.replace("_", "-")}="{_number(value) if isinstance(value, float) else escape(plain(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{''.join(shown)}>"


def _fill(paint: Paint) -> str:
    return f"fill:{_colour(paint)};"


def _stroke(paint: Paint | None, width: float) -> str:
    return f"stroke:{_colour(paint)};stroke-width:{_number(width)};" if paint else ""


def _opacity(opacity: float) -> str:
    return f"opacity:{_number(opacity)};" if opacity < 1 else ""


def _colour(paint: Paint) -> str:
    return f"var({paint.variable}, {paint.value})"


def _number(value: float) -> str:
    """Pixels to a hundredth, without zeros that say nothing."""
    return f"{round(value, 2) + 0:g}" if abs(value) < 1e4 else f"{value:.0f}"
