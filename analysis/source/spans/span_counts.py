"""Rows of the queries to ``aws/spans`` -> calls, entries, losses and leaves (pure).

Values come as text, and what is NULL does not come at all. A row that cannot be understood is left out and
counted: how many there were is said.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Final

from analysis.source.facts import Facts
from analysis.source.interface import Call, Entry, Flaw, FlawKind, Leaf, Raw, add
from analysis.source.spans import span_queries
from analysis.source.spans.span_queries import OTHERS, SERVER
from analysis.source.xray.leaves import lost_callee
from analysis.stages import AGAIN
from k8s.topology import Zone

SLIGHT: Final = 0.001
"""Of all spans, how many may not be understood before a figure is wrong by more than a margin holds."""
_NS: Final = 1e9
_KNOWN_KINDS: Final = frozenset((*SERVER, *span_queries.CLIENT, *OTHERS))

ResultRow = Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class SpanCounts:
    """What rows add up to."""

    calls: dict[tuple[str, str], Call] = field(default_factory=dict)
    lost: dict[tuple[str, str], Call] = field(default_factory=dict)
    leaves: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    roots: Counter[str] = field(default_factory=Counter)
    """Spans without a parent by pod."""
    below: Counter[str] = field(default_factory=Counter)
    """SERVER spans with a parent by pod."""
    paired: Counter[str] = field(default_factory=Counter)
    """Those whose parent is there, by pod."""
    repeated: int = 0
    """Deliveries of a root beyond the first."""
    nameless: int = 0
    """Calls of which a side names neither a pod nor a service."""
    spans: int = 0
    odd_kinds: Counter[str] = field(default_factory=Counter)
    odd_rows: int = 0

    @property
    def orphans(self) -> Counter[str]:
        """SERVER spans whose parent is not there, by pod."""
        return self.below - self.paired

    def entries(self, *, with_orphans: bool) -> tuple[Entry, ...]:
        """Where requests entered, sorted."""
        found = self.roots + self.orphans if with_orphans else self.roots
        return tuple(Entry(name=name, count=count) for name, count in sorted(found.items()))

    def flaws(self) -> Iterator[Flaw]:
        """What was not understood."""
        if self.odd_kinds:
            count, kinds = self.odd_kinds.total(), ", ".join(map(repr, sorted(self.odd_kinds)[:3]))
            yield self._flaw(
                count,
                f"{count} of {self.spans} spans are of a kind that is not known ({kinds}); update samezone",
            )
        if self.nameless:
            yield self._flaw(
                self.nameless,
                f"{self.nameless} calls name neither pod nor service of one side; set k8s.pod.name or "
                "service.name in OTEL_RESOURCE_ATTRIBUTES",
            )
        if self.odd_rows:
            text = f"{self.odd_rows} rows of the answer were not understood; {AGAIN}"
            yield Flaw(kind=FlawKind.COUNTS, text=text)

    def _flaw(self, count: int, text: str) -> Flaw:
        return Flaw(kind=FlawKind.COUNTS, text=text, is_slight=count <= SLIGHT * self.spans)

    def take_ends(self, rows: Iterable[ResultRow]) -> None:
        """Rows of ``span_queries.ends``."""
        for row in rows:
            try:
                spans, records = number(row, "spans"), number(row, "records")
            except ValueError:
                self.odd_rows += 1
                continue
            self.spans += spans
            kind, pod = row.get("kind", ""), row.get("pod", "")
            if kind not in _KNOWN_KINDS:
                self.odd_kinds[kind] += spans
            if row.get("place") == "root":
                self.roots[pod] += spans
                self.repeated += records - spans
            elif kind in SERVER:
                self.below[pod] += spans

    def take_pairs(self, rows: Iterable[ResultRow], facts: Facts) -> None:
        """Rows of ``span_queries.pairs``."""
        for row in rows:
            try:
                call = _call(row)
                unmatched = number(row, "unmatched")
            except ValueError:
                self.odd_rows += 1
                continue
            client = call.client or facts.pod_of([row.get("peer", "")]) or ""
            if unmatched:
                self._take_unmatched(row, client, call, facts)
                continue
            self.paired[call.server] += call.count
            if client and call.server:
                _add(self.calls, replace(call, client=client))
            else:
                self.nameless += call.count

    def _take_unmatched(self, row: ResultRow, client: str, call: Call, facts: Facts) -> None:
        """CLIENT spans with no SERVER span below: that was lost, or the callee sends none."""
        remote, system = row.get("remote", ""), row.get("system", "")
        kind = f"Database::{system}" if system else ""
        callee = lost_callee(remote, kind, client, facts)
        if callee is None:
            self.leaves[client, remote, kind] += call.count
        else:
            _add(self.lost, replace(call, client=client, server=callee))


def rows_of(pages: Iterable[Raw]) -> Iterator[ResultRow]:
    """The rows of a query, as field to value; what is no row is an empty one."""
    for page in pages:
        for row in page.get("results") or ():
            yield row_of(row)


def row_of(row: Any) -> ResultRow:
    """One row."""
    if not isinstance(row, list):
        return {}
    return {
        str(one["field"]): str(one["value"])
        for one in row
        if isinstance(one, dict) and "field" in one and "value" in one
    }


def number(row: ResultRow, key: str) -> int:
    """A number, which may come with a fraction or an exponent; ValueError where it is none."""
    text = row.get(key, "")
    try:
        return int(text)
    except ValueError:
        value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return round(value)


def leaves_of(counts: SpanCounts) -> tuple[Leaf, ...]:
    """Sorted."""
    return tuple(
        Leaf(client=client, name=name, type=kind, count=count)
        for (client, name, kind), count in sorted(counts.leaves.items())
    )


def sorted_calls(calls: Mapping[tuple[str, str], Call]) -> tuple[Call, ...]:
    """By client and server."""
    return tuple(calls[key] for key in sorted(calls))


def _call(row: ResultRow) -> Call:
    """ValueError for a row that is none."""
    count, ported = number(row, "calls"), number(row, "ported")
    if count < 0:
        raise ValueError(row["calls"])
    return Call(
        client=row.get("client", ""),
        server=row.get("server", ""),
        count=count,
        faults=number(row, "faults"),
        errors=number(row, "errors"),
        # A span that is not over has no duration.
        total_s=number(row, "nanos") / _NS if "nanos" in row else 0.0,
        histogram=_histogram(row, count),
        client_zone=_zone(row, "client_zone"),
        server_zone=_zone(row, "server_zone"),
        connections=number(row, "ports") if ported == count else None,
    )


def _histogram(row: ResultRow, count: int) -> tuple[tuple[float, int], ...]:
    below = [number(row, f"b{at}") for at, _ in span_queries.buckets()]
    counts = [later - earlier for earlier, later in pairwise((0, *below, count))]
    return tuple((value, many) for value, many in zip(span_queries.middles_s(), counts, strict=True) if many)


def _zone(row: ResultRow, key: str) -> Zone | None:
    """Where all spans of the row agree."""
    first, last = row.get(key), row.get(f"{key}_too")
    return Zone(first) if first and first == last else None


def _add(into: dict[tuple[str, str], Call], call: Call) -> None:
    key = (call.client, call.server)
    known = into.get(key)
    into[key] = call if known is None else add(known, call)
