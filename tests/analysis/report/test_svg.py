"""The SVG that a drawing becomes."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.report import pictures
from analysis.report.comparison import flows
from analysis.report.drawing import Anchor, Box, Dot, Drawing, Label, Line, Mark, Paint, Polygon
from analysis.report.lookup import find
from analysis.report.names import plain
from analysis.report.svg import to_svg
from tests.analysis.report.comparison import samples

SVG = "{http://www.w3.org/2000/svg}"


def root_of(*marks: Mark, label: str = "") -> ET.Element:
    """The element of a drawing of *marks*."""
    return ET.fromstring(to_svg(Drawing(width=100, height=20.5, label=label, marks=marks)))  # noqa: S314


@pytest.mark.parametrize(
    ("mark", "name", "attributes"),
    [
        (
            Box(x=1, y=2.25, width=30, height=4, fill=Paint.SAME, opacity=0.5, radius=2, stroke=Paint.RULE),
            "rect",
            {
                "x": "1",
                "y": "2.25",
                "width": "30",
                "height": "4",
                "rx": "2",
                "style": "fill:var(--same, #0068b3);stroke:var(--rule, #d5dae1);stroke-width:1;opacity:0.5;",
            },
        ),
        (
            Line(points=((0, 1), (10, 1)), paint=Paint.INK, width=2),
            "path",
            {"d": "M0,1L10,1", "style": "fill:none;stroke:var(--ink, #1c2128);stroke-width:2;"},
        ),
        (
            Line(points=((0, 0), (1, 0), (2, 3), (4, 3)), paint=Paint.UNKNOWN, width=18, dashed=True),
            "path",
            {
                "d": "M0,0C1,0 2,3 4,3",
                "style": "fill:none;stroke:var(--unknown, #6b7078);stroke-width:18;stroke-dasharray:5,4;",
            },
        ),
        (
            Dot(x=5, y=6, radius=4.5, paint=Paint.PAPER, stroke=Paint.ARM_1),
            "circle",
            {
                "cx": "5",
                "cy": "6",
                "r": "4.5",
                "style": "fill:var(--paper, #fefefe);stroke:var(--arm_1, #0067b5);stroke-width:1.8;",
            },
        ),
        (
            Polygon(points=((0, 0), (3, 0), (-0.001, 1 / 3)), fill=Paint.FAIL),
            "polygon",
            {"points": "0,0 3,0 0,0.33", "style": "fill:var(--fail, #b3202c);"},
        ),
        (
            Label(x=1, y=2, text="a", anchor=Anchor.END, size=11, bold=True),
            "text",
            {
                "x": "1",
                "y": "2",
                "text-anchor": "end",
                "style": "fill:var(--ink, #1c2128);font-size:11px;font-weight:bold;",
            },
        ),
        (
            Label(x=1, y=2, text="a"),
            "text",
            {"x": "1", "y": "2", "style": "fill:var(--ink, #1c2128);font-size:12px;"},
        ),
    ],
    ids=["box", "straight", "curve", "dot", "polygon", "label", "plain-label"],
)
def test_a_mark_is_one_element(mark, name, attributes):
    """Each mark is one element in the page's colours, in pixels to a hundredth."""
    (element,) = root_of(mark)

    assert (element.tag, element.attrib) == (f"{SVG}{name}", attributes)


def test_an_image_that_says_what_it_shows():
    """A picture has the role of an image, its size, and a text for who cannot see it."""
    root = root_of(label="Two & three")

    assert (root.tag, root.attrib) == (
        f"{SVG}svg",
        {"viewBox": "0 0 100 20.5", "role": "img", "aria-label": "Two & three"},
    )


@given(st.text())
def test_any_text_is_text(text):
    """Whatever a name contains, label, tooltip and description hold it as text."""
    root = root_of(Label(x=0, y=0, text=text, tip=f"t{text}"), label=text)
    (label,) = root
    (tip,) = label

    assert (root.get("aria-label"), label.text or "", tip.text) == (
        plain(text),
        plain(text),
        f"t{plain(text)}",
    )


def test_mathematics_is_text():
    """A dollar in a name starts no formula."""
    (label,) = root_of(Label(x=0, y=10, text="$\\frac{1}{$"))

    assert label.text == "$\\frac{1}{$"


@pytest.fixture(scope="module")
def hostile():
    """The flow picture of a comparison whose every name tries to break out."""
    compared = samples.hostile()
    pair = find(compared.baseline, compared.focus)
    return to_svg(flows.flows(pair, compared.zones, "Test", 1, zones=False))


def test_a_picture_cannot_reach_another(hostile):
    """Two pictures in one page share no id, no style sheet and no reference."""
    root = ET.fromstring(hostile)  # noqa: S314 - our own text

    assert not [element for element in root.iter() if element.get("id") or element.tag.endswith("style")]
    assert not re.search(r"url\(|href|<!|<\?", hostile)


def test_names_are_escaped(hostile):
    """Names are text, with tooltips for the full ones."""
    root = ET.fromstring(hostile)  # noqa: S314 - our own text

    assert any("</script><script>alert(1)</script>" in tip.text for tip in root.iter(f"{SVG}title"))
    assert "<script" not in hostile
    assert "\x1b" not in hostile


def test_every_colour_is_the_pages():
    """Every colour is a variable of the page, so that it can turn dark."""
    svg = to_svg(pictures.shares(samples.tar()))
    bare = re.sub(r"var\(--[a-z]+, #[0-9a-f]{6}\)", "", svg)

    assert "var(--same, #0068b3)" in svg
    assert not re.search(r"#[0-9a-f]{6}", bare)
