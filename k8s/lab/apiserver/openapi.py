"""The OpenAPI documents: what ``kubectl explain``, ``apply`` and ``create`` ask for.

Made from ``kinds.SHAPES``. The paths hold only what kubectl looks for: that PATCH takes ``fieldValidation``,
which tells it to leave the validation to the server.
"""

from typing import Any

from k8s.lab.apiserver.discovery import VERSION
from k8s.lab.apiserver.kinds import SHAPES
from k8s.lab.apiserver.resources import RESOURCES, Resource
from k8s.lab.apiserver.schema import Array, Map, Record, Scalar, Type

_SCALARS: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer", "format": "int64"},
    "boolean": {"type": "boolean"},
    "time": {"type": "string", "format": "date-time"},
    "quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
    "int-or-string": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
}
_PACKAGES = {
    "": "core",
    "apps": "apps",
    "coordination.k8s.io": "coordination",
    "discovery.k8s.io": "discovery",
}


def root() -> dict[str, Any]:
    """``/openapi/v3``: where the document of each group version is."""
    paths = dict.fromkeys(resource.root.removeprefix("/") for resource in RESOURCES)
    return {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={VERSION}"} for path in paths}}


def document(path: str) -> dict[str, Any] | None:
    """``/openapi/v3/<path>``, OpenAPI 3.0; None if there is no such group version."""
    served = [resource for resource in RESOURCES if resource.root == f"/{path}"]
    if not served:
        return None
    paths = dict(path for resource in served for path in _paths(resource).items())
    return {
        "openapi": "3.0.0",
        "info": _INFO,
        "paths": paths,
        "components": {"schemas": {_name(resource): _kind(resource) for resource in served}},
    }


def swagger() -> dict[str, Any]:
    """``/openapi/v2`` as JSON, Swagger 2.0: the same, in one document."""
    return {
        "swagger": "2.0",
        "info": _INFO,
        "paths": {},
        "definitions": {_name(resource): _kind(resource) for resource in RESOURCES},
    }


def swagger_protobuf() -> bytes:
    """``/openapi/v2`` as protobuf (gnostic's ``openapi.v2.Document``): a document without definitions.

    kubectl wants it in this form and no other before it sends a file of kind List. It checks by itself what
    it finds described there, and leaves the rest to the server, which checks every item anyway.
    """
    info = _message({1: _INFO["title"].encode(), 2: _INFO["version"].encode()})
    return _message({1: b"2.0", 2: info, 8: b""})


def _message(fields: dict[int, bytes]) -> bytes:
    """A protobuf message of length-delimited fields, each below 128 bytes."""
    return b"".join(bytes([number << 3 | 2, len(value)]) + value for number, value in fields.items())


_INFO = {"title": "Kubernetes (samezone lab)", "version": VERSION}


def _name(resource: Resource) -> str:
    return f"io.k8s.api.{_PACKAGES[resource.group]}.{resource.version}.{resource.kind}"


def _gvk(resource: Resource) -> dict[str, str]:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _kind(resource: Resource) -> dict[str, Any]:
    return {
        **_schema(SHAPES[resource]),
        "description": f"{resource.kind}, as far as the lab describes it.",
        "x-kubernetes-group-version-kind": [_gvk(resource)],
    }


def _schema(shape: Type) -> dict[str, Any]:
    match shape:
        case Scalar():
            return dict(_SCALARS[shape.name])
        case Map():
            return {"type": "object", "additionalProperties": _schema(shape.values)}
        case Array():
            merge: dict[str, Any] = {}
            if shape.merge_key:
                merge = {
                    "x-kubernetes-patch-merge-key": shape.merge_key,
                    "x-kubernetes-patch-strategy": "merge",
                }
            elif shape.merges_as_set:
                merge = {"x-kubernetes-patch-strategy": "merge"}
            return {"type": "array", "items": _schema(shape.items), **merge}
        case Record():
            properties = {name: _schema(field) for name, field in shape.fields.items()}
            return {"type": "object", **({"properties": properties} if properties else {})}


def _paths(resource: Resource) -> dict[str, Any]:
    scope = "/namespaces/{namespace}" if resource.namespaced else ""
    collection = f"{resource.root}{scope}/{resource.plural}"
    return {
        collection: {"post": _operation(resource, "post")},
        f"{collection}/{{name}}": {verb: _operation(resource, verb) for verb in ("get", "put", "patch")},
    }


def _operation(resource: Resource, verb: str) -> dict[str, Any]:
    string = {"type": "string", "uniqueItems": True}
    names = [] if verb == "get" else ["dryRun", "fieldManager", "fieldValidation"]
    return {
        "parameters": [{"name": name, "in": "query", "schema": string} for name in names],
        "responses": {
            "200": {
                "description": "OK",
                "content": {
                    "application/json": {"schema": {"$ref": f"#/components/schemas/{_name(resource)}"}}
                },
            }
        },
        "x-kubernetes-action": verb,
        "x-kubernetes-group-version-kind": _gvk(resource),
    }
