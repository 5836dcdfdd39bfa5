"""What a run asks of X-Ray."""

from dataclasses import replace

import pytest

from k8s.errors import UsageError
from loadtest import budget
from loadtest.worker.plan import DEFAULT_PAGES, LoadPlan, Page

OTHER = Page(name="home", path="/", weight=3)


@pytest.mark.parametrize(("page", "documents"), [*zip(DEFAULT_PAGES, (7, 9, 5), strict=True), (OTHER, 9)])
def test_documents_of_one_page(page: Page, documents: int):
    """The worker's two, the ui's one, two for each call to catalog; an unknown page counts as the largest."""
    assert budget.documents_per_request(LoadPlan(pages=(page,))) == documents


def test_an_unknown_fan_out_is_told():
    """Of an app's own pages; not of the store's, whatever their weights."""
    assert budget.budget(LoadPlan(pages=(replace(DEFAULT_PAGES[0], weight=7),))).assumption == ""
    assert str(budget.budget(LoadPlan(pages=(OTHER,)))).startswith(
        "about 450 segments/s of 2,600 (if a request makes 3 calls: its fan-out is not known), 2,250 traces"
    )
    with pytest.raises(UsageError, match=r"its fan-out is not known.*give --rate 173 or less"):
        budget.check(LoadPlan(rate_per_s=300, pages=(OTHER,)))


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
