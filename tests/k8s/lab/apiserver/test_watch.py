"""Watches over plain HTTP."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from typing import Any

import pytest

from tests.k8s.lab.apiserver import samples, wire

Add = Callable[[dict[str, Any]], dict[str, Any]]
Events = Iterator[dict[str, Any]]


def seen(events: Events, count: int) -> list[tuple[str, str]]:
    """Type and name of the next events."""
    return [(one["type"], one["object"]["metadata"]["name"]) for one in islice(events, count)]


@pytest.fixture
def pods(url: str, namespace: str) -> str:
    """The URL of the pods of a new namespace."""
    return f"{url}/api/v1/namespaces/{namespace}/pods"


def test_without_a_version_the_state_comes_first(pods: str, namespace: str, add: Add) -> None:
    """As ADDED events, then what happens."""
    add(samples.pod("a", namespace))
    with wire.watching(pods) as events:
        assert seen(events, 1) == [("ADDED", "a")]
        add(samples.pod("b", namespace))
        wire.patch(f"{pods}/b", {"metadata": {"labels": {"x": "y"}}})
        wire.call("DELETE", f"{pods}/a?gracePeriodSeconds=0")

        # Its status, then its label.
        assert seen(events, 4) == [("ADDED", "b"), ("MODIFIED", "b"), ("MODIFIED", "b"), ("DELETED", "a")]


def test_from_a_version_only_what_came_after(pods: str, namespace: str, add: Add) -> None:
    """List, then watch from the list's version: nothing is missed, nothing comes twice."""
    add(samples.pod("a", namespace))
    version = wire.get(pods).json["metadata"]["resourceVersion"]
    add(samples.pod("b", namespace))

    with wire.watching(pods, resourceVersion=version) as events:
        assert seen(events, 1) == [("ADDED", "b")]


def test_a_selector_sees_objects_enter_and_leave(pods: str, namespace: str, add: Add) -> None:
    """Entering the selection is ADDED, leaving it is DELETED with the last state that was in it."""
    add(samples.pod("a", namespace))
    version = wire.get(pods).json["metadata"]["resourceVersion"]
    with wire.watching(pods, resourceVersion=version, labelSelector="pick=me") as events:
        for labels in ({"pick": "me"}, {"more": "x"}, {"pick": None}, {"more": None}, {"pick": "me"}):
            wire.patch(f"{pods}/a", {"metadata": {"labels": labels}})
        found = list(islice(events, 4))

    assert [event["type"] for event in found] == ["ADDED", "MODIFIED", "DELETED", "ADDED"]
    gone = found[2]["object"]["metadata"]
    assert (gone["labels"]["pick"], gone["labels"]["more"]) == ("me", "x")
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in found]
    assert sorted(set(versions)) == versions


def test_one_object_can_be_watched_by_name(pods: str, namespace: str, add: Add) -> None:
    """By field selector, as kubectl does, and by its own URL."""
    for name in ("a", "b"):
        add(samples.pod(name, namespace))

    with (
        wire.watching(pods, fieldSelector="metadata.name=b") as by_field,
        wire.watching(f"{pods}/b") as by_url,
    ):
        assert [("ADDED", "b")] == seen(by_field, 1) == seen(by_url, 1)


def test_a_watch_ends_at_its_timeout(pods: str) -> None:
    """Cleanly, so that the client may go on from where it was."""
    started = time.monotonic()
    with wire.watching(pods, timeoutSeconds=1) as events:
        assert list(events) == []
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize("version", ["1", "100"])
def test_a_version_too_old_is_an_error_event(pods: str, version: str) -> None:
    """Status 410 inside a 200 answer, as the real one sends it; then the stream ends."""
    with wire.watching(pods, resourceVersion=version) as events:
        found = list(events)

    assert [event["type"] for event in found] == ["ERROR"]
    status = found[0]["object"]
    assert (status["kind"], status["reason"], status["code"]) == ("Status", "Expired", 410)
    assert status["message"].startswith(f"too old resource version: {version} (")


def test_streamed_lists_end_with_a_bookmark(pods: str, namespace: str, add: Add) -> None:
    """``sendInitialEvents``, which client-go's informers ask for since 1.35."""
    made = add(samples.pod("a", namespace))
    query = {
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
    }
    with wire.watching(pods, **query) as events:
        first, bookmark = islice(events, 2)

    assert ("ADDED", made) == (first["type"], first["object"])
    assert bookmark["type"] == "BOOKMARK"
    assert (bookmark["object"]["kind"], bookmark["object"]["apiVersion"]) == ("Pod", "v1")
    assert bookmark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true"
    assert int(bookmark["object"]["metadata"]["resourceVersion"]) >= int(made["metadata"]["resourceVersion"])


def test_watches_can_be_tables(pods: str, namespace: str, add: Add) -> None:
    """As ``kubectl get -w`` asks; only the first event names the columns."""
    for name in ("a", "b"):
        add(samples.pod(name, namespace))
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
    request = urllib.request.Request(f"{pods}?watch=true&timeoutSeconds=20", headers=accept | wire.BEARER)
    with urllib.request.urlopen(request, timeout=30) as response:
        first, second = (json.loads(line)["object"] for line in islice(response, 2))

    assert (first["kind"], second["kind"]) == ("Table", "Table")
    assert (first["rows"][0]["cells"][0], second["rows"][0]["cells"][0]) == ("a", "b")
    assert (bool(first["columnDefinitions"]), second["columnDefinitions"]) == (True, [])


def test_a_bad_selector_is_refused_before_the_stream(pods: str) -> None:
    """With 400, and not in the middle of an answer."""
    assert wire.get(pods, watch="true", labelSelector="a b").status == 400


def test_many_watchers_see_every_change(pods: str, namespace: str, add: Add) -> None:
    """Twenty watchers, a hundred changes, all of them in order."""
    add(samples.pod("a", namespace))
    version = wire.get(pods).json["metadata"]["resourceVersion"]
    with ExitStack() as stack:
        streams = [stack.enter_context(wire.watching(pods, resourceVersion=version)) for _ in range(20)]
        for number in range(100):
            wire.patch(f"{pods}/a", {"metadata": {"labels": {"n": str(number)}}})
        for events in streams:
            found = [event["object"]["metadata"]["labels"]["n"] for event in islice(events, 100)]
            assert [str(number) for number in range(100)] == found


def test_a_streamed_list_goes_on_as_a_watch(pods: str, namespace: str, add: Add) -> None:
    """Before the bookmark what is there, behind it what happens; without bookmarks there is none."""
    add(samples.pod("a", namespace))
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "resourceVersion": "0"}
    with (
        wire.watching(pods, allowWatchBookmarks="true", **query) as marked,
        wire.watching(pods, **query) as bare,
    ):
        first = [event["type"] for event in islice(marked, 2)]
        seen(bare, 1)
        add(samples.pod("b", namespace))

        assert first == ["ADDED", "BOOKMARK"]
        assert [("ADDED", "b")] == seen(marked, 1) == seen(bare, 1)


def test_no_initial_events_on_demand(pods: str, namespace: str, add: Add) -> None:
    """A watch without a version then starts from now."""
    add(samples.pod("a", namespace))
    query = {"sendInitialEvents": "false", "resourceVersionMatch": "NotOlderThan"}
    with wire.watching(pods, **query) as events:
        add(samples.pod("b", namespace))

        assert seen(events, 1) == [("ADDED", "b")]


def test_a_last_bookmark_comes_before_the_end(pods: str, url: str, namespace: str, add: Add) -> None:
    """With the newest version, so that the next watch need not start over, whatever others did meanwhile."""
    version = wire.get(pods).json["metadata"]["resourceVersion"]
    made = add(samples.service(namespace))
    query = {"resourceVersion": version, "allowWatchBookmarks": "true", "timeoutSeconds": 3}
    with wire.watching(pods, **query) as events:
        found = list(events)

    assert [event["type"] for event in found] == ["BOOKMARK"]
    bookmark = found[0]["object"]["metadata"]
    assert int(bookmark["resourceVersion"]) >= int(made["metadata"]["resourceVersion"])
    assert "annotations" not in bookmark
    assert wire.get(url + "/healthz").body == b"ok"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"sendInitialEvents": "true"}, 422),
        ({"resourceVersionMatch": "NotOlderThan"}, 422),
        ({"sendInitialEvents": "true", "resourceVersionMatch": "Exact"}, 422),
        (
            {
                "sendInitialEvents": "true",
                "resourceVersionMatch": "NotOlderThan",
                "resourceVersion": "9" * 15,
            },
            504,
        ),
    ],
)
def test_watches_that_cannot_be(pods: str, query: dict[str, Any], code: int) -> None:
    """Refused before the stream."""
    assert wire.get(pods, **query | {"watch": "true"}).status == code
