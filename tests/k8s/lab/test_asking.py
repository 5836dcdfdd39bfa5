"""Asking the lab's servers: what answers, what does not, and what is said of it."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from k8s.errors import UnreachableError
from k8s.lab.asking import answers, delays_of, read_truth, relays_complete, scrapes_all
from k8s.topology import ServiceKey
from tests.k8s.lab.stage import free_port

CATALOG = ServiceKey(namespace="catalog", name="catalog")
UI = ServiceKey(namespace="ui", name="ui")
COUNTERS = (
    b'{"rows":[{"service":"catalog/catalog","client_ip":"a","server_ip":"b","connections":2,"failed":0,'
    b'"request_bytes":3,"response_bytes":4,"active":0}]}'
)


PAGES = {
    "/counters": COUNTERS,
    "/rules": b'{"rules":[{"service":"catalog/catalog","endpoints":[1,2]}]}',
    "/api/v1/targets": b'{"data":{"activeTargets":[{"health":"up","labels":{"instance":"a:1"}},'
    b'{"health":"unknown","labels":{"instance":"b:1"}}]}}',
    "/wires": b'{"delays_s":{"eu-west-1b":0.5}}',
}


class Relay(BaseHTTPRequestHandler):
    """What a relay's admin address answers."""

    def do_GET(self) -> None:
        body = PAGES.get(self.path)
        self.send_response(404 if body is None else 200)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def relay() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Relay)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_relay_tells_its_counts_its_rules_and_its_wires(relay: str) -> None:
    """Counts of several relays become one snapshot."""
    snapshot = read_truth((relay, relay), clock=lambda: 7.0)

    assert snapshot.taken_at_s == 7.0
    assert [(row.service, row.connections, row.request_bytes) for row in snapshot.rows] == [(CATALOG, 4, 6)]
    assert relays_complete((relay,), {CATALOG: 2})
    assert not relays_complete((relay,), {CATALOG: 3})
    assert not relays_complete((relay,), {CATALOG: 2, UI: 1})
    assert delays_of(relay) == {"eu-west-1b": 0.5}


def test_a_prometheus_scrapes_all_once_it_has_a_sample_of_each(relay: str) -> None:
    """A target that was not scraped yet is of unknown health; one that it has not heard of is not there."""
    assert scrapes_all(relay, ["a:1"])
    assert not scrapes_all(relay, ["a:1", "b:1"])
    assert not scrapes_all(relay, ["a:1", "c:1"])
    assert not scrapes_all(f"http://127.0.0.1:{free_port()}", [])


def test_what_does_not_answer_is_named(relay: str) -> None:
    """Nobody there, or no such page."""
    nobody = f"http://127.0.0.1:{free_port()}"

    assert answers(f"{relay}/counters")
    assert not answers(f"{relay}/nothing")
    assert not answers(nobody)
    assert not relays_complete((nobody,), {})
    assert delays_of(nobody) == {}
    with pytest.raises(UnreachableError, match=rf"asking {nobody}/counters: .*; is the lab up\?"):
        read_truth((relay, nobody))
