"""The live cluster through the official Kubernetes client: the only file that knows it.

The lab speaks the same API, so the same code reads both. Objects stay raw JSON until ``k8s/model/objects.py``
turns them into values: the client's own models would only stand in between.
"""

import json
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3
import websocket
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from kubernetes.stream import portforward

from k8s.errors import ConflictError, NotFoundError, UnreachableError, UsageError
from k8s.live.control import VersionedService
from k8s.model import objects
from k8s.model.field_managers import manager_of
from k8s.model.near_services import near_names
from k8s.process import interrupts
from k8s.routing.restoring import Knob
from k8s.topology import EndpointSlice, Event, Service, ServiceKey, Snapshot

MERGE_PATCH = "application/merge-patch+json"
MANAGER = "samezone"
"""As the objects that we change name us."""
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 30.0
PAGE = 500
_FORBIDDEN = 403
_NOT_FOUND = 404
_CONFLICT = 409
_TOO_OLD = 410
_ERRORS = 400


class ForbiddenError(UnreachableError):
    """The API server knows us and does not let us."""


_REFUSALS = {_FORBIDDEN: ForbiddenError, _CONFLICT: ConflictError}
_DOING = {
    "GET": "reading",
    "PATCH": "changing",
    "PUT": "changing",
    "POST": "creating",
    "DELETE": "deleting",
}


class LiveCluster:
    """Reads and patches through the API server named by a kubeconfig context."""

    def __init__(self, api: client.ApiClient, *, context: str) -> None:
        self._api = api
        self.context = context
        self.server: str = api.configuration.host

    def version(self) -> str:
        """The API server's gitVersion, e.g. ``v1.35.2-eks-1a2b3c``."""
        return str(self._get("/version").get("gitVersion", "unknown"))

    def service(self, key: ServiceKey) -> Service:
        """The Service; UsageError when there is none of that name."""
        return objects.service(self._raw_service(key))

    def versioned(self, key: ServiceKey) -> VersionedService:
        """The Service with its version and who set its knobs; NotFoundError when there is none."""
        raw = self._raw_service(key)
        found = [(knob, manager_of(raw, knob.path)) for knob in Knob]
        return VersionedService(
            service=objects.service(raw),
            version=str(raw["metadata"].get("resourceVersion", "")),
            managers=tuple((knob, manager) for knob, manager in found if manager is not None),
        )

    def slices(self, key: ServiceKey) -> tuple[EndpointSlice, ...]:
        """The Service's EndpointSlices, sorted by name."""
        path = f"/apis/discovery.k8s.io/v1/namespaces/{key.namespace}/endpointslices"
        selector = {"labelSelector": f"kubernetes.io/service-name={key.name}"}
        found = [objects.endpoint_slice(item) for item in self._list(path, selector)]
        return tuple(sorted(found, key=lambda one: one.name))

    def events(self, key: ServiceKey) -> tuple[Event, ...]:
        """Events on the Service, oldest first."""
        path = f"/api/v1/namespaces/{key.namespace}/events"
        selector = {"fieldSelector": f"involvedObject.kind=Service,involvedObject.name={key.name}"}
        found = [objects.event(item) for item in self._list(path, selector)]
        return tuple(sorted(found, key=lambda one: one.last_seen_s))

    def patch_service(self, key: ServiceKey, patch: Mapping[str, Any]) -> Service:
        """Apply a JSON merge patch (RFC 7386) and return the Service after it.

        ConflictError where the patch names a resourceVersion that is not the Service's any more.
        """
        raw = self._call("PATCH", _service_path(key), body=patch, what=f"Service {key}")
        return objects.service(raw)

    def snapshot(self, namespaces: Sequence[str] | None) -> Snapshot:
        """All nodes, and the pods, Services and slices of these namespaces, read one list after the other.

        None: of all namespaces; ForbiddenError where they may not be listed.
        """
        pods: list[Mapping[str, Any]] = []
        services: list[Mapping[str, Any]] = []
        slices: list[Mapping[str, Any]] = []
        for within in ("",) if namespaces is None else [f"/namespaces/{one}" for one in namespaces]:
            pods += self._list(f"/api/v1{within}/pods")
            services += self._list(f"/api/v1{within}/services")
            slices += self._list(f"/apis/discovery.k8s.io/v1{within}/endpointslices")
        return Snapshot(
            taken_at_s=time.time(),
            nodes=tuple(objects.node(item) for item in self._list("/api/v1/nodes")),
            pods=tuple(objects.pod(item) for item in pods),
            services=tuple(objects.service(item) for item in services),
            slices=tuple(objects.endpoint_slice(item) for item in slices),
        )

    def raw_items(self, path: str, query: Mapping[str, str] | None = None) -> list[Mapping[str, Any]]:
        """All objects of the collection at *path*; ForbiddenError where they may not be listed."""
        return self._list(path, query)

    def create_pod(self, namespace: str, manifest: Mapping[str, Any]) -> None:
        """Create a pod from its manifest."""
        name = manifest.get("metadata", {}).get("name", "?")
        self._call("POST", f"/api/v1/namespaces/{namespace}/pods", body=manifest, what=f"pod {name}")

    def delete_pod(self, namespace: str, name: str) -> None:
        """Delete a pod; one that is gone already is fine."""
        path = f"/api/v1/namespaces/{namespace}/pods/{name}"
        self._call("DELETE", path, what=f"pod {name}", absent_ok=True)

    def read_object(self, path: str, *, what: str) -> dict[str, Any] | None:
        """The object at *path*; None where there is none."""
        return self._call("GET", path, what=what, absent_ok=True) or None

    def create_object(self, path: str, body: Mapping[str, Any], *, what: str) -> dict[str, Any]:
        """Create an object in the collection at *path*; ConflictError where there is one of that name."""
        return self._call("POST", path, body=body, what=what)

    def replace_object(self, path: str, body: Mapping[str, Any], *, what: str) -> dict[str, Any]:
        """Replace the object; ConflictError where it is not of *body*'s resourceVersion, or gone."""
        try:
            return self._call("PUT", path, body=body, what=what)
        except NotFoundError as error:
            raise ConflictError(str(error)) from error

    def delete_object(self, path: str, *, version: str, what: str) -> None:
        """Delete the object; one that is gone is fine, ConflictError where it is not of that version."""
        body = {"preconditions": {"resourceVersion": version}}
        self._call("DELETE", path, body=body, what=what, absent_ok=True)

    def patch(self, path: str, patch: Mapping[str, Any], *, what: str) -> dict[str, Any]:
        """Apply a JSON merge patch to the object at *path*; its raw form after it."""
        return self._call("PATCH", path, body=patch, what=what)

    def stream(self, namespace: str, pod: str, port: int) -> socket.socket:
        """A connection to a pod's port through the API server; UnreachableError where there is none."""
        # The stream changes the client object that opens it, and threads open streams: one object each.
        api = client.CoreV1Api(client.ApiClient(self._api.configuration))
        what = f"port {port} of pod {namespace}/{pod}"
        try:
            forward = portforward(api.connect_get_namespaced_pod_portforward, pod, namespace, ports=str(port))
            far: socket.socket = forward.socket(port)
        except ApiException as error:
            kind = ForbiddenError if error.status == _FORBIDDEN else UnreachableError
            raise kind(
                f"forwarding {what} in context {self.context}: {error.status} {_short(error)}"
            ) from error
        except (OSError, websocket.WebSocketException) as error:
            raise UnreachableError(f"forwarding {what} in context {self.context}: {_short(error)}") from error
        return far

    def watch_paths(self, namespaces: Sequence[str]) -> tuple[str, ...]:
        """The collections whose changes move traffic: nodes, and pods and slices of these namespaces."""
        paths = ["/api/v1/nodes"]
        for namespace in namespaces:
            paths.append(f"/api/v1/namespaces/{namespace}/pods")
            paths.append(f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices")
        return tuple(paths)

    def changes(self, path: str, *, timeout_s: float) -> Iterator[None]:
        """Yield once for every change of a collection, until *timeout_s* or the server ends the watch."""
        version = self._get(path, query={"limit": 1}).get("metadata", {}).get("resourceVersion", "")
        query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": max(1, int(timeout_s))}
        response = self._open("GET", path, query=query, read_timeout_s=timeout_s + 5)
        try:
            for line in _lines(response):
                if json.loads(line).get("type") in {"ADDED", "MODIFIED", "DELETED"}:
                    yield
        except (urllib3.exceptions.HTTPError, ValueError):
            return  # a closed watch is ordinary, a line cut short too; the caller opens the next one
        finally:
            response.close()

    def _raw_service(self, key: ServiceKey) -> dict[str, Any]:
        """Of the API; NotFoundError names those that are called alike, as far as one may list them."""
        try:
            return self._get(_service_path(key), what=f"Service {key}")
        except NotFoundError as error:
            try:
                known = [objects.service(one).key for one in self._list("/api/v1/services")]
            except (UnreachableError, UsageError):
                raise error from None
            raise NotFoundError(f"{error}{near_names(key, known)}") from None

    def _get(self, path: str, *, query: Mapping[str, Any] | None = None, what: str = "") -> dict[str, Any]:
        return self._call("GET", path, query=query, what=what or path)

    def _list(self, path: str, query: Mapping[str, Any] | None = None) -> list[Mapping[str, Any]]:
        """All pages of a collection; a token that expired half-way starts it again once."""
        for attempt in (1, 2):
            items: list[Mapping[str, Any]] = []
            token = ""
            while True:
                page_query = {**(query or {}), "limit": PAGE} | ({"continue": token} if token else {})
                page = self._call("GET", path, query=page_query, what=path, gone_ok=attempt == 1)
                if not page:
                    break
                items += page.get("items") or []
                token = page.get("metadata", {}).get("continue", "")
                if not token:
                    return items
        raise UnreachableError(
            f"listing {path}: the continue token expired twice; is the cluster overloaded?"
        )

    def _call(
        self,
        method: str,
        path: str,
        *,
        what: str,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        absent_ok: bool = False,
        gone_ok: bool = False,
    ) -> dict[str, Any]:
        if method == "GET":
            response = self._open(method, path, query=query, body=body)
        else:
            # Cut short, a change may still happen after somebody has looked what there is to put back.
            with interrupts.held():
                response = self._open(method, path, query=query, body=body)
        data = response.data
        if response.status < _ERRORS:
            return self._parsed(data, path)
        if (absent_ok and response.status == _NOT_FOUND) or (gone_ok and response.status == _TOO_OLD):
            return {}
        reason = _message(data)
        if response.status == _NOT_FOUND and method != "POST":
            raise NotFoundError(
                f"{_DOING[method]} {what} in context {self.context}: {reason}; is the name right?"
            )
        error = _REFUSALS.get(response.status, UnreachableError)
        raise error(f"{_DOING[method]} {what} in context {self.context}: {response.status} {reason}")

    def _parsed(self, data: bytes, path: str) -> dict[str, Any]:
        try:
            parsed = json.loads(data)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise UnreachableError(
                f"asking the API server {self.server} (context {self.context}) for {path}: the answer is no "
                "Kubernetes object; does something else answer there, a proxy or a login page?"
            )
        return parsed

    def _open(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        read_timeout_s: float = READ_TIMEOUT_S,
    ) -> Any:
        headers = {"Accept": "application/json"}
        if method in ("PATCH", "PUT", "POST"):
            query = {**(query or {}), "fieldManager": MANAGER}
        if body is not None:
            headers["Content-Type"] = MERGE_PATCH if method == "PATCH" else "application/json"
        self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        try:
            return self._api.rest_client.pool_manager.request(
                method,
                # Not as "fields": urllib3 would make them the body of a POST, and refuses them beside one.
                self.server + path + (f"?{urlencode(query)}" if query else ""),
                headers=headers,
                body=None if body is None else json.dumps(body).encode(),
                timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=read_timeout_s),
                preload_content="watch" not in (query or {}),
                retries=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise UnreachableError(
                f"asking the API server {self.server} (context {self.context}): {_short(error)}; is it up?"
            ) from error


def connect(kubeconfig: Path | None, context: str | None) -> LiveCluster:
    """Connect as kubectl would: this kubeconfig or the default one, this context or the current one."""
    where = str(kubeconfig) if kubeconfig else "the default kubeconfig"
    if kubeconfig is not None and not kubeconfig.is_file():
        raise UsageError(f"reading kubeconfig {kubeconfig}: no such file; for the lab, run: make up")
    try:
        api = config.new_client_from_config(
            config_file=str(kubeconfig) if kubeconfig else None, context=context
        )
        _, active = config.list_kube_config_contexts(config_file=str(kubeconfig) if kubeconfig else None)
    except (ConfigException, OSError, ValueError) as error:
        raise UsageError(f"reading {where}: {_short(error)}") from error
    return LiveCluster(api, context=context or active["name"])


def _service_path(key: ServiceKey) -> str:
    return f"/api/v1/namespaces/{key.namespace}/services/{key.name}"


def _lines(response: Any) -> Iterator[bytes]:
    """Whole lines of a streamed body."""
    rest = b""
    for chunk in response.stream(65536, decode_content=True):
        rest += chunk
        *lines, rest = rest.split(b"\n")
        yield from (line for line in lines if line.strip())


def _message(data: bytes) -> str:
    try:
        return str(json.loads(data)["message"])
    except (ValueError, KeyError, TypeError):
        return data[:200].decode(errors="replace").strip()


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
