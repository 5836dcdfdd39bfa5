"""A locustfile of the user's own on the lab, and with the lab's API as a cluster."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from k8s.errors import UsageError
from k8s.filemark import mark_of
from k8s.lab import state as lab_state
from k8s.live.cluster import connect
from k8s.topology import ServiceKey
from loadtest.record import Asked
from loadtest.swarm.lab_platform import LabPlatform
from loadtest.worker.plan import LoadPlan
from tests.lab.conftest import BIN, JUDGED, Lab, running_lab
from tests.lab.locust_pods import UI, LocustPods

pytestmark = pytest.mark.lab

OWN = """
import os

from locust import FastHttpUser, HttpUser, between, constant_throughput, task


class Slow(HttpUser):
    host = "https://www.example.com"
    wait_time = between(0.05, 0.15)

    def on_start(self):
        self.client.headers["Authorization"] = "Bearer " + os.environ.get("SHOP_TOKEN", "hush-hush")

    @task
    def catalog(self):
        self.client.get("/catalog?token=hush-hush", name="catalog")


class Fast(FastHttpUser):
    fixed_count = 3
    wait_time = constant_throughput(5)

    @task
    def home(self):
        with self.client.get("/home", catch_response=True) as response:
            if "hush-hush" in response.text:
                response.failure("hush-hush")
"""
CATALOG = ServiceKey(namespace="catalog", name="catalog")
LOAD = ("--duration", "6", "--warmup", "1", "--users", "9", "--no-null")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from running_lab(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("theirs") / "load.py"
    path.write_text(OWN)
    return path


def newest(lab: Lab) -> Path:
    return max(one for one in (lab.folder / "runs").iterdir() if one.name.endswith("-off"))


def check_run(folder: Path) -> dict:
    """Every request counted, traced and found in the graph; nothing of a secret in any artifact."""
    record = json.loads((folder / "record.json").read_bytes())
    workers = record["seen"]["measured"]["workers"]
    requests = sum(one["requests"] for one in workers)
    assert record["status"] == "complete"
    assert requests > 40  # two user classes for 6 s, on a machine that may be busy
    assert sum(one["spans_delivered"] for one in workers) == requests
    assert {page["page"] for one in workers for page in one["pages"]} == {"catalog", "/home"}
    assert record["asked"]["plan"]["locustfile"].startswith("load.py sha256:")
    assert [one["text"] for one in record["caveats"] if one["code"] == "closed-loop"]
    assert b"hush-hush" not in b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return record


def test_it_is_the_load_of_a_baseline_on_the_lab(lab: Lab, own: Path):
    """Every request of theirs is in the graph, and the calls are those that the relays counted."""
    done = lab.samezone("baseline", *LOAD, "--locustfile", str(own))
    assert done.returncode in JUDGED, done.stderr
    record = check_run(newest(lab))
    requests = sum(one["requests"] for one in record["seen"]["measured"]["workers"])
    assert f"X-Ray shows all {requests} requests" in done.stderr + done.stdout
    for path in (lab.home / "logs").rglob("*.log"):
        assert b"hush-hush" not in path.read_bytes()


def test_one_that_does_not_load_changes_nothing(lab: Lab, tmp_path: Path):
    """Exit 2, one line with file and line, no run folder, the Service as it was."""
    broken = tmp_path / "broken.py"
    broken.write_text("import os\ndef x(:\n")
    before = set((lab.folder / "runs").iterdir()) if (lab.folder / "runs").is_dir() else set()
    done = lab.samezone("run", "tar", "--locustfile", str(broken))
    assert done.returncode == 2
    assert f"{broken}:2: SyntaxError" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    after = set((lab.folder / "runs").iterdir()) if (lab.folder / "runs").is_dir() else set()
    assert after == before


def test_one_that_was_edited_since_is_another_load(lab: Lab, own: Path, tmp_path: Path):
    """A plan of an earlier state of the file is refused before the Service is touched."""
    state = lab_state.load(lab.home / "lab")
    edited = tmp_path / "load.py"
    edited.write_text(OWN + "# more\n")
    plan = LoadPlan(locustfile=mark_of(own, own.read_bytes()))
    asked = Asked(mode="off", service=CATALOG, client=UI, plan=plan)
    for file, said in ((edited, "is load.py sha256:.* now"), (None, "give it again: --locustfile load.py")):
        platform = LabPlatform(
            state=state,
            cluster=connect(state.kubeconfig, None),
            clock=time.time,
            monotonic=time.monotonic,
            sleep=time.sleep,
            locustfile=file,
        )
        with pytest.raises(UsageError, match=said):
            platform.check(asked)


def test_on_a_cluster_it_has_to_be_deployed(lab: Lab, own: Path):
    """Pods without it, or with another one: told so before anything is changed; with it: the load runs."""
    pods = LocustPods.of(lab.home / "lab", lab.folder / "locust")
    kubeconfig = str(lab.home / "lab" / "kubeconfig")
    command = ("baseline", "--no-null", *LOAD, "--yes", "--locustfile", str(own), "--platform", "cluster")
    try:
        pods.start()
        refused = _run(lab, *command, "--kubeconfig", kubeconfig)
        assert refused.returncode == 2, refused.stderr
        assert "has none; deploy it first: samezone cluster deploy --locustfile " in refused.stderr
        for pod in (pods.master_pod, *(worker.pod for worker in pods.workers)):
            pods.kill(pod)
        pods.locustfile = own
        pods.start()
        done = _run(lab, *command, "--kubeconfig", kubeconfig)
        assert done.returncode in JUDGED, done.stderr
        assert "load     9 closed-loop users of load.py sha256:" in done.stderr
        assert check_run(newest(lab))["place"]["platform"] == "cluster"
    finally:
        pods.stop()


def _run(lab: Lab, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / "samezone"), *arguments],
        cwd=lab.folder,
        env=lab.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
