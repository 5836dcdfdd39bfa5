"""What the client sends: queries in the address, objects in the body, both at once."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from k8s.live.cluster import LiveCluster, connect


class Recording(BaseHTTPRequestHandler):
    """Answers with an empty object, and keeps what it was asked."""

    seen: list[tuple[str, str, dict[str, list[str]], bytes]]

    def answer(self) -> None:
        where = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.command, where.path, parse_qs(where.query), body))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_POST = answer  # noqa: N815 - as http.server calls it

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    Recording.seen = []
    with HTTPServer(("127.0.0.1", 0), Recording) as made:
        Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


def client_of(server: HTTPServer, folder: Path) -> LiveCluster:
    config = {
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(config))
    return connect(folder / "kubeconfig", "x")


def test_who_writes_and_what_is_written(server: HTTPServer, tmp_path: Path):
    """The field manager stands in the query, beside an object in the body."""
    client_of(server, tmp_path).create_object("/apis/a/v1/things", {"kind": "Thing"}, what="a thing")

    ((verb, path, query, body),) = Recording.seen
    assert (verb, path) == ("POST", "/apis/a/v1/things")
    assert query == {"fieldManager": ["samezone"]}
    assert json.loads(body) == {"kind": "Thing"}
