"""A query's services and edges as columns, taken from its pages one service at a time.

A page may hold a million edges: as objects they would all be in memory until the last one had been read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analysis.source.interface import Raw
from analysis.source.xray.packed_edges import UNTOLD, PackedEdges, Statistics
from analysis.source.xray.service_graph import Head, Service, opened
from analysis.statistics.arrays import Codes, Flags, Numbers

NOWHERE: Final = -1
"""The target of an edge that leads to no service of the query."""


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
        self.edges: list[int] = []
        """Of each node: how many."""
        self.targets, self.lengths = bytearray(), bytearray()
        self.is_link, self.has_figures, self.has_histogram = bytearray(), bytearray(), bytearray()
        self.count, self.good, self.errors, self.faults = (bytearray() for _ in range(4))
        self.total_s, self.bucket_s, self.bucket_count = bytearray(), bytearray(), bytearray()

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
        edges = service.packed
        self.edges.append(0 if edges is None else edges.edges)
        if edges is not None:
            self._append(edges)

    def _append(self, edges: PackedEdges) -> None:
        self.targets += edges.targets
        self.is_link += edges.is_link
        self.count += edges.count
        self.good += edges.good
        self.errors += edges.errors
        self.faults += edges.faults
        self.total_s += edges.total_s
        self.has_figures += edges.has_figures
        self.has_histogram += edges.has_histogram
        self.lengths += edges.lengths
        self.bucket_s += edges.bucket_s
        self.bucket_count += edges.bucket_count


def table(pages: Iterable[Raw], where: str) -> QueryTable:
    """The pages of one query; UsageError names the key that is not as X-Ray answers.

    *where* the query stands among the others, for that error.
    """
    heads, columns = [], _Columns()
    for number, page in enumerate(pages):
        found = opened(page, f"{where}[{number}]")
        heads.append(Head(found.next_token, found.start_time, found.end_time))
        for service in found.services or ():
            columns.take(service)
    return QueryTable(
        heads=tuple(heads),
        nodes=tuple(columns.nodes),
        source=np.repeat(np.arange(len(columns.nodes), dtype=np.int32), columns.edges),
        target=_places(np.frombuffer(columns.targets, np.int64), [one.number for one in columns.nodes]),
        is_link=np.frombuffer(columns.is_link, np.bool_),
        count=np.frombuffer(columns.count, np.int64),
        good=np.frombuffer(columns.good, np.int64),
        errors=np.frombuffer(columns.errors, np.int64),
        faults=np.frombuffer(columns.faults, np.int64),
        total_s=np.frombuffer(columns.total_s, np.float64),
        has_figures=np.frombuffer(columns.has_figures, np.bool_),
        has_histogram=np.frombuffer(columns.has_histogram, np.bool_),
        bucket_ends=np.cumsum(np.frombuffer(columns.lengths, np.int64)),
        bucket_s=np.frombuffer(columns.bucket_s, np.float64),
        bucket_count=np.frombuffer(columns.bucket_count, np.int64),
    )


def _places(targets: Codes, numbers: Sequence[int]) -> Codes:
    """Where among all nodes those of these numbers stand, the last of several; ``NOWHERE`` if there is none.

    An edge may lead to a service of a later page, so that all of them have to be known.
    """
    if not numbers:
        return np.full(len(targets), NOWHERE, np.int32)
    known = np.array(numbers, np.int64)
    order = np.argsort(known, kind="stable").astype(np.int32)
    at = np.searchsorted(known[order], targets, side="right") - 1
    found: Codes = np.where(known[order[at]] == targets, order[at], np.int32(NOWHERE))
    return found
