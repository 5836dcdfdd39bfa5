"""The client of the lab's API server that all of the lab's own processes use: JSON over one connection.

Requests wait for their answer, which is a millisecond away; a watch is read without waiting, whenever its
descriptor is readable. That suits the supervisor, which has one thread and other work, and asyncio's loops
(``following.py``) alike.
"""

import http.client
import json
import select
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from k8s.errors import UnreachableError
from k8s.lab.design.seeds import Object, collection_path

_TIMEOUT_S = 5.0
_CHUNK_BYTES = 1 << 18
_CONFLICT = 409
_NOT_FOUND = 404
_OK = 200
_ERROR = 400
_SHOWN = 200


class ApiError(UnreachableError):
    """The API server refused, or is not there; *status* is 0 for the latter."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class _Unchunked(http.client.HTTPConnection):
    """Speaks HTTP/1.0, to which a server answers with its lines as they are, not in chunks."""

    _http_vsn = 10
    _http_vsn_str = "HTTP/1.0"


class Watch:
    """What happens below a path after a version, as it comes."""

    def __init__(self, netloc: str, path: str, version: str, token: str) -> None:
        """ApiError if the server does not begin it."""
        connection = _Unchunked(netloc, timeout=_TIMEOUT_S)
        try:
            connection.connect()
            sock = connection.sock
            headers = {"Host": netloc, **_bearer(token)}  # HTTP/1.0 names no host by itself
            connection.request("GET", f"{path}?watch=1&resourceVersion={version}", headers=headers)
            self._response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise ApiError(f"following {path} at {netloc}: {error!r}") from error
        if self._response.status != _OK:
            self._response.close()
            connection.close()
            raise ApiError(
                f"following {path} at {netloc}: {self._response.status} {self._response.reason}",
                self._response.status,
            )
        sock.settimeout(0)
        self._news = select.poll()
        self._news.register(self.descriptor(), select.POLLIN)
        self._unread = b""
        self._has_ended = False

    def descriptor(self) -> int:
        """What becomes readable when there is news."""
        return self._response.fileno()

    def events(self) -> Iterator[Object]:
        """The events that have arrived; OSError once the server has ended it, ValueError for what is none."""
        while not self._has_ended:
            # That a descriptor is readable and gives nothing tells the end from a pause.
            is_due = bool(self._news.poll(0))
            if self._response.peek(1):
                self._unread += self._response.read1(_CHUNK_BYTES)
            elif is_due:
                self._has_ended = True
            else:
                break
        *lines, self._unread = self._unread.split(b"\n")
        for line in lines:
            yield json.loads(line)
        if self._has_ended:
            raise ConnectionError("the server has ended the watch")

    def close(self) -> None:
        """Hear no more."""
        self._response.close()


class LabApi:
    """The API server at *url*; one caller at a time."""

    def __init__(self, url: str, token: str) -> None:
        """*token* is the lab's."""
        self._token = token
        self.netloc = urlsplit(url).netloc
        self._connection = http.client.HTTPConnection(self.netloc, timeout=_TIMEOUT_S)

    def another(self) -> "LabApi":
        """The same server, for another caller."""
        return LabApi(f"http://{self.netloc}", self._token)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Of the connection, if there is one: for children to close."""
        return (self._connection.sock.fileno(),) if self._connection.sock else ()

    def is_up(self) -> bool:
        """Whether it answers."""
        try:
            self.call("GET", "/api/v1/namespaces")
        except ApiError:
            return False
        return True

    def create(self, obj: Object) -> Object:
        """POST an object; one that is there already is read instead."""
        path = collection_path(obj)
        try:
            return self.call("POST", path, obj)
        except ApiError as error:
            if error.status != _CONFLICT:
                raise
            return self.call("GET", f"{path}/{obj['metadata']['name']}")

    def set_status(self, obj: Object, status: Object) -> bool:
        """Merge *status* into the object's; False if the object is gone."""
        return self.patch_status(obj, status) is not None

    def patch_status(self, obj: Object, status: Object) -> Object | None:
        """Merge *status* into the object's; the object as it is then, or None if it is gone."""
        return self._patch(f"{_path(obj)}/status", {"status": status})

    def patch(self, obj: Object, change: Object) -> Object | None:
        """Merge *change* into the object; the object as it is then, or None if it is gone."""
        return self._patch(_path(obj), change)

    def delete(self, obj: Object, grace_s: int | None = None) -> Object | None:
        """DELETE an object, that very one; what is left of it (a pod that terminates), None if it is gone.

        *grace_s* of a pod: 0 removes it at once; None leaves that to the pod.
        """
        body: Object = {"preconditions": {"uid": obj["metadata"]["uid"]}}
        if grace_s is not None:
            body["gracePeriodSeconds"] = grace_s
        try:
            left = self.call("DELETE", _path(obj), body)
        except ApiError as error:
            if error.status not in {_NOT_FOUND, _CONFLICT}:  # a conflict: another one has its name by now
                raise
            return None
        is_left = grace_s != 0 and left.get("metadata", {}).get("deletionTimestamp")
        return left if is_left else None

    def get(self, path: str) -> Object | None:
        """One object; None if there is none."""
        try:
            return self.call("GET", path)
        except ApiError as error:
            if error.status != _NOT_FOUND:
                raise
            return None

    def listed(self, path: str) -> tuple[list[Object], str]:
        """The items of a collection and its resourceVersion; each has its kind, which lists leave out."""
        match self.call("GET", path):
            case {"items": list(items), "metadata": {"resourceVersion": version}} as found:
                kind = {
                    "apiVersion": found.get("apiVersion", ""),
                    "kind": found.get("kind", "").removesuffix("List"),
                }
                return [kind | item for item in items], str(version)
            case _:
                raise ApiError(f"GET {path} at {self.netloc}: the answer is no list")

    def watch(self, path: str, version: str) -> Watch:
        """What happens in a collection after a version, on a connection of its own."""
        return Watch(self.netloc, path, version, self._token)

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        self._connection.close()

    def call(self, method: str, path: str, body: Object | None = None, media: str = "json") -> Object:
        """The JSON that the server answers; ApiError if it refuses, or is not there.

        *media* is the part after ``application/`` of the body's type.
        """
        payload = None if body is None else json.dumps(body)
        for attempt in (1, 2):
            try:
                headers = {"Content-Type": f"application/{media}", **_bearer(self._token)}
                self._connection.request(method, path, body=payload, headers=headers)
                response = self._connection.getresponse()
                data = response.read()
                break
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                # A kept connection that the server has closed meanwhile fails once, and only then.
                if attempt == 2 or not isinstance(error, http.client.RemoteDisconnected | ConnectionError):  # noqa: PLR2004
                    raise ApiError(f"asking the lab's API server at {self.netloc}: {error}") from error
        if response.status >= _ERROR:
            raise ApiError(f"{method} {path}: {response.status} {_reason(data)}", response.status)
        try:
            found: dict[str, Any] = json.loads(data)
        except ValueError as error:
            raise ApiError(f"{method} {path} at {self.netloc}: the answer is no JSON") from error
        return found

    def _patch(self, path: str, change: Object) -> Object | None:
        try:
            return self.call("PATCH", path, change, media="merge-patch+json")
        except ApiError as error:
            if error.status != _NOT_FOUND:
                raise
            return None


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _path(obj: Object) -> str:
    return f"{collection_path(obj)}/{obj['metadata']['name']}"


def _reason(data: bytes) -> str:
    """The message of a Status; the beginning of anything else."""
    try:
        return str(json.loads(data)["message"])
    except (ValueError, KeyError, TypeError):
        return data[:_SHOWN].decode(errors="replace")
