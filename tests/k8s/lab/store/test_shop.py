"""ui and catalog together: pages, fan-out, spans, and what happens when catalog is away."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from k8s.lab.store.products import PRODUCTS
from tests.k8s.lab.store.shop import CATALOG_IP, CLIENT_IP, UI_IP, Shop, open_shop, page_of, talk

TRACE_ID, PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def in_shop(act: Callable[[Shop], Awaitable[None]], *, keep_alive: bool = False) -> None:
    """Run *act* with a shop."""

    async def run() -> None:
        async with open_shop(keep_alive=keep_alive) as shop:
            await act(shop)

    asyncio.run(run())


def kinds(spans: list[ReadableSpan]) -> Counter[str]:
    return Counter(span.kind.name for span in spans)


@pytest.mark.parametrize(
    ("path", "calls"),
    [
        ("/", ["/catalog/size?tags=", "/catalog/products?page=1&size=3"]),
        ("/home", ["/catalog/size?tags=", "/catalog/products?page=1&size=3"]),
        (
            "/catalog?tag=food&page=2",
            ["/catalog/tags", "/catalog/size?tags=food", "/catalog/products?page=2&size=6&tags=food"],
        ),
        (f"/catalog/{PRODUCTS[0].id}", [f"/catalog/products/{PRODUCTS[0].id}"]),
        ("/info", []),
        ("/topology", []),
    ],
)
def test_a_page_makes_the_samples_calls_in_their_order(path: str, calls: list[str]) -> None:
    """One CLIENT span a call, and one SERVER span at each end."""

    async def act(shop: Shop) -> None:
        page = await shop.get(path)
        assert page.status == 200
        spans = shop.finished()
        asked = [str(span.attributes["url.full"]) for span in spans if span.kind is SpanKind.CLIENT]  # type: ignore[index] # ours have attributes
        assert calls == [url.removeprefix(f"http://{CATALOG_IP}:{shop.catalog_port}") for url in asked]
        assert {"SERVER": 1 + len(calls), "CLIENT": len(calls)} == {"CLIENT": 0} | kinds(spans)

    in_shop(act)


def test_spans_are_one_trace_from_the_callers_context_down() -> None:
    """Caller -> ui SERVER -> ui CLIENT -> catalog SERVER."""

    async def act(shop: Shop) -> None:
        await shop.get(f"/catalog/{PRODUCTS[1].id}", traceparent=f"00-{TRACE_ID}-{PARENT_ID}-01")
        catalog, client, ui = shop.finished()
        assert {TRACE_ID} == {f"{span.context.trace_id:032x}" for span in (catalog, client, ui)}
        parents = [f"{span.parent.span_id:016x}" if span.parent else "" for span in (ui, client, catalog)]
        assert [PARENT_ID, f"{ui.context.span_id:016x}", f"{client.context.span_id:016x}"] == parents

    in_shop(act)


def test_spans_say_who_called_whom() -> None:
    """The attributes that the awsxray exporter reads, and the peer's real address."""

    async def act(shop: Shop) -> None:
        await shop.get(f"/catalog/{PRODUCTS[1].id}")
        catalog, client, ui = (dict(span.attributes or {}) for span in shop.finished())
        assert (catalog["network.peer.address"], catalog["client.address"]) == (UI_IP, UI_IP)
        assert (
            ui["client.address"],
            ui["http.route"],
            ui["http.response.status_code"],
        ) == (CLIENT_IP, "/catalog/{id}", 200)
        assert ("GET", 200, CATALOG_IP, shop.catalog_port) == (
            client["http.request.method"],
            client["http.response.status_code"],
            client["server.address"],
            client["server.port"],
        )

    in_shop(act)


def test_an_unsampled_caller_leaves_no_spans() -> None:
    """The sampler follows its parent."""

    async def act(shop: Shop) -> None:
        await shop.get("/home", traceparent=f"00-{TRACE_ID}-{PARENT_ID}-00")
        assert shop.finished() == []

    in_shop(act)


@pytest.mark.parametrize("path", ["/actuator/health/readiness", "/actuator/health/liveness"])
def test_ui_probes_answer_up_and_are_not_traced(path: str) -> None:
    """The kubelet's probes must not show in the graph."""

    async def act(shop: Shop) -> None:
        page = await shop.get(path)
        assert (page.status, page.body, shop.finished()) == (200, b'{"status":"UP"}', [])

    in_shop(act)


def test_catalogs_probe_answers_ok_and_is_not_traced() -> None:
    """As above, for catalog."""

    async def act(shop: Shop) -> None:
        page = await shop.get("/health", host=CATALOG_IP, port=shop.catalog_port)
        assert (page.status, page.body, shop.finished()) == (200, b"OK", [])

    in_shop(act)


@pytest.mark.parametrize(
    ("query", "prices"),
    [
        ("?tags=vehicles&order=price_asc", [9000, 10000, 15000]),
        ("?tags=vehicles,food&order=price_desc&size=2", [15000, 10000]),
        ("?order=price_asc&page=3&size=5", [10000, 15000]),
        ("?page=9", []),
    ],
)
def test_products_are_filtered_ordered_and_paged(query: str, prices: list[int]) -> None:
    """The parameters of the sample's catalog."""

    async def act(shop: Shop) -> None:
        page = await shop.get(f"/catalog/products{query}", host=CATALOG_IP, port=shop.catalog_port)
        assert prices == [product["price"] for product in msgspec.json.decode(page.body)]

    in_shop(act)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/catalog/products?page=one", 400), ("/catalog/products/none", 404), ("/nothing", 404)],
)
def test_catalog_refuses_with_code_and_message(path: str, status: int) -> None:
    """In the form of the sample's errors."""

    async def act(shop: Shop) -> None:
        page = await shop.get(path, host=CATALOG_IP, port=shop.catalog_port)
        assert (status, status) == (page.status, msgspec.json.decode(page.body)["code"])

    in_shop(act)


def test_an_unknown_product_is_a_404_of_ui_and_no_fault() -> None:
    """The client's span is an error, the server's is not."""

    async def act(shop: Shop) -> None:
        page = await shop.get("/catalog/none")
        assert page.status == 404
        _, client, ui = shop.finished()
        assert (client.status.status_code, ui.status.status_code) == (StatusCode.ERROR, StatusCode.UNSET)

    in_shop(act)


def test_without_catalog_ui_answers_502_and_its_spans_say_so() -> None:
    """One failed call is enough; the page is not half a page."""

    async def act(shop: Shop) -> None:
        await shop.catalog.close(0.0)
        page = await shop.get("/home")
        assert page.status == 502
        client, ui = shop.finished()
        assert (client.status.status_code, ui.status.status_code) == (StatusCode.ERROR, StatusCode.ERROR)
        assert (client.attributes or {})["error.type"] == "ConnectionRefusedError"

    in_shop(act)


@pytest.mark.parametrize(("keep_alive", "connections"), [(False, 6), (True, 1)])
def test_every_call_is_a_new_connection_unless_they_are_kept(keep_alive: bool, connections: int) -> None:
    """Three pages of two calls, one page after the other."""

    async def act(shop: Shop) -> None:
        for _ in range(3):
            await shop.get("/home")
        servers = [span for span in shop.finished() if span.kind is SpanKind.SERVER]
        peers = {
            (attributes["network.peer.address"], attributes["network.peer.port"])
            for attributes in (dict(span.attributes or {}) for span in servers)
            if attributes["network.peer.address"] == UI_IP
        }
        assert connections == len(peers)

    in_shop(act, keep_alive=keep_alive)


def test_pages_escape_what_they_show() -> None:
    """A query cannot put markup into a page."""

    async def act(shop: Shop) -> None:
        page = await shop.get("/catalog/%3Cscript%3E")
        assert b"<script>" not in page.body

    in_shop(act)


def test_several_requests_on_one_connection_are_answered_in_order() -> None:
    """Also if they are sent ahead; HEAD has the length and no body."""
    health = "/actuator/health/liveness"

    async def act(shop: Shop) -> None:
        said = (
            f"GET /home HTTP/1.1\r\nHost: a\r\n\r\nHEAD {health} HTTP/1.1\r\nHost: a\r\n\r\n"
            f"GET {health} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        raw = await talk(UI_IP, shop.ui_port, said)
        first = page_of(raw)
        length = int(first.headers["content-length"])
        assert first.body[:length][-7:] == b"</html>"
        head = page_of(first.body[length:])
        assert (head.headers["content-length"], head.body[:4]) == ("15", b"HTTP")
        assert page_of(head.body).body == b'{"status":"UP"}'

    in_shop(act)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("POST /home HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", 405),
        ("nonsense\r\n\r\n", 400),
        ("GET /home SPDY/9\r\n\r\n", 400),
        ("GET /home HTTP/1.1\r\nno colon\r\n\r\n", 400),
        ("GET /" + "x" * 70_000, 431),
    ],
    ids=["body", "no request line", "other protocol", "no header", "too long"],
)
def test_what_is_not_understood_is_refused_and_closed(said: str, status: int) -> None:
    """The connection is of no use afterwards."""

    async def act(shop: Shop) -> None:
        assert status == page_of(await talk(UI_IP, shop.ui_port, said)).status

    in_shop(act)
