"""A database below a service: a leaf of the graph, of which there are only the caller's spans.

They look as those of gorm's OpenTelemetry plugin 0.1.12, which the demo store's catalog has; X-Ray shows them
as one node of type ``Database::SQL``.
"""

from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Tracer

SPAN_NAME = "gorm.Query"
TRACER_NAME = "gorm.io/plugin/opentelemetry"


def ask_database(tracer: Tracer, context: Context | None, table: str) -> None:
    """A query for one row of *table*, answered from memory."""
    tracer.start_span(
        SPAN_NAME,
        context=context,
        kind=SpanKind.CLIENT,
        attributes={
            "db.system": "sqlite",
            "db.statement": f"SELECT * FROM `{table}` ORDER BY `{table}`.`id` LIMIT 1",  # noqa: S608 - nobody runs it
            "db.operation": "select",
            "db.sql.table": table,
            "db.rows_affected": 1,
        },
    ).end()
