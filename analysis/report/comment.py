"""GitHub Markdown: escaping, tables, folds, and what stands first in a comment."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from analysis.report import names, units
from analysis.report.first_screen import Fact, Figure
from analysis.report.judgement import Banner
from analysis.report.notes import Footnote
from analysis.report.tables import Cell, Table, Tone
from analysis.verdict.judged import Decision

_MARKUP = re.compile(r"[\\`*_|~]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}
"""The dollar too: between two of them GitHub sets mathematics."""
_LINKS = re.compile(r"(\]\(|\]\[|@|#|://|www\.)")
"""What GitHub would turn into a link, a mention of a person or a reference to an issue."""
_NOT_LINKED = "\u200b"
_SIGNS: Final[Mapping[Decision, str]] = {
    Decision.PASS: "\u2705",
    Decision.FAIL: "\u274c",
    Decision.INCONCLUSIVE: "\u2753",
    Decision.INVALID: "\u26a0\ufe0f",
}
_MOST_ROWS: Final = 40
"""Longer tables stay out: a comment holds 65 536 characters."""
_BOLD: Final = frozenset({Tone.STRONG, Tone.WARN, Tone.FAIL, Tone.OPEN})


def escape(text: str) -> str:
    """*text* as Markdown that shows exactly it, on one line, without links, mentions or markup."""
    apart = _LINKS.sub(lambda found: f"{found[0][0]}{_NOT_LINKED}{found[0][1:]}", names.plain(text))
    shown = _MARKUP.sub(r"\\\g<0>", apart)
    return "".join(_ENTITIES.get(character, character) for character in shown)


def refs(numbers: tuple[int, ...]) -> str:
    """Footnote marks."""
    return f"<sup>{','.join(map(str, numbers))}</sup>" if numbers else ""


def headline(sentence: str, banner: Banner | None) -> Iterator[str]:
    """The first lines: the decision, the answer, what the decision means and why."""
    if banner is None:
        yield f"### {escape(sentence)}"
        yield ""
        return
    yield f"### {_SIGNS[banner.decision]} {banner.word.upper()}: {escape(sentence)}"
    yield ""
    yield banner.meaning
    yield ""
    for reason in banner.reasons:
        yield f"- {escape(reason)}"
    yield ""


def figures(found: Sequence[Figure]) -> Iterator[str]:
    """The large numbers as a table without a head."""
    yield "| | | |"
    yield "| :-- | --: | :-- |"
    for figure in found:
        value = f"**{escape(figure.value)}**{refs(figure.notes)}"
        yield f"| {escape(figure.title)} | {value} | {escape(figure.detail)} |"
    yield ""


def facts(found: Iterable[Fact]) -> Iterator[str]:
    """Sentences that stand beside the answer."""
    for fact in found:
        yield f"- **{escape(fact.label)}:** {escape(fact.text)}"


def beside(found: Iterable[Fact]) -> str:
    """The same on one line."""
    return " ".join(f"**{escape(fact.label)}:** {escape(fact.text)}" for fact in found)


def folded(title: str, tables: Iterable[Table], lines: Iterable[str] = ()) -> Iterator[str]:
    """What a reader opens: *lines*, then tables."""
    yield ""
    yield f"<details><summary>{title}</summary>"
    if lines:
        yield ""
        yield from lines
    for one in tables:
        yield from table(one)
    yield ""
    yield "</details>"


def table(found: Table) -> Iterator[str]:
    """A titled table."""
    yield ""
    yield f"**{escape(found.title)}**"
    yield ""
    if found.about:
        yield escape(found.about)
        yield ""
    if not found.rows:
        yield f"{found.empty}"
        return
    yield _line(f"{escape(column.title)}{refs(column.notes)}" for column in found.columns)
    yield _line("--:" if column.numeric else ":--" for column in found.columns)
    for row in found.rows:
        yield _line(map(_cell, row))


def _line(cells: Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    shown = escape(cell.text)
    bold = cell.tone in _BOLD and shown
    return f"{f'**{shown}**' if bold else shown}{refs(cell.notes)}"


def reading(terms: Mapping[str, str], limits: Iterable[str]) -> Iterator[str]:
    """How to read it, folded."""
    yield ""
    yield "<details><summary>How to read it, and what it cannot tell</summary>"
    yield ""
    for term, meaning in terms.items():
        yield f"- **{escape(term)}**: {escape(meaning)}"
    yield ""
    yield "It cannot tell:"
    yield ""
    for limit in limits:
        yield f"- {escape(limit)}"
    yield ""
    yield "</details>"


def notes(found: Iterable[Footnote]) -> Iterator[str]:
    """Numbered footnotes, if there are any."""
    lines = [f"{one.number}. {escape(one.text)} ({escape(one.origin)})" for one in found]
    if lines:
        yield from ("", "**Notes**", "")
        yield from lines


def short(found: Table) -> Table:
    """A table that a comment has room for; of a longer one only what it is."""
    if len(found.rows) <= _MOST_ROWS:
        return found
    return replace(found, rows=(), empty=f"Its {units.count(len(found.rows))} rows are in the page.")
