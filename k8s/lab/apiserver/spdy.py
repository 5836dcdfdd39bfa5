"""SPDY/3.1 framing, as far as a port-forward needs it (draft-mbelshe-httpbis-spdy-00, SPDY/3's dictionary).

Without flow control, which the Kubernetes clients' implementation (moby/spdystream) does not have either.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

LONGEST_FRAME_BYTES = 2**20
_LONGEST_HEADERS_BYTES = 64 * 1024
_VERSION = 3
_FIN = 1
_SYN_REPLY, _RST_STREAM, _PING = 2, 3, 6
_CONTROL = 0x8000
_CANCEL = 5


class SpdyError(ValueError):
    """The peer does not speak SPDY/3.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOpened:
    """SYN_STREAM: a new stream."""

    stream: int
    headers: Mapping[str, str]
    is_last: bool
    """The peer sends nothing more on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Bytes of a stream."""

    stream: int
    payload: bytes
    is_last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """RST_STREAM: the peer gives the stream up."""

    stream: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """To be sent back as it is."""

    number: int


Frame = StreamOpened | Data | Reset | Ping


def _dictionary() -> bytes:
    """What both sides' header compression starts from, put together from the words it consists of."""
    counted = (
        "options head post put delete trace accept accept-charset accept-encoding accept-language "
        "accept-ranges age allow authorization cache-control connection content-base content-encoding "
        "content-language content-length content-location content-md5 content-range content-type date etag "
        "expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since "
        "last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer "
        "retry-after server te trailer transfer-encoding upgrade user-agent vary via warning "
        "www-authenticate method get status 200|OK version HTTP/1.1 url public set-cookie keep-alive origin"
    )
    codes = (
        "100 101 201 202 205 206 300 302 303 304 305 306 307 402 405 406 407 408 409 410 411 412 413 414 "
        "415 416 417 502 504 505"
    )
    answers = (
        "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized"
        "403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    )
    rest = (
        "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
        "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,"
        "text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
    )
    words = (word.replace("|", " ").encode() for word in counted.split())
    head = b"".join(struct.pack(">I", len(word)) + word for word in words)
    return head + (codes.replace(" ", "") + answers + rest).encode()


DICTIONARY = _dictionary()


@dataclass(slots=True)
class Framing:
    """One connection's two directions: bytes to frames, and frames to bytes."""

    _rest: bytearray = field(default_factory=bytearray)
    _inflate: "zlib._Decompress" = field(default_factory=lambda: zlib.decompressobj(zdict=DICTIONARY))
    _deflate: "zlib._Compress" = field(default_factory=lambda: zlib.compressobj(zdict=DICTIONARY))

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete now; SpdyError if these are none."""
        self._rest += data
        while len(self._rest) >= 8:  # noqa: PLR2004 - the length of a frame's head
            first, second, flags_and_length = struct.unpack_from(">HHI", self._rest)
            length, flags = flags_and_length & 0xFFFFFF, flags_and_length >> 24
            if length > LONGEST_FRAME_BYTES:
                raise SpdyError(f"a frame of {length} bytes")
            if len(self._rest) < 8 + length:
                return
            payload = bytes(self._rest[8 : 8 + length])
            del self._rest[: 8 + length]
            if not first & _CONTROL:
                yield Data(stream=first << 16 | second, payload=payload, is_last=bool(flags & _FIN))
            elif (frame := self._control(first & ~_CONTROL, second, flags, payload)) is not None:
                yield frame

    def reply(self, stream: int) -> bytes:
        """SYN_REPLY: the stream is accepted."""
        block = self._deflate.compress(struct.pack(">I", 0)) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return _control(_SYN_REPLY, struct.pack(">I", stream) + block)

    @staticmethod
    def data(stream: int, payload: bytes, *, is_last: bool = False) -> bytes:
        """Bytes of a stream."""
        return struct.pack(">II", stream, (_FIN if is_last else 0) << 24 | len(payload)) + payload

    @staticmethod
    def pong(ping: Ping) -> bytes:
        """The answer to a ping."""
        return _control(_PING, struct.pack(">I", ping.number))

    @staticmethod
    def reset(stream: int) -> bytes:
        """Give a stream up."""
        return _control(_RST_STREAM, struct.pack(">II", stream, _CANCEL))

    def _control(self, version: int, kind: int, flags: int, payload: bytes) -> Frame | None:
        if version != _VERSION:
            raise SpdyError(f"version {version}")
        try:
            match kind:
                case 1:  # SYN_STREAM
                    (stream,) = struct.unpack_from(">I", payload)
                    return StreamOpened(
                        stream=stream, headers=self._headers(payload[10:]), is_last=bool(flags & _FIN)
                    )
                case 3:  # RST_STREAM
                    return Reset(stream=struct.unpack_from(">I", payload)[0])
                case 6:  # PING
                    return Ping(number=struct.unpack_from(">I", payload)[0])
                case 8:  # HEADERS: nobody wants them, but the compression goes on over them
                    self._headers(payload[4:])
        except (struct.error, zlib.error, UnicodeDecodeError) as error:
            raise SpdyError(f"a frame of type {kind} that cannot be read: {error}") from error
        return None

    def _headers(self, block: bytes) -> dict[str, str]:
        raw = self._inflate.decompress(block, _LONGEST_HEADERS_BYTES)
        if self._inflate.unconsumed_tail:
            raise SpdyError("headers that are too long")
        (count,) = struct.unpack_from(">I", raw)
        found: dict[str, str] = {}
        texts = _texts(raw[4:])
        for _ in range(min(count, len(raw))):
            name, value = next(texts), next(texts)
            found[name.lower()] = value
        return found


def _texts(raw: bytes) -> Iterator[str]:
    """Texts, each behind its length; struct.error at the end."""
    at = 0
    while True:
        (length,) = struct.unpack_from(">I", raw, at)
        at += 4
        yield raw[at : at + length].decode()
        at += length


def _control(kind: int, payload: bytes) -> bytes:
    return struct.pack(">HHI", _CONTROL | _VERSION, kind, len(payload)) + payload
