"""One kind of object followed without waiting: for the supervisor, which has one thread and other work.

Lists once, then reads what a watch has sent whenever its descriptor is readable. HTTP/1.0 keeps the stream
free of chunks: one JSON document a line.
"""

import contextlib
import json
import logging
import socket
from dataclasses import dataclass, field
from typing import Protocol

from k8s.lab.apiclient.api import ApiError
from k8s.lab.design.seeds import Object

Key = tuple[str, str]
"""(namespace, name)."""

_CONNECT_S = 2.0
_CHUNK_BYTES = 1 << 18
_HEAD_END = b"\r\n\r\n"
_log = logging.getLogger(__name__)


class Lister(Protocol):
    """The part of the API that a feed reads before it follows."""

    @property
    def netloc(self) -> str:
        """``host:port``."""

    def listed(self, path: str) -> tuple[list[Object], str]:
        """The items of a collection and its resourceVersion; ApiError if there is no answer."""


def key_of(obj: Object) -> Key:
    """Where an object is kept."""
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


@dataclass(slots=True, kw_only=True)
class Feed:
    """The objects below one collection path, as last heard or as last written by us."""

    api: Lister
    path: str
    """E.g. ``/api/v1/nodes``."""
    kind: tuple[str, str]
    """(apiVersion, kind), which the items of a list leave out."""
    objects: dict[Key, Object] = field(default_factory=dict)
    _socket: socket.socket | None = None
    _unread: bytes = b""
    _in_head: bool = True
    _gone: set[str] = field(default_factory=set)
    """Uids of what we deleted and the watch has not told yet: older news of them are no news."""

    def descriptor(self) -> int | None:
        """What becomes readable when there is news; None while it is not connected."""
        return self._socket.fileno() if self._socket else None

    def pump(self) -> bool:
        """Take in what has arrived, without waiting; True if an object changed.

        A feed that is not connected lists and connects first: ApiError if that fails.
        """
        if self._socket is None:
            return self._open()
        changed = False
        try:
            while data := self._socket.recv(_CHUNK_BYTES):
                changed |= self._take(data)
        except BlockingIOError:
            return changed
        except OSError as error:
            _log.warning("following %s: %s", self.path, error)
        self.close()
        return changed

    def put(self, obj: Object) -> None:
        """Remember what the server answered to a write; its echo is then no news."""
        version, kind = self.kind
        self.objects[key_of(obj)] = {"apiVersion": version, "kind": kind, **obj}

    def drop(self, obj: Object) -> None:
        """Forget an object that the server deleted on request."""
        if self.objects.pop(key_of(obj), None) is not None:
            self._gone.add(obj["metadata"]["uid"])

    def close(self) -> None:
        """Follow no more, until the next ``pump``."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _open(self) -> bool:
        items, version = self.api.listed(self.path)
        before, self.objects = self.objects, {}
        self._gone.clear()
        for item in items:
            self.put(item)
        host, _, port = self.api.netloc.rpartition(":")
        self._unread, self._in_head = b"", True
        asked = f"GET {self.path}?watch=1&resourceVersion={version} HTTP/1.0\r\nHost: {host}\r\n\r\n"
        try:
            opened = socket.create_connection((host, int(port)), timeout=_CONNECT_S)
            try:
                opened.sendall(asked.encode())
            except OSError:
                opened.close()
                raise
        except OSError as error:
            raise ApiError(f"following {self.path} at {self.api.netloc}: {error}") from error
        opened.settimeout(0)
        self._socket = opened
        return before != self.objects

    def _take(self, data: bytes) -> bool:
        self._unread += data
        if self._in_head:
            head, found, rest = self._unread.partition(_HEAD_END)
            if not found:
                return False
            if b" 200 " not in head.partition(b"\r\n")[0] + b" ":
                raise ConnectionError(head.partition(b"\r\n")[0].decode(errors="replace"))
            self._in_head, self._unread = False, rest
        *lines, self._unread = self._unread.split(b"\n")
        changed = False
        for line in lines:
            changed |= self._hear(json.loads(line))
        return changed

    def _hear(self, event: Object) -> bool:
        obj = event.get("object", {})
        match event.get("type"):
            case "ADDED" | "MODIFIED":
                if self._is_old(obj):
                    return False
                self.put(obj)
            case "DELETED":
                self._gone.discard(obj["metadata"]["uid"])
                known = self.objects.get(key_of(obj))
                if known is None or known["metadata"]["uid"] != obj["metadata"]["uid"]:
                    return False
                del self.objects[key_of(obj)]
            case "ERROR":
                raise ConnectionError(obj.get("message", "expired"))
            case _:
                return False  # a bookmark
        return True

    def _is_old(self, obj: Object) -> bool:
        metadata = obj["metadata"]
        known = self.objects.get(key_of(obj))
        if metadata["uid"] in self._gone:
            return True
        if known is None:
            return False
        with contextlib.suppress(ValueError):
            return int(metadata["resourceVersion"]) <= int(known["metadata"]["resourceVersion"])
        return False
