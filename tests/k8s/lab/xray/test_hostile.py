"""What a careless or hostile client could send: answered or refused, in bounded time, and nothing lost.

Time is processor time of this thread, so that a busy machine does not matter.
"""

import gzip
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from k8s.lab.xray import otlp
from k8s.lab.xray.api_errors import XrayError
from tests.k8s.lab.xray.builders import (
    CLIENT,
    SERVER,
    TRACE,
    WINDOW,
    Json,
    call,
    embedded,
    pairs,
    pod,
    put,
    request,
    segment,
    services,
    span,
    stand_in,
    subsegment,
    take,
)

_LONGEST_S = 5.0
_EXPRESSION = 'service() {inferred} AND edge("a", "b") {fault} OR annotation.x = "y"'


@contextmanager
def quick() -> Iterator[None]:
    """Fails where what is inside takes seconds of a processor: what grows with a square takes minutes."""
    began_s = time.thread_time()
    yield
    assert time.thread_time() - began_s < _LONGEST_S


def ask_everything(target: Any) -> str:
    """Every query over the one trace, each in bounded time; returns its documents as text."""
    with quick():
        services(target)
    with quick():
        told = json.dumps(target.call("/Traces", {"TraceIds": [TRACE]}))
    with quick():
        target.call("/TraceSummaries", WINDOW | {"TimeRangeType": "Event", "FilterExpression": _EXPRESSION})
    with quick():
        json.dumps(target.dump(1))
    return told


def failing(language: str, stack: str) -> Any:
    """A span whose exception has a stack."""
    message = span("x", SERVER, 1)
    event = message.events.add(name="exception")
    event.attributes.extend(pairs({"exception.type": "T", "exception.stacktrace": stack}))
    return request((pod("p", telemetry__sdk__language=language), [message]))


_STACKS = [
    ("java", "x\n\tat a(" + "b" * 300_000),
    ("java", "x\n\tat " + "a/" * 100_000 + "("),
    ("java", "x\n\tat a(b:" + "9" * 5_000 + ")"),
    ("java", "x" + "\nCaused by: y" * 20_000),
    ("python", '  File "' + '", line 1' * 30_000),
    ("python", 'x\n  File "a", line ' + "9" * 5_000 + ", in b\n c\n"),
    ("python", "During handling of the above exception, another exception occurred:" * 3_000),
]


@pytest.mark.parametrize(("language", "stack"), _STACKS, ids=range(len(_STACKS)))
def test_stacks(language: str, stack: str) -> None:
    """Stacks of any shape and length: too large a document is refused, others are told."""
    target = stand_in()
    with quick():
        take(target, failing(language, stack))

    ask_everything(target)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' * 3_000 + "1" + "}" * 3_000,
        '{"a":' * 300 + "1" + "}" * 300,
        '{"a": "\\ud800"}',
        '{"a": NaN}',
        '{"a": 1e400}',
        '{"a": ' + "9" * 5_000 + "}",
    ],
    ids=["too deep to read", "too deep to write", "half a character", "NaN", "infinite", "a long number"],
)
def test_metadata_in_json(text: str) -> None:
    """An ``aws.xray.metadata`` attribute that is no good JSON, or too deep to be told, stays a text."""
    target = stand_in()
    take(target, request((pod("p"), [span("x", SERVER, 1, **{"aws.xray.metadata.n": text})])))

    assert "aws.xray.metadata.n" in ask_everything(target)


@pytest.mark.parametrize("start_ns", [0, 1, 100, 2**64 - 1])
def test_times(start_ns: int) -> None:
    """Any time becomes a number that JSON readers read."""
    target = stand_in()
    message = span("x", SERVER, 1)
    message.start_time_unix_nano = start_ns
    take(target, request((pod("p"), [message])))
    (found,) = target.call("/Traces", {"TraceIds": [TRACE]})["Traces"]

    assert json.loads(found["Segments"][0]["Document"])["start_time"] == pytest.approx(start_ns / 1e9)


def chain(size: int) -> list[Json]:
    """Every call hangs below the one before."""
    return [segment("root", 1), *(call(f"n{number}", number, number - 1) for number in range(2, size))]


def circle(size: int) -> list[Json]:
    """Calls that hang below each other in a circle, beside a good segment."""
    calls = (call("c", number, number - 1 if number > 2 else size - 1) for number in range(2, size))
    return [segment("root", 1), *calls]


def fan(size: int) -> list[Json]:
    """One segment that calls thousands, half of which answer under names of their own."""
    calls = [call(f"c{number}", number, 1) for number in range(2, size, 2)]
    answers = [segment(f"s{number}", number + 1, parent=number) for number in range(2, size, 4)]
    return [segment("root", 1), *calls, *answers]


@pytest.mark.parametrize("shape", [chain, circle, fan])
def test_large_traces(shape: Any) -> None:
    """Deep, round and wide traces of thousands of documents are answered with all that has a place."""
    documents = shape(4_000)
    target = stand_in()
    for start in range(0, len(documents), 50):
        with quick():
            put(target, *documents[start : start + 50])
    told = ask_everything(target)

    kept = documents[:1] if shape is circle else documents
    assert {document["id"] for document in kept} <= set(re.findall(r'"id\\":\\"(\w+)', told))


def test_deep_documents() -> None:
    """Subsegments inside each other are taken to some depth, and refused with their id beyond it."""

    def nested(depth: int) -> Json:
        inner = embedded(subsegment("x", depth + 1, 1))
        for number in range(depth, 1, -1):
            inner = embedded(subsegment("x", number, 1)) | {"subsegments": [inner]}
        return segment("root", 1) | {"subsegments": [inner]}

    target = stand_in()
    assert put(target, nested(90)) == {"UnprocessedTraceSegments": []}
    assert f"{91:016x}" in ask_everything(target)
    (refused,) = put(target, nested(400))["UnprocessedTraceSegments"]
    assert (refused["Id"], refused["ErrorCode"]) == (f"{1:016x}", "InvalidSegment")
    assert f"{91:016x}" in ask_everything(target)


_EXPRESSIONS = [
    "(" * 40_000,
    "!" * 40_000,
    "ok " * 1_600,
    "ok OR " * 800 + "ok",
    '"' * 4_999,
    " " * 4_000 + "\\",
    'service("' + "\\" * 4_000,
    "annotation[" * 400,
    'edge("a","b") {' * 300,
    "(" * 49 + "ok" + ")" * 49,
]


@pytest.mark.parametrize("expression", _EXPRESSIONS, ids=range(len(_EXPRESSIONS)))
def test_expressions(expression: str) -> None:
    """Long and deep expressions are matched or refused quickly."""
    target = stand_in()
    put(target, segment("ui", 1))
    arguments = WINDOW | {"TimeRangeType": "Event", "FilterExpression": expression}
    with quick():
        try:
            assert len(target.call("/TraceSummaries", arguments)["TraceSummaries"]) == 1
        except XrayError as error:
            assert error.code == "InvalidRequestException"  # noqa: PT017  # either way is right


def test_bombs() -> None:
    """A small gzip body that unpacks to gigabytes is refused before it does."""
    bomb = gzip.compress(bytes(otlp.LARGEST_BYTES + 1))
    with quick(), pytest.raises(otlp.NotOtlpError, match="too large"):
        otlp.decompressed(bomb, "gzip")


def test_large_json() -> None:
    """A JSON body of megabytes is read quickly."""
    attributes = [{"key": f"k{number}", "value": {"stringValue": "v" * 30}} for number in range(10)]
    one = {
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "spanId": "b7ad6b7169203331",
        "name": "GET",
        "kind": CLIENT,
        "startTimeUnixNano": "1544712660000000000",
        "endTimeUnixNano": 1544712661000000000,
        "attributes": attributes,
    }
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [one] * 6_000}]}]}).encode()
    with quick():
        message = otlp.decode(body, otlp.JSON)

    assert len(body) > 4 * 2**20
    assert len(message.resource_spans[0].scope_spans[0].spans) == 6_000
