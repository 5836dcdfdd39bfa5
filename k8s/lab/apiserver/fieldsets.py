"""Sets of fields: which ones an object has, as server-side apply names them (``FieldsV1``).

Upstream ``sigs.k8s.io/structured-merge-diff/fieldpath``. A path is a tuple of elements in FieldsV1's own
spelling: ``f:name`` is a field or a key of a map, ``k:{...}`` the item of a list with these keys, ``v:...``
an item of a set. Members of a set are leaves, items of lists, and empty containers.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from k8s.lab.apiserver.schema import ANYTHING, Array, Map, Record, Type

Path = tuple[str, ...]
Fields = frozenset[Path]
CONTAINER = object()
"""The value of a path that only says that a container or an item is there."""
_SERVER_SET = (
    "name namespace uid creationTimestamp generation managedFields resourceVersion selfLink "
    "deletionTimestamp deletionGracePeriodSeconds"
)
_UNOWNED = frozenset(
    {("f:apiVersion",), ("f:kind",)} | {("f:metadata", f"f:{name}") for name in _SERVER_SET.split()}
)
"""What nobody owns, as upstream strips it."""


class KeylessError(ValueError):
    """An item of a list lacks one of the keys that would tell it apart, or two items have the same."""


def applied_members(config: Any, shape: Type) -> dict[Path, Any]:
    """The members of an applied configuration and their values.

    KeylessError for a list whose items cannot be told apart.
    """
    found = _walk(config, shape, (), is_applied=True)
    return {path: value for path, value in found if not _is_unowned(path)}


def members(obj: Any, shape: Type) -> dict[Path, Any]:
    """The members of an object and their values, among them maps and lists that are not empty.

    A list whose items cannot be told apart is one value.
    """
    found = _walk(obj, shape, (), is_applied=False)
    return {path: value for path, value in found if not _is_unowned(path)}


def with_parents(paths: Iterable[Path]) -> Fields:
    """The paths and all that lead to them: what is there at all."""
    return frozenset(path[:length] for path in paths for length in range(1, len(path) + 1))


def _is_unowned(path: Path) -> bool:
    return path[:1] in _UNOWNED or path[:2] in _UNOWNED or path in ((), ("f:metadata",))


def _walk(value: Any, shape: Type, path: Path, *, is_applied: bool) -> Iterator[tuple[Path, Any]]:
    try:
        below = entries(value, shape)
    except KeylessError:
        if is_applied:
            raise
        below = None
    if below is None:
        yield path, value
        return
    if not below or not (is_applied or isinstance(shape, Record)):
        yield path, CONTAINER if below else value
    for element, (item, item_shape) in below.items():
        if element.startswith("k:"):
            yield (*path, element), CONTAINER
        yield from _walk(item, item_shape, (*path, element), is_applied=is_applied)


def entries(value: Any, shape: Type) -> dict[str, tuple[Any, Type]] | None:
    """What is in a container, by path element, with its shape; None for what is one value.

    KeylessError for items that cannot be told apart.
    """
    match shape:
        case Record(is_atomic=False) if isinstance(value, dict):
            return {f"f:{key}": (item, shape.fields.get(key, ANYTHING)) for key, item in value.items()}
        case Map(is_atomic=False) if isinstance(value, dict):
            return {f"f:{key}": (item, shape.values) for key, item in value.items()}
        case Array() if isinstance(value, list) and (shape.keys or shape.merges_as_set):
            found = {_element(item, shape): (item, shape.items) for item in value}
            if len(found) != len(value) and not shape.merges_as_set:
                raise KeylessError("duplicate entries for one key")
            return found
    return None


def _element(item: Any, shape: Array) -> str:
    if shape.merges_as_set:
        return "v:" + _json(item)
    keys: dict[str, Any] = {}
    for key in sorted(shape.keys):
        default = shape.second_default if key == shape.second_key else ""
        value = item.get(key, default) if isinstance(item, dict) else ""
        if value == "":
            raise KeylessError(
                f'associative list with keys has an element that omits key field "{key}" '
                "(and doesn't have default value)"
            )
        keys[key] = value
    return "k:" + _json(keys)


def to_fields_v1(fields: Fields) -> dict[str, Any]:
    """The set as ``fieldsV1`` has it: a tree, in which ``.`` marks a member that has others below it."""
    tree: dict[str, Any] = {}
    for path in sorted(fields):
        node = tree
        for element in path:
            node = node.setdefault(element, {})
    return _marked(tree, (), fields)


def _marked(tree: dict[str, Any], path: Path, fields: Fields) -> dict[str, Any]:
    below = {element: _marked(node, (*path, element), fields) for element, node in tree.items()}
    return {".": {}, **below} if below and path in fields else below


def from_fields_v1(tree: Any) -> Fields:
    """The set that a ``fieldsV1`` describes; what is malformed in it is left out."""
    return frozenset(_paths(tree, ()))


def _paths(tree: Any, path: Path) -> Iterator[Path]:
    if not isinstance(tree, dict):
        return
    below = [element for element in tree if _is_element(element)]
    if path and (not below or "." in tree):
        yield path
    for element in below:
        yield from _paths(tree[element], (*path, element))


def _is_element(text: str) -> bool:
    if not text.startswith("k:"):
        return text[:2] in ("f:", "v:")
    try:
        return isinstance(msgspec.json.decode(text[2:]), dict)
    except msgspec.DecodeError:
        return False


def shown(path: Path) -> str:
    """A path as messages have it: ``.spec.ports[port=8080,protocol="TCP"].name``."""
    text = ""
    for element in path:
        kind, _, name = element.partition(":")
        match kind:
            case "f":
                text += f".{name}"
            case "k":
                keys: Mapping[str, Any] = msgspec.json.decode(name)
                text += "[" + ",".join(f"{key}={_json(value)}" for key, value in keys.items()) + "]"
            case _:
                text += f"[={name}]"
    return text


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
