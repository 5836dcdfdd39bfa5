"""The server process: put together, started, stopped."""

import asyncio
import logging
import signal
import uuid
from datetime import UTC, datetime, timedelta

from aiohttp import web

from k8s.errors import UnreachableError
from k8s.lab.apiserver.bodies import MAX_BYTES
from k8s.lab.apiserver.handlers import Handlers, Terms
from k8s.lab.apiserver.object_store import ObjectStore
from k8s.lab.apiserver.requests import Options, RequestTarget
from k8s.lab.apiserver.resources import NAMESPACES
from k8s.lab.apiserver.writing import Writer
from k8s.lab.half_sent import IDLE_S, HalfSent

log = logging.getLogger(__name__)

FIRST_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
_EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
_GRACE_S = 0.3


def make_app(terms: Terms) -> web.Application:
    """The application, with an empty store but for the namespaces every cluster has."""
    # Versions start above those of an earlier lab on this address: milliseconds pass faster than writes
    # come. So a watcher of that lab gets 410 and lists again, and does not wait for ever.
    store = ObjectStore(first_version=(_now() - _EPOCH) // timedelta(milliseconds=1))
    writer = Writer(store, clock=_now, new_uid=_new_uid)
    for name in FIRST_NAMESPACES:
        writer.create(RequestTarget(resource=NAMESPACES), {"metadata": {"name": name}}, Options())
    handlers = Handlers(store, writer, _now, terms)
    app = web.Application(client_max_size=MAX_BYTES)
    app.router.add_route("*", "/{path:.*}", handlers.handle)

    async def end_streams(_: web.Application) -> None:
        handlers.watches.close()
        handlers.forwards.close()

    app.on_shutdown.append(end_streams)
    return app


def serve(host: str, port: int, terms: Terms) -> None:
    """Serve on *host*:*port* (0: a free one, named in the log) until SIGTERM or SIGINT.

    Raises UnreachableError if the address cannot be had.
    """
    asyncio.run(_serve(host, port, terms))


async def _serve(host: str, port: int, terms: Terms) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # Cancelling the handlers of clients that left ends their watches at once, not at the next change.
    app, half_sent = make_app(terms), HalfSent(terms.patience)
    app.middlewares.append(half_sent.middleware())
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=_GRACE_S,
        handler_cancellation=True,
        auto_decompress=False,
        lingering_time=_GRACE_S,
        keepalive_timeout=IDLE_S,
    )
    await runner.setup()
    try:
        try:
            server = await loop.create_server(half_sent.watched(runner.server), host, port)
        except OSError as error:
            raise UnreachableError(
                f"starting the lab's API server on {host}:{port}: {error.strerror or error}; "
                "is another lab running? Stop it or choose another port"
            ) from error
        log.info("API server on http://%s:%d", *server.sockets[0].getsockname()[:2])
        await stop.wait()
        server.close()
    finally:
        half_sent.close()
        await runner.cleanup()


def _now() -> datetime:
    return datetime.now(UTC)


def _new_uid() -> str:
    return str(uuid.uuid4())
