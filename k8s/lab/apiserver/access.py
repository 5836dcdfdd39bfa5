"""Who may do what: whoever has the lab's token everything, but for users made for tests of refusals.

The token is asked for everywhere but at PUBLIC paths. It is a bearer token (``token:`` of a kubeconfig's
user), or, because kubectl sends no token without TLS, the value ``token`` of ``as-user-extra:`` there, which
it sends as a header of its own; a page in a browser can send neither.

A user named ``deny:<verb>:<resource>[,<verb>:<resource>...]`` may do all but that: ``deny:list:nodes``,
``deny:patch:services``, ``deny:create:pods/portforward``, ``deny:*:deployments.apps``. Verbs are RBAC's (get,
list, watch, create, update, patch, delete, deletecollection); ``*`` is any verb, or any resource. The name is
given behind the token and a slash (``token: <token>/deny:list:nodes``) or by impersonation (``as:`` there, or
``kubectl --as``). Refusals are worded as RBAC's, and SelfSubjectAccessReview (``kubectl auth can-i``) knows
of them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any, Final

from k8s.lab.apiserver import statuses
from k8s.lab.apiserver.requests import RequestTarget
from k8s.lab.apiserver.resources import PORT_FORWARD, RESOURCES, Resource

OWNER: Final = "samezone-lab"
"""Whoever has the token."""
PUBLIC: Final = frozenset({"healthz", "livez", "readyz", "version"})
"""First parts of the paths that a real one, too, shows to everybody (system:public-info-viewer)."""
_BEARER: Final = "bearer "
_EXTRA: Final = "Impersonate-Extra-Token"
RESTRICTED: Final = "system:serviceaccount:default:restricted"
"""The name of every user that may not do something."""
_RULE = r"[a-z*]+:[a-z*./]+"
_DENIALS = re.compile(rf"deny:{_RULE}(?:,{_RULE})*")
_AUTHORIZATION, _AUTHENTICATION = "authorization.k8s.io/v1", "authentication.k8s.io/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A question about the asker's own rights, which is answered and not stored."""

    group_version: str
    plural: str
    kind: str

    @property
    def group(self) -> str:
        """Its API group."""
        return self.group_version.partition("/")[0]

    @property
    def path(self) -> str:
        """Where it is POSTed."""
        return f"/apis/{self.group_version}/{self.plural}"


ACCESS_REVIEW: Final = Review(
    group_version=_AUTHORIZATION, plural="selfsubjectaccessreviews", kind="SelfSubjectAccessReview"
)
RULES_REVIEW: Final = Review(
    group_version=_AUTHORIZATION, plural="selfsubjectrulesreviews", kind="SelfSubjectRulesReview"
)
USER_REVIEW: Final = Review(
    group_version=_AUTHENTICATION, plural="selfsubjectreviews", kind="SelfSubjectReview"
)
REVIEWS: Final = (ACCESS_REVIEW, RULES_REVIEW, USER_REVIEW)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who asks."""

    name: str = OWNER
    denied: tuple[tuple[str, str], ...] = ()
    """(verb, resource) that this user may not do."""

    def may(self, verb: str, group: str, resource: str) -> bool:
        """Whether *verb* is allowed on *resource*, e.g. ``pods`` or ``pods/portforward``."""
        plural, slash, subresource = resource.partition("/")
        qualified = f"{plural}.{group}{slash}{subresource}"
        return not any(
            denied_verb in (verb, "*") and denied in (resource, qualified, "*")
            for denied_verb, denied in self.denied
        )


def is_public(path: str) -> bool:
    """Whether a path answers those, too, who have no token."""
    return path.lstrip("/").partition("/")[0] in PUBLIC


def user_of(headers: Mapping[str, str], token: str) -> User:
    """The user whom a request's headers name; StatusError 401 without the token, or for a malformed name."""
    authorization, impersonated = headers.get("Authorization", ""), headers.get("Impersonate-User", "")
    given, named = headers.get(_EXTRA, ""), ""
    if authorization[: len(_BEARER)].lower() == _BEARER:
        given, _, named = authorization[len(_BEARER) :].strip().partition("/")
    if not token or not compare_digest(given.encode("utf-8", "surrogateescape"), token.encode()):
        raise statuses.unauthorized()
    name = impersonated or named
    if not name.startswith("deny:"):
        return User(name=impersonated or OWNER)
    if not _DENIALS.fullmatch(name):
        raise statuses.unauthorized()
    rules = (rule.partition(":") for rule in name.removeprefix("deny:").split(","))
    return User(name=RESTRICTED, denied=tuple((verb, resource) for verb, _, resource in rules))


def check(user: User, verb: str, target: RequestTarget) -> None:
    """StatusError 403 if the user may not do this."""
    resource, subresource = target.resource, target.subresource
    name = f"{resource.plural}/{subresource}" if subresource else resource.plural
    # Who forwards a port creates something, also where the WebSocket's handshake is a GET.
    verbs = ("create", verb) if subresource == PORT_FORWARD.name else (verb,)
    for one in verbs:
        if not user.may(one, resource.group, name):
            raise statuses.not_allowed(
                resource,
                user=user.name,
                verb=one,
                subresource=subresource,
                namespace=target.namespace,
                name=target.name,
            )


def verb_of(method: str, target: RequestTarget, *, is_watch: bool) -> str:
    """RBAC's word for a request."""
    match method:
        case "GET" | "HEAD":
            return "watch" if is_watch else "get" if target.name else "list"
        case "DELETE":
            return "delete" if target.name else "deletecollection"
    return {"POST": "create", "PUT": "update", "PATCH": "patch"}.get(method, method.lower())


def reviewed(review: Review, user: User, body: Any) -> dict[str, Any]:
    """The answer to a review; StatusError 400."""
    if not isinstance(body, dict):
        raise statuses.bad_request(f"the object provided is unrecognized (must be of type {review.kind})")
    for key, here in (("apiVersion", review.group_version), ("kind", review.kind)):
        if body.get(key, here) != here:
            raise statuses.bad_request(f"the {key} in the data ({body[key]}) does not match {here}")
    spec = body.get("spec")
    spec = spec if isinstance(spec, dict) else {}
    if review is USER_REVIEW:
        status: dict[str, Any] = {"userInfo": {"username": user.name, "groups": ["system:masters"]}}
    elif review is RULES_REVIEW:
        status = {"resourceRules": _rules(user), "nonResourceRules": _ANY_PATH, "incomplete": False}
    else:
        status = _decision(user, spec.get("resourceAttributes"))
    return {
        "kind": review.kind,
        "apiVersion": review.group_version,
        "metadata": {},
        **({"spec": spec} if review is not USER_REVIEW else {}),
        "status": status,
    }


_ANY_PATH = [{"verbs": ["*"], "nonResourceURLs": ["*"]}]


def _decision(user: User, asked: Any) -> dict[str, Any]:
    attributes = asked if isinstance(asked, dict) else {}
    verb, group, resource, subresource = (
        str(attributes.get(key, "")) for key in ("verb", "group", "resource", "subresource")
    )
    name = f"{resource}/{subresource}" if subresource else resource
    if user.may(verb, group, name):
        return {"allowed": True, "reason": "the lab allows it"}
    return {"allowed": False, "reason": f"the token denies {verb} on {name}"}


def _rules(user: User) -> list[dict[str, Any]]:
    if not user.denied:
        return [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
    return [_rule(user, resource) for resource in RESOURCES]


def _rule(user: User, resource: Resource) -> dict[str, Any]:
    verbs = [verb for verb in resource.verbs if user.may(verb, resource.group, resource.plural)]
    return {"verbs": verbs, "apiGroups": [resource.group], "resources": [resource.plural]}
