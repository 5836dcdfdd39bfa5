"""Which URLs can be loaded."""

import pytest

from k8s.errors import UsageError
from loadtest.worker.target import Target


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ftp://a", "give http:// or https://"),
        ("frontend.shop", "give http:// or https://"),
        ("http://", "give http:// or https://"),
        ("http://a:0", "give http:// or https://"),
        ("http://a/b c", "give http:// or https://"),
        ("http://a:99999", "Port out of range"),
        ("http://[::1", "Invalid IPv6 URL"),
        ("http://a/b?c=d", "may have no \\?"),
        ("http://a/b#c", "may have no \\?"),
    ],
)
def test_a_url_that_cannot_be_loaded_is_named(url: str, told: str):
    """With what is wrong with it."""
    with pytest.raises(UsageError, match=told) as caught:
        Target(url=url)
    assert repr(url) in str(caught.value)


def test_a_password_is_neither_kept_nor_repeated():
    """A URL is stored in artifacts."""
    with pytest.raises(UsageError) as caught:
        Target(url="https://me:secret@shop.example")
    assert "secret" not in str(caught.value)


def test_propagations_are_three():
    """Another one is refused with their names."""
    with pytest.raises(UsageError, match="w3c, xray, both"):
        Target(propagate="b3")


def test_a_target_is_told_in_a_few_words():
    """A comparison of two plans prints it; certificates would fill a page."""
    assert str(Target()) == "the client Service, w3c"
    assert str(Target(url="https://a", ca="-----BEGIN", propagate="both")) == "https://a, own CA, both"
    assert str(Target(url="https://a", insecure=True)) == "https://a, unverified, w3c"
