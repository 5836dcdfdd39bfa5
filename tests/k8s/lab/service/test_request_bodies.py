"""Where a request's body ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8s.lab.service.request_bodies import MOST_BODY_BYTES, BodyError, body_length

CHUNKED = {"transfer-encoding": "chunked"}


def test_a_request_without_a_length_has_no_body() -> None:
    """What follows is the next request."""
    assert body_length({}, b"GET / HTTP/1.1") == 0


@given(st.binary(max_size=40), st.binary(max_size=40), st.integers(0, 80))
def test_a_body_of_a_length_ends_there(body: bytes, more: bytes, cut: int) -> None:
    """However much has come already."""
    headers = {"content-length": str(len(body))}
    received = (body + more)[:cut]
    assert body_length(headers, received) == (len(body) if cut >= len(body) else None)


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=4), st.booleans(), st.binary(max_size=9))
def test_a_chunked_body_ends_behind_its_last_chunk(
    chunks: list[bytes], has_trailer: bool, more: bytes
) -> None:
    """Every shorter part of it is not enough."""
    sent = b"".join(b"%x;a=b\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n"
    sent += b"Sum: 1\r\n\r\n" if has_trailer else b"\r\n"
    assert body_length(CHUNKED, sent + more) == len(sent)
    assert [body_length(CHUNKED, sent[:cut]) for cut in range(len(sent))] == [None] * len(sent)


@pytest.mark.parametrize(
    ("headers", "received", "status"),
    [
        ({"content-length": "-1"}, b"", 400),
        ({"content-length": "\u0661"}, b"", 400),
        ({"content-length": str(MOST_BODY_BYTES + 1)}, b"", 413),
        ({"transfer-encoding": "gzip"}, b"", 501),
        (CHUNKED, b"x\r\n", 400),
        (CHUNKED, b"\r\n", 400),
        (CHUNKED, b"1\r\nab\r\n", 400),
        (CHUNKED, b"fffffff\r\n", 413),
        (CHUNKED, b"1" * 5000, 400),
        (CHUNKED, b"0\r\n" + b"a" * 5000, 400),
    ],
)
def test_what_cannot_be_a_body_is_refused(headers: dict[str, str], received: bytes, status: int) -> None:
    """With the status that says why."""
    with pytest.raises(BodyError) as caught:
        body_length(headers, received)
    assert caught.value.status == status
