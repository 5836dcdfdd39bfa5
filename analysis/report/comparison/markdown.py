"""The comparison as GitHub Markdown, fit for a pull request's comment: the answer first, details folded."""

from collections.abc import Iterator

from analysis.model import Comparison
from analysis.report import judgement, prose
from analysis.report.comparison import comment, evidence, expected, service, traffic
from analysis.report.comparison.answer import Answer, answer
from analysis.report.comparison.comment import escape, folded
from analysis.report.comparison.html import verdict_section
from analysis.report.lookup import arms, by_connection, find
from analysis.report.notes import Notes, number

_MOST_FLOWS = 100
"""Longer pod tables stay out: a comment holds 65 536 characters."""


def render(comparison: Comparison) -> str:
    """The comment; names and messages come out as text, whatever they contain."""
    comparison = by_connection(comparison)
    notes = number(comparison)
    return "\n".join([*_first(answer(comparison, notes), comparison), *_details(comparison, notes), ""])


def _first(found: Answer, comparison: Comparison) -> Iterator[str]:
    verdict = comparison.verdict
    yield from comment.headline(found.headline, None if verdict is None else judgement.of_verdict(verdict))
    yield from comment.figures(found.figures)
    if comparison.platform == "lab":
        yield prose.IN_THE_LAB
        yield ""
    if verdict is None:
        yield from comment.facts(found.facts)
    else:
        # The reasons stand where the facts did: a comment's first screen is short.
        yield from folded("Beside it", [], comment.facts(found.facts))


def _details(comparison: Comparison, notes: Notes) -> Iterator[str]:
    found = [(side, arm, pair) for side, arm in arms(comparison) if (pair := find(arm, comparison.focus))]
    matrices = [traffic.matrix(arm, side, pair, comparison.zones) for side, arm, pair in found]
    pods = [traffic.flows(arm, side, comparison.focus, notes) for side, arm, _ in found]
    short = [table for table in pods if len(table.rows) <= _MOST_FLOWS]
    rests = verdict_section(comparison)
    if rests is not None:
        yield from folded(rests.title, [*rests.tables, *rests.folded])
    yield from folded("Zones and pods", [*matrices, *short])
    yield from folded(
        "Pairs, latency, load and cost",
        [
            traffic.pairs(comparison, notes),
            service.latency(comparison, notes),
            service.loads(comparison, notes),
            evidence.costs(comparison, notes),
        ],
    )
    yield from folded(
        "Why to trust it",
        [
            evidence.trust(comparison, notes),
            evidence.routing(comparison, notes),
            expected.table(comparison, notes),
            evidence.events(comparison),
            service.shoppers(comparison, notes),
            evidence.unknown_calls(comparison),
            evidence.methods(comparison),
        ],
    )
    yield from folded("Where it comes from", [evidence.provenance(comparison)])
    judged = comparison.verdict is not None
    yield from comment.reading(prose.reading(judged=judged), prose.limits(comparison))
    yield from _notes(notes)


def _notes(notes: Notes) -> Iterator[str]:
    if not notes.items:
        return
    yield ""
    yield "**Notes**"
    yield ""
    for note in notes.items:
        yield f"{note.number}. {escape(note.text)} ({note.about}, {escape(note.code)})"
