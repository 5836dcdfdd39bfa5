"""Tokens: how long they are good for."""

import pytest

from k8s.lab.xray.api_errors import XrayError
from k8s.lab.xray.paging import Cursor, PageBook, query_of


def begun(pages: PageBook, name: str, size: int = 10) -> dict[str, str]:
    """Arguments that ask for the second page of a query."""
    cursor = Cursor(query=query_of("Op", {"name": name}), items=range(size))
    return {"name": name, "NextToken": pages.token(cursor, 5) or ""}


def test_token_resumes() -> None:
    """A token leads back to the items and the place, as often as it is used."""
    pages = PageBook(0)
    body = begun(pages, "a")

    for _ in range(2):
        cursor = pages.resume("Op", body)
        assert cursor is not None
        assert (list(cursor.items), cursor.place) == (list(range(10)), 5)
    assert pages.resume("Op", {"name": "a"}) is None


def test_nothing_left_no_token() -> None:
    """At the end there is no token."""
    pages = PageBook(0)

    assert pages.token(Cursor(query="q", items=range(5)), 5) is None


def test_a_few_queries_are_kept() -> None:
    """Sixteen queries are kept; of more, the one not used for longest is forgotten."""
    pages = PageBook(0)
    bodies = [begun(pages, str(number)) for number in range(16)]
    pages.resume("Op", bodies[0])
    begun(pages, "one more")

    assert pages.resume("Op", bodies[0]) is not None
    with pytest.raises(XrayError, match="NextToken is invalid"):
        pages.resume("Op", bodies[1])


def test_many_items_are_not_kept() -> None:
    """Queries that found very much make room earlier; the newest always stays."""
    pages = PageBook(0)
    old, new = begun(pages, "old", 400_000), begun(pages, "new", 600_000)

    assert pages.resume("Op", new) is not None
    with pytest.raises(XrayError):
        pages.resume("Op", old)
