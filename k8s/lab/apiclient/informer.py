"""A live copy of one kind of object: list, then watch, and again from the start when the watch ends."""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from k8s.errors import UnreachableError

log = logging.getLogger(__name__)

Object = dict[str, Any]
Key = tuple[str, str]
"""(namespace, name)."""

WATCH_S = 290
"""How long the server is asked to keep a watch open."""
LONGEST_LINE_BYTES = 8 * 2**20
_SHORTEST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0
_GONE = 410


class ApiError(UnreachableError):
    """The API server refused a request; *code* is the HTTP status."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Api:
    """Plain JSON requests to an API server."""

    session: aiohttp.ClientSession
    url: str
    """Without a slash at the end, e.g. ``http://127.0.0.1:16443``."""

    async def call(self, method: str, path: str, body: Object | None = None, media: str = "json") -> Object:
        """The answer's JSON; ApiError for a refusal, UnreachableError if there is no answer.

        *media* is the part after ``application/`` of the body's type.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = {} if data is None else {"Content-Type": f"application/{media}"}
        try:
            async with self.session.request(method, self.url + path, data=data, headers=headers) as answer:
                found: Object = await answer.json()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise UnreachableError(f"{method} {self.url}{path}: no answer ({error!r})") from error
        if answer.ok:
            return found
        reason = found.get("message", answer.reason)
        raise ApiError(f"{method} {self.url}{path}: {answer.status} {reason}", answer.status)


def key_of(obj: Object) -> Key:
    """Where the object is kept."""
    metadata = obj.get("metadata", {})
    return metadata.get("namespace", ""), metadata.get("name", "")


def _state(obj: Object | None) -> tuple[str, str] | None:
    """What tells two states apart; the rest may differ in form, as items of a list have no kind."""
    if obj is None:
        return None
    return obj["metadata"].get("uid", ""), obj["metadata"].get("resourceVersion", "")


@dataclass(slots=True)
class Informer:
    """The objects below one collection path, as last heard."""

    api: Api
    path: str
    """E.g. ``/api/v1/nodes``."""
    on_change: Callable[[Object | None, Object | None], None]
    """Called with the object before and after; None is absent."""
    objects: dict[Key, Object] = field(default_factory=dict)
    listed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the first list has arrived."""

    async def run(self) -> None:
        """Follow for ever; while the server is away, ask again and again."""
        pause_s = _SHORTEST_PAUSE_S
        while True:
            try:
                version = await self._list()
                pause_s = _SHORTEST_PAUSE_S
                await self._watch(version)
                await asyncio.sleep(_SHORTEST_PAUSE_S)
            except (UnreachableError, aiohttp.ClientError, TimeoutError, ValueError) as error:
                log.warning("following %s: %s; asking again in %.2f s", self.path, error, pause_s)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def put(self, obj: Object) -> None:
        """Remember an object that the server just returned to a write; its echo is then no news."""
        self.objects[key_of(obj)] = obj

    def drop(self, key: Key) -> None:
        """Forget an object that the server just deleted on request."""
        self.objects.pop(key, None)

    async def _list(self) -> str:
        answer = await self.api.call("GET", self.path)
        if not isinstance(answer.get("items"), list):
            raise UnreachableError(f"listing {self.api.url}{self.path}: the answer is no list")
        found = {key_of(obj): obj for obj in answer["items"]}
        for key in self.objects.keys() - found.keys():
            self._change(key, None)
        for key, obj in found.items():
            self._change(key, obj)
        self.listed.set()
        return str(answer.get("metadata", {}).get("resourceVersion", ""))

    def _change(self, key: Key, after: Object | None) -> None:
        before = self.objects.get(key)
        if _state(before) == _state(after):
            return
        if after is None:
            del self.objects[key]
        else:
            self.objects[key] = after
        self.on_change(before, after)

    async def _watch(self, version: str) -> None:
        url = f"{self.api.url}{self.path}?watch=1&resourceVersion={version}&timeoutSeconds={WATCH_S}"
        # The server ends the watch itself; the client's limit only catches a server that is hung.
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=2, sock_read=WATCH_S + 10)
        async with self.api.session.get(url, timeout=timeout) as answer:
            if not answer.ok:
                raise ApiError(f"watching {url}: {answer.status} {answer.reason}", answer.status)
            async for line in answer.content:
                self._hear(json.loads(line))

    def _hear(self, event: Object) -> None:
        match event:
            case {"type": "ADDED" | "MODIFIED", "object": {"metadata": {}} as obj}:
                if not self._is_older(obj):
                    self._change(key_of(obj), obj)
            case {"type": "DELETED", "object": {"metadata": {}} as obj}:
                self._change(key_of(obj), None)
            case {"type": "ERROR", "object": {} as status}:
                message = f"watching {self.path}: {status.get('message', 'expired')}"
                raise ApiError(message, int(status.get("code", _GONE)))
            case _:
                pass  # a bookmark

    def _is_older(self, obj: Object) -> bool:
        """Whether this is the echo of a state that a later write of ours has already replaced."""
        known = self.objects.get(key_of(obj))
        if known is None:
            return False
        versions = [str(one["metadata"].get("resourceVersion", "")) for one in (obj, known)]
        # Decimal and growing on every API server since Kubernetes 1.35 says so (KEP-5504), and before.
        return all(text.isdecimal() for text in versions) and int(versions[0]) < int(versions[1])


def open_session() -> aiohttp.ClientSession:
    """A session whose lines may be as long as a full slice; to be closed by the caller."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=5, sock_connect=2),
        read_bufsize=LONGEST_LINE_BYTES,
        connector=aiohttp.TCPConnector(limit=0),
    )
