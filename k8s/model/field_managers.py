"""Who set a field of an object, as far as the object tells: its ``metadata.managedFields``.

The API server keeps them for every writer, named after its client or as it says itself (``kubectl-annotate``,
``helm``). A field that nobody is noted for was there before they were kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldManager:
    """Who wrote a field last."""

    name: str
    at: str
    """When, as the object writes it; empty where it does not say."""

    def __str__(self) -> str:
        """For a person."""
        return f"{self.name} at {self.at}" if self.at else self.name


def manager_of(raw: Mapping[str, Any], path: Sequence[str]) -> FieldManager | None:
    """The newest manager of the field at *path*; None where the object names none, or not as it should."""
    found = []
    for entry in _each(_at(raw, ("metadata", "managedFields"))):
        owned = _at(entry, ("fieldsV1", *(f"f:{step}" for step in path)))
        if owned is not None:
            found.append(FieldManager(name=str(entry.get("manager", "")), at=str(entry.get("time") or "")))
    return max(found, key=lambda one: one.at, default=None)


def _at(raw: Any, path: Sequence[str]) -> Any:
    for step in path:
        if not isinstance(raw, Mapping):
            return None
        raw = raw.get(step)
    return raw


def _each(raw: Any) -> list[Mapping[str, Any]]:
    return [one for one in raw if isinstance(one, Mapping)] if isinstance(raw, list) else []
