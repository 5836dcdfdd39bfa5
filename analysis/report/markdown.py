"""The comparison as GitHub Markdown, fit for a pull request's comment: the answer first, details folded."""

import re
from collections.abc import Iterator

from analysis.model import Comparison
from analysis.report import evidence, expected, names, prose, service, traffic
from analysis.report.answer import Answer, answer
from analysis.report.lookup import arms, find
from analysis.report.notes import Notes, number
from analysis.report.tables import Cell, Table, Tone

_MARKUP = re.compile(r"[\\`*_|~]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}
"""The dollar too: between two of them GitHub sets mathematics."""
_LINKS = re.compile(r"(\]\(|\]\[|@|#|://|www\.)")
"""What GitHub would turn into a link, a mention of a person or a reference to an issue."""
_NOT_LINKED = "\u200b"
_MOST_FLOWS = 100
"""Longer pod tables stay out: a comment holds 65 536 characters."""


def render(comparison: Comparison) -> str:
    """The comment; names and messages come out as text, whatever they contain."""
    notes = number(comparison)
    return "\n".join([*_first(answer(comparison, notes), comparison), *_details(comparison, notes), ""])


def escape(text: str) -> str:
    """*text* as Markdown that shows exactly it, on one line, without links, mentions or markup."""
    apart = _LINKS.sub(lambda found: f"{found[0][0]}{_NOT_LINKED}{found[0][1:]}", names.plain(text))
    shown = _MARKUP.sub(r"\\\g<0>", apart)
    return "".join(_ENTITIES.get(character, character) for character in shown)


def _refs(numbers: tuple[int, ...]) -> str:
    return f"<sup>{','.join(map(str, numbers))}</sup>" if numbers else ""


def _first(found: Answer, comparison: Comparison) -> Iterator[str]:
    yield f"### {escape(found.headline)}"
    yield ""
    yield "| | | |"
    yield "| :-- | --: | :-- |"
    for figure in found.figures:
        value = f"**{escape(figure.value)}**{_refs(figure.notes)}"
        yield f"| {escape(figure.title)} | {value} | {escape(figure.detail)} |"
    yield ""
    if comparison.platform == "lab":
        yield prose.IN_THE_LAB
        yield ""
    for fact in found.facts:
        yield f"- **{escape(fact.label)}:** {escape(fact.text)}"


def _details(comparison: Comparison, notes: Notes) -> Iterator[str]:
    found = [(side, arm, pair) for side, arm in arms(comparison) if (pair := find(arm, comparison.focus))]
    matrices = [traffic.matrix(arm, side, pair, comparison.zones) for side, arm, pair in found]
    pods = [traffic.flows(arm, side, comparison.focus, notes) for side, arm, _ in found]
    short = [table for table in pods if len(table.rows) <= _MOST_FLOWS]
    yield from _folded("Zones and pods", [*matrices, *short])
    yield from _folded(
        "Pairs, latency, load and cost",
        [
            traffic.pairs(comparison, notes),
            service.latency(comparison, notes),
            service.loads(comparison, notes),
            evidence.costs(comparison, notes),
        ],
    )
    yield from _folded(
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
    yield from _folded("Where it comes from", [evidence.provenance(comparison)])
    yield from _reading(comparison)
    yield from _notes(notes)


def _folded(title: str, tables: list[Table]) -> Iterator[str]:
    yield ""
    yield f"<details><summary>{title}</summary>"
    for table in tables:
        yield from _table(table)
    yield ""
    yield "</details>"


def _table(table: Table) -> Iterator[str]:
    yield ""
    yield f"**{escape(table.title)}**"
    yield ""
    if table.about:
        yield escape(table.about)
        yield ""
    if not table.rows:
        yield f"{table.empty}"
        return
    yield _line(f"{escape(column.title)}{_refs(column.notes)}" for column in table.columns)
    yield _line("--:" if column.numeric else ":--" for column in table.columns)
    for row in table.rows:
        yield _line(map(_cell, row))


def _line(cells: Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    shown = escape(cell.text)
    bold = cell.tone in {Tone.STRONG, Tone.WARN} and shown
    return f"{f'**{shown}**' if bold else shown}{_refs(cell.notes)}"


def _reading(comparison: Comparison) -> Iterator[str]:
    yield ""
    yield "<details><summary>How to read it, and what it cannot tell</summary>"
    yield ""
    for term, meaning in prose.READING.items():
        yield f"- **{escape(term)}**: {escape(meaning)}"
    yield ""
    yield "It cannot tell:"
    yield ""
    for limit in prose.limits(comparison):
        yield f"- {escape(limit)}"
    yield ""
    yield "</details>"


def _notes(notes: Notes) -> Iterator[str]:
    if not notes.items:
        return
    yield ""
    yield "**Notes**"
    yield ""
    for note in notes.items:
        yield f"{note.number}. {escape(note.text)} ({note.about}, {escape(note.code)})"
