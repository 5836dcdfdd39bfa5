"""The README's own commands, run as printed."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from analysis import cli
from tests.lab.conftest import BIN, Lab

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks() -> list[list[str]]:
    """The commands of each code block, without their comments."""
    found = re.findall(r"^```\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
    return [[line.split("  #")[0].strip() for line in block.splitlines()] for block in found]


def test_the_two_commands_are_there():
    """One runs the main job, one passes the tests."""
    assert blocks()[0] == ["make demo", "make test"]


def test_every_make_verb_of_the_readme_exists():
    """A verb that the README names is in the Makefile."""
    named = set(re.findall(r"\bmake ([a-z-]+)\b(?=[^\n]*`)", README)) | {"demo", "test"}
    makefile = (ROOT / "Makefile").read_text()
    verbs = {
        name for names in re.findall(r"^([a-z- ]+):", makefile, flags=re.MULTILINE) for name in names.split()
    }

    assert named >= {"demo", "test", "baseline", "enable-tar", "disable-tar", "web"}
    assert named <= verbs


def commands(heading: str) -> list[str]:
    """The commands printed in a section."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.findall(r"^```\n(.*?)^```", section, flags=re.DOTALL | re.MULTILINE)
    return [line.split("  #")[0].strip() for block in found for line in block.splitlines()]


def test_the_walk_through_on_eks_is_whole():
    """From nothing to a report and back to nothing, in this order."""
    verbs = [line.split()[1] for line in commands("On EKS")]
    assert verbs[:4] == ["cluster", "deploy", "status", "baseline"]
    assert verbs[verbs.index("enable-tar") : verbs.index("destroy")] == ["enable-tar", "disable-tar", "web"]


@pytest.mark.parametrize("command", commands("On EKS"))
def test_every_command_of_the_walk_through_exists(command: str):
    """Make knows the verb and its variables, and samezone takes the arguments that come of them."""
    done = subprocess.run(
        [*shlex.split(command), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = [shlex.split(line.removeprefix("@")) for line in done.stdout.splitlines() if "/samezone " in line]
    assert lines
    for line in lines:
        arguments = cli.parser().parse_args(line[1:])
        assert callable(arguments.command)
        context = re.search(r"CONTEXT=(\S+)", command)
        assert context is None or arguments.context in (context[1], None)


@pytest.mark.lab
@pytest.mark.timeout(300)
def test_make_demo(tmp_path: Path):
    """The main job from its one command: a shorter load, the lab's ports free ones, nothing left running."""
    lab = "LAB=--api-port 0 --xray-port 0"
    done = subprocess.run(
        ["make", "demo", "DURATION=3", "WARMUP=1", f"RUNS={tmp_path / 'runs'}", lab],
        cwd=ROOT,
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
    (commands,) = [block for block in blocks() if block[0] == ". .samezone/lab/env"]
    script = "set -e\n" + "\n".join(commands)
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
