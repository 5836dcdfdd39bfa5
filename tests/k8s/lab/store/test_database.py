"""The catalog's queries and their spans, as the sample's gorm and its plugin make them."""

import asyncio
import time

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, set_span_in_context

from k8s.lab.service.tracing import resource_of
from k8s.lab.store.database import Database
from k8s.lab.store.products import PRODUCTS
from tests.k8s.lab.store.shop import CATALOG_IP, open_shop, pod
from tests.k8s.lab.xray.builders import EKS, Clock, by_name, counts, stand_in, take

ONE = PRODUCTS[0].id


def database() -> tuple[Database, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Database(provider.get_tracer("test")), exporter


def asked(exporter: InMemorySpanExporter) -> list[tuple[str, str, int]]:
    """Statement, table and rows of each query, the first to end first."""
    found = []
    for span in exporter.get_finished_spans():
        attributes = dict(span.attributes or {})
        assert (span.name, span.kind) == ("gorm.Query", SpanKind.CLIENT)
        assert set(attributes) == {
            *("db.system", "db.statement", "db.operation", "db.sql.table", "db.rows_affected")
        }
        assert (attributes["db.system"], attributes["db.operation"]) == ("sqlite", "select")
        rows = attributes["db.rows_affected"]
        assert isinstance(rows, int)
        found.append((str(attributes["db.statement"]), str(attributes["db.sql.table"]), rows))
    return found


def test_a_product_is_three_queries() -> None:
    """Its tags come with two more, inside the span of the first."""
    target, exporter = database()
    assert target.product(None, ONE) is not None

    pair, tag, product = asked(exporter)
    words = ("SELECT * FROM `product_tags` WHERE `product_tags`.`product_id` =", f'"{ONE}"')
    assert pair == (" ".join(words), "product_tags", 1)
    assert tag == ('SELECT * FROM `tags` WHERE `tags`.`name` = "accessories"', "tags", 1)
    words = ("SELECT * FROM `products` WHERE id =", f'"{ONE}" ORDER BY `products`.`id` LIMIT 1')
    assert product == (" ".join(words), "products", 1)
    pairs, tags, outer = exporter.get_finished_spans()
    assert outer.parent is None
    for inner in (pairs, tags):
        assert inner.parent is not None
        assert inner.parent.span_id == outer.context.span_id


def test_a_product_that_is_not_there_is_one_query_and_no_error() -> None:
    """Without a product there are no tags to ask for."""
    target, exporter = database()
    assert target.product(None, 'a "b"') is None

    assert asked(exporter) == [
        ('SELECT * FROM `products` WHERE id = "a ""b""" ORDER BY `products`.`id` LIMIT 1', "products", 0)
    ]
    assert exporter.get_finished_spans()[0].status.is_unset


def test_a_page_of_products_is_three_queries() -> None:
    """Filtered, ordered and cut by the database."""
    target, exporter = database()
    target.products(None, ("food", "vehicles"), order="price_asc", page=2, size=2)

    pairs, tags, outer = asked(exporter)
    columns = "`products`.`id`,`products`.`name`,`products`.`description`,`products`.`price`"
    assert outer[0].partition(" FROM ")[0] == "SELECT " + columns
    assert " FROM `products` JOIN product_tags ON product_tags.product_id = products.id JOIN " in outer[0]
    assert outer[0].endswith(
        'WHERE tags.name IN ("food","vehicles") GROUP BY `products`.`id` ORDER BY price asc LIMIT 2 OFFSET 2'
    )
    assert outer[1:] == ("products", 2)
    assert pairs[0].startswith('SELECT * FROM `product_tags` WHERE `product_tags`.`product_id` IN ("a1258cd2')
    assert (pairs[1:], tags[1:]) == (("product_tags", 2), ("tags", 1))


def test_a_page_without_products_is_one_query() -> None:
    """Beyond the last page, say."""
    target, exporter = database()
    target.products(None, (), order="", page=9, size=10)

    assert asked(exporter) == [
        ("SELECT * FROM `products` ORDER BY products.name asc LIMIT 10 OFFSET 80", "products", 0)
    ]


def test_counting_and_listing_tags_are_one_query_each() -> None:
    """Counting by tags gives a row for each product."""
    target, exporter = database()
    assert (target.count(None, ()), target.count(None, ("food",)), len(target.tags(None))) == (12, 1, 4)

    plain, tagged, tags = asked(exporter)
    assert plain == ("SELECT count(*) FROM `products`", "products", 1)
    assert tagged[0].endswith('WHERE tags.name IN ("food") GROUP BY `products`.`id`')
    assert tags == ("SELECT * FROM `tags` ORDER BY display_name asc", "tags", 4)


@pytest.mark.parametrize(
    ("path", "queries"), [("/home", 4), ("/catalog", 5), (f"/catalog/{ONE}", 3), ("/catalog/none", 1)]
)
def test_a_page_of_ui_makes_so_many_queries(path: str, queries: int) -> None:
    """All below catalog's SERVER spans, and none where they are not wanted."""

    async def visit(*, sql_spans: bool) -> list[ReadableSpan]:
        async with open_shop(sql_spans=sql_spans) as shop:
            await shop.get(path)
            return shop.finished()

    spans = asyncio.run(visit(sql_spans=True))
    by_id = {span.context.span_id: span for span in spans}
    found = [span for span in spans if span.name == "gorm.Query"]
    assert len(found) == queries
    for span in found:
        above = span
        while above.name == "gorm.Query":
            assert above.parent is not None
            above = by_id[above.parent.span_id]
        assert above.kind is SpanKind.SERVER
        assert str((above.attributes or {})["http.route"]).startswith("/catalog/")
    assert [span for span in asyncio.run(visit(sql_spans=False)) if span.name == "gorm.Query"] == []


def test_x_ray_shows_one_database_below_every_catalog_pod() -> None:
    """Whatever the table: the exporter names the node after the span, and SQL makes its type."""
    target = stand_in(Clock(time.time()))
    for name, asks in (("catalog-1", 1), ("catalog-2", 2)):
        exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False, resource=resource_of(pod(name, CATALOG_IP)))
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        tracer = provider.get_tracer("test")
        for _ in range(asks):
            with tracer.start_as_current_span("GET /catalog/products/{id}", kind=SpanKind.SERVER) as span:
                Database(tracer).product(set_span_in_context(span), ONE)
        take(target, encode_spans(exporter.get_finished_spans()))

    now_s = time.time()
    found = target.call("/ServiceGraph", {"StartTime": now_s - 60, "EndTime": now_s + 60})["Services"]
    nodes, edges = counts(found)
    sql, one, two = ("gorm.Query", "Database::SQL"), ("catalog-1", EKS), ("catalog-2", EKS)
    assert (nodes[sql], nodes[one], nodes[two]) == (9, 1, 2)
    assert {edge: count for edge, count in edges.items() if edge[1] == sql} == {(one, sql): 3, (two, sql): 6}
    assert by_name(found, *sql)["State"] == "unknown"
    assert len(nodes) == 5  # and a client before each pod
