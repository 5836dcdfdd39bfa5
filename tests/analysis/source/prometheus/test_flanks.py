"""Until when to ask: as early as everything has been scraped, and not before."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.source.interface import IncompleteError
from analysis.source.prometheus.flanks import DELAYS_S, delay_s
from analysis.source.prometheus.promql import LOOK_BACK_S, Span, Words

WORDS = Words(selector="m", span=Span(start_s=0, end_s=1), ha_labels=())


def answering(nexts: list[float], *, gone: int = 0, asked: list[float] | None = None):
    """Counters that are next scraped so long after 1,000 s; *gone* ones never, and no marker says so."""

    def count(text: str, at_s: float) -> int:
        if asked is not None:
            asked.append(at_s)
        if text == f"count({WORDS.live(1_000.0)})":
            return len(nexts) + gone
        delay = at_s - 1_000.0
        assert re.search(r"\[(\d+)ms\]", text)
        scraped = sum(one <= delay for one in nexts)
        return len(nexts) + gone - scraped if "up == 0" in text else scraped

    return count


@given(st.lists(st.floats(0.1, 290), min_size=1, max_size=20))
def test_the_smallest_delay_that_is_enough(nexts: list[float]):
    """Long after the load, whatever the intervals are."""
    found = delay_s(answering(nexts), WORDS, 1_000.0, 9_000.0)
    assert max(nexts) <= found
    assert found == min(one for one in DELAYS_S if one >= max(nexts))


def test_not_before_every_counter_was_scraped():
    """Then soon, and nothing is asked of the future."""
    asked: list[float] = []
    count = answering([4.0, 13.0], asked=asked)
    for now_s in (1_000.0, 1_000.5, 1_012.9):
        with pytest.raises(IncompleteError):
            delay_s(count, WORDS, 1_000.0, now_s)
    assert delay_s(count, WORDS, 1_000.0, 1_013.5) == 13.5
    assert max(asked) <= 1_013.5


def test_who_is_gone_is_waited_for_no_longer_than_the_look_back():
    """Without a marker nothing says that it is gone."""
    count = answering([4.0], gone=1)
    with pytest.raises(
        IncompleteError, match="1 counters have not been scraped since the load ended 200 s ago"
    ):
        delay_s(count, WORDS, 1_000.0, 1_200.0)
    assert delay_s(count, WORDS, 1_000.0, 1_000.0 + LOOK_BACK_S) == 5.0


def test_nothing_at_all():
    """It may still come; in the end there is nothing."""
    count = answering([])
    with pytest.raises(IncompleteError, match="no counter of m has been scraped"):
        delay_s(count, WORDS, 1_000.0, 1_050.0)
    assert delay_s(count, WORDS, 1_000.0, 2_000.0) == 1.0
