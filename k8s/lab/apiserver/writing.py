"""Changing: create, update, patch, apply and delete, from a decoded body to the stored object."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from k8s.lab.apiserver import (
    binding,
    decoding,
    defaults,
    faults,
    managers,
    patch,
    scale,
    statuses,
    validation,
)
from k8s.lab.apiserver.deleting import Remover, check_preconditions, is_deleting
from k8s.lab.apiserver.kinds import SHAPES
from k8s.lab.apiserver.listing import read
from k8s.lab.apiserver.object_store import ObjectStore
from k8s.lab.apiserver.requests import LONGEST_MANAGER, Options, RequestTarget
from k8s.lab.apiserver.resources import DEPLOYMENTS, EVENTS, NAMESPACES, NODES, Resource
from k8s.lab.apiserver.schema import Record
from k8s.lab.design.seeds import Object

PATCH_TYPES = (patch.JSON_PATCH, patch.MERGE_PATCH, patch.STRATEGIC_PATCH, patch.APPLY_PATCH)
_SERVER_SET = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The object as it is now, and the texts for the ``Warning`` headers."""

    obj: Object
    warnings: tuple[str, ...] = ()
    is_new: bool = False
    """It was not there before."""


class Writer:
    """Every change to the store goes through here."""

    def __init__(
        self, store: ObjectStore, *, clock: Callable[[], datetime], new_uid: Callable[[], str]
    ) -> None:
        """*clock* gives aware UTC times; *new_uid* a new UUID as text."""
        self._store = store
        self._clock = clock
        self._new_uid = new_uid
        self._remover = Remover(store, clock)

    def create(self, target: RequestTarget, body: Any, options: Options) -> Written:
        """POST: StatusError 400, 404 (namespace), 409 or 422.

        A status is dropped, as upstream's strategies do, but for a node's, which its kubelet brings along.
        """
        _check_manager("CreateOptions", options)
        obj, unknown = decoding.decoded(target.resource, body, options)
        metadata = decoding.named(decoding.placed(obj, target)["metadata"], self._new_uid())
        metadata.pop("managedFields", None)
        if metadata.get("resourceVersion"):
            raise statuses.bad_request("resourceVersion should not be set on objects to be created")
        if target.resource.has_status and target.resource is not NODES:
            obj = {key: value for key, value in obj.items() if key != "status"}
        return self._add(target, {**obj, "metadata": metadata}, unknown, options)

    def update(self, target: RequestTarget, body: Any, options: Options) -> Written:
        """PUT: StatusError 400, 404, 409 or 422."""
        _check_manager("UpdateOptions", options)
        if target.subresource == scale.NAME:
            return self._rescale(target, body, options)
        obj, unknown = decoding.decoded(target.resource, body, options)
        obj = decoding.placed(obj, target)
        old = read(self._store, target)
        return self._replace(target, old, obj, unknown, options)

    def patch(self, target: RequestTarget, media_type: str, body: Any, options: Options) -> Written:
        """PATCH: StatusError 400, 404, 409, 415 or 422."""
        _check_manager("PatchOptions", options)
        if media_type == patch.APPLY_PATCH:
            return self._apply(target, body, options)
        if options.force is not None:
            fault = faults.forbidden("force", "may not be specified for non-apply patch")
            raise statuses.invalid_options("PatchOptions", [fault])
        old = read(self._store, target)
        if target.subresource == scale.NAME:
            shown = scale.scale_of(old)
            return self._rescale(target, _patched(scale.SHAPE, shown, media_type, body), options)
        patched = _patched(SHAPES[target.resource], old, media_type, body)
        try:
            obj, unknown = decoding.decoded(target.resource, patched, options)
        except decoding.UndecodableError as error:
            fault = faults.invalid("patch", _text(body), error.why)
            raise statuses.invalid(None, "", [fault]) from error
        return self._replace(target, old, decoding.placed(obj, target), unknown, options)

    def delete(self, target: RequestTarget, body: Any, options: Options) -> Object:
        """DELETE: the answer's body; StatusError 400, 403, 404, 409 or 422."""
        return self._remover.delete(target, body, options)

    def delete_all(
        self, target: RequestTarget, objects: Iterable[Object], body: Any, options: Options
    ) -> None:
        """DELETE on a collection."""
        for obj in objects:
            metadata = obj["metadata"]
            one = replace(target, namespace=metadata.get("namespace", ""), name=metadata["name"])
            if self._store.get(one.resource, (one.namespace, one.name)) is not None:
                self._remover.delete(one, body, options)

    def bind(self, target: RequestTarget, body: Any, options: Options) -> None:
        """POST to ``/binding``: put the pod on a node, as a scheduler does; StatusError 400, 404 or 409."""
        pod = read(self._store, target)
        node = binding.node_of(target, body)
        bound = binding.bound(target, pod, node, _stamp(self._clock()))
        writing = self._writing(target, options, managers.UPDATE)
        bound["metadata"]["managedFields"] = managers.after_update(pod, bound, writing)
        if not options.dry_run:
            self._store.put(target.resource, bound)

    def evict(self, target: RequestTarget, body: Any, options: Options) -> None:
        """POST to ``/eviction``: delete the pod as the body's options say; StatusError as there."""
        read(self._store, target)
        given = body if isinstance(body, dict) else {}
        metadata = given.get("metadata")
        name = metadata.get("name", target.name) if isinstance(metadata, dict) else target.name
        if given.get("kind", "Eviction") != "Eviction" or name != target.name:
            raise statuses.bad_request("name in URL does not match name in Eviction object")
        self._remover.delete(replace(target, subresource=""), given.get("deleteOptions"), options)

    def _apply(self, target: RequestTarget, body: Any, options: Options) -> Written:
        """Server-side apply: StatusError 400, 404, 409, 415 or 422."""
        if target.subresource == scale.NAME:
            raise statuses.unsupported_media_type(PATCH_TYPES[:-1])
        config, unknown = decoding.applied(target, body, options)
        old = self._store.get(target.resource, (target.namespace, target.name))
        if old is None and target.subresource:
            raise statuses.not_found(target.resource, target.name)
        if old is not None:
            check_preconditions(target.resource, old, {"preconditions": config["metadata"]})
        writing = self._writing(target, options, managers.APPLY)
        done = managers.apply(old, config, writing, force=bool(options.force))
        obj, _ = decoding.decoded(target.resource, managers.with_owners(done.obj, done.owners), options)
        if old is None:
            obj["metadata"].pop("resourceVersion", None)
            return self._add(target, obj, unknown, options, is_applied=True)
        return self._replace(target, old, obj, unknown, options, is_applied=True)

    def _add(
        self,
        target: RequestTarget,
        obj: Object,
        unknown: tuple[str, ...],
        options: Options,
        *,
        is_applied: bool = False,
    ) -> Written:
        resource, metadata = target.resource, obj["metadata"]
        if resource.namespaced and self._store.get(NAMESPACES, ("", metadata["namespace"])) is None:
            raise statuses.not_found(NAMESPACES, metadata["namespace"])
        metadata = {
            **metadata,
            "uid": self._new_uid(),
            "creationTimestamp": _stamp(self._clock()),
            **({"generation": 1} if resource.counts_generations else {}),
        }
        new = _checked(resource, defaults.filled(resource, {**obj, "metadata": metadata}, None), None)
        if self._store.get(resource, (metadata.get("namespace", ""), metadata["name"])) is not None:
            raise statuses.already_exists(resource, metadata["name"])
        if not is_applied:
            # Nobody owns a status that only the server filled in.
            owned = new if "status" in obj else {key: new[key] for key in new if key != "status"}
            writing = self._writing(target, options, managers.UPDATE)
            new["metadata"]["managedFields"] = managers.after_update(None, owned, writing)
        if not options.dry_run:
            new = self._store.put(resource, new)
            self._remover.note_owners(new)
            if resource == EVENTS:
                self._remover.thin_events()
            if self._remover.is_orphan(new):
                self._remover.remove_orphan(resource, new)
        return Written(obj=new, warnings=(*unknown, *validation.warnings_of(resource, new)), is_new=True)

    def _replace(
        self,
        target: RequestTarget,
        old: Object,
        obj: Object,
        unknown: tuple[str, ...],
        options: Options,
        *,
        is_applied: bool = False,
    ) -> Written:
        resource = target.resource
        check_preconditions(resource, old, {"preconditions": obj["metadata"]})
        owners = obj["metadata"].get("managedFields") if is_applied else managers.sent(obj, old)
        kept = {key: old["metadata"][key] for key in _SERVER_SET if key in old["metadata"]}
        version = old["metadata"]["resourceVersion"]
        metadata = {**obj["metadata"], **kept, "resourceVersion": version, "managedFields": owners}
        new = _with_other_half(target, {**obj, "metadata": metadata}, old)
        new = defaults.filled(resource, new, old)
        if _is_new_generation(resource, new, old):
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
        new = _checked(resource, new, old)
        if not is_applied:
            writing = self._writing(target, options, managers.UPDATE)
            new["metadata"]["managedFields"] = managers.after_update(old, new, writing)
        if not new["metadata"]["managedFields"]:
            del new["metadata"]["managedFields"]
        if not options.dry_run and new != old:
            new = self._store.put(resource, new)
            self._remover.note_owners(new)
            self._remover.finish(resource, new)
        return Written(obj=new, warnings=(*unknown, *validation.warnings_of(resource, new)))

    def _rescale(self, target: RequestTarget, body: Any, options: Options) -> Written:
        """The replicas of a Scale to its object's spec; the outcome is the Scale."""
        old = read(self._store, target)
        wanted = scale.decoded(target, body)
        check_preconditions(target.resource, old, {"preconditions": wanted.metadata})
        obj = {**old, "spec": {**old["spec"], "replicas": wanted.replicas}}
        outcome = self._replace(target, old, obj, (), options)
        return replace(outcome, obj=scale.scale_of(outcome.obj))

    def _writing(self, target: RequestTarget, options: Options, operation: str) -> managers.Writing:
        manager = managers.Manager(
            name=options.manager or "unknown",
            operation=operation,
            api_version=target.resource.api_version,
            subresource=target.subresource,
        )
        return managers.Writing(manager=manager, now=self._clock(), shape=SHAPES[target.resource])


def _check_manager(kind: str, options: Options) -> None:
    """StatusError 422 for a field manager's name that is none."""
    name = options.manager
    if len(name) > LONGEST_MANAGER:
        why = f"may not be more than {LONGEST_MANAGER} bytes"
        raise statuses.invalid_options(kind, [faults.too_long("fieldManager", why)])
    if not name.isprintable():
        raise statuses.invalid_options(
            kind, [faults.invalid("fieldManager", name, "should only contain printable characters")]
        )


def _patched(shape: Record, old: Object, media_type: str, body: Any) -> Any:
    try:
        match media_type:
            case patch.JSON_PATCH:
                return patch.json_patch(old, body)
            case patch.MERGE_PATCH:
                return patch.merge_patch(old, body)
            case patch.STRATEGIC_PATCH:
                return patch.strategic_patch(old, body, shape)
    except patch.PatchTestError as error:
        raise statuses.unprocessable(str(error)) from error
    except patch.PatchTooLargeError as error:
        raise statuses.too_large(str(error)) from error
    except patch.PatchError as error:
        raise statuses.bad_request(str(error)) from error
    raise statuses.unsupported_media_type(PATCH_TYPES)


def _with_other_half(target: RequestTarget, obj: Object, old: Object) -> Object:
    """Status writes keep the rest, other writes keep the status."""
    if target.subresource == "status":
        return {**old, "metadata": obj["metadata"], "status": obj.get("status", {})}
    if target.resource.has_status and "status" in old:
        return {**obj, "status": old["status"]}
    return obj


def _is_new_generation(resource: Resource, new: Object, old: Object) -> bool:
    if not resource.counts_generations:
        return False
    if any(new.get(key) != old.get(key) for key in {*new, *old} - {"metadata", "status"}):
        return True
    # Upstream's Deployments count their annotations, too.
    annotations = [one["metadata"].get("annotations", {}) for one in (new, old)]
    return resource is DEPLOYMENTS and annotations[0] != annotations[1]


def _checked(resource: Resource, new: Object, old: Object | None) -> Object:
    found = list(validation.faults_of(resource, new, old))
    if old is not None and is_deleting(old):
        before = old["metadata"].get("finalizers", [])
        added = [one for one in new["metadata"].get("finalizers", []) if one not in before]
        if added:
            why = "no new finalizers can be added if the object is being deleted, found new finalizers "
            found.append(faults.forbidden("metadata.finalizers", why + f"[]string{{{_text(added)[1:-1]}}}"))
    if found:
        raise statuses.invalid(resource, new["metadata"]["name"], found)
    return new


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(body: Any) -> str:
    return msgspec.json.encode(body).decode()
