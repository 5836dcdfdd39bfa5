"""Text and tables as wide as the terminal is: lines break between words, and a table that cannot is a list.

A gap between a number and its unit is no place to break, which rich does not know.
"""

from collections.abc import Callable, Iterator, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, JustifyMethod, OverflowMethod, RenderableType, RenderResult
from rich.containers import Lines
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

_GAPS = 3
"""Columns between two of a table."""
_LIST_INDENT = 2


class WholeWords(Text):
    """Text that breaks at ordinary spaces alone; only a word that is wider than its place is cut."""

    def wrap(
        self,
        console: Console,
        width: int,
        *,
        justify: JustifyMethod | None = None,
        overflow: OverflowMethod | None = None,
        tab_size: int = 8,
        no_wrap: bool | None = None,
    ) -> Lines:
        """Its lines in so many columns."""
        del overflow, tab_size
        found = Lines()
        for line in self.split("\n", allow_blank=True):
            parts = [line] if no_wrap else list(line.divide(_breaks(line.plain, width)))
            for part in parts:
                if blank := len(part.plain) - len(part.plain.rstrip(" ")):
                    part.right_crop(blank)
                found.append(part)
        if justify:
            found.justify(console, width, justify=justify, overflow="crop")
        return found

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """From its longest word to its longest line."""
        del console, options
        return Measurement(_least(self.plain), _natural(self.plain))


def _breaks(line: str, width: int) -> list[int]:
    """Where the second line begins, the third, and so on."""
    found: list[int] = []
    used = 0
    for start, word in _words(line):
        length = cell_len(word)
        if used and used + cell_len(word.rstrip(" ")) > width:
            found.append(start)
            used = 0
        if cell_len(word.rstrip(" ")) > width:
            for at, letter in enumerate(word):
                if used + cell_len(letter) > width:
                    found.append(start + at)
                    used = 0
                used += cell_len(letter)
        else:
            used += length
    return [one for one in found if one]


def _words(line: str) -> Iterator[tuple[int, str]]:
    """Each word with the spaces behind it, and where it stands; leading spaces belong to the first one."""
    start = 0
    for at in range(1, len(line)):
        if line[at] != " " and line[at - 1] == " " and line[start:at].strip(" "):
            yield start, line[start:at]
            start = at
    if line:
        yield start, line[start:]


def _natural(text: str) -> int:
    return max(map(cell_len, text.split("\n")), default=0)


def _least(text: str) -> int:
    return max((cell_len(word) for word in text.replace("\n", " ").split(" ")), default=0)


class FittedTable(RichTable):
    """A table of ``WholeWords`` that gives way where its words can; narrower than its words it is a list."""

    def __init__(self) -> None:
        """With our lines, and its first column at the edge."""
        super().__init__(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, header_style="bold")

    def fits(self, width: int) -> bool:
        """Whether so many columns hold it, each word whole."""
        return sum(self._each(_least)) + self._between <= width

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table, or the list."""
        if not self.fits(options.max_width):
            yield from self._listed()
            return
        self._fit(options.max_width - self._between)
        yield from super().__rich_console__(console, options)

    @property
    def _between(self) -> int:
        return _GAPS * len(self.columns) - 1

    def _each(self, measure: Callable[[str], int]) -> list[int]:
        """Of each column, its head among them."""
        return [
            max(measure(_plain(one)) for one in (column.header, *column.cells)) for column in self.columns
        ]

    def _fit(self, room: int) -> None:
        """Take from the widest column, as long as its words allow."""
        least, widths = self._each(_least), self._each(_natural)
        while sum(widths) > room:
            able = [at for at, width in enumerate(widths) if width > least[at]]
            widest = max(able, key=lambda at: widths[at])
            widths[widest] -= 1
        for column, width in zip(self.columns, widths, strict=True):
            column.width = width
            column.no_wrap = False

    def _listed(self) -> Iterator[RenderableType]:
        """Each row under its first cell, and behind its head each cell that says something."""
        heads = [_plain(column.header) for column in self.columns]
        yield self.columns[0].header
        for row in zip(*(list(column.cells) for column in self.columns), strict=True):
            yield row[0]
            lines = RichTable.grid(padding=(0, _LIST_INDENT))
            for head, cell in zip(heads[1:], row[1:], strict=True):
                if _plain(cell).strip():
                    lines.add_row(WholeWords(" "), WholeWords(head), cell)
            yield lines
        yield WholeWords("")


class FirstThatFits:
    """The first of several tables that the terminal holds, else the last."""

    def __init__(self, tables: Sequence[FittedTable]) -> None:
        """Of *tables*, the widest first."""
        self._tables = tables

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """That one."""
        yield next((one for one in self._tables if one.fits(options.max_width)), self._tables[-1])


def _plain(cell: RenderableType) -> str:
    return cell.plain if isinstance(cell, Text) else str(cell)
