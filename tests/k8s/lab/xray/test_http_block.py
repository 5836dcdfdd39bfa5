"""The http block: method, URL, client and status from old and new attribute names."""

import pytest

from k8s.lab.xray.http_block import http_block
from k8s.lab.xray.spans import span_of
from tests.k8s.lab.xray.builders import CLIENT, SERVER, Json, pairs, span


def block(kind: int, attributes: Json) -> Json | None:
    """The http block of a span."""
    return http_block(span_of(span("x", kind, 1, **attributes)))[0]


_URLS: list[tuple[int, Json, str | None]] = [
    (SERVER, {"url.full": "http://a/b?c"}, "http://a/b?c"),
    (CLIENT, {"http.url": "http://a/b"}, "http://a/b"),
    (SERVER, {"http.scheme": "https", "http.host": "a:1", "http.target": "/t?q"}, "https://a:1/t?q"),
    (SERVER, {"url.scheme": "http", "url.path": "/p", "server.address": "h", "server.port": 8080}, "http://h:8080/p"),
    (SERVER, {"url.path": "/p", "url.query": "q=1", "server.address": "h"}, "http://h/p?q=1"),
    (SERVER, {"url.path": "/p", "url.query": "?q=1", "server.address": "h"}, "http://h/p?q=1"),
    (SERVER, {"url.path": "/p", "server.address": "h", "server.port": 80}, "http://h/p"),
    (SERVER, {"url.scheme": "https", "url.path": "/", "server.address": "h", "server.port": 443}, "https://h/"),
    (SERVER, {"http.method": "GET", "http.server_name": "a", "net.host.name": "b"}, "http://a/"),
    (SERVER, {"http.method": "GET", "net.host.name": "b", "host.name": "c", "net.host.port": "81"}, "http://b:81/"),
    (SERVER, {"http.method": "GET", "host.name": "c", "server.address": "d"}, "http://c/"),
    (CLIENT, {"http.method": "GET", "net.peer.name": "a", "net.peer.ip": "10.0.0.1"}, "http://a/"),
    (CLIENT, {"http.method": "GET", "net.peer.ip": "10.0.0.1", "net.peer.port": 90}, "http://10.0.0.1:90/"),
    (CLIENT, {"http.method": "GET", "server.address": "h"}, "http:///"),
    (CLIENT, {"http.method": "GET"}, None),
    (SERVER, {"url.path": "/p", "network.peer.address": "10.0.0.1"}, "http:///p"),
    (SERVER, {"url.path": "/p", "network.peer.address": "a.name"}, None),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "attributes", "expected"), _URLS)
def test_url(kind: int, attributes: Json, expected: str | None) -> None:
    """A full URL is taken as it is; otherwise it is put together, hosts in their order of precedence."""
    found = block(kind, attributes)

    assert found is not None
    assert expected == found["request"].get("url")


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"http.client_ip": "10.0.0.1"}, {"client_ip": "10.0.0.1", "x_forwarded_for": True}),
        ({"client.address": "10.0.0.1"}, {"client_ip": "10.0.0.1", "x_forwarded_for": True}),
        ({"client.address": "a.name"}, {}),
        ({"network.peer.address": "10.0.0.2"}, {"client_ip": "10.0.0.2"}),
        ({"network.peer.address": "::1"}, {"client_ip": "::1"}),
        ({"network.peer.address": "a.name"}, {}),
        ({"client.address": "10.0.0.1", "network.peer.address": "10.0.0.2"}, {"client_ip": "10.0.0.1"}),
        ({"network.peer.address": "10.0.0.2", "client.address": "10.0.0.1"}, {"client_ip": "10.0.0.1"}),
        ({"net.peer.ip": "10.0.0.3", "http.client_ip": "10.0.0.1"}, {"client_ip": "10.0.0.1"}),
    ],
)
def test_client(attributes: Json, expected: Json) -> None:
    """The client is the forwarded address, else the peer; it is marked forwarded where no peer is known."""
    found = block(SERVER, {"http.request.method": "GET"} | attributes)

    assert found is not None
    wanted = {key: found["request"].get(key) for key in ("client_ip", "x_forwarded_for")}
    assert expected == {key: value for key, value in wanted.items() if value is not None}


def test_old_and_new_names() -> None:
    """Old and new names fill the same fields; the last one given wins."""
    attributes = {
        "http.method": "GET",
        "http.request.method": "PUT",
        "http.user_agent": "old",
        "user_agent.original": "new",
        "http.response.status_code": 201,
        "http.status_code": 200,
    }

    assert block(CLIENT, attributes) == {
        "request": {"method": "PUT", "user_agent": "new"},
        "response": {"status": 200, "content_length": 0},
    }


@pytest.mark.parametrize("attributes", [{}, {"color": "red"}, {"server.address": "h", "net.peer.name": "p"}])
def test_no_block(attributes: Json) -> None:
    """Places alone do not make a span an HTTP span."""
    assert block(CLIENT, attributes) is None


def test_what_was_looked_at_is_taken() -> None:
    """Attributes that the block knows are gone from the rest even where there is no block."""
    message = span("x", CLIENT, 1, **{"server.address": "h", "network.peer.port": 1, "color": "red"})

    assert http_block(span_of(message)) == (None, {"network.peer.port": 1, "color": "red"})


def test_response_size() -> None:
    """Only a received message, as span or event, tells the size of a response."""
    message = span("x", CLIENT, 1, **{"http.method": "GET", "http.response.body.size": 5})
    sizes = {"message.type": "RECEIVED", "messaging.message_payload_size_bytes": 12}

    ignored = http_block(span_of(message))[0]
    message.events.add(name="message", attributes=pairs(sizes))
    found = http_block(span_of(message))[0]

    assert ignored is not None
    assert found is not None
    assert (ignored["response"]["content_length"], found["response"]["content_length"]) == (0, 12)
