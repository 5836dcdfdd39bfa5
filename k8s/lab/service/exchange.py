"""HTTP/1.1 GET over a connection from a given source address, as little as ui needs of it.

A general client costs three times the processor time, and the lab's machine is small. Answers need a
``Content-Length`` or end with the connection; catalog gives the former.
"""

import asyncio
import contextlib
import socket
from dataclasses import dataclass

_CHUNK_BYTES = 65536
_MOST_HEAD_BYTES = 65536
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"
_CLOSE = b"\r\nconnection: close"
# Python 3.11 does not name it; ip(7): the port is chosen when connecting, so a source address is not limited
# to 28,000 connections a minute.
_IP_BIND_ADDRESS_NO_PORT = getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24)


class ExchangeError(OSError):
    """The answer was cut off, or is not HTTP as it is understood here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """An HTTP answer."""

    status: int
    body: bytes
    reusable: bool
    """Whether the connection stays open."""


class HttpLink:
    """One connection, and one exchange at a time on it."""

    __slots__ = ("_done", "_head_bytes", "_loop", "_received", "_socket", "_total_bytes")

    def __init__(self, sock: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._received = bytearray()
        self._done: asyncio.Future[None]
        self._head_bytes = 0
        self._total_bytes: int | None = None

    @property
    def is_usable(self) -> bool:
        """Whether nothing has arrived on an idle connection, neither its end nor what nobody asked for."""
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    async def exchange(self, request: bytes, timeout_s: float) -> HttpAnswer:
        """Send and receive; OSError (TimeoutError, ExchangeError) if there is no whole answer."""
        self._received.clear()
        self._head_bytes, self._total_bytes = 0, None
        self._done = self._loop.create_future()
        if self._socket.send(request) != len(request):
            raise ExchangeError("the request did not fit into the socket")
        descriptor = self._socket.fileno()
        self._loop.add_reader(descriptor, self._readable)
        timer = self._loop.call_later(
            timeout_s, self._fail, TimeoutError(f"no answer within {timeout_s:g} s")
        )
        try:
            await self._done
        finally:
            timer.cancel()
            self._loop.remove_reader(descriptor)
        return self._answer()

    def _readable(self) -> None:
        try:
            data = self._socket.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(error)
            return
        self._received += data
        if not self._head_bytes and not self._take_head():
            if not data or len(self._received) > _MOST_HEAD_BYTES:
                self._fail(ExchangeError("the connection ended before the answer" if not data else "no HTTP"))
            return
        total = self._total_bytes
        if total is not None and len(self._received) >= total:
            self._finish()
        elif not data:
            if total is None:
                self._total_bytes = len(self._received)
                self._finish()
            else:
                self._fail(ExchangeError("the connection ended within the answer"))

    def _take_head(self) -> bool:
        """Look for the end of the head and the length of the body; True once the head is there."""
        end = self._received.find(_HEAD_END)
        if end < 0:
            return False
        self._head_bytes = end + len(_HEAD_END)
        head = self._received[:end].lower()
        at = head.find(_LENGTH)
        if at >= 0:
            length, _, _ = head[at + len(_LENGTH) :].partition(b"\r\n")
            self._total_bytes = self._head_bytes + int(length)
        return True

    def _answer(self) -> HttpAnswer:
        head = self._received[: self._head_bytes].lower()
        if not head.startswith(b"http/1.1 "):
            raise ExchangeError(f"not an HTTP/1.1 answer: {bytes(head[:20])!r}")
        return HttpAnswer(
            status=int(head[9:12]),
            body=bytes(self._received[self._head_bytes : self._total_bytes]),
            reusable=_LENGTH in head and _CLOSE not in head,
        )

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def _fail(self, error: OSError) -> None:
        if not self._done.done():
            self._done.set_exception(error)


async def connect(target: tuple[str, int], source_ip: str, timeout_s: float) -> HttpLink:
    """A new connection from *source_ip*; OSError if it cannot be had."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):  # without it, ports run out earlier
            sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        sock.bind((source_ip, 0))
        with contextlib.suppress(BlockingIOError):
            sock.connect(target)
        try:
            sock.getpeername()  # on a loopback the handshake is over already
        except OSError:
            async with asyncio.timeout(timeout_s):
                await asyncio.get_running_loop().sock_connect(sock, target)
    except BaseException:
        sock.close()
        raise
    return HttpLink(sock)
