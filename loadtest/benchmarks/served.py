"""What the benchmarks of the traffic send to: small servers on loopback, and a worker that loads them."""

import asyncio
import json
import multiprocessing
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from k8s.errors import UnreachableError
from loadtest.swarm.local_swarm import LOOPBACK, usable_port
from loadtest.worker.placement import WorkerPlacement
from loadtest.worker.plan import Page

HOME: Final = (Page(name="home", path="/home", weight=1),)
TOO_MUCH_PER_S: Final = 100_000.0
"""More than a worker can send: it sends what it can."""

_SPAWN = multiprocessing.get_context("spawn")
_BODY = b'{"items":[' + b",".join(b'{"id":"p-%02d","price":42}' % number for number in range(32)) + b"]}"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{
    listen {host}:{port} backlog=4096;
    location / {{ default_type application/json; return 200 '{body}'; }}
  }}
}}
"""
_PAGE = json.dumps([{"id": f"p-{number:02d}", "price": 42} for number in range(16)])


class MinimalHttp(asyncio.Protocol):
    """Answers any GET with a fixed page and any POST with an empty 200, on keep-alive connections."""

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._buffer += data
        while self._transport is not None:
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            length = _content_length(head)
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            page = b"" if head.startswith(b"POST") else _BODY
            self._transport.write(_ANSWER % (len(page), page))


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _serve(ready: Connection) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(MinimalHttp, LOOPBACK, 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


@contextmanager
def serving() -> Iterator[str]:
    """A minimal server in a process of its own; yields its URL."""
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()  # or a server that dies would leave us waiting for its port
    try:
        try:
            port = ours.recv()
        except EOFError as error:
            raise UnreachableError("the benchmark's server process ended before it served") from error
        yield f"http://{LOOPBACK}:{port}"
    finally:
        process.terminate()
        process.join()


@contextmanager
def serving_pages(folder: Path) -> Iterator[str]:
    """Nginx with one small page, or a server of ours where it is not installed; yields its URL."""
    if shutil.which("nginx") is None:
        with serving() as url:
            yield url
        return
    port = usable_port(0)
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, host=LOOPBACK, port=port, body=_PAGE))
    process = subprocess.Popen(["nginx", "-c", str(config)])
    try:
        time.sleep(0.5)
        yield f"http://{LOOPBACK}:{port}"
    finally:
        process.terminate()
        process.wait()


def cpu_s(process: int) -> float:
    """CPU time that a process has used, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def worker_of(url: str, collector: str, *, tracing: bool, lean: bool = True) -> WorkerPlacement:
    """A worker that loads *url* and hands its spans to *collector*."""
    return WorkerPlacement(
        pod="locust-worker-bench",
        zone="zone-a",
        node="node-a-1",
        target_url=url,
        otlp_url=collector,
        region="eu-west-1",
        cluster="bench",
        tracing=tracing,
        lean=lean,
    )
