"""Pictures: what is drawn, and where."""

import msgspec
import pytest

from analysis.report import pictures
from analysis.report.comparison import flows
from analysis.report.drawing import Box, Drawing, Label, Line, Paint
from analysis.report.lookup import arms, find
from analysis.report.notes import Side
from tests.analysis.report import spacing
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


def odd_names(comparison):
    """The same calls between zones, workloads and pods with long and wide names."""
    text = msgspec.json.encode(comparison).decode()
    for name, instead in (
        ("eu-west-1a", "us-west-2-lax-1a-with-a-very-long-tail"),
        ("eu-west-1b", "W" * 40),
        ("eu-west-1c", "\u6f22\u5b57" * 20),
        ("catalog", "catalog-of-everything-that-we-sell-and-ever-sold"),
        ("-2vjpl", f"-{'M' * 14}"),
    ):
        text = text.replace(name, instead)
    return msgspec.json.decode(text, type=type(comparison))


def drawings(comparison):
    """Every picture of a comparison."""
    yield from filter(None, (pictures.shares(comparison), pictures.latencies(comparison)))
    for side, arm in arms(comparison):
        pair = find(arm, comparison.focus)
        if pair is not None:
            yield pictures.zone_matrix(pair, comparison.zones, "Test")
            yield pictures.load(pair, side, arm, 1.5)
            yield flows_of(comparison, arm)


@pytest.mark.parametrize("odd", [False, True], ids=["as-is", "odd-names"])
@pytest.mark.parametrize("name", ["tar", "no_effect", "unknown", "hostile", "empty", "idle", "crowd", "city"])
def test_no_text_is_cut_or_overlaps(name, odd):
    """Every text stands within its picture and apart from the others, however long or wide the names are."""
    compared = getattr(samples, name)()
    if odd and name != "hostile":
        compared = odd_names(compared)

    assert [fault for drawn in drawings(compared) for fault in spacing.faults(drawn)] == []


def test_overlaps_are_noticed():
    """Texts that touch or leave the picture are found, so silence above means something."""
    marks = tuple(Label(x=x, y=10, text="word") for x in (-20, 50, 60))

    assert spacing.faults(Drawing(width=100, height=20, label="", marks=marks)) == [
        "cut: word",
        "overlap: word / word",
    ]


def test_values_stand_beside_their_names():
    """Each row of an axis says what it is of and its value."""
    assert [text.replace("\u00a0", " ") for text in texts(pictures.shares(samples.tar()))[5:]] == [
        "before: off",
        "34.5 %",
        "after: tar",
        "100.0 %",
    ]
