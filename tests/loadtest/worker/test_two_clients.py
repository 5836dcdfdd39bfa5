"""The lean client and Locust's FastHttpUser, side by side, with every kind of answer."""

import json
import re
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from loadtest.worker.target import BOTH, W3C
from tests.loadtest.worker.shapes import RESET, Teller, telling

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HEAD = b"HTTP/1.1 200 OK\r\n"
CLOSED = "HTTPConnectionClosed: connection closed."
_TRACE = re.compile(rb"[0-9a-f]{16,}")
_PORT = re.compile(rb"127.0.0.1:\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A page, what answers it, and how two requests of it end."""

    says: str
    pieces: tuple[bytes, ...] = (OK,)
    closes: bool = False
    refuses: bool = False
    page: dict[str, Any] = field(default_factory=dict)
    failure: str = ""
    connections: int = 1
    """Opened for two requests."""
    other_connections: int | None = None
    """Those of Locust's client, where they are not as many: it keeps a connection that brought too much."""
    timeout_s: float = 30.0
    propagate: str = W3C
    leans: int = 2
    """How many of the two the lean client sends."""


CASES = (
    Case(says="a plain answer"),
    Case(says="no body", pieces=(b"HTTP/1.1 204 No Content\r\n\r\n",)),
    Case(says="not modified", pieces=(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n",)),
    Case(
        says="chunks",
        pieces=(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", b"3\r\nabc\r\n", b"0\r\n\r\n"),
    ),
    Case(
        says="chunks with a trailer",
        pieces=(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2;x=1\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n",),
    ),
    Case(
        says="close by header",
        pieces=(HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nok",),
        closes=True,
        connections=2,
    ),
    Case(says="body until the end", pieces=(HEAD + b"\r\nab", b"cd"), closes=True, connections=2),
    Case(says="an old server", pieces=(b"HTTP/1.0 200 OK\r\n\r\nok",), closes=True, connections=2),
    Case(says="an interim answer", pieces=(b"HTTP/1.1 100 Continue\r\n\r\n", OK)),
    Case(says="early hints at once", pieces=(b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + OK,)),
    Case(says="a trickle", pieces=tuple(bytes((one,)) for one in OK)),
    Case(says="a head in halves", pieces=(OK[:30], OK[30:])),
    Case(says="a huge head", pieces=(HEAD + b"X-A: %b\r\nContent-Length: 2\r\n\r\nok" % (b"x" * 50_000),)),
    Case(says="a large body", pieces=(HEAD + b"Content-Length: 300000\r\n\r\n" + bytes(300_000),)),
    Case(
        says="head only",
        page={"method": "HEAD"},
        pieces=(HEAD + b"Content-Length: 500\r\n\r\n",),
    ),
    Case(says="a redirect", pieces=(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",)),
    Case(
        says="a failure",
        pieces=(b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno",),
        failure="HTTP 503",
    ),
    Case(
        says="an odd status",
        pieces=(b"HTTP/1.1 299 Odd\r\nContent-Length: 0\r\n\r\n",),
        failure="LocustBadStatusCode: code=299",
    ),
    Case(
        says="an expected failure",
        page={"expected": [503]},
        pieces=(b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno",),
    ),
    Case(says="an unexpected success", page={"expected": [503]}, failure="HTTP 200"),
    Case(
        says="an early end of the body",
        pieces=(HEAD + b"Content-Length: 9\r\n\r\nok",),
        closes=True,
        failure="HTTPParseError: Incomplete response.",
        connections=2,
    ),
    Case(
        says="an early end of the head",
        pieces=(HEAD + b"Content-Le",),
        closes=True,
        failure="HTTPParseError: ('Invalid EOF state', 14)",
        connections=2,
    ),
    Case(says="an end at once, tried again", pieces=(), closes=True, failure=CLOSED, connections=6),
    Case(
        says="an end at once of a POST",
        page={"method": "POST", "body": "a"},
        pieces=(),
        closes=True,
        failure=CLOSED,
        connections=2,
    ),
    Case(says="a reset, tried again", pieces=(RESET,), failure=CLOSED, connections=6),
    Case(
        says="a reset in the body",
        pieces=(HEAD + b"Content-Length: 9\r\n\r\nok", RESET),
        failure="ConnectionResetError: Connection reset by peer",
        connections=2,
    ),
    Case(
        says="garbage",
        pieces=(b"hello\r\n\r\n",),
        failure="HTTPParseError: ('Expected HTTP/, RTSP/ or ICE/', 8)",
        connections=2,
    ),
    Case(
        says="garbage behind an answer",
        pieces=(OK + b"garbage",),
        failure="HTTPParseError: ('Expected HTTP/, RTSP/ or ICE/', 8)",
        connections=2,
        other_connections=1,
    ),
    Case(
        says="a body for HEAD",
        page={"method": "HEAD"},
        pieces=(OK,),
        connections=2,
        other_connections=1,
    ),
    Case(says="silence", pieces=(), failure="timed out", timeout_s=0.3, connections=2),
    Case(says="silence in the body", pieces=(OK[:-1],), failure="timed out", timeout_s=0.3, connections=2),
    Case(
        says="nobody listens",
        refuses=True,
        failure="ConnectionRefusedError: Connection refused",
        connections=0,
    ),
    Case(
        says="what a page brings",
        page={"method": "POST", "path": "/a b?x=ü", "body": '{"a": "ü"}', "headers": [["x-a", "1"]]},
    ),
    Case(says="both headers of a trace", propagate=BOTH),
    Case(says="a large body is sent", page={"method": "PUT", "body": "x" * 1_000_000}),
    Case(says="a header of its own for the trace", page={"headers": [["Traceparent", "mine"]]}),
    Case(
        says="a conversation",
        page={"method": "PUT", "body": "a", "headers": [["Expect", "100-continue"]]},
        leans=0,
    ),
)
BY_NAME = {case.says: case for case in CASES}
COOKIE = Case(says="a cookie", pieces=(HEAD + b"Set-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok",), leans=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one client made of a case, and what the server heard."""

    told: dict[str, Any]
    heard: tuple[bytes, ...]
    connections: int


def run(cases: tuple[Case, ...], times: int) -> dict[str, tuple[Seen, Seen]]:
    """Each case by both clients: the lean one first."""
    with ExitStack() as stack:
        tellers = [
            tuple(Teller(pieces=case.pieces, closes=case.closes, refuses=case.refuses) for _ in "ab")
            for case in cases
        ]
        asked = [
            {
                "lean_url": stack.enter_context(telling(lean)),
                "url": stack.enter_context(telling(other)),
                "page": {"name": "p", "path": "/p", "weight": 1} | case.page,
                "timeout_s": case.timeout_s,
                "propagate": case.propagate,
                "times": times,
            }
            for case, (lean, other) in zip(cases, tellers, strict=True)
        ]
        done = subprocess.run(
            [sys.executable, "-m", "tests.loadtest.worker.two_clients"],
            input=json.dumps(asked).encode(),
            capture_output=True,
            cwd=Path(__file__).parents[3],
            check=False,
            timeout=170,
        )
    assert done.returncode == 0, done.stderr.decode()
    return {
        case.says: tuple(
            Seen(told=one, heard=tuple(teller.heard), connections=teller.connections)
            for one, teller in zip(told, pair, strict=True)
        )
        for case, told, pair in zip(cases, json.loads(done.stdout), tellers, strict=True)
    }


@pytest.fixture(scope="module")
def seen() -> dict[str, tuple[Seen, Seen]]:
    return run(CASES, times=2)


def spans(seen: Seen) -> list[str]:
    """The two spans but for ids, times and port."""
    request = ExportTraceServiceRequest.FromString(bytes.fromhex(seen.told["spans"]))
    found = request.resource_spans[0].scope_spans[0].spans
    assert len({span.span_id for span in found}) == len(found) == 2
    for span in found:
        assert 0 < span.start_time_unix_nano < span.end_time_unix_nano
        span.trace_id = span.span_id = b""
        span.start_time_unix_nano = span.end_time_unix_nano = 0
    return [_PORT.sub(b"HOST", str(span).encode()).decode() for span in found]


def without_ids(heard: tuple[bytes, ...]) -> list[bytes]:
    """Requests but for ids and port."""
    return [_PORT.sub(b"HOST", _TRACE.sub(b"ID", one)) for one in heard]


@pytest.mark.parametrize("name", BY_NAME)
def test_both_clients_make_the_same_of_every_answer(name: str, seen: dict[str, tuple[Seen, Seen]]):
    """Counts, failures and their names, connections, Locust's statistics and errors, spans."""
    case, (lean, other) = BY_NAME[name], seen[name]

    assert (lean.told["lean"], other.told["lean"]) == (case.leans, 0)
    for part in ("requests", "failures", "pages", "latencies", "locust", "rows", "errors"):
        assert lean.told[part] == other.told[part], part
    assert lean.told["requests"] == 2
    assert lean.told["reasons"] == other.told["reasons"] == ([[case.failure, 2]] if case.failure else [])
    wanted = case.connections if case.other_connections is None else case.other_connections
    assert lean.connections == lean.told["connections"] == case.connections
    assert other.connections == other.told["connections"] == wanted
    assert spans(lean) == spans(other)


@pytest.mark.parametrize("name", BY_NAME)
def test_both_clients_send_the_same_bytes(name: str, seen: dict[str, tuple[Seen, Seen]]):
    """Header by header, in the same order, as often."""
    lean, other = seen[name]

    assert without_ids(lean.heard) == without_ids(other.heard)
    assert len(lean.heard) >= 2 or BY_NAME[name].refuses


def test_a_target_that_sets_cookies_gets_them_back():
    """From the first cookie on Locust's own client sends, which keeps them."""
    ((lean, other),) = run((COOKIE,), times=4).values()

    assert (lean.told["lean"], lean.told["is_lean_still"]) == (1, False)
    assert [b"Cookie: a=b" in one for one in lean.heard] == [False, False, True, True]
    assert [b"Cookie: a=b" in one for one in other.heard] == [False, True, True, True]
    assert lean.told["locust"] == other.told["locust"]
