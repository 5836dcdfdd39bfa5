"""How deeply plain values are nested: what is deeper than a bound cannot be written as JSON again."""

from typing import Any, Final

DEEPEST: Final = 200
"""Levels of lists and objects in one document; embedded subsegments take two each."""


def is_deeper(value: Any, levels: int = DEEPEST) -> bool:
    """Whether lists and dictionaries are nested more than *levels* deep."""
    layer = [value]
    for _ in range(levels + 1):
        inner: list[Any] = []
        for item in layer:
            if isinstance(item, dict):
                inner += item.values()
            elif isinstance(item, list):
                inner += item
        if not inner:
            return False
        layer = [item for item in inner if isinstance(item, dict | list)]
        if not layer:
            return False
    return True
