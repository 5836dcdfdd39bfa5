"""Variables that pages name."""

import pytest

from loadtest.worker import variables
from loadtest.worker.plan import Page

PAGE = Page(name="a", path="/", weight=1, headers=(("X-Key", "${env:KEY}"),), body="${env:B}${env:KEY}")


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"KEY": "k", "B": "two\nlines"}, ""),
        ({"KEY": ""}, "not set in the load generators' environment: B, KEY"),
        ({"KEY": "k\r\nX: y", "B": "b"}, "KEY: not fit for a header, which is one line of Latin-1 "),
        ({"KEY": "k\u20ac", "B": "b"}, "KEY: not fit for a header, which is one line of Latin-1 "),
        ({"KEY": " k", "B": "b"}, "KEY: not fit for a header, which is one line of Latin-1 "),
    ],
)
def test_what_cannot_be_sent_is_told_by_name(environment: dict[str, str], said: str):
    """Values are in no message: the HTTP client would quote a header that it refuses."""
    told = variables.trouble((PAGE,), environment)
    assert told.startswith(said)
    assert bool(told) == bool(said)
    assert "\u20ac" not in told
    assert "X: y" not in told
