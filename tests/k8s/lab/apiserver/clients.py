"""Two Kubernetes clients that nobody here wrote, behind one face; objects come back as plain JSON.

Both go through their own typed models, so an answer that these refuse is an error.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import lightkube
from kubernetes import client, watch
from kubernetes.client.exceptions import ApiException
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.exceptions import ApiError
from lightkube.models.autoscaling_v1 import Scale, ScaleSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.models.policy_v1 import Eviction
from lightkube.resources import apps_v1, core_v1, discovery_v1
from lightkube.types import CascadeType, PatchType

Json = dict[str, Any]
KINDS = ("Pod", "Service", "EndpointSlice", "Deployment", "ReplicaSet")


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedError(Exception):
    """What a Status said."""

    code: int
    reason: str
    message: str


def _refused(error: ApiException) -> RefusedError:
    status = json.loads(error.body or "{}")
    return RefusedError(code=error.status or 0, reason=status["reason"], message=status["message"])


def configured(url: str, token: str) -> client.Configuration:
    """The official client's configuration, as it would read it from a kubeconfig with this token."""
    configuration = client.Configuration()
    configuration.host = url
    configuration.api_key = {"authorization": f"Bearer {token}", "BearerToken": f"Bearer {token}"}
    return configuration


class Client(Protocol):
    """What the contract's cases need; all of it in the client's namespace."""

    def create(self, obj: Json) -> Json: ...

    def read(self, kind: str, name: str) -> Json: ...

    def replace(self, obj: Json) -> Json: ...

    def patch(self, kind: str, name: str, how: str, body: Any, *, status: bool = False) -> Json: ...

    def apply(self, obj: Json, manager: str, *, force: bool = False) -> Json: ...

    def delete(self, kind: str, name: str, **options: Any) -> None: ...

    def list(
        self, kind: str, *, labels: str = "", fields: str = "", limit: int = 0
    ) -> tuple[list[str], str]: ...

    def watch(self, kind: str, version: str) -> Iterator[tuple[str, str]]: ...

    def scale(self, name: str, replicas: int | None = None) -> Json: ...

    def evict(self, pod: str) -> None: ...

    def nodes(self) -> None: ...

    def close(self) -> None: ...


class Official:
    """The client of the Kubernetes project."""

    _NAMES: ClassVar[Mapping[str, str]] = {
        "Pod": "pod",
        "Service": "service",
        "EndpointSlice": "endpoint_slice",
        "Deployment": "deployment",
        "ReplicaSet": "replica_set",
    }
    _TYPES: ClassVar[Mapping[str, str]] = {
        "strategic": "application/strategic-merge-patch+json",
        "merge": "application/merge-patch+json",
        "json": "application/json-patch+json",
        "apply": "application/apply-patch+yaml",
    }

    def __init__(self, url: str, namespace: str, token: str) -> None:
        self._api = client.ApiClient(configured(url, token))
        self._namespace = namespace

    def _call(self, verb: str, kind: str, *arguments: Any, suffix: str = "", **options: Any) -> Any:
        groups = {"EndpointSlice": client.DiscoveryV1Api, "Deployment": client.AppsV1Api}
        groups["ReplicaSet"] = client.AppsV1Api
        group: Any = groups.get(kind, client.CoreV1Api)(self._api)
        method = getattr(group, f"{verb}_namespaced_{self._NAMES[kind]}{suffix}")
        try:
            return method(*arguments, **options)
        except ApiException as error:
            raise _refused(error) from error

    def _json(self, obj: Any) -> Json:
        found: Json = self._api.sanitize_for_serialization(obj)
        return found

    def create(self, obj: Json) -> Json:
        return self._json(self._call("create", obj["kind"], self._namespace, obj))

    def read(self, kind: str, name: str) -> Json:
        return self._json(self._call("read", kind, name, self._namespace))

    def replace(self, obj: Json) -> Json:
        return self._json(self._call("replace", obj["kind"], obj["metadata"]["name"], self._namespace, obj))

    def patch(self, kind: str, name: str, how: str, body: Any, *, status: bool = False) -> Json:
        suffix = "_status" if status else ""
        chosen = {"_content_type": self._TYPES[how]}
        return self._json(self._call("patch", kind, name, self._namespace, body, suffix=suffix, **chosen))

    def apply(self, obj: Json, manager: str, *, force: bool = False) -> Json:
        options: Json = {"_content_type": self._TYPES["apply"], "field_manager": manager, "force": force}
        name = obj["metadata"]["name"]
        return self._json(self._call("patch", obj["kind"], name, self._namespace, obj, **options))

    def delete(self, kind: str, name: str, **options: Any) -> None:
        names = {"grace_s": "grace_period_seconds", "propagation": "propagation_policy"}
        given = {names[key]: value for key, value in options.items()}
        self._call("delete", kind, name, self._namespace, **given)

    def list(self, kind: str, *, labels: str = "", fields: str = "", limit: int = 0) -> tuple[list[str], str]:
        found: list[str] = []
        options: Json = {"label_selector": labels, "field_selector": fields} | (
            {"limit": limit} if limit else {}
        )
        while True:
            page = self._call("list", kind, self._namespace, **options)
            found += [item.metadata.name for item in page.items]
            token = page.metadata._continue
            if not token:
                return found, page.metadata.resource_version
            options["_continue"] = token

    def watch(self, kind: str, version: str) -> Iterator[tuple[str, str]]:
        core: Any = client.CoreV1Api(self._api)
        assert kind == "Pod"
        watcher: Any = watch.Watch()
        for event in watcher.stream(
            core.list_namespaced_pod, self._namespace, resource_version=version, timeout_seconds=20
        ):
            yield event["type"], event["object"].metadata.name

    def scale(self, name: str, replicas: int | None = None) -> Json:
        if replicas is None:
            return self._json(self._call("read", "Deployment", name, self._namespace, suffix="_scale"))
        body = {"spec": {"replicas": replicas}}
        return self._json(self._call("patch", "Deployment", name, self._namespace, body, suffix="_scale"))

    def evict(self, pod: str) -> None:
        body = client.V1Eviction(metadata=client.V1ObjectMeta(name=pod, namespace=self._namespace))
        self._call("create", "Pod", pod, self._namespace, body, suffix="_eviction")

    def nodes(self) -> None:
        core: Any = client.CoreV1Api(self._api)
        try:
            core.list_node()
        except ApiException as error:
            raise _refused(error) from error

    def close(self) -> None:
        self._api.close()


class _Listed(list[Any]):
    """A whole list, which lightkube would ask for only when it is gone through."""

    def __init__(self, listed: Any) -> None:
        super().__init__(listed)
        self.resourceVersion: str = listed.resourceVersion


class Lightkube:
    """A client made from the API's schemas, over another HTTP library."""

    _CLASSES: ClassVar[Mapping[str, Any]] = {
        "Pod": core_v1.Pod,
        "Service": core_v1.Service,
        "EndpointSlice": discovery_v1.EndpointSlice,
        "Deployment": apps_v1.Deployment,
        "ReplicaSet": apps_v1.ReplicaSet,
    }
    _TYPES: ClassVar[Mapping[str, PatchType]] = {
        "strategic": PatchType.STRATEGIC,
        "merge": PatchType.MERGE,
        "json": PatchType.JSON,
    }

    def __init__(self, url: str, namespace: str, token: str) -> None:
        configuration = {
            "clusters": [{"name": "lab", "cluster": {"server": url}}],
            "contexts": [
                {"name": "lab", "context": {"cluster": "lab", "user": "me", "namespace": namespace}}
            ],
            "users": [{"name": "me", "user": {"token": token}}],
            "current-context": "lab",
        }
        self._client: Any = lightkube.Client(config=KubeConfig.from_dict(configuration).get())
        self._namespace = namespace

    def _do(self, verb: str, *arguments: Any, **options: Any) -> Any:
        try:
            answer = getattr(self._client, verb)(*arguments, **options)
            return _Listed(answer) if verb == "list" else answer
        except ApiError as error:
            status = error.status
            raise RefusedError(
                code=status.code or 0, reason=status.reason or "", message=status.message or ""
            ) from error

    def _typed(self, obj: Json) -> Any:
        return self._CLASSES[obj["kind"]].from_dict(obj)

    def create(self, obj: Json) -> Json:
        return self._json(self._do("create", self._typed(obj)))

    @staticmethod
    def _json(obj: Any) -> Json:
        found: Json = obj.to_dict()
        return found

    def read(self, kind: str, name: str) -> Json:
        return self._json(self._do("get", self._CLASSES[kind], name))

    def replace(self, obj: Json) -> Json:
        return self._json(self._do("replace", self._typed(obj)))

    def patch(self, kind: str, name: str, how: str, body: Any, *, status: bool = False) -> Json:
        what = self._CLASSES[kind].Status if status else self._CLASSES[kind]
        return self._json(self._do("patch", what, name, body, patch_type=self._TYPES[how]))

    def apply(self, obj: Json, manager: str, *, force: bool = False) -> Json:
        return self._json(self._do("apply", self._typed(obj), field_manager=manager, force=force))

    def delete(self, kind: str, name: str, **options: Any) -> None:
        given: Json = {}
        if "grace_s" in options:
            given["grace_period"] = options["grace_s"]
        if "propagation" in options:
            given["cascade"] = CascadeType(options["propagation"])
        self._do("delete", self._CLASSES[kind], name, **given)

    def list(self, kind: str, *, labels: str = "", fields: str = "", limit: int = 0) -> tuple[list[str], str]:
        def pairs(text: str) -> Any:
            return dict([text.split("=")]) if text else None

        listed = self._do(
            "list", self._CLASSES[kind], labels=pairs(labels), fields=pairs(fields), chunk_size=limit or None
        )
        return [item.metadata.name for item in listed], listed.resourceVersion

    def watch(self, kind: str, version: str) -> Iterator[tuple[str, str]]:
        for event, obj in self._client.watch(
            self._CLASSES[kind], resource_version=version, server_timeout=20
        ):
            yield event, obj.metadata.name

    def scale(self, name: str, replicas: int | None = None) -> Json:
        if replicas is None:
            return self._json(self._do("get", apps_v1.Deployment.Scale, name))
        metadata = ObjectMeta(name=name, namespace=self._namespace)
        body = Scale(metadata=metadata, spec=ScaleSpec(replicas=replicas))
        return self._json(self._do("replace", apps_v1.Deployment.Scale.from_dict(body.to_dict()), name))

    def evict(self, pod: str) -> None:
        body = Eviction(metadata=ObjectMeta(name=pod, namespace=self._namespace))
        self._do("create", core_v1.Pod.Eviction.from_dict(body.to_dict()), pod)

    def nodes(self) -> None:
        self._do("list", core_v1.Node)

    def close(self) -> None:
        self._client.close()
