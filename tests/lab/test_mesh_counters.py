"""A lab with a real Prometheus: what it answers is what the relays counted, pair by pair."""

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from k8s.lab import state as lab_state
from k8s.lab.asking import read_truth, scrapes_all
from k8s.lab.design.store_app import UI
from k8s.lab.processes import ProcessId, is_running
from k8s.lab.state import LabState
from k8s.lab.truth import TruthRow, TruthSnapshot, difference
from k8s.topology import NodeName
from tests.k8s.lab.labs import get, wait_until
from tests.lab.conftest import JUDGED, Lab, running_lab

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(
        not shutil.which("prometheus"), reason="prometheus is not installed (Debian: prometheus)"
    ),
]
LOAD = ("--rate", "60", "--duration", "6", "--warmup", "1", "--seed", "3")
PAIR = ("source_workload", "source_zone", "destination_workload", "destination_zone")
WORKER = "locust-worker"
"""How the names of the load generator's pods begin: they are pods of nobody, others in each run."""
Pairs = Counter[tuple[str, ...]]
COUNTS = {
    "istio_tcp_connections_opened_total": "connections",
    "istio_tcp_connections_closed_total": "connections",
    "istio_tcp_received_bytes_total": "request_bytes",
    "istio_tcp_sent_bytes_total": "response_bytes",
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Three zones, and two of ui and catalog in one of them."""
    shape = ("--ui", "2,1,1", "--catalog", "3,1,1")
    yield from running_lab(tmp_path_factory.mktemp("mesh"), "--prometheus", *shape)


def now(lab: Lab) -> LabState:
    return lab_state.load(lab.home / "lab")


def asked(lab: Lab, promql: str) -> list[dict]:
    """What Prometheus answers to an instant query."""
    url = f"{now(lab).prometheus_url}/api/v1/query?{urllib.parse.urlencode({'query': promql})}"
    with urllib.request.urlopen(url) as answer:
        found: list[dict] = json.loads(answer.read())["data"]["result"]
    return found


def settled(lab: Lab) -> tuple[TruthSnapshot, float]:
    """The relays' counts once they stand still, and a moment by which Prometheus has scraped them so."""
    urls = now(lab).relay_admin_urls
    seen = [read_truth(urls)]

    def is_quiet() -> bool:
        seen.append(read_truth(urls))
        rows = [row for url in urls for row in json.loads(admin(url, "counters"))["rows"]]
        return seen[-1].rows == seen[-2].rows and not any(row["active"] for row in rows)

    wait_until(is_quiet, "the traffic to end")
    quiet_s = seen[-1].taken_at_s

    def scraped_since() -> bool:
        found = asked(lab, "timestamp(up)")  # of anything but a plain selector it would be the present
        return len(found) == len(urls) and all(float(one["value"][1]) > quiet_s for one in found)

    wait_until(scraped_since, "a scrape of every relay")
    return seen[-1], time.time()


def admin(url: str, page: str) -> bytes:
    with urllib.request.urlopen(f"{url}/{page}") as answer:
        body: bytes = answer.read()
    return body


def between(lab: Lab, metric: str, start_s: float, end_s: float, where: str = 'reporter="source"') -> Pairs:
    """``x @ end - x @ start`` by pair of workloads and zones; a series that was not there was 0."""
    summed = f"sum by ({', '.join(PAIR)}) ({metric}{{{where}}} @ %.3f)"
    end, start = summed % end_s, summed % start_s
    found = asked(lab, f"{end} - ({start} or 0 * {end})")
    pairs: Pairs = Counter()
    for one in found:
        labels = (one["metric"][label] for label in PAIR)
        pairs[tuple(WORKER if label.startswith(WORKER) else label for label in labels)] += int(
            one["value"][1]
        )
    return +pairs


def workloads(lab: Lab) -> dict[str, tuple[str, str]]:
    """(workload, zone) by address: from the state of the lab, and the workers' pods as the runs saw them."""
    state = now(lab)
    zones = {str(node.number): str(node.zone) for node in state.nodes}
    names = {pod.ip: pod.namespace for pod in state.pods}
    for path in lab.folder.glob("runs/*/topology.jsonl"):
        for line in path.read_text().splitlines():
            pods = json.loads(line)["pods"]
            names |= {pod["ip"]: WORKER for pod in pods if pod["name"].startswith(WORKER)}
    return {ip: (name, zones[ip.split(".")[2]]) for ip, name in names.items()}


def counted(lab: Lab, rows: tuple[TruthRow, ...], what: str) -> Pairs:
    """The same of the relays' rows."""
    who = workloads(lab)
    found: Pairs = Counter()
    for row in rows:
        found[who[row.client_ip] + who[row.server_ip]] += getattr(row, what)
    return +found


def test_what_prometheus_says_of_a_run_is_what_the_relays_counted(lab: Lab) -> None:
    """Connections and bytes of every pair, locust's workers included, exactly, at each of both ends."""
    before, start_s = settled(lab)
    done = lab.samezone("run", "off", *LOAD)
    assert done.returncode in JUDGED, done.stderr
    after, end_s = settled(lab)
    rows = difference(before, after).rows
    assert sum(row.failed for row in rows) == 0
    for metric, what in COUNTS.items():
        truth = counted(lab, rows, what)
        assert len({pair for pair in truth if pair[0] == "ui"}) == 9
        for reporter in ("source", "destination"):
            assert between(lab, metric, start_s, end_s, f'reporter="{reporter}"') == truth, metric
        assert between(lab, metric, start_s, end_s, "").total() == 2 * truth.total()
    measured = json.loads(next(lab.folder.glob("runs/*-off/truth.json")).read_bytes())["rows"]
    assert 0 < sum(row["connections"] for row in measured) <= sum(row.connections for row in rows)


def test_calls_from_outside_the_mesh_are_seen_where_they_arrive(lab: Lab) -> None:
    """Nobody reports them as their source; whom they make ui call is reported as ever."""
    _, start_s = settled(lab)
    for _ in range(5):
        get(f"{now(lab).service_url(NodeName('node-a-1'), UI)}/home", "127.0.0.1")
    _, end_s = settled(lab)
    metric = "istio_tcp_connections_opened_total"
    at_source = between(lab, metric, start_s, end_s)
    arrived = between(lab, metric, start_s, end_s, 'reporter="destination", source_zone="unknown"')
    assert (at_source.total(), {pair[0] for pair in at_source}) == (10, {"ui"})
    assert (arrived.total(), {pair[:3] for pair in arrived}) == (5, {("unknown", "unknown", "ui")})


def test_promtool_finds_no_fault_in_a_live_scrape(lab: Lab) -> None:
    """Of each relay, after traffic."""
    for url in now(lab).relay_admin_urls:
        scraped = admin(url, "metrics")
        assert b"istio_tcp_connections_opened_total{" in scraped
        done = subprocess.run(
            ["promtool", "check", "metrics"], input=scraped, capture_output=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def prometheus(lab: Lab) -> list[ProcessId]:
    return [child.process for child in now(lab).children if child.name == "prometheus"]


def test_prometheus_is_shown_and_listens_on_the_loopback_alone(lab: Lab) -> None:
    """As whatever else the lab runs."""
    shown = lab.samezone("lab", "status").stdout
    (process,) = prometheus(lab)
    assert f"Prometheus  {now(lab).prometheus_url}, running, 0 restarts" in shown
    assert f"running (pid {process.pid})" in shown
    listening = [
        found.laddr.ip
        for found in psutil.Process(process.pid).net_connections("inet")
        if found.status == psutil.CONN_LISTEN
    ]
    assert listening == ["127.0.0.1"]


def test_a_killed_prometheus_is_started_again_with_what_it_had(lab: Lab) -> None:
    """The lab goes on meanwhile, and what happens then is counted: the counters are the relays'."""
    before, start_s = settled(lab)
    (process,) = prometheus(lab)
    os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: process not in prometheus(lab), "the loss to be seen")
    for _ in range(3):
        get(f"{now(lab).service_url(NodeName('node-b-1'), UI)}/home", "127.0.0.1")
    url = now(lab).prometheus_url or ""
    targets = [urllib.parse.urlsplit(one).netloc for one in now(lab).relay_admin_urls]
    wait_until(lambda: scrapes_all(url, targets), "Prometheus to be back")
    assert "running, 1 restarts" in lab.samezone("lab", "status").stdout
    after, end_s = settled(lab)
    rows = [row for row in difference(before, after).rows if row.service != UI]
    truth = counted(lab, tuple(rows), "connections")
    assert truth.total() == 6
    assert between(lab, "istio_tcp_connections_opened_total", start_s, end_s) == truth


def test_a_node_that_joins_is_scraped(lab: Lab) -> None:
    """Its relay is a target without anybody saying so."""
    assert lab.samezone("lab", "node", "add", "--zone", "eu-west-1c").returncode == 0
    targets = [urllib.parse.urlsplit(one).netloc for one in now(lab).relay_admin_urls]
    assert len(targets) == 4
    wait_until(lambda: scrapes_all(now(lab).prometheus_url or "", targets), "the fourth relay to be scraped")


def test_down_ends_it_and_takes_its_samples_away(lab: Lab, tmp_path: Path) -> None:
    """No process and no folder; another lab does not run one unless asked to."""
    (process,) = prometheus(lab)
    assert (lab.home / "lab" / "prometheus" / "samples").is_dir()
    assert lab.samezone("lab", "down").returncode == 0
    assert not is_running(process)
    assert sorted(path.name for path in (lab.home / "lab").iterdir()) == ["lock", "logs"]
    for other in running_lab(tmp_path):
        assert now(other).prometheus_url is None
        assert "Prometheus" not in other.samezone("lab", "status").stdout
