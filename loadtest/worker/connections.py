"""Connections of one shopper: their source address, when they are renewed, and how many were opened."""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import gevent.socket
from gevent.queue import Empty
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.connectionpool import ConnectionPool
from geventhttpclient.url import URL

_IP_BIND_ADDRESS_NO_PORT = 24
"""Linux, not in Python's socket: choose the source port at connect, so that TIME_WAIT uses none up."""


class SourcedPool(ConnectionPool):
    """A pool whose connections come from a given address; it counts them and can drop the idle ones."""

    def __init__(self, *args: Any, source_ip: str, on_connect: Callable[[], None], **options: Any) -> None:
        super().__init__(*args, **options)
        self._source_ip = source_ip
        self._on_connect = on_connect

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
            if hasattr(socket, "AF_PACKET"):  # Linux
                sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((self._source_ip, 0))
        return sock

    def _resolve(self) -> list[Any]:
        # A literal address needs no resolver: gevent's is a thread, and that hop costs more than connecting.
        try:
            ipaddress.IPv4Address(self._connection_host)
        except ValueError:
            resolved: list[Any] = super()._resolve()
            return resolved
        address = (self._connection_host, self._connection_port)
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)]


class SourcedClient(HTTPClient):
    """A plain-HTTP client on a SourcedPool."""

    def __init__(self, host: str, *, port: int | None, pool: SourcedPool, **options: Any) -> None:
        super().__init__(host, port=port, **options)
        self._connection_pool = pool


class ShopperConnections(HTTPClientPool):
    """The client pool of one shopper: one host, one connection at a time."""

    def __init__(self, *, timeout_s: float, source_ip: str, on_connect: Callable[[], None]) -> None:
        super().__init__()
        self._timeout_s = timeout_s
        self._source_ip = source_ip
        self._on_connect = on_connect
        self._pool: SourcedPool | None = None

    def get_client(self, url: str | URL) -> HTTPClient:
        """The client for *url*; made once for each host, as its base class does."""
        if not isinstance(url, URL):
            url = URL(url)
        key = url.host, url.port
        client = self.clients.get(key)
        if client is None:
            self._pool = SourcedPool(
                url.host,
                url.port,
                url.host,
                url.port,
                size=1,
                connection_timeout=self._timeout_s,
                network_timeout=self._timeout_s,
                source_ip=self._source_ip,
                on_connect=self._on_connect,
            )
            client = self.clients[key] = SourcedClient(url.host, port=url.port, pool=self._pool)
        return client

    def renew(self) -> None:
        """Close the idle connection: the next request opens a new one, and kube-proxy chooses anew."""
        if self._pool is not None:
            self._pool.drop_idle()
