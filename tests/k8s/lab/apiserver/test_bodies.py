"""Bodies that are small and would be much: looked at before they are taken apart."""

import gzip
import http.client
import json
import time
from typing import Any

import pytest

from k8s.lab.apiserver.bodies import decoded, decoded_yaml
from k8s.lab.apiserver.statuses import StatusError
from tests.k8s.lab.apiserver import samples, wire

YAML = "application/yaml"
ALIASES = "a0: &a0 [x,x,x]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1},' * 9}x]\n" for n in range(1, 30))
DEEP = [
    pytest.param(b"[" * 40_000, id="lists"),
    pytest.param(b"[" * 40_000 + b"]" * 40_000, id="whole-lists"),
    pytest.param(b"{a: " * 30_000, id="objects"),
    pytest.param(b"- " * 60_000, id="dashes"),
    pytest.param(b"? " * 60_000, id="keys"),
    pytest.param(b"? [" * 40_000, id="lists-as-keys"),
]


@pytest.mark.parametrize("body", DEEP)
@pytest.mark.parametrize("kind", [YAML, "application/apply-patch+yaml", "application/json"])
def test_what_is_nested_without_end_is_400(url: str, body: bytes, kind: str) -> None:
    """Of any type; the server is there and answers afterwards."""
    path = f"{url}/api/v1/namespaces/default/services"
    answer = (
        wire.call("PATCH", f"{path}/x?fieldManager=me", body, {"Content-Type": kind})
        if "patch" in kind
        else wire.call("POST", path, body, {"Content-Type": kind})
    )

    assert (answer.status, answer.json["reason"]) == (400, "BadRequest")
    assert wire.get(f"{url}/readyz").body == b"ok"


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (ALIASES.encode(), 400, "aliases are not taken"),
        (b"a: &a [1]\nb: *a", 400, "aliases are not taken"),
        (b"a: &a [*a]", 400, "aliases are not taken"),
        (b"a: &a {x: 1}\nb: {<<: *a}", 400, "aliases are not taken"),
        (b"[" + b"1," * 25_000 + b"1, a: b]", 413, "Request entity too large"),
        (b"#" * 200_000, 413, "Request entity too large"),
    ],
)
def test_yaml_that_stands_for_more_than_it_is(body: bytes, code: int, words: str) -> None:
    """Nothing of it is composed; the answer comes within a second."""
    began_s = time.process_time()
    with pytest.raises(StatusError, match=words) as refused:
        decoded_yaml(body)

    assert refused.value.code == code
    assert time.process_time() - began_s < 1


@pytest.mark.parametrize("depth", [99, 100])
def test_the_same_depth_in_json_and_yaml(depth: int) -> None:
    """What one takes, the other does."""
    text = "[" * depth + "1" + "]" * depth
    spaced = "[ " * depth + "a" + " ]" * depth

    assert decoded(text.encode()) == json.loads(text)
    assert decoded_yaml(spaced.encode()) == json.loads(spaced.replace("a", '"a"'))
    for read, body in ((decoded, "[" + text + "]"), (decoded_yaml, "[" + spaced + "]")):
        with pytest.raises(StatusError, match="exceeded max depth"):
            read(("[" * (100 - depth) + body + "]" * (100 - depth)).encode())


def test_a_compressed_body_is_not_unpacked(url: str) -> None:
    """Nobody sends one to an API server: it is read as it is, and is no JSON."""
    body = gzip.compress(b'"' + b"x" * 50_000_000 + b'"')
    headers = {"Content-Encoding": "gzip"}
    answer = wire.call("POST", f"{url}/api/v1/namespaces", body, headers)

    assert answer.status == 400


def test_a_body_that_is_too_large_is_told_before_it_has_come(url: str) -> None:
    """By its length, or by what came of a body that does not say it."""
    host = url.removeprefix("http://")
    for headers in ({"Content-Length": str(10**12)}, {"Transfer-Encoding": "chunked"}):
        connection = http.client.HTTPConnection(host, timeout=20)
        connection.putrequest("POST", "/api/v1/namespaces")
        for name, value in (headers | wire.BEARER).items():
            connection.putheader(name, value)
        connection.endheaders()
        piece = b" " * 65_536
        try:
            for _ in range(64):
                connection.send(
                    b"10000\r\n" + piece + b"\r\n"
                    if len(headers) and "Transfer-Encoding" in headers
                    else piece
                )
        except ConnectionError:
            pass  # it has answered and hangs up
        answer: Any = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["reason"]) == (413, "RequestEntityTooLarge")
        connection.close()
    assert wire.get(f"{url}/api/v1/namespaces/default").json["kind"] == samples.namespace("x")["kind"]
