"""Stored answers about ``aws/spans`` -> domain values; loads no client, so that a run is read without AWS."""

from collections.abc import Iterable
from typing import Final

from analysis.source.facts import Facts
from analysis.source.interface import Counts, CountUnit, Grain, Raw, Reader, Received, Sample, SampledCall
from analysis.source.spans.span_counts import (
    ResultRow,
    SpanCounts,
    leaves_of,
    number,
    rows_of,
    sorted_calls,
)
from analysis.source.spans.span_queries import GROUP
from k8s.errors import UsageError

NAME: Final = "spans"
TITLE: Final = GROUP
ENDS: Final = "ends"
PAIRS: Final = "pairs"
QUERY: Final = "query"
"""The key under which a stored page says which of the two it answers."""
WHOSE: Final = "whose"
LOSS_METER: Final = (
    "SERVER spans whose parent is missing, and CLIENT spans without one below, of callees that send them"
)
_NS: Final = 1e9
_ERROR, _FAULT = 1, 2


class SpansReader(Reader):
    """Requests between pods, by the spans of both sides; connections by the callers' ports."""

    def read(self, received: Received, facts: Facts) -> Counts:
        """Calls, entries, losses and leaves; of the run's traces alone where those were asked for.

        In a run's traces a request enters at the load generator; a span there whose parent is missing is
        nobody's, and counts as unattributed. In everybody's it is a request that entered, as in X-Ray's
        graph.
        """
        found = SpanCounts()
        pages = [page for query in received.answers for page in query]
        if any(page.get(QUERY) not in {ENDS, PAIRS} for page in pages):
            raise UsageError("reading the spans: a page answers no known query; is graph.json of aws/spans?")
        found.take_ends(rows_of(page for page in pages if page[QUERY] == ENDS))
        found.take_pairs(rows_of(page for page in pages if page[QUERY] == PAIRS), facts)
        of_run = any(page.get(WHOSE) == "run" for page in pages)
        return Counts(
            title=TITLE,
            unit=CountUnit.REQUESTS,
            grain=Grain.POD,
            calls=sorted_calls(found.calls),
            entries=found.entries(with_orphans=not of_run),
            lost=sorted_calls(found.lost),
            leaves=leaves_of(found),
            unattributed=found.nameless + (found.orphans.total() if of_run else 0),
            repeated=found.repeated,
            sample=sample_of(received.rows, facts),
            flaws=tuple(found.flaws()),
            loss_meter=LOSS_METER,
            queries=tuple(dict.fromkeys(str(page["queryString"]) for page in pages if "queryString" in page)),
        )


def sample_of(rows: Iterable[Raw], facts: Facts) -> Sample:
    """Single calls, as ``SpansSource.sample`` stores them; a row that cannot be understood is left out."""
    calls: list[SampledCall] = []
    traces: dict[str, int] = {}
    for raw in rows:
        row: ResultRow = {str(key): str(value) for key, value in raw.items()}
        client = row.get("client") or facts.pod_of([row.get("peer", "")]) or ""
        try:
            outcome = number(row, "outcome")
            call = SampledCall(
                client=client,
                server=row.get("server", ""),
                connection=number(row, "port") if row.get("port") else None,
                duration_s=number(row, "nanos") / _NS,
                start_s=number(row, "began") / _NS,
                trace=traces.setdefault(row.get("trace", ""), len(traces)),
                is_fault=outcome == _FAULT,
                is_error=outcome == _ERROR,
            )
        except ValueError:
            continue
        if call.client and call.server:
            calls.append(call)
    return Sample(traces=len(traces), calls=tuple(calls))
