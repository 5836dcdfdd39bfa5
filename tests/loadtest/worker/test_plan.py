"""The schedule of arrivals."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s.errors import UsageError
from loadtest.worker.plan import LoadPlan, Page, differences, shares, users_of_seats


@given(rate=st.floats(0.5, 5000), workers=st.integers(1, 20), slots=st.integers(1, 50))
def test_arrivals_of_all_workers_together_are_evenly_spaced(rate: float, workers: int, slots: int):
    """The union of the workers' schedules is one arrival every 1/rate seconds, from 0 on."""
    merged = sorted(share.intended_s(slot) for share in shares(rate, workers) for slot in range(slots))

    assert all(
        math.isclose(due_s, number / rate, rel_tol=1e-9, abs_tol=1e-9) for number, due_s in enumerate(merged)
    )


def test_shares_add_up_to_the_rate():
    """No worker gets more than another, and nothing is lost by splitting."""
    assert [share.rate_per_s for share in shares(60, 3)] == [20.0, 20.0, 20.0]


@pytest.mark.parametrize(
    ("field", "value"), [("rate_per_s", 0), ("rate_per_s", math.nan), ("users", 0), ("timeout_s", math.inf)]
)
def test_a_plan_out_of_bounds_is_refused_by_name(field: str, value: float):
    """The message names the field."""
    with pytest.raises(UsageError, match=field):
        LoadPlan(**{field: value})


def test_a_page_without_weight_is_refused():
    """A page that is never opened is a mistake."""
    with pytest.raises(UsageError, match="weight"):
        LoadPlan(pages=(Page(name="home", path="/home", weight=0),))


def test_differences_name_what_two_plans_do_not_share():
    """The comparison can say why it refuses."""
    assert [difference.name for difference in differences(LoadPlan(), LoadPlan(rate_per_s=60, seed=2))] == [
        "rate_per_s",
        "seed",
    ]


@given(
    rate=st.floats(0.05, 5000),
    workers=st.integers(1, 9),
    slot=st.integers(0, 100_000),
)
def test_who_joins_late_begins_at_the_next_arrival(rate: float, workers: int, slot: int):
    """Everything due until then is the others' or missing; nothing is sent twice, nothing left out."""
    for share in shares(rate, workers):
        just_after_s = share.intended_s(slot) + 0.3 / share.rate_per_s
        assert share.due(just_after_s) == slot + 1
        assert share.intended_s(share.due(just_after_s)) > just_after_s
    assert shares(rate, workers)[-1].due(-1.0) == 0


@given(users=st.integers(1, 1000), seats=st.integers(1, 50))
def test_users_are_split_evenly(users: int, seats: int):
    """All of them, and none has two more than another."""
    split = users_of_seats(users, seats)
    assert (sum(split), len(split)) == (users, seats)
    assert max(split) - min(split) <= 1
