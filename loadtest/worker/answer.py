"""What the lean client reads of an answer: its status, how long it is, and what it asks for.

The parser is llhttp, as geventhttpclient brings it, since every image of Locust has that. It calls Python for
each piece of an answer, which costs as much as the system calls. So a head that came before, byte for byte,
is not read again: a server's heads repeat themselves for as long as its clock shows the same second, which is
when there are many of them.
"""

from collections import deque
from typing import Final, NamedTuple

from geventhttpclient._parser import HTTPParseError, HTTPResponseParser

_FIRST_FINAL: Final = 200
"""Lower statuses announce that another answer follows."""
_END: Final = b"\r\n\r\n"
_MOST_HEADS: Final = 256
_LONGEST_HEAD: Final = 4096
_COOKIE: Final = "set-cookie"


class Answer(NamedTuple):
    """What matters of a complete answer."""

    status: int
    length: int
    """Of its body in bytes, as it came over the wire but for the marks of chunks."""
    is_kept: bool
    """Whether the connection may carry another request."""
    sets_cookie: bool


class AnswerReader(HTTPResponseParser):
    """Reads one answer, and the interim ones before it; ``feed`` raises HTTPParseError."""

    # Pieces of no interest: any callable of C will do that takes one argument and returns None.
    _on_status = _on_header_value = deque[str](maxlen=0).append

    def __init__(self, *, is_head: bool) -> None:
        """*is_head*: the answer to a HEAD request has no body, whatever its head says."""
        super().__init__()
        self._is_head = is_head
        self._fields: list[str] = []
        self._length = 0
        self.status = 0
        """Of the final answer, once its head came."""
        self._is_complete = False
        self._is_kept = False
        self._has_surplus = False
        self._on_header_field = self._fields.append

    def read(self, data: bytes) -> Answer | None:
        """Take what came, none for the end of the connection; the answer once it is complete.

        HTTPParseError for what is no answer, or for an end before its own.
        """
        try:
            self.feed(data)
        except HTTPParseError:
            # Servers that send a body to HEAD: the answer was complete before.
            if not (self._is_head and self._is_complete):
                raise
            self._has_surplus = True
        if self._is_complete:
            return Answer(
                status=self.status,
                length=self._length,
                is_kept=self._is_kept and not self._has_surplus and bool(data),
                sets_cookie=_COOKIE in "".join(self._fields).lower(),
            )
        if not data:
            raise HTTPParseError("connection closed before end of the answer")
        return None

    def _on_message_begin(self) -> None:
        self._has_surplus = self._is_complete

    def _on_headers_complete(self) -> bool:
        status = self.get_code()
        if status >= _FIRST_FINAL and not self._is_complete:
            self.status = status
        return self._is_head

    def _on_body(self, piece: bytearray) -> None:
        if not self._is_complete:
            self._length += len(piece)

    def _on_message_complete(self) -> None:
        if self.status and not self._is_complete:
            self._is_complete, self._is_kept = True, self.should_keep_alive()


class KnownHeads:
    """Answers whose head came before, with the length of the whole; never those to HEAD."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[int, Answer]] = {}

    def answer(self, data: bytes) -> Answer | None:
        """The answer that *data* is, all of it and nothing else; None where that is not known."""
        known = self._known.get(data[: data.find(_END) + len(_END)])
        return known[1] if known is not None and known[0] == len(data) else None

    def learn(self, data: bytes, answer: Answer) -> None:
        """Remember the head of *data*, which a reader found to be the whole *answer*, and no more than it."""
        end = data.find(_END) + len(_END)
        # A body in chunks, or an interim answer in front, is longer than head and body.
        if end > _LONGEST_HEAD or end + answer.length != len(data):
            return
        if len(self._known) >= _MOST_HEADS:
            self._known.clear()
        self._known[data[:end]] = len(data), answer
