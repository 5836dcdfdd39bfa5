"""Following an API server without waiting for it."""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from k8s.lab.apiclient.api import ApiError
from k8s.lab.apiclient.feed import Feed

HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"
PATIENCE_S = 10.0


def pod(name: str, version: int, **metadata: Any) -> dict[str, Any]:
    found = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "resourceVersion": str(version)}
    return {"metadata": found | metadata}


class Server:
    """Lists what it was given, and sends what it is told on the watch."""

    def __init__(self) -> None:
        self.items = [pod("one", 1)]
        self.is_up = True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.netloc = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.asked = ""
        self.watch: socket.socket | None = None
        self.feed = Feed(api=self, path="/api/v1/pods", kind=("v1", "Pod"))

    def listed(self, path: str) -> tuple[list[dict[str, Any]], str]:
        assert path == "/api/v1/pods"
        if not self.is_up:
            raise ApiError("it is away")
        return self.items, "7"

    def open(self) -> bool:
        changed = self.feed.pump()
        self.watch, _ = self._listener.accept()
        self.asked = self.watch.recv(4096).decode()
        return changed

    def send(self, data: bytes) -> None:
        assert self.watch is not None
        self.watch.sendall(data)

    def tell(self, kind: str, obj: dict[str, Any]) -> None:
        self.send(json.dumps({"type": kind, "object": obj}).encode() + b"\n")

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
        if self.watch is not None:
            self.watch.close()
        self._listener.close()


@pytest.fixture
def server() -> Iterator[Server]:
    """One that is open, its watch not answered yet."""
    found = Server()
    assert found.open()
    yield found
    found.close()


def test_it_lists_and_then_asks_for_what_comes_after(server: Server) -> None:
    """The items get their kind, which lists leave out; HTTP/1.0, so that no chunks are in the way."""
    assert server.feed.objects["shop", "one"]["kind"] == "Pod"
    assert server.asked.startswith("GET /api/v1/pods?watch=1&resourceVersion=7 HTTP/1.0\r\n")
    assert server.feed.descriptor() is not None
    assert not server.feed.pump()


def test_changes_are_taken_in_wherever_their_bytes_are_cut(server: Server) -> None:
    """Added, modified, deleted; a bookmark is no change."""
    events = [("ADDED", pod("two", 8)), ("BOOKMARK", pod("", 9)), ("DELETED", pod("one", 10))]
    data = HEAD + b"".join(json.dumps({"type": kind, "object": obj}).encode() + b"\n" for kind, obj in events)
    for index in range(0, len(data), 7):
        server.send(data[index : index + 7])
        server.feed.pump()
    server.await_names(["two"])


def test_the_echo_of_an_own_write_is_no_news(server: Server) -> None:
    """Nor is what was before it, nor what is still said of an object that was deleted."""
    server.feed.put(pod("two", 9, note="mine"))
    server.feed.drop(pod("one", 1))
    server.send(HEAD)
    for obj in (pod("two", 8), pod("two", 9), pod("one", 5)):
        server.tell("MODIFIED", obj)
    server.tell("ADDED", pod("three", 10))
    server.await_names(["two", "three"])
    assert server.feed.objects["shop", "two"]["metadata"]["note"] == "mine"
    server.tell("DELETED", pod("one", 11))
    server.tell("ADDED", pod("one", 12, uid="another"))
    server.await_names(["two", "three", "one"])


@pytest.mark.parametrize(
    "last",
    [
        b"",
        HEAD + b'{"type":"ERROR","object":{"code":410,"message":"too old"}}\n',
        b"HTTP/1.0 503 Service Unavailable\r\n\r\n",
    ],
    ids=["closed", "expired", "refused"],
)
def test_a_watch_that_ends_is_begun_again_with_a_list(server: Server, last: bytes) -> None:
    """What is gone meanwhile is gone; while the server is away, the last state stays."""
    assert server.watch is not None
    server.send(last)
    server.watch.close()
    until_s = time.monotonic() + PATIENCE_S
    while server.feed.descriptor() is not None:
        assert time.monotonic() < until_s
        server.feed.pump()
    server.is_up = False
    with pytest.raises(ApiError, match="it is away"):
        server.feed.pump()
    assert server.names() == ["one"]
    server.is_up = True
    server.items = [pod("four", 20)]
    assert server.open()
    assert server.names() == ["four"]
