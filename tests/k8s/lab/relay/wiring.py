"""A listener between real sockets on the loopback, in one event loop."""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from k8s.lab.relay.counters import Counters
from k8s.lab.relay.listener import Listener, Target
from k8s.topology import ServiceKey

SERVICE = ServiceKey(namespace="catalog", name="catalog")
CLIENT_IP = "127.77.1.9"
SERVICE_IP = "127.77.201.1"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Wiring:
    """A relayed Service port; *targets* may be changed at any time."""

    targets: list[Target] = field(default_factory=list)
    counters: Counters = field(default_factory=Counters)
    delay_s: float = 0.0
    seed: int = 1
    _listener: Listener | None = None
    _servers: list[asyncio.Server] = field(default_factory=list)

    async def endpoint(self, host: str, serve: Serve) -> Target:
        """Start an endpoint and make it usable."""
        server = await asyncio.start_server(serve, host, 0)
        self._servers.append(server)
        target: Target = server.sockets[0].getsockname()
        self.targets.append(target)
        return target

    async def client(self, ip: str = CLIENT_IP) -> Streams:
        """A new connection to the Service."""
        assert self._listener is not None
        host, port = self._listener.address
        return await asyncio.open_connection(host, port, local_addr=(ip, 0))

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Wiring"]:
        """Listen as long as the context lasts."""
        self._listener = Listener(
            SERVICE_IP,
            0,
            service=SERVICE,
            counters=self.counters,
            usable=self._usable,
            choose=random.Random(self.seed).choice,
            delay_s=lambda _ip: self.delay_s,
        )
        try:
            yield self
        finally:
            self._listener.close()
            for server in self._servers:
                server.close()

    def _usable(self) -> Sequence[Target]:
        return self.targets


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back what comes, until its end."""
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()


async def name_peer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say who called, and hang up."""
    writer.write(writer.get_extra_info("peername")[0].encode())
    writer.close()


def closed_port(host: str) -> Target:
    """An address at which nobody listens."""
    with socket.create_server((host, 0)) as server:
        target: Target = server.getsockname()
        return target


async def settled(is_so: Callable[[], bool]) -> None:
    """Wait until something is so; a test's own timeout ends it otherwise."""
    while not is_so():  # noqa: ASYNC110 - what is waited for is another socket's doing
        await asyncio.sleep(0.005)
