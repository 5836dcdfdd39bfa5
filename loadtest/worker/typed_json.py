"""JSON for frozen dataclasses with the standard library alone.

What a Locust process loads must run in the official Locust image, which has no library for this. Reads as
strictly as the artifacts' readers do: unknown keys are passed over, a missing or mistyped one is named.
"""

import functools
import json
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")
_Reader = Callable[[Any], Any]


class MismatchError(ValueError):
    """JSON that is not of the wanted type; says where."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said
        self.path = ""

    def __str__(self) -> str:
        return f"{self.said} at ${self.path}"

    def below(self, step: str) -> "MismatchError":
        """The same, seen from one level up."""
        self.path = step + self.path
        return self


def encode(value: Any) -> bytes:
    """A dataclass, or a tuple of some, as compact JSON."""
    # ``default`` is asked for dataclasses only; the long tuples inside stay with the C encoder.
    return json.dumps(value, default=_fields_of, separators=(",", ":")).encode()


def decode(raw: bytes | str, kind: type[T]) -> T:
    """A value of *kind*: a dataclass or tuple of text, numbers, truth values and further ones.

    ValueError for anything else.
    """
    shape: Any = kind
    value: T = _reader(shape)(json.loads(raw))
    return value


def _fields_of(value: Any) -> dict[str, Any]:
    if not is_dataclass(value):
        raise TypeError(f"{type(value).__name__} has no form in JSON")
    return {field.name: getattr(value, field.name) for field in fields(value)}


@functools.cache
def _reader(kind: Any) -> _Reader:
    """What turns parsed JSON into a value of *kind*."""
    if is_dataclass(kind):
        return _object_reader(kind)
    if get_origin(kind) is tuple:
        kinds = get_args(kind)
        return _list_reader(kinds[0]) if kinds[-1] is ... else _tuple_reader(kinds)
    if kind not in {str, int, float, bool}:
        raise TypeError(f"{kind} has no form in JSON")

    def read(value: Any) -> Any:
        if type(value) is kind:
            return value
        if kind is float and type(value) is int:
            return float(value)
        raise MismatchError(f"expected {kind.__name__}, got {type(value).__name__}")

    return read


def _object_reader(kind: Any) -> _Reader:
    hints = get_type_hints(kind)
    readers = {one.name: _reader(hints[one.name]) for one in fields(kind)}
    needed = [one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING]

    def read(value: Any) -> Any:
        _must_be(dict, value)
        for name in needed:
            if name not in value:
                raise MismatchError(f"{name} is missing")
        found = {}
        for name, reader in readers.items():
            if name in value:
                try:
                    found[name] = reader(value[name])
                except MismatchError as error:
                    raise error.below(f".{name}") from None
        return kind(**found)

    return read


def _list_reader(kind: Any) -> _Reader:
    reader = _reader(kind)

    def read(value: Any) -> Any:
        _must_be(list, value)
        return _each(value, [reader] * len(value))

    return read


def _tuple_reader(kinds: tuple[Any, ...]) -> _Reader:
    readers = [_reader(kind) for kind in kinds]

    def read(value: Any) -> Any:
        _must_be(list, value)
        if len(value) != len(readers):
            raise MismatchError(f"expected {len(readers)} items, got {len(value)}")
        return _each(value, readers)

    return read


def _must_be(kind: type, value: Any) -> None:
    if type(value) is not kind:
        raise MismatchError(f"expected {kind.__name__}, got {type(value).__name__}")


def _each(values: list[Any], readers: list[_Reader]) -> tuple[Any, ...]:
    found: list[Any] = []
    try:
        for value, reader in zip(values, readers, strict=True):
            found.append(reader(value))
    except MismatchError as error:
        raise error.below(f"[{len(found)}]") from None
    return tuple(found)
