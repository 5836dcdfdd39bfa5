"""OpenSearch SQL as CloudWatch Logs Insights takes it -> DuckDB's: what a query for pairs needs, no more.

One SELECT with fields in backticks, log groups in FROM, at most one INNER or LEFT OUTER JOIN, subqueries one
level deep, GROUP BY, HAVING, ORDER BY, LIMIT, and the functions in FUNCTIONS. These limits are AWS's own
(OpenSearch developer guide, "Supported OpenSearch SQL commands and functions"), the choice of functions is
ours. The dialect is read as Spark's, which the guide's examples follow.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from k8s.lab.logs.logs_errors import malformed_query

TABLE: Final = "in_range"
"""What stands for the log group in a translated query: its records of the query's time."""
FUNCTIONS: Final = (
    *(exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg, exp.Coalesce, exp.Upper, exp.Lower, exp.Concat),
    *(exp.Cast, exp.TryCast, exp.Case, exp.If, exp.Floor, exp.Substring, exp.Length, exp.Nullif),
)
_SHAPE: Final = (
    *(exp.Select, exp.From, exp.Table, exp.TableAlias, exp.Subquery, exp.Join, exp.Where, exp.Group),
    *(exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Alias, exp.Column, exp.Identifier, exp.Literal),
    *(exp.Distinct, exp.DataType, exp.Null, exp.Boolean, exp.Star, exp.Paren, exp.Neg, exp.Tuple),
    *(exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Is, exp.In),
    *(exp.Between, exp.Like, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod),
)
_ALLOWED: Final = frozenset((*FUNCTIONS, *_SHAPE))
_TYPES: Final = frozenset({"TEXT", "VARCHAR", "BIGINT", "INT", "DOUBLE"})
_NESTED: Final = 2
"""Selects of which one is inside the other: one level of subqueries."""
_SHOWN: Final = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Translated:
    """A query for DuckDB."""

    sql: str
    """Reads TABLE."""
    groups: tuple[str, ...]
    """The log groups that it names, one for each time that it does."""
    fields: tuple[str, ...]
    """Fields with a dot or an ``@`` that it names: a record may lack any of them."""


def translate(text: str) -> Translated:
    """The query in DuckDB's words; MalformedQueryException for what is not understood here."""
    tree = _parsed(text)
    for node in tree.walk():
        _check(node)
    groups = tuple(table.name for table in tree.find_all(exp.Table))
    for table in tree.find_all(exp.Table):
        table.set("this", exp.to_identifier(TABLE, quoted=True))
        table.set("db", None)
    fields = tuple(dict.fromkeys(_fields(tree)))
    try:
        return Translated(sql=tree.sql(dialect="duckdb"), groups=groups, fields=fields)
    except SqlglotError as error:
        raise malformed_query(_line(error)) from error


def _parsed(text: str) -> exp.Select:
    try:
        statements = sqlglot.parse(text, read="spark")
    except SqlglotError as error:
        raise malformed_query(_line(error)) from error
    except RecursionError as error:
        raise malformed_query("the query is nested too deeply") from error
    if len(statements) != 1:
        raise malformed_query("a query is one statement, without a semicolon")
    (tree,) = statements
    if not isinstance(tree, exp.Select):
        raise malformed_query("a query is a SELECT; the stand-in knows queryLanguage SQL")
    return tree


def _check(node: exp.Expr) -> None:
    """MalformedQueryException where AWS has no such thing, or this stand-in."""
    if type(node) not in _ALLOWED:
        name = node.sql(dialect="spark")[:_SHOWN]
        raise malformed_query(f"the stand-in does not understand {type(node).__name__.upper()}: {name}")
    if isinstance(node, exp.DataType) and node.this.name not in _TYPES:
        raise malformed_query(f"the stand-in casts to STRING, INT, BIGINT or DOUBLE, not to {node.this.name}")
    if isinstance(node, exp.Select):
        if len(node.args.get("joins") or ()) > 1:
            raise malformed_query("only one JOIN is supported in a SELECT statement")
        if _depth(node) > _NESTED:
            raise malformed_query("only one level of nested subqueries is supported")
        if node.args.get("from_") is None:
            raise malformed_query("FROM names the log group, in backticks")
        unknown = {key for key, value in node.args.items() if value} - _CLAUSES
        if unknown:
            raise malformed_query(f"the stand-in does not understand {', '.join(sorted(unknown)).upper()}")
    if isinstance(node, exp.Join) and (node.side, node.kind) not in {("LEFT", "OUTER"), ("", "INNER")}:
        raise malformed_query("a JOIN must be INNER JOIN or LEFT OUTER JOIN")
    if isinstance(node, exp.Table) and node.args.get("db"):
        raise malformed_query("a log group's name stands in backticks as a whole")


_CLAUSES: Final = frozenset(
    {"expressions", "from_", "joins", "where", "group", "having", "order", "limit", "distinct"}
)


def _depth(node: exp.Expr) -> int:
    """How many SELECTs stand around this one, itself counted."""
    depth = 0
    at: exp.Expr | None = node
    while at is not None:
        depth += isinstance(at, exp.Select)
        at = at.parent
    return depth


def _fields(tree: exp.Select) -> Iterator[str]:
    return (column.name for column in tree.find_all(exp.Column) if re.search(r"[.@]", column.name))


def _line(error: Exception) -> str:
    """The parser's words on one line, without its colours."""
    return re.sub(r"\x1b\[\d*m", "", " ".join(str(error).split()))[:_SHOWN]
