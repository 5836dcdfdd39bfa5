"""The verdict in every report of a comparison."""

import re
from collections import Counter
from dataclasses import replace

import pytest

from analysis.report import comment, judgement, lookup, notes
from analysis.report.comparison import html, markdown
from analysis.verdict.judged import Decision
from loadtest.record import Caveat
from tests.analysis.report import golden
from tests.analysis.report.comparison import judged_samples, samples
from tests.analysis.report.comparison.test_console import printed
from tests.analysis.report.page import Page

SAMPLES = ("passed", "failed", "inconclusive", "invalid")
ALL = (*SAMPLES, "uncertified", "hostile")


@pytest.fixture(scope="module")
def pages():
    """Every judged sample's page."""
    return {name: html.render(getattr(judged_samples, name)()) for name in ALL}


@pytest.mark.parametrize(
    ("name", "decision"),
    [
        ("passed", Decision.PASS),
        ("failed", Decision.FAIL),
        ("inconclusive", Decision.INCONCLUSIVE),
        ("invalid", Decision.INVALID),
        ("uncertified", Decision.INVALID),
    ],
)
def test_the_samples_are_what_they_say(name, decision):
    """The real functions judge each sample as its name says."""
    assert decision is getattr(judged_samples, name)().verdict.decision


def test_golden(pages):
    """The page is what it was when somebody last looked at it."""
    golden.check("comparison.html", pages["failed"])


@pytest.mark.parametrize("name", ALL)
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


@pytest.mark.parametrize(
    ("name", "word"),
    [("passed", "Pass"), ("failed", "Fail"), ("inconclusive", "Inconclusive"), ("invalid", "Invalid")],
)
def test_the_decision_comes_first(pages, name, word):
    """The word of the decision, with a sign of its own shape, stands above everything else."""
    top = pages[name].partition("<h1>")[0]
    first = markdown.render(getattr(judged_samples, name)()).splitlines()[0]
    terminal = printed(getattr(judged_samples, name)())

    assert f"<strong>{word}</strong>" in top
    assert f"{word.upper()}: " in first
    assert f" {word.upper()} " in terminal


def test_every_decision_has_its_own_sign():
    """Colour is not the only thing that tells decisions apart."""
    signs = {judgement.banner(decision, ()).sign for decision in Decision}

    assert len(signs) == len(Decision)


@pytest.mark.parametrize("name", SAMPLES)
def test_reasons_have_units(name):
    """No reason shows a raw fraction: shares are in per cent or points, ratios have their sign."""
    verdict = getattr(judged_samples, name)().verdict
    shown = judgement.sentences(verdict)

    assert len(shown) == len(verdict.reasons)
    assert [one for one in shown if re.search(r"\b0\.\d{3,}", one)] == []
    assert [one for one in shown if not one.endswith(".")] == []


def test_an_unknown_reason_is_kept():
    """A reason that no guard, requirement or gate explains is shown as it is."""
    verdict = judged_samples.passed().verdict

    assert judgement.sentences(replace(verdict, reasons=("The moon was full",))) == ("The moon was full.",)


def test_many_reasons_are_counted():
    """A first screen has room for six reasons; the sixth line counts the others."""
    banner = judgement.banner(Decision.INVALID, [f"Gate {number} is shut." for number in range(12)])

    assert len(banner.reasons) == 6
    assert banner.reasons[-1] == "7 more reasons are in the tables below."


def test_equal_reasons_are_one():
    """A null pair that is refused for two reasons is told once."""
    verdict = judged_samples.uncertified().verdict

    assert len(verdict.reasons) == 2
    told = judgement.of_verdict(verdict).reasons
    assert len(told) == 2
    assert told[-1] == f"To do: {verdict.advice}"


def test_gates_are_folded_when_all_passed(pages):
    """Gates that passed are folded away; those that failed are not."""
    folded = pages["passed"].partition('<details id="table-gates">')[2].partition("</details>")[0]

    assert "Gates: all 43 passed" in folded
    assert 'id="table-gates-failed"' not in pages["passed"]
    assert 'id="table-gates-failed"' in pages["invalid"]


def test_an_invalid_measurement_claims_nothing(pages):
    """The headline of an invalid comparison draws no conclusion."""
    headline = re.search(r"<h1>(.*?)</h1>", pages["invalid"])

    assert headline is not None
    assert headline[1].startswith("No conclusion about the same-zone share")
    assert "they decide nothing" in pages["invalid"]


def test_without_a_verdict_nothing_is_said_of_one():
    """An old comparison's reports are as they were."""
    page = html.render(samples.tar())

    assert 'class="verdict' not in page
    assert 'id="verdict"' not in page
    assert "Guards" not in markdown.render(samples.tar())


def test_one_figure_is_one_figure():
    """The share's interval is the same wherever it is shown: that of the effects."""
    compared = judged_samples.passed()
    shown = lookup.by_connection(compared)
    change = lookup.change_of(shown, compared.focus)

    assert change.share == compared.effects.share.interval
    assert lookup.find(shown.baseline, compared.focus).share == compared.effects.share_before
    assert lookup.by_connection(samples.tar()) == samples.tar()


def test_caveats_of_the_effects_are_notes():
    """A caveat that only the effects raise becomes a footnote; one that an arm raised is not repeated."""
    compared = judged_samples.passed()
    own, arms = Caveat(code="one-connection", text="One."), Caveat(code="late", text="Late.")
    compared = replace(
        compared,
        effects=replace(compared.effects, caveats=(own, arms)),
        candidate=replace(compared.candidate, caveats=(arms,)),
    )

    assert [(note.code, note.about) for note in notes.number(compared).items] == [
        ("one-connection", "both arms"),
        ("late", "after"),
    ]


@pytest.mark.parametrize("name", ALL)
def test_comment_is_sound(name):
    """Rows fit their head, only our own tags are there, folds close, and it fits a comment."""
    text = markdown.render(getattr(judged_samples, name)())
    blocks = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    widths = [{len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()} for block in blocks]
    tags = set(re.findall(r"<[^>]*>", text))

    assert [width for width in widths if len(width) != 1] == []
    assert {"<details>", "</details>", "<summary>", "</summary>", "<sup>", "</sup>"} >= tags
    assert text.count("<details>") == text.count("</details>")
    assert len(text) < 65_536


@pytest.mark.parametrize("name", SAMPLES)
def test_the_first_screen_of_a_comment_is_short(name):
    """Before the first fold: the decision, its reasons and four figures, no more than twenty lines."""
    top = markdown.render(getattr(judged_samples, name)()).partition("<details>")[0]

    assert len(top.splitlines()) <= 22
    assert [line for line in top.splitlines() if len(line) > 240] == []


@pytest.mark.parametrize("name", ALL)
def test_terminal_is_sound(name):
    """No line is wider than 80 columns, and no name is an escape sequence."""
    shown = printed(getattr(judged_samples, name)())

    assert [line for line in shown.splitlines() if len(line) > 80 and name != "hostile"] == []
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e\ud800]", shown)


def test_hostile_reasons_are_text(pages):
    """What a gate saw is shown as it is, whatever it contains."""
    assert "</script><script>alert(1)</script>|`x`" in Page(pages["hostile"]).text
    assert not re.search(r"<script(?!>\"use strict\")|[\x00-\x09\x0b-\x1f\u202e\ud800]", pages["hostile"])
    assert comment.escape("<script>") in markdown.render(judged_samples.hostile())
