"""The fixes typed into a real kubectl, against a lab: the finding is there, and then it is gone."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from k8s.doctor.examination import examine
from k8s.doctor.finding import Finding
from k8s.live import live_scene
from k8s.live.cluster import connect
from tests.k8s.doctor.doctor_cases import KEY, serious
from tests.lab.conftest import BIN, Lab, running_lab

PATIENCE_S = 60.0
CONTROLLER_S = 1.5
"""Enough for the lab's controller to have acted on a busy machine; nothing is measured here."""
ANNOTATION = "service.kubernetes.io/topology-mode"

WRECKS: dict[str, tuple[str, ...]] = {
    "D01": (f"annotate service catalog {ANNOTATION}=AUTO --overwrite",),
    "D03": ("""patch service catalog --type merge -p {"spec":{"trafficDistribution":"PreferSameZone"}}""",),
    "D10": ("label node node-a-2 topology.kubernetes.io/zone-",),
    "D23": (
        "label node node-a-1 topology.kubernetes.io/zone-",
        "label node node-a-1 topology.kubernetes.io/zone=eu-west-1a",
    ),
    "D30": (
        "label node node-a-2 topology.kubernetes.io/zone-",
        "label node node-a-2 topology.kubernetes.io/zone=eu-west-1a",
    ),
    "D33": (
        """patch service catalog --type merge -p {"spec":{"trafficDistribution":"PreferSameNode"}}""",
        f"annotate service catalog {ANNOTATION}-",
        f"annotate service catalog {ANNOTATION}=Auto",
        """patch service catalog --type merge -p {"spec":{"trafficDistribution":null}}""",
    ),
    "D43": ("""patch service catalog --type merge -p {"spec":{"internalTrafficPolicy":"Local"}}""",),
    "D51": ("""patch service catalog --type merge -p {"spec":{"sessionAffinity":"ClientIP"}}""",),
}
"""What is done to a healthy Service with Auto, by the code that it leads to."""


@pytest.fixture(scope="module")
def doctors_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from running_lab(
        tmp_path_factory.mktemp("doctor"), "--nodes-per-zone", "2", "--catalog", "3", "--ui", "1"
    )


def look(lab: Lab) -> tuple[Finding, ...]:
    cluster = connect(Path(lab.environment["KUBECONFIG"]), None)
    scene = live_scene.read(cluster, taken_at_s=time.time())
    return examine(scene, KEY, store_pools=False)


def until(lab: Lab, true: Callable[[list[str]], bool]) -> tuple[Finding, ...]:
    """The findings once their codes are as they should be; the last ones seen if that takes too long."""
    end_s = time.monotonic() + PATIENCE_S
    while not true(serious(found := look(lab))) and time.monotonic() < end_s:
        time.sleep(0.1)
    return found


@pytest.mark.lab
def test_fixes_on_a_lab(doctors_lab: Lab) -> None:
    """Each fix is accepted by kubectl and takes its finding away, leaving a healthy Service with Auto."""
    kubectl(doctors_lab, f"annotate service catalog {ANNOTATION}=Auto")
    for code, steps in WRECKS.items():
        assert serious(until(doctors_lab, lambda codes: not codes)) == [], f"before {code}"

        for step in steps:
            kubectl(doctors_lab, step)
            time.sleep(CONTROLLER_S)
        found = until(doctors_lab, lambda codes, code=code: codes == [code])  # type: ignore[misc]

        assert serious(found) == [code]
        fix = next(one.fix for one in found if one.code == code)
        # Two touches in one second write the same text, and what does not change is not looked at.
        time.sleep(1.0 if "date +%s" in fix else 0.0)
        done = shell(doctors_lab, fix.replace("=ZONE", "=eu-west-1a"))
        assert done.returncode == 0, (code, done.stderr)
    assert serious(until(doctors_lab, lambda codes: not codes)) == []


def kubectl(lab: Lab, words: str) -> None:
    done = lab.tool("kubectl", "-n", "catalog", *words.split())
    assert done.returncode == 0, (words, done.stderr)


def shell(lab: Lab, command: str) -> subprocess.CompletedProcess[str]:
    """As a person would type it."""
    environment = lab.environment | {"PATH": f"{BIN}:{lab.environment['PATH']}"}
    return subprocess.run(
        ["bash", "-c", command], env=environment, capture_output=True, text=True, timeout=30, check=False
    )
