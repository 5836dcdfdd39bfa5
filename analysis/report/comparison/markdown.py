"""The comparison as GitHub Markdown, fit for a pull request's comment: the answer first, details folded."""

from collections.abc import Iterator

from analysis.report import comment, prose
from analysis.report.comment import folded
from analysis.report.comparison import under_test
from analysis.report.comparison.answer import answer
from analysis.report.comparison.sections import sections
from analysis.report.first_screen import Answer
from analysis.report.lookup import by_connection
from analysis.report.notes import Notes, number
from analysis.verdict.compared import Comparison


def render(comparison: Comparison) -> str:
    """The comment; names and messages come out as text, whatever they contain."""
    comparison = by_connection(comparison)
    notes = number(comparison)
    return "\n".join([*_first(answer(comparison, notes), comparison), *_details(comparison, notes), ""])


def _first(found: Answer, comparison: Comparison) -> Iterator[str]:
    verdict = comparison.verdict
    yield from comment.headline(found.headline, under_test.banner(comparison))
    yield from comment.figures(found.figures)
    yield comment.beside(found.arms)
    if comparison.platform == "lab":
        yield prose.IN_THE_LAB
    yield ""
    if verdict is None:
        yield from comment.facts(found.facts)
    else:
        # The reasons stand where the facts did: a comment's first screen is short.
        yield from folded("More about the result", [], comment.facts(found.facts))


def _details(comparison: Comparison, notes: Notes) -> Iterator[str]:
    for section in sections(comparison, notes):
        yield from folded(section.title, map(comment.short, (*section.tables, *section.folded)))
    judged = comparison.verdict is not None
    yield from comment.reading(
        prose.reading(judged=judged, arm=comparison.candidate), prose.limits(comparison)
    )
    yield from comment.notes(notes.items)
