"""GetServiceGraph's pages as typed values: of its answer what the analysis reads, within bounds.

Keys that are not named here are accepted and passed over: X-Ray's API reference has more of them.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from analysis.source.interface import Raw
from analysis.source.stored_page import StoredPage
from k8s.errors import UsageError

Count = Annotated[int, Meta(ge=0, le=10**12)]
Seconds = Annotated[float, Meta(ge=0, le=1e15)]
ResponseTime = Annotated[float, Meta(ge=-0.001, le=1e9)]
"""A value of a histogram, in seconds; clocks that differ may put one a little below zero."""
T = TypeVar("T")
CLIENT: Final = "client"
"""The type of the node above an entry."""


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


class Head(Struct, frozen=True, rename="pascal"):
    """One answer, but for its services."""

    next_token: str | None = None
    start_time: Any = None
    """Echo of the question; a date, or seconds since the epoch."""
    end_time: Any = None


class _Page(Head, frozen=True, rename="pascal"):
    services: tuple[Service, ...] | None = None


class _Packed(Head, frozen=True, rename="pascal"):
    """A stored answer: its services one by one as they are wanted, since a page may hold any number."""

    services: tuple[msgspec.Raw, ...] | None = None


_PACKED: Final = msgspec.json.Decoder(_Packed)
_SERVICES: Final = msgspec.json.Decoder(Service)


def opened(page: Raw, where: str) -> tuple[Head, Iterator[Service]]:
    """A page's head and its services; UsageError names the key that no answer of X-Ray could hold, and why.

    *where* the page stands, for that error; the services' keys are checked as they are taken.
    """
    if isinstance(page, StoredPage):
        packed = _checked(lambda: _PACKED.decode(page.data), where)
        return packed, _unpacked(packed.services or (), where)
    made = _checked(lambda: msgspec.convert(page, _Page), where)
    return made, iter(made.services or ())


def _unpacked(services: Sequence[msgspec.Raw], where: str) -> Iterator[Service]:
    for number, one in enumerate(services):
        yield _checked(partial(_SERVICES.decode, one), f"{where}.Services[{number}]")


def _checked(decode: Callable[[], T], where: str) -> T:
    try:
        return decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refused(error, where) from error


def _refused(error: Exception, where: str) -> UsageError:
    if isinstance(error, RecursionError):
        return UsageError("reading the service graph: nested too deeply to be an X-Ray graph")
    if not isinstance(error, msgspec.ValidationError):
        return UsageError(f"reading the service graph: not valid JSON ({error}); it may be truncated")
    text, at, key = str(error).partition(" - at `$")
    text = f"{text} - at `${where}{key}" if at else f"{text} - at `${where}`"
    return UsageError(f"reading the service graph: {text}; is graph.json an X-Ray graph?")


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
