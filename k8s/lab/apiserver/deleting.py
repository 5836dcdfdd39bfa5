"""Deleting: at once, with grace, behind finalizers; and what goes along with an owner.

Upstream: ``apiserver/pkg/registry/rest/delete.go``, the pods' strategy, and the garbage collector. The
collector works here in the same moment: what is deleted in the background is gone when the answer comes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from k8s.lab.apiserver import faults, statuses
from k8s.lab.apiserver.listing import read
from k8s.lab.apiserver.object_store import ObjectStore, key_of, version_of
from k8s.lab.apiserver.requests import Options, RequestTarget
from k8s.lab.apiserver.resources import EVENTS, NAMESPACES, PODS, RESOURCES, Resource
from k8s.lab.design.seeds import Object

EXTERNAL_ANNOTATION: Final = "samezone.dev/external"
"""``"true"`` on a pod whose process the lab does not keep: nobody would finish it, so it goes at once."""
DEFAULT_GRACE_S: Final = 30
FOREGROUND: Final = "foregroundDeletion"
_KEPT_NAMESPACES = ("default", "kube-system", "kube-public")
_POLICIES = ("Orphan", "Background", "Foreground")
_LONGEST_GRACE_S = 365 * 86_400
_OVER = ("Succeeded", "Failed")
_BY_KIND = {(resource.api_version, resource.kind): resource for resource in RESOURCES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """How something is to be deleted: the query's and the body's options in one."""

    grace_s: int | None = None
    propagation: str = "Background"
    dry_run: bool = False


def deletion_of(body: Any, options: Options) -> Deletion:
    """The body's ``DeleteOptions`` where there are some, else the query's; StatusError 400 or 422."""
    given = body if isinstance(body, dict) else {}
    grace_s = given.get("gracePeriodSeconds", options.grace_s)
    policy = given.get("propagationPolicy") or options.propagation or "Background"
    if grace_s is not None and (not isinstance(grace_s, int) or isinstance(grace_s, bool)):
        raise statuses.bad_request(
            "json: cannot unmarshal into Go struct field DeleteOptions.gracePeriodSeconds of type int64"
        )
    if given.get("orphanDependents") is True:
        policy = "Orphan"
    if policy not in _POLICIES:
        fault = faults.invalid("propagationPolicy", policy, f"must be one of {', '.join(_POLICIES)}")
        raise statuses.invalid_options("DeleteOptions", [fault])
    is_dry = options.dry_run or given.get("dryRun") == ["All"]
    return Deletion(grace_s=grace_s, propagation=policy, dry_run=is_dry)


def is_deleting(obj: Object) -> bool:
    """Whether it is on its way out."""
    return bool(obj["metadata"].get("deletionTimestamp"))


MOST_EVENTS: Final = 5_000
"""A real one lets an event go an hour after its last change; here they go by number."""


class Remover:
    """Every removal from the store goes through here."""

    def __init__(self, store: ObjectStore, clock: Callable[[], datetime]) -> None:
        """*clock* gives aware UTC times."""
        self._store = store
        self._clock = clock
        self._owners: set[str] = set()
        """The uids that any object ever named as its owner: the others own nothing."""

    def thin_events(self) -> None:
        """Take away the events that were not touched for longest, once there are too many."""
        if self._store.count(EVENTS) <= MOST_EVENTS:
            return
        oldest = sorted(self._store.objects(EVENTS), key=version_of)[: MOST_EVENTS // 10]
        for event in oldest:
            self._store.remove(EVENTS, key_of(event))

    def delete(self, target: RequestTarget, body: Any, options: Options) -> Object:
        """DELETE: the answer's body; StatusError 400, 403, 404, 409 or 422.

        A pod that runs is only marked, for its kubelet to finish; so is what has finalizers. A namespace
        takes all it holds with it.
        """
        resource = target.resource
        old = read(self._store, target)
        deletion = deletion_of(body, options)
        check_preconditions(resource, old, body)
        if resource is NAMESPACES and target.name in _KEPT_NAMESPACES:
            raise statuses.forbidden(NAMESPACES, target.name, "this namespace may not be deleted")
        gone = old if deletion.dry_run else self._delete(resource, old, deletion)
        if resource.returns_deleted or (is_deleting(gone) and self._store.get(resource, key_of(gone))):
            return gone
        return statuses.success(resource, target.name, gone["metadata"]["uid"])

    def note_owners(self, obj: Object) -> None:
        """Remember whom the object belongs to."""
        self._owners.update(_owner_uids(obj))

    def is_orphan(self, obj: Object) -> bool:
        """Whether it names owners, and none of them is there (any more)."""
        references = obj["metadata"].get("ownerReferences", [])
        return bool(references) and not any(self._is_there(one, obj) for one in references)

    def finish(self, resource: Resource, obj: Object) -> bool:
        """Remove an object that nothing holds any longer; False if something does."""
        metadata = obj["metadata"]
        if not is_deleting(obj) or metadata.get("finalizers") or metadata.get("deletionGracePeriodSeconds"):
            return False
        self._remove(resource, obj, Deletion())
        return True

    def remove_orphan(self, resource: Resource, obj: Object) -> None:
        """What the garbage collector does to an object whose owners are gone."""
        self._delete(resource, obj, Deletion())

    def _delete(self, resource: Resource, old: Object, deletion: Deletion) -> Object:
        grace_s = _grace_s(resource, old, deletion)
        finalizers = list(old["metadata"].get("finalizers", []))
        if resource is NAMESPACES:
            self._empty_namespace(old["metadata"]["name"])
        elif deletion.propagation == "Foreground" and self._holders(old):
            finalizers.append(FOREGROUND)
        if not grace_s and not finalizers:
            return self._remove(resource, old, deletion)
        marked = self._marked(resource, old, grace_s, tuple(dict.fromkeys(finalizers)))
        if FOREGROUND in finalizers:
            self._collect(marked, deletion)
            return self._store.get(resource, key_of(marked)) or marked
        return marked

    def _marked(self, resource: Resource, old: Object, grace_s: int, finalizers: tuple[str, ...]) -> Object:
        """The object with its time to go; an earlier one that is sooner stays."""
        metadata = dict(old["metadata"])
        earlier_s = metadata.get("deletionGracePeriodSeconds")
        if earlier_s is None or grace_s < earlier_s:
            end = self._clock() + timedelta(seconds=grace_s)
            metadata["deletionTimestamp"] = end.strftime("%Y-%m-%dT%H:%M:%SZ")
            metadata["deletionGracePeriodSeconds"] = grace_s
            if resource.counts_generations:
                metadata["generation"] = metadata.get("generation", 0) + 1
        if finalizers:
            metadata["finalizers"] = list(finalizers)
        if metadata == old["metadata"]:
            return old
        return self._store.put(resource, {**old, "metadata": metadata})

    def _remove(self, resource: Resource, old: Object, deletion: Deletion) -> Object:
        gone = self._store.remove(resource, key_of(old))
        self._collect(gone, deletion)
        self._release_owners(gone)
        return gone

    def _collect(self, owner: Object, deletion: Deletion) -> None:
        """Delete what belongs to nobody else, or, to orphan it, only take the owner's name off it."""
        uid = owner["metadata"]["uid"]
        for resource, seen in self._dependents(uid):
            obj = self._store.get(resource, key_of(seen))
            if obj is None or uid not in _owner_uids(obj):
                continue  # gone, or another's, by what was done to the ones before
            others = [one for one in obj["metadata"]["ownerReferences"] if one.get("uid") != uid]
            if deletion.propagation == "Orphan" or any(self._is_there(one, obj) for one in others):
                metadata = {**obj["metadata"], "ownerReferences": others}
                self._store.put(resource, {**obj, "metadata": metadata})
            elif not is_deleting(obj):
                self._delete(resource, obj, Deletion(propagation=deletion.propagation))

    def _release_owners(self, gone: Object) -> None:
        """Owners that waited in the foreground for this one, and for no other, are finished."""
        for reference in gone["metadata"].get("ownerReferences", []):
            found = self._owner(reference, gone)
            if found is None:
                continue
            resource, owner = found
            finalizers = owner["metadata"].get("finalizers", [])
            if FOREGROUND in finalizers and not self._holders(owner):
                metadata = {**owner["metadata"], "finalizers": [f for f in finalizers if f != FOREGROUND]}
                metadata.pop("deletionGracePeriodSeconds", None)
                self.finish(resource, self._store.put(resource, {**owner, "metadata": metadata}))

    def _holders(self, owner: Object) -> bool:
        """Whether there is a dependent that the owner's deletion in the foreground has to wait for."""
        uid = owner["metadata"]["uid"]
        return any(
            reference.get("uid") == uid and reference.get("blockOwnerDeletion")
            for _, obj in self._dependents(uid)
            for reference in obj["metadata"]["ownerReferences"]
        )

    def _dependents(self, uid: str) -> list[tuple[Resource, Object]]:
        if uid not in self._owners:
            return []
        return [
            (resource, obj)
            for resource in RESOURCES
            for obj in self._store.objects(resource)
            if uid in _owner_uids(obj)
        ]

    def _is_there(self, reference: Mapping[str, Any], dependent: Object) -> bool:
        """Whether the owner exists; one of a kind that is not served may."""
        kind = (str(reference.get("apiVersion", "")), str(reference.get("kind", "")))
        return kind not in _BY_KIND or self._owner(reference, dependent) is not None

    def _owner(self, reference: Mapping[str, Any], dependent: Object) -> tuple[Resource, Object] | None:
        resource = _BY_KIND.get((str(reference.get("apiVersion", "")), str(reference.get("kind", ""))))
        if resource is None:
            return None
        namespace = dependent["metadata"].get("namespace", "") if resource.namespaced else ""
        owner = self._store.get(resource, (namespace, str(reference.get("name", ""))))
        is_it = owner is not None and owner["metadata"]["uid"] == reference.get("uid")
        return (resource, owner) if owner is not None and is_it else None

    def _empty_namespace(self, namespace: str) -> None:
        for resource in RESOURCES:
            if resource.namespaced:
                for key in self._store.keys(resource, namespace):
                    self._store.remove(resource, key)


def check_preconditions(resource: Resource, old: Object, body: Any) -> None:
    """The ``preconditions`` of *body* on uid and version; StatusError 409."""
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


def _grace_s(resource: Resource, old: Object, deletion: Deletion) -> int:
    """How long the object may take to end; 0 where nobody would end it."""
    if resource is not PODS:
        return 0
    spec, annotations = old.get("spec", {}), old["metadata"].get("annotations", {})
    is_kept = spec.get("nodeName") and annotations.get(EXTERNAL_ANNOTATION) != "true"
    if not is_kept or old.get("status", {}).get("phase") in _OVER:
        return 0
    grace_s = deletion.grace_s
    if grace_s is None:
        grace_s = spec.get("terminationGracePeriodSeconds", DEFAULT_GRACE_S)
    return 1 if grace_s < 0 else min(int(grace_s), _LONGEST_GRACE_S)


def _owner_uids(obj: Object) -> Iterator[str]:
    for reference in obj["metadata"].get("ownerReferences", []):
        yield str(reference.get("uid", ""))
