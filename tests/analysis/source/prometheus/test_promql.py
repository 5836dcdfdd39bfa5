"""The words of queries: escaped, filtered, by milliseconds, and never an extrapolating function."""

import re
from dataclasses import replace

import pytest

from analysis.source.prometheus.promql import (
    Span,
    Words,
    duration,
    pattern_selector,
    selector,
)

WORDS = Words(
    selector='m{reporter="source"}', span=Span(start_s=1_000.0004, end_s=1_060.25), ha_labels=("replica",)
)


def test_selectors():
    """Filters of a selector's own stay."""
    assert selector("m") == "m"
    assert selector("m", ('a="b"', 'c!="d"')) == 'm{a="b", c!="d"}'
    assert selector('m{a="b"}', ('c="d"',)) == 'm{a="b", c="d"}'
    assert pattern_selector(r"x_(.+)\d", ('a="b"',)) == r'{__name__=~"x_(.+)\\d", a="b"}'


def test_durations():
    """In milliseconds, and never none."""
    assert (duration(60), duration(0.0001), duration(1.2345)) == ("60000ms", "1ms", "1234ms")


def test_a_table_is_summed_by_labels():
    """The last scrape at each end, servers of a pair as one."""
    text = WORDS.table(("client", "server"))
    assert text.startswith("sum by (client, server) (((")
    assert 'max without (replica) (last_over_time(m{reporter="source"}[60250ms] @ 1060.250))' in text
    assert WORDS.table(()).startswith("sum(")


def test_labels_in_a_raw_query_are_escaped():
    """A quote in a label's value ends nothing."""
    assert WORDS.raw({"a": 'x"} or up'}, 3_600) == 'm{reporter="source", a="x\\"} or up"}[3660250ms]'


@pytest.mark.parametrize(
    "text",
    [
        WORDS.table(("a",)),
        WORDS.reset,
        WORDS.gap,
        WORDS.paired(),
        WORDS.first_flank,
        WORDS.stale_at_start,
        WORDS.oldest_flank,
        WORDS.last_flank(1_050),
        WORDS.silent(1_050),
        WORDS.ended(1_050),
        WORDS.newcomers,
        WORDS.newcomers_counted,
        WORDS.older_newcomers,
        WORDS.restarted,
        WORDS.doubled,
        WORDS.hidden_restarts,
        WORDS.seen(1_050, 5),
        WORDS.seen(1_050, 5, of_all=True),
        WORDS.pending(1_050, 5),
    ],
)
def test_nothing_extrapolates(text: str):
    """No increase, rate or delta; and every bracket is closed."""
    assert not re.search(r"\b(increase|rate|irate|delta|idelta)\(", text)
    assert text.count("(") == text.count(")")
    assert text.count("[") == text.count("]")


def test_what_is_known_to_be_none_is_not_asked_for():
    """A walk through the series costs: without restarts, gaps and pairs a table needs four."""
    plain = replace(WORDS, ha_labels=(), has_resets=False, has_gaps=False)
    assert plain.table(("a",)).count(WORDS.selector) == 4
    assert WORDS.table(("a",)).count(WORDS.selector) == 7
    assert "max without" not in plain.table(("a",))
