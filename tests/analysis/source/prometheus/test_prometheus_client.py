"""The HTTP adapter: who asks, how it is signed, and every fault in one line; against a scripted server."""

import gzip
import json
import re
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from analysis.source.interface import IncompleteError, RefusedError, ThrottledError
from analysis.source.prometheus.prometheus_client import PrometheusAccess, open_prometheus
from k8s.errors import ExitCode, SamezoneError, UnreachableError, UsageError
from tests.k8s.lab.stage import free_port

EMPTY = {"status": "success", "data": {"resultType": "vector", "result": []}}
NAMED: dict[str, Any] = {"user": "me", "password": "secret"}
TOKEN: dict[str, Any] = {"token": "abc"}
FIVE = {"resultType": "vector", "result": [{"metric": {}, "value": [1, "5"]}]}


class Web(ThreadingHTTPServer):
    """Answers with what it was told to, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.status = 200
        self.kind = "application/json"
        self.body: bytes = json.dumps(EMPTY).encode()
        self.claims: int | None = None
        self.hangs = threading.Event()
        self.is_hanging = False
        self.refuses_post = False
        self.zips = False
        self.seen: list[tuple[str, str, dict[str, str], dict[str, list[str]]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answering(BaseHTTPRequestHandler):
    server: Web
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self._answer(parse_qs(form))

    def do_GET(self) -> None:
        self._answer(parse_qs(urlsplit(self.path).query))

    def _answer(self, form: dict[str, list[str]]) -> None:
        web = self.server
        web.seen.append((self.command, urlsplit(self.path).path, dict(self.headers.items()), form))
        status, body = web.status, web.body
        if web.refuses_post and self.command == "POST":
            status, body = 405, b"no POST"
        if web.zips:
            body = gzip.compress(body)
        self.send_response(status)
        self.send_header("Content-Type", web.kind)
        if web.zips:
            self.send_header("Content-Encoding", "gzip")
        if web.zips:
            # In chunks, as Prometheus sends what is large.
            self.send_header("Transfer-Encoding", "chunked")
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:9], body[9:], b""))
        else:
            self.send_header("Content-Length", str(len(body) if web.claims is None else web.claims))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if web.is_hanging else body)
        self.wfile.flush()
        if web.is_hanging:
            web.hangs.wait(30)
        self.close_connection = web.claims is not None

    def log_message(self, *_arguments: object) -> None:
        """Be quiet."""


@pytest.fixture
def web() -> Iterator[Web]:
    """A server on a free port of the loopback."""
    with Web() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.hangs.set()
        server.shutdown()


def ask(url: str, **access: Any) -> Any:
    return open_prometheus(PrometheusAccess(url=url, **access)).query("up", at_s=1.5)


def fault(url: str, kind: type[SamezoneError], words: str, **access: Any) -> None:
    """One line that says what was asked, and ends with the right exit code."""
    with pytest.raises(kind, match=words) as told:
        ask(url, **access)
    assert type(told.value) is kind
    assert "\n" not in str(told.value)
    assert told.value.exit_code is (ExitCode.USAGE if kind is UsageError else ExitCode.UNREACHABLE)


def test_a_query_is_posted_as_a_form(web: Web):
    """As long queries need it; and the answer comes as it is."""
    web.body = json.dumps({"status": "success", "data": FIVE, "warnings": ["slow"]}).encode()
    assert ask(web.url) == {"status": "success", "data": FIVE, "warnings": ["slow"]}
    method, path, _, form = web.seen[0]
    assert (method, path, form) == ("POST", "/api/v1/query", {"query": ["up"], "time": ["1.500"]})


def test_a_compressed_answer(web: Web):
    """A table of pairs shrinks to a tenth, and comes in chunks."""
    web.zips = True
    assert ask(web.url) == EMPTY


def test_where_post_is_not_allowed_it_is_got(web: Web):
    """Once found out, for good."""
    web.refuses_post = True
    client = open_prometheus(PrometheusAccess(url=web.url))
    assert client.query("up") == client.query("up") == EMPTY
    assert [method for method, *_ in web.seen] == ["POST", "GET", "GET"]
    assert web.seen[1][3] == {"query": ["up"]}


@pytest.mark.parametrize("suffix", ["/prometheus", "/prometheus/", "/prometheus/api/v1"])
def test_an_address_with_a_path(web: Web, suffix: str):
    """Mimir's is below /prometheus."""
    ask(web.url + suffix)
    assert web.seen[0][1] == "/prometheus/api/v1/query"


def test_who_asks(web: Web):
    """Nobody, a name and password, a token; and whose metrics."""
    ask(web.url)
    ask(web.url, org="team-1", **NAMED)
    ask(web.url.replace("http://", "http://me:se%3Acret@"))
    ask(web.url, **TOKEN)
    headers = [one[2] for one in web.seen]
    assert [one.get("Authorization") for one in headers] == [
        None,
        "Basic bWU6c2VjcmV0",
        "Basic bWU6c2U6Y3JldA==",
        "Bearer abc",
    ]
    assert [one.get("X-Scope-OrgID") for one in headers] == [None, "team-1", None, None]


def test_aws_signatures(web: Web, monkeypatch: pytest.MonkeyPatch):
    """SigV4 for service aps, over the body, with the session's token."""
    for name, value in (("ACCESS_KEY_ID", "AKID"), ("SECRET_ACCESS_KEY", "key"), ("SESSION_TOKEN", "tok")):
        monkeypatch.setenv(f"AWS_{name}", value)
    ask(f"{web.url}/workspaces/ws-1", sigv4_region="eu-west-1", org="team-1")
    _, path, headers, _ = web.seen[0]
    assert path == "/workspaces/ws-1/api/v1/query"
    assert re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=AKID/\d{8}/eu-west-1/aps/aws4_request, "
        r"SignedHeaders=[a-z0-9;-]+, Signature=[0-9a-f]{64}",
        headers["Authorization"],
    )
    assert "x-scope-orgid" in headers["Authorization"]
    assert headers["X-Amz-Security-Token"] == "tok"


def test_no_aws_credentials(web: Web, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """One line before anything is asked."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    fault(
        web.url, UnreachableError, "there are no AWS credentials; set AWS_PROFILE", sigv4_region="eu-west-1"
    )


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (400, RefusedError, r"400: parse error: unexpected \); check the profile"),
        (422, RefusedError, r"422: parse error: unexpected \); check the profile"),
        (401, RefusedError, "401: .*check user, password, token"),
        (403, RefusedError, "403: .*check user, password, token"),
        (404, RefusedError, "404: .*no Prometheus API below this address"),
        (302, RefusedError, "302: .*sends elsewhere"),
        (429, ThrottledError, "429: .*busy"),
        (503, ThrottledError, "503: .*busy"),
        (500, IncompleteError, "500: .*trouble of its own"),
        (418, RefusedError, "418: .*see the message"),
    ],
)
def test_each_refusal(web: Web, status: int, kind: type[SamezoneError], words: str):
    """With the engine's own message."""
    web.status = status
    web.body = json.dumps({"status": "error", "error": "parse error:\n unexpected )"}).encode()
    fault(web.url, kind, words)


@pytest.mark.parametrize(
    ("kind", "body", "error", "words"),
    [
        ("text/html", b"<html>Log in</html>", RefusedError, "a web page instead of Prometheus' JSON"),
        ("text/plain", b"  <!doctype html>", RefusedError, "a web page instead"),
        (
            "application/json",
            b'{"status":"success","data":{"resu',
            IncompleteError,
            "cannot be read after 33",
        ),
        ("application/json", b"[]", RefusedError, "is no object instead"),
        ("application/json", b'{"status":"success","data":{}}', RefusedError, "holds no result instead"),
        ("application/json", b'{"status":"error","error":"boom"}', RefusedError, "boom"),
    ],
)
def test_what_is_no_answer(web: Web, kind: str, body: bytes, error: type[SamezoneError], words: str):
    """A login page, JSON that is cut, something else's JSON."""
    web.kind, web.body = kind, body
    fault(web.url, error, words)


def test_a_web_page_with_an_error(web: Web):
    """A proxy's page is not quoted."""
    web.status, web.kind, web.body = 502, "text/html", b"<html>Bad gateway</html>"
    fault(web.url, IncompleteError, "502: a web page; it has trouble")


def test_an_answer_that_breaks_off(web: Web):
    """Fewer bytes than announced: asking again may help."""
    web.claims = len(web.body) + 10
    fault(web.url, IncompleteError, "broke in the midst of the answer")


def test_nobody_there():
    """Refused connections."""
    fault(f"http://127.0.0.1:{free_port()}", UnreachableError, "refused.*is it up")


def test_no_whole_answer_in_time(web: Web):
    """Half of it, and then nothing more."""
    web.is_hanging = True
    fault(web.url, UnreachableError, "no whole answer within 0.3 s", timeout_s=0.3)


@pytest.mark.parametrize(
    ("url", "access", "words"),
    [
        ("prom:9090", {}, "'prom:9090' is none; expected"),
        ("http://me:secret@", {}, "expected http"),
        ("http://prom:x", {}, "the address of Prometheus"),
        ("http://prom", {"user": "me", "token": "abc"}, "a user and a token were given; choose one"),
        ("http://prom", {"timeout_s": 0.0}, "a time limit of 0 s"),
        ("http://prom", {"token": "a\nb"}, "Authorization is not one line"),
        ("https://prom", {"ca_file": "/none/ca.pem"}, "/none/ca.pem"),
    ],
)
def test_an_access_that_cannot_be(url: str, access: dict[str, Any], words: str):
    """Bad input, before anything is asked; a password is never shown."""
    fault(url, UsageError, words, **access)


def test_secrets_are_not_shown(web: Web):
    """Neither in errors nor where an access is printed."""
    web.status = 401
    with pytest.raises(RefusedError) as told:
        ask(web.url.replace("http://", "http://me:hush@"))
    assert "hush" not in str(told.value)
    assert "abc" not in repr(PrometheusAccess(url="http://me:abc@prom", **TOKEN))
    assert "secret" not in repr(PrometheusAccess(url="http://prom", **NAMED))


def test_the_version(web: Web):
    """Where the engine tells it."""
    client = open_prometheus(PrometheusAccess(url=web.url))
    web.body = b'{"status":"success","data":{"version":"2.42.0"}}'
    assert client.version() == "2.42.0"
    assert web.seen[0][:2] == ("GET", "/api/v1/status/buildinfo")
    web.status = 404
    assert client.version() == ""


@pytest.mark.programs
def test_an_authority_of_ones_own(tmp_path: Path):
    """Its file makes the certificate trusted; without it one line says so."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subject = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(key))
    subprocess.run([*made, "-out", str(cert), *subject], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with Web() as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = server.url.replace("http://", "https://")
        assert ask(url, ca_file=str(cert)) == EMPTY
        fault(url, UnreachableError, "certificate is not trusted.*name the file of the authority")
        server.shutdown()
