"""The ``http`` block of a segment document, from old and new HTTP attribute names.

Source: awsxrayexporter v0.156.0, ``internal/translator/http.go``. ``server.address`` helps a SERVER span's
URL and nothing else; response sizes are always 0 unless the span says so the way gRPC events did.
"""

import ipaddress
from typing import Any, Final

from k8s.lab.xray.spans import SERVER, Attributes, Span, Value, integer, text

_URL: Final = "url"
_REQUEST_FIELDS: Final = {
    "http.method": "method",
    "http.request.method": "method",
    "http.user_agent": "user_agent",
    "user_agent.original": "user_agent",
    "http.client_ip": "client_ip",
}
_PARTS: Final = {
    "http.url": _URL,
    "url.full": _URL,
    "http.scheme": "scheme",
    "url.scheme": "scheme",
    "http.host": "http.host",
    "http.target": "http.target",
    "http.server_name": "http.server_name",
    "host.name": "host.name",
    "net.host.name": "net.host.name",
    "net.host.port": "net.host.port",
    "net.peer.name": "net.peer.name",
    "net.peer.port": "net.peer.port",
    "net.peer.ip": "net.peer.ip",
    "url.path": "url.path",
    "url.query": "url.query",
    "server.address": "server.address",
    "server.port": "server.port",
}
_STATUS: Final = frozenset({"http.status_code", "http.response.status_code"})
_ADDRESSES: Final = frozenset({"network.peer.address", "client.address"})
_PORTS: Final = frozenset({"net.host.port", "net.peer.port", "server.port"})
_CONSUMED: Final = frozenset(_REQUEST_FIELDS) | frozenset(_PARTS) | _STATUS | _ADDRESSES

_MAKES_HTTP: Final = (
    frozenset(_REQUEST_FIELDS)
    | _STATUS
    | {"http.url", "url.full", "http.scheme", "url.scheme", "http.host", "http.target", "http.server_name"}
    | {"net.host.port", "url.path", "url.query"}
)
"""Any one of these makes the span an HTTP span."""
_MAKES_URL: Final = frozenset(
    {"http.url", "url.full", "http.host", "http.server_name", "host.name", "net.host.name"}
    | {"net.peer.name", "net.peer.ip", "server.address"}
)
"""Any one of these lets the exporter assemble a URL."""


def http_block(span: Span) -> tuple[dict[str, Any] | None, dict[str, Value]]:
    """The block (None where the span is not HTTP), and the attributes it did not take."""
    attributes = span.attributes
    rest = {key: value for key, value in attributes.items() if key not in _CONSUMED}
    client_ip, has_peer = _client_ip(attributes)
    if _MAKES_HTTP.isdisjoint(attributes):
        return None, rest
    request: dict[str, Any] = {}
    response: dict[str, Any] = {}
    for key, value in attributes.items():
        if key in _STATUS:
            response["status"] = integer(value)
        elif key in _REQUEST_FIELDS and key != "http.client_ip":
            request[_REQUEST_FIELDS[key]] = text(attributes, key)
    if has_peer or not _MAKES_URL.isdisjoint(attributes):
        request["url"] = _url(span.kind, _url_parts(attributes))
    request = {key: value for key, value in request.items() if value}
    if client_ip is not None and not has_peer:
        request["x_forwarded_for"] = True
    if client_ip:
        request["client_ip"] = client_ip
    response["content_length"] = _response_bytes(span)
    return {"request": request, "response": response}, rest


def _client_ip(attributes: Attributes) -> tuple[str | None, bool]:
    """The client's address (the last forwarded one, else the first peer's), and whether a peer is known."""
    client_ip: str | None = None
    has_peer = False
    for key in attributes:
        value = text(attributes, key)
        if key == "http.client_ip" or (key == "client.address" and _is_ip(value)):
            client_ip = value or None
        elif key == "net.peer.ip" or (key == "network.peer.address" and _is_ip(value)):
            client_ip = client_ip or value or None
            has_peer = True
    return client_ip, has_peer


def _is_ip(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _url_parts(attributes: Attributes) -> dict[str, str]:
    parts: dict[str, str] = {}
    for key in attributes:
        part = _PARTS.get(key)
        if part is not None:
            parts[part] = text(attributes, key) or (str(integer(attributes[key])) if key in _PORTS else "")
    return parts


def _url(kind: int, parts: dict[str, str]) -> str:
    if _URL in parts:
        return parts[_URL]
    scheme = parts.get("scheme", "http")
    if "http.host" in parts:
        host, port = parts["http.host"], ""
    elif kind == SERVER:
        host = _first(parts, "http.server_name", "net.host.name", "host.name", "server.address")
        port = _first(parts, "net.host.port", "server.port")
    else:
        host = _first(parts, "net.peer.name", "net.peer.ip")
        port = _first(parts, "net.peer.port")
    default_port = {"http": "80", "https": "443"}.get(scheme)
    colon_port = f":{port}" if port and port != default_port else ""
    return f"{scheme}://{host}{colon_port}{_path(parts)}"


def _first(parts: dict[str, str], *keys: str) -> str:
    return next((parts[key] for key in keys if key in parts), "")


def _path(parts: dict[str, str]) -> str:
    if "http.target" in parts:
        return parts["http.target"]
    path = parts.get("url.path", "/")
    query = parts.get("url.query")
    if query is None:
        return path
    return f"{path}{query}" if query.startswith("?") else f"{path}?{query}"


def _response_bytes(span: Span) -> int:
    for attributes in (span.attributes, *(event.attributes for event in span.events)):
        if attributes.get("message.type") == "RECEIVED":
            size = integer(attributes.get("messaging.message_payload_size_bytes"))
            if size:
                return size
    return 0
