"""Drawings to SVG text with matplotlib, fit to stand several times in one HTML page.

The text is deterministic and carries no ids, no style sheet, no metadata and no address but the namespace,
so nothing of one picture can reach another. Colours become CSS variables (with the light colour as fallback),
text stays text and takes the page's font.
"""

import io
import re
import warnings
from typing import Any, assert_never
from xml.etree import ElementTree as ET

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Patch, PathPatch, Rectangle
from matplotlib.patches import Polygon as Shape
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D

from analysis.report.drawing import Box, Dot, Drawing, Label, Line, Mark, Paint, Polygon
from analysis.report.names import plain

_NAMESPACE = "http://www.w3.org/2000/svg"
_DPI = 72
"""matplotlib writes SVG in points of 1/72 inch; one of them is one of our pixels."""
_SETTLED = (
    "axes.",
    "figure.",
    "font.",
    "lines.",
    "mathtext.",
    "patch.",
    "path.",
    "savefig.",
    "svg.",
    "text.",
)
"""Settings that a person's own matplotlibrc must not change."""
_FONT = re.compile(r"font-family: [^;]+; ?")
_SPACE = re.compile(r"\s+")


def to_svg(drawing: Drawing) -> str:
    """The drawing as an ``<svg>`` element; every text in it is escaped."""
    settings = {key: value for key, value in mpl.rcParamsDefault.items() if key.startswith(_SETTLED)}
    settings |= {"svg.fonttype": "none", "svg.hashsalt": "samezone", "lines.scale_dashes": False}
    written = io.BytesIO()
    with mpl.rc_context(settings), warnings.catch_warnings():
        figure = Figure(figsize=(drawing.width / _DPI, drawing.height / _DPI), dpi=_DPI)
        figure.patch.set_visible(False)
        from_top = Affine2D().scale(1, -1).translate(0, drawing.height)
        for number, mark in enumerate(drawing.marks):
            artist = _artist(mark)
            artist.set_transform(from_top)
            artist.set_gid(str(number))
            figure.add_artist(artist)
        # Text stays text, so a glyph that matplotlib's own font lacks is the browser's business.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(written, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    # Our own figure, written a moment ago: not foreign XML.
    return _embedded(ET.fromstring(written.getvalue()), drawing)  # noqa: S314


def _artist(mark: Mark) -> Any:
    match mark:
        case Box():
            return _box(mark)
        case Line():
            curve = [Path.MOVETO] + [Path.LINETO if len(mark.points) == 2 else Path.CURVE4] * (  # noqa: PLR2004
                len(mark.points) - 1
            )
            return PathPatch(
                Path(mark.points, curve),
                facecolor="none",
                edgecolor=mark.paint.value,
                linewidth=mark.width,
                linestyle=(0, (5, 4)) if mark.dashed else "solid",
                capstyle="butt",
                alpha=_alpha(mark.opacity),
            )
        case Dot():
            return Circle((mark.x, mark.y), mark.radius, facecolor=mark.paint.value, **_edge(mark.stroke))
        case Polygon():
            return Shape(mark.points, closed=True, facecolor=mark.fill.value, **_edge(mark.stroke))
        case Label():
            return Text(
                mark.x,
                mark.y,
                plain(mark.text),
                color=mark.paint.value,
                fontsize=mark.size,
                fontweight="bold" if mark.bold else "normal",
                horizontalalignment=mark.anchor.value,
                verticalalignment="baseline",
                parse_math=False,
            )
        case _:
            assert_never(mark)


def _box(box: Box) -> Patch:
    looks: dict[str, Any] = {
        "facecolor": box.fill.value,
        "edgecolor": box.stroke.value if box.stroke else "none",
        "linewidth": 1.0 if box.stroke else 0.0,
        "alpha": _alpha(box.opacity),
    }
    if not box.radius:
        return Rectangle((box.x, box.y), box.width, box.height, **looks)
    corners = f"round,pad=0,rounding_size={box.radius}"
    return FancyBboxPatch((box.x, box.y), box.width, box.height, boxstyle=corners, **looks)


def _edge(stroke: Paint | None) -> dict[str, Any]:
    return {"edgecolor": stroke.value, "linewidth": 1.8} if stroke else {"edgecolor": "none"}


def _alpha(opacity: float) -> float | None:
    return None if opacity >= 1 else opacity


def _embedded(drawn: ET.Element, drawing: Drawing) -> str:
    """Only the shapes and texts of matplotlib's document, under a root of our own."""
    root = ET.Element(
        "svg",
        {
            "xmlns": _NAMESPACE,
            "viewBox": f"0 0 {drawing.width:g} {drawing.height:g}",
            "role": "img",
            "aria-label": plain(drawing.label),
        },
    )
    root.text = "\n"
    groups = {group.get("id"): group for group in drawn.iter(f"{{{_NAMESPACE}}}g")}
    for number, mark in enumerate(drawing.marks):
        for leaf in groups[str(number)]:
            root.append(_shape(leaf, mark.tip))
    return ET.tostring(root, encoding="unicode")


def _shape(leaf: ET.Element, tip: str) -> ET.Element:
    attributes = {name: value for name, value in leaf.items() if name in {"d", "x", "y", "style"}}
    attributes["style"] = _styled(attributes.get("style", ""))
    if "d" in attributes:
        attributes["d"] = _SPACE.sub(" ", attributes["d"]).strip()
    shape = ET.Element(leaf.tag.removeprefix(f"{{{_NAMESPACE}}}"), attributes)
    shape.text = leaf.text if shape.tag == "text" else None
    if tip:
        title = ET.SubElement(shape, "title")
        title.text = plain(tip)
    shape.tail = "\n"
    return shape


def _styled(style: str) -> str:
    style = _FONT.sub("", style)
    for paint in Paint:
        style = style.replace(paint.value, f"var({paint.variable}, {paint.value})")
    return style
