"""The X-Ray stand-in's image without Docker: its packages, its entry, what the pod gives it."""

import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.infra.rendered import MANIFESTS, REPO, containers, pods
from tests.infra.site_folder import site_of

pytestmark = pytest.mark.infra

STANDIN = MANIFESTS / "standin"
DOCKERFILE = (STANDIN / "Dockerfile").read_text()
PACKAGES = (STANDIN / "packages.txt").read_text().split()
STARTS_WITHIN_S = 60.0


def instruction(name: str) -> str:
    """What the last such instruction of the Dockerfile says."""
    return re.findall(rf"^{name} (.+)$", DOCKERFILE, re.MULTILINE)[-1]


def locked() -> str:
    """The part of the lock that the Dockerfile's own awk program takes."""
    awk = shutil.which("awk")
    assert awk
    (program,) = re.findall(r"awk '(.+?)'", DOCKERFILE)
    files = [STANDIN / "packages.txt", REPO / "requirements.txt"]
    return subprocess.run([awk, program, *map(str, files)], capture_output=True, text=True, check=True).stdout


def test_the_packages_come_from_the_projects_lock():
    """Each listed one with its hashes, and no other."""
    blocks = re.split(r"\n(?=\w)", locked().strip())
    assert {block.partition("==")[0] for block in blocks} == set(PACKAGES)
    for block in blocks:
        assert block in (REPO / "requirements.txt").read_text()
        assert "--hash=sha256:" in block
    assert "--require-hashes" in DOCKERFILE


@pytest.fixture
def running(tmp_path: Path) -> Iterator[str]:
    """URL of the stand-in, started as the image starts it: its files, its packages, its entry."""
    tree = tmp_path / "samezone"
    for path in (REPO / "k8s").rglob("*.py"):
        target = tree / path.relative_to(REPO)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(path)
    site = site_of(PACKAGES, tmp_path / "site")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    python, *words = json.loads(instruction("ENTRYPOINT"))
    assert python == "python"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-S", *words, "127.0.0.1", port],
            env={"PYTHONPATH": f"{tree}:{site}", "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/tmp"},  # noqa: S108  as in the pod
            cwd=tmp_path,
            stdout=log,
            stderr=log,
        )
    try:
        await_health(f"http://127.0.0.1:{port}/healthz", process, tmp_path / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def await_health(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    pytest.fail(f"the stand-in did not come up:\n{log.read_text()[-2000:]}")


def test_the_image_holds_all_that_the_standin_needs(running: str):
    """With these packages alone it takes a segment, as the collector sends it, and shows its graph."""
    client = boto3.client(
        "xray",
        region_name="eu-west-1",
        endpoint_url=running,
        aws_access_key_id="dummy-not-a-credential",
        aws_secret_access_key="dummy-not-a-credential",  # noqa: S106  it says so itself
    )
    now = int(time.time())
    segment = {
        "name": "ui-7c9-x1",
        "id": "0000000000000001",
        "trace_id": f"1-{now:08x}-{1:024x}",
        "start_time": now,
        "end_time": now + 0.5,
    }
    answer = client.put_trace_segments(TraceSegmentDocuments=[json.dumps(segment)])
    assert answer["UnprocessedTraceSegments"] == []
    shown = client.get_service_graph(StartTime=now - 60, EndTime=now + 60)["Services"]
    assert {one["Name"] for one in shown} == {"ui-7c9-x1"}


def test_the_build_sees_what_it_copies():
    """The ignore file beside the Dockerfile hides the rest of the tree, and none of these."""
    shown = {line[1:] for line in (STANDIN / "Dockerfile.dockerignore").read_text().split() if line[0] == "!"}
    assert shown == {"requirements.txt", "k8s/**/*.py", "k8s/manifests/standin/packages.txt"}
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
        for word in line.split()
    }
    assert copied == {"requirements.txt", "k8s", "k8s/manifests/standin/packages.txt"}


def test_pod_and_image_agree():
    """User, address, port, and the address that only the pod's own network reaches."""
    (pod,) = (one for one in pods("overlays/no-aws") if one.owner == "xray-standin")
    (container,) = (one for one in containers("overlays/no-aws") if one["name"] == "standin")
    user = f"{pod.spec['securityContext']['runAsUser']}:{pod.spec['securityContext']['runAsGroup']}"
    assert instruction("USER") == user
    assert json.loads(instruction("CMD")) == container["args"]
    host, port = container["args"]
    assert (host, int(port)) == ("0.0.0.0", container["ports"][0]["containerPort"])
    assert instruction("EXPOSE") == port
