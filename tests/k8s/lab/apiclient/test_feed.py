"""Following an API server without waiting for it."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from queue import Queue
from typing import Any

import pytest

from k8s.lab.apiclient.api import ApiError, LabApi
from k8s.lab.apiclient.feed import Feed
from k8s.lab.design.seeds import Object

HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"
PATIENCE_S = 60.0


def pod(name: str, version: int, **metadata: Any) -> dict[str, Any]:
    found = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "resourceVersion": str(version)}
    return {"metadata": found | metadata}


class Server:
    """Lists what it was given, and sends what it is told on the watch; real sockets, one thread."""

    def __init__(self) -> None:
        self.items = [pod("one", 1)]
        self.is_up = True
        self.watch_head = HEAD
        """What begins a watch; more than a head if it is to say something at once."""
        self.asked: list[str] = []
        self.changes: list[tuple[str, str]] = []
        self._watches: Queue[socket.socket] = Queue()
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        api = LabApi(f"http://127.0.0.1:{port}", "token")
        self.feed = Feed(api=api, path="/api/v1/pods", on_change=self._changed)
        threading.Thread(target=self._serve, daemon=True).start()

    def open(self) -> socket.socket:
        """Let the feed list and connect; the server's end of its watch."""
        self.feed.pump()
        return self._watches.get(timeout=PATIENCE_S)

    def names(self) -> list[str]:
        return [name for _, name in self.feed.objects]

    def await_names(self, expected: list[str]) -> None:
        """Pump until the objects are these."""
        until_s = time.monotonic() + PATIENCE_S
        while self.names() != expected:
            assert time.monotonic() < until_s, self.names()
            self.feed.pump()

    def close(self) -> None:
        self.feed.close()
        self._listener.close()

    def _changed(self, before: Object | None, after: Object | None) -> None:
        named = [one["metadata"]["name"] if one else "-" for one in (before, after)]
        self.changes.append((named[0], named[1]))

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            asked = connection.recv(65536).decode().partition("\r\n")[0]
            self.asked.append(asked)
            if "watch=1" in asked:
                connection.sendall(self.watch_head)
                self._watches.put(connection)
                continue
            body = json.dumps({"kind": "PodList", "apiVersion": "v1", "items": self.items})
            answer = body[:-1] + ', "metadata": {"resourceVersion": "7"}}'
            status = "200 OK" if self.is_up else "503 Service Unavailable"
            head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(answer)}\r\n\r\n"
            connection.sendall((head + answer).encode())
            connection.close()


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.close()


def line(kind: str, obj: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": obj}).encode() + b"\n"


def test_it_lists_and_then_asks_for_what_comes_after(server: Server) -> None:
    """The items get their kind, which lists leave out; HTTP/1.0, so that no chunks are in the way."""
    server.open()
    assert server.feed.objects["shop", "one"]["kind"] == "Pod"
    assert server.asked[-1] == "GET /api/v1/pods?watch=1&resourceVersion=7 HTTP/1.0"
    assert server.feed.descriptor() is not None
    assert not server.feed.pump()
    assert server.changes == [("-", "one")]


def test_changes_are_taken_in_wherever_their_bytes_are_cut(server: Server) -> None:
    """Added, modified, deleted; a bookmark is no change."""
    watch = server.open()
    events = [("ADDED", pod("two", 8)), ("BOOKMARK", pod("", 9)), ("DELETED", pod("one", 10))]
    data = b"".join(line(kind, obj) for kind, obj in events)
    for index in range(0, len(data), 7):
        watch.sendall(data[index : index + 7])
        server.feed.pump()
    server.await_names(["two"])
    assert server.changes == [("-", "one"), ("-", "two"), ("one", "-")]


def test_what_comes_with_the_head_of_the_answer_is_not_forgotten(server: Server) -> None:
    """It is read ahead, and its descriptor says nothing more."""
    server.watch_head = HEAD + line("ADDED", pod("two", 8))
    server.open()
    assert server.feed.pump()
    assert server.names() == ["one", "two"]


def test_the_echo_of_an_own_write_is_no_news(server: Server) -> None:
    """Nor is what was before it, nor what is still said of an object that was deleted."""
    watch = server.open()
    server.feed.put(pod("two", 9, note="mine"))
    server.feed.drop(pod("one", 1))
    watch.sendall(b"".join(line("MODIFIED", obj) for obj in (pod("two", 8), pod("two", 9), pod("one", 5))))
    watch.sendall(line("ADDED", pod("three", 10)))
    server.await_names(["two", "three"])
    assert server.feed.objects["shop", "two"]["metadata"]["note"] == "mine"
    watch.sendall(line("DELETED", pod("one", 11)) + line("ADDED", pod("one", 12, uid="another")))
    server.await_names(["two", "three", "one"])
    assert server.changes == [("-", "one"), ("-", "three"), ("-", "one")]


@pytest.mark.parametrize(
    "last",
    [
        b"",
        b'{"type":"ERROR","object":{"code":410,"message":"too old"}}\n',
        b'{"type":"ADDED"}\n',
        b"not JSON\n",
        b'{"type":"ADDED","object":{"metadata":{"na',
    ],
    ids=["closed", "expired", "no object", "no JSON", "cut off"],
)
def test_a_watch_that_ends_is_begun_again_with_a_list(server: Server, last: bytes) -> None:
    """What is gone meanwhile is gone; while the server is away, the last state stays."""
    watch = server.open()
    watch.sendall(line("ADDED", pod("two", 8)) + last)
    watch.close()
    until_s = time.monotonic() + PATIENCE_S
    while server.feed.descriptor() is not None:
        assert time.monotonic() < until_s
        server.feed.pump()
    server.is_up = False
    with pytest.raises(ApiError, match="503"):
        server.feed.pump()
    assert server.names() == ["one", "two"]
    server.is_up = True
    server.items = [pod("four", 20)]
    server.open()
    assert server.names() == ["four"]


def test_a_watch_that_is_refused_leaves_the_feed_as_it_was(server: Server) -> None:
    """It tries again at the next pump."""
    server.watch_head = b"HTTP/1.0 503 Service Unavailable\r\n\r\n"
    with pytest.raises(ApiError, match=r"following /api/v1/pods at 127\.0\.0\.1:.*503 Service Unavailable"):
        server.feed.pump()
    assert server.feed.descriptor() is None
    assert not server.feed.is_listed
