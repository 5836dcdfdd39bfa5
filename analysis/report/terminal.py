"""What the tables of every command for a terminal share: styles, text that is only text, grids."""

from collections.abc import Iterable, Mapping
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from analysis.report import names
from analysis.report.fitting import FittedTable, WholeWords
from analysis.report.judgement import Banner
from analysis.report.notes import Footnote
from analysis.report.tables import Table, Tone
from analysis.verdict.judged import Decision

_STYLES: Final = {
    Tone.PLAIN: "",
    Tone.STRONG: "bold",
    Tone.SAME: "blue",
    Tone.CROSS: "dark_orange",
    Tone.UNKNOWN: "dim",
    Tone.WARN: "bold dark_orange",
    Tone.PASS: "bold green",
    Tone.FAIL: "bold red",
    Tone.OPEN: "bold yellow",
}
_DECISIONS: Final[Mapping[Decision, str]] = {
    Decision.PASS: "bold white on green4",
    Decision.FAIL: "bold white on red3",
    Decision.INCONCLUSIVE: "bold black on yellow3",
    Decision.INVALID: "bold white on purple4",
}
NAME: Final = 20
"""Characters of a name that a terminal's row has room for."""


def text(words: str, tone: Tone = Tone.PLAIN) -> Text:
    """Plain characters only: nothing in a name is markup, an emoji code or an escape sequence."""
    return WholeWords(names.plain(words), style=_STYLES[tone])


def grid(*heads: str, words: int = 1) -> FittedTable:
    """A table whose first *words* columns are flush left, the others flush right."""
    found = FittedTable()
    for position, head in enumerate(heads):
        found.add_column(text(head), justify="left" if position < words else "right")
    return found


def table(found: Table) -> RenderableType:
    """A titled table; what it is about is left to the page."""
    if not found.rows:
        return Group(text(found.title, Tone.STRONG), text(found.empty))
    drawn = FittedTable()
    for column in found.columns:
        drawn.add_column(text(column.title), justify="right" if column.numeric else "left")
    for row in found.rows:
        drawn.add_row(*(text(cell.text, cell.tone) for cell in row))
    return Group(text(found.title, Tone.STRONG), drawn)


def headline(sentence: str, banner: Banner | None) -> RenderableType:
    """The decision, the answer and why."""
    if banner is None:
        return text(sentence, Tone.STRONG)
    badge = WholeWords()
    badge.append(f" {banner.sign} {banner.word.upper()} ", style=_DECISIONS[banner.decision])
    badge.append(f" {banner.meaning}")
    return Group(
        badge,
        text(sentence, Tone.STRONG),
        points(banner.reasons),
    )


def points(lines: Iterable[str]) -> RenderableType:
    """Sentences, one a point."""
    found = RichTable.grid(padding=(0, 1))
    for line in lines:
        found.add_row(text("-"), text(line))
    return found


def footnotes(found: Iterable[Footnote], whole: str) -> RenderableType:
    """What to know before believing it, and of what that holds if not of the *whole*.

    Their codes are for programs.
    """
    about = {one: "" if one.about == whole else f" ({one.origin})" for one in found}
    return Group(*(text(f"! {one.text}{where}", Tone.WARN) for one, where in about.items()))


def stacked(words: str, tone: Tone) -> Text:
    """An estimate with its interval on a line of its own."""
    value, bracket, interval = words.partition(" [")
    shown = text(value, tone)
    return shown.append("\n").append(text(f"[{interval}", Tone.UNKNOWN)) if bracket else shown
