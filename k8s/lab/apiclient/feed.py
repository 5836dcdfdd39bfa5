"""One kind of object followed without waiting: listed once, then changed by what a watch has sent."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from k8s.lab.design.seeds import Object

Key = tuple[str, str]
"""(namespace, name)."""

_log = logging.getLogger(__name__)


class Events(Protocol):
    """A watch that has begun."""

    def descriptor(self) -> int:
        """What becomes readable when there is news."""

    def events(self) -> Iterator[Object]:
        """What has arrived; OSError once it has ended, ValueError for what is no event."""

    def close(self) -> None:
        """Hear no more."""


class Lister(Protocol):
    """The part of the API that a feed reads; ApiError if there is no answer."""

    def listed(self, path: str) -> tuple[list[Object], str]:
        """The items of a collection and its resourceVersion."""

    def watch(self, path: str, version: str) -> Events:
        """What happens there after that version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A list, and the watch that goes on from there."""

    items: list[Object]
    watch: Events


def key_of(obj: Object) -> Key:
    """Where an object is kept."""
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


@dataclass(slots=True, kw_only=True)
class Feed:
    """The objects below one collection path, as last heard or as last written by us."""

    api: Lister
    path: str
    """E.g. ``/api/v1/nodes``."""
    on_change: Callable[[Object | None, Object | None], None] = lambda _before, _after: None
    """Called with the object before and after; None is absent. Own writes are not called out."""
    objects: dict[Key, Object] = field(default_factory=dict)
    is_listed: bool = False
    """Whether the first list has arrived."""
    _watch: Events | None = None
    _gone: set[str] = field(default_factory=set)
    """Uids of what we deleted and the watch has not told yet: older news of them are no news."""

    def descriptor(self) -> int | None:
        """What becomes readable when there is news; None while it is not connected."""
        return self._watch.descriptor() if self._watch else None

    def pump(self) -> bool:
        """Take in what has arrived, without waiting for more; True if an object changed.

        A feed that is not connected lists and connects first: ApiError if that fails.
        """
        if self._watch is None:
            return self.begin(self.opened())
        changed = False
        try:
            for event in self._watch.events():
                changed |= self._hear(event)
        except (OSError, ValueError) as error:
            _log.warning("following %s: %s", self.path, error)
            self.close()
        return changed

    def opened(self) -> Opened:
        """List and connect, which waits for the server; it changes nothing here."""
        items, version = self.api.listed(self.path)
        return Opened(items=items, watch=self.api.watch(self.path, version))

    def begin(self, opened: Opened) -> bool:
        """Be as a list says, and go on with its watch; True if an object changed."""
        self._watch = opened.watch
        self._gone.clear()
        found = {key_of(item): item for item in opened.items}
        changes = [self._change(key, None) for key in self.objects.keys() - found.keys()]
        changes += [self._change(key, obj) for key, obj in found.items()]
        self.is_listed = True
        return any(changes)

    def put(self, obj: Object) -> None:
        """Remember what the server answered to a write; its echo is then no news."""
        self.objects[key_of(obj)] = obj

    def drop(self, obj: Object) -> None:
        """Forget an object that the server deleted on request."""
        if self.objects.pop(key_of(obj), None) is not None:
            self._gone.add(obj["metadata"]["uid"])

    def close(self) -> None:
        """Follow no more, until the next ``pump``."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def _hear(self, event: Object) -> bool:
        match event:
            case {"type": "ADDED" | "MODIFIED", "object": {"metadata": {"uid": _}} as obj}:
                return not self._is_old(obj) and self._change(key_of(obj), obj)
            case {"type": "DELETED", "object": {"metadata": {"uid": uid}} as obj}:
                self._gone.discard(uid)
                known = self.objects.get(key_of(obj))
                return (
                    known is not None and known["metadata"]["uid"] == uid and self._change(key_of(obj), None)
                )
            case {"type": "ERROR", "object": {} as status}:
                raise ConnectionError(status.get("message", "expired"))
            case {"type": "BOOKMARK"}:
                return False
        raise ValueError("this is no event")

    def _change(self, key: Key, after: Object | None) -> bool:
        before = self.objects.get(key)
        if _state(before) == _state(after):
            return False
        if after is None:
            del self.objects[key]
        else:
            self.objects[key] = after
        self.on_change(before, after)
        return True

    def _is_old(self, obj: Object) -> bool:
        """Whether this is the echo of a state that a later write of ours has already replaced."""
        metadata = obj["metadata"]
        known = self.objects.get(key_of(obj))
        if metadata["uid"] in self._gone:
            return True
        if known is None:
            return False
        # Decimal and growing on every API server since Kubernetes 1.35 says so (KEP-5504), and before.
        with contextlib.suppress(ValueError):
            return int(metadata["resourceVersion"]) <= int(known["metadata"]["resourceVersion"])
        return False


def _state(obj: Object | None) -> tuple[str, str] | None:
    """What tells two states apart."""
    if obj is None:
        return None
    return obj["metadata"].get("uid", ""), obj["metadata"].get("resourceVersion", "")
