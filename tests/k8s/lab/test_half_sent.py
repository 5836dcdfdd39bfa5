"""Requests that are begun and not finished, at the lab's real servers."""

import http.client
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.k8s.lab.apiserver import wire

ROOT = Path(__file__).parents[3]
HEAD_S = 1.5
PATIENCE = f"HttpPatience(head_s={HEAD_S}, body_s={HEAD_S}, most=700)"
PROGRAMS = {
    "apiserver": f"""
import logging
from k8s.lab.apiserver.handlers import Terms
from k8s.lab.apiserver.server import serve
from k8s.lab.half_sent import HttpPatience
logging.basicConfig(level="INFO")
serve("127.0.0.1", 0, Terms(token="{wire.TOKEN}", patience={PATIENCE}))
""",
    "standin": f"""
import logging
from k8s.lab.xray.app import serve
from k8s.lab.half_sent import HttpPatience
logging.basicConfig(level="INFO")
serve("127.0.0.1", 0, patience={PATIENCE})
""",
    "pod": f"""
import asyncio, sys
from k8s.lab.service.httpd import HttpServer, Reply
async def main():
    server = HttpServer("127.0.0.1", 0, lambda request: Reply(body=b"ok"), {HEAD_S})
    print(f"http://127.0.0.1:{{server.port}}", file=sys.stderr, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
""",
}
PROMPT_S = 5.0
"""Of a busy machine: a first packet that finds no room is sent again after 1 s, then after 2 s."""
MANY = 600
HALVES = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n", id="no-end"),
    pytest.param(b"GET /heal", id="no-line"),
    pytest.param(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /heal", id="second-request"),
]


@contextmanager
def running(name: str, log: Path) -> Iterator[int]:
    """One of the servers; where it is."""
    with log.open("wb") as sink:
        process = subprocess.Popen([sys.executable, "-c", PROGRAMS[name]], cwd=ROOT, stderr=sink)
    try:
        until_s = time.monotonic() + 60
        while (found := re.search(r"http://127.0.0.1:(\d+)", log.read_text())) is None:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until_s
            time.sleep(0.05)
        yield int(found[1])
        assert process.poll() is None
        assert "Traceback" not in log.read_text()
    finally:
        process.kill()
        process.wait()


@pytest.fixture(params=PROGRAMS, scope="module")
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Each of the servers."""
    with running(request.param, tmp_path_factory.mktemp("half-sent") / "log") as number:
        yield number


def opened(port: int, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(sent)
    return connection


def is_closed(connection: socket.socket) -> bool:
    """Whether the server has ended it; what it answered before is read."""
    connection.setblocking(False)
    try:
        while connection.recv(65_536):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return True


def healthy_s(port: int) -> float:
    """How long a whole request takes."""
    began_s = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()
    return time.monotonic() - began_s


@pytest.mark.parametrize("half", HALVES)
def test_six_hundred_of_them_end_and_others_are_answered(port: int, half: bytes) -> None:
    """Whatever has come of them; a whole request beside them is answered at once."""
    with ExitStack() as stack:
        connections = [stack.enter_context(opened(port, half)) for _ in range(MANY)]
        assert healthy_s(port) < PROMPT_S
        until_s = time.monotonic() + HEAD_S * 10
        left = connections
        while left := [connection for connection in left if not is_closed(connection)]:
            assert time.monotonic() < until_s, f"{len(left)} are left"
            time.sleep(0.1)
        assert healthy_s(port) < PROMPT_S


def test_a_head_in_drops_ends_as_well(port: int) -> None:
    """Each byte does not begin the time anew."""
    with opened(port, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ") as connection:
        until_s = time.monotonic() + HEAD_S * 10
        while not is_closed(connection):
            assert time.monotonic() < until_s
            connection.setblocking(True)
            with suppress(ConnectionError):
                connection.sendall(b"x")
            time.sleep(0.1)


def test_who_is_idle_is_kept(port: int) -> None:
    """A kept connection is used again after any pause."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.connect()
    own = connection.sock
    for _ in range(2):
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"ok")
        time.sleep(HEAD_S * 2)
    assert connection.sock is own
    assert not is_closed(own)
    connection.close()


@pytest.fixture(scope="module")
def api_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """An impatient API server."""
    log = tmp_path_factory.mktemp("impatient") / "log"
    with running("apiserver", log) as port:
        yield port


def test_a_watch_lasts(api_port: int) -> None:
    """Its head has come: it hears of a change long after."""
    url = f"http://127.0.0.1:{api_port}/api/v1/namespaces"
    version = wire.get(url).json["metadata"]["resourceVersion"]
    with wire.watching(url, resourceVersion=version) as events:
        time.sleep(HEAD_S * 3)
        wire.post(url, {"metadata": {"name": "late"}})
        assert next(events)["object"]["metadata"]["name"] == "late"


@pytest.mark.parametrize("name", ["apiserver", "standin"])
def test_half_a_body_is_408(name: str, tmp_path: Path) -> None:
    """And the connection ends."""
    secret = f"Authorization: Bearer {wire.TOKEN}\r\nSamezone-Control: x\r\n"
    path = "/api/v1/namespaces" if name == "apiserver" else "/_standin/knobs"
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{secret}Content-Length: 100\r\n\r\n{{"
    with running(name, tmp_path / "log") as port, opened(port, head.encode()) as connection:
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 408
        assert answer.read()
        until_s = time.monotonic() + 10
        while not is_closed(connection):
            assert time.monotonic() < until_s
            time.sleep(0.05)
