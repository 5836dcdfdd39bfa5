"""What PutTraceSegments refuses, document by document."""

import json

import pytest

from k8s.lab.xray.documents import Refused, read, trace_key
from tests.k8s.lab.xray.builders import TRACE, Json, embedded, segment, subsegment

_MESSAGES = {
    "InvalidSegment": "Invalid segment. ErrorCode: InvalidSegment",
    "InvalidTraceId": "Invalid segment. ErrorCode: InvalidTraceId",
    "MissingParentId": "Invalid subsegment. ErrorCode: MissingParentId, Cause: null",
}


@pytest.mark.parametrize(
    "document",
    [
        segment("ui", 1),
        segment("ui", 1, end_time=None, in_progress=True),
        segment("ui", 1, parent=2, origin="AWS::EC2::Instance", annotations={"a": 1, "b": True, "c": "x"}),
        subsegment("GET", 2, 1),
        segment("ui", 1, subsegments=[embedded(subsegment("", 2, 0))]),
        segment("ui", 1, cause="0123456789abcdef"),
        segment("x" * 200, 1),
        segment("ui", 1, unknown={"a": [1]}),
    ],
)
def test_taken(document: Json) -> None:
    """Complete and running segments, independent subsegments, unknown fields: all of these are taken."""
    assert read(json.dumps(document)) == document


_GOOD = segment("ui", 1)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (_GOOD | {"trace_id": "1-5759e988-bd862e3fe1be46a99427279"}, "InvalidTraceId"),
        (_GOOD | {"trace_id": "2-5759e988-bd862e3fe1be46a994272793"}, "InvalidTraceId"),
        (_GOOD | {"trace_id": None}, "InvalidTraceId"),
        (_GOOD | {"type": "subsegment"}, "MissingParentId"),
        (_GOOD | {"name": ""}, "InvalidSegment"),
        (_GOOD | {"name": "x" * 201}, "InvalidSegment"),
        (_GOOD | {"name": 5}, "InvalidSegment"),
        (_GOOD | {"id": "12"}, "InvalidSegment"),
        (_GOOD | {"id": "0" * 16}, "InvalidSegment"),
        (_GOOD | {"parent_id": "zz"}, "InvalidSegment"),
        (_GOOD | {"start_time": "now"}, "InvalidSegment"),
        (_GOOD | {"end_time": None}, "InvalidSegment"),
        (_GOOD | {"end_time": None, "in_progress": False}, "InvalidSegment"),
        (_GOOD | {"http": {"request": 1}}, "InvalidSegment"),
        (_GOOD | {"annotations": {"a": []}}, "InvalidSegment"),
        (_GOOD | {"subsegments": [{"id": "1", "name": "a"}]}, "InvalidSegment"),
        (_GOOD | {"metadata": {"default": {"a": "x" * 65_536}}}, "InvalidSegment"),
    ],
)
def test_refused(document: Json, code: str) -> None:
    """Each fault has its code and its text, and names the document where its id can be read."""
    refused = read(json.dumps(document))

    assert isinstance(refused, Refused)
    assert refused.as_json() == {"Id": document["id"], "ErrorCode": code, "Message": _MESSAGES[code]}


@pytest.mark.parametrize("text", ["", "{", "[]", "5", '"a"', '{"id": NaN}', "\ud800"])
def test_no_document(text: str) -> None:
    """What is not even a JSON object is an InvalidSegment without an id."""
    refused = read(text)

    assert isinstance(refused, Refused)
    assert refused.as_json() == {"ErrorCode": "InvalidSegment", "Message": _MESSAGES["InvalidSegment"]}


def test_largest() -> None:
    """64 KB are allowed, one byte more is not; bytes count, not characters."""
    room = 65_536 - len(json.dumps(_GOOD | {"user": ""}, ensure_ascii=False).encode())
    texts = ["x" * room, "x" * (room + 1), "ä" * (room // 2), "ä" * (room // 2 + 1)]

    found = [read(json.dumps(_GOOD | {"user": text}, ensure_ascii=False)) for text in texts]

    assert [isinstance(document, Refused) for document in found] == [False, True, False, True]


def test_trace_key() -> None:
    """A trace id is 16 bytes, in either case; anything else is a ValueError."""
    assert trace_key(TRACE) == trace_key(TRACE.upper()) == bytes.fromhex("6a0f3c000123456789abcdef01234567")
    with pytest.raises(ValueError, match="1-2-3"):
        trace_key("1-2-3")
