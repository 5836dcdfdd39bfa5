"""samezone as pip and pipx install it: a wheel in an empty environment, used from an empty folder.

The second half takes the dependencies from the package registry, so it is one of the slow tests.
"""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import BIN

ROOT = Path(__file__).parents[2]
ROOMS = ("k8s", "loadtest", "analysis")
NOT_OURS = ("__pycache__", ".terraform", ".terraform.lock.hcl")
SAVED_KINDS = "nodes,pods,services,endpointslices,events"
INSTALL_TIMEOUT_S = 600
LAB = ("--api-port", "0", "--xray-port", "0")
LOAD = ("--duration", "3", "--warmup", "1", "--rate", "20", "--users", "6")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the build backend makes of this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "--wheel-dir", str(folder), str(ROOT)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (found,) = folder.iterdir()
    return found


def test_the_wheel_holds_every_file_of_the_rooms(wheel: Path):
    """Code and data: scenarios, templates, manifests, the Terraform module; and nothing of the tests."""
    ours = {
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and not set(path.parts) & set(NOT_OURS)
    }
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == ours


class Installed:
    """The command of an environment of its own."""

    def __init__(self, environment: Path, folder: Path) -> None:
        self._bin = environment / "bin"
        self.folder = folder

    def samezone(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command, which finds neither this tree nor the programs of the environment of the tests."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "SAMEZONE"))}
        return subprocess.run(
            [str(self._bin / "samezone"), *arguments],
            cwd=self.folder,
            env={**kept, "PATH": f"{self._bin}{os.pathsep}{os.defpath}"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """The wheel and what its own metadata asks for, with a lab up that goes down again whatever happens."""
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    done = subprocess.run(
        [str(environment / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", str(wheel)],
        capture_output=True,
        text=True,
        timeout=INSTALL_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = Installed(environment, tmp_path_factory.mktemp("empty"))
    try:
        yield found
    finally:
        found.samezone("lab", "down")


@pytest.mark.slow
@pytest.mark.lab
@pytest.mark.timeout(900)
def test_an_installed_samezone_does_its_job(installed: Installed):
    """The lab, a run, a diagnosis of saved objects, the lab's end; nothing of it needs the repository."""
    up = installed.samezone("lab", "up", *LAB)
    assert up.returncode == 0, up.stderr
    run = installed.samezone("run", "off", *LOAD)
    assert run.returncode == 0, run.stderr
    (folder,) = (installed.folder / "runs").iterdir()
    assert {"record.json", "topology.jsonl", "truth.json"} <= {path.name for path in folder.iterdir()}
    kubeconfig = installed.folder / ".samezone" / "lab" / "kubeconfig"
    kubectl = [str(BIN / "kubectl"), "--kubeconfig", str(kubeconfig), "get", "--all-namespaces"]
    with (installed.folder / "saved.json").open("wb") as file:
        subprocess.run([*kubectl, SAVED_KINDS, "--output", "json"], stdout=file, check=True)
    down = installed.samezone("lab", "down")
    assert (down.returncode, down.stderr) == (0, "the lab is down\n")

    doctor = installed.samezone("routing", "doctor", "--from", "saved.json", "--json")
    assert doctor.returncode == 0, doctor.stderr
    assert json.loads(doctor.stdout)["service"] == "catalog/catalog"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_needs_a_clone_says_so(installed: Installed):
    """The image for kind is built from the repository; the command ends before it makes anything."""
    done = installed.samezone("kind", "up")
    assert done.returncode == 2
    assert "is built from a clone of samezone's repository" in done.stderr
    assert len(done.stderr.splitlines()) == 1
