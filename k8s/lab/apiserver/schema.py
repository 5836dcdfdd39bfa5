"""A small language for the shape of an API object: enough to refuse, to prune, to merge and to publish.

One description of a kind serves four uses: type errors in the words of the real server's decoder, pruning of
unknown fields (with their warning), merge keys of strategic patches, and the OpenAPI document.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

ScalarName = Literal["string", "integer", "boolean", "time", "quantity", "int-or-string"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A single value."""

    name: ScalarName


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """An object used as a dictionary, e.g. labels."""

    values: "Type"
    is_atomic: bool = False
    """Server-side apply takes it as one value, which has one owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """A list; how strategic merge patches treat it is part of its type."""

    items: "Type"
    merge_key: str = ""
    """Items with the same value of this field are one item; empty: the list is replaced whole."""
    merges_as_set: bool = False
    """A list of plain values that are added to, not replaced."""
    second_key: str = ""
    """What server-side apply tells items apart by beside the merge key."""
    second_default: str = ""
    """Its value where an item leaves it out; empty: it has to be given."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The fields that tell items apart in server-side apply; empty: the list is one value, or a set."""
        return tuple(key for key in (self.merge_key, self.second_key) if key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An object with named fields; *is_open* ones may hold more than is described here."""

    fields: Mapping[str, "Type"] = field(default_factory=dict)
    is_open: bool = True
    always: tuple[str, ...] = ()
    """Fields that Go writes even when they are zero (no ``omitempty``); typed clients insist on them."""
    is_atomic: bool = False
    """Server-side apply takes it as one value, which has one owner."""


Type = Scalar | Map | Array | Record

STRING = Scalar(name="string")
INTEGER = Scalar(name="integer")
BOOLEAN = Scalar(name="boolean")
TIME = Scalar(name="time")
QUANTITY = Scalar(name="quantity")
INT_OR_STRING = Scalar(name="int-or-string")
ANYTHING = Record()
STRINGS = Map(values=STRING)


_QUANTITY = re.compile(r"([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)")


class ShapeError(ValueError):
    """A value has the wrong type; the text is that of Go's JSON decoder."""


def conformed(value: Any, shape: Type, kind: str, *, completes: bool = True) -> tuple[Any, tuple[str, ...]]:
    """The value with nulls and unknown fields dropped, and the paths of the unknown ones.

    *kind* only names the type in the text of the ShapeError that a value of the wrong type raises. Without
    *completes*, fields that are never left out are not filled in.
    """
    unknown: list[str] = []
    return _conformed(value, shape, _Place(kind=kind, path="", completes=completes), unknown), tuple(unknown)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    kind: str
    path: str
    completes: bool

    def below(self, key: str) -> "_Place":
        return replace(self, path=f"{self.path}.{key}" if self.path else key)

    def item(self, index: int) -> "_Place":
        return replace(self, path=f"{self.path}[{index}]")

    def refuse(self, value: Any, wanted: str) -> ShapeError:
        got = {dict: "object", list: "array", str: "string", bool: "bool"}.get(type(value), "number")
        return ShapeError(
            f"json: cannot unmarshal {got} into Go struct field {self.kind}.{self.path} of type {wanted}"
        )


def _conformed(value: Any, shape: Type, place: _Place, unknown: list[str]) -> Any:
    match shape:
        case Scalar():
            return _scalar(value, shape, place)
        case Array():
            if not isinstance(value, list):
                raise place.refuse(value, "[]" + _go_name(shape.items))
            return [
                _conformed({} if item is None else item, shape.items, place.item(index), unknown)
                for index, item in enumerate(value)
            ]
        case Map():
            if not isinstance(value, dict):
                raise place.refuse(value, f"map[string]{_go_name(shape.values)}")
            return {
                key: "" if item is None else _conformed(item, shape.values, place, unknown)
                for key, item in value.items()
            }
        case Record():
            return _record(value, shape, place, unknown)


def _record(value: Any, shape: Record, place: _Place, unknown: list[str]) -> Any:
    if shape.is_open and not shape.fields:
        return value
    if not isinstance(value, dict):
        raise place.refuse(value, "struct")
    kept: dict[str, Any] = {}
    for key, item in value.items():
        if key in shape.fields:
            if item is not None:
                kept[key] = _conformed(item, shape.fields[key], place.below(key), unknown)
        elif shape.is_open:
            kept[key] = item
        else:
            unknown.append(place.below(key).path)
    for key in shape.always if place.completes else ():
        kept.setdefault(key, _zero(shape.fields[key]))
    return kept


def _zero(shape: Type) -> Any:
    match shape:
        case Scalar():
            return {"integer": 0, "boolean": False}.get(shape.name, "")
        case Array():
            return []
        case Map():
            return {}
        case Record():
            return {key: _zero(shape.fields[key]) for key in shape.always}


def _scalar(value: Any, shape: Scalar, place: _Place) -> Any:
    if shape.name not in _scalars_of(value):
        raise place.refuse(value, _go_name(shape))
    if shape.name == "quantity" and not _QUANTITY.fullmatch(str(value)):
        raise ShapeError(f"quantities must match the regular expression '^{_QUANTITY.pattern}$'")
    if shape.name == "time" and not _is_time(value):
        raise ShapeError(f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": cannot parse it')
    return value


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _scalars_of(value: Any) -> Iterator[ScalarName]:
    """The scalar types this JSON value can be."""
    match value:
        case bool():
            yield "boolean"
        case str():
            yield from ("string", "time", "quantity", "int-or-string")
        case int() if abs(value) < 2**63:
            yield from ("integer", "quantity", "int-or-string")
        case float():
            yield "quantity"


def _go_name(shape: Type) -> str:
    match shape:
        case Scalar():
            return {
                "string": "string",
                "integer": "int32",
                "boolean": "bool",
                "time": "v1.Time",
                "quantity": "resource.Quantity",
                "int-or-string": "intstr.IntOrString",
            }[shape.name]
        case Array():
            return "[]" + _go_name(shape.items)
        case Map():
            return f"map[string]{_go_name(shape.values)}"
        case Record():
            return "struct"
