"""A place read from files that kubectl saved, so that no access to the cluster is needed.

``kubectl get nodes,pods,services,endpointslices -A -o json`` in one file, or a file each, JSON or YAML; a
must-gather or ``cluster-info dump`` as a folder; ``-`` for standard input. Events, the ConfigMap of Cilium
and the output of ``kubectl version -o json`` may be among them. Other kinds are passed over.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from k8s.errors import UsageError
from k8s.live.saved_files import SAVE, Progress, SavedFile, documents, files, kinds_in
from k8s.model.fields import Field
from k8s.model.objects import OLD_SLICES, Raw, slice_of_v1beta1
from k8s.model.raw_scene import SETTINGS, RawScene, scene
from k8s.model.scene import IN_PART, Scene

__all__ = ["SAVE", "read"]

_WORDS = {
    ("v1", "Node"): "nodes",
    ("v1", "Pod"): "pods",
    ("v1", "Service"): "services",
    ("discovery.k8s.io/v1", "EndpointSlice"): "endpointslices",
    ("v1", "Event"): "events",
}
"""What we read, and how kubectl calls it."""
_ALSO = {("events.k8s.io/v1", "Event"): "events", (OLD_SLICES, "EndpointSlice"): "endpointslices"}
_SETTINGS = "configmaps"
_MOST_KINDS = 5


@dataclass(slots=True)
class _Found:
    """What was found in the files so far."""

    objects: dict[str, dict[tuple[str, str], Raw]] = field(
        default_factory=lambda: {word: {} for word in (*_WORDS.values(), _SETTINGS)}
    )
    """By kind, then by (namespace, name): the last file's, where several have it."""
    server_version: str = ""
    empty_lists: set[str] = field(default_factory=set)
    """Kinds with an own list (``EventList``) that has no items: nothing there is no gap."""
    passed: Counter[str] = field(default_factory=Counter)
    """Kinds that are of no use here."""
    kept: int = 0
    """Objects that are of use here."""
    no_objects: list[str] = field(default_factory=list)
    """Files of a folder that are no Kubernetes objects."""
    damaged: list[str] = field(default_factory=list)
    """Files of a folder of which something is lost, nobody knows of what kind, and why."""
    in_part: dict[str, str] = field(default_factory=dict)
    """Kinds of which something is lost: the first file, and why."""

    def of(self, word: str) -> tuple[Raw, ...]:
        return tuple(self.objects[word].values())


class _PartError(UsageError):
    """Objects of a document are lost, and of which kinds."""

    def __init__(self, error: UsageError, words: frozenset[str]) -> None:
        super().__init__(str(error))
        self.words = words


def read(paths: Sequence[Path], progress: Progress | None = None) -> Scene:
    """The scene in these files; UsageError in one line that names the file and what is wrong with it.

    An object that is in several files counts once, as the last of them has it. Of a file found in a folder
    what can be read is read, and the rest is a gap. ``taken_at_s`` is the time of the newest file's last
    change. *progress* is told how much of a large file is read.
    """
    found = _Found()
    taken_at_s = 0.0
    for file in files(paths):
        taken_at_s = max(taken_at_s, file.changed_s)
        if file.named:
            try:
                for document in documents(file, progress):
                    _take(document, found)
            except UsageError as error:
                raise UsageError(f"reading {file.name}: {error}") from None
        else:
            _take_what_can_be(file, found, progress)
    names = ", ".join(map(str, paths))
    try:
        return scene(_raw_scene(names, taken_at_s, found))
    except UsageError as error:
        raise UsageError(f"reading {names}: {error}") from None


def _raw_scene(names: str, taken_at_s: float, found: _Found) -> RawScene:
    missing = tuple(word for word in _WORDS.values() if not found.objects[word])
    if len(missing) == len(_WORDS):
        kinds = ", ".join(f"{count} {kind}" for kind, count in found.passed.most_common(_MOST_KINDS))
        instead = f" (but {kinds})" if kinds else ""
        raise UsageError(f"no nodes, pods, Services or slices in it{instead}; save them with: {SAVE}")
    gaps = [
        f"{word}: none saved"
        for word in missing
        if word not in found.empty_lists and word not in found.in_part
    ]
    gaps += [f"{word}: {IN_PART}, e.g. not all of {why}" for word, why in found.in_part.items()]
    if found.damaged:
        gaps.append(f"{len(found.damaged)} files read in part or not at all, e.g. {found.damaged[0]}")
    if found.no_objects:
        gaps.append(f"{len(found.no_objects)} files that hold no objects, e.g. {found.no_objects[0]}")
    has_events = "events" not in missing or "events" in found.empty_lists
    return RawScene(
        source=names,
        taken_at_s=taken_at_s,
        nodes=found.of("nodes"),
        pods=found.of("pods"),
        services=found.of("services"),
        slices=found.of("endpointslices"),
        events=found.of("events") if has_events else None,
        server_version=found.server_version,
        settings=found.of(_SETTINGS),
        gaps=tuple(gaps),
    )


def _take_what_can_be(file: SavedFile, found: _Found, progress: Progress | None) -> None:
    """Of a file found in a folder; what is wrong with it becomes a gap."""
    before = found.kept, found.passed.total()
    words: set[str] = set()
    first: UsageError | None = None
    try:
        for document in documents(file, progress):
            try:
                _take(document, found)
            except UsageError as error:
                first = first or error
                words |= error.words if isinstance(error, _PartError) else _words_of(document)
    except UsageError as error:
        first = first or error
        kinds = kinds_in(file)
        words |= {word for (_, kind), word in _WORDS.items() if kind in kinds}
        if file.unreadable:
            # Nothing but its name tells what it holds.
            words |= {word for word in _WORDS.values() if word in Path(file.name).name}
    if first is None:
        return
    why = f"{file.name} ({first})"
    for word in sorted(words):
        found.in_part.setdefault(word, why)
    if not words and (file.unreadable or file.is_packed or before != (found.kept, found.passed.total())):
        found.damaged.append(why)
    elif not words:
        found.no_objects.append(file.name)


def _words_of(raw: Any) -> frozenset[str]:
    """The kind of a wrong object, or of a list of one kind; empty where it does not tell or is of no use."""
    if not isinstance(raw, Mapping):
        return frozenset()
    version, kind = raw.get("apiVersion") or "v1", raw.get("kind")
    if not isinstance(version, str) or not isinstance(kind, str):
        return frozenset()
    word = _word(version, kind.removesuffix("List"))
    return frozenset() if word is None else frozenset({word})


def _take(document: Any, found: _Found) -> None:
    """Sort one document into *found*: a list, a single object, an event of a watch, or a version."""
    root = Field("the file", "", document)
    if not isinstance(document, Mapping):
        raise root.wrong("an object with kind, as kubectl prints it")
    if "serverVersion" in document:
        found.server_version = root.at("serverVersion", "gitVersion").text("")
        return
    if "clientVersion" in document and "kind" not in document:
        return
    if "kind" not in document and isinstance(document.get("object"), Mapping):
        _watched(root, found)
        return
    kind = root.at("kind").text()
    if not kind.endswith("List"):
        _keep(root, found)
        return
    if "items" not in document:
        raise root.at("items").wrong("a list")
    _take_list(root, kind, found)


def _take_list(root: Field, kind: str, found: _Found) -> None:
    """All items that can be; what is wrong with the others is raised at the end."""
    own = kind.removesuffix("List")
    version = root.at("apiVersion").text("v1")
    word = _word(version, own)
    if word is not None and not root.value["items"]:
        found.empty_lists.add(word)
    first: UsageError | None = None
    words: frozenset[str] = frozenset()
    for item in root.at("items").each():
        raw = item.value
        if isinstance(raw, Mapping):
            # The items of a List say what they are, those of a NodeList leave it to the list.
            said = {"kind": own, "apiVersion": version} if own else {}
            raw = said | {key: value for key, value in raw.items() if value is not None or key not in said}
        try:
            if not isinstance(raw, Mapping):
                raise item.wrong("an object")
            _keep(Field(item.owner, item.path, raw), found)
        except UsageError as error:
            first = first or error
            words |= _words_of(raw)
    if first is not None:
        raise _PartError(first, words)


def _watched(root: Field, found: _Found) -> None:
    """One line of ``kubectl get --watch --output-watch-events``."""
    below = root.at("object")
    if root.at("type").text("") != "DELETED":
        _keep(below, found)
        return
    word = _word(below.at("apiVersion").text("v1"), below.at("kind").text())
    if word is not None:
        found.objects[word].pop(_key(below), None)


def _word(version: str, kind: str) -> str | None:
    return _WORDS.get((version, kind)) or _ALSO.get((version, kind))


def _keep(item: Field, found: _Found) -> None:
    kind, version = item.at("kind").text(), item.at("apiVersion").text("v1")
    word = _word(version, kind)
    if (version, kind) == ("v1", "ConfigMap") and item.at("metadata", "name").value in SETTINGS:
        word = _SETTINGS
    if word is None:
        found.passed[kind] += 1
        return
    raw = item.value
    if version == OLD_SLICES:
        raw = slice_of_v1beta1(raw)
    found.objects[word][_key(item)] = raw
    found.kept += 1


def _key(item: Field) -> tuple[str, str]:
    return item.at("metadata", "namespace").text(""), item.at("metadata", "name").text()
