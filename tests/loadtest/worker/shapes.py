"""A server that answers with bytes as they are given."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

RESET = b"<reset>"
"""In place of a piece: the connection is reset."""
PAUSE_S = 0.005


@dataclass(slots=True, kw_only=True)
class Teller:
    """What is said on each connection, and what was heard."""

    pieces: tuple[bytes, ...] = ()
    """Sent one after the other, with a pause in between, for each request that comes."""
    closes: bool = False
    """Whether the connection ends after them."""
    refuses: bool = False
    """Whether nobody listens."""
    connections: int = 0
    heard: list[bytes] = field(default_factory=list)


def _serve(teller: Teller, connection: socket.socket) -> None:
    teller.connections += 1
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while request := _request(connection):
            teller.heard.append(request)
            for index, piece in enumerate(teller.pieces):
                time.sleep(PAUSE_S if index else 0)
                if piece == RESET:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                connection.sendall(piece)
            if teller.closes:
                return


def _request(connection: socket.socket) -> bytes:
    """One request with its body; nothing at the end of the connection."""
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            if not (piece := connection.recv(65536)):
                return b""
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        if b"100-continue" in head:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                while len(body) < int(line.partition(b":")[2]):
                    body += connection.recv(65536)
    except ConnectionError:
        return b""
    return head + b"\r\n\r\n" + body


@contextmanager
def telling(teller: Teller) -> Iterator[str]:
    """Serve on loopback; yields the URL."""
    if teller.refuses:
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            yield f"http://127.0.0.1:{deaf.getsockname()[1]}"
        return
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=_serve, args=(teller, connection), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
