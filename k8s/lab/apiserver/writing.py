"""Changing: create, update, patch and delete, from a decoded body to the stored object."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from k8s.lab.apiserver import decoding, defaults, faults, patch, statuses, validation
from k8s.lab.apiserver.kinds import SHAPES
from k8s.lab.apiserver.listing import read
from k8s.lab.apiserver.requests import Options, Target
from k8s.lab.apiserver.resources import NAMESPACES, RESOURCES, Resource
from k8s.lab.apiserver.store import Object, Store

PATCH_TYPES = (patch.JSON_PATCH, patch.MERGE_PATCH, patch.STRATEGIC_PATCH)
_KEPT_NAMESPACES = ("default", "kube-system", "kube-public")
_SERVER_SET = ("uid", "creationTimestamp", "generation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The object as it is now, and the texts for the ``Warning`` headers."""

    obj: Object
    warnings: tuple[str, ...] = ()


class Writer:
    """Every change to the store goes through here."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime], new_uid: Callable[[], str]) -> None:
        """*clock* gives aware UTC times; *new_uid* a new UUID as text."""
        self._store = store
        self._clock = clock
        self._new_uid = new_uid

    def create(self, target: Target, body: Any, options: Options) -> Outcome:
        """POST: StatusError 400, 404 (namespace), 409 or 422."""
        resource = target.resource
        obj, unknown = decoding.decoded(resource, body, options)
        metadata = decoding.named(decoding.placed(obj, target)["metadata"], self._new_uid())
        if resource.namespaced and self._store.get(NAMESPACES, ("", metadata["namespace"])) is None:
            raise statuses.not_found(NAMESPACES, metadata["namespace"])
        if metadata.get("resourceVersion"):
            raise statuses.bad_request("resourceVersion should not be set on objects to be created")
        metadata = {
            **metadata,
            "uid": self._new_uid(),
            "creationTimestamp": _stamp(self._clock()),
            **({"generation": 1} if resource.counts_generations else {}),
        }
        new = _checked(resource, defaults.filled(resource, {**obj, "metadata": metadata}, None), None)
        if self._store.get(resource, (metadata.get("namespace", ""), metadata["name"])) is not None:
            raise statuses.already_exists(resource, metadata["name"])
        stored = new if options.dry_run else self._store.put(resource, new)
        return Outcome(obj=stored, warnings=(*unknown, *validation.warnings_of(resource, stored)))

    def update(self, target: Target, body: Any, options: Options) -> Outcome:
        """PUT: StatusError 400, 404, 409 or 422."""
        obj, unknown = decoding.decoded(target.resource, body, options)
        obj = decoding.placed(obj, target)
        old = read(self._store, target)
        return self._replace(target, old, obj, unknown, options)

    def patch(self, target: Target, media_type: str, body: Any, options: Options) -> Outcome:
        """PATCH: StatusError 400, 404, 409, 415 or 422."""
        old = read(self._store, target)
        patched = _patched(target.resource, old, media_type, body)
        try:
            obj, unknown = decoding.decoded(target.resource, patched, options)
        except decoding.UndecodableError as error:
            fault = faults.invalid("patch", _text(body), error.why)
            raise statuses.invalid(None, "", [fault]) from error
        return self._replace(target, old, decoding.placed(obj, target), unknown, options)

    def delete(self, target: Target, body: Any, options: Options) -> Object:
        """DELETE: the answer's body; StatusError 404 or 409. A namespace takes all it holds with it."""
        old = read(self._store, target)
        self._check_preconditions(target.resource, old, body)
        if target.resource is NAMESPACES and target.name in _KEPT_NAMESPACES:
            raise statuses.forbidden(NAMESPACES, target.name, "this namespace may not be deleted")
        if options.dry_run or _is_dry_run(body):
            gone = old
        else:
            if target.resource is NAMESPACES:
                self._empty_namespace(target.name)
            gone = self._store.remove(target.resource, (target.namespace, target.name))
        if target.resource.returns_deleted:
            return gone
        return statuses.success(target.resource, target.name, gone["metadata"]["uid"])

    def delete_all(self, target: Target, objects: Iterable[Object], options: Options) -> None:
        """DELETE on a collection."""
        for obj in objects:
            self.delete(replace(target, name=obj["metadata"]["name"]), None, options)

    def _replace(
        self, target: Target, old: Object, obj: Object, unknown: tuple[str, ...], options: Options
    ) -> Outcome:
        resource = target.resource
        metadata = obj["metadata"]
        self._check_preconditions(
            resource,
            old,
            {"preconditions": {key: metadata.get(key) for key in ("uid", "resourceVersion")}},
        )
        kept = {key: old["metadata"][key] for key in _SERVER_SET if key in old["metadata"]}
        metadata = {**metadata, **kept, "resourceVersion": old["metadata"]["resourceVersion"]}
        new = _with_other_half(target, {**obj, "metadata": metadata}, old)
        new = defaults.filled(resource, new, old)
        if _is_new_generation(resource, new, old):
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
        new = _checked(resource, new, old)
        if not options.dry_run and new != old:
            new = self._store.put(resource, new)
        return Outcome(obj=new, warnings=(*unknown, *validation.warnings_of(resource, new)))

    def _check_preconditions(self, resource: Resource, old: Object, body: Any) -> None:
        wanted = body.get("preconditions") if isinstance(body, dict) else None
        if not isinstance(wanted, dict):
            return
        name, metadata = old["metadata"]["name"], old["metadata"]
        uid = wanted.get("uid")
        if uid and uid != metadata["uid"]:
            why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {metadata['uid']}"
            raise statuses.conflict(resource, name, why)
        if wanted.get("resourceVersion") and wanted["resourceVersion"] != metadata["resourceVersion"]:
            raise statuses.conflict(resource, name)

    def _empty_namespace(self, namespace: str) -> None:
        for resource in RESOURCES:
            if resource.namespaced:
                for key in self._store.keys(resource, namespace):
                    self._store.remove(resource, key)


def _patched(resource: Resource, old: Object, media_type: str, body: Any) -> Any:
    try:
        match media_type:
            case patch.JSON_PATCH:
                return patch.json_patch(old, body)
            case patch.MERGE_PATCH:
                return patch.merge_patch(old, body)
            case patch.STRATEGIC_PATCH:
                return patch.strategic_patch(old, body, SHAPES[resource])
    except patch.PatchTestError as error:
        raise statuses.unprocessable(str(error)) from error
    except patch.PatchError as error:
        raise statuses.bad_request(str(error)) from error
    raise statuses.unsupported_media_type(PATCH_TYPES)


def _with_other_half(target: Target, obj: Object, old: Object) -> Object:
    """Status writes keep the rest, other writes keep the status."""
    if target.subresource == "status":
        return {**old, "metadata": obj["metadata"], "status": obj.get("status", {})}
    if target.resource.has_status and "status" in old:
        return {**obj, "status": old["status"]}
    return obj


def _is_new_generation(resource: Resource, new: Object, old: Object) -> bool:
    if not resource.counts_generations:
        return False
    return any(new.get(key) != old.get(key) for key in {*new, *old} - {"metadata", "status"})


def _checked(resource: Resource, new: Object, old: Object | None) -> Object:
    found = validation.faults_of(resource, new, old)
    if found:
        raise statuses.invalid(resource, new["metadata"]["name"], found)
    return new


def _is_dry_run(body: Any) -> bool:
    return isinstance(body, dict) and body.get("dryRun") == ["All"]


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(body: Any) -> str:
    return msgspec.json.encode(body).decode()
