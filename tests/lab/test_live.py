"""The chain's own traffic on a real lab: TAR's effect is found by it, and a hot endpoint is not left hot."""

import json
from pathlib import Path

import pytest

from k8s.lab import scenario_files
from k8s.live.cluster import connect
from k8s.routing.modes import RoutingMode, mode_of
from k8s.topology import ServiceKey
from tests.lab.conftest import running_lab

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(900)]

ORDERS = ServiceKey(namespace="shop", name="orders")
LIVE = ("--traffic", "live", "--service", "shop/orders", "--client", "shop/reports", "--warmup", "2")


def busy(folder: Path, pods: str) -> Path:
    """The chain with a job that calls 120 times a second, and its orders in these zones."""
    text = (
        (Path(scenario_files.__file__).parent / "scenarios" / "chain.yaml")
        .read_text()
        .replace("rate_per_s: 4", "rate_per_s: 40")
    )
    name, before, after = text.partition("name: orders\n      pods: 6")
    assert before
    file = folder / "busy.yaml"
    file.write_text(f"{name}name: orders\n      pods: {pods}{after}")
    return file


def trial_of(folder: Path) -> dict:
    (made,) = (folder / "runs").glob("*-experiment")
    return json.loads((made / "trial.json").read_text())


def test_tars_effect_is_found_under_the_apps_own_traffic(tmp_path: Path):
    """Nothing is sent: no run has a worker; a third stays at home without TAR, and everything with it."""
    for lab in running_lab(tmp_path, "--scenario", str(busy(tmp_path, "6"))):
        done = lab.samezone(
            "experiment", *LIVE, "--arms", "off,tar", "--blocks", "ABBA", "--block-duration", "15",
            timeout_s=600,
        )  # fmt: skip
        assert done.returncode in (0, 1, 3), done.stderr
        assert "live-traffic" in {one["code"] for one in records(tmp_path)[0]["caveats"]}
    found = trial_of(tmp_path)
    (contest,) = found["contests"]
    # On two cores TAR's p99 was seen at one and a half times that without it; nothing else may be against it.
    assert all(reason.startswith("p99 ratio: ") for reason in found["reasons"]), found["reasons"]
    assert 0.5 < contest["gain"]["low"] < contest["gain"]["high"] < 0.8
    assert contest["effects"]["share_after"]["estimate"] == 1.0
    assert contest["effects"]["coverage"] == 1.0
    assert {len(one["seen"]["measured"]["workers"]) for one in records(tmp_path)} == {0}
    assert found["traffic"] == "live"


def records(folder: Path) -> list[dict]:
    return [json.loads(one.read_text()) for one in (folder / "runs").glob("*-experiment/*/record.json")]


def test_a_mode_that_makes_an_endpoint_hot_is_ended_in_the_first_block(tmp_path: Path):
    """Five orders pods in one zone and two in the others: 1.5 of the mean; put back within five seconds."""
    for lab in running_lab(tmp_path, "--scenario", str(busy(tmp_path, "[5, 2, 2]"))):
        done = lab.samezone(
            "experiment", *LIVE, "--arms", "off,prefer-same-zone", "--block-duration", "45",
            timeout_s=600,
        )  # fmt: skip
        assert done.returncode == 1, done.stderr
        cluster = connect(lab.home / "lab" / "kubeconfig", None)
        assert mode_of(cluster.service(ORDERS)) is RoutingMode.OFF
        assert list((lab.home / "originals").glob("*")) == []
    found = trial_of(tmp_path)
    assert found["decision"] == "fail"
    assert "busiest endpoint over the mean" in found["breach"]["text"]
    assert 0 <= found["breach"]["restored_s"] - found["breach"]["at_s"] < 5.0
    assert found["stopped"].startswith("a guard was broken in block 1 of ")
    assert {one["arm"] for one in found["windows"]} == {"off"}
    (broken,) = (one for one in records(tmp_path) if one["status"] == "breached")
    assert broken["measured"]["end_s"] - broken["measured"]["start_s"] < 45
