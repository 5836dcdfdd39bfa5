"""Sums of steps of single counters: what is seen is counted once, and what is hidden is never invented."""

import math
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from analysis.source.prometheus.differences import Scrape, Stepped, one_of, stepped

MOMENTS = st.lists(st.integers(min_value=-100, max_value=200), min_size=1, max_size=40, unique=True)
EVENTS = st.lists(st.tuples(st.integers(-100, 200), st.integers(1, 9)), max_size=60)
START_S, END_S = 0.0, 150.0


def shown(events: list[tuple[int, int]], moments: list[int], restarts: list[int]) -> tuple[Scrape, ...]:
    """What a counter shows at these moments."""
    scrapes = []
    for moment in sorted(moments):
        began = max((one for one in restarts if one <= moment), default=-math.inf)
        scrapes.append((float(moment), float(sum(n for at, n in events if began < at <= moment))))
    return tuple(scrapes)


def test_the_difference_of_two_scrapes():
    """From the last before the window to the last in it."""
    found = stepped([(-10, 5.0), (-1, 7.0), (50, 9.0), (149, 12.0), (160, 99.0)], START_S, END_S)
    assert found == Stepped(counted=5.0, began_s=-1.0, ended_s=149.0, first_step=2.0)


def test_a_restart():
    """The lower value counts as a whole, and the steps beside it say how much traffic there was."""
    found = stepped([(-1, 10.0), (10, 14.0), (20, 3.0), (30, 4.0)], START_S, END_S)
    assert (found.counted, found.resets, found.beside_resets) == (8.0, 1, 4.0)


def test_a_restart_in_the_first_step():
    """Nothing before it is known."""
    found = stepped([(-1, 10.0), (10, 4.0)], START_S, END_S)
    assert (found.counted, found.resets, found.beside_resets) == (4.0, 1, 4.0)


def test_nothing_in_the_window():
    """Not a count, and no end."""
    assert stepped([(-1, 10.0)], START_S, END_S) == Stepped(counted=0.0, began_s=-1.0, ended_s=None)
    assert stepped([], START_S, END_S) == Stepped(counted=0.0, began_s=None, ended_s=None)


def test_what_is_no_number_is_no_scrape():
    """A NaN says nothing."""
    assert stepped([(-1, 1.0), (5, math.nan), (7, math.inf), (9, 3.0)], START_S, END_S).counted == 2.0


@given(EVENTS, MOMENTS)
def test_without_restarts_it_is_the_truth_between_the_flanks(
    events: list[tuple[int, int]], moments: list[int]
):
    """However the scrapes lie, and also where the counter was born in the window."""
    scrapes = shown(events, moments, [])
    found = stepped(scrapes, START_S, END_S)
    first = -math.inf if found.began_s is None else found.began_s
    last = -math.inf if found.ended_s is None else found.ended_s
    assert found.counted == sum(n for at, n in events if first < at <= last)
    assert found.resets == 0


@given(EVENTS, MOMENTS, st.lists(st.integers(1, 149), max_size=4, unique=True))
def test_restarts_hide_but_never_invent(
    events: list[tuple[int, int]], moments: list[int], restarts: list[int]
):
    """Never more than the truth, wherever the restarts fall between the scrapes."""
    scrapes = shown(events, moments, restarts)
    found = stepped(scrapes, START_S, END_S)
    if found.ended_s is None:
        return
    first = -math.inf if found.began_s is None else found.began_s
    truth = sum(n for at, n in events if first < at <= found.ended_s)
    assert found.counted <= truth


@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=30), st.lists(st.booleans(), min_size=30, max_size=30)
)
def test_restarts_right_after_a_scrape_hide_nothing(steps: list[int], restarts: list[bool]):
    """Where each new life counts less than the one before had, every restart shows; the sum is the truth."""
    value, scrapes, truth, seen = 100.0, [(-1.0, 100.0)], 0.0, 0
    for at, step in enumerate(steps):
        is_new = restarts[at] and step < value
        value = step if is_new else value + step
        seen += is_new
        truth += step
        scrapes.append((float(at + 1), value))
    found = stepped(scrapes, START_S, END_S)
    assert (found.counted, found.resets) == (truth, seen)


@given(st.lists(st.integers(0, 9), min_size=3, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_scrapes_does_not_matter(steps, random):
    """An engine may answer in any."""
    scrapes = [(float(at - 2), float(value)) for at, value in enumerate(accumulate(steps))]
    mixed = list(scrapes)
    random.shuffle(mixed)
    assert stepped(mixed, START_S, END_S) == stepped(scrapes, START_S, END_S)


def test_of_two_servers_the_one_that_saw_more():
    """But not the one that saw the counter for the first time in the window."""
    old = Stepped(counted=5.0, began_s=-3.0, ended_s=140.0)
    gaps = Stepped(counted=4.0, began_s=-9.0, ended_s=120.0)
    new = Stepped(counted=900.0, began_s=None, ended_s=140.0)
    assert one_of([gaps, old, new]) is old
    assert one_of([new]) is new
