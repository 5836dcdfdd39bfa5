"""A small shop with a login, for other people's locustfiles: real HTTP on loopback, remembers what it got."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as the shop saw it."""

    method: str
    path: str
    traceparent: str
    client_ip: str
    server_ip: str
    cookie: str
    authorization: str
    body: bytes


@dataclass(slots=True, kw_only=True)
class Book:
    """What came in."""

    asked: list[Asked] = field(default_factory=list)
    connections: Counter[str] = field(default_factory=Counter)
    """By server address."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def paths(self) -> Counter[str]:
        """Requests by method and path without its query."""
        return Counter(f"{one.method} {one.path.partition('?')[0]}" for one in self.asked)


def _handler(book: Book) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            with book.lock:
                book.connections[self.connection.getsockname()[0]] += 1

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            one = Asked(
                method=self.command,
                path=self.path,
                traceparent=self.headers.get("traceparent", ""),
                client_ip=self.client_address[0],
                server_ip=self.connection.getsockname()[0],
                cookie=self.headers.get("Cookie", ""),
                authorization=self.headers.get("Authorization", ""),
                body=body,
            )
            with book.lock:
                book.asked.append(one)
            self._answer(*_answer(one))

        def do_POST(self) -> None:
            self.do_GET()

        def _answer(self, status: int, answer: dict[str, Any], headers: dict[str, str]) -> None:
            content = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _answer(one: Asked) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Two hops from the old home to the new one; orders for who logged in."""
    path = one.path.partition("?")[0]
    if path == "/old-home":
        return 302, {}, {"Location": "/moved-home"}
    if path == "/moved-home":
        return 307, {}, {"Location": "/home"}
    if path == "/missing":
        return 404, {}, {}
    if path == "/api/login":
        token = f"tok-{json.loads(one.body)['user']}-unseen-4711"
        return 200, {"token": token}, {"Set-Cookie": "session=s-unseen-4711"}
    if path == "/api/orders" and not one.authorization.startswith("Bearer tok-"):
        return 401, {}, {}
    return 200, {"order": 1}, {}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def trading(book: Book, *addresses: str) -> Iterator[tuple[str, ...]]:
    """A shop on each address at a free port; yields the base URLs."""
    servers = [_Server((address, 0), _handler(book)) for address in addresses]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield tuple(f"http://{server.server_address[0]}:{server.server_address[1]}" for server in servers)
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
