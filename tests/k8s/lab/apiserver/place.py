"""A store with a writer in front of it, and no server: for tests of the pure parts."""

from collections.abc import Callable
from itertools import count
from typing import Any

from k8s.lab.apiserver.object_store import ObjectStore, key_of
from k8s.lab.apiserver.patch import MERGE_PATCH
from k8s.lab.apiserver.requests import Options, RequestTarget
from k8s.lab.apiserver.resources import NAMESPACES, RESOURCES, Resource
from k8s.lab.apiserver.writing import Writer
from k8s.lab.design.seeds import Object
from tests.k8s.lab.apiserver.samples import NOW

_BY_KIND = {resource.kind: resource for resource in RESOURCES}


def counted_uids() -> Callable[[], str]:
    """UUIDs that count up from one."""
    numbers = count(1)
    return lambda: f"00000000-0000-4000-8000-{next(numbers):012d}"


class Place:
    """The namespaces ``catalog`` and ``ui``, and room for more."""

    def __init__(self, *, first_version: int = 0, history: int = 2_000) -> None:
        self.store = ObjectStore(first_version=first_version, history=history)
        self.writer = Writer(self.store, clock=lambda: NOW, new_uid=counted_uids())
        for name in ("catalog", "ui"):
            self.writer.create(RequestTarget(resource=NAMESPACES), {"metadata": {"name": name}}, Options())

    def add(self, obj: dict[str, Any], options: Options | None = None) -> Object:
        """Create the object where its metadata says."""
        resource = _BY_KIND[obj["kind"]]
        target = RequestTarget(resource=resource, namespace=obj["metadata"].get("namespace", ""))
        made = self.writer.create(target, obj, options or Options()).obj
        is_there = self.store.get(resource, key_of(made)) is not None
        if is_there and resource.has_status and "status" in obj and made.get("status") != obj["status"]:
            said = {"status": obj["status"]}
            made = self.writer.patch(target_of(made, "status"), MERGE_PATCH, said, Options()).obj
        return made


def target_of(obj: Object, subresource: str = "") -> RequestTarget:
    """The URL of an object, as a value."""
    metadata = obj["metadata"]
    resource: Resource = _BY_KIND[obj["kind"]]
    return RequestTarget(
        resource=resource,
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        subresource="status" if subresource else "",
    )
