"""A small client of the lab's API server for the supervisor: JSON over one connection, nothing else."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from k8s.errors import UnreachableError
from k8s.lab.seeds import Object, collection_path

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
        self._netloc = urlsplit(url).netloc
        self._connection = http.client.HTTPConnection(self._netloc, timeout=_TIMEOUT_S)

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
        path = f"{collection_path(obj)}/{obj['metadata']['name']}/status"
        try:
            self._call("PATCH", path, {"status": status})
        except ApiError as error:
            if error.status != _NOT_FOUND:
                raise
            return False
        return True

    def names(self, path: str) -> set[str]:
        """The names in a collection."""
        return {item["metadata"]["name"] for item in self._call("GET", path)["items"]}

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        self._connection.close()

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
                    raise ApiError(f"asking the lab's API server at {self._netloc}: {error}") from error
        if response.status >= _ERROR:
            raise ApiError(
                f"{method} {path}: {response.status} {data[:200].decode(errors='replace')}", response.status
            )
        parsed: dict[str, Any] = json.loads(data)
        return parsed
