"""A catalog and a ui on sockets of the loopback, with their spans in memory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from k8s.lab.design.store_app import CATALOG, store
from k8s.lab.service.calls import ServiceCalls
from k8s.lab.service.httpd import HttpServer
from k8s.lab.service.pod_settings import PodSettings
from k8s.lab.service.serving import TracedPages
from k8s.lab.store.catalog import Catalog
from k8s.lab.store.ui import Ui

CATALOG_IP, UI_IP, CLIENT_IP = "127.78.1.1", "127.78.1.2", "127.78.1.9"


def pod(name: str, ip: str, **more: object) -> PodSettings:
    """A pod of zone a."""
    given: dict[str, object] = {"sql_spans": True, "catalog_url": ""} | more
    by_name = {
        workload.key.name: workload for workload in store(sql_spans=bool(given["sql_spans"])).workloads
    }
    return PodSettings(
        name=name,
        namespace=name.partition("-")[0],
        node="node-a-1",
        zone="eu-west-1a",
        region="eu-west-1",
        ip=ip,
        otlp_url="http://127.0.0.1:1/v1/traces",
        workload=by_name[name.partition("-")[0]],
        callee_urls=((CATALOG, str(given["catalog_url"])),),
    )


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a browser got."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Shop:
    """A ui pod and the catalog pod it calls."""

    ui_port: int
    catalog_port: int
    catalog: HttpServer
    spans: InMemorySpanExporter

    async def get(self, path: str, *, port: int = 0, host: str = UI_IP, **headers: str) -> Page:
        """GET from CLIENT_IP, on a connection of its own."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        raw = await talk(
            host,
            port or self.ui_port,
            f"GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n{lines}\r\n",
        )
        return page_of(raw)

    def finished(self) -> list[ReadableSpan]:
        """The spans that ended, first ended first."""
        return list(self.spans.get_finished_spans())


async def talk(host: str, port: int, said: str) -> bytes:
    """Send and read to the end."""
    reader, writer = await asyncio.open_connection(host, port, local_addr=(CLIENT_IP, 0))
    writer.write(said.encode())
    answer = await reader.read(-1)
    writer.close()
    return answer


def page_of(raw: bytes) -> Page:
    """A whole HTTP answer."""
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in fields)}
    return Page(status=int(line.split(" ")[1]), headers=headers, body=body)


@contextlib.asynccontextmanager
async def open_shop(*, keep_alive: bool = False, sql_spans: bool = False) -> AsyncIterator[Shop]:
    """A shop as long as the context lasts."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    catalog_pages = TracedPages(
        Catalog(pod("catalog-1", CATALOG_IP, sql_spans=sql_spans), tracer).route, tracer
    )
    catalog = HttpServer(CATALOG_IP, 0, catalog_pages.answer)
    url = f"http://{CATALOG_IP}:{catalog.port}"
    calls = ServiceCalls("catalog", url, source_ip=UI_IP, keep_alive=keep_alive, tracer=tracer)
    ui_pages = TracedPages(Ui(pod("ui-1", UI_IP, catalog_url=url), calls).route, tracer)
    ui = HttpServer(UI_IP, 0, ui_pages.answer)
    try:
        yield Shop(ui_port=ui.port, catalog_port=catalog.port, catalog=catalog, spans=exporter)
    finally:
        calls.close()
        await ui.close(0.0)
        await catalog.close(0.0)
