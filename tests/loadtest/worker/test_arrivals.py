"""The schedule of arrivals: rates over time, even or by chance, seat by seat."""

import itertools
import math
from statistics import fmean, variance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s.errors import UsageError
from loadtest.worker.arrivals import POISSON, Profile, RateStep, constant, shares

RATES = st.one_of(st.just(0.0), st.floats(0.1, 1000))
STEPS = st.builds(RateStep, begin_per_s=RATES, end_per_s=RATES, seconds=st.floats(0.1, 60))
LAST = st.builds(RateStep, begin_per_s=RATES, end_per_s=st.floats(0.5, 1000), seconds=st.floats(0.1, 60))
PROFILES = st.builds(lambda steps, last: Profile((*steps, last)), st.lists(STEPS, max_size=4), LAST)


@given(rate=st.floats(0.5, 5000), seats=st.integers(1, 20), slots=st.integers(1, 50))
def test_arrivals_of_all_seats_together_are_evenly_spaced(rate: float, seats: int, slots: int):
    """The union of the seats' schedules is one arrival every 1/rate seconds, from 0 on."""
    merged = sorted(one.intended_s(slot) for one in shares(constant(rate), seats) for slot in range(slots))

    assert all(
        math.isclose(due_s, number / rate, rel_tol=1e-9, abs_tol=1e-9) for number, due_s in enumerate(merged)
    )


@given(rate=st.floats(0.05, 5000), seats=st.integers(1, 9), slot=st.integers(0, 100_000))
def test_who_joins_late_begins_at_the_next_arrival(rate: float, seats: int, slot: int):
    """Everything due until then is the others' or missing; nothing is sent twice, nothing left out."""
    for share in shares(constant(rate), seats):
        just_after_s = share.intended_s(slot) + 0.3 * seats / rate
        assert share.due(just_after_s) == slot + 1
        assert share.intended_s(share.due(just_after_s)) > just_after_s
    assert shares(constant(rate), seats)[-1].due(-1.0) == 0


@given(profile=PROFILES, seats=st.integers(1, 9), at_s=st.floats(0, 400))
def test_seats_together_send_what_the_profile_asks_for(profile: Profile, seats: int, at_s: float):
    """Within one request, at any time, whatever the profile."""
    due = sum(share.due(at_s) for share in shares(profile, seats))
    assert -1e-6 <= due - profile.arrivals_until(at_s) <= 1 + 1e-6


@given(
    profile=PROFILES,
    seats=st.integers(1, 5),
    slot=st.integers(0, 2000),
    arrivals=st.sampled_from(["even", "poisson"]),
)
def test_arrivals_are_in_order_and_due_when_they_are_intended(
    profile: Profile, seats: int, slot: int, arrivals: str
):
    """A replacement goes on where its forerunner's schedule is: ``due`` is the inverse of ``intended_s``."""
    share = shares(profile, seats, arrivals=arrivals, seed=7)[-1]
    intended_s = share.intended_s(slot)
    assert share.intended_s(slot + 1) >= intended_s >= 0
    assert share.due(intended_s * (1 - 1e-9) - 1e-9) <= slot + 1
    assert share.due(intended_s * (1 + 1e-6) + 1e-6) >= slot + 1
    assert math.isclose(profile.arrivals_until(profile.reached_s(slot)), slot, rel_tol=1e-6, abs_tol=1e-6)


def test_a_ramp_sends_more_and_more():
    """From 0 to 100/s in 10 s: a quarter of the 500 in the first half; then 100/s."""
    ramp = Profile((RateStep(begin_per_s=0, end_per_s=100, seconds=10),))
    share = shares(ramp, 1)[0]
    assert (share.due(5), share.due(10), share.due(12)) == (126, 501, 701)
    assert share.intended_s(0) == 0


def test_by_chance_counts_have_the_mean_and_the_variance_of_poisson():
    """4,000 windows of 1 s of three seats at 20/s together: both are 20, within five standard errors."""
    seats = shares(constant(20), 3, arrivals=POISSON, seed=11)
    ends = [sum(share.due(second) for share in seats) for second in range(4001)]
    counts = [after - before for before, after in itertools.pairwise(ends)]

    assert abs(fmean(counts) - 20) < 5 * math.sqrt(20 / 4000)
    assert abs(variance(counts) - 20) < 5 * 20 * math.sqrt(2 / 4000 + 1 / (20 * 4000))


def test_gaps_by_chance_are_exponential_and_follow_a_profile():
    """The share of gaps longer than the mean is 1/e; at ten times the rate there are ten times more."""
    share = shares(constant(50), 1, arrivals=POISSON, seed=3)[0]
    times = [share.intended_s(slot) for slot in range(10_001)]
    longer = sum(after - before > 1 / 50 for before, after in itertools.pairwise(times))
    assert abs(longer / 10_000 - 1 / math.e) < 0.025

    step = Profile(
        (
            RateStep(begin_per_s=10, end_per_s=10, seconds=100),
            RateStep(begin_per_s=100, end_per_s=100, seconds=1),
        )
    )
    seat = shares(step, 1, arrivals=POISSON, seed=3)[0]
    assert abs(seat.due(100) - 1000) < 160
    assert abs(seat.due(200) - seat.due(100) - 10_000) < 500


def test_chance_repeats_itself_for_a_seed_and_differs_between_seats():
    """Two arms see the same moments, in whatever order they are asked for."""
    once = [shares(constant(50), 2, arrivals=POISSON, seed=5)[seat] for seat in (0, 1)]
    again = shares(constant(50), 2, arrivals=POISSON, seed=5)
    backwards = [again[0].intended_s(slot) for slot in reversed(range(600))]

    assert backwards[::-1] == [once[0].intended_s(slot) for slot in range(600)]
    assert again[0].due(3.0) == once[0].due(3.0)
    assert once[0].intended_s(0) != once[1].intended_s(0)
    assert once[0].intended_s(0) != shares(constant(50), 2, arrivals=POISSON, seed=6)[0].intended_s(0)


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (RateStep(begin_per_s=1, end_per_s=0, seconds=1),),
        (RateStep(begin_per_s=1, end_per_s=1, seconds=0),),
        (RateStep(begin_per_s=-1, end_per_s=1, seconds=1),),
        (RateStep(begin_per_s=math.nan, end_per_s=1, seconds=1),),
    ],
)
def test_a_profile_that_cannot_be_sent_is_refused(steps: tuple[RateStep, ...]):
    """One without end, without length, below nothing."""
    with pytest.raises(UsageError, match="load plan: a profile"):
        Profile(steps)
