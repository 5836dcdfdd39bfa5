"""A query's services and edges as columns, taken from its pages one service at a time.

A page may hold a million edges: as objects they would all be in memory until the last one had been read.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from operator import attrgetter
from typing import Final

import numpy as np

from analysis.source.interface import Raw
from analysis.source.xray.service_graph import GraphEdge, Head, Service, Statistics, opened
from analysis.statistics.arrays import Codes, Flags, Numbers

NOWHERE: Final = -1
"""The target of an edge that leads to no service of the query."""
UNTOLD: Final = -1
"""A number that X-Ray does not give."""
_NO_FIGURES: Final = Statistics()
_TOTAL, _GOOD = attrgetter("total_count"), attrgetter("ok_count")
_ERRORS, _FAULTS = attrgetter("error_statistics"), attrgetter("fault_statistics")
_TIME, _VALUE, _COUNT = attrgetter("total_response_time"), attrgetter("value"), attrgetter("count")


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNode:
    """A service, without its edges."""

    name: str
    kind: str
    """Its type; empty where X-Ray gives none."""
    state: str | None
    number: int
    """Its ReferenceId, by which edges name it."""
    figures: Statistics | None
    timed: int
    """Calls of its histogram; ``UNTOLD`` without one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QueryTable:
    """One query; its edges in columns of equal length, in the order in which they came."""

    heads: tuple[Head, ...]
    """Of its pages."""
    nodes: tuple[GraphNode, ...]
    source: Codes
    """Place in *nodes* of the service that called."""
    target: Codes
    """Of the service that was called, ``NOWHERE`` where no page has it."""
    is_link: Flags
    """Joins traces, and counts no call."""
    count: Codes
    good: Codes
    """``UNTOLD`` where X-Ray gives no parts."""
    errors: Codes
    faults: Codes
    total_s: Numbers
    has_figures: Flags
    has_histogram: Flags
    bucket_ends: Codes
    """Where the buckets of an edge end; they begin where those of the edge before end."""
    bucket_s: Numbers
    bucket_count: Codes


class _Columns:
    """Takes services one after the other."""

    def __init__(self) -> None:
        self.nodes: list[GraphNode] = []
        self.source, self.targets = array("i"), list[int | None]()
        self.is_link, self.has_figures, self.has_histogram = array("b"), array("b"), array("b")
        self.count, self.good, self.errors, self.faults = (array("q") for _ in range(4))
        self.total_s, self.bucket_s = array("d"), array("d")
        self.lengths, self.bucket_count = array("i"), array("q")

    def take(self, service: Service) -> None:
        histogram = service.response_time_histogram
        timed = UNTOLD if histogram is None else sum(bucket.count for bucket in histogram)
        self.nodes.append(
            GraphNode(
                name=service.name,
                kind=service.kind,
                state=service.state,
                number=service.reference_id,
                figures=service.summary_statistics,
                timed=timed,
            )
        )
        if service.edges:
            self._edges(len(self.nodes) - 1, service.edges)

    def _edges(self, source: int, edges: Sequence[GraphEdge]) -> None:
        """Column by column, which is several times as quick as edge by edge."""
        told = [one.summary_statistics for one in edges]
        seen = told if None not in told else [one or _NO_FIGURES for one in told]
        timed = [one.response_time_histogram for one in edges]
        histograms = [one or () for one in timed]
        self.source.extend(repeat(source, len(edges)))
        self.targets += [one.reference_id for one in edges]
        self.is_link.frombytes(bytes([one.edge_type is not None and one.is_link for one in edges]))
        self.has_figures.frombytes(_present(told))
        self.has_histogram.frombytes(_present(timed))
        self.count.extend(map(_TOTAL, seen))
        self.good.extend([UNTOLD if one is None else one for one in map(_GOOD, seen)])
        self.errors.extend([0 if one is None else one.total_count for one in map(_ERRORS, seen)])
        self.faults.extend([0 if one is None else one.total_count for one in map(_FAULTS, seen)])
        self.total_s.extend(map(_TIME, seen))
        self.lengths.extend(map(len, histograms))
        buckets = [*chain.from_iterable(histograms)]
        self.bucket_s.extend(map(_VALUE, buckets))
        self.bucket_count.extend(map(_COUNT, buckets))


def _present(values: Sequence[object]) -> bytes:
    """One byte a value, 1 where there is one."""
    return bytes([one is not None for one in values]) if None in values else b"\1" * len(values)


def table(pages: Iterable[Raw], where: str) -> QueryTable:
    """The pages of one query; UsageError names the key that is not as X-Ray answers.

    *where* the query stands among the others, for that error.
    """
    heads, columns = [], _Columns()
    for number, page in enumerate(pages):
        head, services = opened(page, f"{where}[{number}]")
        heads.append(head)
        for service in services:
            columns.take(service)
    # An edge may lead to a service of a later page.
    places: dict[int | None, int] = {one.number: place for place, one in enumerate(columns.nodes)}
    return QueryTable(
        heads=tuple(heads),
        nodes=tuple(columns.nodes),
        source=np.frombuffer(columns.source, np.int32),
        target=np.fromiter(map(places.get, columns.targets, repeat(NOWHERE)), np.int32),
        is_link=np.frombuffer(columns.is_link, np.bool_),
        count=np.frombuffer(columns.count, np.int64),
        good=np.frombuffer(columns.good, np.int64),
        errors=np.frombuffer(columns.errors, np.int64),
        faults=np.frombuffer(columns.faults, np.int64),
        total_s=np.frombuffer(columns.total_s, np.float64),
        has_figures=np.frombuffer(columns.has_figures, np.bool_),
        has_histogram=np.frombuffer(columns.has_histogram, np.bool_),
        bucket_ends=np.cumsum(np.frombuffer(columns.lengths, np.int32), dtype=np.int64),
        bucket_s=np.frombuffer(columns.bucket_s, np.float64),
        bucket_count=np.frombuffer(columns.bucket_count, np.int64),
    )
