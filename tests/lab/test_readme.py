"""The README's own commands, run as printed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.conftest import BIN, Lab
from tests.readme.pages import commands
from tests.sources import REPO


@pytest.mark.lab
@pytest.mark.timeout(300)
def test_make_demo(tmp_path: Path):
    """The main job from its one command: a shorter load, the lab's ports free ones, nothing left running."""
    lab = "LAB=--api-port 0 --xray-port 0"
    done = subprocess.run(
        ["make", "demo", "DURATION=3", "WARMUP=1", f"RUNS={tmp_path / 'runs'}", lab],
        cwd=REPO,
        env={**os.environ, "SAMEZONE_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "same-zone share of ui → catalog calls" in done.stdout  # so short a run may have no verdict
    report = Path(done.stderr.strip().splitlines()[-1].removeprefix("report: "))
    assert report.is_file()
    assert report.is_relative_to(tmp_path / "runs")
    status = subprocess.run(
        [str(BIN / "samezone"), "lab", "status"],
        env={**os.environ, "SAMEZONE_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert status.stdout.startswith("lab         down")


@pytest.mark.lab
def test_the_lab_commands(lab: Lab):
    """The block of kubectl and aws commands, in a shell, with the tools of this environment on PATH."""
    script = "\n".join(["set -e", *commands("k8s/README.md", "The lab")])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=lab.folder,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    try:
        assert done.returncode == 0, done.stderr
        assert "service/catalog annotated" in done.stdout
        assert "forZones" in done.stdout
        assert "TopologyAwareHintsEnabled" in done.stdout
        assert '"Services"' in done.stdout
    finally:
        annotation = "service.kubernetes.io/topology-mode-"
        lab.tool("kubectl", "-n", "catalog", "annotate", "svc", "catalog", annotation)


def test_no_command_loads_gevent():
    """Locust patches the process it is imported in; only its own processes may do that."""
    script = "import analysis.cli, sys; analysis.cli.parser(); sys.exit('gevent' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)

    assert done.returncode == 0, done.stderr
