"""A local port that leads to a stream: carried, cut, refused, closed."""

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from k8s.errors import UnreachableError, UsageError
from k8s.live.forward import Forward
from tests.loadtest.stand import Memory, serving


@pytest.fixture
def memory() -> Memory:
    """What the far end remembers."""
    return Memory()


@pytest.fixture
def far_url(memory: Memory) -> Iterator[str]:
    """A real HTTP server at the far end."""
    with serving(memory, "127.0.0.1") as (url,):
        yield url


def dial(url: str) -> socket.socket:
    host, _, port = url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)))


def get(url: str) -> int:
    with urllib.request.urlopen(url, timeout=30) as answer:
        answer.read()
        return int(answer.status)


def test_each_connection_has_a_stream_of_its_own(memory: Memory, far_url: str):
    """Requests arrive at the far end, and each one dialled anew."""
    with Forward(lambda: dial(far_url)) as forward:
        assert [get(f"{forward.url}/home") for _ in range(3)] == [200, 200, 200]
        assert forward.carried == 3
    assert [hit.path for hit in memory.hits] == ["/home"] * 3


def test_a_pod_that_comes_back_costs_one_connection(far_url: str):
    """A dial that fails is remembered and the next one is tried."""
    troubles = [UnreachableError("no pod of it is ready")]

    def flaky() -> socket.socket:
        if troubles:
            raise troubles.pop()
        return dial(far_url)

    with Forward(flaky) as forward:
        with pytest.raises((urllib.error.URLError, ConnectionError)):
            get(forward.url)
        assert "no pod" in str(forward.trouble)
        assert get(forward.url) == 200
        assert forward.trouble is None


def test_closing_cuts_what_is_open():
    """A connection in use ends when the forward is closed, and the port is free again."""
    near_end, far_end = socket.socketpair()
    forward = Forward(lambda: near_end)
    forward.open()
    port = int(forward.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"x")
        assert far_end.recv(1) == b"x"
        forward.close()
        client.settimeout(5)
        assert client.recv(1) == b""
    with Forward(lambda: near_end, port=port) as again:
        assert again.url.endswith(str(port))
    far_end.close()


def test_a_taken_port_is_named():
    """The message says which port, and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"forwarding port {port}: .*choose another"):
            Forward(lambda: taken, port=port).open()


def test_no_thread_is_left():
    """The thread that listens ends with the forward."""
    before = set(threading.enumerate())
    forward = Forward(lambda: dial("http://127.0.0.1:9"))
    forward.open()
    (ours,) = set(threading.enumerate()) - before
    forward.close()
    ours.join(5)
    assert not ours.is_alive()
