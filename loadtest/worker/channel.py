"""One TCP connection of the lean client: what goes out, what comes in, and how long to wait for it.

gevent's own sockets start and stop a watcher and a timer for every wait, which costs more than the system
calls do. Here a connection has one watcher, started once, and a user has one timer, which is looked at only
when it rings. The sockets below are the standard library's, as gevent found them before it patched them.
"""

import errno
import os
import socket
from time import perf_counter
from typing import Any, Final, Protocol

import gevent.socket
import gevent.ssl
from gevent import getcurrent
from gevent.hub import get_hub
from gevent.monkey import get_original
from gevent.select import select

from loadtest.worker.connections import SocketAddress, bind_source

_SOCKET: Final = get_original("socket", "socket")
_AT_ONCE: Final = 65_536
"""Bytes that are read at a time."""
_READ, _WRITE = 1, 2
_RINGS_EARLY_S: Final = 0.0005
"""libev's clock is read once a round, so a timer may ring a little before its time."""


class Waiting:
    """The wait of one greenlet for one thing at a time, of at most *limit_s* seconds; then TimeoutError."""

    def __init__(self, limit_s: float) -> None:
        self._hub = get_hub()
        self._limit_s = limit_s
        self._since_s = 0.0
        self._timer: Any = None
        self._greenlet: Any = None

    def until_woken(self) -> None:
        """Give way until ``wake`` is called."""
        self._since_s = perf_counter()
        if self._timer is None:
            self._ring_in(self._limit_s)
        self._greenlet = getcurrent()
        try:
            self._hub.switch()
        finally:
            self._greenlet = None

    def wake(self) -> bool:
        """Go on with whoever waits, now; whether somebody waited. Called by the event loop."""
        if self._greenlet is None:
            return False
        self._greenlet.switch()
        return True

    def close(self) -> None:
        """Give the timer back."""
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None

    def _ring_in(self, seconds: float) -> None:
        self._timer = self._hub.loop.timer(seconds)
        self._timer.start(self._look)

    def _look(self) -> None:
        """See whether the wait of now has lasted for too long; it may have begun since the timer was set."""
        self.close()
        if self._greenlet is None:
            return  # the next wait sets it again
        left_s = self._limit_s - (perf_counter() - self._since_s)
        if left_s > _RINGS_EARLY_S:
            self._ring_in(left_s)
        else:
            self._greenlet.throw(TimeoutError("timed out"))


class Channel(Protocol):
    """A connection; whatever it raises is an OSError."""

    def send(self, data: bytes) -> None:
        """Send all of it."""

    def receive(self) -> bytes:
        """Wait for bytes; none where the other side has closed."""

    def is_stale(self, *, surely: bool) -> bool:
        """Whether something came, or the end did, while nothing was asked; *surely* asks the system."""

    def close(self) -> None:
        """Close it; safe to call twice."""


class PlainChannel:
    """A Channel without TLS."""

    def __init__(self, waiting: Waiting, address: SocketAddress, source_ip: str) -> None:
        """Connect to *address*, from *source_ip* where it is given."""
        self._waiting = waiting
        self._loop = get_hub().loop
        self._is_early = False
        """Readable while nobody waited for that; the watcher is stopped then."""
        self._is_sending = False
        self._watcher: Any = None
        self._socket = _SOCKET(address[0], address[1], address[2])
        try:
            self._socket.setblocking(False)  # noqa: FBT003  the standard library's own signature
            if source_ip:
                bind_source(self._socket, source_ip)
            self._connect(address[4])
            self._watcher = self._loop.io(self._socket.fileno(), _READ)
            self._watcher.start(self._on_readable)
        except BaseException:
            self.close()
            raise

    def is_stale(self, *, surely: bool) -> bool:
        """Whether something came, or the end did, while nothing was asked; *surely* asks the system."""
        if self._is_early or not surely:
            return self._is_early
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def send(self, data: bytes) -> None:
        """Send all of it."""
        rest: bytes | memoryview = data
        while True:
            try:
                sent = self._socket.send(rest)
            except BlockingIOError:
                self._await_writable()
                continue
            if sent == len(rest):
                return
            rest = memoryview(rest)[sent:]

    def receive(self) -> bytes:
        """Wait for bytes; none where the other side has closed."""
        while True:
            if self._is_early:
                self._is_early = False
                self._watcher.start(self._on_readable)
            else:
                self._waiting.until_woken()
            try:
                received: bytes = self._socket.recv(_AT_ONCE)
            except BlockingIOError:
                continue
            return received

    def close(self) -> None:
        """Close it; safe to call twice."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
            self._watcher = None
        self._socket.close()

    def _connect(self, address: Any) -> None:
        code = self._socket.connect_ex(address)
        if code == errno.EINPROGRESS:
            try:
                self._socket.getpeername()  # on this machine it is there already: no need to wait for it
            except OSError:
                self._await_writable()
            code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))  # of the class that the number has

    def _on_readable(self) -> None:
        """Called by the event loop."""
        if self._is_sending or not self._waiting.wake():
            self._watcher.stop()
            self._is_early = True

    def _await_writable(self) -> None:
        watcher = self._loop.io(self._socket.fileno(), _WRITE)
        watcher.start(self._waiting.wake)
        self._is_sending = True
        try:
            self._waiting.until_woken()
        finally:
            self._is_sending = False
            watcher.stop()
            watcher.close()


class TlsChannel:
    """A Channel with TLS, on gevent's sockets: the handshake costs more than they do."""

    def __init__(
        self,
        address: SocketAddress,
        source_ip: str,
        *,
        trust: gevent.ssl.SSLContext,
        server_name: str,
        limit_s: float,
    ) -> None:
        """Connect and shake hands; each step may take *limit_s*."""
        plain = gevent.socket.socket(*address[:3])
        try:
            plain.settimeout(limit_s)
            if source_ip:
                bind_source(plain, source_ip)
            plain.connect(address[4])
            self._socket = trust.wrap_socket(plain, server_hostname=server_name)
        except BaseException:
            plain.close()
            raise

    def is_stale(self, *, surely: bool) -> bool:  # noqa: ARG002  the system is asked always
        """Whether something came, or the end did, while nothing was asked; *surely* asks the system."""
        return bool(select([self._socket], [], [], 0)[0])

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._socket.sendall(data)

    def receive(self) -> bytes:
        """Wait for bytes; none where the other side has closed."""
        received: bytes = self._socket.recv(_AT_ONCE)
        return received

    def close(self) -> None:
        """Close it; safe to call twice."""
        self._socket.close()
