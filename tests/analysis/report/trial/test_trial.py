"""A trial's reports."""

import re
from collections import Counter
from dataclasses import replace

import pytest
from rich.cells import cell_len

from analysis.report.drawing import Dot, Label, Paint, Polygon, Spot
from analysis.report.trial import console, html, markdown, timeline, trial_answer, trial_tables
from analysis.verdict.judged import Decision
from tests.analysis.report import golden, spacing
from tests.analysis.report.page import Page
from tests.analysis.report.test_terminal import printed as parts_printed
from tests.analysis.report.trial import trial_samples

SAMPLES = ("two", "five", "failing", "open_", "broken", "early", "hostile")
NB = "\u00a0"


def printed(trial) -> str:
    """The trial on a terminal of 80 columns, without trailing blanks."""
    return parts_printed(console.trial(trial))


@pytest.fixture(scope="module")
def pages():
    """Every sample's page."""
    return {name: html.render(getattr(trial_samples, name)()) for name in SAMPLES}


@pytest.mark.parametrize(
    ("name", "decision"),
    [
        ("two", Decision.PASS),
        ("five", Decision.PASS),
        ("failing", Decision.FAIL),
        ("open_", Decision.INCONCLUSIVE),
        ("broken", Decision.INVALID),
    ],
)
def test_the_samples_are_what_they_say(name, decision):
    """The real functions judge each sample as its name says."""
    assert decision is getattr(trial_samples, name)().decision


def test_golden_page(pages):
    """The page is what it was when somebody last looked at it."""
    golden.check("trial.html", pages["five"])


def test_golden_terminal():
    """The modes are what they were when somebody last looked at them."""
    golden.check("trial.txt", parts_printed(console.modes(trial_samples.five())))


@pytest.mark.parametrize("name", SAMPLES)
def test_page_is_sound(pages, name):
    """Elements balance, ids are unique, links lead somewhere, nothing is fetched, one script at most."""
    page = Page(pages[name])

    assert page.problems == []
    assert [one for one, count in Counter(page.ids).items() if count > 1] == []
    assert set() == set(page.references) - {f"#{one}" for one in page.ids} - {"data:,"}
    assert not {"iframe", "img"} & set(page.tags)
    assert page.tags.count("script") == page.tags.count("output") <= 1
    assert [one for one in page.attributes if one.startswith("on")] == []
    assert not re.search(r"@import|url\(", pages[name])


def test_hostile_names_are_text(pages):
    """What tries to break out is shown as it is, and nothing else of it is there."""
    assert "</script><script>alert(1)</script>|`x`" in Page(pages["hostile"]).text
    assert not re.search(r"<script(?!>\"use strict\")|[\x00-\x09\x0b-\x1f\u202e\ud800]", pages["hostile"])


@pytest.mark.parametrize("name", SAMPLES)
def test_comment_is_sound(name):
    """Rows fit their head, only our own tags are there, folds close, and it fits a comment."""
    text = markdown.render(getattr(trial_samples, name)())
    blocks = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    widths = [{len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()} for block in blocks]
    tags = set(re.findall(r"<[^>]*>", text))

    assert [width for width in widths if len(width) != 1] == []
    assert {"<details>", "</details>", "<summary>", "</summary>", "<sup>", "</sup>"} >= tags
    assert text.count("<details>") == text.count("</details>")
    assert len(text) < 65_536


def test_a_long_trial_fits_a_comment():
    """Hundreds of windows stay out of a comment."""
    whole = trial_samples.five()
    long = replace(whole, windows=whole.windows * 20)

    assert len(markdown.render(long)) < 65_536
    assert "Its 580 rows are in the page." in markdown.render(long)


@pytest.mark.parametrize("name", SAMPLES)
def test_terminal_is_sound(name):
    """No line is wider than 80 columns, and no name is an escape sequence."""
    shown = printed(getattr(trial_samples, name)())

    assert [line for line in shown.splitlines() if cell_len(line) > 80] == []
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e\ud800]", shown)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "two",
            "Topology Aware Routing raised the same-zone share of ui → catalog calls from 34.5 % to 99.3 %.",
        ),
        ("five", "Take prefer-close: 100.0 % of ui → catalog calls stay in their zone."),
        (
            "broken",
            "No conclusion about the same-zone share of ui → catalog calls: the measurement is not valid.",
        ),
        (
            "early",
            "No conclusion about the same-zone share of ui → catalog calls: the measurement is not valid.",
        ),
    ],
)
def test_headline(name, sentence):
    """One sentence holds the answer, or says that there is none."""
    assert sentence == trial_answer.headline(getattr(trial_samples, name)()).replace(NB, " ")


def test_headline_of_a_tournament_that_nobody_wins():
    """Where no mode passes none is named."""
    whole = trial_samples.five()
    lost = replace(whole, decision=Decision.FAIL, standing=replace(whole.standing, choice=None))

    assert trial_answer.headline(lost) == "Take none of 4 modes: none passes its guards."


def test_headline_when_the_reference_is_chosen():
    """A tournament may say: leave it as it is."""
    whole = trial_samples.five()
    kept = replace(whole, standing=replace(whole.standing, choice="off"))

    assert trial_answer.headline(kept).replace(NB, " ").startswith("Take off: 34.5 % of ui")


def test_headline_without_a_difference():
    """An interval around zero is no difference."""
    whole = trial_samples.two()
    contest = whole.contests[0]
    flat = replace(contest, gain=replace(contest.gain, low=-0.01))

    assert " made no clear difference to " in trial_answer.headline(replace(whole, contests=(flat,)))


def test_reasons_are_sentences():
    """Reasons are told in units, also where the arm's name leads them."""
    whole = trial_samples.failing()
    led = replace(whole, reasons=tuple(f"prefer-same-node: {one}" for one in whole.reasons))
    plain, named = (trial_answer.banner(one).reasons for one in (whole, led))

    assert "1.30\u00d7" in "".join(plain)
    assert named == tuple(f"prefer-same-node: {one}" for one in plain)


def test_every_window_is_in_the_timeline():
    """A mark and an interval for each window, hollow for null pairs, in the arm's own colour and shape."""
    trial = trial_samples.five()
    drawn = timeline.timeline(trial)
    shapes = [mark for mark in drawn.marks if isinstance(mark, Dot | Polygon)]
    marks = shapes[len(trial.arms) + 1 :]  # the legend comes first
    hollow = [mark for mark in marks if mark.stroke is not None]
    colours = {(type(mark), mark.fill) for mark in marks if isinstance(mark, Polygon)}
    corners = {len(mark.points) for mark in marks if isinstance(mark, Polygon)}

    assert len(marks) == len(trial.windows) == 29
    assert len(hollow) == 4
    assert len(colours) == 4
    assert corners == {3, 4}
    assert sum(isinstance(mark, Spot) for mark in drawn.marks) == 29


@pytest.mark.parametrize("name", ["two", "five", "broken", "hostile"])
def test_no_text_of_the_timeline_is_cut_or_overlaps(name):
    """Every text stands within its picture and apart from the others."""
    trial = getattr(trial_samples, name)()

    assert spacing.faults(timeline.timeline(trial)) == []
    assert spacing.faults(html.shares(trial)) == []


def test_timeline_is_in_the_order_of_time():
    """Windows stand in the order of their starts, whatever their order in the file."""
    trial = trial_samples.two()
    shuffled = replace(trial, windows=trial.windows[::-1])

    assert timeline.timeline(shuffled) == timeline.timeline(trial)


def test_failed_gates_are_marked_in_the_timeline():
    """The window whose gate failed has a mark that says which."""
    drawn = timeline.timeline(trial_samples.broken())
    found = [mark.tip for mark in drawn.marks if isinstance(mark, Label) and mark.text == "!"]

    assert found == ["gates failed: generator"]
    assert any(isinstance(mark, Polygon) and mark.fill is Paint.FAIL for mark in drawn.marks)


def test_more_arms_than_shapes():
    """An eighth arm is drawn, if not as one of its own."""
    trial = trial_samples.two()
    windows = tuple(replace(one, arm=f"arm-{number}") for number, one in enumerate(trial.windows))

    assert timeline.timeline(replace(trial, windows=windows)) is not None


def test_nothing_measured():
    """Without windows there is no picture, and the page says so."""
    trial = replace(trial_samples.early(), windows=(), null=None)

    assert timeline.timeline(trial) is None
    assert "no window was measured" in html.render(trial)
    assert "No window was measured." in markdown.render(trial)


def test_plan_against_what_happened():
    """Stopped after how many blocks and why, what a fixed run would have taken, what an hour gives."""
    rows = {
        row[0].text: [cell.text for cell in row[1:]] for row in trial_tables.plan(trial_samples.two()).rows
    }

    assert rows["Blocks"] == ["4", "2"]
    assert rows["Looks after blocks"] == ["2, 4", "2"]
    assert rows["A fixed run of that precision"][0] == f"42{NB}s per arm"
    assert rows[f"A fixed run of 60{NB}min per arm"][0] == f"\u00b10.3{NB}points"


def test_a_fixed_run_of_more_than_a_day():
    """Where not even a day would do, that is said."""
    whole = trial_samples.two()
    long = replace(whole, planned=replace(whole.planned, fixed_run_s=None))

    assert "more than a day" in printed(long)


def test_tournament_tables_need_a_tournament():
    """Two arms have no standing and no duels."""
    assert trial_tables.duels(trial_samples.two()) is None
    assert trial_tables.standing(trial_samples.two()) is None


def test_tournament_tables():
    """Every two of five arms, those worth a thought, and which one is chosen."""
    trial = trial_samples.five()
    standing = trial_tables.standing(trial)

    assert len(trial_tables.duels(trial).rows) == 10
    assert [[cell.text for cell in row[:3]] for row in standing.rows] == [
        ["prefer-close", "chosen", "✓ pass"],
        ["prefer-same-zone", "", "✓ pass"],
    ]


def test_the_reference_may_be_worth_a_thought():
    """The reference arm has a share but no verdict."""
    whole = trial_samples.five()
    listed = replace(whole, standing=replace(whole.standing, pareto=("off",)))
    (row,) = trial_tables.standing(listed).rows

    assert [cell.text.replace(NB, " ") for cell in row[:4]] == ["off", "", "reference", "34.5 % [33.2, 35.8]"]


def test_caveats_once_with_all_their_arms():
    """A caveat of several contests is one note that names them."""
    whole = trial_samples.five()
    caveat = whole.caveats[0]
    contests = tuple(
        replace(one, effects=replace(one.effects, caveats=(caveat,))) for one in whole.contests[:2]
    )
    (found,) = trial_answer.remarks(replace(whole, contests=contests))

    assert (found.number, found.about) == (1, "the trial, tar, prefer-close")


@pytest.mark.parametrize(
    ("source", "rows", "told"),
    [
        ("X-Ray", {"Traces recorded", "Their list price at X-Ray"}, "at list price"),
        ("aws/spans", {"Traces recorded"}, "at the price of aws/spans"),
        ("Prometheus (ztunnel)", set(), "no trace was needed"),
    ],
)
def test_traces_are_told_where_they_were_counted(source, rows, told):
    """A mesh's counters need none, and X-Ray's price is X-Ray's."""
    two = trial_samples.two()
    found = replace(two, windows=tuple(replace(one, source=source) for one in two.windows))

    shown = {str(cells[0].text) for cells in trial_tables.measuring(found).rows}
    assert shown & {"Traces recorded", "Their list price at X-Ray"} == rows
    (fact,) = [one for one in trial_answer.answer(found).facts if one.label == "What measuring took"]
    assert told in fact.text
