"""A log group's records in DuckDB: one wide table, a column for each field that any record has.

CloudWatch Logs finds the fields of a JSON record by itself and names them by their path, with dots. All are
text here but the times, as the API gives them back; a field that a record lacks is NULL.
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec

from k8s.lab.logs.logs_errors import malformed_query
from k8s.lab.logs.running_queries import QueryFailedError
from k8s.lab.logs.sql_subset import TABLE, Translated

TIMESTAMP: Final = "@timestamp"
"""Milliseconds since the epoch."""
NUMBERS: Final = (TIMESTAMP, "startTimeUnixNano", "endTimeUnixNano", "durationNano")
KNOWN: Final = ("traceId", "spanId", "parentSpanId", "name", "kind", "status.code", "status.message")
"""Fields that every span may have; they are there before the first record."""
BYTES: Final = "@bytes"
"""How long a record is, as JSON."""
MOST_FIELDS: Final = 1_000
"""CloudWatch Logs finds so many of a log group (user guide, "Supported logs and discovered fields")."""
MEMORY: Final = "4GB"
"""DuckDB writes to its file what does not fit."""

LogRecord = Mapping[str, Any]
"""A span as nested JSON, with its TIMESTAMP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What a query found."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    records: int
    """Scanned, once for each time that the query names the log group."""
    bytes_scanned: int


class SpanTable:
    """Holds records in a file of its own until it is closed."""

    def __init__(self) -> None:
        """Start empty."""
        self._folder = Path(tempfile.mkdtemp(prefix="samezone-spans-"))
        self._lines = self._folder / "new.ndjson"
        self._database = duckdb.connect(str(self._folder / "spans.duckdb"))
        # Queries read what AWS sends them, and nothing of this machine's but the new records.
        self._database.execute(f"SET memory_limit='{MEMORY}'")
        self._database.execute(f"SET allowed_paths=['{self._lines}']")
        self._database.execute(f"SET temp_directory='{self._folder / 'spill'}'")
        self._database.execute("SET enable_external_access=false")
        self._database.execute("SET preserve_insertion_order=false")  # rows have no order but ORDER BY's
        columns = [f'"{name}" {_type(name)}' for name in (*NUMBERS, BYTES, *KNOWN)]
        self._database.execute(f"CREATE TABLE spans ({', '.join(columns)})")
        self._database.execute("SET lock_configuration=true")
        self._names = {name.casefold(): name for name in (*NUMBERS, BYTES, *KNOWN)}
        self.left_out = 0
        """Fields of records that were too many, or differ from another in case only."""

    def close(self) -> None:
        """Forget everything."""
        self._database.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, records: Iterable[LogRecord]) -> None:
        """Add records; each becomes a row."""
        names: dict[str, None] = {}
        lines = []
        for record in records:
            flat = {name: value for name, value in _flat(record) if self._column(name)}
            names.update(dict.fromkeys(flat))
            lines.append(msgspec.json.encode(flat | {BYTES: len(msgspec.json.encode(record))}))
        if not lines:
            return
        self._lines.write_bytes(b"\n".join(lines))
        columns = ", ".join(f"'{_quoted(one)}': '{_type(one)}'" for one in (*names, BYTES))
        self._database.execute(
            f"INSERT INTO spans BY NAME SELECT * FROM read_json('{self._lines}', "  # noqa: S608 - our own names
            f"format='newline_delimited', columns={{{columns}}})"
        )
        self._lines.unlink()

    def forget(self, trace_ids: Sequence[str]) -> None:
        """Drop the records of these traces."""
        self._database.execute('DELETE FROM spans WHERE list_contains(?, "traceId")', [list(trace_ids)])

    def fill(self, select: str) -> None:
        """Add what a SELECT of DuckDB makes, by the names of its columns: many at once, for a bench."""
        found = self._database.execute(f"DESCRIBE {select}").fetchall()
        for name, *_ in found:
            self._column(str(name))
        self._database.execute(f"INSERT INTO spans BY NAME {select}")

    def prepared(self, query: Translated) -> "Prepared":
        """The query ready to run in any thread; MalformedQueryException where DuckDB does not take it."""
        for name in query.fields:
            self._column(name)
        cursor = self._database.cursor()
        try:
            cursor.execute(f"EXPLAIN {_within(0, 0)} {query.sql}")
        except duckdb.Error as error:
            cursor.close()
            raise malformed_query(" ".join(str(error).split())[:200]) from error
        return Prepared(cursor, query)

    def _column(self, name: str) -> bool:
        """Whether there is a column of that name, now."""
        known = self._names.get(name.casefold())
        if known is None and len(self._names) < MOST_FIELDS:
            quoted = name.replace('"', '""')
            self._database.execute(f'ALTER TABLE spans ADD COLUMN "{quoted}" VARCHAR')
            known = self._names[name.casefold()] = name
        self.left_out += known != name
        return known == name


class Prepared:
    """A query that was understood."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, query: Translated) -> None:
        """Its own connection: it can be stopped."""
        self._cursor = cursor
        self._query = query

    def run(self, start_s: float, end_s: float, most: int) -> Table:
        """Up to *most* rows over the records of [start, end], in seconds; QueryFailedError."""
        start_ms, end_ms = int(start_s * 1000), int(end_s * 1000) + 999
        try:
            scanned = self._cursor.execute(
                f'{_within(start_ms, end_ms)} SELECT COUNT(*), COALESCE(SUM("{BYTES}"), 0) FROM {TABLE}'  # noqa: S608 - our own names
            ).fetchone()
            found = self._cursor.execute(f"{_within(start_ms, end_ms)} {self._query.sql}")
            columns = tuple(str(one[0]) for one in found.description or ())
            rows = tuple(found.fetchmany(most))
        except duckdb.Error as error:
            raise QueryFailedError(" ".join(str(error).split())) from error
        finally:
            self._cursor.close()
        times = len(self._query.groups)
        records, length = scanned or (0, 0)
        return Table(columns=columns, rows=rows, records=records * times, bytes_scanned=int(length) * times)

    def stop(self) -> None:
        """End it, wherever it is; it may have ended by itself meanwhile."""
        with suppress(duckdb.ConnectionException):
            self._cursor.interrupt()


def _within(start_ms: int, end_ms: int) -> str:
    return f'WITH {TABLE} AS (SELECT * FROM spans WHERE "{TIMESTAMP}" BETWEEN {start_ms} AND {end_ms})'  # noqa: S608 - numbers


def _type(name: str) -> str:
    return "BIGINT" if name in (*NUMBERS, BYTES) else "VARCHAR"


def _quoted(name: str) -> str:
    return name.replace("'", "''")


def _flat(record: LogRecord, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value with its path; lists and what is empty as JSON."""
    for key, value in record.items():
        name = f"{path}{key}"
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{name}.")
        elif value is None or name in NUMBERS or isinstance(value, str):
            yield name, value
        else:
            yield name, msgspec.json.encode(value).decode()
