"""One run a Service, and what a killed one leaves: two checkouts of samezone on one real lab."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from k8s.errors import ConflictError
from k8s.live import leases, this_process
from k8s.live.claims import HeldByOtherError
from k8s.live.cluster import LiveCluster, connect
from k8s.live.holding import Holds
from k8s.routing.modes import RoutingSettings, settings_of
from k8s.topology import ServiceKey
from tests.lab.conftest import Lab, await_line, running_lab

pytestmark = pytest.mark.lab

KEY = ServiceKey(namespace="catalog", name="catalog")
MODE = "service.kubernetes.io/topology-mode"
SHORT = ("--rate", "6", "--users", "3", "--duration", "1", "--warmup", "0")
LONG = ("--rate", "6", "--users", "3", "--duration", "60", "--warmup", "0")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from running_lab(tmp_path_factory.mktemp("one"))


@pytest.fixture(scope="module")
def other(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Another checkout with a home of its own, on the same lab."""
    folder = tmp_path_factory.mktemp("other")
    (folder / ".samezone").mkdir()
    (folder / ".samezone" / "lab").symlink_to(lab.home / "lab")
    return Lab(folder=folder)


@pytest.fixture
def cluster(lab: Lab) -> LiveCluster:
    return connect(lab.home / "lab" / "kubeconfig", None)


def knobs(cluster: LiveCluster) -> RoutingSettings:
    return settings_of(cluster.service(KEY))


def holds_of(lab: Lab) -> Holds:
    return this_process.holds(
        lab.home, clock=time.time, monotonic=time.monotonic, sleep=time.sleep, say=lambda _: None
    )


def records(*labs: Lab) -> list[Path]:
    return [path for one in labs for path in (one.home / "originals").glob("*")]


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate(timeout=170)
    return process.returncode, err.strip().splitlines()[-1] if err.strip() else ""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("pairs", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_of_overlapping_pairs_of_runs_exactly_one_of_each_runs(
    lab: Lab, other: Lab, cluster: LiveCluster, pairs: int
):
    """The other one changes nothing: exit 5, with who holds the Service; it ends as before every time."""
    before, known = knobs(cluster), len(complete(lab, other))
    found = []
    for number in range(pairs):
        first, second = (lab, other) if number % 2 else (other, lab)
        pair = [first.start("run", "tar", *SHORT), second.start("run", "prefer-same-zone", *SHORT)]
        found.append(sorted(ended(one) for one in pair))
        assert knobs(cluster) == before
        assert leases.read(cluster, KEY) is None
    assert [[code for code, _ in pair] for pair in found] == [[0, 5]] * pairs, found
    assert all("Service catalog/catalog is held by" in pair[1][1] for pair in found)
    assert len(complete(lab, other)) - known == pairs
    assert records(lab, other) == []


def complete(*labs: Lab) -> list[Path]:
    """Records of the runs that these labs' folders have."""
    return [path for one in labs for path in (one.folder / "runs").glob("*/record.json")]


def test_of_two_that_ask_in_the_same_instant_one_gets_the_lease(cluster: LiveCluster, lab: Lab):
    """Creating is the API server's to decide, and so is taking over what nobody holds."""
    me = leases.Holder(identity="a", process="")
    lease = leases.Lease(service=KEY, holder=me, duration_s=20)
    made = leases.create(cluster, lease)
    with pytest.raises(ConflictError, match="409"):
        leases.create(cluster, lease)
    free = leases.write(cluster, leases.released(made, at_s=time.time()))
    leases.write(cluster, replace(free, renewed_s=free.renewed_s + 1))
    with pytest.raises(ConflictError, match="409"):
        leases.write(cluster, free)
    with pytest.raises(ConflictError, match="409"):
        leases.delete(cluster, free)
    with holds_of(lab).held(cluster, KEY, run="r"):
        shown = lab.tool("kubectl", "-n", "catalog", "get", "lease", "samezone.catalog", "-o", "json")
        assert json.loads(shown.stdout)["spec"]["leaseTransitions"] == 1
        with pytest.raises(HeldByOtherError):
            holds_of(lab).check(cluster, KEY)
    assert leases.read(cluster, KEY) is None


def test_a_killed_run_is_put_back_from_another_checkout(lab: Lab, other: Lab, cluster: LiveCluster):
    """SIGKILL in the window: a next run is sent to restore first, and that needs no file of the first."""
    before = knobs(cluster)
    run = lab.start("run", "tar", *LONG)
    await_line(run, "measuring")
    assert knobs(cluster).topology_mode == "Auto"
    os.killpg(run.pid, signal.SIGKILL)
    run.wait(timeout=30)

    refused = other.samezone("run", "off", *SHORT)
    done = other.samezone("routing", "restore")
    again = lab.samezone("routing", "restore")

    assert refused.returncode == 5
    assert "its process has ended" in refused.stderr
    assert "put it back first: samezone routing restore --service catalog/catalog" in refused.stderr
    assert done.returncode == 0
    assert "has what it had: mode off" in done.stderr
    assert (knobs(cluster), leases.read(cluster, KEY)) == (before, None)
    assert again.returncode == 0
    assert records(lab, other) == []


def test_what_somebody_else_set_after_a_killed_run_stays(lab: Lab, other: Lab, cluster: LiveCluster):
    """Said with who it was, exit 4; --force overrules."""
    run = lab.start("run", "tar", *LONG)
    await_line(run, "measuring")
    os.killpg(run.pid, signal.SIGKILL)
    run.wait(timeout=30)
    set_by_hand = lab.tool(
        "kubectl", "-n", "catalog", "annotate", "svc", "catalog", f"{MODE}=x", "--overwrite"
    )

    left = other.samezone("routing", "restore")
    kept = knobs(cluster).topology_mode
    forced = other.samezone("routing", "restore", "--force")

    assert set_by_hand.returncode == 0
    assert (left.returncode, kept) == (4, "x")
    assert f"annotation {MODE} is 'x' (before: absent), as kubectl-annotate at 20" in left.stderr
    assert (
        "to overrule: samezone routing restore --service catalog/catalog --platform lab --force"
        in left.stderr
    )
    assert (forced.returncode, knobs(cluster), leases.read(cluster, KEY)) == (0, RoutingSettings(), None)
    assert lab.samezone("routing", "restore").returncode == 0


def test_somebody_elses_edit_during_a_run_stays_and_ends_it_as_failed(lab: Lab, cluster: LiveCluster):
    """The window was not what was asked for: exit 4, a caveat, and their knob as they set it."""
    run = lab.start("run", "tar", "--rate", "6", "--users", "3", "--duration", "5", "--warmup", "0")
    await_line(run, "measuring")
    lab.tool("kubectl", "-n", "catalog", "annotate", "svc", "catalog", f"{MODE}=Disabled", "--overwrite")
    code, line = ended(run)

    assert code == 4
    assert "Somebody else changed Service catalog/catalog during the run: annotation" in line
    assert knobs(cluster).topology_mode == "Disabled"
    assert lab.samezone("routing", "restore", "--force").returncode == 0
    assert knobs(cluster) == RoutingSettings()


def test_zone_routing_that_was_set_by_hand_is_named_when_it_is_to_be_off(lab: Lab, cluster: LiveCluster):
    """As make disable-tar asks: which knob, who set it, and the command, which works; then exit 0."""
    lab.tool("kubectl", "-n", "catalog", "annotate", "svc", "catalog", f"{MODE}=Auto")
    on = lab.samezone("routing", "restore", "--expect-off")
    plain = lab.samezone("routing", "restore")
    (line,) = (one for one in on.stderr.splitlines() if "still on" in one)
    command = line.rpartition("to clear it: ")[2].split()
    cleared = lab.tool(*command)
    off = lab.samezone("routing", "restore", "--expect-off")

    assert (on.returncode, plain.returncode, off.returncode) == (4, 0, 0)
    assert f"zone routing is still on: annotation {MODE} is 'Auto', set by kubectl-annotate at 20" in line
    assert cleared.returncode == 0, cleared.stderr
    assert knobs(cluster) == RoutingSettings()


def test_where_leases_are_forbidden_this_machine_still_restores(lab: Lab, cluster: LiveCluster):
    """Said once; the mode is set and put back by the file alone."""
    config = json.loads(lab.tool("kubectl", "config", "view", "--raw", "-o", "json").stdout)
    for user in config["users"]:
        user["user"] = {"token": f"{user['user']['token']}/deny:*:leases"}
    denied = lab.folder / "denied"
    denied.write_text(json.dumps(config))

    done = lab.samezone("routing", "set", "tar", "--kubeconfig", str(denied))
    back = lab.samezone("routing", "restore", "--kubeconfig", str(denied))

    assert done.returncode == 0, done.stderr
    assert done.stderr.count("only this machine can put Service catalog/catalog back") == 1
    assert back.returncode == 0
    assert (knobs(cluster), leases.read(cluster, KEY)) == (RoutingSettings(), None)
