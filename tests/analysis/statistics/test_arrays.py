"""What is counted place by place is what sorting gives, of few places and of many."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics import arrays

FEW, MANY = 40, 10**9
ROWS = st.lists(st.tuples(st.integers(0, FEW - 1), st.integers(0, 9) | st.integers(0, 2**56)), max_size=60)
"""Places and values: sums of some are beyond what a floating point number holds."""


@given(rows=ROWS)
def test_sums_are_exact(rows: list[tuple[int, int]]):
    """Of each place, whatever their size; 0 where a place has no row."""
    at, values = (np.array([row[end] for row in rows], np.int64) for end in (0, 1))
    wanted = [sum(value for place, value in rows if place == one) for one in range(FEW)]
    assert arrays.sums(at, values, FEW).tolist() == wanted


@pytest.mark.parametrize("places", [FEW, MANY])
@given(rows=ROWS)
def test_places_are_found_as_by_sorting(places: int, rows: list[tuple[int, int]]):
    """Which occur, which of them each row has, and in which order they came first."""
    at = np.array([place for place, _ in rows], np.int64)
    found, inverse = np.unique(at, return_inverse=True)
    first = list(dict.fromkeys(at.tolist()))

    assert arrays.occurring(at, places).tolist() == found.tolist()
    assert [one.tolist() for one in arrays.grouped(at, places)] == [found.tolist(), inverse.tolist()]
    assert arrays.ranked(at, places).tolist() == [first.index(place) for place in at.tolist()]
