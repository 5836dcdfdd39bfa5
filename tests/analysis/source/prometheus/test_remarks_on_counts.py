"""What is remarked of counts: each reason by itself, with its figure, and whether it is slight."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from analysis.source.interface import FlawKind
from analysis.source.prometheus.differences import Stepped
from analysis.source.prometheus.profiles import NETOBSERV, ZTUNNEL, Profile
from analysis.source.prometheus.promql import Span
from analysis.source.prometheus.remarks_on_counts import Noticed, remarks, true_window
from analysis.source.prometheus.stored_answers import About, Piece
from loadtest.record import Window
from tests.analysis.source.prometheus.answered import END_S, START_S

STEP = Stepped(counted=9.0, began_s=START_S - 1.0, ended_s=END_S)


def noticed(
    figures: Mapping[Piece, float] | None = None,
    odd: Sequence[Stepped] = (),
    *,
    quiet_s: float = 5.0,
    profile: Profile = ZTUNNEL,
    **changes: object,
) -> Noticed:
    """A whole answer with nothing to say of it, but for what is given."""
    about = About(
        profile=profile,
        window=Window(start_s=START_S, end_s=END_S),
        quiet_s=quiet_s,
        span=Span(start_s=START_S + quiet_s, end_s=END_S - quiet_s),
    )
    plain = Noticed(
        about=about,
        figures=figures or {},
        odd=odd,
        lacking=0,
        negative=0,
        broken=0,
        shared=(),
        warnings=(),
        infos=(),
    )
    return replace(plain, **changes)  # type: ignore[arg-type] - by name


def test_nothing_to_say():
    """A window that scrapes flank within its quiet time."""
    flanks = {Piece.FIRST_MIN: START_S + 1.0, Piece.LAST_MAX: END_S - 1.0}
    assert remarks(noticed(flanks)) == ()


def test_the_true_window():
    """From the earliest scrape before the load, those of failed series included, to the latest after it."""
    figures = {Piece.FIRST_MIN: START_S + 3.0, Piece.OLDEST: START_S - 9.0, Piece.LAST_MAX: END_S + 2.0}
    assert true_window(noticed(figures)) == Window(start_s=START_S - 9.0, end_s=END_S + 2.0)


@pytest.mark.parametrize(
    ("figures", "window"),
    [
        ({}, None),
        ({Piece.FIRST_MIN: START_S}, None),
        ({Piece.LAST_MAX: END_S}, Window(start_s=START_S + 5.0, end_s=END_S)),
        (
            {Piece.FIRST_MIN: START_S + 9.0, Piece.LAST_MAX: START_S + 8.0},
            Window(start_s=START_S + 9.0, end_s=START_S + 9.0),
        ),
    ],
    ids=["nothing scraped", "nothing after it", "nothing before it", "never of less than no length"],
)
def test_a_window_with_a_side_missing(figures: dict[Piece, float], window: Window | None):
    """Where nothing was scraped before it, counters were born in it, at the moment asked for."""
    assert true_window(noticed(figures)) == window


BESIDE = replace(STEP, resets=2, beside_resets=6.0)
LATE = replace(STEP, began_s=START_S - 95.0, first_step=4.0)
EARLY = {Piece.FIRST_MIN: START_S - 2.0, Piece.LAST_MAX: END_S + 9.5}


@pytest.mark.parametrize(
    ("seen", "kind", "slight", "words"),
    [
        (noticed(warnings=["store 2 is away"]), FlawKind.PAGES, False, "may not be whole: store 2 is away"),
        (noticed(infos=["no counter?"]), FlawKind.PAGES, True, "the store remarks: no counter?"),
        (noticed(lacking=3), FlawKind.PAGES, False, "3 series that restarted have no scrapes"),
        (noticed({Piece.DOUBLED: 2}), FlawKind.COUNTS, False, "2 targets are scraped by several jobs"),
        (noticed(EARLY), FlawKind.WINDOW, False, "of 71.5 s instead of 60.0 s, from 2.0 s before it and to"),
        (noticed(EARLY, quiet_s=0.0), FlawKind.WINDOW, True, "9.5 s after it: what was counted there is inc"),
        (
            noticed(odd=[BESIDE]),
            FlawKind.COUNTS,
            False,
            r"2 times in all; .* beside it \(6\); meas",
        ),
        (noticed(odd=[replace(BESIDE, beside_resets=0.0)]), FlawKind.COUNTS, True, "nothing is missing"),
        (noticed({Piece.HIDDEN: 1}), FlawKind.COUNTS, False, "1 counters belong to processes that restarted"),
        (noticed(odd=[LATE]), FlawKind.WINDOW, False, "for up to 100 s before the window; 4 of their counts"),
        (noticed(odd=[replace(LATE, first_step=0.0)]), FlawKind.WINDOW, True, "nothing was counted in it"),
        (noticed({Piece.STALE: 7}), FlawKind.WINDOW, True, "the last scrape before the window failed for 7"),
        (
            noticed({Piece.NEWCOMERS: 2, Piece.NEWCOMERS_COUNTED: 5, Piece.OLDER_NEWCOMERS: 5}),
            FlawKind.COUNTS,
            False,
            "scraped for the first time in it: 5 of the counts may be from before",
        ),
        (
            noticed({Piece.NEWCOMERS: 2, Piece.NEWCOMERS_COUNTED: 5}),
            FlawKind.COUNTS,
            True,
            "2 counters were first seen in the window, with 5 counts at that scrape",
        ),
        (noticed({Piece.ENDED: 4}), FlawKind.COUNTS, True, "4 counters were not scraped any more"),
        (noticed(negative=1), FlawKind.COUNTS, False, "1 pairs would have counted less than nothing"),
        (noticed(broken=6), FlawKind.COUNTS, True, "6 counts are no whole numbers and were rounded"),
        (
            noticed(profile=replace(NETOBSERV, multiplier=50)),
            FlawKind.SAMPLE,
            True,
            "one of 50 was counted .* an estimate",
        ),
        (noticed(shared=["web", "api"]), FlawKind.TOPOLOGY, True, "NAME.NAMESPACE: api, web"),
    ],
)
def test_each_reason(seen: Noticed, kind: FlawKind, slight: bool, words: str):
    """One remark, and nothing is called slight that a figure can be wrong by."""
    (flaw,) = remarks(seen)
    assert (flaw.kind, flaw.is_slight) == (kind, slight)
    assert re.search(words, flaw.text), flaw.text
    assert "\n" not in flaw.text


def test_a_counter_that_restarted_is_not_late_as_well():
    """Its gap is told once; nor is one late that was not scraped in the window at all."""
    (flaw,) = remarks(noticed(odd=[replace(LATE, resets=1, beside_resets=2.0)]))
    assert "started again from 0" in flaw.text
    assert remarks(noticed(odd=[replace(LATE, ended_s=None)])) == ()


def test_what_the_store_says_twice_is_told_once():
    """Each query gets the same warning."""
    assert len(remarks(noticed(warnings=["away"] * 9, infos=["odd"] * 9))) == 2


def test_at_most_three_names():
    """However many stand in several namespaces."""
    (flaw,) = remarks(noticed(shared=[f"app-{at}" for at in range(9)]))
    assert flaw.text.endswith("app-0, app-1, app-2")
