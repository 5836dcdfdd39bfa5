"""Connections of one shopper: their source address, when they are renewed, and how many were opened."""

import ipaddress
import socket
from collections.abc import Callable, Mapping
from ssl import SSLError
from typing import Any, Final

import gevent.socket
import gevent.ssl
from gevent.queue import Empty
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.connectionpool import ConnectionPool
from geventhttpclient.url import URL

from k8s.errors import UsageError
from loadtest.worker.target import HTTPS, Target

_IP_BIND_ADDRESS_NO_PORT = 24
"""Linux, not in Python's socket: choose the source port at connect, so that TIME_WAIT uses none up."""

PORT_AT_CONNECT: Final = (
    # Linux only.
    ((socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1),) if hasattr(socket, "AF_PACKET") else ()
)
"""Socket options of a connection that has a source address."""


def bind_source(sock: gevent.socket.socket, ip: str) -> None:
    """Let a socket that is to be connected come from *ip*, with a port that is chosen then."""
    for option in PORT_AT_CONNECT:
        sock.setsockopt(*option)
    sock.bind((ip, 0))


SocketAddress = tuple[int, int, int, str, Any]
"""What ``getaddrinfo`` tells of one address: family, type, protocol, canonical name, address."""
_CLUSTER_SUFFIXES = (".svc.cluster.local", ".svc")


def place_of(url: URL, hosts: Mapping[str, str]) -> tuple[str, int | None]:
    """Where to connect to for *url*; *hosts* has addresses of Services that no DNS here knows."""
    name = url.host.removesuffix(".")
    for suffix in _CLUSTER_SUFFIXES:
        name = name.removesuffix(suffix)
    address, colon, port = hosts.get(name, "").rpartition(":")
    return (address, int(port)) if colon else (url.host, url.port)


def literal(host: str, port: int | None) -> list[SocketAddress] | None:
    """What a host resolves to that is an IPv4 address; None for another.

    A literal address needs no resolver: gevent's is a thread, and that hop costs more than connecting.
    """
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return None
    return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))]


def trust_of(target: Target) -> gevent.ssl.SSLContext | None:
    """How the target's certificate is verified; None for plain HTTP, UsageError for a CA that is none."""
    if not target.is_https:
        return None
    try:
        context = gevent.ssl.create_default_context(cadata=target.ca or None)
    except (SSLError, ValueError) as error:
        raise UsageError(f"reading the CA of {target.url}: {error}; give certificates as PEM") from error
    if target.insecure:
        context.check_hostname = False
        context.verify_mode = gevent.ssl.CERT_NONE
    return context


class SourcedPool(ConnectionPool):
    """A pool whose connections come from a given address; it counts them and can drop the idle ones."""

    def __init__(
        self,
        *args: Any,
        source_ip: str,
        on_connect: Callable[[], None],
        trust: gevent.ssl.SSLContext | None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self._source_ip = source_ip
        self._on_connect = on_connect
        self._trust = trust

    def after_connect(self, sock: gevent.socket.socket) -> None:  # noqa: ARG002  a hook of the base class
        """Count a connection that came about."""
        self._on_connect()

    def drop_idle(self) -> None:
        """Close connections that are not in use; the pool stays open."""
        while True:
            try:
                self._socket_queue.get(block=False).close()
            except Empty:
                return

    def _create_tcp_socket(self, family: int, socktype: int, protocol: int) -> gevent.socket.socket:
        sock = super()._create_tcp_socket(family, socktype, protocol)
        if self._source_ip:
            bind_source(sock, self._source_ip)
        return sock

    def _connect_socket(self, sock: gevent.socket.socket, address: Any) -> gevent.socket.socket:
        plain = super()._connect_socket(sock, address)
        if self._trust is None:
            return plain
        return self._trust.wrap_socket(plain, server_hostname=self._request_host)

    def _resolve(self) -> list[SocketAddress]:
        found = literal(self._connection_host, self._connection_port)
        if found is None:
            found = super()._resolve()
        return found


class SourcedClient(HTTPClient):
    """A client on a SourcedPool, which does the TLS if any."""

    def __init__(self, host: str, *, port: int | None, pool: SourcedPool, **options: Any) -> None:
        super().__init__(host, port=port, **options)
        self._connection_pool = pool


class ShopperConnections(HTTPClientPool):
    """The client pool of one shopper: one host, one connection at a time.

    *trust* is for https; *hosts* has addresses of Services that no DNS here knows.
    """

    def __init__(
        self,
        *,
        timeout_s: float,
        source_ip: str,
        on_connect: Callable[[], None],
        trust: gevent.ssl.SSLContext | None = None,
        hosts: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._timeout_s = timeout_s
        self._source_ip = source_ip
        self._on_connect = on_connect
        self._trust = trust
        self._hosts = hosts or {}
        self._pool: SourcedPool | None = None

    def get_client(self, url: str | URL) -> HTTPClient:
        """The client for *url*; made once for each host, as its base class does."""
        if not isinstance(url, URL):
            url = URL(url)
        key = url.host, url.port
        client = self.clients.get(key)
        if client is None:
            host, port = place_of(url, self._hosts)
            self._pool = SourcedPool(
                host,
                port,
                url.host,
                url.port,
                size=1,
                connection_timeout=self._timeout_s,
                network_timeout=self._timeout_s,
                source_ip=self._source_ip,
                on_connect=self._on_connect,
                trust=self._trust if url.scheme == HTTPS else None,
            )
            client = self.clients[key] = SourcedClient(url.host, port=url.port, pool=self._pool)
        return client

    def renew(self) -> None:
        """Close the idle connection: the next request opens a new one, and kube-proxy chooses anew."""
        if self._pool is not None:
            self._pool.drop_idle()
