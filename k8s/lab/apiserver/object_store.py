"""Objects, their versions, and what happened to them: the part etcd and the watch cache play in a real one.

Pure but for its own state: no clock, no sockets. Objects are plain JSON dictionaries that nobody changes
once they are in here; a change puts a new dictionary in the old one's place.
"""

import bisect
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from k8s.lab.apiserver import statuses
from k8s.lab.apiserver.resources import Resource
from k8s.lab.design.seeds import Object

StoreKey = tuple[str, str]
"""(namespace, name); the namespace is empty for what is cluster-wide."""
ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]

HISTORY = 2_000
"""Changes kept per resource; a watcher further behind gets 410 and lists again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that happened to one object."""

    version: int
    type: ChangeType
    key: StoreKey
    before: Object | None
    """None when it was added."""
    after: Object
    """For a deletion: the last state, with the deletion's resourceVersion, as the real one sends it."""


def key_of(obj: Object) -> StoreKey:
    """Where an object is stored."""
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def version_of(obj: Object) -> int:
    """The resourceVersion as a number."""
    return int(obj["metadata"]["resourceVersion"])


class _Shelf:
    """All objects of one resource, and its recent changes."""

    __slots__ = ("changes", "dropped", "listeners", "objects")

    def __init__(self, first_version: int, history: int) -> None:
        self.objects: dict[StoreKey, Object] = {}
        self.changes: deque[Change] = deque(maxlen=history)
        self.dropped = first_version
        """The newest version that is no longer in *changes*."""
        self.listeners: set[Callable[[], None]] = set()


class ObjectStore:
    """Every object, one counter of versions over all of them, and a bounded history per resource."""

    def __init__(self, *, first_version: int = 0, history: int = HISTORY) -> None:
        """Start empty; the first write gets *first_version* + 1, older versions count as expired."""
        self._version = first_version
        self._shelves: defaultdict[Resource, _Shelf] = defaultdict(lambda: _Shelf(first_version, history))

    @property
    def version(self) -> int:
        """The version of the newest write."""
        return self._version

    def get(self, resource: Resource, key: StoreKey) -> Object | None:
        """The object, or None."""
        return self._shelves[resource].objects.get(key)

    def put(self, resource: Resource, obj: Object) -> Object:
        """Add the object or replace the one of its name; returns it as stored, with its new version."""
        key = key_of(obj)
        shelf = self._shelves[resource]
        before = shelf.objects.get(key)
        self._version += 1
        stored = _with_version(obj, self._version)
        shelf.objects[key] = stored
        self._record(shelf, "MODIFIED" if before else "ADDED", key, before, stored)
        return stored

    def remove(self, resource: Resource, key: StoreKey) -> Object:
        """Take the object away and return its last state; KeyError if there is none."""
        shelf = self._shelves[resource]
        before = shelf.objects.pop(key)
        self._version += 1
        gone = _with_version(before, self._version)
        self._record(shelf, "DELETED", key, before, gone)
        return gone

    def count(self, resource: Resource) -> int:
        """How many objects there are."""
        return len(self._shelves[resource].objects)

    def keys(self, resource: Resource, namespace: str = "") -> tuple[StoreKey, ...]:
        """What is there now, in one namespace or (empty) in all, sorted."""
        objects = self._shelves[resource].objects
        return tuple(sorted(key for key in objects if not namespace or key[0] == namespace))

    def objects(self, resource: Resource, namespace: str = "", at: int | None = None) -> list[Object]:
        """All objects in one namespace or (empty) in all, sorted by namespace and name.

        *at* asks for the state as of that version; StatusError 410 if the history no longer reaches there.
        """
        shelf = self._shelves[resource]
        state = shelf.objects if at is None or at >= self._version else self._rewound(shelf, at)
        return [state[key] for key in sorted(state) if not namespace or key[0] == namespace]

    def since(self, resource: Resource, version: int) -> list[Change]:
        """The changes after *version*, oldest first; StatusError 410 if some of them are gone."""
        shelf = self._shelves[resource]
        self._check_reach(shelf, version)
        first = bisect.bisect_right(shelf.changes, version, key=lambda change: change.version)
        return [shelf.changes[index] for index in range(first, len(shelf.changes))]

    def listen(self, resource: Resource, listener: Callable[[], None]) -> Callable[[], None]:
        """Call *listener* after every change of the resource; returns what ends that."""
        listeners = self._shelves[resource].listeners
        listeners.add(listener)
        return lambda: listeners.discard(listener)

    def _record(
        self, shelf: _Shelf, kind: ChangeType, key: StoreKey, before: Object | None, after: Object
    ) -> None:
        if len(shelf.changes) == shelf.changes.maxlen:
            shelf.dropped = shelf.changes[0].version
        shelf.changes.append(Change(version=self._version, type=kind, key=key, before=before, after=after))
        for listener in tuple(shelf.listeners):
            listener()

    def _check_reach(self, shelf: _Shelf, version: int) -> None:
        if version < shelf.dropped:
            raise statuses.expired(f"too old resource version: {version} ({shelf.dropped})")

    def _rewound(self, shelf: _Shelf, at: int) -> dict[StoreKey, Object]:
        self._check_reach(shelf, at)
        state = dict(shelf.objects)
        for change in _newest_first(shelf.changes):
            if change.version <= at:
                break
            if change.before is None:
                del state[change.key]
            else:
                state[change.key] = change.before
        return state


def _newest_first(changes: deque[Change]) -> Iterator[Change]:
    return reversed(changes)


def _with_version(obj: Object, version: int) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(version)}}
