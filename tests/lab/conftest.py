"""A lab of its own for these tests, on free ports, in a temporary folder."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

BIN = Path(sys.executable).parent
JUDGED = (0, 1, 3, 4)
"""How a command ends that measured, whatever the verdict: the runs of most tests are too short for one."""
PATIENT = 3
"""Times that a measurement is asked for on a machine that does other things as well."""
FREE_PORTS = ("--api-port", "0", "--xray-port", "0")


@dataclass(frozen=True)
class Lab:
    """A running lab and the commands that a user would type."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / ".samezone"

    @property
    def environment(self) -> dict[str, str]:
        """What ``. .samezone/lab/env`` exports."""
        lines = (self.home / "lab" / "env").read_text().splitlines()
        pairs = (line.removeprefix("export ").split("=", 1) for line in lines if line.startswith("export "))
        return {**os.environ, **{key: value.strip("'\"") for key, value in pairs}}

    def samezone(self, *arguments: str, timeout_s: float = 170) -> subprocess.CompletedProcess[str]:
        command = [str(BIN / "samezone"), *arguments]
        return subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=timeout_s, check=False
        )

    def evidence(self, *arguments: str, timeout_s: float = 170) -> subprocess.CompletedProcess[str]:
        """The same, asked again as a person would where nothing but a busy machine spoilt it."""
        for _ in range(PATIENT):
            done = self.samezone(*arguments, timeout_s=timeout_s)
            if done.returncode == 0 or not was_late(done.stderr):
                break
        return done

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(BIN / "samezone"), *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def tool(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Kubectl or aws, with the lab's env file."""
        return subprocess.run(
            [str(BIN / name), *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def service(self) -> dict:
        """The catalog Service as kubectl shows it."""
        done = self.tool("kubectl", "-n", "catalog", "get", "svc", "catalog", "-o", "json")
        return json.loads(done.stdout)

    def annotations(self) -> dict[str, str]:
        return self.service()["metadata"].get("annotations") or {}


def was_late(said: str) -> bool:
    """Whether a command gave up because its load was late, which is the machine's doing."""
    return re.search(r"is no evidence, measured twice: generator \(", said) is not None


def await_line(process: subprocess.Popen[str], words: str) -> None:
    """Read what it says until a line has these words."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if words in line:
            return
    pytest.fail(f"it ended without saying {words!r} but: {''.join(said)}")


def processes_of(folder: Path) -> list[psutil.Process]:
    """Processes whose command line or working folder names *folder*."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(folder) in " ".join(process.cmdline()) or process.cwd() == str(folder):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def running_lab(folder: Path, *options: str) -> Iterator[Lab]:
    """Bring a lab up in *folder*, and down again whatever happens."""
    lab = Lab(folder=folder)
    up = lab.samezone("lab", "up", *FREE_PORTS, *options)
    assert up.returncode == 0, up.stderr
    try:
        yield lab
    finally:
        lab.samezone("lab", "down")
        for process in processes_of(folder):
            process.send_signal(signal.SIGKILL)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Three zones, three ui, six catalog pods."""
    yield from running_lab(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="session")
def five_pod_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Five catalog pods: a count that the controller refuses on three equal zones."""
    yield from running_lab(tmp_path_factory.mktemp("five"), "--catalog", "5")
