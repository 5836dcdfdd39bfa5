"""Which name somebody may have meant."""

import pytest

from k8s.model.nearest import hint, nearest

MODES = ("off", "tar", "prefer-close", "prefer-same-zone")


@pytest.mark.parametrize(
    ("word", "meant"),
    [("tarr", "tar"), ("TRA", "tar"), ("prefer-samezone", "prefer-same-zone"), ("fly", None), ("", None)],
)
def test_the_name_that_is_most_like_it(word: str, meant: str | None):
    """In whatever case; none where none is like it."""
    assert nearest(word, MODES) == meant


def test_a_hint_ends_a_message():
    """Or adds nothing to it."""
    assert (hint("tarr", MODES), hint("fly", MODES)) == ("; did you mean tar?", "")
