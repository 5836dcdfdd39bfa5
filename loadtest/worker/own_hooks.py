"""Hooks a Recorder into the clients of HttpUser and FastHttpUser, so that a user's file needs no change.

The places are those where one request goes over the wire: a transport adapter of ``requests``, ``_urlopen``
of geventhttpclient's user agent, and where either opens a connection.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from geventhttpclient.connectionpool import ConnectionPool
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession, LocustUserAgent
from locust.env import Environment
from urllib3.connection import HTTPConnection

from loadtest.worker.connections import PORT_AT_CONNECT, bind_source
from loadtest.worker.own_requests import MARK, Recorder


def install(environment: Environment, recorder: Recorder) -> None:
    """Hook into the clients of HttpUser and FastHttpUser, and listen to Locust's event."""
    hooks: Any = environment.events  # their methods are not annotated
    hooks.request.add_listener(recorder.on_request)
    for session in (HttpSession, FastHttpSession):
        _replace(session, "_send_request_safe_mode", partial(_recorded_call, recorder))
    _replace(HttpSession, "get_adapter", partial(_recorded_adapter, recorder))
    _replace(LocustUserAgent, "_urlopen", partial(_recorded_urlopen, recorder))
    _replace(HTTPConnection, "_new_conn", partial(_recorded_connect, recorder))
    _replace(ConnectionPool, "_create_tcp_socket", partial(_sourced_socket, recorder))
    _replace(ConnectionPool, "_create_socket", partial(_counted_socket, recorder))


def _replace(owner: Any, name: str, wrapped: Callable[[Any], Callable[..., Any]]) -> None:
    """Put *wrapped*, given what was there, in the place of a method."""
    setattr(owner, name, wrapped(getattr(owner, name)))


def _recorded_call(recorder: Recorder, original: Any) -> Callable[..., Any]:
    def send(session: Any, method: str, url: str, **kwargs: Any) -> Any:
        with recorder.call() as call:
            response = original(session, method, url, **kwargs)
        if call is not None:
            setattr(response, MARK, call)
        return response

    return send


class _RecordedAdapter:
    """A transport adapter of ``requests`` as its session uses it, for one request."""

    def __init__(self, adapter: Any, recorder: Recorder) -> None:
        self._adapter = adapter
        self._recorder = recorder

    def send(self, request: Any, **kwargs: Any) -> Any:
        """Send a prepared request."""
        with self._recorder.wire(str(request.method), str(request.url), request.headers) as wire:
            response = self._adapter.send(request, **kwargs)
            if wire is not None:
                wire.status = response.status_code
            return response

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)


def _recorded_adapter(recorder: Recorder, original: Any) -> Callable[..., Any]:
    def get_adapter(session: Any, url: str) -> Any:
        adapter = original(session, url)
        return adapter if recorder.current is None else _RecordedAdapter(adapter, recorder)

    return get_adapter


def _recorded_urlopen(recorder: Recorder, original: Any) -> Callable[..., Any]:
    def urlopen(agent: Any, request: Any) -> Any:
        if recorder.current is None:
            return original(agent, request)
        with recorder.wire(request.method, request.url, request.headers) as wire:
            response = original(agent, request)
            if wire is not None:
                wire.status = response.status_code
            return response

    return urlopen


def _recorded_connect(recorder: Recorder, original: Any) -> Callable[..., Any]:
    def connect(connection: Any) -> Any:
        if not recorder.is_ours(connection.host, connection.port):
            return original(connection)
        if recorder.source:
            connection.source_address = recorder.source
            connection.socket_options = [*(connection.socket_options or ()), *PORT_AT_CONNECT]
        sock = original(connection)
        recorder.connected()
        return sock

    return connect


def _sourced_socket(recorder: Recorder, original: Any) -> Callable[..., Any]:
    def create(pool: Any, *how: Any) -> Any:
        sock = original(pool, *how)
        if recorder.source and _is_ours(recorder, pool):
            bind_source(sock, recorder.source[0])
        return sock

    return create


def _counted_socket(recorder: Recorder, original: Any) -> Callable[..., Any]:
    def create(pool: Any) -> Any:
        sock = original(pool)
        if _is_ours(recorder, pool):
            recorder.connected()
        return sock

    return create


def _is_ours(recorder: Recorder, pool: Any) -> bool:
    return recorder.is_ours(pool._connection_host, pool._connection_port)  # noqa: SLF001 - nothing else says
