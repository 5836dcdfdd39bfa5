"""GetServiceGraph's pages as typed values: of its answer what the analysis reads, within bounds.

Keys that are not named here are accepted and passed over: X-Ray's API reference has more of them.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from analysis.source.interface import Raw
from analysis.source.stored_page import StoredPage
from analysis.source.xray.packed_edges import Bucket, GraphEdge, Number, PackedEdges, Statistics, packed
from k8s.errors import UsageError

T = TypeVar("T")
CLIENT: Final = "client"
"""The type of the node above an entry."""


class Service(Struct, frozen=True, dict=True, rename="pascal"):
    """A node of the graph; its edges are packed as soon as they were read."""

    reference_id: Number
    name: str
    type: str | None = None
    state: str | None = None
    edges: list[GraphEdge] | None = None
    """As they are decoded; None from then on."""
    summary_statistics: Statistics | None = None
    response_time_histogram: list[Bucket] | None = None

    def __post_init__(self) -> None:
        if self.edges:
            self.__dict__["packed"] = packed(self.edges)
        msgspec.structs.force_setattr(self, "edges", None)

    @property
    def packed(self) -> PackedEdges | None:
        """Its edges; None where it has none."""
        found: PackedEdges | None = self.__dict__.get("packed")
        return found

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


class GraphPage(Head, frozen=True, rename="pascal"):
    """One answer."""

    services: tuple[Service, ...] | None = None


_PAGES: Final = msgspec.json.Decoder(GraphPage)


def opened(page: Raw, where: str) -> GraphPage:
    """A page; UsageError names the key that no answer of X-Ray could hold, and why.

    *where* the page stands, for that error.
    """
    if isinstance(page, StoredPage):
        return _checked(lambda: _PAGES.decode(page.data), where)
    return _checked(lambda: msgspec.convert(page, GraphPage), where)


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
