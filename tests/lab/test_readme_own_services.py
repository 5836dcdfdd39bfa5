"""The pages' three ways to one's own services, as printed: driven, live, and only looked at."""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from analysis import artifacts
from analysis.verdict.compared import Comparison
from k8s.live.cluster import connect
from k8s.routing.modes import RoutingMode, mode_of
from k8s.topology import ServiceKey
from loadtest import rundir
from tests.lab.conftest import BIN, JUDGED, PATIENT, Lab, running_lab, was_late
from tests.readme import pages
from tests.sources import REPO

pytestmark = pytest.mark.lab

LEFT_NOWHERE = "5ecret-of-the-readme"
SHORT = ("DURATION=5", "WARMUP=1", "RATE=30", "USERS=6")
"""A shorter load than the pages'."""
SECTIONS = (
    ("README.md", "Your own services"),
    ("loadtest/README.md", "Your own load"),
    ("analysis/README.md", "Only look"),
    ("analysis/README.md", "Under live traffic"),
    ("analysis/README.md", "Where your calls are counted"),
)
COMMANDS = [line for page, heading in SECTIONS for line in pages.commands(page, heading)]
LOAD = pages.section("loadtest/README.md", "Your own load")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The chain, in a folder that make works in, with the page's files beside it."""
    folder = tmp_path_factory.mktemp("own")
    for name in ("Makefile", ".venv", "pyproject.toml", "requirements.txt", "requirements-test.txt"):
        (folder / name).symlink_to(REPO / name)
    (asked,), (locustfile,) = pages.blocks(LOAD, "yaml"), pages.blocks(LOAD, "python")
    assert asked.startswith("# pages.yaml\n")
    assert locustfile.startswith("# load.py\n")
    (folder / "pages.yaml").write_text(asked)
    (folder / "load.py").write_text(locustfile)
    assert COMMANDS[0] == "samezone lab up --scenario chain"
    yield from running_lab(folder, "--scenario", "chain")


def run(lab: Lab, words: Sequence[str], timeout_s: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(words),
        cwd=lab.folder,
        env={**os.environ, "SAMEZONE_HOME": str(lab.home), "SHOP_TOKEN": LEFT_NOWHERE, "SAMEZONE_YES": "1"},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def make(lab: Lab, wanted: str, runs: str) -> Comparison:
    """The command of the pages that has *wanted* in it; what the comparison says."""
    (command,) = [one for one in COMMANDS if one.startswith("make ") and wanted in one]
    # On a machine that is too busy for any evidence, what no lateness touches is looked at all the same.
    for further in (*[()] * PATIENT, ("-k",)):
        done = run(lab, [*shlex.split(command), *SHORT, f"RUNS={runs}", *further], 300)
        if not was_late(done.stderr):
            break
    # make turns any code but 0 into its own; the number behind "Error" is ours.
    found = re.findall(r"Error (\d+)", done.stderr)
    assert [int(one) for one in found] in ([], *([one] for one in JUDGED)), done.stderr
    folder = artifacts.latest_comparison(lab.folder / runs)
    assert folder is not None, done.stderr
    back = run(lab, [str(BIN / "samezone"), "routing", "restore", "--service", "shop/orders"], 60)
    assert back.returncode == 0, back.stderr
    return artifacts.read_comparison(folder)


def check(found: Comparison) -> None:
    """Every pod pair as the relays counted it, all zones known, the job's calls and no other told apart."""
    for arm in (found.baseline, found.candidate):
        assert arm.truth_check is not None
        assert arm.truth_check.pairs > 0
        assert arm.truth_check.worst_relative_error == 0.0
        assert arm.pairs[0].coverage == 1.0
        assert arm.other is not None
        others = {(one.client.split("-")[0], one.server.split("-")[0]) for one in arm.other.calls}
        assert others == {("reports", "orders"), ("orders", "payments")}
    before, after = (arm.pairs[0].share for arm in (found.baseline, found.candidate))
    assert before is not None
    assert after is not None
    assert 0.1 < before.estimate < 0.6
    assert after.estimate == 1.0


@pytest.mark.timeout(900)
def test_a_pages_file(lab: Lab):
    """POST, a header out of the environment; the secret is in no file and no line."""
    found = make(lab, "PAGES=pages.yaml", "paged")
    check(found)
    record = rundir.read_record(lab.folder / "paged" / found.candidate.folder)
    assert record.seen.measured is not None
    seen = {page.page for worker in record.seen.measured.workers for page in worker.pages}
    assert (seen, record.seen.measured.failures) == ({"front", "checkout"}, 0)
    left = [path for path in lab.folder.rglob("*") if path.is_file() and ".venv" not in path.parts]
    assert len(left) > 20
    assert [path for path in left if LEFT_NOWHERE.encode() in path.read_bytes()] == []


@pytest.mark.timeout(900)
def test_a_locustfile(lab: Lab):
    """Two classes of users, one with a login and a POST: every request of both is in the graph."""
    found = make(lab, "LOCUSTFILE=load.py", "driven")
    check(found)
    record = rundir.read_record(lab.folder / "driven" / found.candidate.folder)
    assert record.seen.measured is not None
    seen = {page.page for worker in record.seen.measured.workers for page in worker.pages}
    assert seen == {"/", "/checkout", "/login"}
    assert "closed-loop" in {one.code for one in record.caveats}


@pytest.mark.timeout(300)
def test_live_traffic(lab: Lab):
    """A shorter one than printed: arms alternate, no worker is made, the Service has what it had."""
    (command,) = [one for one in COMMANDS if "--traffic live" in one]
    short = (
        "--blocks",
        "AB",
        "--block-duration",
        "6",
        "--null-pairs",
        "0",
        "--warmup",
        "1",
        "--runs",
        "live",
    )
    words = shlex.split(command)
    assert words[0] == "samezone"
    done = run(lab, [str(BIN / "samezone"), *words[1:], *short, "--runs", "live"], 250)
    assert done.returncode in JUDGED, done.stderr
    records = [rundir.read_record(one.parent) for one in (lab.folder / "live").glob("*/*/record.json")]
    assert {one.asked.mode for one in records} == {"off", "tar"}
    assert [one.seen.measured.workers for one in records if one.seen.measured] == [()] * len(records)
    cluster = connect(lab.home / "lab" / "kubeconfig", None)
    assert mode_of(cluster.service(ServiceKey(namespace="shop", name="orders"))) is RoutingMode.OFF


@pytest.mark.timeout(200)
def test_only_a_look(lab: Lab):
    """The job's pair and what it causes, all zones known, beside nothing that anybody drove."""
    (command,) = [one for one in COMMANDS if one.startswith("samezone observe --since")]
    words = shlex.split(command)
    words[words.index("--since") + 1] = "15s"  # the loads of the tests before it are older than that
    run(lab, ["sleep", "18"], 30)
    done = run(lab, [str(BIN / "samezone"), *words[1:], "--json", "--runs", "looked"], 150)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    seen = [one["result"] for one in found["pairs"]]
    assert {(one["client"], one["server"]) for one in seen} == {("reports", "orders"), ("orders", "payments")}
    assert {one["coverage"] for one in seen} == {1.0}


@pytest.mark.timeout(300)
@pytest.mark.skipif(shutil.which("prometheus") is None, reason="Debian's package prometheus is not installed")
def test_the_labs_prometheus(tmp_path: Path):
    """As printed, with the same words: connections by workload, counted by a real Prometheus."""
    up, look = COMMANDS[-2:]
    assert up.startswith("samezone lab up ")
    for lab in running_lab(tmp_path, *shlex.split(up)[3:]):
        run(lab, ["sleep", "25"], 40)
        done = run(lab, [str(BIN / "samezone"), *shlex.split(look)[1:], "--json"], 200)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        seen = [one["result"] for one in found["pairs"]]
        assert ("reports", "orders") in {(one["client"], one["server"]) for one in seen}
        assert found["unit"] == "connections"
