"""List and watch in an asyncio loop, against a server that misbehaves on purpose."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from k8s.lab.apiclient.api import LabApi
from k8s.lab.apiclient.feed import Feed
from k8s.lab.apiclient.following import follow
from k8s.lab.design.seeds import Object

Answer = Callable[[web.StreamResponse], Awaitable[None]]


def node(name: str, version: int, **fields: Any) -> Object:
    return {"metadata": {"name": name, "uid": name, "resourceVersion": str(version)}, **fields}


def event(kind: str, obj: Object) -> bytes:
    return json.dumps({"type": kind, "object": obj}).encode() + b"\n"


@dataclass
class Script:
    """What the server says: one list after the other, and what each watch streams before it closes."""

    lists: list[list[Object]]
    watches: list[list[bytes]]
    holds: bool = False
    """Whether a watch stays open after its last line."""
    oddities: int = 0
    """How many answers are no lists at first."""
    asked: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.oddities:
            self.oddities -= 1
            return web.json_response({"kind": "Surprise"})
        if "watch" not in request.query:
            items = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
            version = str(10 * (len(self.asked) + 1))
            return web.json_response({"metadata": {"resourceVersion": version}, "items": items})
        self.asked.append(request.query["resourceVersion"])
        response = web.StreamResponse()
        await response.prepare(request)
        if self.watches:
            for line in self.watches.pop(0):
                await response.write(line)
            if not self.holds:
                return response
        await asyncio.sleep(60)
        return response


def heard(script: Script, until: Callable[[Feed], bool]) -> tuple[Feed, list[str]]:
    """Follow the script until the feed is as wanted; its objects and what it called out."""
    changes: list[str] = []

    def on_change(before: Object | None, after: Object | None) -> None:
        said = [
            one["metadata"]["name"] + one["metadata"]["resourceVersion"] if one else "-"
            for one in (before, after)
        ]
        changes.append(">".join(said))

    async def play() -> Feed:
        app = web.Application()
        app.router.add_get("/{path:.*}", script.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0]
        feed = Feed(api=LabApi(f"http://{host}:{port}", "token"), path="/api/v1/nodes", on_change=on_change)
        task = asyncio.create_task(follow(feed))
        async with asyncio.timeout(10):
            while not until(feed):
                assert not task.done()
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait((task,))
        assert feed.descriptor() is None
        await runner.cleanup()
        return feed

    return asyncio.run(play()), changes


def has(**versions: int) -> Callable[[Feed], bool]:
    """Whether exactly these objects are known, at these versions."""
    expected = {("", name): str(version) for name, version in versions.items()}
    return lambda feed: (
        expected == {key: obj["metadata"]["resourceVersion"] for key, obj in feed.objects.items()}
    )


def test_list_then_watch() -> None:
    """Additions, changes and deletions are called out in their order; a bookmark says nothing."""
    script = Script(
        lists=[[node("a", 1), node("b", 2)]],
        watches=[
            [
                event("MODIFIED", node("a", 11)),
                event("BOOKMARK", node("", 12)),
                event("DELETED", node("b", 13)),
                event("ADDED", node("c", 14)),
            ]
        ],
    )
    script.lists.append([node("a", 11), node("c", 14)])

    _, changes = heard(script, has(a=11, c=14))

    assert changes == ["->a1", "->b2", "a1>a11", "b2>-", "->c14"]
    assert script.asked[0] == "10"


def test_watch_that_stays_open() -> None:
    """Changes are called out as they come, not when the watch ends."""
    lines = [event("ADDED", node("a", 11)), event("MODIFIED", node("a", 12))]

    _, changes = heard(Script(lists=[[]], watches=[lines], holds=True), has(a=12))

    assert changes == ["->a11", "a11>a12"]


def test_expired_watch() -> None:
    """After a 410 it lists again and calls out what was missed."""
    gone = event("ERROR", {"kind": "Status", "code": 410, "message": "too old resource version"})
    script = Script(lists=[[node("a", 1), node("b", 2)], [node("b", 2), node("c", 25)]], watches=[[gone]])

    _, changes = heard(script, has(b=2, c=25))

    assert changes == ["->a1", "->b2", "a1>-", "->c25"]


@pytest.mark.parametrize(
    "line", [b"", b"{not json}\n", b'{"type": "ADDED"}\n', b'{"type": "ADDED", "object"', b"\n"]
)
def test_watch_that_breaks_off(line: bytes) -> None:
    """A watch that closes, or says something that is no event, leads to a new list."""
    script = Script(lists=[[node("a", 1)], [node("a", 31)]], watches=[[line]])

    _, changes = heard(script, has(a=31))

    assert changes == ["->a1", "a1>a31"]


def test_long_line() -> None:
    """A line may be as long as a full slice with long names."""
    long = node("a", 11, status={"padding": "x" * 1_500_000})
    script = Script(lists=[[node("a", 1)]], watches=[[event("MODIFIED", long)]], holds=True)

    feed, changes = heard(script, has(a=11))

    assert changes == ["->a1", "a1>a11"]
    assert len(feed.objects["", "a"]["status"]["padding"]) == 1_500_000


def test_answer_that_is_no_list() -> None:
    """A server that answers something else is asked again."""
    _, changes = heard(Script(lists=[[node("a", 1)]], watches=[], oddities=2), has(a=1))

    assert changes == ["->a1"]
