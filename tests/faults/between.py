"""A server between samezone and another one: it passes everything on, and meddles with what it is told to.

It is how a row of the table knows where a command is (the request that it holds), and how a server of the lab
breaks for samezone alone: the lab's own processes talk past it.
"""

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

HOST = "127.0.0.1"
HOP_BY_HOP = frozenset(
    {"connection", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length"}
)
Pass = Callable[[], Awaitable["Answer"]]
"""Asks the real server."""
Meddle = Callable[[web.Request, Pass], Awaitable["Answer | None"]]
"""What becomes of a request; None: the connection ends without an answer."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer, whole."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    sent: int | None = None
    """How many bytes of the body are sent before the connection ends; None: all, and it stays."""


@dataclass(kw_only=True)
class Rule:
    """Meddle with some requests."""

    pattern: re.Pattern[str]
    """Searched for in ``METHOD /path``."""
    meddle: Meddle
    first: int
    """From which matching request on, counted from 1."""
    most: int
    """How many of them."""
    seen: int = 0
    hits: int = 0

    def takes(self, line: str) -> bool:
        """Whether this request is meddled with; counts it."""
        if not self.pattern.search(line):
            return False
        self.seen += 1
        if self.seen < self.first or self.hits >= self.most:
            return False
        self.hits += 1
        return True


class Between:
    """The man in the middle; ``url`` stays the same however often it goes and comes back."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._rules: list[Rule] = []
        self.lines: list[str] = []
        """``METHOD /path`` of every request since ``forget``."""
        self._port = 0
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._now(self._open_session())
        self.come()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}"

    def rule(self, pattern: str, meddle: Meddle, *, first: int = 1, most: int = 1_000_000) -> Rule:
        """Meddle with the requests from the *first* matching one on, at *most* so many."""
        rule = Rule(pattern=re.compile(pattern), meddle=meddle, first=first, most=most)
        self._rules.append(rule)
        return rule

    def forget(self) -> None:
        """Drop all rules and lines, and be there."""
        self._rules.clear()
        self.lines.clear()
        if self._runner is None:
            self.come()

    def go(self) -> None:
        """Refuse connections, and end those that are open."""
        self._now(self._stop())

    def come(self) -> None:
        """Listen, on the port of the first time."""
        self._now(self._start())

    def close(self) -> None:
        self._now(self._stop())
        self._now(self._session.close())
        self._now(self._end_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _now(self, work: Awaitable[None]) -> None:
        async def whole() -> None:
            await work

        asyncio.run_coroutine_threadsafe(whole(), self._loop).result(30)

    async def _open_session(self) -> None:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=connector, auto_decompress=False)

    async def _start(self) -> None:
        app = web.Application(client_max_size=2**30)
        app.router.add_route("*", "/{rest:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=0.05)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _end_all(self) -> None:
        """Requests that are never answered end with it."""
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        line = f"{request.method} {request.path_qs}"
        self.lines.append(line)
        body = await request.read()
        rule = next((one for one in self._rules if one.takes(line)), None)
        if rule is None:
            return await self._stream(request, body)

        async def onwards() -> Answer:
            return await self._ask(request, body)

        return await _send(request, await rule.meddle(request, onwards))

    def _forwarded(self, request: web.Request, body: bytes) -> Any:
        headers = [(key, value) for key, value in request.headers.items() if key.lower() not in HOP_BY_HOP]
        return self._session.request(
            request.method,
            f"{self._upstream}{request.raw_path}",
            headers=headers,
            data=body,
            allow_redirects=False,
        )

    async def _ask(self, request: web.Request, body: bytes) -> Answer:
        try:
            async with self._forwarded(request, body) as found:
                headers = {k: v for k, v in found.headers.items() if k.lower() not in HOP_BY_HOP}
                return Answer(status=found.status, body=await found.read(), headers=headers)
        except aiohttp.ClientError:
            return Answer(status=502, body=b"")

    async def _stream(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """Pass bytes on as they come: a watch has no end."""
        try:
            async with self._forwarded(request, body) as found:
                response = web.StreamResponse(status=found.status)
                for key, value in found.headers.items():
                    if key.lower() not in HOP_BY_HOP:
                        response.headers[key] = value
                if (length := found.headers.get("Content-Length")) is not None:
                    response.headers["Content-Length"] = length
                await response.prepare(request)
                async for chunk in found.content.iter_any():
                    await response.write(chunk)
                return response
        except (aiohttp.ClientError, ConnectionError):
            # The real server is gone: so is this connection.
            _abort(request)
            return web.Response(status=502)


async def _send(request: web.Request, answer: Answer | None) -> web.StreamResponse:
    if answer is None:
        _abort(request)
        return web.Response(status=502)
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.headers["Content-Length"] = str(len(answer.body))
    with suppress(ConnectionError):
        await response.prepare(request)
        await response.write(answer.body if answer.sent is None else answer.body[: answer.sent])
        if answer.sent is not None:
            _abort(request)
    return response


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def held(happens: Callable[[], None]) -> Meddle:
    """Let something happen while the request is under way, then pass it on."""

    async def meddle(_request: web.Request, onwards: Pass) -> Answer:
        await asyncio.get_running_loop().run_in_executor(None, happens)
        return await onwards()

    return meddle


def answered(happens: Callable[[], None]) -> Meddle:
    """Let something happen after the server has done what was asked, before its answer arrives."""

    async def meddle(_request: web.Request, onwards: Pass) -> Answer:
        found = await onwards()
        await asyncio.get_running_loop().run_in_executor(None, happens)
        return found

    return meddle


def answers(status: int, body: Any = None, **headers: str) -> Meddle:
    """Answer so without asking the server; *body* is JSON, or bytes as they are."""
    data = body if isinstance(body, bytes) else msgspec.json.encode(body or {})

    async def meddle(_request: web.Request, _onwards: Pass) -> Answer:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return Answer(status=status, body=data, headers={"Content-Type": "application/json"} | named)

    return meddle


async def hangs_up(_request: web.Request, _onwards: Pass) -> Answer | None:
    """End the connection without an answer; the server never hears of it."""
    return None


async def loses_the_answer(_request: web.Request, onwards: Pass) -> Answer | None:
    """The server does what was asked, and the answer is lost on the way."""
    await onwards()
    return None


async def cuts(_request: web.Request, onwards: Pass) -> Answer:
    """Half of the answer arrives."""
    found = await onwards()
    return Answer(
        status=found.status, body=found.body, headers=found.headers, sent=max(1, len(found.body) // 2)
    )


async def never(_request: web.Request, _onwards: Pass) -> Answer | None:
    """No answer, and the connection stays open."""
    await asyncio.sleep(3600)
    return None


def slow(seconds: float) -> Meddle:
    """The answer comes late."""

    async def meddle(_request: web.Request, onwards: Pass) -> Answer:
        await asyncio.sleep(seconds)
        return await onwards()

    return meddle


async def twice(_request: web.Request, onwards: Pass) -> Answer:
    """The server gets the request twice."""
    await onwards()
    return await onwards()


def changed(change: Callable[[Any], Any]) -> Meddle:
    """The server's JSON answer, changed."""

    async def meddle(_request: web.Request, onwards: Pass) -> Answer:
        found = await onwards()
        body = msgspec.json.encode(change(msgspec.json.decode(found.body)))
        return Answer(status=found.status, body=body, headers=found.headers)

    return meddle
