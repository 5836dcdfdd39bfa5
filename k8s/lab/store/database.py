"""The catalog's database: what is asked of it, and the spans that each question makes.

The sample's catalog (1.6.2, in-memory persistence) asks sqlite through gorm 1.25.12, whose OpenTelemetry
plugin 0.1.12 makes a CLIENT span ``gorm.Query`` of every query. Here the products are in memory, and the
statements are what gorm would send. As there, a product's tags are two queries more (the pairs, then the
tags), within the span of the query for the products; a product that is not there has none, and is no error.

Source: aws-containers/retail-store-sample-app, src/catalog/repository/repository.go; go-gorm/opentelemetry,
tracing/tracing.go; go-gorm/gorm, callbacks/preload.go.
"""

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Tracer, set_span_in_context

from k8s.lab.service.leaf import SPAN_NAME
from k8s.lab.store.products import PRODUCTS, TAGS, Product, Tag, select

_COLUMNS = ",".join(f"`products`.`{name}`" for name in ("id", "name", "description", "price"))
_JOINS = (
    "JOIN product_tags ON product_tags.product_id = products.id",
    "JOIN tags ON tags.name = product_tags.tag_name",
)
_ORDERS = {"price_asc": "price asc", "price_desc": "price desc"}
_BY_ID = {product.id: product for product in PRODUCTS}


class Database:
    """Answers from memory; each question is asked below the span in *context*."""

    def __init__(self, tracer: Tracer | None) -> None:
        """Without a *tracer* there are no spans."""
        self._tracer = tracer

    def products(
        self, context: Context | None, tags: tuple[str, ...], *, order: str, page: int, size: int
    ) -> tuple[Product, ...]:
        """One page of the products with any of the tags (all, if none are given), with their tags."""
        span = self._started(context)
        found = select(tags, order=order, page=page, size=size)
        offset = ("OFFSET", str((page - 1) * size)) if page > 1 and size else ()
        by = _ORDERS.get(order, "products.name asc")
        what = _COLUMNS if tags else "*"
        self._load_tags(span, found)
        words = ("SELECT", what, "FROM `products`", *_with(tags), "ORDER BY", by, "LIMIT", str(size), *offset)
        _end(span, words, "products", len(found))
        return found

    def product(self, context: Context | None, product_id: str) -> Product | None:
        """The product of that id, with its tags; None if there is none."""
        span = self._started(context)
        found = _BY_ID.get(product_id)
        self._load_tags(span, (found,) if found else ())
        words = (
            "SELECT * FROM `products` WHERE id =",
            _quoted(product_id),
            "ORDER BY `products`.`id` LIMIT 1",
        )
        _end(span, words, "products", 0 if found is None else 1)
        return found

    def count(self, context: Context | None, tags: tuple[str, ...]) -> int:
        """How many products have any of the tags; all, if none are given."""
        span = self._started(context)
        found = len(select(tags, size=len(PRODUCTS)))
        # With tags the answer is one row for each product, and gorm counts the rows.
        _end(span, ("SELECT count(*) FROM `products`", *_with(tags)), "products", found if tags else 1)
        return found

    def tags(self, context: Context | None) -> tuple[Tag, ...]:
        """All tags, by the name they are shown with."""
        span = self._started(context)
        found = tuple(sorted(TAGS, key=lambda tag: tag.display_name))
        _end(span, ("SELECT * FROM `tags` ORDER BY display_name asc",), "tags", len(found))
        return found

    def _load_tags(self, parent: Span | None, products: tuple[Product, ...]) -> None:
        if parent is None or not products:
            return
        context = set_span_in_context(parent)
        pairs = self._started(context)
        ids = [product.id for product in products]
        words = ("SELECT * FROM `product_tags` WHERE `product_tags`.`product_id`", _among(ids))
        _end(pairs, words, "product_tags", len(ids))
        rows = self._started(context)
        names = list(dict.fromkeys(_BY_ID[one].tag.name for one in sorted(ids)))
        _end(rows, ("SELECT * FROM `tags` WHERE `tags`.`name`", _among(names)), "tags", len(names))

    def _started(self, context: Context | None) -> Span | None:
        if self._tracer is None:
            return None
        return self._tracer.start_span(SPAN_NAME, context=context, kind=SpanKind.CLIENT)


def _end(span: Span | None, words: Sequence[str], table: str, rows: int) -> None:
    """End a query's span; the *words* are its statement."""
    if span is None or not span.is_recording():
        return
    span.set_attributes(
        {
            "db.system": "sqlite",
            "db.statement": " ".join(words),
            "db.operation": "select",
            "db.sql.table": table,
            "db.rows_affected": rows,
        }
    )
    span.end()


def _with(tags: tuple[str, ...]) -> tuple[str, ...]:
    """What a filter by tags adds to a statement."""
    if not tags:
        return ()
    listed = ",".join(_quoted(tag) for tag in tags)
    return (*_JOINS, f"WHERE tags.name IN ({listed})", "GROUP BY `products`.`id`")


def _among(values: list[str]) -> str:
    return f"= {_quoted(values[0])}" if len(values) == 1 else f"IN ({','.join(map(_quoted, values))})"


def _quoted(value: str) -> str:
    """As gorm's sqlite dialect explains a value."""
    return '"' + value.replace('"', '""') + '"'
