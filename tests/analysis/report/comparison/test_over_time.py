"""The pictures over time, and money at the reader's traffic."""

import re

import pytest

from analysis.report import at_traffic, units
from analysis.report.comparison import html, markdown, over_time
from analysis.report.comparison.sections import traffic_of
from analysis.report.drawing import Box, Dot, Label, Spot
from analysis.report.lookup import find
from analysis.report.notes import Side
from tests.analysis.report.comparison import courses, samples
from tests.analysis.report.page import Page


@pytest.fixture(scope="module")
def compared():
    return courses.with_course(samples.tar())


def drawn(compared):
    arm = compared.baseline
    pair = find(arm, compared.focus)
    return over_time.picture(Side.BEFORE, arm, pair, arm.course, 0.005, 0.1).marks


def test_every_stretch_tells_its_numbers(compared):
    """Each has a spot of its own, as wide as its time, with its time, share, interval, calls and failures."""
    spots = [mark for mark in drawn(compared) if isinstance(mark, Spot)]

    assert len(spots) == 20
    assert {round(spot.width, 6) for spot in spots} == {round(spots[0].width, 6)}
    assert [spot.x for spot in spots] == sorted(spot.x for spot in spots)
    assert spots[11].says == (
        "22:13:42, 2\u00a0s: same zone 33.3\u00a0% [26.9,\u00a040.5]",
        "185 calls, mean 2.67\u00a0ms, 9 failed",
    )


def test_nothing_is_drawn_where_nothing_was_seen(compared):
    """A stretch without calls says so and has no mark: of 20 there are 19 means, and one bar of failures."""
    marks = drawn(compared)

    assert [mark.says[1] for mark in marks if isinstance(mark, Spot)][7] == "no call in the traces"
    assert sum(isinstance(mark, Dot) for mark in marks) == 19
    assert sum(isinstance(mark, Box) for mark in marks) == 1


def test_what_happened_is_numbered_and_told(compared):
    """Two that are close share a label; the table says of each what it was."""
    labels = [mark.text for mark in drawn(compared) if isinstance(mark, Label)]
    (table,) = over_time.tables(compared)

    assert {"1\u20132", "3"} <= set(labels)
    assert [row[1].text for row in table.rows] == ["1", "2", "3"] * 2


def test_the_page_says_what_it_rests_on(compared):
    """How many calls of how many, and that gaps stay gaps; without a course there is no such plate."""
    text = Page(html.render(compared)).text.replace("\u00a0", " ")

    calls, counted = compared.baseline.course.calls, find(compared.baseline, compared.focus).calls
    assert (
        f"From the traces that were read: {units.count(calls)} of {units.count(counted)} calls before" in text
    )
    assert "nothing is drawn in between" in text
    assert "Over time" not in Page(html.render(samples.tar())).text


def test_a_comment_has_the_numbers_too(compared):
    """The same stretches as a table."""
    assert "**Over time, before: off**" in markdown.render(compared)


def test_money_is_in_proportion(compared):
    """Ten times the calls cost ten times as much, and the measured rate costs what the report says."""
    found = traffic_of(compared)
    assert found is not None
    cost = compared.baseline.costs[0]

    assert found.before_usd * found.rate_per_s == pytest.approx(cost.usd_per_month.estimate)
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in at_traffic.table(found).rows}
    hundred, thousand = (
        float(rows[rate][0].lstrip("$").replace("\u202f", "")) for rate in ("100", "1\u202f000")
    )
    assert thousand == pytest.approx(10 * hundred, rel=0.01)


def test_no_money_no_question():
    """Where no cost is known there is nothing to work out, and no script in the page."""
    page = html.render(samples.empty())

    assert traffic_of(samples.empty()) is None
    assert not re.search("<script|<output", page)
