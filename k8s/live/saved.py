"""A place read from files that kubectl saved, so that no access to the cluster is needed.

``kubectl get nodes,pods,services,endpointslices -A -o json`` in one file, or a file each, JSON or (by the
file's name) YAML; events and the output of ``kubectl version -o json`` may be among them. Other kinds are
passed over.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from k8s.errors import UsageError
from k8s.model.fields import Field
from k8s.model.objects import Raw
from k8s.model.raw_scene import RawScene, scene
from k8s.model.scene import Scene

SAVE = "kubectl get nodes,pods,services,endpointslices -A -o json"
"""What makes a file that holds everything needed."""
_WORDS = {
    ("v1", "Node"): "nodes",
    ("v1", "Pod"): "pods",
    ("v1", "Service"): "services",
    ("discovery.k8s.io/v1", "EndpointSlice"): "endpointslices",
    ("v1", "Event"): "events",
}
"""What we read, and how kubectl calls it."""
_YAML = (".yaml", ".yml")


@dataclass(slots=True)
class _Files:
    """What was found in the files so far."""

    objects: dict[str, dict[tuple[str, str], Raw]] = field(
        default_factory=lambda: {word: {} for word in _WORDS.values()}
    )
    """By kind, then by (namespace, name): the last file's, where several have it."""
    server_version: str = ""
    empty_lists: set[str] = field(default_factory=set)
    """Kinds with an own list (``EventList``) that has no items: nothing there is no gap."""

    def of(self, word: str) -> tuple[Raw, ...]:
        return tuple(self.objects[word].values())


def read(paths: Sequence[Path]) -> Scene:
    """The scene in these files; UsageError in one line that names the file and what is wrong with it.

    An object that is in several files counts once, as the last of them has it. ``taken_at_s`` is the time of
    the newest file's last change.
    """
    files = _Files()
    taken_at_s = 0.0
    for path in paths:
        data, changed_s = _content(path)
        taken_at_s = max(taken_at_s, changed_s)
        try:
            for document in _documents(path, data):
                _take(document, files)
        except UsageError as error:
            raise UsageError(f"reading {path}: {error}") from None
    names = ", ".join(map(str, paths))
    missing = tuple(word for word in _WORDS.values() if not files.objects[word])
    if len(missing) == len(_WORDS):
        raise UsageError(f"reading {names}: no nodes, pods, Services or slices in it; save them with: {SAVE}")
    has_events = "events" not in missing or "events" in files.empty_lists
    try:
        return scene(
            RawScene(
                source=names,
                taken_at_s=taken_at_s,
                nodes=files.of("nodes"),
                pods=files.of("pods"),
                services=files.of("services"),
                slices=files.of("endpointslices"),
                events=files.of("events") if has_events else None,
                server_version=files.server_version,
                gaps=tuple(f"{word}: none saved" for word in missing if word not in files.empty_lists),
            )
        )
    except UsageError as error:
        raise UsageError(f"reading {names}: {error}") from None


def _content(path: Path) -> tuple[bytes, float]:
    """The bytes, and when they were changed, in seconds since the epoch."""
    try:
        return path.read_bytes(), path.stat().st_mtime
    except OSError as error:
        raise UsageError(f"reading {path}: {error.strerror}; save it with: {SAVE}") from None


def _documents(path: Path, data: bytes) -> Iterator[Any]:
    if path.suffix in _YAML:
        try:
            yield from yaml.safe_load_all(data)
        except yaml.YAMLError as error:
            raise UsageError(f"not YAML: {' '.join(str(error).split())[:120]}") from None
        return
    if not data.strip():
        raise UsageError(f"the file is empty; save it with: {SAVE}")
    try:
        yield json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not JSON: {error}; save it with: {SAVE}") from None


def _take(document: Any, files: _Files) -> None:
    """Sort one document into *files*: a list, a single object, or a version."""
    root = Field("the file", "", document)
    if not isinstance(document, Mapping):
        raise root.wrong("an object with kind, as kubectl prints it")
    if "serverVersion" in document:
        files.server_version = root.at("serverVersion", "gitVersion").text("")
        return
    kind = root.at("kind").text()
    if not kind.endswith("List"):
        _keep(root, files)
        return
    if not isinstance(document.get("items"), list):
        raise root.at("items").wrong("a list")
    own = kind.removesuffix("List")
    version = root.at("apiVersion").text("v1")
    word = _WORDS.get((version, own))
    if word is not None and not document["items"]:
        files.empty_lists.add(word)
    for item in root.at("items").each():
        if not isinstance(item.value, Mapping):
            raise item.wrong("an object")
        # The items of a List say what they are, those of a NodeList leave it to the list.
        said = {"kind": own, "apiVersion": version} if own else {}
        _keep(Field(item.owner, item.path, said | dict(item.value)), files)


def _keep(item: Field, files: _Files) -> None:
    kind, version = item.at("kind").text(), item.at("apiVersion").text("v1")
    word = _WORDS.get((version, kind))
    if word is not None:
        name = item.at("metadata", "name").text()
        files.objects[word][item.at("metadata", "namespace").text(""), name] = item.value
