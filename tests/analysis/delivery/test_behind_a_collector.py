"""Real deliveries through a collector that fails: calls are right, or the run is invalid and says how far."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import gevent
import pytest

from analysis.arm.inputs import arm_inputs
from analysis.arm.result import AssumedBytes, arm_result
from analysis.model import ArmResult
from analysis.source import collect
from analysis.source.interface import Patience, Received
from analysis.source.xray.client import XRay
from analysis.source.xray.xray_source import XRaySource
from analysis.verdict import gates
from analysis.verdict.judged import Gate, GateName
from analysis.verdict.windows import measured
from tests.analysis.delivery import traced_traffic
from tests.analysis.delivery.traced_traffic import PODS, REGION, Traffic
from tests.analysis.graphs import snapshot
from tests.k8s.lab.xray import conftest as stand_ins
from tests.k8s.lab.xray.conftest import Server

RATE_PER_S = 50.0
TOLERANCE = 0.001
FIFTH = 0.2
PATIENCE = Patience(poll_s=0.5, least_s=0.0, most_s=40.0, traces=200, still_s=4.0, most_traces=20_000)


@pytest.fixture
def xray() -> Iterator[Server]:
    server = stand_ins.start()
    yield server
    server.process.send_signal(signal.SIGCONT)
    stand_ins.stop(server)


@contextmanager
def forwarding(xray_url: str, *options: str) -> Iterator[str]:
    """A collector's process; its address."""
    command = [sys.executable, "-m", "tests.analysis.delivery.forwarder", xray_url, *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.terminate()
    finally:
        process.kill()
        process.communicate()


def nothing() -> None:
    """No trouble."""


def throttled(xray: Server, seconds: float) -> Callable[[], None]:
    """X-Ray answers every call with 429 for a while."""

    def turn() -> None:
        body = json.dumps({"throttle_for_s": seconds}).encode()
        url, headers = f"{xray.url}/_standin/knobs", {"Samezone-Control": "test"}
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
            assert answer.status == 200

    return turn


def stopped(xray: Server, seconds: float) -> Callable[[], None]:
    """Its process stands still for a while; its sockets take what comes."""

    def turn() -> None:
        xray.process.send_signal(signal.SIGSTOP)
        gevent.sleep(seconds)
        xray.process.send_signal(signal.SIGCONT)

    return turn


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the analysis says of traffic that is known call by call."""

    result: ArmResult
    gates: dict[GateName, Gate]
    made: int
    """Calls really made."""
    known: int
    """Calls that the analysis has with both ends."""
    entries: int
    """Requests by the worker's segments, as they came."""

    @property
    def lost(self) -> float:
        """Share of the calls that is really missing."""
        return 1 - self.known / self.made

    @property
    def is_valid(self) -> bool:
        return self.gates[GateName.GRAPH].passed and self.gates[GateName.SPANS].passed

    def __str__(self) -> str:
        loss = self.result.loss
        return (
            f"{self.known} of {self.made} calls ({self.lost:.2%} lost, said {loss.calls_share:.2%}; requests "
            f"{loss.graph_requests} of {loss.generator_requests}, entries {self.entries}, twice "
            f"{loss.repeated}); valid: {self.is_valid}; {self.gates[GateName.GRAPH].seen}; "
            f"{self.gates[GateName.SPANS].seen}"
        )


def answer(traffic: Traffic, xray: Server) -> Answer:
    """Collected and read as a run would be."""
    source = XRaySource(XRay(region=REGION, endpoint_url=xray.url, dummy_credentials=True))
    topology = (snapshot(PODS),)
    found = collect.collect(
        source, traffic.record, clock=time.time, sleep=time.sleep, patience=PATIENCE, topology=topology
    )
    inputs = arm_inputs(
        folder="run",
        record=traffic.record,
        topology=topology,
        reader=source.reader,
        received=Received(answers=found.graph.queries, rows=found.traces),
        stable=found.graph.stable,
    )
    result = arm_result(inputs, assumed=AssumedBytes())
    window = measured(inputs, result, label="run")
    pair = result.pairs[0]
    assert (pair.client, pair.server) == ("ui", "catalog")
    said = Answer(
        result=result,
        gates={gate.name: gate for gate in gates.of_window(window.evidence)},
        made=traffic.calls.total(),
        known=pair.same_zone + pair.cross_zone,
        entries=sum(
            edge["SummaryStatistics"]["TotalCount"]
            for query in found.graph.queries
            for page in query
            for node in page["Services"]
            if node["Type"] == "client"
            for edge in node["Edges"]
        ),
    )
    print(said)
    return said


def is_right_or_says_how_wrong(said: Answer) -> None:
    """Within a thousandth of the truth, or invalid with the true size of the loss, within a fifth of it."""
    if said.is_valid:
        assert abs(said.lost) <= TOLERANCE, said
        return
    loss = said.result.loss
    assert said.known <= said.made * (1 + TOLERANCE), said
    assert loss.calls_share == pytest.approx(said.lost, rel=FIFTH, abs=TOLERANCE), said
    assert loss.share >= loss.calls_share


def test_a_collector_that_delivers_every_third_batch_twice(xray: Server):
    """Every call and request counts once; the graph shows more entries than there were requests."""
    with forwarding(xray.url, "--twice-every", "3") as url:
        traffic = traced_traffic.run(url, rate_per_s=RATE_PER_S, seconds=6, at_half=nothing)
        said = answer(traffic, xray)

    assert said.is_valid, said
    assert said.known == said.made
    assert said.entries > said.result.loss.graph_requests == said.result.loss.generator_requests
    assert said.result.loss.repeated == said.entries - said.result.loss.generator_requests
    assert "delivered-twice" in {one.code for one in said.result.caveats}


@pytest.mark.slow
@pytest.mark.parametrize("every", [20, 7])
def test_a_collector_that_loses_whole_batches(xray: Server, every: int):
    """Callers and callees of one moment are gone together; the size is found all the same."""
    with forwarding(xray.url, "--lose-every", str(every)) as url:
        traffic = traced_traffic.run(url, rate_per_s=RATE_PER_S, seconds=30, at_half=nothing)
        said = answer(traffic, xray)

    assert not said.is_valid
    is_right_or_says_how_wrong(said)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [1.0, 3.0])
def test_x_ray_throttles_a_collector(xray: Server, seconds: float):
    """The exporter gives up, after it said that all was well."""
    with forwarding(xray.url) as url:
        traffic = traced_traffic.run(url, rate_per_s=RATE_PER_S, seconds=20, at_half=throttled(xray, seconds))
        said = answer(traffic, xray)

    is_right_or_says_how_wrong(said)


@pytest.mark.slow
@pytest.mark.parametrize("is_behind", [False, True], ids=["workers and pods alone", "behind a collector"])
def test_a_stand_in_that_stands_still(xray: Server, is_behind: bool):
    """Five seconds without an answer: clients post again what had arrived, and nobody counts it twice."""
    trouble = stopped(xray, 5.5)
    if is_behind:
        with forwarding(xray.url) as url:
            traffic = traced_traffic.run(url, rate_per_s=RATE_PER_S, seconds=20, at_half=trouble)
            said = answer(traffic, xray)
    else:
        traffic = traced_traffic.run(xray.url, rate_per_s=RATE_PER_S, seconds=20, at_half=trouble)
        said = answer(traffic, xray)
        load = traffic.record.seen.measured
        assert load is not None
        assert sum(worker.spans_again for worker in load.workers) > 0

    is_right_or_says_how_wrong(said)
