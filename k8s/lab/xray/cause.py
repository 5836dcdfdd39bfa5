"""The ``cause`` block: exceptions from a span's ``exception`` events, with Python and Java stacks.

Source: awsxrayexporter v0.156.0, ``internal/translator/cause.go``. Stacks of other languages are left out
(the exporter also reads Go, .NET and JavaScript ones); the exception itself is there in any language.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from k8s.lab.xray.naming import is_aws_call
from k8s.lab.xray.spans import CLIENT, PRODUCER, STATUS_ERROR, Span, SpanEvent, Value, text

NewId = Callable[[], str]
"""Gives the ids of exceptions, 16 hex digits each."""

_FAILED_REQUEST: Final = "HTTP request failure"
_PYTHON_FRAME: Final = re.compile(r'  File "(?P<path>[^,]*)", line (?P<line>\d+), in (?P<label>[^,]*)$')
_PYTHON_NEXT: Final = "During handling of the above exception, another exception occurred:"
_JAVA_FRAME: Final = re.compile(r"\tat (?:[^(/]*/)?(?P<label>[^(]*)\((?P<path>[^:)]*)(?::(?P<line>\d+))?")
"""Only as far as the line's end does not matter: lines come from strangers, and are as long as they like."""
_LONGEST_NUMBER: Final = 18
_JAVA_NEXT: Final = "Caused by: "


@dataclass(slots=True)
class _Exception:
    id: str
    type: str
    message: str
    stack: list[dict[str, Any]] = field(default_factory=list)


def cause_block(
    span: Span, rest: dict[str, Value], language: str, new_id: NewId
) -> tuple[dict[str, Any] | None, dict[str, Value]]:
    """The block (None where the span did not fail), and the attributes it did not take.

    *language* is the resource's ``telemetry.sdk.language``; it decides how stacks are read.
    """
    remote = span.kind in {CLIENT, PRODUCER}
    aws_call = is_aws_call(span.attributes)
    exceptions: list[dict[str, Any]] = []
    seen = False
    for event in span.events:
        if event.name == "exception":
            seen = True
            kind = text(event.attributes, "exception.type")
            message = text(event.attributes, "exception.message")
            first = _Exception(new_id(), kind, message)
            chain = _chain(first, text(event.attributes, "exception.stacktrace"), language, new_id)
            exceptions += _documents(chain, remote=remote)
        elif aws_call and event.name == _FAILED_REQUEST:
            seen = True
            exceptions += _failed_request(event, new_id)
    if seen:
        return ({"exceptions": exceptions} if exceptions else {}), rest
    if span.status_code != STATUS_ERROR:
        return None, rest
    message = span.status_message or text(rest, "http.status_text")
    rest = {key: value for key, value in rest.items() if key != "http.status_text"}
    if not message:
        return None, rest
    return {"exceptions": [{"id": new_id(), "message": message, "type": ""}]}, rest


def _failed_request(event: SpanEvent, new_id: NewId) -> list[dict[str, Any]]:
    """One try of an AWS SDK call that failed, while the call as a whole may have succeeded."""
    code = event.attributes.get("http.response.status_code")
    if code is None or "aws.http.error_message" not in event.attributes:
        return []
    message = text(event.attributes, "aws.http.error_message")
    described = f"{code!s}@{event.time_ns // 1000 / 1e6:.6f}@{message}"
    return [{"id": new_id(), "message": described, "type": "aws.http.error.event", "remote": True}]


def _documents(chain: list[_Exception], *, remote: bool) -> list[dict[str, Any]]:
    documents: list[dict[str, Any]] = []
    for exception, cause in zip(chain, [*chain[1:], None], strict=True):
        document: dict[str, Any] = {
            "id": exception.id,
            "message": exception.message,
            "type": exception.type,
            "remote": remote,
        }
        if cause:
            document["cause"] = cause.id
        if exception.stack:
            document["stack"] = exception.stack
        documents.append(document)
    return documents


def _chain(first: _Exception, stack: str, language: str, new_id: NewId) -> list[_Exception]:
    if language == "python":
        return _python_chain(first, stack, new_id)
    if language in {"java", "php"}:
        return _java_chain(first, stack, new_id)
    return [first]


def _python_chain(first: _Exception, stack: str, new_id: NewId) -> list[_Exception]:
    """Python prints the innermost frame last, and earlier exceptions above: read from the end."""
    parts = stack.split(_PYTHON_NEXT)
    chain: list[_Exception] = []
    for part in reversed(parts):
        lines = part.rstrip("\n").split("\n")
        frames = [match for line in lines if (match := _PYTHON_FRAME.match(line))]
        exception = first
        if chain:
            last = max(
                (index for index, line in enumerate(lines) if line.startswith("  File ")), default=None
            )
            if last is None:
                break
            kind, colon, message = "\n".join(lines[last + 2 :]).partition(":")
            if not colon:
                break
            exception = _Exception(new_id(), kind, message.removeprefix(" "))
        exception.stack = [_frame(match) for match in reversed(frames)]
        chain.append(exception)
    return chain


def _java_chain(first: _Exception, stack: str, new_id: NewId) -> list[_Exception]:
    chain = [first]
    message_open = False
    for line in stack.splitlines()[1:]:
        if line.startswith(_JAVA_NEXT):
            kind, _, message = line.removeprefix(_JAVA_NEXT).partition(":")
            chain.append(_Exception(new_id(), kind, message.removeprefix(" ")))
            message_open = True
        elif line.endswith(")") and (match := _JAVA_FRAME.match(line)):
            chain[-1].stack.append(_frame(match))
            message_open = False
        elif message_open:
            chain[-1].message += line
    return chain


def _frame(match: re.Match[str]) -> dict[str, Any]:
    digits = match["line"] or ""
    line = int(digits) if 0 < len(digits) <= _LONGEST_NUMBER else 0
    return {"path": match["path"], "line": line, "label": match["label"]}
