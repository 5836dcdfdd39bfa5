"""Stand-ins with spans in them, and the source that reads them."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from analysis.source.interface import Question
from analysis.source.spans.logs_insights import LogsInsights
from analysis.source.spans.spans_source import SpansSource
from loadtest.record import Window
from tests.k8s.lab.xray.builders import T0, shop
from tests.k8s.lab.xray.conftest import Server, start, stop

WINDOW = Window(start_s=T0 - 30.0, end_s=T0 + 31.0)
RUN = Question(window=WINDOW, run_id="R1", phase="before")


@dataclass
class Place:
    """A stand-in with one trace of the shop, and a source that reads it."""

    server: Server
    said: list[str] = field(default_factory=list)
    now_s: float = 0.0

    def logs(self, **more: Any) -> LogsInsights:
        def sleep(length_s: float) -> None:
            self.now_s += length_s

        return LogsInsights(
            region="eu-west-1",
            dummy_credentials=True,
            **{"endpoint_url": self.server.url, "sleep": sleep, "clock": lambda: self.now_s} | more,
        )

    def source(self, **more: Any) -> SpansSource:
        return SpansSource(self.logs(**more), say=self.said.append)

    def send(self) -> None:
        body = shop().SerializeToString()
        headers = {"Content-Type": "application/x-protobuf"}
        urllib.request.urlopen(urllib.request.Request(f"{self.server.url}/v1/traces", body, headers)).close()

    def turn(self, **knobs: Any) -> dict[str, Any]:
        """Turn knobs at the behaviour's door."""
        url, headers = f"{self.server.url}/_standin/knobs", {"Samezone-Control": "x"}
        request = urllib.request.Request(url, json.dumps(knobs).encode(), headers)
        with urllib.request.urlopen(request) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def described(self) -> list[dict[str, Any]]:
        """The queries that the stand-in saw, the newest first."""
        found: list[dict[str, Any]] = self.logs()._client._client.describe_queries()["queries"]
        return found


@pytest.fixture
def started_with() -> Iterator[Callable[[str], Place]]:
    """Starts stand-ins with settings of one's own, and ends them."""
    servers: list[Server] = []

    def begin(settings: str = "{}") -> Place:
        servers.append(start(settings))
        place = Place(server=servers[-1])
        place.send()
        return place

    yield begin
    for server in servers:
        stop(server)


@pytest.fixture
def place(started_with: Callable[[str], Place]) -> Place:
    """As it behaves if nobody turns anything."""
    return started_with("{}")
