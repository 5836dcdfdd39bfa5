"""What Kubernetes' RBAC would say to requests of the API, by the Roles that the manifests render."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.infra.rendered import objects

GROUP = "samezone-harness"
_PATH = re.compile(
    r"/(?:api/v1|apis/(?P<group>[^/]+)/[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?/(?P<resource>[^/]+)"
    r"(?:/(?P<name>[^/]+))?(?:/(?P<subresource>[^/]+))?"
)
_PUBLIC = ("/version", "/healthz", "/livez", "/readyz")
_OF_ONE = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "POST": "create"}
_OF_ALL = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """What RBAC sees of a request."""

    verb: str
    group: str
    resource: str
    name: str
    namespace: str


def request_of(method: str, target: str) -> ApiRequest | None:
    """None for what everybody may ask."""
    where = urlsplit(target)
    if where.path in _PUBLIC:
        return None
    found = _PATH.fullmatch(where.path)
    assert found is not None, f"{where.path} is no path of the API"
    resource, name = found["resource"], found["name"] or ""
    if found["subresource"]:
        resource = f"{resource}/{found['subresource']}"
    verb = (_OF_ONE if name else _OF_ALL)[method]
    if verb == "list" and parse_qs(where.query).get("watch") == ["true"]:
        verb = "watch"
    return ApiRequest(
        verb=verb,
        group=found["group"] or "",
        resource=resource,
        name=name,
        namespace=found["namespace"] or "",
    )


def may(target: str, asked: ApiRequest) -> bool:
    """Whether the group's Roles of an overlay allow it."""
    return any(_allows(rule, asked) for rule in _rules(target, asked.namespace))


def _rules(target: str, namespace: str) -> list[dict[str, Any]]:
    roles = {
        (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]): one["rules"]
        for kind in ("Role", "ClusterRole")
        for one in objects(target, kind)
    }
    return [
        rule
        for kind in ("RoleBinding", "ClusterRoleBinding")
        for one in objects(target, kind)
        if any(subject["kind"] == "Group" and subject["name"] == GROUP for subject in one["subjects"])
        for home in [one["metadata"].get("namespace", "")]
        if home in {"", namespace}
        for rule in roles[one["roleRef"]["kind"], home, one["roleRef"]["name"]]
    ]


def _allows(rule: dict[str, Any], asked: ApiRequest) -> bool:
    names = rule.get("resourceNames")
    return (
        asked.verb in rule["verbs"]
        and asked.group in rule["apiGroups"]
        and asked.resource in rule["resources"]
        and (not names or asked.name in names)
    )
