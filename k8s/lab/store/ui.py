"""``ui``: pages made of calls to ``catalog``, one CLIENT span each.

The calls of a page and their order are the sample's: its HomeController and CatalogController ask for the
size, then the products; the catalog page asks for the tags first.
"""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import quote

import msgspec

from k8s.lab.design.store_app import CATALOG
from k8s.lab.service.calls import CallFailedError, ServiceCalls
from k8s.lab.service.httpd import Reply
from k8s.lab.service.pod_settings import PodSettings
from k8s.lab.service.serving import HTML, Call, Route, TracedPages, json_reply, serve_until_told
from k8s.lab.service.tracing import start_tracing
from k8s.lab.store.pages import Pages, ProductSeen, SizeSeen, TagSeen

HOME_PRODUCTS = 3
PAGE_PRODUCTS = 6
_ITEM = "/catalog/"
_NOT_FOUND = 404
_UP = json_reply({"status": "UP"})
_products = msgspec.json.Decoder(tuple[ProductSeen, ...])
_product = msgspec.json.Decoder(ProductSeen)
_tags = msgspec.json.Decoder(tuple[TagSeen, ...])
_size = msgspec.json.Decoder(SizeSeen)


class Ui:
    """The handlers of one ui pod."""

    def __init__(self, pod: PodSettings, calls: ServiceCalls) -> None:
        self._calls = calls
        self._pages = Pages(pod=pod.name, zone=pod.zone)
        where = json_reply(
            {"pod": pod.name, "node": pod.node, "zone": pod.zone, "endpoints": {"catalog": pod.url(CATALOG)}}
        )
        self._item = self._route("/catalog/{id}", self._detail)
        self._routes = {
            route.template: route
            for route in (
                self._route("/", self._home),
                self._route("/home", self._home),
                self._route("/catalog", self._catalog),
                Route(
                    template="/info", handler=_constant(json_reply({"app": {"name": "ui", "pod": pod.name}}))
                ),
                Route(template="/topology", handler=_constant(where)),
                Route(template="/actuator/health/readiness", handler=_constant(_UP), traced=False),
                Route(template="/actuator/health/liveness", handler=_constant(_UP), traced=False),
            )
        }

    def route(self, path: str) -> Route | None:
        """The route of a path, or None."""
        found = self._routes.get(path)
        if found is None and path.startswith(_ITEM) and "/" not in path[len(_ITEM) :]:
            return self._item
        return found

    def _route(self, template: str, page: Callable[[Call], Awaitable[bytes]]) -> Route:
        async def handler(call: Call) -> Reply:
            try:
                return Reply(body=await page(call), content_type=HTML)
            except CallFailedError as error:
                status = _NOT_FOUND if error.status == _NOT_FOUND else 502
                return Reply(body=self._pages.error(status, str(error)), content_type=HTML, status=status)

        return Route(template=template, handler=handler)

    async def _home(self, call: Call) -> bytes:
        size = await self._calls.get_json("/catalog/size", {"tags": ""}, call.context, _size)
        products = await self._calls.get_json(
            "/catalog/products", {"page": "1", "size": str(HOME_PRODUCTS)}, call.context, _products
        )
        return self._pages.home(size.size, products)

    async def _catalog(self, call: Call) -> bytes:
        tag = call.query.get("tag", "")
        page, count = call.number("page", 1), call.number("size", PAGE_PRODUCTS)
        tags = await self._calls.get_json("/catalog/tags", {}, call.context, _tags)
        size = await self._calls.get_json("/catalog/size", {"tags": tag}, call.context, _size)
        products = await self._calls.get_json(
            "/catalog/products",
            {"page": str(page), "size": str(count), "tags": tag},
            call.context,
            _products,
        )
        return self._pages.catalog(tags, size.size, products)

    async def _detail(self, call: Call) -> bytes:
        item = call.path.removeprefix(_ITEM)
        return self._pages.product(
            await self._calls.get_json(f"/catalog/products/{quote(item)}", {}, call.context, _product)
        )


def _constant(reply: Reply) -> Callable[[Call], Reply]:
    def handler(_call: Call) -> Reply:
        return reply

    return handler


def serve(pod: PodSettings) -> None:
    """Be a ui pod until SIGTERM."""
    asyncio.run(_serve(pod))


async def _serve(pod: PodSettings) -> None:
    provider = start_tracing(pod)
    tracer = provider.get_tracer("ui")
    calls = ServiceCalls(
        "catalog",
        pod.url(CATALOG),
        source_ip=pod.ip,
        keep_alive=pod.workload.keep_alive,
        tracer=tracer,
    )
    try:
        await serve_until_told(TracedPages(Ui(pod, calls).route, tracer), pod, provider)
    finally:
        calls.close()
