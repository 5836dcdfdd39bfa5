"""A Service port of one node: accepts, chooses an endpoint, connects to it as the client, and relays."""

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Callable, Sequence

from k8s.lab.relay.connection import Connection, reset
from k8s.lab.relay.counters import NO_ENDPOINT, Counters, EndpointCounts
from k8s.topology import ServiceKey

Target = tuple[str, int]
"""(address, port) of an endpoint."""

_BACKLOG = 1024
_ACCEPTS_AT_ONCE = 64
"""So that many new connections do not keep bytes of the old ones waiting."""
_RETRY_S = 0.1
# Linux 4.2: the port is chosen at connect(), by the whole 4-tuple, so that a source address is not limited to
# 28,000 connections a minute in all. Python 3.11 does not name the option.
_IP_BIND_ADDRESS_NO_PORT = getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24)
_log = logging.getLogger(__name__)


class Listener:
    """Relays the connections made to (*address*, *port*).

    *usable* gives the endpoints in force, *choose* picks one of them, *delay_s* is the one-way latency to an
    endpoint's address. A connection is accepted, chosen for and connected in one go; the source address is
    the client's own, as it is under DNAT.
    """

    def __init__(
        self,
        address: str,
        port: int,
        *,
        service: ServiceKey,
        counters: Counters,
        usable: Callable[[], Sequence[Target]],
        choose: Callable[[Sequence[Target]], Target],
        delay_s: Callable[[str], float],
    ) -> None:
        self._service = service
        self._counters = counters
        self._usable = usable
        self._choose = choose
        self._delay_s = delay_s
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((address, port))
            self._socket.listen(_BACKLOG)
        except OSError:
            self._socket.close()
            raise
        self._socket.settimeout(0)
        self._listen()

    @property
    def address(self) -> Target:
        """(address, port) it listens at."""
        host, port = self._socket.getsockname()
        return host, port

    def close(self) -> None:
        """Accept no more; connections that stand go on."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _listen(self) -> None:
        if self._socket.fileno() != -1:
            self._loop.add_reader(self._socket.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(_ACCEPTS_AT_ONCE):
            try:
                client, (client_ip, _port) = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                # Out of descriptors, most likely; the ones that wait are served when some are free again.
                _log.warning("accepting a connection to %s: %s", self._service, error)
                self._loop.remove_reader(self._socket.fileno())
                self._loop.call_later(_RETRY_S, self._listen)
                return
            client.settimeout(0)
            self._connect(client, client_ip)

    def _connect(self, client: socket.socket, client_ip: str) -> None:
        targets = self._usable()
        if not targets:
            self._counters.tally(self._service, client_ip, NO_ENDPOINT).failed += 1
            reset(client)
            return
        target = self._choose(targets)
        attempt = _Attempt(
            self._loop,
            client,
            tally=self._counters.tally(self._service, client_ip, target[0]),
            delay_s=self._delay_s(target[0]),
        )
        attempt.connect(client_ip, target)


class _Attempt:
    """The connection to one endpoint while it is being made."""

    __slots__ = ("_accepted_s", "_client", "_delay_s", "_loop", "_server", "_tally")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, client: socket.socket, *, tally: EndpointCounts, delay_s: float
    ) -> None:
        self._loop = loop
        self._client = client
        self._tally = tally
        self._delay_s = delay_s
        self._accepted_s = loop.time()

    def connect(self, client_ip: str, target: Target) -> None:
        """Connect from *client_ip*; then the connection lives by itself."""
        self._server = server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        server.settimeout(0)
        with contextlib.suppress(OSError):  # without it, ports run out earlier
            server.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        try:
            server.bind((client_ip, 0))
            failure = server.connect_ex(target)
        except OSError as error:
            failure = error.errno or errno.EINVAL
        if failure not in {0, errno.EINPROGRESS}:
            self._fail()
            return
        try:
            # On a loopback the handshake is over, or refused, when connect() returns, whatever it returns.
            server.getpeername()
        except OSError:
            self._loop.add_writer(server.fileno(), self._decided)
        else:
            self._open()

    def _decided(self) -> None:
        self._loop.remove_writer(self._server.fileno())
        if self._server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._fail()
        else:
            self._open()

    def _fail(self) -> None:
        self._tally.failed += 1
        self._server.close()
        reset(self._client)

    def _open(self) -> None:
        for sock in (self._client, self._server):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Connection(
            self._loop,
            self._client,
            self._server,
            tally=self._tally,
            delay_s=self._delay_s,
            accepted_s=self._accepted_s,
        ).open()
