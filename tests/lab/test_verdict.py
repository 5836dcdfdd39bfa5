"""The verdict on the lab: what passes, what fails and why, what is invalid; the Service as it was."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import Lab, await_line, running_lab

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(900)]

LOAD = ("--rate", "100", "--duration", "30", "--warmup", "1", "--users", "24")
"""Some 600 calls an endpoint: chance alone keeps the busiest of nine far below the margin of 1.3."""
HOT = ("--rate", "100", "--duration", "45", "--warmup", "1", "--users", "24")
"""Some 1,350 calls to each of two hot endpoints, at 1.5 of the mean: chance alone keeps them above it."""
PATIENCE_S = 500
"""Of a command that measures two arms, each once more where the machine is busy."""
BUSY = {"generator", "rate"}
"""Gates that a busy test machine breaks; what they say is true then, and no fault of the code."""
TOPOLOGY_MODE = "service.kubernetes.io/topology-mode"


@pytest.fixture(scope="module")
def even(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Three catalog pods in each zone."""
    yield from running_lab(tmp_path_factory.mktemp("even"), "--scenario", "even-3-3-3")


@pytest.fixture(scope="module")
def baseline(even: Lab) -> str:
    """A baseline and its null pair."""
    done = even.samezone("baseline", *LOAD, timeout_s=PATIENCE_S)
    assert done.returncode in (0, 4), done.stderr  # 4: on a machine too busy to measure
    return done.stderr


def newest(lab: Lab, arm: str) -> Path:
    return max((lab.folder / "runs").glob(f"*-{arm}"))


def verdict_of(folder: Path) -> dict:
    return json.loads((folder / "comparison.json").read_bytes())["verdict"]


def failed_gates(verdict: dict) -> set[str]:
    return {gate["name"] for gate in verdict["gates"] if not gate["passed"]}


def expect(done: subprocess.CompletedProcess[str], verdict: dict, decision: str, code: int) -> None:
    """The decision and its exit code; on a machine too busy to measure, invalid for that reason."""
    broken = failed_gates(verdict)
    if broken and broken <= BUSY:
        assert (verdict["decision"], done.returncode) == ("invalid", 4)
        return
    assert (verdict["decision"], done.returncode) == (decision, code), (verdict["reasons"], done.stderr)


def test_a_baseline_certifies_the_instrument(baseline: str):
    """Two equal arms, and what they showed."""
    is_certified = "null pair certified: equal arms differ by less than 0.05" in baseline
    assert is_certified or any(f"is no evidence: {gate}" in baseline for gate in BUSY), baseline


def test_tar_on_three_even_zones_passes(even: Lab, baseline: str):
    """More calls in their zone, no slower, no more errors, no skew."""
    assert baseline
    done = even.samezone("enable", "tar", *LOAD, "--require", "same_zone>=0.95", timeout_s=PATIENCE_S)
    verdict = verdict_of(newest(even, "tar"))
    expect(done, verdict, "pass", 0)
    assert [guard["outcome"] for guard in verdict["guards"]] == ["pass"] * 4
    assert [one["met"] for one in verdict["requirements"]] == ["met"]
    assert even.samezone("routing", "restore").returncode == 0
    assert TOPOLOGY_MODE not in even.annotations()


def test_a_place_that_changes_in_the_window_makes_it_invalid(even: Lab, baseline: str):
    """A pod is killed, and a node loses its zone label so that all hints go: both gates are named."""
    assert baseline
    process = even.start("run", "tar", *LOAD, "--arm", "disturbed")  # enable would measure it once more
    pods = json.loads(even.tool("kubectl", "-n", "catalog", "get", "pods", "-o", "json").stdout)["items"]
    victim = pods[0]["metadata"]["name"]
    await_line(process, "measuring")
    assert even.samezone("lab", "pod", "kill", victim, "-n", "catalog").returncode == 0
    zone = "topology.kubernetes.io/zone"
    assert even.tool("kubectl", "label", "node", "node-a-1", f"{zone}-").returncode == 0
    _, err = process.communicate(timeout=PATIENCE_S)
    assert even.tool("kubectl", "label", "node", "node-a-1", f"{zone}=eu-west-1a").returncode == 0
    assert process.returncode == 0, err
    folder = newest(even, "disturbed")
    assert even.samezone("collect", str(folder)).returncode in (0, 4)
    done = even.samezone("compare", str(newest(even, "off")), str(folder))
    verdict = verdict_of(folder)
    assert (done.returncode, verdict["decision"]) == (4, "invalid"), done.stderr
    assert failed_gates(verdict) >= {"pods", "hints"}
    assert any(victim in reason for reason in verdict["reasons"])
    even.samezone("routing", "restore")


def test_a_preference_that_overloads_a_zone_fails_on_skew(tmp_path: Path):
    """Five, two, two pods under PreferSameZone: all calls at home, and two pods carry a third of them."""
    for lab in running_lab(tmp_path, "--scenario", "uneven-5-2-2"):
        assert lab.samezone("baseline", *HOT, timeout_s=PATIENCE_S).returncode in (0, 4)
        done = lab.samezone("enable", "prefer-same-zone", *HOT, timeout_s=PATIENCE_S)
        verdict = verdict_of(newest(lab, "prefer-same-zone"))
        expect(done, verdict, "fail", 1)
        outcomes = {guard["name"]: guard["outcome"] for guard in verdict["guards"]}
        assert outcomes["share"] == "pass"
        assert outcomes["skew"] == "fail"


def test_an_experiment_of_interleaved_blocks(even: Lab):
    """ABBA after a null pair: windows that put everything back, one verdict, one folder."""
    load = (*LOAD, "--block-duration", "5")
    done = even.samezone("experiment", "--blocks", "ABBA", *load, timeout_s=800)
    trial = json.loads((even.folder / done.stdout.splitlines()[0] / "trial.json").read_bytes())
    codes = {"pass": 0, "fail": 1, "inconclusive": 3, "invalid": 4}
    assert done.returncode == codes[trial["decision"]], done.stderr
    assert TOPOLOGY_MODE not in even.annotations()
    if trial["stopped"] == "a window broke a gate twice":  # a machine too busy to measure
        assert trial["decision"] == "invalid"
        return
    assert trial["contests"][0]["gain"]["estimate"] == pytest.approx(2 / 3, abs=0.08)
    assert trial["order"] == [["off", "tar"], ["tar", "off"]]
    assert [window["block"] for window in trial["windows"]][-4:] == [1, 1, 2, 2]
