"""A trial as GitHub Markdown, fit for a pull request's comment: the decision first, details folded."""

from collections.abc import Iterator

from analysis.report import comment, prose
from analysis.report.comment import folded
from analysis.report.trial import trial_answer, trial_tables
from analysis.report.trial.trial_sections import sections
from analysis.trial.values import Trial


def render(trial: Trial) -> str:
    """The comment; names and messages come out as text, whatever they contain."""
    return "\n".join([*_first(trial), *_details(trial), ""])


def _first(trial: Trial) -> Iterator[str]:
    found = trial_answer.answer(trial)
    yield from comment.headline(found.headline, trial_answer.banner(trial))
    if found.figures:
        yield from comment.figures(found.figures)
    yield comment.beside(found.arms)
    if trial.platform == "lab":
        yield prose.IN_THE_LAB
    yield ""
    if trial.standing is not None:
        yield from comment.table(trial_tables.contests(trial))
    yield from folded("More about the result", (), comment.facts(found.facts))


def _details(trial: Trial) -> Iterator[str]:
    for section in sections(trial):
        tables = [
            comment.short(one)
            for one in (*section.tables, *section.folded)
            if one.key != "contests" or trial.standing is None
        ]
        yield from folded(section.title, tables)
    yield from comment.reading(prose.TRIAL, prose.trial_limits(trial))
    yield from comment.notes(trial_answer.remarks(trial))
