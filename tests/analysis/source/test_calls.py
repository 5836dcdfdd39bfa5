"""Calls in columns, taken in part: what adding them up one by one gives."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analysis.source.calls import Calls
from analysis.source.interface import Call
from tests.analysis import plain_graphs

NAMES = st.sampled_from(["a-1", "a-2", "b-1", "c"])
TIMES = st.integers(0, 40).map(lambda ms: ms / 1000) | st.sampled_from([0.0004, 99.999, 100.0, 123.456])
CALLS = st.lists(
    st.builds(
        Call,
        client=NAMES,
        server=NAMES,
        count=st.integers(0, 10**12),
        faults=st.integers(0, 9),
        errors=st.integers(0, 9),
        total_s=st.floats(0, 1e6),
        histogram=st.lists(st.tuples(TIMES, st.integers(0, 10**12)), max_size=3).map(
            lambda found: tuple(sorted(dict(found).items()))
        ),
    ),
    max_size=7,
)
MARKS = st.lists(st.booleans(), min_size=7, max_size=7)


def summed(calls: Sequence[Call]) -> tuple[float, tuple[tuple[float, int], ...]] | None:
    found = plain_graphs.summed(calls)
    return None if found is None else (found.total_s, found.histogram)


@given(calls=CALLS, marks=MARKS)
def test_those_that_are_marked(calls: list[Call], marks: list[bool]):
    """Taken, counted and added up: none, all or some of them; whole milliseconds and other times."""
    every, marked = Calls.of(calls), np.array(marks[: len(calls)], np.bool_)
    wanted = [one for one, is_marked in zip(calls, marks, strict=False) if is_marked]

    assert every.take(marked) == wanted
    assert every.total_of(marked) == sum(one.count for one in wanted)
    assert every.summed(marked) == every.take(marked).summed() == summed(wanted)
    assert every.summed() == summed(calls)


@given(calls=CALLS, places=st.lists(st.integers(0, 6), max_size=9))
def test_those_at_places(calls: list[Call], places: list[int]):
    """In the order of the places, which need not be theirs, and as often as they are named."""
    known = [at for at in places if at < len(calls)]
    found = Calls.of(calls).take(np.array(known, np.int64))
    assert found == [calls[at] for at in known]
    assert found[1:] == [calls[at] for at in known[1:]]


@given(calls=CALLS, marks=MARKS)
def test_those_that_are_marked_in_order(calls: list[Call], marks: list[bool]):
    """By client and server; calls of the same two stay as they stood."""
    every, marked = Calls.of(calls), np.array(marks[: len(calls)], np.bool_)
    wanted = [one for one, is_marked in zip(calls, marks, strict=False) if is_marked]
    ends = [(one.client, one.server) for one in calls]

    assert every.in_order(marked) == sorted(wanted, key=lambda one: (one.client, one.server))
    assert every.is_sorted == (ends == sorted(set(ends)))
