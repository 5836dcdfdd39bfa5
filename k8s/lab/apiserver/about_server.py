"""Everything that is not an object: discovery, OpenAPI, version, health."""

from typing import Any

from aiohttp import web

from k8s.lab.apiserver import discovery, openapi
from k8s.lab.apiserver.bodies import answer, plain
from k8s.lab.apiserver.negotiation import Form, wanted

_HEALTH = ("healthz", "livez", "readyz")
_CHECKS = ("ping", "log", "etcd", "informer-sync")
_SWAGGER_PROTOBUF = "application/com.github.proto-openapi.spec.v2"


def answer_for(request: web.Request) -> web.Response:
    """The answer to a path that names no object; 404 in plain text, as upstream, where there is none."""
    parts = [part for part in request.path.split("/") if part]
    if parts and parts[0] in _HEALTH:
        return _health(request, parts)
    if parts in (["api"], ["apis"]):
        return _group_listing(request, is_core=parts == ["api"])
    if parts == ["openapi", "v2"] and _SWAGGER_PROTOBUF in request.headers.get("Accept", ""):
        kind = f"{_SWAGGER_PROTOBUF}.v1.0+protobuf"
        return web.Response(body=openapi.swagger_protobuf(), content_type=kind)
    body = _document(parts)
    if body is None:
        return plain("404 page not found\n", status=404)
    if request.method != "GET":
        return plain("405 method not allowed\n", status=405)
    wanted(request.headers.get("Accept", ""))
    return answer(body)


def _health(request: web.Request, parts: list[str]) -> web.Response:
    match parts[1:]:
        case []:
            lines = "".join(f"[+]{name} ok\n" for name in _CHECKS)
            return plain(f"{lines}{parts[0]} check passed\n" if "verbose" in request.query else "ok")
        case [name] if name in _CHECKS:
            return plain("ok")
    return plain("404 page not found\n", status=404)


def _document(parts: list[str]) -> Any:
    """A document about the server, by its path; None if there is none."""
    match parts:
        case []:
            return discovery.paths()
        case ["version"]:
            return discovery.version_info()
        case ["api", version]:
            return discovery.resource_list("", version)
        case ["apis", group]:
            return discovery.group(group)
        case ["apis", group, version]:
            return discovery.resource_list(group, version) if group else None
        case ["openapi", "v2"]:
            return openapi.swagger()
        case ["openapi", "v3"]:
            return openapi.root()
        case ["openapi", "v3", *rest]:
            return openapi.document("/".join(rest))
    return None


def _group_listing(request: web.Request, *, is_core: bool) -> web.Response:
    form = wanted(request.headers.get("Accept", ""), (Form.GROUP_LIST,))
    if form.form is Form.GROUP_LIST:
        return answer(discovery.aggregated(core=is_core, version=form.version), wanted=form)
    return answer(discovery.core_versions(request.host) if is_core else discovery.groups())
