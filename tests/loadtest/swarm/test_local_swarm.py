"""Locust master and workers as real processes against a real store and collector on loopback."""

import json
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from k8s.errors import UnreachableError, UsageError
from loadtest.swarm.interface import Phase, Progress
from loadtest.swarm.local_swarm import LocalSwarm
from loadtest.worker.latency import GROWTH, middle_ms
from loadtest.worker.placement import WorkerPlacement
from loadtest.worker.plan import LoadPlan, Page
from loadtest.worker.tally import WorkerTally
from tests.loadtest.stand import Hit, Memory, attributes, serving

pytestmark = pytest.mark.lab

COLLECTOR = "127.0.0.1"
STORES = ("127.83.201.1", "127.83.202.1", "127.83.203.1")
WORKERS = ("127.83.1.9", "127.83.2.9", "127.83.3.9")
ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1<c>")
PLAN = LoadPlan(rate_per_s=60)
HOME_ONLY = (Page(name="home", path="/home", weight=1),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A swarm and what its targets remember."""

    swarm: LocalSwarm
    memory: Memory
    logs: Path

    def run(self, plan: LoadPlan, seconds: float, *, run_id: str = "r-1") -> tuple[WorkerTally, ...]:
        """Load for some seconds; the tallies at its end."""
        self.swarm.start(plan, run_id=run_id, phase=Phase.MEASURE)
        time.sleep(seconds)
        self.swarm.stop()
        return self.swarm.tallies()

    def post(self, path: str, **form: str) -> bytes:
        """What a person's browser sends."""
        data = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(self.swarm.web_url + path, data=data, timeout=20) as answer:
            return answer.read()

    def get(self, path: str) -> str:
        """A page of the web UI."""
        with urllib.request.urlopen(self.swarm.web_url + path, timeout=20) as answer:
            return answer.read().decode()

    def await_progress(self, what: str) -> Progress:
        """Wait until a field of the progress is not empty."""
        deadline_s = time.monotonic() + 60
        while not getattr(progress := self.swarm.progress(), what):
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        return progress


def placements(stores: tuple[str, ...], collector: str) -> tuple[WorkerPlacement, ...]:
    """One worker a zone, each with a store address of its own."""
    return tuple(
        WorkerPlacement(
            pod=f"locust-worker-{index}",
            zone=ZONES[index],
            node=f"node-{index}",
            ip=WORKERS[index],
            target_url=store,
            otlp_url=collector,
            region="eu-west-1",
            cluster="samezone-lab",
        )
        for index, store in enumerate(stores)
    )


@contextmanager
def opened(logs: Path, *, tracing: bool = True) -> Iterator[Scene]:
    """A swarm of three workers."""
    memory = Memory()
    with serving(memory, COLLECTOR, *STORES) as (collector, *stores):
        workers = tuple(replace(worker, tracing=tracing) for worker in placements(tuple(stores), collector))
        swarm = LocalSwarm(workers, logs)
        try:
            swarm.open()
            yield Scene(swarm=swarm, memory=memory, logs=logs)
        finally:
            swarm.close()


def by_zone(hits: list[Hit]) -> dict[str, list[str]]:
    """Paths in the order of arrival, by store address."""
    return {store: [hit.path for hit in hits if hit.server_ip == store] for store in STORES}


def check_schedule(tally: WorkerTally, rate_per_s: float) -> None:
    """It is absolute: on a busy machine a request is late, and no later one is for that."""
    late_s = (tally.lateness.quantile_ms(1.0) or 0.0) / 1000 * GROWTH
    assert abs(tally.last_s - tally.first_s - (tally.requests - 1) / rate_per_s) < late_s + 0.02


def test_every_zone_gets_its_share_and_every_request_its_span(tmp_path: Path):
    """60/s for 4 s: the rate holds, zones are equal, spans are those of the headers and all arrive."""
    with opened(tmp_path) as scene:
        tallies = scene.run(PLAN, 4)
        counts = [tally.requests for tally in tallies]
        hits, spans = scene.memory.shop_hits(), scene.memory.spans()

    assert [tally.zone for tally in tallies] == sorted(ZONES)
    # By one on a quiet machine; where one worker had to wait for the CPU at the end, by what was due in that.
    assert max(counts) - min(counts) <= 8
    for tally in tallies:
        check_schedule(tally, 20)
        assert tally.failures == 0
        assert (tally.spans_made, tally.spans_delivered, tally.spans_dropped) == (tally.requests,) * 2 + (0,)
        assert tally.connections == tally.requests
        assert tally.latency.total == tally.latency_intended.total == tally.lateness.total == tally.requests
        assert sum(page.requests for page in tally.pages) == tally.requests
    assert len(hits) == len(spans) == sum(counts)
    assert {hit.traceparent for hit in hits} == {
        f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01" for _, span in spans
    }
    assert len({span.trace_id for _, span in spans}) == len({span.span_id for _, span in spans}) == len(spans)
    assert Counter(service for service, _ in spans) == Counter(
        {tally.worker: tally.requests for tally in tallies}
    )
    assert {(hit.client_ip, hit.server_ip) for hit in hits} == set(zip(WORKERS, STORES, strict=True))
    marks = {(attributes(span)["run_id"], attributes(span)["phase"]) for _, span in spans}
    assert marks == {("r-1", "measure")}
    assert {hit.path for hit in hits} == {"/home", "/catalog", "/catalog/p-1", "/catalog/p-2"}


def test_a_second_arm_replays_the_first(tmp_path: Path):
    """Counts start from zero, each worker opens the same pages again, and connections are kept if asked."""
    plan = replace(PLAN, requests_per_connection=5, users=3)
    with opened(tmp_path) as scene:
        scene.run(plan, 2)
        first = by_zone(scene.memory.shop_hits())
        scene.memory.hits.clear()
        tallies = scene.run(plan, 2, run_id="r-2")
        second = by_zone(scene.memory.shop_hits())

    # With one user a worker the order of arrival is the schedule's.
    for store in STORES:
        length = min(len(first[store]), len(second[store]))
        assert length > 10
        assert first[store][:length] == second[store][:length]
    assert sum(map(len, second.values())) == sum(tally.requests for tally in tallies)
    assert [-(-tally.requests // 5) for tally in tallies] == [tally.connections for tally in tallies]


def test_failures_are_counted_and_their_spans_say_so(tmp_path: Path):
    """A store that answers 503."""
    with opened(tmp_path) as scene:
        scene.memory.status = 503
        tallies = scene.run(replace(PLAN, pages=HOME_ONLY), 1)
        spans = scene.memory.spans()

    for tally in tallies:
        assert tally.requests == tally.failures > 10
        assert tally.errors == (("HTTP 503", tally.failures),)
        assert tally.latency.total == 0
    assert {(span.status.code, span.status.message) for _, span in spans} == {(2, "HTTP 503")}


def test_a_stall_shows_in_the_latency_from_the_intended_start(tmp_path: Path):
    """The store stalls for a second: few requests are in flight, yet all that were due count as slow."""
    plan = replace(PLAN, pages=HOME_ONLY, users=3)
    with opened(tmp_path) as scene:
        scene.swarm.start(plan, run_id="r", phase=Phase.MEASURE)
        time.sleep(1)
        scene.memory.hold.clear()
        time.sleep(1)
        scene.memory.hold.set()
        time.sleep(1.5)
        scene.swarm.stop()
        tallies = scene.swarm.tallies()

    for tally in tallies:
        assert tally.requests > 60
        slow = [
            sum(count for index, count in histogram.counts if middle_ms(index) > 300)
            for histogram in (tally.latency, tally.latency_intended, tally.lateness)
        ]
        assert 1 <= slow[0] <= 3
        assert slow[1] > 10
        assert slow[2] > 10


def test_a_store_that_never_answers_times_out_and_is_counted(tmp_path: Path):
    """Stopping waits for requests in flight; each ends as a failure with a span, none is forgotten."""
    plan = replace(PLAN, pages=HOME_ONLY, timeout_s=0.7)
    with opened(tmp_path) as scene:
        scene.memory.hold.clear()
        tallies = scene.run(plan, 1)
        hits, spans = scene.memory.shop_hits(), scene.memory.spans()

    for tally in tallies:
        assert tally.requests == tally.failures == tally.spans_delivered >= 4
        assert tally.errors == (("timed out", tally.failures),)
        assert tally.in_flight == 0
    assert len(hits) == len(spans)
    assert {attributes(span).get("http.response.status_code") for _, span in spans} == {None}


def test_without_tracing_requests_carry_nothing(tmp_path: Path):
    """The baseline of the benchmark."""
    with opened(tmp_path, tracing=False) as scene:
        tallies = scene.run(PLAN, 1)
        headers = {hit.traceparent for hit in scene.memory.shop_hits()}

    assert headers == {""}
    assert scene.memory.bodies == []
    assert [tally.spans_made for tally in tallies] == [0, 0, 0]


def test_a_person_who_changes_nothing_gets_the_default_load(tmp_path: Path):
    """The web form: 50/s over all workers; its host field does not send workers to each other's store."""
    with opened(tmp_path) as scene:
        refused = scene.post("/swarm", user_count="2", spawn_rate="2")
        time.sleep(1)
        problem, quiet = json.loads(scene.get("/samezone/zones")), scene.swarm.progress()
        scene.post("/swarm", user_count="12", spawn_rate="12", host="http://127.0.0.1:1")
        time.sleep(3)
        scene.post("/stop")
        tallies = scene.swarm.tallies()
        tab = json.loads(scene.get("/samezone/zones"))
        front, page = scene.get("/"), scene.get("/zones")

    assert json.loads(refused)["success"]
    assert "2 users cannot cover 3 workers" in json.dumps(problem["notices"])
    assert (quiet.requests, quiet.workers) == (0, 3)
    for tally in tallies:
        check_schedule(tally, 50 / 3)
        assert tally.failures == 0
    assert [row["zone"] for row in tab["generators"]] == sorted(ZONES)
    assert all(name in front for name in ("requests_per_connection", "request_timeout", '"Zones"'))
    assert "eu-west-1<c>" not in front + page  # a script sets it as text


def test_a_taken_web_port_is_a_usage_error(tmp_path: Path):
    """Said before anything is started."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        swarm = LocalSwarm(placements(("http://127.0.0.1:1",), "http://127.0.0.1:1"), tmp_path, web_port=port)

        with pytest.raises(UsageError, match=str(port)):
            swarm.open()


def test_a_process_that_cannot_start_is_named_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A broken Python installation, for instance."""
    monkeypatch.setenv("PYTHONHOME", "/nonexistent")
    swarm = LocalSwarm(placements(("http://127.0.0.1:1",), "http://127.0.0.1:1"), tmp_path)

    with pytest.raises(UnreachableError, match=r"ended with code 1: .*\.log"):
        swarm.open()
    swarm.close()


def test_a_swarm_ends_with_the_process_that_opened_it(tmp_path: Path):
    """A killed command leaves no Locust behind."""
    script = (
        "import os, sys; from pathlib import Path\n"
        "from tests.loadtest.swarm.test_local_swarm import LocalSwarm, placements\n"
        "swarm = LocalSwarm(placements(('http://127.0.0.1:1',), 'http://127.0.0.1:1'), Path(sys.argv[1]))\n"
        "swarm.open()\n"
        "print(*[member.process.pid for member in swarm._members], flush=True)\n"
        "os._exit(9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    pids = [int(pid) for pid in done.stdout.split()]

    assert len(pids) == 2, done.stderr
    for pid in pids:
        if psutil.pid_exists(pid):
            psutil.Process(pid).wait(timeout=20)


def test_driving_a_swarm_loads_neither_gevent_nor_locust():
    """Locust patches sockets and threads at import: that is for its own processes only."""
    script = (
        "import sys, loadtest.swarm.local_swarm, loadtest.worker.plan, loadtest.record\n"
        "print(sorted({'gevent', 'locust', 'geventhttpclient', 'flask'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
