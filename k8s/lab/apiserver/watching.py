"""WATCH: a stream of changes, one JSON document a line."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from k8s.lab.apiserver import statuses
from k8s.lab.apiserver.listing import Selects, check_known, check_list_options, matcher, version_asked
from k8s.lab.apiserver.object_store import Change, ObjectStore
from k8s.lab.apiserver.requests import Options, RequestTarget
from k8s.lab.apiserver.shaping import Shaper
from k8s.lab.design.seeds import Object

BOOKMARK_EVERY_S = 60.0
LAST_BOOKMARK_S = 2.0
"""How long before its end a watch gets one more, as upstream, so that the next one can go on from there."""
LONGEST_S = 3600
"""How long a watch lasts that names no ``timeoutSeconds`` (a real one picks 30 to 60 minutes)."""


class Watches:
    """The streams that are open, so that they can be ended in order when the server stops."""

    def __init__(self) -> None:
        self._wakes: set[asyncio.Event] = set()
        self.is_closing = False

    def open(self) -> asyncio.Event:
        """What wakes a new stream."""
        wake = asyncio.Event()
        self._wakes.add(wake)
        return wake

    def forget(self, wake: asyncio.Event) -> None:
        """The stream has ended."""
        self._wakes.discard(wake)

    def close(self) -> None:
        """End all streams."""
        self.is_closing = True
        for wake in self._wakes:
            wake.set()


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchStream:
    """One stream's question."""

    store: ObjectStore
    target: RequestTarget
    options: Options
    shaper: Shaper
    watches: Watches

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Answer until the timeout, the client's leaving or the server's stop; StatusError before that.

        A version that is too old ends the stream with an ERROR event (410), as the real one does.
        """
        check_list_options(self.options)
        matches = matcher(self.options, self.target)
        asked = version_asked(self.options.version)
        if self.options.initial_events:
            check_known(self.store, asked)
        response = web.StreamResponse()
        response.headers["Content-Type"] = "application/json"
        response.headers["Cache-Control"] = "no-cache, private"
        wake = self.watches.open()
        unlisten = self.store.listen(self.target.resource, wake.set)
        try:
            await response.prepare(request)
            await self._run(response, wake, matches, asked)
        except ConnectionError:
            pass  # the client left; nothing is lost, it can go on from its last version
        finally:
            unlisten()
            self.watches.forget(wake)
        return response

    async def _run(
        self, response: web.StreamResponse, wake: asyncio.Event, matches: Selects, asked: int
    ) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + (LONGEST_S if self.options.timeout_s is None else self.options.timeout_s)
        bookmark_at = _next_bookmark(loop.time(), until)
        lines = _Lines(self.shaper)
        at = asked
        if asked == 0 and self.options.initial_events is False:
            at = self.store.version
        elif asked == 0 or self.options.initial_events:
            # The list and its version are taken in one go: no change can come between them.
            at = self.store.version
            objects = self.store.objects(self.target.resource, self.target.namespace)
            first = [lines.event("ADDED", obj) for obj in objects if matches(obj)]
            if self.options.initial_events and self.options.bookmarks:
                first.append(_line(self.shaper.bookmark(at, ends_initial=True)))
            await response.write(b"".join(first))
        while not self.watches.is_closing:
            wake.clear()
            try:
                changes = self.store.since(self.target.resource, at)
            except statuses.StatusError as error:
                await response.write(_line({"type": "ERROR", "object": error.body}))
                return
            if changes:
                at = changes[-1].version
                await response.write(b"".join(lines.changes(changes, matches)))
            if self.options.bookmarks and loop.time() >= bookmark_at:
                at = max(at, self.store.version)
                await response.write(_line(self.shaper.bookmark(at)))
                bookmark_at = _next_bookmark(loop.time(), until)
            if loop.time() >= until:
                return
            await _woken(wake, min(until, bookmark_at) if self.options.bookmarks else until)


class _Lines:
    """Changes to lines; remembers whether the first one has been written."""

    def __init__(self, shaper: Shaper) -> None:
        self._shaper = shaper
        self._is_first = True

    def event(self, kind: str, obj: Object) -> bytes:
        line = _line(self._shaper.event(kind, obj, is_first=self._is_first))
        self._is_first = False
        return line

    def changes(self, changes: list[Change], matches: Selects) -> Iterator[bytes]:
        for change in changes:
            seen = _seen(change, matches)
            if seen is not None:
                yield self.event(*seen)


def _seen(change: Change, matches: Selects) -> tuple[str, Object] | None:
    """The change as a watcher with a selector sees it: entering is ADDED, leaving is DELETED."""
    before = change.before is not None and matches(change.before)
    after = change.type != "DELETED" and matches(change.after)
    match before, after:
        case False, True:
            return "ADDED", change.after
        case True, True:
            return "MODIFIED", change.after
        case True, False:
            return "DELETED", _last_seen(change)
    return None


def _last_seen(change: Change) -> Object:
    """The object as the watcher last saw it, at the version at which it left."""
    last = change.before or change.after
    version = change.after["metadata"]["resourceVersion"]
    return {**last, "metadata": {**last["metadata"], "resourceVersion": version}}


def _line(event: dict[str, Any]) -> bytes:
    return msgspec.json.encode(event) + b"\n"


def _next_bookmark(now: float, until: float) -> float:
    """When the next bookmark is due; the last one comes a little before the end."""
    last = until - LAST_BOOKMARK_S
    return min(now + BOOKMARK_EVERY_S, last) if now < last else until + BOOKMARK_EVERY_S


async def _woken(wake: asyncio.Event, until: float) -> None:
    """Wait for *wake*, but no longer than *until* (the loop's time)."""
    try:
        async with asyncio.timeout_at(until):
            await wake.wait()
    except TimeoutError:
        pass
