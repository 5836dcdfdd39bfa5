"""A zone loses power under load: calls fail over as kube-proxy would have it, and the record shows it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import JUDGED, Lab, running_lab

pytestmark = [pytest.mark.lab, pytest.mark.slow]

ZONE = "eu-west-1b"
LOAD = ("--rate", "60", "--duration", "16", "--warmup", "1", "--users", "60", "--request-timeout", "1")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Three zones."""
    yield from running_lab(tmp_path_factory.mktemp("drill"))


@pytest.fixture(scope="module")
def drilled(lab: Lab) -> Path:
    """A run with Topology Aware Routing through the failure of a zone."""
    done = lab.samezone("drill", ZONE, "--modes", "tar", *LOAD)
    assert done.returncode == 0, done.stderr
    assert "tar" in done.stdout
    assert "failed since then" in done.stdout
    return max((lab.folder / "runs").glob("*-tar"))


def read(folder: Path, name: str) -> dict:
    return json.loads((folder / name).read_bytes())


def snapshots(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "topology.jsonl").read_text().splitlines()]


def test_traffic_comes_back(drilled: Path):
    """Requests fail until the zone's endpoints are gone, and not to the end."""
    drill = read(drilled, "drill.json")
    assert drill["zone"] == ZONE
    assert 0 < drill["noticed_after_s"] < 10
    late = [tick for tick in drill["ticks"] if tick["at_s"] > drill["ticks"][-1]["at_s"] - 3]
    assert late[0]["failures"] == late[-1]["failures"], "requests still fail at the end"
    assert drill["failures"] < drill["requests"] / 3


def test_the_record_shows_the_failure(drilled: Path):
    """Snapshots with the zone's endpoints ready, and without; hints go with the zone."""
    ready = []
    for snapshot in snapshots(drilled):
        endpoints = [
            endpoint
            for one in snapshot["slices"]
            if one["service"] == "catalog"
            for endpoint in one["endpoints"]
            if endpoint["ready"]
        ]
        ready.append(sum(endpoint["zone"] == ZONE for endpoint in endpoints))
    assert ready[0] == 2
    assert min(ready) == 0


def test_placement_stays_right(lab: Lab, drilled: Path):
    """Every call between pods is placed, and calls of the other zones never went to the dead one for long."""
    collected = lab.samezone("collect", str(drilled))
    assert collected.returncode == 0, collected.stderr
    compared = lab.samezone("compare", str(drilled), str(drilled))
    assert compared.returncode in JUDGED, compared.stderr
    pair = next(
        one
        for one in read(drilled, "comparison.json")["candidate"]["pairs"]
        if (one["client"], one["server"]) == ("ui", "catalog")
    )
    known = pair["same_zone"] + pair["cross_zone"]
    assert known > 250
    assert not [reason for reason, _ in pair["unknown_reasons"] if "no pod of that name" in reason]


def test_the_zone_is_healed(lab: Lab, drilled: Path):
    """All pods ready again, and the Service as it was."""
    assert drilled
    pods = json.loads(lab.tool("kubectl", "get", "pods", "-A", "-o", "json").stdout)["items"]
    ready = [
        condition["status"]
        for pod in pods
        for condition in pod["status"]["conditions"]
        if condition["type"] == "Ready"
    ]
    assert set(ready) == {"True"}
    assert "service.kubernetes.io/topology-mode" not in lab.annotations()
