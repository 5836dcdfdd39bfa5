"""The size of a loss, from the marks that it leaves and from the load generator's own count."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.arm.losses import lost_share

counts = st.integers(min_value=0, max_value=10_000)


def test_nothing_missing_is_nothing_lost():
    """Also where the source has more requests than the generator counted."""
    assert lost_share(requests=1000, whole=1000, headless=0, known=1800, lost=0) == 0
    assert lost_share(requests=1000, whole=1003, headless=0, known=1800, lost=0) == 0


def test_marks_alone_count_as_they_are():
    """Every request is there; eighteen of its calls have one side."""
    assert lost_share(requests=1000, whole=1000, headless=0, known=1782, lost=18) == pytest.approx(0.01)


def test_requests_that_left_nothing_made_calls_as_the_others_did():
    """A tenth of the requests is gone, and no document of what is there misses a neighbour."""
    assert lost_share(requests=1000, whole=900, headless=0, known=1620, lost=0) == pytest.approx(0.1)


def test_a_request_without_its_own_document_still_has_its_calls():
    """A worker's batch is lost: what it called stands in the graph, whole."""
    assert lost_share(requests=1000, whole=900, headless=100, known=1800, lost=0) == 0


def test_everything_missing_is_everything_lost():
    """Not a division by nothing."""
    assert lost_share(requests=10, whole=0, headless=0, known=0, lost=0) == 1
    assert lost_share(requests=0, whole=0, headless=0, known=0, lost=0) == 0


@given(requests=counts, whole=counts, headless=counts, known=counts, lost=counts)
def test_a_share_is_a_share(requests: int, whole: int, headless: int, known: int, lost: int):
    """Whatever the counts, and never less than the marks say."""
    share = lost_share(requests=requests, whole=whole, headless=headless, known=known, lost=lost)

    assert 0 <= share <= 1
    if known + lost:
        assert share >= lost / (known + lost) - 1e-12


@pytest.mark.parametrize("span_s", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("gap_s", [0.5, 3.0])
def test_the_documents_of_a_moment_lost_together_are_found_missing(span_s: float, gap_s: float):
    """Whole moments of a run are lost, each program's documents up to *span_s* later than the others'.

    The size is within a fifth of the truth, where marks alone would show a part of it.
    """
    dice, length_s = random.Random(5), 20.0
    whole = headless = known = lost = made = 0
    for _ in range(4000):
        at_s = dice.uniform(0, length_s)
        worker, ui = (not 8 <= at_s + dice.uniform(0, span_s) < 8 + gap_s for _ in range(2))
        whole += worker
        headless += ui and not worker
        for _ in range(2):
            made += 1
            catalog = not 8 <= at_s + dice.uniform(0, span_s) < 8 + gap_s
            known += ui and catalog
            lost += ui != catalog

    share = lost_share(requests=4000, whole=whole, headless=headless, known=known, lost=lost)

    assert share == pytest.approx(1 - known / made, rel=0.2)
