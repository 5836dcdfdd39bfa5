"""``catalog``: products as JSON, from a database in memory."""

import asyncio
from collections.abc import Mapping

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer

from k8s.lab.service.httpd import Reply
from k8s.lab.service.leaf import TRACER_NAME
from k8s.lab.service.pod_settings import PodSettings
from k8s.lab.service.serving import Call, Route, TracedPages, error_reply, json_reply, serve_until_told
from k8s.lab.service.tracing import start_tracing
from k8s.lab.store.database import Database
from k8s.lab.store.products import PRODUCTS, TAGS, Product, Tag

_PRODUCT = "/catalog/products/"


def _tag_json(tag: Tag) -> dict[str, str]:
    return {"name": tag.name, "displayName": tag.display_name}


def _product_json(product: Product) -> dict[str, object]:
    return {
        "id": product.id,
        "name": product.name,
        "description": product.description,
        "price": product.price,
        "tags": [_tag_json(product.tag)],
    }


_TAGS = json_reply([_tag_json(tag) for tag in sorted(TAGS, key=lambda tag: tag.display_name)])
_BY_ID = {product.id: json_reply(_product_json(product)) for product in PRODUCTS}


class Catalog:
    """The handlers of one catalog pod."""

    def __init__(self, pod: PodSettings, tracer: Tracer) -> None:
        """*tracer* makes the spans of the queries, where the pod shall have them."""
        self._database = Database(tracer if pod.workload.database else None)
        self._topology = json_reply(
            {
                "persistenceProvider": "in-memory",
                "databaseEndpoint": "N/A",
                "pod": pod.name,
                "node": pod.node,
                "zone": pod.zone,
            }
        )
        self._product = Route(template="/catalog/products/{id}", handler=self._one)
        self._routes = {
            route.template: route
            for route in (
                Route(template="/catalog/products", handler=self._page),
                Route(template="/catalog/size", handler=self._size),
                Route(template="/catalog/tags", handler=self._tags),
                Route(template="/health", handler=_health, traced=False),
                Route(template="/topology", handler=self._where, traced=False),
            )
        }

    def route(self, path: str) -> Route | None:
        """The route of a path, or None."""
        found = self._routes.get(path)
        if found is None and path.startswith(_PRODUCT):
            return self._product
        return found

    def _where(self, _call: Call) -> Reply:
        return self._topology

    def _page(self, call: Call) -> Reply:
        page, size = call.number("page", 1), call.number("size", 10)
        if page is None or size is None or page < 1 or size < 0:
            return error_reply(400, "page and size have to be numbers")
        order = call.query.get("order", "")
        found = self._database.products(call.context, _tags_of(call.query), order=order, page=page, size=size)
        return json_reply([_product_json(product) for product in found])

    def _one(self, call: Call) -> Reply:
        found = self._database.product(call.context, call.path.removeprefix(_PRODUCT))
        return error_reply(404, "record not found") if found is None else _BY_ID[found.id]

    def _size(self, call: Call) -> Reply:
        return json_reply({"size": self._database.count(call.context, _tags_of(call.query))})

    def _tags(self, call: Call) -> Reply:
        self._database.tags(call.context)
        return _TAGS


def _health(_call: Call) -> Reply:
    return Reply(body=b"OK", content_type="text/plain")


def _tags_of(query: Mapping[str, str]) -> tuple[str, ...]:
    text = query.get("tags", "")
    return tuple(text.split(",")) if text else ()


def serve(pod: PodSettings) -> None:
    """Be a catalog pod until SIGTERM."""
    asyncio.run(_serve(pod))


async def _serve(pod: PodSettings) -> None:
    provider: TracerProvider = start_tracing(pod)
    catalog = Catalog(pod, provider.get_tracer(TRACER_NAME))
    await serve_until_told(TracedPages(catalog.route, provider.get_tracer("catalog")), pod, provider)
