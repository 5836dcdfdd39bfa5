"""``make web``: the Locust web UI on the lab, for a person to drive."""

import json
import os
import signal
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator

import psutil
import pytest

from tests.lab.conftest import Lab, processes_of

pytestmark = pytest.mark.lab


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read()


def test_the_web_ui_drives_all_zones(lab: Lab):
    """The page opens, a start loads every zone, the Zones page shows it, Ctrl-C ends it."""
    running = lab.start("web", "--web-port", "0")
    assert running.stderr is not None
    try:
        address = next(line for line in running.stderr if "Locust web UI:" in line).split()[3]
        assert b"Locust" in get(address)
        form = urllib.parse.urlencode({"user_count": 6, "spawn_rate": 6}).encode()
        with urllib.request.urlopen(f"{address}/swarm", data=form, timeout=10) as response:
            assert json.load(response)["success"]
        time.sleep(4)
        seen = json.loads(get(f"{address}/samezone/tallies"))
        zones = {tally["zone"]: tally["requests"] for tally in seen["tallies"]}
        assert set(zones) == {"eu-west-1a", "eu-west-1b", "eu-west-1c"}
        assert min(zones.values()) > 20
        assert b"eu-west-1b" in get(f"{address}/zones")
        pods = lab.tool("kubectl", "-n", "locust", "get", "pods", "-o", "wide").stdout
        assert pods.count("locust-worker-") == 3
    finally:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)

    assert running.returncode == 0
    assert "locust-worker-" not in lab.tool("kubectl", "-n", "locust", "get", "pods").stdout
    assert [one for one in processes_of(lab.folder) if "locust" in " ".join(one.cmdline())] == []


def worker_process(command: int) -> psutil.Process:
    """The process of one worker that a command started."""
    return next(one for one in psutil.Process(command).children() if "--worker" in one.cmdline())


def await_word(lines: Iterator[str], word: str) -> str:
    """The next line with a word in it."""
    return next(line for line in lines if word in line)


def requests_of(address: str, zone: str) -> int:
    seen = json.loads(get(f"{address}/samezone/tallies"))
    return sum(tally["requests"] for tally in seen["tallies"] if tally["zone"] == zone)


def test_the_web_ui_survives_its_workers(lab: Lab):
    """A worker is killed, then another one's pod is deleted: each is told, its zone's load comes back."""
    running = lab.start("web", "--web-port", "0")
    assert running.stderr is not None
    lines = iter(running.stderr)
    try:
        address = await_word(lines, "Locust web UI:").split()[3]
        form = urllib.parse.urlencode({"user_count": 6, "spawn_rate": 6}).encode()
        with urllib.request.urlopen(f"{address}/swarm", data=form, timeout=10) as response:
            assert json.load(response)["success"]
        time.sleep(2)
        victim = worker_process(running.pid)
        zone = victim.environ()["SAMEZONE_ZONE"]
        os.kill(victim.pid, signal.SIGKILL)
        assert "is lost" in await_word(lines, "worker")
        back = await_word(lines, "worker")
        assert f"of {zone} is back after" in back
        before = requests_of(address, zone)
        time.sleep(2)
        assert requests_of(address, zone) > before + 20

        other = worker_process(running.pid).environ()["SAMEZONE_POD"]
        assert lab.tool("kubectl", "-n", "locust", "delete", "pod", other).returncode == 0
        assert other in await_word(lines, "is lost")
        assert other in await_word(lines, "is back")
        assert other in lab.tool("kubectl", "-n", "locust", "get", "pods").stdout
        assert running.poll() is None
    finally:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)

    assert running.returncode == 0
    assert "locust-worker-" not in lab.tool("kubectl", "-n", "locust", "get", "pods").stdout
    assert [one for one in processes_of(lab.folder) if "locust" in " ".join(one.cmdline())] == []
