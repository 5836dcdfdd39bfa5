"""BatchGetTraces' answer as typed values: a trace, and the segment documents inside it, within bounds.

A document is JSON inside a string, made by whoever sent it; X-Ray checks the keys that it knows itself. The
same keys are typed here; what a program adds to ``annotations`` and ``metadata`` may be anything.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from analysis.source.interface import Raw
from analysis.stages import AGAIN
from k8s.errors import UsageError

Moment = Annotated[float, Meta(ge=0, le=253_402_300_799)]
"""Seconds since the epoch, up to the year 9999."""


class Ec2(Struct, frozen=True):
    """Of ``aws``: the instance."""

    availability_zone: str | None = None
    instance_id: str | None = None


class Eks(Struct, frozen=True):
    """Of ``aws``: the cluster."""

    pod: str | None = None


class Aws(Struct, frozen=True):
    """What ran a segment."""

    ec2: Ec2 | None = None
    eks: Eks | None = None


class Request(Struct, frozen=True):
    """Of ``http``."""

    client_ip: str | None = None


class Http(Struct, frozen=True):
    """The call that a segment answered."""

    request: Request | None = None


class Part(Struct, frozen=True):
    """A subsegment, or what a segment has in common with one."""

    id: str | None = None
    name: str | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    """None while it is in progress."""
    fault: bool | None = None
    error: bool | None = None
    subsegments: "tuple[Part, ...] | None" = None


class Document(Part, frozen=True):
    """A segment."""

    parent_id: str | None = None
    inferred: bool | None = None
    annotations: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    aws: Aws | None = None
    http: Http | None = None

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The attributes of its span that are not indexed."""
        found = (self.metadata or {}).get("default")
        return found if isinstance(found, dict) else {}


class Segment(Struct, frozen=True, rename="pascal"):
    """A document in its envelope."""

    document: str


class Trace(Struct, frozen=True, rename="pascal"):
    """One trace."""

    segments: tuple[Segment, ...] | None = None
    id: str | None = None


_DOCUMENTS: Final = msgspec.json.Decoder(Document)


def documents(number: int, trace: Raw) -> list[Document]:
    """The segments of trace *number* of a sample, counted from 0.

    UsageError names the trace, the segment, the key that no document could hold, and why.
    """
    doing = f"reading trace {number + 1} of the sample"
    try:
        segments = msgspec.convert(trace, Trace).segments or ()
    except msgspec.ValidationError as error:
        raise UsageError(f"{doing}: {error}; {AGAIN}") from error
    found = []
    for at, segment in enumerate(segments, start=1):
        try:
            found.append(_DOCUMENTS.decode(segment.document))
        except (msgspec.DecodeError, UnicodeError) as error:
            raise UsageError(f"{doing}, document {at}: {error}; it is damaged, {AGAIN}") from error
        except RecursionError as error:
            raise UsageError(f"{doing}, document {at}: nested too deeply to be a segment") from error
    return found
