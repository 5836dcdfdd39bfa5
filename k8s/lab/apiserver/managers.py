"""Who owns which fields: ``metadata.managedFields``, kept as server-side apply defines it (KEP-555).

Upstream ``apimachinery/pkg/util/managedfields``. Two simplifications: there is one version of every kind, and
the managers that ever updated an object are not folded into one when they become many.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import msgspec

from k8s.lab.apiserver import statuses
from k8s.lab.apiserver.fieldsets import (
    CONTAINER,
    Fields,
    KeylessError,
    Path,
    applied_members,
    from_fields_v1,
    members,
    shown,
    to_fields_v1,
    with_parents,
)
from k8s.lab.apiserver.merging import given_up, merged, without
from k8s.lab.apiserver.schema import ShapeError, Type, conformed
from k8s.lab.design.seeds import Object

APPLY: Final = "Apply"
UPDATE: Final = "Update"
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_MISSING = object()
Members = dict[Path, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """Who writes, and how."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""

    def __str__(self) -> str:
        where = f' with subresource "{self.subresource}"' if self.subresource else ""
        return f'"{self.name}"{where}' + (f" using {self.api_version}" if self.operation == UPDATE else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """What one manager owns."""

    manager: Manager
    fields: Fields
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """One write: who, when, and the shape of what is written."""

    manager: Manager
    now: datetime
    shape: Type

    @property
    def time(self) -> str:
        """As managedFields has it."""
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")


def ownerships(entries: Any) -> tuple[Ownership, ...]:
    """The content of a ``managedFields``; what is malformed in it is left out."""
    found = []
    for entry in entries if isinstance(entries, list) else ():
        match entry:
            case {"manager": str(name), "operation": "Apply" | "Update" as operation, "fieldsV1": dict(tree)}:
                manager = Manager(
                    name=name,
                    operation=operation,
                    api_version=str(entry.get("apiVersion", "")),
                    subresource=str(entry.get("subresource", "")),
                )
                fields = from_fields_v1(tree)
                found.append(Ownership(manager=manager, fields=fields, time=str(entry.get("time", ""))))
    return tuple(found)


def sent(body: Any, old: Object) -> list[Any]:
    """The ``managedFields`` that a client's write starts from: the object's, unless the client changed them.

    ``[{}]`` clears them; kubectl rewrites them to take an object over from client-side apply.
    """
    there: list[Any] = old["metadata"].get("managedFields", [])
    given = body.get("metadata", {}).get("managedFields")
    if not isinstance(given, list) or not given:
        return there
    return [] if given == [{}] else [_entry(one) for one in ownerships(given)] or there


def after_update(old: Object | None, new: Object, writing: Writing) -> list[Any]:
    """The ``managedFields`` of *new*, which was written over *old*; *new* still has those of before."""
    entries: list[Any] = new["metadata"].get("managedFields", [])
    before = _members(old, writing.shape)
    after = members(new, writing.shape)
    changed = frozenset(path for path, value in after.items() if _is_change(before, path, value))
    if not changed and before.keys() <= after.keys():
        return entries
    there = with_parents(after)
    mine: Fields = changed
    others = []
    for one in ownerships(entries):
        if one.manager == writing.manager:
            mine |= one.fields & there
        else:
            others.append(replace(one, fields=(one.fields & there) - changed))
    return _entries([*others, Ownership(manager=writing.manager, fields=mine, time=writing.time)])


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedObject:
    """What an applied configuration makes of an object, before defaults are filled in."""

    obj: Object
    owners: tuple[Ownership, ...]


def apply(live: Object | None, config: Object, writing: Writing, *, force: bool) -> AppliedObject:
    """The object after *config* was applied; StatusError 400, or 409 for fields that others own.

    With *force*, they lose them.
    """
    shape = writing.shape
    try:
        now = frozenset(applied_members(config, shape))
        made = merged(live or {}, config, shape)
    except KeylessError as error:
        raise statuses.bad_request(f"failed to create typed patch object: {error}") from error
    before, after = _members(live, shape), members(made, shape)
    owners = ownerships((live or config)["metadata"].get("managedFields"))
    mine = next((one for one in owners if one.manager == writing.manager), None)
    others = tuple(one for one in owners if one is not mine)
    changed = frozenset(path for path in now if path in after and _is_change(before, path, after[path]))
    if not force:
        clashes = [(one.manager, path) for one in others for path in sorted(one.fields & changed)]
        ours = _applied_from_kubectls_side(live, before, writing) if clashes else frozenset()
        clashes = [(manager, path) for manager, path in clashes if path not in ours]
        if clashes:
            raise _conflict([(str(manager), shown(path)) for manager, path in clashes])
    owned_by_others = frozenset(path for one in others for path in one.fields)
    gone = given_up(mine.fields, now, owned_by_others) if mine is not None else frozenset()
    made = without(made, shape, gone)
    left = members(made, shape)
    there = with_parents(left)
    # What changed belonged to nobody else, or that was overruled.
    rest = tuple(replace(one, fields=(one.fields & there) - changed) for one in others)
    is_same = mine is not None and mine.fields == now and before == left
    time = mine.time if mine is not None and is_same else writing.time
    return AppliedObject(obj=made, owners=(*rest, Ownership(manager=writing.manager, fields=now, time=time)))


def _applied_from_kubectls_side(live: Object | None, before: Members, writing: Writing) -> Fields:
    """What ``kubectl apply`` set before it applied on the server, and nobody has changed since.

    Upstream overrules clashes over these fields, for the manager ``kubectl`` only (lastappliedmanager.go).
    """
    annotations = (live or {}).get("metadata", {}).get("annotations", {})
    if writing.manager.name != "kubectl" or _LAST_APPLIED not in annotations:
        return frozenset()
    try:
        applied, _ = conformed(
            msgspec.json.decode(annotations[_LAST_APPLIED]), writing.shape, "", completes=False
        )
        was = applied_members(applied, writing.shape)
    except (msgspec.DecodeError, ShapeError, KeylessError, RecursionError):
        return frozenset()
    return frozenset(path for path, value in was.items() if before.get(path, _MISSING) == value)


def with_owners(obj: Object, owners: Iterable[Ownership]) -> Object:
    """The object with these ``managedFields``."""
    return {**obj, "metadata": {**obj["metadata"], "managedFields": _entries(owners)}}


def _members(obj: Object | None, shape: Type) -> Members:
    return members(obj, shape) if obj is not None else {}


def _is_change(before: Members, path: Path, value: Any) -> bool:
    known = before.get(path, _MISSING)
    return known is _MISSING or (known is not CONTAINER and value is not CONTAINER and known != value)


def _conflict(clashes: Sequence[tuple[str, str]]) -> statuses.StatusError:
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": path}
        for manager, path in clashes
    ]
    if len(clashes) == 1:
        (manager, path) = clashes[0]
        return statuses.apply_conflict(
            f"Apply failed with 1 conflict: conflict with {manager}: {path}", causes
        )
    parts = []
    for manager in sorted({manager for manager, _ in clashes}):
        paths = "\n".join(f"- {path}" for one, path in clashes if one == manager)
        parts.append(f"conflicts with {manager}:\n{paths}")
    return statuses.apply_conflict(f"Apply failed with {len(clashes)} conflicts: " + "\n".join(parts), causes)


def _entries(owners: Iterable[Ownership]) -> list[Any]:
    kept = [one for one in owners if one.fields]
    kept.sort(key=lambda one: (one.manager.operation, one.time, one.manager.name, one.manager.subresource))
    return [_entry(one) for one in kept]


def _entry(one: Ownership) -> dict[str, Any]:
    manager = one.manager
    return {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": manager.api_version,
        **({"time": one.time} if one.time else {}),
        "fieldsType": "FieldsV1",
        "fieldsV1": to_fields_v1(one.fields),
        **({"subresource": manager.subresource} if manager.subresource else {}),
    }
