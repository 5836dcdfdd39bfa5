"""Port-forwards as kubectl speaks them since 1.31: SPDY/3.1 inside a WebSocket (KEP-4006).

For each connection the client opens two streams with the same ``requestid``: one for errors, which it closes
at once, and one for data. A stream's two directions close apart from each other, so a half-closed connection
stays one: the pod sees the client's end and may go on sending.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Final

from aiohttp import WSMsgType, web

from k8s.lab.apiserver import pumping
from k8s.lab.apiserver.spdy import Data, Frame, Framing, Ping, Reset, SpdyError, StreamOpened

PROTOCOL: Final = "SPDY/3.1+portforward.k8s.io"
_LAST_PORT = 65_535
_MOST_PAIRS = 1_000
"""Connections at once; more are refused."""


@dataclass(slots=True, kw_only=True)
class _Pair:
    """One connection's two streams."""

    error: int = 0
    """0 until the client has opened it."""
    data: int = 0
    inbox: "asyncio.Queue[bytes]" = field(default_factory=lambda: asyncio.Queue(maxsize=16))
    """What the client sends; an empty one is the end."""
    given_up: asyncio.Event = field(default_factory=asyncio.Event)
    """The client wants to hear no more."""

    def empty(self) -> None:
        """Forget what was not sent on, so that nobody waits for room."""
        while not self.inbox.empty():
            self.inbox.get_nowait()


class Tunnel:
    """One WebSocket with SPDY in it."""

    def __init__(self, socket: web.WebSocketResponse, host: str) -> None:
        """*host* is the pod's address."""
        self._socket = socket
        self._host = host
        self._framing = Framing()
        self._pairs: dict[str, _Pair] = {}
        self._by_stream: dict[int, _Pair] = {}

    async def run(self) -> None:
        """Until the client leaves, or speaks something else."""
        async with asyncio.TaskGroup() as group:
            with contextlib.suppress(SpdyError):
                await self._listen(group)
            for pair in self._by_stream.values():
                pair.given_up.set()

    async def _listen(self, group: asyncio.TaskGroup) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.BINARY:
                for frame in self._framing.feed(message.data):
                    await self._hear(frame, group)

    async def _hear(self, frame: Frame, group: asyncio.TaskGroup) -> None:
        match frame:
            case StreamOpened():
                await self._open(frame, group)
            case Data():
                pair = self._by_stream.get(frame.stream)
                if pair is not None and frame.stream == pair.data:
                    if frame.payload:
                        await pair.inbox.put(frame.payload)
                    if frame.is_last:
                        await pair.inbox.put(b"")
            case Reset():
                pair = self._by_stream.get(frame.stream)
                if pair is not None:
                    pair.given_up.set()
            case Ping():
                await self._send(self._framing.pong(frame))

    async def _open(self, frame: StreamOpened, group: asyncio.TaskGroup) -> None:
        kind, request = frame.headers.get("streamtype"), frame.headers.get("requestid", "")
        port = frame.headers.get("port", "")
        is_port = port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= _LAST_PORT
        if kind not in ("error", "data") or not is_port or len(self._pairs) >= _MOST_PAIRS:
            await self._send(self._framing.reset(frame.stream))
            return
        await self._send(self._framing.reply(frame.stream))
        pair = self._pairs.setdefault(request, _Pair())
        self._by_stream[frame.stream] = pair
        if kind == "error":
            pair.error = frame.stream
        else:
            pair.data = frame.stream
        if pair.error and pair.data:
            del self._pairs[request]
            group.create_task(self._forward(pair, int(port[:6])))

    async def _forward(self, pair: _Pair, port: int) -> None:
        """One connection, from its start to its end."""
        why = await self._pump(pair, port)
        for stream in (pair.data, pair.error):
            self._by_stream.pop(stream, None)
        pair.empty()
        if why:
            words = f"error forwarding port {port} to pod at {self._host}: {why}"
            await self._send(self._framing.data(pair.error, words.encode()))
        # kubectl waits for the end of this stream, also after it has given up the other one.
        await self._send(self._framing.data(pair.error, b"", is_last=True))

    async def _pump(self, pair: _Pair, port: int) -> str:
        """Copy both ways; says why, if that ended badly."""
        try:
            reader, writer = await pumping.connect(self._host, port)
        except pumping.UnreachablePortError as error:
            await self._send(self._framing.data(pair.data, b"", is_last=True))
            return str(error)
        why = ""
        taking = asyncio.create_task(_take(pair.inbox, writer))

        async def send(data: bytes) -> None:
            await self._send(self._framing.data(pair.data, data))

        async def bring() -> None:
            nonlocal why
            why = await pumping.drain(reader, send)
            await self._send(self._framing.data(pair.data, b"", is_last=True))
            await asyncio.wait({taking}, timeout=0 if why else pumping.LINGER_S)

        try:
            await pumping.first_of(bring(), pair.given_up.wait())
        finally:
            taking.cancel()
            writer.close()
        return why

    async def _send(self, data: bytes) -> None:
        await self._socket.send_bytes(data)


async def _take(inbox: "asyncio.Queue[bytes]", writer: asyncio.StreamWriter) -> None:
    """What the client sends, to the pod; then the client's end."""
    while data := await inbox.get():
        await pumping.give(writer, data)
    if not writer.is_closing():
        writer.write_eof()
