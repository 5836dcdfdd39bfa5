"""Counting: all traces' contributions in one table of columns, and what a window of it adds up to.

A row is 33 bytes. A trace that changed gives its old rows back and adds new ones; a query is a few passes
of numpy over the table, so that a million segments take well under a second.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from struct import Struct
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from k8s.lab.xray.graph import Contribution

_ROW: Final = Struct("<ddIIIIB")
_DTYPE: Final = np.dtype(
    [
        ("start_s", "<f8"),
        ("response_s", "<f8"),
        ("cell", "<u4"),
        ("response_ms", "<u4"),
        ("duration_ms", "<u4"),
        ("groups", "<u4"),
        ("outcome", "u1"),
    ]
)
_CELL_OFFSET: Final = 16
_DEAD: Final = 0
"""The cell of rows that count no more."""
_LONGEST_MS: Final = 2**32 - 1
_OUTCOMES: Final = 4
_WORTH_COMPACTING: Final = 10_000
_SCATTER: Final = np.uint64(0x9E3779B1)
_GATHER: Final = np.uint64(pow(0x9E3779B1, -1, 2**32))
"""Undoes the multiplication by _SCATTER, modulo 2**32."""
_MASK: Final = np.uint64(2**32 - 1)
_HALF: Final = np.uint64(32)

Histogram = tuple[tuple[int, int], ...]
"""(milliseconds, how many) pairs with distinct values, scattered: in an order of no use to anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What a window holds of one node or one edge."""

    caller: int
    """A node number, or OWN or INFERRED; see Contribution."""
    node: int
    by_outcome: tuple[int, int, int, int]
    """Requests that went well, or ended as error, throttle, fault."""
    response_s: float
    """Sum of the response times."""
    first_s: float
    """Earliest start."""
    last_s: float
    """Latest end."""
    responses: Histogram
    durations: Histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Which rows of the ledger belong to a trace."""

    first: int
    count: int


NOTHING: Final = Rows(first=0, count=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which requests to count."""

    start_s: float
    end_s: float
    under_way: bool = False
    """Those under way in [start, end); otherwise those that began in it."""
    group_bit: int | None = None
    """Only those of one group's traces."""


EVERYTHING: Final = Selection(start_s=float("-inf"), end_s=float("inf"))


class Ledger:
    """The rows of all traces."""

    def __init__(self) -> None:
        """Start empty."""
        self._rows = bytearray()
        self._cells: dict[tuple[int, int], int] = {(_DEAD, _DEAD): _DEAD}
        self._dead = 0

    def __len__(self) -> int:
        return len(self._rows) // _ROW.size - self._dead

    def add(self, contributions: Iterable[Contribution], groups: int) -> Rows:
        """Enter what a trace contributes; *groups* is the set of its groups as bits."""
        first = len(self._rows) // _ROW.size
        cells, rows, pack = self._cells, self._rows, _ROW.pack
        count = 0
        for caller, node, start_s, response_s, duration_s, outcome in contributions:
            cell = cells.get((caller, node))
            if cell is None:
                cell = cells[caller, node] = len(cells)
            response_ms = round(response_s * 1000)
            duration_ms = response_ms if duration_s == response_s else round(duration_s * 1000)
            rows += pack(
                start_s,
                response_s,
                cell,
                min(response_ms, _LONGEST_MS),
                min(duration_ms, _LONGEST_MS),
                groups,
                outcome,
            )
            count += 1
        return Rows(first=first, count=count)

    def drop(self, rows: Rows) -> None:
        """Take a trace's rows out of the count."""
        for row in range(rows.first, rows.first + rows.count):
            offset = row * _ROW.size + _CELL_OFFSET
            self._rows[offset : offset + 4] = b"\0\0\0\0"
        self._dead += rows.count

    def leave_group(self, bit: int) -> None:
        """Forget who was in a group, so that its bit can be given to another."""
        self._table()["groups"] &= np.uint32(~(1 << bit) & 0xFFFFFFFF)

    def wants_compaction(self) -> bool:
        """Whether more than half of the rows are dead."""
        return self._dead > max(_WORTH_COMPACTING, len(self))

    def compact(self, old: Iterable[Rows]) -> Iterator[Rows]:
        """Remove dead rows and cells without any; gives the new place for each old one, in the same order."""
        table = self._table()
        alive = table["cell"] != _DEAD
        moved = np.concatenate(([0], np.cumsum(alive)))
        kept = table[alive]
        used, places = np.unique(kept["cell"], return_inverse=True)
        kept["cell"] = places + 1
        cells = list(self._cells)
        self._cells = {(_DEAD, _DEAD): _DEAD}
        for place, number in enumerate(used.tolist(), 1):
            self._cells[cells[number]] = place
        self._rows = bytearray(kept.tobytes())
        self._dead = 0
        return (Rows(first=int(moved[rows.first]), count=rows.count) for rows in old)

    def totals(self, selection: Selection) -> list[Total]:
        """What was selected adds up to, per node and per edge."""
        table = self._table()
        chosen = table[_chosen(table, selection)]
        return _totals(chosen, chosen["cell"].astype(np.int64), list(self._cells))

    def series(
        self, selection: Selection, wanted: Callable[[int, int], bool], period_s: int
    ) -> list[tuple[int, Total]]:
        """What was selected, of the cells (caller, node) that are *wanted*, adds up to in each period.

        Periods are told by their begin, a multiple of *period_s*; those without a request are left out.
        """
        cells = [number for cell, number in self._cells.items() if number != _DEAD and wanted(*cell)]
        table = self._table()
        chosen = table[_chosen(table, selection) & np.isin(table["cell"], np.array(cells, dtype=np.uint32))]
        periods, places = np.unique(chosen["start_s"] // period_s, return_inverse=True)
        sums = _totals(chosen, places.astype(np.int64), [(_DEAD, _DEAD)] * len(periods))
        return [(int(period) * period_s, total) for period, total in zip(periods.tolist(), sums, strict=True)]

    def _table(self) -> npt.NDArray[Any]:
        # The array borrows the buffer, which must not grow meanwhile: nobody keeps the array.
        return np.frombuffer(self._rows, dtype=_DTYPE)


def _chosen(table: npt.NDArray[Any], selection: Selection) -> npt.NDArray[Any]:
    """Which rows are selected, as truth values."""
    last_s = table["start_s"]
    if selection.under_way:
        last_s = last_s + table["response_s"]
    chosen = (last_s >= selection.start_s) & (table["start_s"] < selection.end_s) & (table["cell"] != _DEAD)
    if selection.group_bit is not None:
        chosen &= (table["groups"] >> np.uint32(selection.group_bit)) & np.uint32(1) == 1
    return np.asarray(chosen)


def _totals(rows: npt.NDArray[Any], cell: npt.NDArray[Any], cells: Sequence[tuple[int, int]]) -> list[Total]:
    """Add up rows, cell by cell; *cell* is the place in *cells* for each row."""
    size = len(cells)
    outcomes = np.bincount(cell * _OUTCOMES + rows["outcome"], minlength=size * _OUTCOMES)
    by_outcome = outcomes.reshape(size, _OUTCOMES).tolist()
    response_s = np.bincount(cell, weights=rows["response_s"], minlength=size).tolist()
    first_s = np.full(size, np.inf)
    last_s = np.full(size, -np.inf)
    np.minimum.at(first_s, cell, rows["start_s"])
    np.maximum.at(last_s, cell, rows["start_s"] + rows["response_s"])
    responses = _histograms(cell, rows["response_ms"], size)
    durations = responses
    if not np.array_equal(rows["response_ms"], rows["duration_ms"]):
        durations = _histograms(cell, rows["duration_ms"], size)
    return [
        Total(
            caller=cells[number][0],
            node=cells[number][1],
            by_outcome=tuple(by_outcome[number]),
            response_s=response_s[number],
            first_s=float(first_s[number]),
            last_s=float(last_s[number]),
            responses=responses[number],
            durations=durations[number],
        )
        for number in np.unique(cell).tolist()
    ]


def _histograms(cell: npt.NDArray[Any], milliseconds: npt.NDArray[Any], size: int) -> list[Histogram]:
    """The histogram of each cell, scattered: nobody shall come to rely on an order, X-Ray promises none."""
    scattered = (milliseconds.astype(np.uint64) * _SCATTER) & _MASK
    keys, counts = np.unique((cell.astype(np.uint64) << _HALF) | scattered, return_counts=True)
    borders = np.searchsorted(keys >> _HALF, np.arange(size + 1, dtype=np.uint64)).tolist()
    values = (((keys & _MASK) * _GATHER) & _MASK).tolist()
    amounts = counts.tolist()
    return [
        tuple(zip(values[start:end], amounts[start:end], strict=True)) for start, end in pairwise(borders)
    ]
