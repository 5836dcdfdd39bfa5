"""An API server in memory for tests of what follows one: objects, versions, graceful deletion."""

import copy
from dataclasses import dataclass, field
from typing import Any

from k8s.lab.apiclient.api import ApiError
from k8s.lab.apiclient.feed import Events, Feed, key_of
from k8s.lab.controllers.workloads import Feeds
from k8s.lab.design.seeds import Object

Key = tuple[str, str, str]


@dataclass
class Cast:
    """What the supervisor's parts write to and read from; its feeds see every change at once."""

    objects: dict[Key, Object] = field(default_factory=dict)
    version: int = 0
    removed: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    """Names that it does not take."""

    def __post_init__(self) -> None:
        feeds = {kind: Feed(api=self, path=kind) for kind in ("Node", "Deployment", "ReplicaSet", "Pod")}
        self._feeds = feeds
        self.feeds = Feeds(
            nodes=feeds["Node"],
            deployments=feeds["Deployment"],
            replica_sets=feeds["ReplicaSet"],
            pods=feeds["Pod"],
        )

    def listed(self, path: str) -> tuple[list[Object], str]:
        kind = {"/api/v1/nodes": "Node", "/api/v1/pods": "Pod"}.get(path, path)
        return [copy.deepcopy(obj) for key, obj in self.objects.items() if key[0] == kind], str(self.version)

    def watch(self, path: str, version: str) -> Events:
        raise ApiError(f"nobody watches {path} from {version}: puts are seen at once")

    def get(self, path: str) -> Object | None:
        name = path.rpartition("/")[2]
        return next((obj for key, obj in self.objects.items() if key[2] == name), None)

    def create(self, obj: Object) -> Object:
        if obj["metadata"]["name"] in self.refused:
            raise ApiError("no such thing here", status=422)
        if _key(obj) in self.objects:
            return self.objects[_key(obj)]
        made = copy.deepcopy(obj)
        made["metadata"].setdefault("uid", f"uid-{made['metadata']['name']}")
        made["metadata"].setdefault("generation", 1)
        return self._put(made)

    def patch(self, obj: Object, change: Object) -> Object | None:
        found = self.objects.get(_key(obj))
        if found is None:
            return None
        new = _merged(found, change)
        if new["spec"] != found["spec"] if "spec" in found else False:
            new["metadata"]["generation"] += 1
        return self._put(new)

    def patch_status(self, obj: Object, status: Object) -> Object | None:
        found = self.objects.get(_key(obj))
        return None if found is None else self._put(_merged(found, {"status": status}))

    def set_status(self, obj: Object, status: Object) -> bool:
        return self.patch_status(obj, status) is not None

    def delete(self, obj: Object, grace_s: int | None = None) -> Object | None:
        found = self.objects.get(_key(obj))
        if found is None or found["metadata"]["uid"] != obj["metadata"]["uid"]:
            return None
        if found["kind"] == "Pod" and found["spec"].get("nodeName") and grace_s != 0:
            metadata = {**found["metadata"], "deletionTimestamp": "soon", "deletionGracePeriodSeconds": 30}
            return self._put({**found, "metadata": metadata})
        del self.objects[_key(obj)]
        self.removed.append(obj["metadata"]["name"])
        self._feeds[found["kind"]].objects.pop(key_of(found), None)
        return None

    def named(self, kind: str) -> dict[str, Object]:
        return {key[2]: obj for key, obj in self.objects.items() if key[0] == kind}

    def _put(self, obj: Object) -> Object:
        self.version += 1
        obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.version)}}
        self.objects[_key(obj)] = obj
        if obj["kind"] in self._feeds:
            self._feeds[obj["kind"]].put(obj)
        return obj


def _key(obj: Object) -> Key:
    return obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _merged(old: Any, change: Any) -> Any:
    """RFC 7386."""
    if not isinstance(change, dict):
        return copy.deepcopy(change)
    base = dict(old) if isinstance(old, dict) else {}
    for key, value in change.items():
        if value is None:
            base.pop(key, None)
        else:
            base[key] = _merged(base.get(key), value)
    return base


def node(name: str, zone: str | None, /, *, ready: str = "True", **annotations: str) -> Object:
    labels = {"topology.kubernetes.io/zone": zone} if zone else {}
    marks = {f"samezone.dev/{key}": value for key, value in annotations.items()}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": marks},
        "spec": {},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def deployment(name: str, replicas: int, image: str = "samezone.dev/lab/catalog") -> Object:
    labels = {"app": name}
    containers = [{"name": "app", "image": image}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        },
    }
