"""From a request's body to an object of the resource's kind, in the place its URL says."""

from typing import Any

from k8s.lab.apiserver import faults, statuses
from k8s.lab.apiserver.kinds import SHAPES
from k8s.lab.apiserver.requests import Options, RequestTarget
from k8s.lab.apiserver.resources import Resource
from k8s.lab.apiserver.schema import ShapeError, conformed
from k8s.lab.design.seeds import Object

_STATUS_HALF = ("apiVersion", "kind", "metadata", "status")
_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""Upstream's: no vowels, so that no words come out."""
_SUFFIX_LENGTH = 5
_LONGEST_PREFIX = 58
_IGNORED = ("selfLink", "deletionTimestamp", "deletionGracePeriodSeconds")


class UndecodableError(statuses.StatusError):
    """The body has a field of the wrong type; *why* is the decoder's complaint."""

    def __init__(self, resource: Resource, why: str) -> None:
        super().__init__(
            400,
            "BadRequest",
            f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {why}',
        )
        self.why = why


def decoded(
    resource: Resource, body: Any, options: Options, *, completes: bool = True
) -> tuple[Object, tuple[str, ...]]:
    """The body as an object of the resource's kind, and warnings of the fields nobody knows.

    StatusError 400 if it is no such object; with ``fieldValidation=Strict`` also for unknown fields. With
    *completes*, fields that are never left out are filled in.
    """
    if not isinstance(body, dict):
        raise statuses.bad_request(
            f"the object provided is unrecognized (must be of type {resource.kind}): "
            "couldn't get version/kind; json parse error: json: cannot unmarshal into Go value of type struct"
        )
    version, kind = body.get("apiVersion") or resource.api_version, body.get("kind") or resource.kind
    if version != resource.api_version:
        raise statuses.bad_request(
            f"the API version in the data ({version}) does not match the expected API version "
            f"({resource.api_version})"
        )
    if kind != resource.kind:
        raise statuses.bad_request(
            f'{kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
            f"converting (v1.{kind}) to ({resource.kind}): unknown conversion"
        )
    try:
        obj, unknown = conformed(body, SHAPES[resource], resource.kind, completes=completes)
    except ShapeError as error:
        raise UndecodableError(resource, str(error)) from error
    complaints = tuple(f'unknown field "{path}"' for path in unknown)
    if complaints and options.field_validation == "Strict":
        raise UndecodableError(resource, "strict decoding error: " + ", ".join(complaints))
    warned = complaints if options.field_validation != "Ignore" else ()
    head = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": obj.get("metadata", {})}
    return {**head, **obj, **head}, warned


def placed(obj: Object, target: RequestTarget) -> Object:
    """The object with the URL's namespace and name; StatusError 400 where it says otherwise."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _IGNORED}
    for key in ("labels", "annotations", "finalizers", "ownerReferences"):
        if not metadata.get(key):
            metadata.pop(key, None)  # the real one leaves empty ones out, too
    if target.resource.namespaced:
        if metadata.setdefault("namespace", target.namespace) != target.namespace:
            raise statuses.bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
    else:
        metadata.pop("namespace", None)
    if target.name and metadata.setdefault("name", target.name) != target.name:
        raise statuses.bad_request(
            f"the name of the object ({metadata['name']}) does not match the name on the URL ({target.name})"
        )
    return {**obj, "metadata": metadata}


def applied(target: RequestTarget, body: Any, options: Options) -> tuple[Object, tuple[str, ...]]:
    """The configuration that a server-side apply sends, and warnings of unknown fields.

    StatusError 400 or 422. What may not be written where the URL points is left out: the status, or all but
    the status.
    """
    if not options.is_manager_named:
        fault = faults.required("fieldManager", "is required for apply patch")
        raise statuses.invalid_options("PatchOptions", [fault])
    if not isinstance(body, dict) or not body.get("apiVersion") or not body.get("kind"):
        raise statuses.bad_request(
            "invalid object type: apiVersion and kind have to be given in an apply patch"
        )
    config, unknown = decoded(target.resource, body, options, completes=False)
    if config["metadata"].get("managedFields"):
        raise statuses.bad_request("metadata.managedFields must be nil")
    placed_config = placed(config, target)
    if target.subresource:
        return {key: value for key, value in placed_config.items() if key in _STATUS_HALF}, unknown
    if target.resource.has_status:
        placed_config.pop("status", None)
    return placed_config, unknown


def named(metadata: dict[str, Any], uid: str) -> dict[str, Any]:
    """With ``generateName`` made into a name."""
    if metadata.get("name") or not metadata.get("generateName"):
        return {"name": "", **metadata}
    number = int(uid.replace("-", ""), 16)
    suffix = ""
    for _ in range(_SUFFIX_LENGTH):
        number, place = divmod(number, len(_SUFFIX_ALPHABET))
        suffix += _SUFFIX_ALPHABET[place]
    return {**metadata, "name": metadata["generateName"][:_LONGEST_PREFIX] + suffix}
