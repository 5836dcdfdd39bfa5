"""What PutTraceSegments takes and what it refuses. Source: X-Ray API reference and developer guide.

The error codes were seen live by others; they are plain strings, not an enumeration.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec

from k8s.lab.depth import is_deeper
from k8s.lab.xray.translate import SUBSEGMENT, Document

MOST_DOCUMENTS: Final = 50
LARGEST_BYTES: Final = 64 * 1024
LARGEST_SPAN_BYTES: Final = 2**20
"""A span, or a resource, whose documents are too large without a look."""
LONGEST_NAME: Final = 200
_TRACE_ID: Final = re.compile(r"1-[0-9a-fA-F]{8}-[0-9a-fA-F]{24}")


Id = Annotated[str, msgspec.Meta(pattern=r"^(?!0{16})[0-9a-fA-F]{16}$")]
Seconds = Annotated[float, msgspec.Meta(gt=0, lt=1e11)]
"""Since the epoch, before the year 5000."""


class _Request(msgspec.Struct):
    method: str | None = None
    url: str | None = None
    user_agent: str | None = None
    client_ip: str | None = None
    traced: bool | None = None


class _Response(msgspec.Struct):
    status: int | None = None


class _Http(msgspec.Struct):
    request: _Request | None = None
    response: _Response | None = None


class _Ec2(msgspec.Struct):
    availability_zone: str | None = None
    instance_id: str | None = None


class _Aws(msgspec.Struct):
    account_id: str | None = None
    table_name: str | None = None
    queue_url: str | None = None
    ec2: _Ec2 | None = None


class _Exception(msgspec.Struct):
    type: str | None = None
    message: str | None = None


class _Cause(msgspec.Struct):
    exceptions: list[_Exception] | None = None


class _Part(msgspec.Struct):
    """What segments and subsegments share, as far as anything here relies on it."""

    id: Id
    start_time: Seconds
    end_time: Seconds | None = None
    in_progress: bool | None = None
    http: _Http | None = None
    aws: _Aws | None = None
    cause: _Cause | str | None = None
    annotations: dict[str, str | float | bool] | None = None
    metadata: dict[str, Any] | None = None
    namespace: str | None = None
    error: bool | None = None
    throttle: bool | None = None
    fault: bool | None = None
    subsegments: list["_Embedded"] | None = None

    def __post_init__(self) -> None:
        if self.end_time is None and not self.in_progress:
            raise ValueError("neither end_time nor in_progress")


class _Embedded(_Part):
    name: Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)] = ""
    """Subsegments without a name are accepted and ignored (seen live, openzipkin/zipkin-aws)."""


class _Segment(_Part, kw_only=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
    parent_id: Id | None = None
    type: str | None = None
    origin: str | None = None
    user: str | None = None
    resource_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why a document was not taken."""

    id: str | None
    """The document's id where it could be read."""
    code: str
    kind: str = "segment"
    cause: str = ""

    def as_json(self) -> dict[str, str]:
        """The UnprocessedTraceSegment of the API."""
        entry = {
            "ErrorCode": self.code,
            "Message": f"Invalid {self.kind}. ErrorCode: {self.code}{self.cause}",
        }
        return entry if self.id is None else {"Id": self.id, **entry}


def read(text: str) -> Document | Refused:
    """A document that can be stored, or why it cannot."""
    if len(text.encode(errors="surrogatepass")) > LARGEST_BYTES:
        return Refused(id=_id_in(text), code="InvalidSegment")
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return Refused(id=_id_in(text), code="InvalidSegment")
    if not isinstance(document, dict):
        return Refused(id=None, code="InvalidSegment")
    own_id = document.get("id")
    shown = own_id if isinstance(own_id, str) else None
    if not isinstance(document.get("trace_id"), str) or not _TRACE_ID.fullmatch(document["trace_id"]):
        return Refused(id=shown, code="InvalidTraceId")
    if document.get("type") == SUBSEGMENT and not document.get("parent_id"):
        return Refused(id=shown, code="MissingParentId", kind="subsegment", cause=", Cause: null")
    if is_deeper(document):
        return Refused(id=shown, code="InvalidSegment")
    try:
        msgspec.convert(document, _Segment)
    except msgspec.ValidationError:
        return Refused(id=shown, code="InvalidSegment")
    return document


def trace_key(trace_id: str) -> bytes:
    """The 16 bytes of an X-Ray trace id; ValueError where it is none."""
    if not _TRACE_ID.fullmatch(trace_id):
        raise ValueError(trace_id)
    return bytes.fromhex(trace_id[2:].replace("-", ""))


def _id_in(text: str) -> str | None:
    match = re.search(r'"id"\s*:\s*"([0-9a-fA-F]{16})"', text)
    return match[1] if match else None
