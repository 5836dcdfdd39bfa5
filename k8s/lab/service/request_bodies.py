"""Where the body of a request ends (pure): what the lab's services read, and drop."""

from collections.abc import Mapping
from http import HTTPStatus

MOST_BODY_BYTES = 4 << 20
_LINE_END = b"\r\n"
_MOST_LINE_BYTES = 4096


class BodyError(ValueError):
    """A body that is not HTTP's, or too long; *status* is what it is answered."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


def body_length(headers: Mapping[str, str], received: bytes) -> int | None:
    """How many bytes of *received*, which begins behind the head, are the body; None if more has to come.

    *headers* by lower-case name. BodyError for what cannot be a body.
    """
    if "transfer-encoding" in headers:
        if headers["transfer-encoding"].lower() != "chunked":
            raise BodyError(HTTPStatus.NOT_IMPLEMENTED)
        return _chunked_length(received)
    text = headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()):
        raise BodyError(HTTPStatus.BAD_REQUEST)
    length = int(text)
    if length > MOST_BODY_BYTES:
        raise BodyError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return length if len(received) >= length else None


def _chunked_length(received: bytes) -> int | None:
    at = 0
    while True:
        end = received.find(_LINE_END, at)
        if end < 0:
            if len(received) - at > _MOST_LINE_BYTES:
                raise BodyError(HTTPStatus.BAD_REQUEST)
            return None
        size = _size(received[at:end])
        at = end + len(_LINE_END)
        if size == 0:
            return _behind_trailers(received, at)
        at += size + len(_LINE_END)
        if at > MOST_BODY_BYTES:
            raise BodyError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if len(received) < at:
            return None
        if received[at - len(_LINE_END) : at] != _LINE_END:
            raise BodyError(HTTPStatus.BAD_REQUEST)


def _behind_trailers(received: bytes, at: int) -> int | None:
    """Behind the empty line that ends the fields after the last chunk."""
    while True:
        end = received.find(_LINE_END, at)
        if end < 0:
            if len(received) - at > _MOST_LINE_BYTES:
                raise BodyError(HTTPStatus.BAD_REQUEST)
            return None
        if end == at:
            return end + len(_LINE_END)
        at = end + len(_LINE_END)


def _size(line: bytes) -> int:
    """Of the chunk that begins with this line; what follows a semicolon is of no concern."""
    digits = line.partition(b";")[0].strip()
    if not digits or digits.strip(b"0123456789abcdefABCDEF"):
        raise BodyError(HTTPStatus.BAD_REQUEST)
    return int(digits, 16)
