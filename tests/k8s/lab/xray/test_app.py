"""The socket itself: encodings of OTLP, routes of its own, beginning and end."""

import base64
import gzip
import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
from google.protobuf.json_format import MessageToDict
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from k8s.errors import UnreachableError, UsageError
from k8s.lab.xray.app import serve
from tests.k8s.lab.xray.builders import TRACE, Json, shop
from tests.k8s.lab.xray.conftest import Server, start, stop

_PROTOBUF, _JSON = "application/x-protobuf", "application/json"
_CONTROLLING = {"Samezone-Control": "test"}


def post(server: Server, path: str, body: bytes, **headers: str) -> tuple[int, str, bytes]:
    """POST; returns status, content type and body."""
    request = urllib.request.Request(
        server.url + path, body, {key.replace("_", "-"): item for key, item in headers.items()}
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get_content_type(), error.read()


def get(server: Server, path: str) -> Json:
    """GET a JSON document."""
    with urllib.request.urlopen(server.url + path) as answer:
        document: Json = json.load(answer)
        return document


def shop_json() -> Json:
    """The shop's spans in OTLP's JSON: ids in hex, times as text."""
    tree: Json = MessageToDict(shop())
    for resource_spans in tree["resourceSpans"]:
        for span in resource_spans["scopeSpans"][0]["spans"]:
            for key in {"traceId", "spanId", "parentSpanId"} & span.keys():
                span[key] = base64.b64decode(span[key]).hex()
    return tree


@pytest.mark.parametrize("encoding", ["", "identity", "gzip"])
@pytest.mark.parametrize("kind", [_PROTOBUF, _JSON])
def test_otlp_encodings(shared: Server, kind: str, encoding: str) -> None:
    """Protobuf and JSON, plain and gzip, are taken, and answered in their own encoding."""
    post(shared, "/_standin/reset", b"", **_CONTROLLING)
    body = shop().SerializeToString() if kind == _PROTOBUF else json.dumps(shop_json()).encode()
    headers = {"Content_Type": kind} | ({"Content_Encoding": encoding} if encoding else {})

    status, answered, answer = post(
        shared, "/v1/traces", gzip.compress(body) if encoding == "gzip" else body, **headers
    )

    assert (status, answered) == (200, kind)
    if kind == _PROTOBUF:
        assert ExportTraceServiceResponse() == ExportTraceServiceResponse.FromString(answer)
    else:
        assert json.loads(answer) == {}
    dump = get(shared, "/_standin/dump")
    assert dump["status"]["documents"] == 8
    assert [len(documents) for documents in dump["traces"].values()] == [4]
    assert list(dump["traces"]) == [TRACE]


@pytest.mark.parametrize(
    ("kind", "encoding", "body"),
    [
        (_PROTOBUF, "", b"\xff\xff"),
        (_PROTOBUF, "gzip", b"not gzip"),
        (_PROTOBUF, "gzip", gzip.compress(b"x" * 1000, mtime=0)[:-9]),
        (_PROTOBUF, "br", b""),
        (_JSON, "", b"{"),
        (_JSON, "", b"[]"),
        (_JSON, "", b'{"resourceSpans": 5}'),
        (_JSON, "", b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "zz"}]}]}]}'),
        (_JSON, "", b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "00"}]}]}]}'),
    ],
)
def test_undecodable(shared: Server, kind: str, encoding: str, body: bytes) -> None:
    """What cannot be decoded is a 400 whose Status tells why, in the request's encoding."""
    headers = {"Content_Type": kind} | ({"Content_Encoding": encoding} if encoding else {})
    status, answered, answer = post(shared, "/v1/traces", body, **headers)

    assert (status, answered) == (400, kind)
    told = Status.FromString(answer).message if kind == _PROTOBUF else json.loads(answer)["message"]
    assert told


def test_other_content_types(shared: Server) -> None:
    """OTLP in another content type is a 415."""
    assert post(shared, "/v1/traces", b"", Content_Type="text/plain")[0] == 415


def test_strict_otlp(started: Callable[[str], Server]) -> None:
    """If asked so, OTLP is refused as AWS's endpoint does without Transaction Search."""
    server = started('{"strict_otlp": true}')
    status, _, answer = post(server, "/v1/traces", b"", Content_Type=_PROTOBUF)

    assert status == 400
    assert "CloudWatch Logs as a Trace Segment Destination" in Status.FromString(answer).message


_SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=lab/20261122/eu-west-1/xray/aws4_request, Signature=0"
}


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'"text"', b'{"a": "\\ud800"}'])
def test_bodies_that_are_no_arguments(shared: Server, body: bytes) -> None:
    """A body that is not a JSON object is a 400, in X-Ray's own form of errors."""
    status, kind, answer = post(shared, "/ServiceGraph", body, **_SIGNED)

    assert (status, kind) == (400, _JSON)
    assert {"__type", "Message"} == json.loads(answer).keys()


def test_signature_for_another_service(shared: Server) -> None:
    """A signature scoped to another service is refused."""
    other = {"Authorization": _SIGNED["Authorization"].replace("/xray/", "/logs/")}
    status, _, answer = post(shared, "/Groups", b"{}", **other)

    assert (status, json.loads(answer)["__type"]) == (403, "InvalidSignatureException")


def test_signature_can_be_waived(started: Callable[[str], Server]) -> None:
    """If asked so, calls need no signature."""
    server = started('{"require_signature": false}')

    assert post(server, "/Groups", b"{}")[0] == 200


def test_own_routes(shared: Server) -> None:
    """Health, status and reset are outside the API and need no signature."""
    with urllib.request.urlopen(f"{shared.url}/healthz") as answer:
        assert answer.read() == b"ok"
    post(shared, "/v1/traces", shop().SerializeToString(), Content_Type=_PROTOBUF)
    assert get(shared, "/_standin/status")["traces"] == 1
    assert get(shared, "/_standin/dump?traces=0")["traces"] == {}
    assert post(shared, "/_standin/reset", b"", **_CONTROLLING)[0] == 200
    assert get(shared, "/_standin/status")["traces"] == 0


def test_only_post(shared: Server) -> None:
    """X-Ray's operations are POST only."""
    request = urllib.request.Request(f"{shared.url}/Groups", headers=_SIGNED)

    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == 404


def test_ends_with_a_connection_open() -> None:
    """SIGTERM ends the process with 0; it waits for nobody."""
    server = start()
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))):
        assert stop(server) == 0


def test_port_is_taken() -> None:
    """A port that somebody holds is an UnreachableError that names it."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(UnreachableError, match=f"127.0.0.1:{port}: Address already in use"):
            serve("127.0.0.1", port)


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "localhost", ""])
def test_loopback_only(host: str) -> None:
    """Only loopback addresses are served."""
    with pytest.raises(UsageError, match="only loopback"):
        serve(host, 0)


def test_import_is_harmless() -> None:
    """Importing the entry starts no thread: the lab imports it, stays single-threaded and forks."""
    program = """
import os, sys
import k8s.lab.xray.app
print(len(os.listdir('/proc/self/task')), 'numpy' in sys.modules)
"""
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True, env=dict(os.environ)
    )

    assert answer.stdout.split() == ["1", "False"]
