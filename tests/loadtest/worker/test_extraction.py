"""Ids in the answer of a page."""

import pytest

from k8s.errors import UsageError
from loadtest.worker.extraction import ids_in
from loadtest.worker.plan import DEFAULT_PAGES, STORE_LINKS, IdSource, Page
from tests.loadtest.stand import CATALOG


def test_the_stores_catalog_page_links_to_its_products():
    """Absolute links as well; its search is no product, and a product may begin as the search does."""
    more = (
        b"<a href='http://ui.ui/catalog/searchlight?x=1'> <a href=\"/catalog/\"> <a href='/catalog/search#a'>"
    )
    assert ids_in(CATALOG + more, STORE_LINKS) == ("p-1", "p-2", "searchlight")


@pytest.mark.parametrize(
    ("answer", "path", "ids"),
    [
        (b'{"items": [{"id": "b"}, {"id": 1}, {"id": null}, {"id": true}, {}]}', "items[].id", ("1", "b")),
        (b'[["x"], ["y", ""]]', "[][]", ("x", "y")),
        (b'{"a": {"b": "c"}}', "a.b", ("c",)),
        (b'{"a": 1}', "a[].b", ()),
        (b"<html>", "items[].id", ()),
    ],
)
def test_ids_of_json_are_texts_and_integers(answer: bytes, path: str, ids: tuple[str, ...]):
    """Sorted, each once; whatever has another shape has none."""
    assert ids_in(answer, IdSource(page="p", json=path)) == ids


def test_an_expression_without_a_group_is_the_id():
    """A second group would leave open which one is meant."""
    assert ids_in(b"sku-1 sku-22 sku-1", IdSource(page="p", regex=r"sku-\d+")) == ("sku-1", "sku-22")
    with pytest.raises(UsageError, match="has 2 groups"):
        IdSource(page="p", regex="(a)(b)")


def test_a_page_tells_whether_ids_have_to_be_learned():
    """Only where it wants one and has none; the store's product page tells nothing of them."""
    assert [page.id_source for page in DEFAULT_PAGES] == [None, None, STORE_LINKS]
    assert Page(name="a", path="/{id}", weight=1, ids=("1",)).id_source is None
    own = IdSource(page="b", regex="x")
    assert Page(name="a", path="/", body="{id}", weight=1, source=own).id_source == own
