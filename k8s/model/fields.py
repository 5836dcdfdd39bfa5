"""A raw JSON value together with the way to it, so that a complaint can name object and field."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from k8s.errors import UsageError
from k8s.topology import Labels


@dataclass(frozen=True, slots=True)
class Field:
    """A raw value; its readers give a typed one or raise a UsageError in one line."""

    owner: str
    """What a complaint calls the object, e.g. ``Service catalog/catalog``."""
    path: str
    """The way to the value, e.g. ``spec.ports[0].port``; empty for the object itself."""
    value: Any

    def at(self, *keys: str) -> "Field":
        """The field below; absent all the way down is absent (None)."""
        value, path = self.value, self.path
        for key in keys:
            # Asked a million times of a large file, so the common type is looked for before the general one.
            if value is not None and type(value) is not dict and not isinstance(value, Mapping):
                raise Field(self.owner, path, value).wrong("an object")
            value = None if value is None else value.get(key)
            path = f"{path}.{key}" if path else key
        return Field(self.owner, path, value)

    def wrong(self, expected: str) -> UsageError:
        """The complaint that this is not what was *expected*."""
        said = "is missing" if self.value is None else f"is {_short(self.value)}"
        return UsageError(f"cannot read {self.owner}: {self.path or 'it'} {said}, expected {expected}")

    def text(self, default: str | None = None) -> str:
        """The text; where it is absent the *default*, or UsageError without one."""
        value = default if self.value is None else self.value
        if not isinstance(value, str):
            raise self.wrong("a text")
        return value

    def text_or_none(self) -> str | None:
        """The text, or None where it is absent or empty."""
        return self.text("") or None

    def flag(self) -> bool | None:
        """True or false, or None where it is absent."""
        if self.value is not None and not isinstance(self.value, bool):
            raise self.wrong("true or false")
        return self.value

    def integer(self, default: int | None = None) -> int:
        """The whole number; where it is absent the *default*, or UsageError without one."""
        value = default if self.value is None else self.value
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong("a whole number")
        return value

    def each(self) -> "tuple[Field, ...]":
        """The items; absent and null are no items."""
        if self.value is None:
            return ()
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        return tuple(Field(self.owner, f"{self.path}[{n}]", item) for n, item in enumerate(self.value))

    def pairs(self) -> Labels:
        """An object of texts as sorted pairs; empty where it is absent."""
        if self.value is None:
            return ()
        if not isinstance(self.value, Mapping):
            raise self.wrong("an object")
        return tuple(sorted((key, self.at(key).text()) for key in self.value))

    def seconds(self) -> float | None:
        """An RFC 3339 time as seconds since the epoch, or None where it is absent."""
        text = self.text_or_none()
        if text is None:
            return None
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            raise self.wrong("a time such as 2026-01-31T12:00:00Z") from None
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - keeps the complaint on one line
