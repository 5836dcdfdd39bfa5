"""What is wrong with a field, in the words of upstream ``pkg/util/validation/field``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault of one field; *detail* is the text after the field's name."""

    field: str
    """Its path, e.g. ``spec.ports[0].port``."""
    reason: str
    """``FieldValueRequired``, ``FieldValueInvalid``, ``FieldValueNotSupported``..."""
    detail: str

    def __str__(self) -> str:
        return f"{self.field}: {self.detail}"


def _fault(field: str, reason: str, words: str, value: str, why: str) -> Fault:
    detail = ": ".join(part for part in (words, value, why) if part)
    return Fault(field=field, reason=f"FieldValue{reason}", detail=detail)


def _shown(value: Any) -> str:
    """A value as JSON, which is how upstream prints strings and, since 1.34, everything else."""
    return msgspec.json.encode(value).decode()


def required(field: str, why: str = "") -> Fault:
    """The field must be given."""
    return _fault(field, "Required", "Required value", "", why)


def invalid(field: str, value: Any, why: str) -> Fault:
    """The value is malformed."""
    return _fault(field, "Invalid", "Invalid value", _shown(value), why)


def not_supported(field: str, value: str, supported: Sequence[str]) -> Fault:
    """The value is outside a closed list."""
    listed = ", ".join(_shown(one) for one in supported)
    return _fault(field, "NotSupported", "Unsupported value", _shown(value), f"supported values: {listed}")


def duplicate(field: str, value: Any) -> Fault:
    """The value must be unique and is not."""
    return _fault(field, "Duplicate", "Duplicate value", _shown(value), "")


def forbidden(field: str, why: str) -> Fault:
    """The value would be right elsewhere, or at another time."""
    return _fault(field, "Forbidden", "Forbidden", "", why)


def too_many(field: str, count: int, most: int) -> Fault:
    """The list is too long."""
    return _fault(field, "TooMany", "Too many", str(count), f"must have at most {most} items")


def too_long(field: str, why: str) -> Fault:
    """The text is too long."""
    return _fault(field, "TooLong", "Too long", "", why)


def immutable(field: str, value: Any) -> Fault:
    """The value was set for good when the object was created."""
    return invalid(field, value, "field is immutable")
