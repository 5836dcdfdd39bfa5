"""Which page each arrival opens."""

import json
from collections import Counter

import pytest

from loadtest.worker.choice import page_mix, visits_of
from loadtest.worker.plan import DEFAULT_PAGES, STORE_LINKS, Page

PRODUCTS = ("p-1", "p-2", "p-3")


def paths(*, seed: int = 1, worker: int = 0, slots: int = 300) -> list[str]:
    """The paths of one worker's first arrivals."""
    mix = page_mix(DEFAULT_PAGES, {STORE_LINKS: PRODUCTS}, seed=seed, worker=worker, environment={})
    return [mix.at(slot).path for slot in range(slots)]


def test_the_same_seed_and_worker_replay_the_same_paths():
    """Two arms see the same requests, whatever order the products were found in."""
    again = page_mix(DEFAULT_PAGES, {STORE_LINKS: PRODUCTS[::-1]}, seed=1, worker=0, environment={})

    assert paths() == [again.at(slot).path for slot in range(300)]


@pytest.mark.parametrize("other", [{"seed": 2}, {"worker": 1}])
def test_another_seed_or_worker_opens_other_pages(other: dict[str, int]):
    """Workers do not walk in step."""
    assert paths() != paths(**other)


@pytest.mark.parametrize("worker", range(3))
def test_pages_follow_their_weights(worker: int):
    """2:1:2 over many arrivals, and the products of a page equally often."""
    seen = Counter(paths(worker=worker, slots=30_000))

    assert abs(seen["/home"] / 30_000 - 0.4) < 0.012
    assert abs(seen["/catalog"] / 30_000 - 0.2) < 0.012
    assert all(abs(seen[f"/catalog/{product}"] / 30_000 - 0.4 / 3) < 0.012 for product in PRODUCTS)


def test_without_products_a_product_page_fails_visibly():
    """The placeholder stays, so the store answers 404 and the tally shows it."""
    pages = (Page(name="product", path="/catalog/{id}", weight=1),)
    mix = page_mix(pages, {}, seed=1, worker=0, environment={})

    assert mix.at(0).path == "/catalog/{id}"


def test_an_id_and_a_variable_are_put_where_they_fit():
    """Quoted in a path and in JSON; a variable that looks like a place for an id is sent as it is."""
    page = Page(
        name="order",
        path="/orders/{id}",
        weight=1,
        headers=(("Authorization", "Bearer ${env:TOKEN}"),),
        body='{"like":"{id}","pin":"${env:PIN}"}',
        is_json=True,
        ids=('a"/b',),
    )

    (visit,) = visits_of(page, page.ids, {"TOKEN": "{id}", "PIN": 'x"{id}${env:TOKEN}'})

    assert visit.path == "/orders/a%22%2Fb"
    assert visit.headers == (("Authorization", "Bearer {id}"),)
    assert json.loads(visit.body) == {"like": 'a"/b', "pin": 'x"{id}${env:TOKEN}'}
    assert "Bearer {id}" not in repr(visit)
