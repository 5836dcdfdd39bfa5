"""``make web``: the Locust web UI on the lab, for a person to drive."""

import json
import signal
import time
import urllib.parse
import urllib.request

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
