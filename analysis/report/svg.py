"""Drawings to SVG text, fit to stand several times in one HTML page.

The text is deterministic and carries no ids, no style sheet, no metadata and no address but the namespace,
so nothing of one picture can reach another. Colours are CSS variables of the page (with the light colour as
fallback), text stays text and takes the page's font. Every text is escaped.
"""

from collections.abc import Mapping
from typing import assert_never

from markupsafe import escape

from analysis.report.drawing import Anchor, Box, Dot, Drawing, Label, Line, Mark, Paint, Polygon, Spot
from analysis.report.names import plain

_Attributes = Mapping[str, str | float | None]
_NAMESPACE = "http://www.w3.org/2000/svg"
_RING = 1.8
"""Width of the stroke around a hollow mark, in pixels."""
_LINE = 16.0
"""From one line of a spot's words to the next, in pixels."""


def to_svg(drawing: Drawing) -> str:
    """The drawing as an ``<svg>`` element."""
    size = f"0 0 {_number(drawing.width)} {_number(drawing.height)}"
    # What is an image to a screen reader has no parts; what has spots is a group of images.
    role = "group" if any(isinstance(mark, Spot) for mark in drawing.marks) else "img"
    root = {"xmlns": _NAMESPACE, "viewBox": size, "role": role, "aria-label": drawing.label}
    return "\n".join([_tag("svg", root), *map(_mark, drawing.marks), "</svg>"])


def _mark(mark: Mark) -> str:
    return _spot(mark) if isinstance(mark, Spot) else _drawn(mark)


def _spot(spot: Spot) -> str:
    """An area that can be focused; the page's style sheet shows its words while it is."""
    x, y = spot.at
    words = "".join(
        _drawn(Label(x=x, y=y + number * _LINE, text=line, size=12, bold=not number))
        for number, line in enumerate(spot.says)
    )
    root = {"class": "spot", "tabindex": "0", "role": "img", "aria-label": ". ".join(spot.says)}
    place = {"x": spot.x, "y": spot.y, "width": spot.width, "height": spot.height}
    return f'{_tag("g", root)}{_tag("rect", place)}</rect><g class="says" aria-hidden="true">{words}</g></g>'


def _drawn(mark: Box | Line | Dot | Polygon | Label) -> str:
    name, shape, style = _shape(mark)
    text = escape(plain(mark.text)) if isinstance(mark, Label) else ""
    title = f"<title>{escape(plain(mark.tip))}</title>" if mark.tip else ""
    return f"{_tag(name, {**shape, 'style': style})}{text}{title}</{name}>"


def _shape(mark: Box | Line | Dot | Polygon | Label) -> tuple[str, _Attributes, str]:
    """(element, its place, its style)."""
    match mark:
        case Box():
            style = f"{_fill(mark.fill)}{_stroke(mark.stroke, 1)}{_opacity(mark.opacity)}"
            place = {"x": mark.x, "y": mark.y, "width": mark.width, "height": mark.height}
            return "rect", {**place, "rx": mark.radius or None}, style
        case Line():
            dashes = "stroke-dasharray:5,4;" if mark.dashed else ""
            style = f"fill:none;{_stroke(mark.paint, mark.width)}{dashes}{_opacity(mark.opacity)}"
            return "path", {"d": _path(mark.points)}, style
        case Dot():
            style = f"{_fill(mark.paint)}{_stroke(mark.stroke, _RING)}"
            return "circle", {"cx": mark.x, "cy": mark.y, "r": mark.radius}, style
        case Polygon():
            return (
                "polygon",
                {"points": _points(mark.points)},
                f"{_fill(mark.fill)}{_stroke(mark.stroke, _RING)}",
            )
        case Label():
            style = f"{_fill(mark.paint)}font-size:{_number(mark.size)}px;{'font-weight:bold;' * mark.bold}"
            anchor = None if mark.anchor is Anchor.START else mark.anchor.value
            kind = "hint" if mark.resting else None
            return "text", {"x": mark.x, "y": mark.y, "text-anchor": anchor, "class": kind}, style
        case _:
            assert_never(mark)


def _path(points: tuple[tuple[float, float], ...]) -> str:
    """Straight through two points, a cubic Bezier curve through four control points."""
    return f"M{_points(points[:1])}{'L' if len(points) == 2 else 'C'}{_points(points[1:])}"  # noqa: PLR2004


def _points(points: tuple[tuple[float, float], ...]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _tag(name: str, attributes: _Attributes) -> str:
    """An opening tag; an attribute that is None is left out."""
    shown = (f' {key}="{_value(value)}"' for key, value in attributes.items() if value is not None)
    return f"<{name}{''.join(shown)}>"


def _value(value: str | float) -> str:
    return escape(plain(value)) if isinstance(value, str) else _number(value)


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
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
