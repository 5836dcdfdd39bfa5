"""A server in a process of its own, and the real clients that talk to it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.k8s.lab.apiserver import wire
from tests.k8s.lab.apiserver.samples import namespace as namespace_sample

_NUMBERS = count(1)
_SERVE = f"""
import logging
from k8s.lab.apiserver.handlers import Terms
from k8s.lab.apiserver.server import serve
logging.basicConfig(level="INFO")
serve("127.0.0.1", 0, Terms(token="{wire.TOKEN}"))
"""
_ROOT = Path(__file__).parents[4]
_PINNED = Path(sys.executable).with_name("kubectl")
_SYSTEM = Path("/usr/bin/kubectl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server process that is ready."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubectl:
    """The real kubectl, with a kubeconfig of its own."""

    path: Path
    environment: dict[str, str]

    def run(self, *arguments: str, code: int = 0) -> str:
        """Its standard output, then its standard error; the exit code must be *code*."""
        done = subprocess.run(
            [self.path, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert code == done.returncode, done.stdout + done.stderr
        return done.stdout + done.stderr

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start it and leave it running; the caller ends it."""
        return subprocess.Popen(
            [self.path, *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def start_server(folder: Path) -> Server:
    """A new server on a free port."""
    log = folder / "apiserver.log"
    with log.open("wb") as sink:
        process = subprocess.Popen([sys.executable, "-c", _SERVE], cwd=_ROOT, stderr=sink)
    for _ in range(600):
        found = re.search(r"API server on (\S+)", log.read_text())
        if found:
            return Server(process=process, url=found[1], log=log)
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    process.kill()
    raise AssertionError("the server did not start: " + log.read_text())


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests; each test works in a namespace of its own."""
    running = start_server(tmp_path_factory.mktemp("apiserver"))
    yield running
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(timeout=10) == 0
    log = running.log.read_text()
    assert "Traceback" not in log, log


@pytest.fixture
def url(server: Server) -> str:
    """Where the server is."""
    return server.url


@pytest.fixture
def namespace(url: str) -> str:
    """A new namespace."""
    name = f"t{next(_NUMBERS)}"
    assert wire.post(f"{url}/api/v1/namespaces", namespace_sample(name)).status == 201
    return name


def _kubectls() -> list[Any]:
    found = [
        pytest.param(path, id=label)
        for label, path in (("pinned", _PINNED), ("system", _SYSTEM))
        if path.exists()
    ]
    return found or [pytest.param(Path(shutil.which("kubectl") or "kubectl"), id="path")]


@pytest.fixture(params=_kubectls())
def kubectl(request: pytest.FixtureRequest, url: str, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """Each kubectl there is: the pinned one, and the machine's own."""
    home = tmp_path_factory.mktemp("kubectl")
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "lab",
        "clusters": [{"name": "lab", "cluster": {"server": url}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
        "users": [
            {
                "name": "lab",
                "user": {"token": wire.TOKEN, "as": "lab", "as-user-extra": {"token": [wire.TOKEN]}},
            }
        ],
    }
    (home / "config").write_text(yaml.safe_dump(config))
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "KUBECONFIG": str(home / "config")}
    return Kubectl(path=request.param, environment=environment)


@pytest.fixture
def add(url: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Create an object over HTTP, where its metadata says."""

    def create(obj: dict[str, Any]) -> dict[str, Any]:
        answer = wire.post(url + wire.collection_of(obj), obj)
        assert answer.status == 201, answer.body
        made: dict[str, Any] = answer.json
        if "status" in obj and obj["kind"] not in ("Node", "Namespace"):
            # As a kubelet or a controller does it: nobody else may bring one.
            answer = wire.patch(url + wire.path_of(made) + "/status", {"status": obj["status"]})
            assert answer.status == 200, answer.body
            made = answer.json
        return made

    return create
