"""What the server says of itself: groups, versions, resources, and its version."""

import platform
from typing import Any

from k8s.lab.apiserver.access import REVIEWS, Review
from k8s.lab.apiserver.resources import RESOURCES, Resource, Subresource

VERSION = "v1.35.0"
GROUPS = tuple(dict.fromkeys(one.group for one in (*RESOURCES, *REVIEWS) if one.group))


def version_info() -> dict[str, str]:
    """``/version``; says that this is no real cluster where a real one names its build."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return {
        "major": "1",
        "minor": "35",
        "gitVersion": f"{VERSION}+samezone-lab",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "2025-12-17T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": f"{platform.system().lower()}/{machine}",
    }


def paths() -> dict[str, list[str]]:
    """``/``: the paths there are."""
    groups = [path for group in GROUPS for path in (f"/apis/{group}", f"/apis/{group}/v1")]
    fixed = ["/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]
    return {"paths": ["/api", "/api/v1", "/apis", *groups, *fixed]}


def core_versions(address: str) -> dict[str, Any]:
    """``/api``; *address* is the host and port that the caller reached."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def groups() -> dict[str, Any]:
    """``/apis``."""
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [_group_entry(name) for name in GROUPS],
    }


def group(name: str) -> dict[str, Any] | None:
    """``/apis/<group>``; None if it is not served."""
    return {"kind": "APIGroup", "apiVersion": "v1", **_group_entry(name)} if name in GROUPS else None


def resource_list(group_name: str, version: str) -> dict[str, Any] | None:
    """``/api/v1`` and ``/apis/<group>/<version>``; None if it is not served."""
    served = [one for one in RESOURCES if (one.group, one.version) == (group_name, version)]
    group_version = f"{group_name}/{version}" if group_name else version
    reviews = [one for one in REVIEWS if one.group_version == group_version]
    if not served and not reviews:
        return None
    entries = [entry for resource in served for entry in _entries(resource)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": [*entries, *(_review_entry(one) for one in reviews)],
    }


def _review_entry(review: Review) -> dict[str, Any]:
    return {
        "name": review.plural,
        "singularName": review.kind.lower(),
        "namespaced": False,
        "kind": review.kind,
        "verbs": ["create"],
    }


def aggregated(*, core: bool, version: str) -> dict[str, Any]:
    """The ``APIGroupDiscoveryList`` of ``/api`` (*core*) or ``/apis``; *version* is v2 or v2beta1."""
    names = ("",) if core else GROUPS
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": [
            {
                "metadata": {"name": name, "creationTimestamp": None}
                if name
                else {"creationTimestamp": None},
                "versions": [
                    {
                        "version": "v1",
                        "resources": [
                            *(_aggregated_entry(one) for one in RESOURCES if one.group == name),
                            *(_aggregated_review(one) for one in REVIEWS if one.group == name),
                        ],
                        "freshness": "Current",
                    }
                ],
            }
            for name in names
        ],
    }


def _group_entry(name: str) -> dict[str, Any]:
    version = {"groupVersion": f"{name}/v1", "version": "v1"}
    return {"name": name, "versions": [version], "preferredVersion": version}


def _entries(resource: Resource) -> list[dict[str, Any]]:
    entry: dict[str, Any] = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    return [entry, *(_subresource_entry(resource, one) for one in resource.subresources)]


def _subresource_entry(resource: Resource, one: Subresource) -> dict[str, Any]:
    foreign = {"group": one.group, "version": one.version} if one.group else {}
    return {
        "name": f"{resource.plural}/{one.name}",
        "singularName": "",
        "namespaced": resource.namespaced,
        **foreign,
        "kind": one.kind or resource.kind,
        "verbs": list(one.verbs),
    }


def _aggregated_entry(resource: Resource) -> dict[str, Any]:
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    entry: dict[str, Any] = {
        "resource": resource.plural,
        "responseKind": kind,
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.subresources:
        entry["subresources"] = [
            {"subresource": one.name, "responseKind": _response_kind(resource, one), "verbs": list(one.verbs)}
            for one in resource.subresources
        ]
    return entry


def _aggregated_review(review: Review) -> dict[str, Any]:
    return {
        "resource": review.plural,
        "responseKind": {"group": review.group, "version": "v1", "kind": review.kind},
        "scope": "Cluster",
        "singularResource": review.kind.lower(),
        "verbs": ["create"],
    }


def _response_kind(resource: Resource, one: Subresource) -> dict[str, str]:
    if not one.kind:
        return {"group": resource.group, "version": resource.version, "kind": resource.kind}
    return {"group": one.group, "version": one.version, "kind": one.kind}
