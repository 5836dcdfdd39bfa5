"""Memory of everything that lives as long as the load does, while hundreds of thousands of requests pass.

``python -m tests.loadtest.swarm.memory_run [requests] [documents]`` sends them as fast as this machine gives
through a real Locust master and three workers to a small store, with the spans going to a real X-Ray stand-in
that keeps at most so many documents, while a real API server takes writes. Prints resident memory as it goes.
"""

import asyncio
import itertools
import json
import multiprocessing
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import replace
from pathlib import Path

import psutil

from loadtest.swarm.interface import Phase
from loadtest.swarm.local_swarm import LocalSwarm
from loadtest.worker.plan import LoadPlan
from tests.k8s.lab.apiserver import wire
from tests.loadtest.stand import CATALOG
from tests.loadtest.swarm.test_local_swarm import placements

STORES = ("127.84.201.1", "127.84.202.1", "127.84.203.1")
WORKERS = ("127.84.1.9", "127.84.2.9", "127.84.3.9")
RATE_PER_S = 900.0
REPORT_S = 20.0
_REPOSITORY = Path(__file__).parents[3]
_API = f"""
import logging
from k8s.lab.apiserver.handlers import Terms
from k8s.lab.apiserver.server import serve
logging.basicConfig(level="INFO")
serve("127.0.0.1", 0, Terms(token="{wire.TOKEN}"))
"""
_XRAY = """
import sys
from k8s.lab.xray.app import serve
from k8s.lab.xray.behaviour import Settings
settings = Settings(max_documents=int(sys.argv[1]))
serve("127.0.0.1", 0, settings=settings, on_ready=lambda port: print(port, flush=True))
"""


class _Shop(asyncio.Protocol):
    """Answers each request on a connection with the same page."""

    _ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(CATALOG), CATALOG)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(self._ANSWER * data.count(b"\r\n\r\n"))  # type: ignore[attr-defined]


def _sell(ports: "multiprocessing.Queue[int]") -> None:
    async def sell() -> None:
        loop = asyncio.get_running_loop()
        for store in STORES:
            server = await loop.create_server(_Shop, store, 0)
            ports.put(server.sockets[0].getsockname()[1])
        await asyncio.Event().wait()

    asyncio.run(sell())


def _write_for_ever(url: str, stopped: threading.Event) -> None:
    """What controllers do all day: an annotation that changes, and events that are new."""
    for number in itertools.count():
        if stopped.wait(0.02):
            return
        event = {
            "metadata": {"name": f"catalog.{number:x}", "namespace": "default"},
            "involvedObject": {"kind": "Service", "namespace": "default", "name": "catalog"},
            "reason": "TopologyAwareHintsEnabled",
            "message": f"Topology Aware Hints has been enabled, {number}",
            "type": "Normal",
        }
        patch = {"metadata": {"annotations": {"number": str(number)}}}
        _ask(f"{url}/api/v1/namespaces/default/events", "POST", event, "application/json")
        _ask(f"{url}/api/v1/namespaces/default", "PATCH", patch, "application/merge-patch+json")


def _ask(url: str, method: str, body: dict, kind: str) -> None:
    headers = {"Content-Type": kind, "Authorization": f"Bearer {wire.TOKEN}"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()


def main(requests: int, documents: int) -> None:
    """Run, and print a line every twenty seconds."""
    ports: multiprocessing.Queue[int] = multiprocessing.Queue()
    shop = multiprocessing.Process(target=_sell, args=(ports,), daemon=True)
    shop.start()
    stores = tuple(f"http://{store}:{ports.get(timeout=30)}" for store in STORES)
    xray = subprocess.Popen(
        [sys.executable, "-c", _XRAY, str(documents)], stdout=subprocess.PIPE, text=True, cwd=_REPOSITORY
    )
    api = subprocess.Popen([sys.executable, "-c", _API], stderr=subprocess.PIPE, text=True, cwd=_REPOSITORY)
    assert xray.stdout is not None
    assert api.stderr is not None
    collector = f"http://127.0.0.1:{int(xray.stdout.readline())}"
    api_url = api.stderr.readline().split()[-1]
    stopped = threading.Event()
    threading.Thread(target=_write_for_ever, args=(api_url, stopped), daemon=True).start()
    workers = tuple(
        replace(worker, ip=ip) for worker, ip in zip(placements(stores, collector), WORKERS, strict=True)
    )
    with tempfile.TemporaryDirectory() as logs:
        swarm = LocalSwarm(workers, Path(logs))
        try:
            swarm.open()
            _load(swarm, {"X-Ray stand-in": xray.pid, "API server": api.pid}, requests, collector)
        finally:
            stopped.set()
            swarm.close()
            for process in (xray, api):
                process.terminate()
                process.wait()
            shop.terminate()


def _load(swarm: LocalSwarm, others: dict[str, int], requests: int, collector: str) -> None:
    plan = LoadPlan(rate_per_s=RATE_PER_S, users=60, requests_per_connection=50, duration_s=24 * 3600)
    swarm.start(plan, run_id="memory", phase=Phase.MEASURE)
    began_s = told_s = time.monotonic()
    while True:
        seen = swarm.progress()
        now_s = time.monotonic()
        if now_s - told_s >= REPORT_S or seen.requests >= requests:
            told_s = now_s
            pids = {member.name: member.process.pid for member in swarm._members} | others
            rss = {name: psutil.Process(pid).memory_info().rss / 2**20 for name, pid in pids.items()}
            shown = ", ".join(f"{name} {size:.0f}" for name, size in rss.items())
            print(
                f"{now_s - began_s:5.0f} s {seen.requests:8d} requests, {seen.failures} failed, "
                f"{seen.spans_pending} spans wait; MiB: {shown}",
                flush=True,
            )
        if seen.requests >= requests:
            break
        time.sleep(0.5)
    swarm.stop()
    with urllib.request.urlopen(f"{collector}/_standin/status", timeout=60) as answer:
        status = json.load(answer)
    print({key: status[key] for key in ("traces", "documents", "dropped", "archive", "names")}, flush=True)


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if sys.argv[1:] else 300_000,
        int(sys.argv[2]) if sys.argv[2:] else 300_000,
    )
