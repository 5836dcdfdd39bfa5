"""GetServiceGraph's pages as typed values: of its answer what the analysis reads, within bounds.

Keys that are not named here are accepted and passed over: X-Ray's API reference has more of them.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from analysis.source.interface import Raw
from k8s.errors import UsageError

Count = Annotated[int, Meta(ge=0, le=10**12)]
Seconds = Annotated[float, Meta(ge=0, le=1e15)]
ResponseTime = Annotated[float, Meta(ge=-0.001, le=1e9)]
"""A value of a histogram, in seconds; clocks that differ may put one a little below zero."""
CLIENT: Final = "client"
"""The type of the node above an entry."""


class Failed(Struct, frozen=True, rename="pascal"):
    """Calls that failed in one of two ways."""

    total_count: Count = 0


class Statistics(Struct, frozen=True, rename="pascal"):
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


class Bucket(Struct, frozen=True, rename="pascal"):
    """One entry of a histogram."""

    value: ResponseTime
    count: Count


class GraphEdge(Struct, frozen=True, rename="pascal"):
    """The calls of one service to another."""

    reference_id: int | None = None
    edge_type: str | None = None
    summary_statistics: Statistics | None = None
    response_time_histogram: tuple[Bucket, ...] | None = None

    @property
    def is_link(self) -> bool:
        """Whether it joins traces, and counts no call."""
        return (self.edge_type or "").lower() == "link"

    @property
    def count(self) -> int:
        """Calls."""
        return self.summary_statistics.total_count if self.summary_statistics else 0


class Service(Struct, frozen=True, rename="pascal"):
    """A node of the graph."""

    reference_id: int
    name: str
    type: str | None = None
    state: str | None = None
    edges: tuple[GraphEdge, ...] | None = None
    summary_statistics: Statistics | None = None
    response_time_histogram: tuple[Bucket, ...] | None = None

    @property
    def kind(self) -> str:
        """Its type; empty where X-Ray gives none."""
        return self.type or ""


class Page(Struct, frozen=True, rename="pascal"):
    """One answer."""

    services: tuple[Service, ...] | None = None
    next_token: str | None = None
    start_time: Any = None
    """Echo of the question; a date, or seconds since the epoch."""
    end_time: Any = None


Query = tuple[Page, ...]


def pages(queries: Iterable[Sequence[Raw]]) -> tuple[Query, ...]:
    """The pages of each query; UsageError names the key that no answer of X-Ray could hold, and why."""
    try:
        return msgspec.convert([list(query) for query in queries], tuple[Query, ...])
    except msgspec.ValidationError as error:
        raise UsageError(f"reading the service graph: {error}; is graph.json an X-Ray graph?") from error
    except RecursionError as error:
        raise UsageError("reading the service graph: nested too deeply to be an X-Ray graph") from error


def seconds_of(moment: object) -> float | None:
    """A date, its text or a number as seconds since the epoch; None for anything else."""
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            return None
    if isinstance(moment, datetime):
        try:
            return moment.timestamp()
        except (OverflowError, ValueError, OSError):
            return None
    return float(moment) if isinstance(moment, int | float) and not isinstance(moment, bool) else None
