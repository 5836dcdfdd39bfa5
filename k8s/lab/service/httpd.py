"""HTTP/1.1, straight on sockets.

A pod of the lab answers a few dozen requests a second, each on a new connection, so its code is never warm
in the processor's caches; there a general server costs 0.6 ms a request, this one 0.25 ms. It knows GET and
HEAD, and other methods where it is told so, whose bodies it reads and drops; kept connections, and nothing
else. A head that takes longer than 32 s to come, and an answer that takes
as long to go, ends its connection; one that is idle is kept.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from k8s.lab.service.request_bodies import BodyError, body_length

_BACKLOG = 1024
_ACCEPTS_AT_ONCE = 64
_CHUNK_BYTES = 65536
_MOST_BYTES = 65536
"""A head, or requests sent ahead, may be so long."""
_RETRY_S = 0.1
_SLOWEST_S = 32.0
_LOOKS = 4
"""Within the slowest time."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_HEAD_END = b"\r\n\r\n"
_REQUEST_LINE_PARTS = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request's head."""

    method: str
    path: str
    """As sent, percent-encoded."""
    query: str
    """Behind the question mark, as sent."""
    headers: Mapping[str, str]
    """By lower-case name; of repeated ones the last."""
    peer: tuple[str, int]
    """The other end of the connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a handler answers."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200


Handler = Callable[[Request], Reply | Awaitable[Reply]]
"""Answers at once if it can: what need not wait needs no task."""


class HttpServer:
    """Answers at one address from its creation until ``close``; lives in the running event loop."""

    def __init__(
        self,
        host: str,
        port: int,
        handler: Handler,
        slowest_s: float = _SLOWEST_S,
        *,
        any_method: bool = False,
    ) -> None:
        """*slowest_s* is how long a request may take to come, or an answer to go.

        Without *any_method* it is GET and HEAD alone.
        """
        self.handler = handler
        self.any_method = any_method
        self.loop = asyncio.get_running_loop()
        self.tasks: set[asyncio.Task[None]] = set()
        """Requests that wait for something."""
        self._connections: set[_Connection] = set()
        self._socket = socket.create_server((host, port), backlog=_BACKLOG)
        self._socket.settimeout(0)
        self._slowest_s = slowest_s
        self._look = self.loop.call_later(slowest_s / _LOOKS, self._close_slow)
        self._listen()

    @property
    def port(self) -> int:
        """The port it listens at."""
        number: int = self._socket.getsockname()[1]
        return number

    async def close(self, patience_s: float) -> None:
        """Accept no more, let requests under way end for *patience_s*, then close every connection."""
        self._look.cancel()
        if self._socket.fileno() != -1:
            self.loop.remove_reader(self._socket.fileno())
            self._socket.close()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=patience_s)
        for connection in tuple(self._connections):
            connection.close()

    def forget(self, connection: "_Connection") -> None:
        """It is closed."""
        self._connections.discard(connection)

    def _close_slow(self) -> None:
        """Looked at now and then, so that a request costs nothing more than a moment's note."""
        self._look = self.loop.call_later(self._slowest_s / _LOOKS, self._close_slow)
        latest_s = self.loop.time() - self._slowest_s
        for connection in tuple(self._connections):
            if connection.is_slow(latest_s):
                connection.close()

    def _listen(self) -> None:
        if self._socket.fileno() != -1:
            self.loop.add_reader(self._socket.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(_ACCEPTS_AT_ONCE):
            try:
                sock, peer = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                _log.warning("accepting a connection: %s", error)
                self.loop.remove_reader(self._socket.fileno())
                self.loop.call_later(_RETRY_S, self._listen)
                return
            self._connections.add(_Connection(self, sock, peer))


class _Connection:
    """One client: its requests, one after the other."""

    __slots__ = (
        "_busy",
        "_closing",
        "_continued",
        "_peer",
        "_received",
        "_server",
        "_since_s",
        "_socket",
        "_unsent",
    )

    def __init__(self, server: HttpServer, sock: socket.socket, peer: tuple[str, int]) -> None:
        self._server = server
        self._socket = sock
        self._peer = peer
        self._received = b""
        self._unsent = b""
        self._busy = False
        self._closing = False
        self._continued = False
        self._since_s: float | None = server.loop.time()
        """When what is awaited of the client began: a head, or taking an answer; None if it is idle."""
        sock.settimeout(0)
        server.loop.add_reader(sock.fileno(), self._readable)

    def close(self) -> None:
        """Close, whatever is under way."""
        if self._socket.fileno() == -1:
            return
        self._server.loop.remove_reader(self._socket.fileno())
        if self._unsent:
            self._server.loop.remove_writer(self._socket.fileno())
        self._socket.close()
        self._server.forget(self)

    def is_slow(self, latest_s: float) -> bool:
        """Whether the client has kept this waiting since before that time."""
        waits = not self._busy or bool(self._unsent)
        return waits and self._since_s is not None and self._since_s < latest_s

    def _readable(self) -> None:
        try:
            data = self._socket.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._received += data
        if not data or (self._busy and len(self._received) > _MOST_BYTES):
            self.close()
        elif not self._busy:
            self._next()

    def _next(self) -> None:
        """Answer the next request, if all of it is here."""
        while not self._busy and self._socket.fileno() != -1:
            head, found, rest = self._received.partition(_HEAD_END)
            if not found:
                if head and self._since_s is None:
                    self._since_s = self._server.loop.time()
                if len(head) > _MOST_BYTES:
                    self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                return
            request = _parsed(head.decode("latin-1"), self._peer)
            if request is None:
                self._refuse(HTTPStatus.BAD_REQUEST)
            elif not self._server.any_method and (
                request.method not in {"GET", "HEAD"} or "transfer-encoding" in request.headers
            ):
                self._refuse(HTTPStatus.METHOD_NOT_ALLOWED)  # a body, if any, is left unread
            elif not self._takes(request, rest):
                return

    def _takes(self, request: Request, rest: bytes) -> bool:
        """Answer, if the body is here, too, and drop it; whether that could be decided."""
        try:
            length = body_length(request.headers, rest)
        except BodyError as error:
            self._refuse(error.status)
            return True
        if length is None:
            if not self._continued and request.headers.get("expect", "").lower() == "100-continue":
                self._continued = True
                self._write(_CONTINUE)
            if self._since_s is None:
                self._since_s = self._server.loop.time()
            return False
        self._received = rest[length:]
        self._busy = True
        self._continued = False
        self._answer(request)
        return True

    def _answer(self, request: Request) -> None:
        try:
            reply = self._server.handler(request)
        except BaseException:
            self.close()
            raise
        if isinstance(reply, Reply):
            self._send(reply, request)
        else:
            task = self._server.loop.create_task(self._answer_later(reply, request))
            self._server.tasks.add(task)
            task.add_done_callback(self._server.tasks.discard)

    async def _answer_later(self, reply: Awaitable[Reply], request: Request) -> None:
        try:
            self._send(await reply, request)
        except BaseException:
            self.close()
            raise
        self._next()

    def _refuse(self, status: HTTPStatus) -> None:
        self._received = b""
        self._closing = True
        self._write(_head(Reply(body=b"", content_type="text/plain", status=status), close=True))

    def _send(self, reply: Reply, request: Request) -> None:
        self._closing = request.headers.get("connection", "").lower() == "close"
        head = _head(reply, close=self._closing)
        self._write(head if request.method == "HEAD" else head + reply.body)

    def _write(self, data: bytes) -> None:
        if self._socket.fileno() == -1:
            return
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        if sent < len(data):
            self._unsent = data[sent:]
            self._since_s = self._server.loop.time()
            self._server.loop.add_writer(self._socket.fileno(), self._writable)
        else:
            self._sent()

    def _writable(self) -> None:
        self._server.loop.remove_writer(self._socket.fileno())
        data, self._unsent = self._unsent, b""
        self._write(data)
        if not self._busy:
            self._next()

    def _sent(self) -> None:
        self._busy = False
        self._since_s = None
        if self._closing:
            self.close()


def _parsed(head: str, peer: tuple[str, int]) -> Request | None:
    line, *fields = head.split("\r\n")
    parts = line.split(" ")
    if len(parts) != _REQUEST_LINE_PARTS or not parts[2].startswith("HTTP/1."):
        return None
    headers = {}
    for one in fields:
        name, colon, value = one.partition(":")
        if not colon:
            return None
        headers[name.lower()] = value.strip()
    if parts[2] == "HTTP/1.0":
        headers.setdefault("connection", "close")
    path, _, query = parts[1].partition("?")
    return Request(method=parts[0], path=path, query=query, headers=headers, peer=peer)


def _head(reply: Reply, *, close: bool) -> bytes:
    return (
        f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\n"
        f"Content-Type: {reply.content_type}\r\n"
        f"Content-Length: {len(reply.body)}\r\n"
        f"{'Connection: close' if close else 'Connection: keep-alive'}\r\n\r\n"
    ).encode()
