"""What a request asks for: its path and query as values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from k8s.lab.apiserver import statuses
from k8s.lab.apiserver.resources import RESOURCES, Resource, find

LONGEST_MANAGER = 128
"""Characters in the name of a field manager."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTarget:
    """What a URL under ``/api`` or ``/apis`` names."""

    resource: Resource
    namespace: str = ""
    """Empty: cluster-wide, or all namespaces."""
    name: str = ""
    """Empty: the collection."""
    subresource: str = ""
    """The name of one of the resource's subresources; empty: the object itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The query parameters the lab obeys; all others are ignored, as the real one does."""

    labels: str = ""
    fields: str = ""
    limit: int = 0
    go_on: str = ""
    """The ``continue`` token."""
    version: str = ""
    version_match: str = ""
    watch: bool = False
    timeout_s: int | None = None
    bookmarks: bool = False
    initial_events: bool | None = None
    """None where the parameter is not given."""
    dry_run: bool = False
    field_validation: str = "Warn"
    grace_s: int | None = None
    """``gracePeriodSeconds`` of a DELETE."""
    propagation: str = ""
    """``propagationPolicy`` of a DELETE."""
    manager: str = ""
    """``fieldManager``, or else the start of the client's User-Agent."""
    is_manager_named: bool = False
    """Whether that is what ``fieldManager`` said."""
    force: bool | None = None


def target_of(path: str) -> RequestTarget | None:
    """The target of a URL path; None if no such group version is served.

    StatusError 404 for an unknown name inside one.
    """
    parts = [part for part in path.split("/") if part]
    match parts:
        case ["api", "v1", *rest]:
            group, version = "", "v1"
        case ["apis", group, version, *rest]:
            pass
        case _:
            return None
    if not rest:
        return None
    if not _is_served(group, version):
        return None
    return _target_within(group, version, rest)


def _is_served(group: str, version: str) -> bool:
    return any((one.group, one.version) == (group, version) for one in RESOURCES)


def _target_within(group: str, version: str, rest: list[str]) -> RequestTarget:
    namespace = ""
    match rest:
        case ["namespaces", _, "status"]:
            pass  # the status of a namespace, not something in it
        case ["namespaces", namespace, _, *_]:
            rest = rest[2:]
    resource = find(group, version, rest[0])
    if resource is None or (namespace and not resource.namespaced):
        raise statuses.unknown_path()
    name = rest[1] if len(rest) > 1 else ""
    if name and resource.namespaced and not namespace:
        raise statuses.unknown_path()
    match rest[2:]:
        case []:
            return RequestTarget(resource=resource, namespace=namespace, name=name)
        case [subresource] if resource.subresource(subresource):
            return RequestTarget(resource=resource, namespace=namespace, name=name, subresource=subresource)
    raise statuses.unknown_path()


def options_of(query: Mapping[str, str], user_agent: str = "") -> Options:
    """The options in a query string; StatusError 400 for a number that is none."""
    return Options(
        labels=query.get("labelSelector", ""),
        fields=query.get("fieldSelector", ""),
        limit=max(0, _number(query, "limit") or 0),
        go_on=query.get("continue", ""),
        version=query.get("resourceVersion", ""),
        version_match=query.get("resourceVersionMatch", ""),
        watch=_flag(query, "watch"),
        timeout_s=_number(query, "timeoutSeconds"),
        bookmarks=_flag(query, "allowWatchBookmarks"),
        initial_events=_flag(query, "sendInitialEvents") if "sendInitialEvents" in query else None,
        dry_run=query.get("dryRun", "") == "All",
        field_validation=query.get("fieldValidation") or "Warn",
        grace_s=_number(query, "gracePeriodSeconds"),
        propagation=query.get("propagationPolicy", ""),
        manager=query.get("fieldManager") or _first_word(user_agent),
        is_manager_named=bool(query.get("fieldManager")),
        force=_flag(query, "force") if "force" in query else None,
    )


def _first_word(user_agent: str) -> str:
    """``kubectl`` of ``kubectl/v1.35.0 (linux/amd64)``, as upstream names who names no ``fieldManager``."""
    word = "".join(letter for letter in user_agent.partition("/")[0] if letter.isprintable())
    return word[:LONGEST_MANAGER] or "unknown"


def _flag(query: Mapping[str, str], name: str) -> bool:
    """Upstream's rule: present and neither "0" nor "false" means true."""
    return name in query and query[name].lower() not in ("0", "false")


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    if not re.fullmatch(r"-?[0-9]{1,18}", text, flags=re.ASCII):
        raise statuses.bad_request(f'parsing {name}: strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)
