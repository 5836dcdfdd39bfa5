"""Plain HTTP, to see exactly what goes over the wire."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urlencode

from k8s.lab.apiserver.resources import RESOURCES

TOKEN = "0123456789abcdef"  # noqa: S105 - no secret
"""Of the servers that tests start."""
BEARER = {"Authorization": f"Bearer {TOKEN}"}
_BY_KIND = {resource.kind: resource for resource in RESOURCES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: "Message[str, str]"
    body: bytes

    @property
    def json(self) -> Any:
        """The body's value."""
        return json.loads(self.body)

    @property
    def warnings(self) -> list[str]:
        """The ``Warning`` headers."""
        return self.headers.get_all("Warning", [])


def call(method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
    """One request, with the token; *body* is sent as JSON unless it is bytes already."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **BEARER, **(headers or {})}
    request = urllib.request.Request(url, data=data, method=method, headers=sent)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return Answer(status=response.status, headers=response.headers, body=response.read())
    except urllib.error.HTTPError as error:
        return Answer(status=error.code, headers=error.headers, body=error.read())


def get(url: str, headers: Mapping[str, str] | None = None, **query: Any) -> Answer:
    """GET with a query."""
    return call("GET", url + ("?" + urlencode(query) if query else ""), headers=headers)


def post(url: str, body: Any) -> Answer:
    """POST."""
    return call("POST", url, body)


def patch(url: str, body: Any, kind: str = "merge-patch") -> Answer:
    """PATCH of one of the kinds."""
    return call("PATCH", url, body, {"Content-Type": f"application/{kind}+json"})


@contextmanager
def watching(url: str, **query: Any) -> Iterator[Iterator[dict[str, Any]]]:
    """The events of a watch, as they come."""
    asked = {"watch": "true", "timeoutSeconds": 20, **query}
    request = urllib.request.Request(f"{url}?{urlencode(asked)}", headers=BEARER)
    with urllib.request.urlopen(request, timeout=30) as response:
        yield (json.loads(line) for line in response)


def collection_of(obj: dict[str, Any]) -> str:
    """The path of the collection that an object belongs to."""
    resource = _BY_KIND[obj["kind"]]
    namespace = obj["metadata"].get("namespace", "")
    scope = f"/namespaces/{namespace}" if resource.namespaced else ""
    return f"{resource.root}{scope}/{resource.plural}"


def path_of(obj: dict[str, Any]) -> str:
    """The path of an object."""
    return f"{collection_of(obj)}/{obj['metadata']['name']}"
