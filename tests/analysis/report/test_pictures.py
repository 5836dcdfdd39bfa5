"""Pictures: what is drawn, and the SVG it becomes."""

import re
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest

from analysis.report import pictures
from analysis.report.comparison import flows
from analysis.report.drawing import Box, Drawing, Label, Line, Paint
from analysis.report.lookup import find
from analysis.report.notes import Side
from analysis.report.svg import to_svg
from tests.analysis.report.comparison import samples

FOCUS = (samples.UI, samples.CATALOG)


def flows_of(comparison, arm):
    """The flow picture of one arm, on its own scale."""
    pair = find(arm, comparison.focus)
    zones = flows.by_zone_only(pair)
    return flows.flows(pair, comparison.zones, "Test", flows.busiest(pair, zones=zones), zones=zones)


def lines(drawing, paint):
    """The lines of one colour."""
    return [mark for mark in drawing.marks if isinstance(mark, Line) and mark.paint is paint]


def texts(drawing):
    """Every text of a drawing."""
    return [mark.text for mark in drawing.marks if isinstance(mark, Label)]


def test_flows_before():
    """Random routing: every ui pod calls every catalog pod, two in its zone and four across."""
    compared = samples.tar()
    drawn = flows_of(compared, compared.baseline)

    assert (len(lines(drawn, Paint.SAME)), len(lines(drawn, Paint.CROSS))) == (6, 12)


def test_flows_after():
    """TAR: every ui pod calls the two catalog pods of its zone, and no line crosses."""
    compared = samples.tar()
    drawn = flows_of(compared, compared.candidate)

    assert (len(lines(drawn, Paint.SAME)), len(lines(drawn, Paint.CROSS))) == (6, 0)


def test_flows_stay_in_their_box():
    """Lines of one box are stacked within its height, so each one can be followed to its end."""
    compared = samples.crowd()
    drawn = flows_of(compared, compared.baseline)
    starts = sorted(line.points[0][1] for line in lines(drawn, Paint.SAME) + lines(drawn, Paint.CROSS))

    assert len(set(starts)) == 12 * 18


def test_both_arms_have_one_scale():
    """Half as many calls make half as wide a line."""
    compared = samples.tar()
    pair = find(compared.candidate, FOCUS)
    most = flows.busiest(pair, zones=False)
    widths = [
        max(
            line.width for line in lines(flows.flows(pair, samples.ZONES, "", scale, zones=False), Paint.SAME)
        )
        for scale in (most, 2 * most)
    ]

    assert widths[0] == pytest.approx(2 * widths[1])


def test_many_pods_become_zones():
    """With more pods than can be read, boxes are zones and say how many pods they stand for."""
    compared = samples.city()
    drawn = flows_of(compared, compared.baseline)

    assert (len(lines(drawn, Paint.SAME)), len(lines(drawn, Paint.CROSS))) == (3, 6)
    assert [texts(drawn).count(text) for text in ("10 pods", "20 pods")] == [3, 3]


def test_most_pods_are_drawn():
    """Twelve clients and eighteen servers are still drawn one by one, thirteen are not."""
    assert not flows.by_zone_only(find(samples.crowd().baseline, FOCUS))
    assert flows.by_zone_only(find(samples.city().baseline, FOCUS))


def test_idle_pods_are_drawn():
    """A ready pod that got no call is there, without a line."""
    compared = samples.idle()
    drawn = flows_of(compared, compared.candidate)

    assert "x7k2p" in texts(drawn)
    assert len(lines(drawn, Paint.SAME)) == 5


def test_matrix_cells():
    """A cell shows the share of its row and its calls, as strong as the share."""
    compared = samples.tar()
    pair = find(compared.candidate, FOCUS)
    drawn = pictures.zone_matrix(pair, compared.zones, "Test")
    boxes = [mark for mark in drawn.marks if isinstance(mark, Box)]

    assert [box.fill for box in boxes[:5]] == [Paint.SAME, Paint.CROSS, Paint.CROSS, Paint.CROSS, Paint.SAME]
    assert boxes[0].opacity > boxes[1].opacity
    assert texts(drawn).count("100.0\u00a0%") == 3
    assert texts(drawn).count("1\u202f200") == 3


@pytest.mark.parametrize(
    ("comparison", "count"), [(samples.tar(), 0), (samples.unknown(), 2)], ids=["known", "unknown"]
)
def test_unknown_only_where_there_is_any(comparison, count):
    """A row and a column ``unknown`` appear only if there are unknown calls."""
    drawn = pictures.zone_matrix(find(comparison.baseline, FOCUS), comparison.zones, "Test")

    assert count == texts(drawn).count("unknown")


def test_shares_without_any():
    """Where no share is known there is no picture of it."""
    assert pictures.shares(samples.empty()) is None
    assert pictures.latencies(samples.empty()) is None


def test_load_is_marked_against_an_even_one():
    """Endpoint load shows every pod's multiple of the mean."""
    compared = samples.tar()
    arm = compared.candidate
    pair = find(arm, FOCUS)
    drawn = pictures.load(pair, Side.AFTER, arm, 1.5)

    assert sum(text.endswith("\u00d7") for text in texts(drawn)) == 6
    assert "even load" in texts(drawn)


@pytest.fixture(scope="module")
def hostile_svg():
    """The flow picture of a comparison whose every name tries to break out."""
    compared = samples.hostile()
    return to_svg(flows_of(compared, compared.baseline))


def test_svg_cannot_reach_another(hostile_svg):
    """Two pictures in one page share no id, no style sheet and no reference."""
    root = ET.fromstring(hostile_svg)  # noqa: S314 - our own text

    assert not [element for element in root.iter() if element.get("id") or element.tag.endswith("style")]
    assert not re.search(r"url\(|href|<!|<\?", hostile_svg)


def test_svg_escapes(hostile_svg):
    """Names are text, with tooltips for the full ones."""
    root = ET.fromstring(hostile_svg)  # noqa: S314 - our own text
    tips = [element.text for element in root.iter("{http://www.w3.org/2000/svg}title")]

    assert any("</script><script>alert(1)</script>" in tip for tip in tips)
    assert "<script" not in hostile_svg
    assert "\x1b" not in hostile_svg


def test_svg_is_accessible():
    """A picture has the role of an image and says what it shows."""
    root = ET.fromstring(to_svg(pictures.shares(samples.tar())))  # noqa: S314 - our own text

    assert root.get("role") == "img"
    assert root.get("aria-label") == "Same-zone share: before: off 34.5\u00a0%; after: tar 100.0\u00a0%"


def test_svg_takes_the_colours_of_the_page():
    """Every colour is a variable of the page, so that it can turn dark."""
    svg = to_svg(pictures.shares(samples.tar()))
    bare = re.sub(r"var\(--[a-z]+, #[0-9a-f]{6}\)", "", svg)

    assert "var(--same, #0068b3)" in svg
    assert not re.search(r"#[0-9a-f]{6}", bare)


def test_svg_is_deterministic():
    """The same drawing is the same text, whatever a person's matplotlibrc says."""
    drawing = pictures.shares(samples.tar())
    with mpl.rc_context(
        {"svg.fonttype": "path", "font.size": 30, "axes.facecolor": "red", "lines.linewidth": 9}
    ):
        elsewhere = to_svg(drawing)

    assert to_svg(drawing) == elsewhere


def test_svg_of_mathematics():
    """A dollar in a name starts no formula."""
    drawing = Drawing(width=100, height=20, label="", marks=(Label(x=0, y=10, text="$\\frac{1}{$"),))

    assert ">$\\frac{1}{$</text>" in to_svg(drawing)


def test_svg_dashes_do_not_grow():
    """A thick line of unknown calls is dashed as finely as a thin one."""
    line = Line(points=((0, 5), (100, 5)), paint=Paint.UNKNOWN, width=18, dashed=True)

    assert "stroke-dasharray: 5,4;" in to_svg(Drawing(width=100, height=10, label="", marks=(line,)))
