"""The process: start, stop, a taken port."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from k8s.errors import UnreachableError
from k8s.lab.apiserver.handlers import Terms
from k8s.lab.apiserver.server import serve
from tests.k8s.lab.apiserver import samples, wire
from tests.k8s.lab.apiserver.conftest import start_server

SECRET = f"Authorization: Bearer {wire.TOKEN}"


def test_a_taken_port_is_said_so() -> None:
    """With the address, and what to try."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(UnreachableError) as refused:
            serve("127.0.0.1", port, Terms(token=wire.TOKEN))

    message = str(refused.value)
    assert f"starting the lab's API server on 127.0.0.1:{port}:" in message
    assert "choose another port" in message
    assert isinstance(refused.value.__cause__, OSError)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_and_its_watches_in_order(tmp_path: Path, number: signal.Signals) -> None:
    """With exit code 0, and no watch is cut off in the middle."""
    server = start_server(tmp_path)
    host, _, port = server.url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = f"GET /api/v1/namespaces?watch=1 HTTP/1.1\r\nHost: {host}\r\n{SECRET}\r\n\r\n"
        connection.sendall(head.encode())
        received = connection.recv(65_536)
        server.process.send_signal(number)
        while more := connection.recv(65_536):
            received += more
    assert server.process.wait(timeout=10) == 0

    assert received.count(b'"type":"ADDED"') == 4
    assert received.endswith(b"\r\n0\r\n\r\n")  # the last chunk: the answer is complete
    assert "Traceback" not in server.log.read_text()


def test_a_new_server_on_an_old_address_expires_old_watches(tmp_path: Path) -> None:
    """Versions go on, so a watcher of the server before is told to list again."""
    versions: list[str] = []
    for life in ("first", "second"):
        (tmp_path / life).mkdir()
        server = start_server(tmp_path / life)
        try:
            namespaces = f"{server.url}/api/v1/namespaces"
            if versions:
                with wire.watching(namespaces, resourceVersion=versions[0]) as events:
                    assert next(events)["object"]["code"] == 410
            versions.append(
                wire.post(namespaces, samples.namespace("catalog")).json["metadata"]["resourceVersion"]
            )
        finally:
            server.process.terminate()
            server.process.wait(timeout=10)

    assert int(versions[0]) < int(versions[1])


def test_it_listens_on_its_address_only(url: str) -> None:
    """127.0.0.1, and not on every interface."""
    port = int(url.rpartition(":")[2])

    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.2", port), timeout=2):
        pass


def test_importing_it_starts_nothing() -> None:
    """No threads, no event loop: the supervisor forks after the import."""
    code = "import threading, asyncio, k8s.lab.apiserver.server; print(threading.active_count())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "1"
