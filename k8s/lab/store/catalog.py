"""``catalog``: products as JSON, from memory."""

import asyncio
from collections.abc import Mapping

from opentelemetry.sdk.trace import TracerProvider

from k8s.lab.store.httpd import Reply
from k8s.lab.store.pod_settings import PodSettings
from k8s.lab.store.products import PRODUCTS, TAGS, Product, Tag, select
from k8s.lab.store.serving import Call, Route, TracedPages, error_reply, json_reply, serve_until_told
from k8s.lab.store.tracing import start_tracing

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

    def __init__(self, pod: PodSettings) -> None:
        self._topology = json_reply(
            {
                "persistenceProvider": "in-memory",
                "databaseEndpoint": "N/A",
                "pod": pod.name,
                "node": pod.node,
                "zone": pod.zone,
            }
        )
        self._product = Route(template="/catalog/products/{id}", handler=_one)
        self._routes = {
            route.template: route
            for route in (
                Route(template="/catalog/products", handler=_page),
                Route(template="/catalog/size", handler=_size),
                Route(template="/catalog/tags", handler=_tags),
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


def _page(call: Call) -> Reply:
    page, size = call.number("page", 1), call.number("size", 10)
    if page is None or size is None or page < 1 or size < 0:
        return error_reply(400, "page and size have to be numbers")
    found = select(_tags_of(call.query), order=call.query.get("order", ""), page=page, size=size)
    return json_reply([_product_json(product) for product in found])


def _one(call: Call) -> Reply:
    return _BY_ID.get(call.path.removeprefix(_PRODUCT)) or error_reply(404, "record not found")


def _size(call: Call) -> Reply:
    return json_reply({"size": len(select(_tags_of(call.query), size=len(PRODUCTS)))})


def _tags(_call: Call) -> Reply:
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
    await serve_until_told(TracedPages(Catalog(pod).route, provider.get_tracer("catalog")), pod, provider)
