"""The stand-in as a process: a socket, an event loop, an orderly end."""

import asyncio
import gc
import logging
import socket
import time
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

from aiohttp import web

from k8s import doors
from k8s.errors import UnreachableError, UsageError
from k8s.lab.half_sent import IDLE_S, HalfSent, HttpPatience
from k8s.lab.xray.behaviour import Clock, Settings
from k8s.process import interrupts

_LOG: Final = logging.getLogger(__name__)
_YOUNG_OBJECTS: Final = 50_000
_YOUNG_ROUNDS: Final = 50
_FAREWELL_S: Final = 0.5
"""How long requests under way may take after SIGTERM."""


def serve(
    host: str,
    port: int,
    *,
    settings: Settings | None = None,
    clock: Clock = time.time,
    on_ready: Callable[[int], None] | None = None,
    anywhere: bool = False,
    patience: HttpPatience | None = None,
) -> None:
    """Answer until SIGTERM, SIGINT or SIGHUP, then end within a second; runs in its process's main thread.

    *host* must be a loopback address unless *anywhere* is said, port 0 takes a free one; *on_ready* is told
    the port once it listens. UsageError for another address, UnreachableError where it cannot be had.
    """
    # Not at the top: the lab imports this module and then forks, and numpy starts a thread on import.
    from k8s.lab.xray.routes import application  # noqa: PLC0415
    from k8s.lab.xray.standin import StandIn  # noqa: PLC0415

    listener = _listener(host, port, anywhere=anywhere)
    # Millions of objects live long here, and in no circles: looking for those would take a third of the time.
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, _YOUNG_ROUNDS, _YOUNG_ROUNDS)
    chosen = settings or Settings()
    is_own = doors.is_within if anywhere else doors.is_loopback
    waits = patience or HttpPatience()
    app = application(StandIn(chosen, clock), chosen, is_own, body_s=waits.body_s)
    asyncio.run(_serve(app, listener, on_ready, waits))


def _listener(host: str, port: int, *, anywhere: bool) -> socket.socket:
    try:
        allowed = ip_address(host).is_loopback or anywhere
    except ValueError as error:
        allowed = False
        if anywhere:
            raise UsageError(f"starting the X-Ray stand-in on {host}: give an IP address") from error
    if not allowed:
        raise UsageError(f"starting the X-Ray stand-in on {host}: only loopback addresses are allowed")
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise UnreachableError(
            f"starting the X-Ray stand-in on {host}:{port}: {error.strerror or error}; "
            "end what holds the port, or choose another"
        ) from error
    return listener


async def _serve(
    app: web.Application,
    listener: socket.socket,
    on_ready: Callable[[int], None] | None,
    patience: HttpPatience,
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in interrupts.heard():
        loop.add_signal_handler(sign, stopped.set)
    half_sent = HalfSent(patience)
    app.middlewares.append(half_sent.middleware())
    # Bodies are decompressed here, with a bound, and batches of spans need no access log.
    runner = web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,
        shutdown_timeout=_FAREWELL_S,
        lingering_time=_FAREWELL_S,
        keepalive_timeout=IDLE_S,
    )
    await runner.setup()
    try:
        server = await loop.create_server(half_sent.watched(runner.server), sock=listener)
        address, bound_port = listener.getsockname()[:2]
        _LOG.info("X-Ray stand-in listens on http://%s:%d", address, bound_port)
        if on_ready is not None:
            on_ready(bound_port)
        await stopped.wait()
        server.close()
    finally:
        half_sent.close()
        await runner.cleanup()
