"""A service's edges as bytes, column by column: what is kept of them while the rest of a page is read.

An edge as X-Ray writes it becomes half a dozen objects. A page may hold a million edges, so the objects of
one service are packed as soon as the last of them is there, while the processor still has them at hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from struct import pack
from typing import Annotated, Final

from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=0, le=10**12)]
Number = Annotated[int, Meta(ge=-(10**18), le=10**18)]
"""A ReferenceId; X-Ray's are of 32 bits."""
Seconds = Annotated[float, Meta(ge=0, le=1e15)]
ResponseTime = Annotated[float, Meta(ge=-0.001, le=1e9)]
"""A value of a histogram, in seconds; clocks that differ may put one a little below zero."""
UNTOLD: Final = -1
"""A number that X-Ray does not give."""
NO_NUMBER: Final = -(2**63)
"""The ReferenceId of an edge that names no service."""


class Failed(Struct, frozen=True, gc=False, rename="pascal"):
    """Calls that failed in one of two ways."""

    total_count: Count = 0


class Statistics(Struct, frozen=True, gc=False, rename="pascal"):
    """``SummaryStatistics`` of a service or an edge."""

    total_count: Count = 0
    ok_count: Count | None = None
    error_statistics: Failed | None = None
    fault_statistics: Failed | None = None
    total_response_time: Seconds = 0.0

    @property
    def errors(self) -> int:
        """4xx."""
        return self.error_statistics.total_count if self.error_statistics else 0

    @property
    def faults(self) -> int:
        """5xx, or no answer."""
        return self.fault_statistics.total_count if self.fault_statistics else 0


class Bucket(Struct, frozen=True, gc=False, rename="pascal"):
    """One entry of a histogram."""

    value: ResponseTime
    count: Count


class GraphEdge(Struct, frozen=True, gc=False, rename="pascal"):
    """The calls of one service to another."""

    reference_id: Number | None = None
    edge_type: str | None = None
    summary_statistics: Statistics | None = None
    response_time_histogram: list[Bucket] | None = None
    """A list, since a tuple would be made of one."""


_NO_FIGURES: Final = Statistics()


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedEdges:
    """The edges of one service: of each a byte for a flag, 8 for a whole number or a time in seconds."""

    edges: int
    targets: bytes
    """ReferenceIds of the services that were called, ``NO_NUMBER`` where none is given."""
    is_link: bytes
    """Joins traces, and counts no call."""
    count: bytes
    good: bytes
    """``UNTOLD`` where X-Ray gives no parts."""
    errors: bytes
    faults: bytes
    total_s: bytes
    has_figures: bytes
    has_histogram: bytes
    lengths: bytes
    """Buckets of each edge's histogram."""
    bucket_s: bytes
    bucket_count: bytes


def packed(edges: Sequence[GraphEdge]) -> PackedEdges:
    """The same edges in the same order."""
    told = [one.summary_statistics for one in edges]
    seen = [one for one in told if one is not None]
    if len(seen) < len(told):
        seen = [one or _NO_FIGURES for one in told]
    timed = [one.response_time_histogram for one in edges]
    histograms = [one for one in timed if one is not None]
    if len(histograms) < len(timed):
        histograms = [one or [] for one in timed]
    buckets = [*chain.from_iterable(histograms)]
    return PackedEdges(
        edges=len(edges),
        targets=_integers([NO_NUMBER if (at := one.reference_id) is None else at for one in edges]),
        is_link=_links([one.edge_type for one in edges]),
        count=_integers([one.total_count for one in seen]),
        good=_integers([UNTOLD if (good := one.ok_count) is None else good for one in seen]),
        errors=_integers([0 if (of := one.error_statistics) is None else of.total_count for one in seen]),
        faults=_integers([0 if (of := one.fault_statistics) is None else of.total_count for one in seen]),
        total_s=_floats([one.total_response_time for one in seen]),
        has_figures=_present(told),
        has_histogram=_present(timed),
        lengths=_integers([*map(len, histograms)]),
        bucket_s=_floats([one.value for one in buckets]),
        bucket_count=_integers([one.count for one in buckets]),
    )


def _links(types: list[str | None]) -> bytes:
    return bytes([(one or "").lower() == "link" for one in types]) if any(types) else bytes(len(types))


def _present(values: Sequence[object]) -> bytes:
    """One byte a value, 1 where there is one."""
    return b"\1" * len(values) if all(values) else bytes([one is not None for one in values])


def _integers(values: list[int]) -> bytes:
    return pack(f"{len(values)}q", *values)


def _floats(values: list[float]) -> bytes:
    return pack(f"{len(values)}d", *values)
