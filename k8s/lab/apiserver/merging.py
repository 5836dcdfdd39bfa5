"""What an applied configuration makes of an object: fields merged in, fields given up taken out.

Upstream ``sigs.k8s.io/structured-merge-diff/merge``.
"""

from typing import Any

from k8s.lab.apiserver.fieldsets import Fields, KeylessError, Path, entries
from k8s.lab.apiserver.schema import Array, Type


def merged(live: Any, config: Any, shape: Type) -> Any:
    """*live* with every field of *config* set; lists with keys and sets are merged, other lists replaced.

    KeylessError if the items of a list in *config* cannot be told apart.
    """
    below = entries(config, shape)
    if below is None:
        return config
    if isinstance(shape, Array):
        there = _items(live, shape)
        order = [*there, *(element for element in below if element not in there)]
        return [
            merged(there.get(element), below[element][0], shape.items) if element in below else there[element]
            for element in order
        ]
    result = dict(live) if isinstance(live, dict) else {}
    for element, (item, item_shape) in below.items():
        key = element.removeprefix("f:")
        result[key] = merged(result.get(key), item, item_shape)
    return result


def given_up(mine: Fields, now: Fields, others: Fields) -> Fields:
    """What goes away when a manager that owned *mine* applies *now*: what nobody else owns.

    An item of a list in which somebody owns something stays, with the fields that tell it apart.
    """
    kept = now | others
    gone = set(mine - kept)
    for item in [path for path in gone if path[-1].startswith("k:") or _has_below(path, kept)]:
        if _has_below(item, kept):
            gone.discard(item)
            gone -= {path for path in gone if path[:-1] == item and _is_key(item, path)}
    return frozenset(gone)


def without(value: Any, shape: Type, gone: Fields) -> Any:
    """*value* without these fields, and without the containers that are empty for it."""
    return _without(value, shape, (), gone) if gone else value


def _without(value: Any, shape: Type, path: Path, gone: Fields) -> Any:
    try:
        below = entries(value, shape)
    except KeylessError:
        return value
    if below is None:
        return value
    left: dict[str, Any] = {}
    for element, (item, item_shape) in below.items():
        here = (*path, element)
        if here in gone:
            continue
        rest = _without(item, item_shape, here, gone)
        if rest == item or rest not in ({}, []):
            left[element] = rest
    if isinstance(shape, Array):
        return list(left.values())
    return {element.removeprefix("f:"): item for element, item in left.items()}


def _items(live: Any, shape: Array) -> dict[str, Any]:
    """The items of a live list by element; none where they cannot be told apart: the list is replaced."""
    try:
        return {element: item for element, (item, _) in (entries(live, shape) or {}).items()}
    except KeylessError:
        return {}


def _has_below(path: Path, fields: Fields) -> bool:
    return any(len(other) > len(path) and other[: len(path)] == path for other in fields)


def _is_key(item: Path, path: Path) -> bool:
    return f'"{path[-1].removeprefix("f:")}":' in item[-1]
