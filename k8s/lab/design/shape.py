"""Whether a parsed document has the shape a JSON schema asks for, and if not, where and why (pure).

Knows the keywords that ``scenarios/schema.json`` uses, as JSON Schema 2020-12 defines them; an unknown one is
a KeyError, so that a schema cannot ask for what nobody checks.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Place = tuple[str | int, ...]
"""Keys and indices from the root."""
Schema = Mapping[str, Any]

_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
_SHOWN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """What is wrong, and where."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{dotted(self.place)}: {self.message}" if self.place else self.message


def dotted(place: Place) -> str:
    """``pods.catalog.eu-west-1a``, ``extra_nodes[0].name``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.removeprefix(".")


def flaws(value: Any, schema: Schema) -> tuple[Flaw, ...]:
    """All flaws of a document, outer ones before inner ones."""
    return tuple(_flaws(value, schema, (), schema))


def _flaws(value: Any, schema: Schema, place: Place, root: Schema) -> Iterator[Flaw]:
    if "$ref" in schema:
        schema = _resolved(schema["$ref"], root)
    if "type" in schema and not _is_any_of(value, schema["type"]):
        yield Flaw(place=place, message=f"expected {_expected(schema)}, got {_shown(value)}")
        return
    for keyword, wanted in schema.items():
        check = _CHECKS[keyword]
        if check is not None:
            yield from check(value, wanted, _At(place=place, schema=schema, root=root))


@dataclass(frozen=True, slots=True, kw_only=True)
class _At:
    """Where a check is."""

    place: Place
    schema: Schema
    root: Schema

    def flaw(self, value: Any) -> Flaw:
        return Flaw(place=self.place, message=f"expected {_expected(self.schema)}, got {_shown(value)}")

    def inside(self, step: str | int, value: Any, schema: Schema) -> Iterator[Flaw]:
        return _flaws(value, schema, (*self.place, step), self.root)


def _required(value: Any, wanted: list[str], at: _At) -> Iterator[Flaw]:
    if isinstance(value, dict):
        for key in wanted:
            if key not in value:
                yield Flaw(place=at.place, message=f"expected a key {key}")


def _properties(value: Any, wanted: Mapping[str, Schema], at: _At) -> Iterator[Flaw]:
    if isinstance(value, dict):
        for key, schema in wanted.items():
            if key in value:
                yield from at.inside(key, value[key], schema)


def _additional(value: Any, wanted: Any, at: _At) -> Iterator[Flaw]:
    if not isinstance(value, dict):
        return
    known = at.schema.get("properties", {})
    for key, one in value.items():
        if key in known:
            continue
        if wanted is False:
            message = f"unknown key; known are {', '.join(known)}"
            yield Flaw(place=(*at.place, str(key)), message=message)
        elif isinstance(wanted, Mapping):
            yield from at.inside(str(key), one, wanted)


def _items(value: Any, wanted: Schema, at: _At) -> Iterator[Flaw]:
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from at.inside(index, one, wanted)


def _min_items(value: Any, wanted: int, at: _At) -> Iterator[Flaw]:
    if isinstance(value, list) and len(value) < wanted:
        yield Flaw(place=at.place, message=f"expected {wanted} or more, got {len(value)}")


def _max_items(value: Any, wanted: int, at: _At) -> Iterator[Flaw]:
    if isinstance(value, list) and len(value) > wanted:
        yield Flaw(place=at.place, message=f"expected {wanted} or fewer, got {len(value)}")


def _minimum(value: Any, wanted: float, at: _At) -> Iterator[Flaw]:
    if _is(value, "number") and not value >= wanted:
        yield at.flaw(value)


def _pattern(value: Any, wanted: str, at: _At) -> Iterator[Flaw]:
    if isinstance(value, str) and not re.search(wanted, value):
        yield at.flaw(value)


_CHECKS: dict[str, Callable[[Any, Any, _At], Iterator[Flaw]] | None] = {
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "items": _items,
    "minItems": _min_items,
    "maxItems": _max_items,
    "minimum": _minimum,
    "pattern": _pattern,
    **dict.fromkeys(("type", "title", "description", "$schema", "$id", "$defs")),
}
"""None: nothing to check there."""


def _resolved(reference: str, root: Schema) -> Schema:
    found: Any = root
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    resolved: Schema = found
    return resolved


def _is_any_of(value: Any, kinds: str | list[str]) -> bool:
    return any(_is(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _is(value: Any, kind: str) -> bool:
    match kind:
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None
        case "integer":
            return _is(value, "number") and (isinstance(value, int) or value.is_integer())
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _expected(schema: Schema) -> str:
    kinds = schema.get("type", "object")
    words = " or ".join(_WORDS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))
    least = f" >= {schema['minimum']}" if "minimum" in schema else ""
    form = f" like {schema['pattern']}" if "pattern" in schema else ""
    return words + least + form


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
