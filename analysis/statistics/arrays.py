"""Arrays by what they hold, of shape (rows,) unless it is said otherwise; and what is done with places.

Places in a list are counted instead of sorted where there are not many more of them than rows, which is
several times as quick; the answers are the same.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Codes = NDArray[np.integer[Any]]
"""0-based positions in a list of names, or of groups."""
Flags = NDArray[np.bool_]
"""Marks."""
_EXACT: Final = 2.0**52
"""Whole numbers below it add up as floating point numbers without an error."""
_TIMES: Final = 8
_FEW: Final = 4096


def _is_short(places: int, rows: int) -> bool:
    """Whether a list is to be gone through as a whole for so many rows."""
    return places <= max(_FEW, _TIMES * rows)


def sums(at: Codes, values: Codes, places: int) -> Codes:
    """Of each of so many *places* the sum of its *values*, which are whole numbers from 0 on; exact."""
    if float(values.sum(dtype=np.float64)) < _EXACT:
        return np.bincount(at, values, places).astype(np.int64)
    found = np.zeros(places, np.int64)
    np.add.at(found, at, values)
    return found


def occurring(at: Codes, places: int) -> Codes:
    """Those of so many *places* that occur, ascending."""
    if _is_short(places, len(at)):
        return np.flatnonzero(np.bincount(at, minlength=places))
    return np.unique(at)


def grouped(at: Codes, places: int) -> tuple[Codes, Codes]:
    """Those of so many *places* that occur, ascending; and of each row which of these it has."""
    if not _is_short(places, len(at)):
        found, inverse = np.unique(at, return_inverse=True)
        return found, inverse
    found = occurring(at, places)
    number = np.zeros(places, np.int64)
    number[found] = np.arange(len(found))
    return found, number[at]


def ranked(at: Codes, places: int) -> Codes:
    """Of each row the number of different ones of so many *places* that came before its own came first."""
    found, inverse = grouped(at, places)
    first = np.zeros(len(found), np.int64)
    # Of several values for one place the last one stays: backwards, that is the first row's.
    first[inverse[::-1]] = np.arange(len(at))[::-1]
    rank = np.empty(len(found), np.int64)
    rank[np.argsort(first)] = np.arange(len(found))
    return rank[inverse]
