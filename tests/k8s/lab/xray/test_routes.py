"""Who is let in by the stand-in, and who may change it."""

import http.client
import json
from collections.abc import Callable, Iterator

import pytest

from tests.k8s.lab.xray.builders import shop
from tests.k8s.lab.xray.conftest import Server, start, stop

SIGNED = "AWS4-HMAC-SHA256 Credential=lab/20261122/eu-west-1/xray/aws4_request, Signature=0"
OTLP = {"Content-Type": "application/x-protobuf"}


@pytest.fixture(scope="module")
def guarded() -> Iterator[Server]:
    """A stand-in whose controls need a token, as a lab's do."""
    server = start('{"control_token": "0123456789abcdef"}')
    asked(server, "POST", "/v1/traces", OTLP, shop().SerializeToString())
    yield server
    stop(server)


def asked(
    server: Server, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Status, headers and body of one answer."""
    connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rpartition(":")[2]), timeout=20)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read()
    connection.close()
    return found


def traces_in(server: Server) -> int:
    """How many the stand-in has."""
    count: int = json.loads(asked(server, "GET", "/_standin/status", {})[2])["traces"]
    return count


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Host": "evil.test:16080"}, 421),
        ({"Host": "192.168.1.7:16080"}, 421),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/healthz"),
        ("GET", "/_standin/status"),
        ("GET", "/_standin/dump"),
        ("OPTIONS", "/_standin/reset"),
        ("POST", "/_standin/reset"),
        ("POST", "/_standin/knobs"),
        ("POST", "/v1/traces"),
        ("POST", "/TraceSegments"),
        ("POST", "/ServiceGraph"),
    ],
)
def test_pages_of_others_are_refused_with_any_method(
    guarded: Server, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """Also with all that a program would send; nothing is read, and nothing changes."""
    program = {"Authorization": SIGNED, "Samezone-Control": "0123456789abcdef"} | OTLP
    found, answered, body = asked(guarded, method, path, program | headers, b"{}")

    assert found == status
    assert b"shop" not in body
    assert not [name for name in answered if name.lower().startswith("access-control")]
    assert traces_in(guarded) == 1


@pytest.mark.parametrize("path", ["/_standin/reset", "/_standin/knobs"])
@pytest.mark.parametrize("headers", [{}, {"Samezone-Control": ""}, {"Samezone-Control": "0123456789abcdee"}])
def test_a_labs_controls_need_its_token(guarded: Server, path: str, headers: dict[str, str]) -> None:
    """With words that say where it is found; and nobody is told what it is."""
    status, _, body = asked(guarded, "POST", path, headers, b'{"loss_rate": 1}')

    assert status == 403
    assert f"{path} needs the header Samezone-Control with the lab's token" in json.loads(body)["Message"]
    assert traces_in(guarded) == 1
    told = asked(guarded, "GET", "/_standin/status", {})[2]
    assert json.loads(told)["knobs"]["loss_rate"] == 0
    assert b"0123456789abcdef" not in told


def test_by_itself_it_has_no_token_but_asks_for_the_header(started: Callable[[str], Server]) -> None:
    """Which a page cannot send without asking first; any value will do."""
    server = started("{}")
    assert asked(server, "POST", "/_standin/reset", {})[0] == 403
    assert asked(server, "POST", "/_standin/reset", {"Samezone-Control": ""})[0] == 200
