"""One handler for every path: what is asked, who asks, who answers, in which form."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

from k8s import doors
from k8s.lab.apiserver import about_server, access, listing, patch, protobuf, resources, scale, statuses
from k8s.lab.apiserver.bodies import MAX_BYTES, answer, decoded, decoded_yaml, refusal
from k8s.lab.apiserver.forwarding import PortForwards, is_loopback_address
from k8s.lab.apiserver.negotiation import META_FORMS, wanted
from k8s.lab.apiserver.object_store import ObjectStore
from k8s.lab.apiserver.requests import Options, RequestTarget, options_of, target_of
from k8s.lab.apiserver.shaping import Shaper
from k8s.lab.apiserver.watching import Watches, WatchStream
from k8s.lab.apiserver.writing import PATCH_TYPES, Writer, Written
from k8s.lab.half_sent import HttpPatience

_READERS = {
    "": decoded,
    "application/json": decoded,
    "application/yaml": decoded_yaml,
    protobuf.MEDIA_TYPE: protobuf.decoded,
}
_NOT_HERE = {
    resources.LOG.name: "the lab keeps its pods' logs in files; samezone lab status names the folder",
    resources.EXEC.name: "the lab's pods are processes without containers: nothing can be run in them",
    resources.ATTACH.name: "the lab's pods are processes without containers: there is no terminal",
}
_DONE = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On which a server answers."""

    token: str = field(repr=False)
    """Asked of everybody; see ``access``."""
    reaches: Callable[[str], bool] = is_loopback_address
    """Whether an address is a pod's, which a port-forward may lead to."""
    patience: HttpPatience = field(default_factory=HttpPatience)


class Handlers:
    """The server's side of HTTP."""

    def __init__(
        self, store: ObjectStore, writer: Writer, clock: Callable[[], datetime], terms: Terms
    ) -> None:
        """*clock* gives aware UTC times; ages in tables are counted from it."""
        self._token = terms.token
        self._body_s = terms.patience.body_s
        self._store = store
        self._writer = writer
        self._clock = clock
        self.watches = Watches()
        self.forwards = PortForwards(store, terms.reaches)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any request; refusals become Status answers."""
        try:
            outside = doors.refusal(request.headers, doors.is_loopback)
            if outside is not None:
                raise statuses.not_let_in(outside.status, outside.why)
            if access.is_public(request.path):
                return about_server.answer_for(request)
            user = access.user_of(request.headers, self._token)
            review = next((one for one in access.REVIEWS if one.path == request.path), None)
            if review is not None:
                return await self._review(request, review, user)
            target = target_of(request.path)
            if target is None:
                return about_server.answer_for(request)
            options = options_of(request.query, request.headers.get("User-Agent", ""))
            access.check(user, access.verb_of(request.method, target, is_watch=options.watch), target)
            if target.subresource not in ("", resources.STATUS.name):
                return await self._below(request, target, options)
            if request.method == "GET":
                return await self._read(request, target, options)
            if target.name:
                return await self._write_one(request, target, options)
            return await self._write_collection(request, target, options)
        except statuses.StatusError as error:
            return refusal(error)

    async def _read(
        self, request: web.Request, target: RequestTarget, options: Options
    ) -> web.StreamResponse:
        shaper = self._shaper(request, target)
        if options.watch and not target.subresource:
            watch = WatchStream(
                store=self._store, target=target, options=options, shaper=shaper, watches=self.watches
            )
            return await watch.stream(request)
        if target.name:
            return answer(shaper.one(listing.read_as_of(self._store, target, options)))
        return answer(shaper.page(listing.read_page(self._store, target, options)))

    async def _below(
        self, request: web.Request, target: RequestTarget, options: Options
    ) -> web.StreamResponse:
        """What is below an object and not its status."""
        match target.subresource, request.method:
            case "portforward", "GET" | "POST":
                return await self.forwards.serve(request, target)
            case "scale", "GET":
                return answer(scale.scale_of(listing.read(self._store, target)))
            case "scale", "PUT" | "PATCH":
                outcome = await self._change(request, target, options)
                return answer(outcome.obj, warnings=outcome.warnings)
            case "eviction", "POST":
                self._writer.evict(target, await self._body(request), options)
                return answer(_DONE, status=201)
            case "binding", "POST":
                self._writer.bind(target, await self._body(request), options)
                return answer(_DONE, status=201)
            case name, "GET" | "POST" if name in _NOT_HERE:
                listing.read(self._store, target)
                raise statuses.not_implemented(_NOT_HERE[name])
        raise statuses.method_not_allowed()

    async def _write_one(self, request: web.Request, target: RequestTarget, options: Options) -> web.Response:
        shaper = self._shaper(request, target)
        if request.method == "DELETE" and not target.subresource:
            return answer(self._writer.delete(target, await self._delete_options(request), options))
        outcome = await self._change(request, target, options)
        status = 201 if outcome.is_new else 200
        return answer(shaper.one(outcome.obj), status=status, warnings=outcome.warnings)

    async def _change(self, request: web.Request, target: RequestTarget, options: Options) -> Written:
        match request.method:
            case "PUT":
                return self._writer.update(target, await self._body(request), options)
            case "PATCH":
                media_type = _media_type(request)
                if media_type not in PATCH_TYPES:
                    raise statuses.unsupported_media_type(PATCH_TYPES)
                read = decoded_yaml if media_type == patch.APPLY_PATCH else decoded
                return self._writer.patch(target, media_type, read(await self._raw(request)), options)
        raise statuses.method_not_allowed()

    async def _write_collection(
        self, request: web.Request, target: RequestTarget, options: Options
    ) -> web.Response:
        shaper = self._shaper(request, target)
        if request.method == "POST" and not (target.resource.namespaced and not target.namespace):
            outcome = self._writer.create(target, await self._body(request), options)
            return answer(shaper.one(outcome.obj), status=201, warnings=outcome.warnings)
        is_whole = target.resource.namespaced and not target.namespace
        if request.method == "DELETE" and target.resource.deletes_collections and not is_whole:
            body = await self._delete_options(request)
            page = listing.read_page(self._store, target, options)
            self._writer.delete_all(target, page.items, body, options)
            return answer(shaper.page(page))
        raise statuses.method_not_allowed()

    def _shaper(self, request: web.Request, target: RequestTarget) -> Shaper:
        return Shaper(
            resource=target.resource,
            wanted=wanted(request.headers.get("Accept", ""), META_FORMS),
            include=request.query.get("includeObject", "Metadata"),
            clock=self._clock,
        )

    async def _review(self, request: web.Request, review: access.Review, user: access.User) -> web.Response:
        if request.method != "POST":
            raise statuses.method_not_allowed()
        return answer(access.reviewed(review, user, await self._body(request)), status=201)

    async def _raw(self, request: web.Request) -> bytes:
        """The body; StatusError 408 or 413."""
        try:
            async with asyncio.timeout(self._body_s):
                return await request.read()
        except web.HTTPRequestEntityTooLarge as error:
            raise statuses.too_large_body(MAX_BYTES) from error
        except TimeoutError as error:
            raise statuses.too_slow_body(self._body_s) from error

    async def _body(self, request: web.Request) -> Any:
        """The body's value; StatusError 400, 408, 413 or 415."""
        reader = _READERS.get(_media_type(request))
        if reader is None:
            raise statuses.unsupported_media_type([name for name in _READERS if name])
        return reader(await self._raw(request))

    async def _delete_options(self, request: web.Request) -> Any:
        """The body of a DELETE, which may be empty, and of any type then."""
        raw = await self._raw(request)
        read = protobuf.decoded if _media_type(request) == protobuf.MEDIA_TYPE else decoded
        return read(raw) if raw else None


def _media_type(request: web.Request) -> str:
    """The body's type without parameters; empty if the client named none."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
