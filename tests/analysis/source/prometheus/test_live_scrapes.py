"""A real Prometheus that scrapes every second: failed scrapes, a deleted pod, restarts, and their markers."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from analysis.source.facts import Facts
from analysis.source.interface import Counts, IncompleteError, Question, Received
from analysis.source.prometheus.profiles import ZTUNNEL
from analysis.source.prometheus.prometheus_client import PrometheusAccess, open_prometheus
from analysis.source.prometheus.prometheus_source import PrometheusSource
from loadtest.record import Window
from tests.analysis.source.prometheus.backfill import PATIENCE_S, said, serving

pytestmark = pytest.mark.programs

METRIC = ZTUNNEL.metric
NODES = ("a", "b", "c")


class Exporter(ThreadingHTTPServer):
    """Counters of several nodes, each at a path of its own; None answers with an error."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Exposing)
        self.counted: dict[str, int | None] = dict.fromkeys(NODES, 1000)


class Exposing(BaseHTTPRequestHandler):
    server: Exporter

    def do_GET(self) -> None:
        node = self.path.strip("/")
        value = self.server.counted.get(node)
        labels = f'reporter="source",source_workload="ui",destination_workload="{node}"'
        body = f"{METRIC}{{{labels}}} {value}\n".encode()
        self.send_response(200 if value is not None else 500)
        self.end_headers()
        if value is not None:
            self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Be quiet."""


@dataclass
class Place:
    """An exporter and the Prometheus that scrapes it."""

    exporter: Exporter
    url: str
    targets: Path
    source: PrometheusSource = field(init=False)

    def __post_init__(self) -> None:
        self.client = open_prometheus(PrometheusAccess(url=self.url))
        self.source = PrometheusSource(self.client, ZTUNNEL)

    def look_at(self, *nodes: str) -> None:
        """Which nodes there are, as service discovery tells it."""
        address = f"127.0.0.1:{self.exporter.server_address[1]}"
        entries = [
            {"targets": [address], "labels": {"__metrics_path__": f"/{node}", "instance": node}}
            for node in nodes
        ]
        self.targets.with_suffix(".new").write_text(json.dumps(entries))
        self.targets.with_suffix(".new").rename(self.targets)

    def value(self, text: str) -> float | None:
        rows = self.client.query(text)["data"]["result"]
        return float(rows[0]["value"][1]) if rows else None

    def await_scrape(self, *nodes: str) -> float:
        """Until each has been scraped after now; returns this now."""
        now_s = time.time()
        for node in nodes:
            text = f'timestamp({METRIC}{{instance="{node}"}})'
            until(lambda text=text: (self.value(text) or 0.0) > now_s)
        return now_s

    def ask(self, question: Question) -> Counts:
        """As soon as it answers."""
        found: list[Counts] = []

        def answered() -> bool:
            try:
                answers = self.source.ask(question)
            except IncompleteError:
                return False
            found.append(self.source.reader.read(Received(answers=answers), Facts()))
            return True

        until(answered)
        return found[0]


def until(is_so: Callable[[], bool]) -> None:
    """Wait for what has to happen."""
    last_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < last_s, "it did not happen"
        time.sleep(0.05)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Three nodes that have counted 1,000 connections each before."""
    config, targets = tmp_path / "prometheus.yml", tmp_path / "targets.json"
    config.write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        f"scrape_configs: [{{job_name: mesh, file_sd_configs: [{{files: ['{targets}']}}]}}]\n"
    )
    with Exporter() as exporter:
        threading.Thread(target=exporter.serve_forever, daemon=True).start()
        with serving(tmp_path, tmp_path / "data", config) as url:
            made = Place(exporter, url, targets)
            made.look_at(*NODES)
            made.await_scrape(*NODES)
            yield made
        exporter.shutdown()


def count(place: Place, node: str, more: int) -> None:
    place.exporter.counted[node] = (place.exporter.counted[node] or 0) + more


def test_a_deleted_pod_a_failed_scrape_and_a_restart(place: Place):
    """All in one window: every call that a scrape saw is counted, and each trouble is told."""
    start_s = place.await_scrape(*NODES)
    # A scrape of c fails just before the load, which leaves a marker: its counter seems to be gone.
    value, place.exporter.counted["c"] = place.exporter.counted["c"], None
    until(lambda: place.value('up{instance="c"}') == 0)
    quiet_s = time.time() - start_s
    place.exporter.counted["c"] = value
    for node, more in (("a", 30), ("b", 20), ("c", 10)):
        count(place, node, more)
    place.await_scrape(*NODES)
    place.look_at("a", "c")  # b is deleted after its last scrape
    until(lambda: place.value('up{instance="b"}') is None)
    place.exporter.counted["a"] = 7  # restarted, and seven calls since
    place.await_scrape("a", "c")
    end_s = place.await_scrape("a", "c")
    # What came until end_s has been scraped, and quiet begins.
    until(lambda: time.time() - end_s > quiet_s)
    last_s = place.await_scrape("a", "c")
    question = Question(window=Window(start_s=start_s, end_s=last_s), run_id="r", quiet_s=quiet_s)
    found = place.ask(question)
    assert {one.server: one.count for one in found.calls} == {"a": 37, "b": 20, "c": 10}
    assert "started again from 0" in said(found)
    assert "not scraped any more at the window's end" in said(found, slight=True)
    assert "the last scrape before the window failed for 1 counters" in said(found, slight=True)


def test_a_target_that_fails_at_the_end_is_waited_for(place: Place):
    """It may come back, and it does: until then the answer is not complete."""
    start_s = place.await_scrape(*NODES)
    quiet_s = time.time() - start_s
    place.exporter.counted["b"] = None
    until(lambda: place.value('up{instance="b"}') == 0)
    for node in ("a", "c"):
        count(place, node, 5)
    end_s = place.await_scrape("a", "c")
    question = Question(window=Window(start_s=start_s, end_s=end_s), run_id="r", quiet_s=min(quiet_s, 0.001))
    with pytest.raises(IncompleteError, match="1 counters have not been scraped since the load ended"):
        place.source.ask(question)
    place.exporter.counted["b"] = 1009
    place.await_scrape("b")
    found = place.ask(question)
    assert {one.server: one.count for one in found.calls} == {"a": 5, "b": 9, "c": 5}


def test_the_interval(place: Place):
    """Told as soon as the targets were scraped twice, to about a second."""
    until(lambda: place.source.interval_s() is not None)
    found = place.source.interval_s()
    assert found is not None
    assert 0.5 < found < 3
    assert place.client.version()
