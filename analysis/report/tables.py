"""Sections and tables as values: what HTML, Markdown and the console each draw in their own way."""

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """What a cell wants to say besides its text; never the only carrier of a meaning."""

    PLAIN = "plain"
    STRONG = "strong"
    SAME = "same"
    CROSS = "cross"
    UNKNOWN = "unknown"
    WARN = "warn"
    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column's head."""

    title: str
    numeric: bool = False
    """Set flush right."""
    notes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell: text as it shall be read, not yet escaped for any format."""

    text: str
    notes: tuple[int, ...] = ()
    """Numbers of the footnotes that touch it."""
    tone: Tone = Tone.PLAIN


Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A titled table."""

    key: str
    """Unique in a report; the anchor of its heading."""
    title: str
    about: str = ""
    """One or two sentences: what is counted and how to read it."""
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    stacked: bool = False
    """Whether intervals stand below their estimates where there is room for that: many columns."""
    empty: str = "Nothing was measured here."
    """Said in place of a table without rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a report: tables that are read at once, and tables that are looked up."""

    key: str
    """Unique in a report; its anchor."""
    title: str
    tables: tuple[Table, ...]
    folded: tuple[Table, ...] = ()


def columns(*words: str, numbers: tuple[str, ...] = ()) -> tuple[Column, ...]:
    """Column heads: *words* flush left, then *numbers* flush right."""
    return (
        *(Column(title=title) for title in words),
        *(Column(title=title, numeric=True) for title in numbers),
    )


def row(*texts: str, tone: Tone = Tone.PLAIN) -> Row:
    """A row of plain cells, all of one *tone*."""
    return tuple(Cell(text=text, tone=tone) for text in texts)
