"""What a run asks of X-Ray."""

import pytest

from k8s.errors import UsageError
from loadtest import budget
from loadtest.worker.plan import LoadPlan, Page


@pytest.mark.parametrize(("name", "documents"), [("home", 7), ("catalog", 9), ("product", 5), ("other", 9)])
def test_documents_of_one_page(name: str, documents: int):
    """The worker's two, the ui's one, two for each call to catalog; an unknown page counts as the largest."""
    plan = LoadPlan(pages=(Page(name=name, path="/", weight=3),))
    assert budget.documents_per_request(plan) == documents


def test_the_mix_is_weighted():
    """2 home, 1 catalog, 2 products: (2 * 7 + 9 + 2 * 5) / 5."""
    assert budget.documents_per_request(LoadPlan()) == pytest.approx(6.6)


def test_money_counts_the_warm_up():
    """Ten minutes at 200 requests/s are 120,000 traces, 60 cents."""
    found = budget.check(LoadPlan(rate_per_s=200, duration_s=580, warmup_s=20))
    assert (found.traces, found.dollars) == (120_000, pytest.approx(0.60))
    assert str(found) == "about 1320 segments/s of 2,600, 120,000 traces ($0.60)"


def test_more_than_x_ray_keeps_is_refused():
    """The message names the rate that fits, and that rate does."""
    with pytest.raises(UsageError, match="--rate 236 or less"):
        budget.check(LoadPlan(rate_per_s=300))
    budget.check(LoadPlan(rate_per_s=236))
