"""The size of a loss, from the marks that it leaves and from the load generator's own count."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.arm.losses import Marks, lost_share

counts = st.integers(min_value=0, max_value=10_000)
WHOLE = Marks(requests=1000, whole=1000, headless=0, served=1000, known=1800, callees=0, callers=0)


def test_nothing_missing_is_nothing_lost():
    """Also where the source has more requests than the generator counted."""
    assert lost_share(WHOLE) == 0
    assert lost_share(replace(WHOLE, whole=1003, served=1003)) == 0


def test_marks_alone_count_as_they_are():
    """Every request is there; eighteen of its calls have one side."""
    found = replace(WHOLE, known=1782, callees=10, callers=8)

    assert lost_share(found) == pytest.approx(0.01)


def test_requests_that_left_nothing_made_calls_as_the_others_did():
    """A tenth of the requests is gone, and no document of what is there misses a neighbour."""
    found = replace(WHOLE, whole=900, served=900, known=1620)

    assert lost_share(found) == pytest.approx(0.1)
    assert lost_share(replace(found, served=None)) == pytest.approx(0.1)


def test_a_request_without_its_own_document_still_has_its_calls():
    """A worker's batch is lost: what it called stands in the graph, whole."""
    assert lost_share(replace(WHOLE, whole=900, headless=100)) == 0


def test_a_client_and_its_callees_lost_together_are_missed_by_the_generators_count():
    """Every request is there, but of a tenth the client sent nothing and nobody says what it called."""
    assert lost_share(replace(WHOLE, served=900, known=1620)) == pytest.approx(0.1)


def test_everything_missing_is_everything_lost():
    """Not a division by nothing."""
    nothing = Marks(requests=10, whole=0, headless=0, served=None, known=0, callees=0, callers=0)

    assert lost_share(nothing) == 1
    assert lost_share(replace(nothing, requests=0)) == 0


@given(
    st.builds(
        Marks,
        requests=counts,
        whole=counts,
        headless=counts,
        served=st.none() | counts,
        known=counts,
        callees=counts,
        callers=counts,
    )
)
def test_a_share_is_a_share(found: Marks):
    """Whatever the counts, and never less than the marks say."""
    share, lost = lost_share(found), found.callees + found.callers

    assert 0 <= share <= 1
    if found.known + lost:
        assert share >= lost / (found.known + lost) - 1e-12


@pytest.mark.parametrize("loss", [0.003, 0.03])
def test_documents_lost_one_by_one(loss: float):
    """Five of them make a call known; the size is within a fifth of the truth."""
    dice, requests = random.Random(5), 20_000
    made = known = callees = callers = whole = headless = served = 0

    def there() -> bool:
        return dice.random() >= loss

    for _ in range(requests):
        worker, ui = there() and there(), there()
        whole += worker
        headless += ui and not worker
        served += ui
        for _ in range(2):
            made += 1
            call, catalog = there() and ui, there()
            known += call and catalog
            callees += call and not catalog
            callers += catalog and not call

    found = Marks(
        requests=requests,
        whole=whole,
        headless=headless,
        served=served,
        known=known,
        callees=callees,
        callers=callers,
    )
    assert lost_share(found) == pytest.approx(1 - known / made, rel=0.2)


@pytest.mark.parametrize("late_s", [0.0, 0.3, 1.0, 4.0])
@pytest.mark.parametrize("gap_s", [0.5, 3.0])
def test_the_documents_of_a_moment_lost_together_are_found_missing(late_s: float, gap_s: float):
    """Whole moments of a run are lost, each program's documents up to *late_s* later than the others'.

    The size is within a fifth of the truth, where marks alone would show a part of it.
    """
    dice, requests = random.Random(5), 8000
    made = known = callees = callers = whole = headless = served = 0
    for _ in range(requests):
        at_s = dice.uniform(0, 20.0)
        worker, ui = (not 8 <= at_s + dice.uniform(0, late_s) < 8 + gap_s for _ in range(2))
        whole += worker
        headless += ui and not worker
        served += ui
        for _ in range(2):
            made += 1
            catalog = not 8 <= at_s + dice.uniform(0, late_s) < 8 + gap_s
            known += ui and catalog
            callees += ui and not catalog
            callers += catalog and not ui

    found = Marks(
        requests=requests,
        whole=whole,
        headless=headless,
        served=served,
        known=known,
        callees=callees,
        callers=callers,
    )
    assert lost_share(found) == pytest.approx(1 - known / made, rel=0.2)
