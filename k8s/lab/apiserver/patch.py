"""The three kinds of patch: JSON patch (RFC 6902), merge patch (RFC 7386), strategic merge patch.

Strategic merge: upstream ``sig-api-machinery/strategic-merge-patch.md``. Lists that have a merge key are
merged by it, lists marked so are merged as sets, all others are replaced.
"""

import copy
import re
from collections.abc import Mapping
from typing import Any

import jsonpatch
import jsonpointer
import msgspec

from k8s.lab.apiserver.schema import Array, Map, Record, Type
from k8s.lab.depth import is_deeper

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
"""Server-side apply, see ``managers``."""

MOST_OPERATIONS = 10_000
"""In a JSON patch, as a real one has it (``maxJSONPatchOperations``)."""
MOST_COPIED_BYTES = 3 * 1024 * 1024
"""By all ``copy`` operations of a JSON patch (upstream's ``AccumulatedCopySizeLimit``)."""
_MAX_DEPTH = 100
_DELETE_FROM = "$deleteFromPrimitiveList/"
_ORDER = "$setElementOrder/"
_RETAIN = "$retainKeys"
_DIRECTIVE = "$patch"


class PatchError(ValueError):
    """The patch is malformed, or does not fit the object; the text is upstream's, or close to it."""


class PatchTooLargeError(PatchError):
    """A JSON patch that does more than a real server lets one do."""


class PatchTestError(PatchError):
    """A JSON patch was well formed but does not apply here: a failed ``test``, a missing path."""


def json_patch(target: Any, operations: Any) -> Any:
    """The *target* after the *operations* of RFC 6902; PatchError or PatchTestError."""
    if not isinstance(operations, list):
        raise PatchError("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    if len(operations) > MOST_OPERATIONS:
        raise PatchTooLargeError(
            f"The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {len(operations)}"
        )
    try:
        return _applied(target, operations)
    except jsonpatch.InvalidJsonPatch as error:
        raise PatchError(str(error)) from error
    except RecursionError as error:
        raise PatchError("exceeded max depth") from error
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as error:
        # The library names Python's types in the text of a failed test.
        raise PatchTestError(re.sub(r" \(<class '\w+'>\)", "", str(error))) from error


def _applied(target: Any, operations: list[Any]) -> Any:
    """One operation after the other, so that copies of copies are counted before they are made."""
    jsonpatch.JsonPatch(operations)  # each of them is well formed, before the first has an effect
    result, copied = copy.deepcopy(target), 0
    for operation in operations:
        if isinstance(operation, dict) and operation.get("op") == "copy":
            origin = jsonpointer.resolve_pointer(result, str(operation.get("from", "")), None)
            copied += len(msgspec.json.encode(origin))
            if copied > MOST_COPIED_BYTES:
                raise PatchTooLargeError(
                    f"Unable to complete the copy, the accumulated size increase of copy is {copied}, "
                    f"exceeding the limit {MOST_COPIED_BYTES}"
                )
        result = jsonpatch.JsonPatch([operation]).apply(result, in_place=True)
    if is_deeper(result, _MAX_DEPTH - 1):
        raise PatchError("exceeded max depth")
    return result


def merge_patch(target: Any, patch: Any) -> Any:
    """The *target* after a merge patch of RFC 7386: null deletes, objects merge, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def strategic_patch(target: Any, patch: Any, shape: Type) -> Any:
    """The *target* after a strategic merge patch; *shape* knows the merge keys. PatchError if malformed."""
    if not isinstance(patch, dict):
        raise PatchError(f"invalid JSON document: expected an object, got {_json(patch)}")
    return _merge_object(target if isinstance(target, dict) else {}, patch, shape)


def _merge_object(target: Mapping[str, Any], patch: Mapping[str, Any], shape: Type) -> dict[str, Any] | None:
    """None where the patch says that the object itself is to go."""
    directive = patch.get(_DIRECTIVE)
    if directive == "delete":
        return None
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != _DIRECTIVE and value is not None}
    if directive not in (None, "merge"):
        raise PatchError(f"Unknown patch type found: {directive}")
    merged = dict(target)
    if _RETAIN in patch:
        kept = set(_strings(patch[_RETAIN], _RETAIN))
        merged = {key: value for key, value in merged.items() if key in kept}
    for key, value in patch.items():
        if key in (_DIRECTIVE, _RETAIN) or key.startswith((_ORDER, _DELETE_FROM)):
            continue
        if value is None:
            merged.pop(key, None)
            continue
        result = _merge_value(merged.get(key), value, _field_of(shape, key))
        if result is None:
            merged.pop(key, None)
        else:
            merged[key] = result
    return _apply_list_directives(merged, patch, shape)


def _apply_list_directives(merged: dict[str, Any], patch: Mapping[str, Any], shape: Type) -> dict[str, Any]:
    for key, value in patch.items():
        if key.startswith(_DELETE_FROM):
            field = key.removeprefix(_DELETE_FROM)
            if not isinstance(value, list):
                raise PatchError(f"{key}: expected a list")
            merged[field] = [item for item in _as_list(merged.get(field)) if item not in value]
        elif key.startswith(_ORDER):
            field = key.removeprefix(_ORDER)
            if not isinstance(value, list):
                raise PatchError(f"{key}: expected a list")
            if isinstance(merged.get(field), list):
                merged[field] = _ordered(merged[field], value, _merge_key(_field_of(shape, field)))
    return merged


def _merge_value(old: Any, new: Any, shape: Type) -> Any:
    if isinstance(new, dict):
        return _merge_object(old if isinstance(old, dict) else {}, new, shape)
    if isinstance(new, list) and isinstance(shape, Array):
        if shape.merge_key:
            return _merge_list(_as_list(old), new, shape)
        if shape.merges_as_set:
            return [*_as_list(old), *(item for item in new if item not in _as_list(old))]
    return new


def _merge_list(old: list[Any], new: list[Any], shape: Array) -> list[Any]:
    """*old* with the items of *new* merged in by the merge key; unknown keys are appended."""
    key = shape.merge_key
    merged = list(old)
    if any(isinstance(item, dict) and item.get(_DIRECTIVE) == "replace" and len(item) == 1 for item in new):
        merged, new = [], [item for item in new if item != {_DIRECTIVE: "replace"}]
    for item in new:
        if not isinstance(item, dict):
            raise PatchError(f"expected an object in a list merged by {key!r}, got {_json(item)}")
        if key not in item:
            raise PatchError(f"map: {_json(item)} does not contain declared merge key: {key}")
        at = next(
            (
                place
                for place, one in enumerate(merged)
                if isinstance(one, dict) and one.get(key) == item[key]
            ),
            None,
        )
        result = _merge_object(merged[at] if at is not None else {}, item, shape.items)
        if at is None:
            merged += [] if result is None else [result]
        else:
            merged[at : at + 1] = [] if result is None else [result]
    return merged


def _ordered(items: list[Any], order: list[Any], key: str) -> list[Any]:
    """Items named in *order* in that order; each other one stays behind its left neighbour."""

    def name(item: Any) -> Any:
        return item.get(key) if key and isinstance(item, dict) else item

    wanted = [name(item) for item in order]
    ranks: list[int] = []
    for item in items:
        rank = wanted.index(name(item)) if name(item) in wanted else (ranks[-1] if ranks else -1)
        ranks.append(rank)
    return [item for _, item in sorted(zip(ranks, items, strict=True), key=lambda pair: pair[0])]


def _field_of(shape: Type, key: str) -> Type:
    match shape:
        case Record():
            return shape.fields.get(key, Record())
        case Map():
            return shape.values
    return Record()


def _merge_key(shape: Type) -> str:
    return shape.merge_key if isinstance(shape, Array) else ""


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _strings(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise PatchError(f"{where}: expected a list of strings")
    return value


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
