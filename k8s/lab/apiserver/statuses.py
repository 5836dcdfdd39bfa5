"""Refusals, as the ``Status`` objects of the real API, in its words.

Wording: upstream ``k8s.io/apimachinery/pkg/api/errors`` and ``pkg/util/validation/field``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from k8s.errors import SamezoneError
from k8s.lab.apiserver.faults import Fault
from k8s.lab.apiserver.resources import Resource


class StatusError(SamezoneError):
    """A request was refused; carries the ``Status`` to answer with."""

    def __init__(
        self, code: int, reason: str, message: str, *, details: dict[str, Any] | None = None, go_on: str = ""
    ) -> None:
        """Remember the answer; *go_on* is a continue token the client may go on with."""
        super().__init__(message)
        self.code = code
        self.body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {"continue": go_on} if go_on else {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            **({} if details is None else {"details": details}),
            "code": code,
        }


def _details(resource: Resource, name: str, **more: Any) -> dict[str, Any]:
    return {
        **({"name": name} if name else {}),
        **({"group": resource.group} if resource.group else {}),
        "kind": resource.plural,
        **more,
    }


def not_found(resource: Resource, name: str) -> StatusError:
    """404: no such object."""
    return StatusError(
        404, "NotFound", f'{resource.qualified_plural} "{name}" not found', details=_details(resource, name)
    )


def already_exists(resource: Resource, name: str) -> StatusError:
    """409: the name is taken."""
    return StatusError(
        409,
        "AlreadyExists",
        f'{resource.qualified_plural} "{name}" already exists',
        details=_details(resource, name),
    )


def conflict(resource: Resource, name: str, why: str = "") -> StatusError:
    """409: the caller's resourceVersion or uid is not the object's."""
    why = why or "the object has been modified; please apply your changes to the latest version and try again"
    return StatusError(
        409,
        "Conflict",
        f'Operation cannot be fulfilled on {resource.qualified_plural} "{name}": {why}',
        details=_details(resource, name),
    )


def invalid(resource: Resource | None, name: str, faults: Sequence[Fault]) -> StatusError:
    """422: the object, or (without a *resource*) the patch itself, was understood and refused."""
    listed = _listed(faults)
    details: dict[str, Any] = {
        "name": name,
        "group": resource.group if resource else "",
        "kind": resource.kind if resource else "",
        "causes": _causes(faults),
    }
    return StatusError(
        422,
        "Invalid",
        f'{resource.qualified_kind if resource else ""} "{name}" is invalid: {listed}',
        details={key: value for key, value in details.items() if value},
    )


def invalid_options(kind: str, faults: Sequence[Fault]) -> StatusError:
    """422: query parameters that contradict each other; *kind* is e.g. ``ListOptions``."""
    listed = _listed(faults)
    details = {"group": "meta.k8s.io", "kind": kind, "causes": _causes(faults)}
    return StatusError(422, "Invalid", f'{kind}.meta.k8s.io "" is invalid: {listed}', details=details)


def _listed(faults: Sequence[Fault]) -> str:
    texts = list(dict.fromkeys(str(fault) for fault in faults))
    return texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"


def _causes(faults: Sequence[Fault]) -> list[dict[str, str]]:
    return [{"reason": fault.reason, "message": fault.detail, "field": fault.field} for fault in faults]


def forbidden(resource: Resource, name: str, why: str) -> StatusError:
    """403: nobody may do that to this object."""
    return StatusError(
        403,
        "Forbidden",
        f'{resource.qualified_plural} "{name}" is forbidden: {why}',
        details=_details(resource, name),
    )


def unauthorized() -> StatusError:
    """401: nobody knows this user."""
    return StatusError(401, "Unauthorized", "Unauthorized")


def not_let_in(code: int, why: str) -> StatusError:
    """403 or 421: the request comes from a page in a browser that is not this server's; a lab's own words."""
    return StatusError(int(code), "Forbidden", f"forbidden: {why}")


def not_allowed(
    resource: Resource, *, user: str, verb: str, subresource: str = "", namespace: str = "", name: str = ""
) -> StatusError:
    """403: the user may not do that, as the RBAC authorizer says it."""
    what = f"{resource.plural}/{subresource}" if subresource else resource.plural
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    which = f'{resource.qualified_plural} "{name}"' if name else resource.qualified_plural
    return StatusError(
        403,
        "Forbidden",
        f'{which} is forbidden: User "{user}" cannot {verb} resource "{what}" '
        f'in API group "{resource.group}" {where}',
        details=_details(resource, name),
    )


def apply_conflict(message: str, causes: Sequence[Mapping[str, str]]) -> StatusError:
    """409: others own fields that the applied configuration would change."""
    return StatusError(409, "Conflict", message, details={"causes": list(causes)})


def not_implemented(message: str) -> StatusError:
    """501: a real server has it, the lab has not."""
    return StatusError(501, "NotImplemented", message, details={})


def unprocessable(why: str) -> StatusError:
    """422: the patch is well formed and cannot be applied here; the real one leaves out the reason."""
    message = f"the server rejected our request due to an error in our request: {why}"
    return StatusError(422, "Invalid", message, details={})


def bad_request(message: str) -> StatusError:
    """400: the request cannot be understood."""
    return StatusError(400, "BadRequest", message)


def expired(message: str, *, go_on: str = "") -> StatusError:
    """410: the version asked for is no longer in the history."""
    return StatusError(410, "Expired", message, go_on=go_on)


def too_large_version(asked: int, current: int) -> StatusError:
    """504: the version asked for is in the future."""
    message = f"Too large resource version: {asked}, current: {current}"
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    return StatusError(
        504, "Timeout", f"Timeout: {message}", details={"causes": causes, "retryAfterSeconds": 1}
    )


def unknown_path() -> StatusError:
    """404: a known group version, but nothing of that name in it."""
    return StatusError(404, "NotFound", "the server could not find the requested resource", details={})


def method_not_allowed() -> StatusError:
    """405: this verb is not offered there."""
    return StatusError(
        405, "MethodNotAllowed", "the server does not allow this method on the requested resource", details={}
    )


def unsupported_media_type(accepted: Sequence[str]) -> StatusError:
    """415: a body of a kind that is not read here."""
    words = "the body of the request was in an unknown format - accepted media types include: "
    return StatusError(415, "UnsupportedMediaType", words + ", ".join(accepted))


def unreadable(why: str) -> StatusError:
    """415: a body of a kind that is read here, but not with this in it."""
    return StatusError(415, "UnsupportedMediaType", f"the body of the request cannot be read: {why}")


def not_acceptable(accepted: Sequence[str]) -> StatusError:
    """406: the caller wants a format that is not written here."""
    return StatusError(
        406, "NotAcceptable", f"only the following media types are accepted: {', '.join(accepted)}"
    )


def too_large_body(limit_bytes: int) -> StatusError:
    """413: the body is larger than *limit_bytes*."""
    return StatusError(
        413, "RequestEntityTooLarge", f"Request entity too large: limit is {limit_bytes}", details={}
    )


def too_large(message: str) -> StatusError:
    """413: the body is not too large, but what it asks for is."""
    return StatusError(413, "RequestEntityTooLarge", message, details={})


def too_slow_body(limit_s: float) -> StatusError:
    """408: the body has not come within *limit_s*."""
    message = f"the body of the request did not arrive within {limit_s:g} s"
    return StatusError(408, "Timeout", message, details={})


def success(resource: Resource, name: str, uid: str) -> dict[str, Any]:
    """The answer to a DELETE that does not return the object."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": _details(resource, name, uid=uid),
    }
