"""A small client of the lab's API server for the supervisor: JSON over one connection, nothing else."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from k8s.errors import UnreachableError
from k8s.lab.design.seeds import Object, collection_path

_TIMEOUT_S = 5.0
_CONFLICT = 409
_NOT_FOUND = 404
_ERROR = 400


class ApiError(UnreachableError):
    """The API server refused, or is not there; *status* is 0 for the latter."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class LabApi:
    """The API server at *url*."""

    def __init__(self, url: str) -> None:
        self.netloc = urlsplit(url).netloc
        self._connection = http.client.HTTPConnection(self.netloc, timeout=_TIMEOUT_S)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Of the connection, if there is one: for children to close."""
        return (self._connection.sock.fileno(),) if self._connection.sock else ()

    def is_up(self) -> bool:
        """Whether it answers."""
        try:
            self._call("GET", "/api/v1/namespaces")
        except ApiError:
            return False
        return True

    def create(self, obj: Object) -> Object:
        """POST an object; one that is there already is read instead."""
        path = collection_path(obj)
        try:
            return self._call("POST", path, obj)
        except ApiError as error:
            if error.status != _CONFLICT:
                raise
            return self._call("GET", f"{path}/{obj['metadata']['name']}")

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
            left = self._call("DELETE", _path(obj), body)
        except ApiError as error:
            if error.status not in {_NOT_FOUND, _CONFLICT}:  # a conflict: another one has its name by now
                raise
            return None
        is_left = grace_s != 0 and left.get("metadata", {}).get("deletionTimestamp")
        return left if is_left else None

    def get(self, path: str) -> Object | None:
        """One object; None if there is none."""
        try:
            return self._call("GET", path)
        except ApiError as error:
            if error.status != _NOT_FOUND:
                raise
            return None

    def listed(self, path: str) -> tuple[list[Object], str]:
        """The items of a collection and its resourceVersion."""
        found = self._call("GET", path)
        return found["items"], str(found["metadata"]["resourceVersion"])

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        self._connection.close()

    def _patch(self, path: str, change: Object) -> Object | None:
        try:
            return self._call("PATCH", path, change)
        except ApiError as error:
            if error.status != _NOT_FOUND:
                raise
            return None

    def _call(self, method: str, path: str, body: Object | None = None) -> dict[str, Any]:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        payload = None if body is None else json.dumps(body)
        for attempt in (1, 2):
            try:
                self._connection.request(method, path, body=payload, headers={"Content-Type": kind})
                response = self._connection.getresponse()
                data = response.read()
                break
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                # A kept connection that the server has closed meanwhile fails once, and only then.
                if attempt == 2 or not isinstance(error, http.client.RemoteDisconnected | ConnectionError):  # noqa: PLR2004
                    raise ApiError(f"asking the lab's API server at {self.netloc}: {error}") from error
        if response.status >= _ERROR:
            raise ApiError(
                f"{method} {path}: {response.status} {data[:200].decode(errors='replace')}", response.status
            )
        parsed: dict[str, Any] = json.loads(data)
        return parsed


def _path(obj: Object) -> str:
    return f"{collection_path(obj)}/{obj['metadata']['name']}"
