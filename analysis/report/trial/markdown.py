"""A trial as GitHub Markdown, fit for a pull request's comment: the decision first, details folded."""

from collections.abc import Iterator
from dataclasses import replace

from analysis.report import prose
from analysis.report.comparison import comment
from analysis.report.comparison.comment import escape, folded
from analysis.report.tables import Table
from analysis.report.trial import trial_answer, trial_tables
from analysis.report.trial.html import sections
from analysis.trial.values import Trial

_MOST_ROWS = 40
"""Longer tables stay out: a comment holds 65 536 characters."""


def render(trial: Trial) -> str:
    """The comment; names and messages come out as text, whatever they contain."""
    return "\n".join([*_first(trial), *_details(trial), ""])


def _first(trial: Trial) -> Iterator[str]:
    found = trial_answer.answer(trial)
    yield from comment.headline(found.headline, trial_answer.banner(trial))
    if found.figures:
        yield from comment.figures(found.figures)
    if trial.platform == "lab":
        yield prose.IN_THE_LAB
        yield ""
    if trial.standing is not None:
        yield from comment.table(trial_tables.contests(trial))
    yield from folded("Beside it", (), comment.facts(found.facts))


def _details(trial: Trial) -> Iterator[str]:
    for section in sections(trial):
        tables = [
            _short(one)
            for one in (*section.tables, *section.folded)
            if one.key != "contests" or trial.standing is None
        ]
        yield from folded(section.title, tables)
    yield from comment.reading(prose.TRIAL, prose.trial_limits(trial))
    remarks = trial_answer.remarks(trial)
    if remarks:
        yield ""
        yield "**Notes**"
        yield ""
        for one in remarks:
            yield f"{one.number}. {escape(one.text)} ({escape(one.about)}, {escape(one.code)})"


def _short(found: Table) -> Table:
    """A table that a comment has room for; of a longer one only what it is."""
    if len(found.rows) <= _MOST_ROWS:
        return found
    return replace(found, rows=(), empty=f"Its {len(found.rows)} rows are in the page.")
