"""The cause block: exception events, their stacks, and failures without them."""

from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from k8s.lab.xray.cause import cause_block
from k8s.lab.xray.spans import span_of
from tests.k8s.lab.xray.builders import CLIENT, SERVER, Json, pairs, span

_PYTHON = """Traceback (most recent call last):
  File "low.py", line 3, in low
    raise ValueError("bad: value")
ValueError: bad: value

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "top.py", line 9, in main
    middle()
  File "top.py", line 5, in middle
    low()
RuntimeError: no luck
"""
_JAVA = """java.lang.IllegalStateException: no luck
\tat shop.Top.main(Top.java:9)
\tat app/shop.Top.run(Native Method)
Caused by: java.io.IOException: broken
 pipe
\tat shop.Low.read(Low.java:3)
\t... 2 more
"""


def causes(message: Span, language: str = "") -> Any:
    """The block, with ids counted up from 1."""
    numbers = iter(range(1, 100))
    described = span_of(message)
    return cause_block(described, dict(described.attributes), language, lambda: str(next(numbers)))


def failed(kind: int = SERVER, **event: str) -> Span:
    """A span with one exception event."""
    message = span("x", kind, 1, status=2)
    message.events.add(
        name="exception", attributes=pairs({f"exception.{key}": item for key, item in event.items()})
    )
    return message


def test_no_failure_no_cause() -> None:
    """A span that went well has no cause, whatever its events are called."""
    message = span("x", SERVER, 1)
    message.events.add(name="log")

    assert causes(message) == (None, {})


def test_status_message() -> None:
    """Without exception events, an error's message is the cause; without a message there is none."""
    message = span("x", SERVER, 1, status=2)

    silent = causes(message)[0]
    message.status.message = "boom"

    assert silent is None
    assert causes(message)[0] == {"exceptions": [{"id": "1", "message": "boom", "type": ""}]}


def test_status_text() -> None:
    """http.status_text stands in for a missing message, and is taken."""
    message = span("x", SERVER, 1, status=2, **{"http.status_text": "Gone", "color": "red"})
    block, rest = causes(message)

    assert block["exceptions"][0]["message"] == "Gone"
    assert rest == {"color": "red"}


@pytest.mark.parametrize(("kind", "remote"), [(SERVER, False), (CLIENT, True)])
def test_exception(kind: int, remote: bool) -> None:  # a parametrized expectation
    """An exception event gives type and message; outgoing spans call it remote."""
    block, _ = causes(failed(kind, type="ValueError", message="bad"))

    assert block == {"exceptions": [{"id": "1", "message": "bad", "type": "ValueError", "remote": remote}]}


def test_exception_of_a_good_span() -> None:
    """An exception event is told even where the span did not fail."""
    message = failed(type="ValueError", message="bad")
    message.status.code = 0

    assert causes(message)[0]["exceptions"][0]["type"] == "ValueError"


def test_python_stack() -> None:
    """Python frames are told innermost first; what was being handled is the cause."""
    block, _ = causes(failed(type="RuntimeError", message="no luck", stacktrace=_PYTHON), "python")

    assert block["exceptions"] == [
        {
            "id": "1",
            "message": "no luck",
            "type": "RuntimeError",
            "remote": False,
            "cause": "2",
            "stack": [frame("top.py", 5, "middle"), frame("top.py", 9, "main")],
        },
        {
            "id": "2",
            "message": "bad: value",
            "type": "ValueError",
            "remote": False,
            "stack": [frame("low.py", 3, "low")],
        },
    ]


def test_java_stack() -> None:
    """Java frames are in order, without module prefix; messages of causes may have several lines."""
    block, _ = causes(failed(type="IllegalStateException", message="no luck", stacktrace=_JAVA), "java")

    assert block["exceptions"] == [
        {
            "id": "1",
            "message": "no luck",
            "type": "IllegalStateException",
            "remote": False,
            "cause": "2",
            "stack": [frame("Top.java", 9, "shop.Top.main"), frame("Native Method", 0, "shop.Top.run")],
        },
        {
            "id": "2",
            "message": "broken pipe",
            "type": "java.io.IOException",
            "remote": False,
            "stack": [frame("Low.java", 3, "shop.Low.read")],
        },
    ]


def test_other_languages_have_no_stack() -> None:
    """Stacks of other languages are left out."""
    block, _ = causes(failed(type="Error", message="bad", stacktrace="at x (y.js:1:2)"), "go")

    assert "stack" not in block["exceptions"][0]


def test_failed_aws_request() -> None:
    """One failed try of an AWS SDK call is a remote exception with code, time and message."""
    message = span("x", CLIENT, 1, **{"rpc.system": "aws-api"})
    attributes = {"http.response.status_code": 503, "aws.http.error_message": "slow down"}
    message.events.add(
        name="HTTP request failure", time_unix_nano=1_500_000_000, attributes=pairs(attributes)
    )

    assert causes(message)[0] == {
        "exceptions": [
            {"id": "1", "message": "503@1.500000@slow down", "type": "aws.http.error.event", "remote": True}
        ]
    }


def frame(path: str, line: int, label: str) -> Json:
    """A stack frame."""
    return {"path": path, "line": line, "label": label}
