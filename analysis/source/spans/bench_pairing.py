"""What pairing spans takes the stand-in's engine: ``python -m analysis.source.spans.bench_pairing [spans]``.

100 client pods call 100 server pods; every call is three spans, as they come from a program that answers a
page with one call. They are made inside the engine, for 10 million of them would take minutes on their way
in. Each size is asked as a look at everybody's window asks; every count is compared with what was made, and
so is the number of rows that leave the engine.

Without a number it is a million spans, in half a minute; 10000000 holds the goal, in minutes and 4 GiB.
"""

import os
import sys
import time
from dataclasses import dataclass
from typing import Final

from analysis.source.facts import Facts
from analysis.source.interface import Raw, Received
from analysis.source.spans import span_queries
from analysis.source.spans.span_queries import GROUP, MOST_ROWS, Wanted
from analysis.source.spans.spans_reader import ENDS, PAIRS, QUERY, WHOSE, SpansReader
from k8s.bench.peak import peak_mib
from k8s.errors import SamezoneError
from loadtest.record import Window

SPANS: Final = 10_000_000
"""Of which the goal is."""
FEWER: Final = 1_000_000
"""What is asked for where nobody says a number."""
SIZES: Final = (0.1, 0.3, 1.0)
PODS: Final = 100
"""Of each side: 10,000 pairs would be more rows than an answer holds, so that one of them makes no call."""
SPANS_A_CALL: Final = 3
BEGAN_S: Final = 1_795_376_700
LENGTH_S: Final = 3600
LONGEST_S: Final = 10.0
"""What the query for pairs may take with SPANS of them."""


class WrongPairsError(SamezoneError):
    """The pairs are not those that were made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """One size."""

    spans: int
    ends_s: float
    pairs_s: float
    pairs_cpu_s: float
    """Of all processors together: what another program on this machine does not make more."""
    once_s: float
    """With each span counted once, as where some came twice."""
    rows: int
    """That left the engine, of both tables."""
    rss_mib: float


def measure(spans: int, pods: int = PODS, *, length_s: int = LENGTH_S) -> Paired:
    """Make so many spans, ask for both tables, compare; WrongPairsError."""
    # Not at the top: the engine takes most of a second, and this module stands among those of every verb.
    from k8s.lab.logs.span_table import SpanTable  # noqa: PLC0415
    from k8s.lab.logs.sql_subset import translate  # noqa: PLC0415

    table = SpanTable()
    try:
        calls = spans // SPANS_A_CALL
        table.fill(_made(calls, pods, length_s))
        wanted = Wanted(window=Window(start_s=float(BEGAN_S), end_s=float(BEGAN_S + length_s)))
        start_s, end_s = span_queries.looked_through(wanted.window)
        texts = {
            ENDS: span_queries.ends(wanted),
            PAIRS: span_queries.pairs(wanted),
            "once": span_queries.pairs(wanted, once=True),
        }
        took_s: dict[str, float] = {}
        took_cpu_s: dict[str, float] = {}
        pages: list[Raw] = []
        for name, text in texts.items():
            query = table.prepared(translate(text))
            began_s, began_cpu_s = time.perf_counter(), time.process_time()
            found = query.run(start_s, end_s, MOST_ROWS)
            took_s[name] = time.perf_counter() - began_s
            took_cpu_s[name] = time.process_time() - began_cpu_s
            rows = [
                [
                    {"field": field, "value": str(value)}
                    for field, value in zip(found.columns, row, strict=True)
                    if value is not None
                ]
                for row in found.rows
            ]
            if name in {ENDS, PAIRS}:
                pages.append({QUERY: name, WHOSE: wanted.whose, "results": rows})
        _compare(pages, calls, pods)
    finally:
        table.close()
    return Paired(
        spans=calls * SPANS_A_CALL,
        ends_s=took_s[ENDS],
        pairs_s=took_s[PAIRS],
        pairs_cpu_s=took_cpu_s[PAIRS],
        once_s=took_s["once"],
        rows=sum(len(page["results"]) for page in pages),
        rss_mib=peak_mib(),
    )


def main(spans: int = FEWER) -> int:
    """Print a line a size; 1 where the largest took too long, by the clock and by its processors."""
    print(f"{GROUP}: {PODS} x {PODS} pods; goal: the pairs of {SPANS:,} spans within {LONGEST_S:g} s")
    last = None
    for size in SIZES:
        last = measure(round(spans * size))
        print(
            f"{last.spans:>12,} spans: ends {last.ends_s:5.2f} s, pairs {last.pairs_s:5.2f} s "
            f"({last.pairs_cpu_s:5.2f} s of processors; once {last.once_s:5.2f} s), {last.rows:,} rows out, "
            f"peak {last.rss_mib:,.0f} MiB"
        )
    processors = len(os.sched_getaffinity(0))
    held = last is not None and min(last.pairs_s, last.pairs_cpu_s / processors) <= LONGEST_S
    return 0 if held or spans < SPANS else 1


def _compare(pages: list[Raw], calls: int, pods: int) -> None:
    found = SpansReader().read(Received(answers=(tuple(pages),)), Facts())
    counted = {(call.client, call.server): call.count for call in found.calls}
    made: dict[tuple[str, str], int] = {}
    pairs = pods * pods - 1
    whole, rest = divmod(calls, pairs)
    for number in range(min(calls, pairs)):
        client, server = divmod(number, pods)
        made[f"ui-{client}", f"catalog-{server}"] = whole + (number < rest)
    if counted != made:
        raise WrongPairsError(f"{sum(counted.values())} calls of {len(counted)} pairs are not what was made")
    rows = sum(len(page["results"]) for page in pages)
    if rows != len(made) + 3 * pods:
        raise WrongPairsError(f"{rows} rows left the engine: one a pair and three a pod would be enough")


def _made(calls: int, pods: int, length_s: int) -> str:
    """A SELECT of DuckDB that makes the spans of so many calls, one after the other over the window."""
    pair, began = (
        f"(i % {pods * pods - 1})",
        f"{BEGAN_S}::BIGINT * 1000000000 + i * {length_s * 1_000_000_000 // calls}",
    )
    lasts = "(2000000 + (hash(i) % 1000) * 10000)::BIGINT"
    return f"""
        SELECT md5(i::VARCHAR) AS "traceId", printf('%016x', hash(i * 3 + part + 1)) AS "spanId",
            CASE WHEN part > 0 THEN printf('%016x', hash(i * 3 + part)) END AS "parentSpanId",
            CASE WHEN part = 1 THEN 'CLIENT' ELSE 'SERVER' END AS kind, 'GET' AS name,
            {began} AS "startTimeUnixNano", {began} + {lasts} AS "endTimeUnixNano", {lasts} AS "durationNano",
            ({began}) // 1000000 AS "@timestamp", 700::BIGINT AS "@bytes", 'UNSET' AS "status.code",
            CASE WHEN part = 2 THEN 'catalog-' || {pair} % {pods} ELSE 'ui-' || {pair} // {pods} END
                AS "resource.attributes.k8s.pod.name",
            'eu-west-1' || chr(97 + (i % 3)::INT) AS "resource.attributes.cloud.availability_zone",
            '200' AS "attributes.http.response.status_code",
            CASE WHEN part = 2 THEN (30000 + hash(i) % 20000)::VARCHAR END AS "attributes.network.peer.port"
        FROM range({calls}) calls(i), range({SPANS_A_CALL}) parts(part)"""  # noqa: S608 - numbers


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
