"""One handler for every path: what is asked, who answers, in which form."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from aiohttp import web

from k8s.lab.apiserver import discovery, listing, openapi, statuses
from k8s.lab.apiserver.bodies import MAX_BYTES, answer, decoded, plain, refusal
from k8s.lab.apiserver.negotiation import META_FORMS, Form, wanted
from k8s.lab.apiserver.requests import Options, Target, options_of, target_of
from k8s.lab.apiserver.shaping import Shaper
from k8s.lab.apiserver.store import Store
from k8s.lab.apiserver.watching import Watch, Watches
from k8s.lab.apiserver.writing import PATCH_TYPES, Writer

_HEALTH = ("healthz", "livez", "readyz")
_SWAGGER_PROTOBUF = "application/com.github.proto-openapi.spec.v2"
_WRITABLE = ("", "application/json")


class Handlers:
    """The server's side of HTTP."""

    def __init__(self, store: Store, writer: Writer, clock: Callable[[], datetime]) -> None:
        """*clock* gives aware UTC times; ages in tables are counted from it."""
        self._store = store
        self._writer = writer
        self._clock = clock
        self.watches = Watches()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any request; refusals become Status answers."""
        try:
            target = target_of(request.path)
            if target is None:
                return self._about(request)
            options = options_of(request.query)
            if request.method == "GET":
                return await self._read(request, target, options)
            if target.name:
                return await self._write_one(request, target, options)
            return await self._write_collection(request, target, options)
        except statuses.StatusError as error:
            return refusal(error)

    async def _read(self, request: web.Request, target: Target, options: Options) -> web.StreamResponse:
        shaper = self._shaper(request, target)
        if options.watch and not target.subresource:
            watch = Watch(
                store=self._store, target=target, options=options, shaper=shaper, watches=self.watches
            )
            return await watch.stream(request)
        if target.name:
            return answer(shaper.one(listing.read(self._store, target)))
        return answer(shaper.page(listing.read_page(self._store, target, options)))

    async def _write_one(self, request: web.Request, target: Target, options: Options) -> web.Response:
        shaper = self._shaper(request, target)
        match request.method:
            case "PUT":
                body = await _json_body(request)
                outcome = self._writer.update(target, body, options)
            case "PATCH":
                media_type = _media_type(request)
                if media_type not in PATCH_TYPES:
                    raise statuses.unsupported_media_type(PATCH_TYPES)
                body = decoded(await _raw(request))
                outcome = self._writer.patch(target, media_type, body, options)
            case "DELETE" if not target.subresource:
                body = decoded(await _raw(request))
                return answer(self._writer.delete(target, body, options))
            case _:
                raise statuses.method_not_allowed()
        return answer(shaper.one(outcome.obj), warnings=outcome.warnings)

    async def _write_collection(self, request: web.Request, target: Target, options: Options) -> web.Response:
        shaper = self._shaper(request, target)
        if target.resource.namespaced and not target.namespace:
            raise statuses.method_not_allowed()
        match request.method:
            case "POST":
                body = await _json_body(request)
                outcome = self._writer.create(target, body, options)
                return answer(shaper.one(outcome.obj), status=201, warnings=outcome.warnings)
            case "DELETE" if target.resource.deletes_collections:
                await _raw(request)
                page = listing.read_page(self._store, target, options)
                self._writer.delete_all(target, page.items, options)
                return answer(shaper.page(page))
        raise statuses.method_not_allowed()

    def _shaper(self, request: web.Request, target: Target) -> Shaper:
        return Shaper(
            resource=target.resource,
            wanted=wanted(request.headers.get("Accept", ""), META_FORMS),
            include=request.query.get("includeObject", "Metadata"),
            clock=self._clock,
        )

    def _about(self, request: web.Request) -> web.Response:
        """Everything that is not an object: discovery, OpenAPI, health."""
        parts = [part for part in request.path.split("/") if part]
        if parts and parts[0] in _HEALTH:
            return plain("ok")
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
        body = discovery.aggregated(core=is_core, version=form.version)
        return answer(body, wanted=form)
    return answer(discovery.core_versions(request.host) if is_core else discovery.groups())


async def _raw(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise statuses.too_large_body(MAX_BYTES) from error


async def _json_body(request: web.Request) -> Any:
    if _media_type(request) not in _WRITABLE:
        raise statuses.unsupported_media_type(["application/json"])
    return decoded(await _raw(request))


def _media_type(request: web.Request) -> str:
    """The body's type without parameters; empty if the client named none."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
