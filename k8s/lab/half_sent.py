"""Requests that are begun and not finished, which would hold a server's connections for ever.

aiohttp bounds how long a connection may be idle, not how long a request's head may take. Here the head's time
is counted: from the first byte of a connection, or of its next request, to the moment when somebody answers.
Streams, whose head has come, last for as long as they are wanted.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

IDLE_S = 600.0
"""How long a server keeps a connection that is idle: clients that come back within minutes find theirs."""
_HEAD_END = b"\r\n\r\n"
_LOOKS = 4
"""Within the time that a head may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPatience:
    """How long a request may be under way to a server."""

    head_s: float = 32.0
    """For the head: a real API server's ``ReadHeaderTimeout``."""
    body_s: float = 32.0
    """For the body, after that."""
    most: int = 800
    """Connections; beyond that the one whose head takes longest is closed."""


@dataclass(slots=True, kw_only=True)
class _Connection:
    since_s: float | None
    """When the head that is awaited began; None where none is under way."""
    is_cut: bool = False
    """Whether its last bytes were not the end of a head."""
    is_answered: bool = False
    """Whether somebody works at an answer now."""


class HalfSent:
    """The connections of one server; lives in the running event loop."""

    def __init__(self, patience: HttpPatience) -> None:
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._connections: dict[asyncio.BaseTransport, _Connection] = {}
        self._look: asyncio.TimerHandle | None = None

    def watched(self, make: Callable[[], asyncio.Protocol] | None) -> Callable[[], asyncio.Protocol]:
        """The factory of protocols that do as those of *make*, under watch; TypeError where that is None."""
        if make is None:
            raise TypeError("the runner of this server has not been set up")
        return lambda: _Watched(make(), self)

    @contextlib.contextmanager
    def answering(self, request: web.BaseRequest) -> Iterator[None]:
        """The head has come; until this ends, the connection is the answer's."""
        transport = request.transport
        connection = self._connections.get(transport) if transport is not None else None
        if connection is None:
            yield
            return
        connection.is_answered, connection.since_s = True, None
        try:
            yield
        finally:
            connection.is_answered = False
            # A next request began meanwhile, or in the bytes that this one ended with.
            if connection.since_s is not None or (connection.is_cut and not request.body_exists):
                connection.since_s = self._loop.time()

    def middleware(self) -> Middleware:
        """For an application's: says when answers begin and end."""

        @web.middleware
        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            with self.answering(request):
                return await handler(request)

        return answer

    def close(self) -> None:
        """Look no more."""
        if self._look is not None:
            self._look.cancel()

    def begin(self, transport: asyncio.BaseTransport) -> None:
        """A new connection: it is there to say something."""
        self._connections[transport] = _Connection(since_s=self._loop.time())
        if len(self._connections) > self._patience.most:
            self._close_slowest()
        if self._look is None:
            self._look_later()

    def hear(self, transport: asyncio.BaseTransport, data: bytes) -> None:
        """Bytes have come."""
        connection = self._connections.get(transport)
        if connection is not None:
            connection.is_cut = not data.endswith(_HEAD_END)
            if connection.since_s is None:
                connection.since_s = self._loop.time()

    def forget(self, transport: asyncio.BaseTransport) -> None:
        """The connection is closed."""
        self._connections.pop(transport, None)

    def _awaited(self) -> list[tuple[float, asyncio.BaseTransport]]:
        return [
            (connection.since_s, transport)
            for transport, connection in self._connections.items()
            if connection.since_s is not None and not connection.is_answered
        ]

    def _close_slowest(self) -> None:
        awaited = self._awaited()
        if awaited:
            min(awaited, key=lambda one: one[0])[1].close()

    def _look_later(self) -> None:
        self._look = self._loop.call_later(self._patience.head_s / _LOOKS, self._close_overdue)

    def _close_overdue(self) -> None:
        self._look = None
        latest_s = self._loop.time() - self._patience.head_s
        for since_s, transport in self._awaited():
            if since_s < latest_s:
                transport.close()
        if self._connections:
            self._look_later()


class _Watched(asyncio.Protocol):
    """Another protocol, whose connection's heads are counted."""

    def __init__(self, inner: asyncio.Protocol, half_sent: HalfSent) -> None:
        self._inner = inner
        self._half_sent = half_sent
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._half_sent.begin(transport)
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._transport is not None:
            self._half_sent.hear(self._transport, data)
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._half_sent.forget(self._transport)
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()
