"""A local port that leads to a pod: one stream through the API server for each connection.

As ``kubectl port-forward``, but the pod is chosen anew for every connection, so that a restarted pod, or a
stream that was cut, costs one connection and not the forward.
"""

import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from k8s.errors import SamezoneError, UsageError

LOOPBACK = "127.0.0.1"
_CHUNK = 65536
_LOOK_S = 0.5


class Forward:
    """Listens on the loopback address between ``open`` and ``close``."""

    def __init__(self, dial: Callable[[], socket.socket], *, port: int = 0) -> None:
        """*dial* opens one stream to the pod, or raises a SamezoneError; *port* 0 takes a free one."""
        self._dial = dial
        self._wanted = port
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None
        self._closed = threading.Event()
        self.carried = 0
        """Connections carried so far."""
        self.trouble: SamezoneError | None = None
        """Why the last connection could not be carried; None after one that could."""

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``; UsageError before ``open``."""
        if self._listener is None:
            raise UsageError("the port-forward is not open")
        return f"http://{LOOPBACK}:{self._listener.getsockname()[1]}"

    def open(self) -> None:
        """Begin to listen; UsageError when the port is taken."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, self._wanted))
        except OSError as error:
            listener.close()
            raise UsageError(
                f"forwarding port {self._wanted}: it cannot be used ({error.strerror}); choose another"
            ) from error
        listener.listen(16)
        listener.settimeout(_LOOK_S)
        self._listener = listener
        self._acceptor = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        """Listen no more and cut what is open; safe to call twice."""
        self._closed.set()
        if self._listener is not None:
            # Closing alone would leave the port with the thread that waits in accept().
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        if self._acceptor is not None:
            self._acceptor.join(_LOOK_S)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _accept(self, listener: socket.socket) -> None:
        while not self._closed.is_set():
            try:
                near, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return  # closed
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        with near:
            try:
                far = self._dial()
            except SamezoneError as error:
                self.trouble = error
                return
            self.trouble = None
            self.carried += 1
            with suppress(OSError, ValueError):  # either end may close at any time
                self._copy(near, far)
            far.close()

    def _copy(self, near: socket.socket, far: socket.socket) -> None:
        near.setblocking(True)  # noqa: FBT003 - the socket's own signature
        other = {near: far, far: near}
        while not self._closed.is_set():
            for ready in select.select([near, far], [], [], _LOOK_S)[0]:
                data = ready.recv(_CHUNK)
                if not data:
                    return
                other[ready].sendall(data)
