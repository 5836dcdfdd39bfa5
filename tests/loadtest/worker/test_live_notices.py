"""What is said above the numbers of the Zones tab: a sentence for each thing, and none where all is well."""

from dataclasses import replace

import pytest

from loadtest.worker.live_notices import NOBODY, SLACK_S, TOLD_S, of_live, of_load, stale_s
from loadtest.worker.live_view import CallsNow, EndpointShare, LiveView, ModeMark, ShareSlice
from loadtest.worker.messages import SwarmView

NOW_S = 1_000.0
VIEW = LiveView(
    service="catalog/catalog",
    client="ui/ui",
    source="X-Ray",
    usual_s=7.0,
    mode="off",
    slices=(ShareSlice(start_s=NOW_S - 6, end_s=NOW_S - 4, same=3, cross=6, unknown=0),),
    now=CallsNow(start_s=NOW_S - 14, end_s=NOW_S - 4, same=30, cross=60, unknown=5),
)
BOARD = SwarmView(state="ready", generation=0, workers=3, idle=3, lost=(), problem="", lead_s=0.0, tallies=())


def told(view: LiveView | None = VIEW, *, later_s: float = 0.0, away: bool = False) -> list[str]:
    return of_live(view, is_away=away, age_s=later_s, now_s=NOW_S + later_s)


def test_nothing_is_said_where_all_is_well():
    """Some unknown calls, a view that is a second old: the figures say that themselves."""
    assert told(later_s=1.0) == []
    assert of_load(BOARD) == []


def test_a_source_that_fails_is_its_own_line_and_the_age_another():
    """Which call of whom, why, what to do; and how old what is shown is, once that is more than usual."""
    why = "Reading the calls: calling GetServiceGraph of X-Ray: AccessDeniedException: no; allow it"
    failing = replace(VIEW, problems=(why,))

    assert told(failing) == [why]
    late_s = VIEW.usual_s + SLACK_S
    assert told(failing, later_s=late_s) == [
        why, f"The numbers below are {late_s + 4:.0f} s old; 7 s at most are usual."
    ]  # fmt: skip


def test_how_old_is_usual_is_the_sources_own():
    """X-Ray on AWS is a minute behind, and that is no trouble."""
    assert stale_s(VIEW, now_s=NOW_S + 90) == 94.0
    assert stale_s(replace(VIEW, usual_s=120.0), now_s=NOW_S + 90) is None
    assert stale_s(replace(VIEW, slices=()), now_s=NOW_S + 90) is None


def test_somebody_who_looks_no_more_is_told_with_the_age():
    """One line, not two: the numbers are as old as that."""
    (line,) = told(later_s=60.0, away=True)
    assert line.startswith("samezone web was last heard of 60 s ago: the numbers below are 64 s old, and ")
    assert "there are no numbers" in told(replace(VIEW, slices=()), later_s=60.0, away=True)[0]
    assert told(None, away=True) == [NOBODY]


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (CallsNow(same=0, cross=0, unknown=7, reasons=("no pod",)),
         ["Of none of the newest 7 requests both zones are known, so there is no share: no pod."]),
        (CallsNow(same=1, cross=0, unknown=7), []),
        (CallsNow(), []),
    ],
)  # fmt: skip
def test_no_coverage_is_no_share(now: CallsNow, said: list[str]):
    """Unknown calls are in no zone; where nobody called, nothing is unknown."""
    assert told(replace(VIEW, now=now)) == said


def test_a_change_by_somebody_else_is_told_for_a_while():
    """By the last mark alone: a press after it is what is in force."""
    theirs = ModeMark(at_s=NOW_S - 12, before="off", mode="prefer-close", is_elsewhere=True)
    ours = ModeMark(at_s=NOW_S - 2, before="prefer-close", mode="tar")

    assert told(replace(VIEW, marks=(theirs,), usual_s=1e6)) == [
        "Somebody else changed the mode 12 s ago, from off to prefer-close."
    ]
    assert told(replace(VIEW, marks=(theirs,), usual_s=1e6), later_s=TOLD_S) == []
    assert told(replace(VIEW, marks=(theirs, ours))) == []
    assert told(replace(VIEW, marks=(ours,))) == []


def test_nobody_to_send_is_told():
    """Whoever was lost is named as well."""
    nobody = replace(BOARD, workers=0, idle=0)

    assert of_load(nobody) == ["No load generator is connected, so nothing can be sent from here."]
    assert of_load(replace(nobody, lost=("w1", "w2")))[0] == "Lost and not replaced yet: w1, w2."


def test_a_hot_endpoint_is_named():
    """With its zone, or that it is not known."""
    hot = EndpointShare(pod="catalog-1", zone="", calls=9, times_mean=1.61, is_hot=True)

    assert told(replace(VIEW, now=replace(VIEW.now, endpoints=(hot, replace(hot, is_hot=False))))) == [
        "Hot endpoint: catalog-1 (zone unknown) gets 1.61 times the mean."
    ]
