"""Credentials that a person renews in their file, while the web UI runs: the next client signs with them."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from analysis.source.interface import RefusedError
from analysis.source.xray.client import XRay
from loadtest.record import Window

EXPIRED = b'{"__type": "ExpiredTokenException", "message": "The security token is expired"}'
WINDOW = Window(start_s=0, end_s=60)


class Signed(BaseHTTPRequestHandler):
    """Refuses the key id OLD, and keeps by whom it was asked."""

    keys: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        found = re.search(r"Credential=(\w+)/", self.headers["Authorization"])
        assert found is not None
        self.keys.append(found[1])
        is_old = found[1] == "OLD"
        body = EXPIRED if is_old else b'{"Services": []}'
        self.send_response(403 if is_old else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    Signed.keys = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Signed) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_new_client_reads_them_anew(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """In one process: expired, renewed in the file, and whoever opens the source again is let in."""
    file = tmp_path / "credentials"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))

    def asked(key: str) -> None:
        file.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = s\n")
        XRay(region="eu-west-1", endpoint_url=address, dummy_credentials=False).graph(WINDOW)

    with pytest.raises(RefusedError, match="renew the AWS credentials"):
        asked("OLD")
    asked("NEW")

    assert (Signed.keys[0], Signed.keys[-1]) == ("OLD", "NEW")
