"""The schedule of arrivals."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s.errors import UsageError
from loadtest.worker.arrivals import RateStep
from loadtest.worker.plan import IdSource, LoadPlan, Page, differences, users_of_seats


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


def test_a_page_for_the_ids_of_others_needs_no_weight():
    """Some page has to be opened, though."""
    listed = Page(name="list", path="/", weight=0)
    item = Page(name="item", path="/{id}", weight=1, source=IdSource(page="list", regex="x"))
    assert LoadPlan(pages=(listed, item)).pages[0] == listed
    with pytest.raises(UsageError, match="weight"):
        LoadPlan(pages=(listed, replace(item, weight=0)))


def test_differences_name_what_two_plans_do_not_share():
    """The comparison can say why it refuses."""
    assert [difference.name for difference in differences(LoadPlan(), LoadPlan(rate_per_s=60, seed=2))] == [
        "rate_per_s",
        "seed",
    ]


@given(users=st.integers(1, 1000), seats=st.integers(1, 50))
def test_users_are_split_evenly(users: int, seats: int):
    """All of them, and none has two more than another."""
    split = users_of_seats(users, seats)
    assert (sum(split), len(split)) == (users, seats)
    assert max(split) - min(split) <= 1


RAMP = (RateStep(begin_per_s=10, end_per_s=110, seconds=20),)


def test_the_rate_of_a_profile_is_its_mean_over_the_measured_window():
    """Whoever compares what was asked with what was seen finds it there; a shorter window has another one."""
    plan = LoadPlan(steps=RAMP, duration_s=40)
    assert plan.rate_per_s == (20 * 60 + 20 * 110) / 40
    assert replace(plan, duration_s=20).rate_per_s == 60
    assert plan.due_per_s(20, 3) == 60
    assert [one.name for one in differences(plan, LoadPlan(duration_s=40))] == ["rate_per_s", "steps"]


def test_by_chance_the_schedule_itself_says_what_was_asked():
    """Its arrivals are known: a window of a few seconds need not have the mean."""
    plan = LoadPlan(arrivals="poisson", duration_s=10)
    due = sum(share.due(10) for share in plan.seats(3))
    assert plan.due_per_s(10, 3) == due / 10 != plan.rate_per_s == 50
    with pytest.raises(UsageError, match="arrivals is 'random'; give even or poisson"):
        LoadPlan(arrivals="random")
