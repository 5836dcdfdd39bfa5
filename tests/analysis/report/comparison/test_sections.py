"""What stands below the pictures, as values, and that the page and the comment draw all of it."""

import re

import pytest

from analysis.report import comment, judgement, lookup, measures, names, notes
from analysis.report.comparison import html, markdown
from analysis.report.comparison.sections import sections
from analysis.report.pages import MOST_ROWS
from analysis.report.tables import Tone
from tests.analysis.report.comparison import judged_samples, samples
from tests.analysis.report.comparison.test_console import printed
from tests.analysis.report.page import Page

PLAIN = ("tar", "no_effect", "unknown", "hostile", "empty", "idle", "crowd", "city", "leaning")
JUDGED = ("passed", "failed", "inconclusive", "invalid", "uncertified", "hostile")
EVERY = [*((samples, name) for name in PLAIN), *((judged_samples, name) for name in JUDGED)]
PASS, FAIL, OPEN = Tone.PASS, Tone.FAIL, Tone.OPEN


def sections_of(comparison):
    """The sections as every format gets them."""
    shown = lookup.by_connection(comparison)
    return sections(shown, notes.number(shown))


def tables_of(comparison):
    """Every table by its key."""
    return {
        table.key: table
        for section in sections_of(comparison)
        for table in (*section.tables, *section.folded)
    }


def close(text: str) -> str:
    """*text* without any space: lines are broken differently in each format."""
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize(("module", "name"), EVERY)
def test_the_page_draws_every_value(module, name):
    """Every title, explanation and cell is in the page, but for rows beyond what a page holds."""
    compared = getattr(module, name)()
    text = close(Page(html.render(compared)).text)
    missing = [
        words
        for table in tables_of(compared).values()
        for words in (
            table.title,
            table.about,
            *(cell.text for row in table.rows[:MOST_ROWS] for cell in row),
        )
        if close(names.plain(words)) not in text
    ]

    assert missing == []


def test_a_long_table_says_what_it_leaves_out():
    """Of a table that is looked up the first rows are in the page, and how many more there are."""
    text = Page(html.render(samples.city())).text

    assert re.search(r"The first 150 rows; [\d\u202f]+ more are in the run's comparison.json", text)


@pytest.mark.parametrize(("module", "name"), EVERY)
def test_the_comment_draws_every_value(module, name):
    """Every title and cell is in the comment; of a table that is too long only its title."""
    compared = getattr(module, name)()
    text = markdown.render(compared)
    missing = [
        words
        for table in map(comment.short, tables_of(compared).values())
        for words in (table.title, *(cell.text for row in table.rows for cell in row))
        if comment.escape(words) not in text
    ]

    assert missing == []


@pytest.mark.parametrize(
    ("name", "guards", "requirements", "null", "gates"),
    [
        ("passed", [PASS] * 4, [PASS, PASS], [PASS], 0),
        ("failed", [PASS, FAIL, FAIL, FAIL], [FAIL], [PASS], 0),
        ("inconclusive", [PASS, OPEN, OPEN, OPEN], [OPEN, PASS], [PASS], 0),
        ("invalid", [PASS] * 4, [], [], 1),
        ("uncertified", [PASS] * 4, [], [FAIL], 0),
    ],
)
def test_what_each_decision_rests_on(name, guards, requirements, null, gates):
    """Guards, requirements, the equal arms and the gates that failed, as they came out, in one section."""
    compared = getattr(judged_samples, name)()
    first, tables = sections_of(compared)[0], tables_of(compared)
    asked, broken = tables.get("requirements"), tables.get("gates-failed")

    assert first.key == "verdict"
    assert [row[1].tone for row in tables["guards"].rows] == guards
    assert ([row[1].tone for row in asked.rows] if asked else []) == requirements
    assert [row[0].tone for row in tables["null"].rows] == null
    assert (len(broken.rows) if broken else 0) == gates
    assert len(tables["gates"].rows) == len(dict.fromkeys(compared.verdict.gates))


@pytest.mark.parametrize("name", ["passed", "failed", "inconclusive", "invalid"])
def test_each_decision_gives_its_reasons(name):
    """A pass is told by all its guards, any other decision by what stands against a pass."""
    verdict = getattr(judged_samples, name)().verdict
    told = {measures.guard_sentence(guard) for guard in verdict.guards}
    told |= {measures.requirement_sentence(one) for one in verdict.requirements}
    told |= {measures.gate_sentence(gate) for gate in verdict.gates if not gate.passed}
    told.add(measures.null_sentence(verdict.null))
    told.add(f"To do: {verdict.advice}")
    reasons = judgement.of_verdict(verdict).reasons

    assert reasons
    assert set(reasons) <= told


def test_without_a_verdict_there_is_no_section_of_it():
    """A comparison of before there were verdicts begins with its numbers."""
    assert [one.key for one in sections_of(samples.tar())] == ["numbers", "checks", "origin"]


def test_dependencies_have_a_section_of_their_own():
    """What is called besides pods is shown by name, type, caller and zone, and counted in no other number."""
    compared = samples.leaning()
    rows = [[cell.text for cell in row] for row in tables_of(compared)["dependencies"].rows]
    others = [one for one in sections_of(compared) if one.key != "dependencies"]

    assert rows == [
        ["api.example.com", "\u2013", "ui", "unknown", "\u2013", "12"],
        ["catalog-db:3306", "Database::SQL", "catalog", "eu-west-1a", "1\u202f200", "1\u202f200"],
        ["catalog-db:3306", "Database::SQL", "catalog", "eu-west-1b", "1\u202f200", "1\u202f200"],
        ["catalog-db:3306", "Database::SQL", "catalog", "eu-west-1c", "1\u202f200", "\u2013"],
    ]
    assert others == list(sections_of(samples.tar()))
    assert "outside APIs" in printed(compared)


def test_without_dependencies_nothing_is_said_of_them():
    """Where nothing but pods was called there is no such section."""
    assert "dependencies" not in {one.key for one in sections_of(samples.tar())}
    assert "outside APIs" not in printed(samples.tar())


@pytest.mark.parametrize(("module", "name"), EVERY)
def test_keys_are_unique(module, name):
    """Keys are anchors of the page."""
    found = sections_of(getattr(module, name)())
    keys = [table.key for section in found for table in (*section.tables, *section.folded)]

    assert len(set(keys)) == len(keys)
