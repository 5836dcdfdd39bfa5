"""A way to an API server that notes each request and changes nothing."""

import re
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_REQUEST = re.compile(rb"^([A-Z]+) (/\S*) HTTP/1\.1\r\n", re.MULTILINE)


@dataclass
class Eavesdropper:
    """Listens on the loopback; each connection goes on to the server, byte by byte."""

    server: str
    heard: set[tuple[str, str]] = field(default_factory=set)
    """(method, path with query) of every request so far."""
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        where = urlsplit(self.server)
        with (
            near,
            suppress(OSError),
            socket.create_connection((str(where.hostname), where.port or 80)) as far,
        ):
            while True:
                for ready in select.select([near, far], [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    if ready is near:
                        found = _REQUEST.findall(data)
                        self.heard.update((method.decode(), path.decode()) for method, path in found)
                    (far if ready is near else near).sendall(data)


@contextmanager
def eavesdropping(server: str) -> Iterator[Eavesdropper]:
    """Until the end of the context."""
    found = Eavesdropper(server)
    threading.Thread(target=found.serve, daemon=True).start()
    try:
        yield found
    finally:
        found.listener.close()
