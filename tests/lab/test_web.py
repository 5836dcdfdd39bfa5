"""``make web``: the Locust web UI on the lab, for a person to drive."""

import json
import os
import signal
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.lab.conftest import JUDGED, Lab, processes_of

pytestmark = pytest.mark.lab


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read()


def load(address: str, seconds: float) -> None:
    """What a person does: a start in the form, and a stop."""
    form = urllib.parse.urlencode({"user_count": 6, "spawn_rate": 6}).encode()
    with urllib.request.urlopen(f"{address}/swarm", data=form, timeout=10) as response:
        assert json.load(response)["success"]
    time.sleep(seconds)
    with urllib.request.urlopen(f"{address}/stop", data=b"", timeout=60) as response:
        assert json.load(response)["success"]


def test_the_web_ui_drives_all_zones(lab: Lab, tmp_path: Path):
    """The page opens, a start loads every zone, Ctrl-C ends it; each load is a run to collect and compare."""
    running = lab.start("web", "--web-port", "0", "--runs", str(tmp_path))
    assert running.stderr is not None
    lines = iter(running.stderr)
    try:
        address = await_word(lines, "Locust web UI:").split()[3]
        assert b"Locust" in get(address)
        assert b"samezone-zones" in get(f"{address}/zones")
        kept = []
        for _ in range(2):
            time.sleep(3)
            load(address, 6)
            kept.append(await_word(lines, "load of the web UI:"))
        seen = json.loads(get(f"{address}/samezone/tallies"))
        zones = {tally["zone"]: tally["requests"] for tally in seen["tallies"]}
        assert set(zones) == {"eu-west-1a", "eu-west-1b", "eu-west-1c"}
        assert min(zones.values()) > 20
        pods = lab.tool("kubectl", "-n", "locust", "get", "pods", "-o", "wide").stdout
        assert pods.count("locust-worker-") == 3
    finally:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)

    assert running.returncode == 0
    assert "locust-worker-" not in lab.tool("kubectl", "-n", "locust", "get", "pods").stdout
    assert [one for one in processes_of(lab.folder) if "locust" in " ".join(one.cmdline())] == []
    folders = sorted(tmp_path.iterdir())
    assert [
        ("complete" in line, str(folder) in line) for line, folder in zip(kept, folders, strict=True)
    ] == [(True, True)] * 2
    for folder in folders:
        collected = lab.samezone("collect", str(folder))
        assert collected.returncode == 0, collected.stderr
    compared = lab.samezone("compare", *map(str, folders))
    assert compared.returncode in JUDGED, compared.stderr
    assert (folders[1] / "comparison.json").is_file()


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
