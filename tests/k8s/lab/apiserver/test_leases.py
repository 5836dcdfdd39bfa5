"""Services held by Leases over real HTTP: pairs that ask at once, a killed holder, rights that lack."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s.errors import ConflictError
from k8s.live import control, leases, this_process
from k8s.live.claims import HeldByOtherError
from k8s.live.cluster import LiveCluster, connect
from k8s.live.holding import Holds
from k8s.live.switching import RoutingSession, restore
from k8s.routing.modes import RoutingSettings, settings_of
from k8s.routing.restoring import Knob
from k8s.topology import ServiceKey
from tests.k8s.lab.apiserver import samples, wire
from tests.k8s.lab.apiserver.conftest import Kubectl

PAIRS = 20
TAR = RoutingSettings(topology_mode="Auto")
MODE = "service.kubernetes.io/topology-mode"
_HOLD = """
import sys, time
from pathlib import Path
from k8s.live import control, this_process
from k8s.live.cluster import connect
from k8s.routing.modes import RoutingSettings, settings_of
from k8s.topology import ServiceKey
cluster, key = connect(Path(sys.argv[1]), None), ServiceKey(namespace=sys.argv[2], name="catalog")
on = this_process.holds(
    Path(sys.argv[3]), clock=time.time, monotonic=time.monotonic, sleep=time.sleep, say=print
)
with on.held(cluster, key, run="run 1-tar") as held:
    held.remember(settings_of(cluster.service(key)))
    control.change(cluster, key, lambda _: RoutingSettings(topology_mode="Auto"), note=held.note)
    print("holding", flush=True)
    time.sleep(120)
"""


@dataclass(frozen=True, kw_only=True)
class Stand:
    """A Service on the server, and who changes it from which home."""

    config: Path
    key: ServiceKey
    folder: Path

    def cluster(self) -> LiveCluster:
        return connect(self.config, None)

    def holds(self, home: str, said: list[str] | None = None) -> Holds:
        return this_process.holds(
            self.folder / home,
            clock=time.time,
            monotonic=time.monotonic,
            sleep=time.sleep,
            say=[].append if said is None else said.append,
        )

    def knobs(self) -> RoutingSettings:
        return settings_of(self.cluster().service(self.key))

    def restore(self, home: str, *, force: bool = False) -> Any:
        return restore(RoutingSession(cluster=self.cluster(), holds=self.holds(home)), self.key, force=force)


def configured(path: Path, url: str, token: str) -> Path:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "lab",
        "clusters": [{"name": "lab", "cluster": {"server": url}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
        "users": [{"name": "lab", "user": {"token": token}}],
    }
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.fixture
def stand(url: str, namespace: str, add: Callable[[dict[str, Any]], dict[str, Any]], tmp_path: Path) -> Stand:
    add(samples.service(namespace))
    config = configured(tmp_path / "config", url, wire.TOKEN)
    return Stand(config=config, key=ServiceKey(namespace=namespace, name="catalog"), folder=tmp_path)


def run(stand: Stand, home: str, at_once: threading.Barrier, done: threading.Barrier) -> str:
    """Whether a run of that home was let in, at the same time as another's; it changes and puts back."""
    cluster, key, on = stand.cluster(), stand.key, stand.holds(home)
    at_once.wait(30)
    try:
        with on.held(cluster, key, run=f"run {home}") as held:
            held.remember(settings_of(cluster.service(key)))
            control.change(cluster, key, lambda _: TAR, note=held.note)
            done.wait(30)
            held.give_back()
    except HeldByOtherError:
        done.wait(30)
        return "refused"
    return "ran"


def pair(stand: Stand) -> list[str]:
    """What became of two that asked at once, in alphabetical order."""
    at_once, done = threading.Barrier(2), threading.Barrier(2)
    with ThreadPoolExecutor(2) as both:
        return sorted(both.map(lambda home: run(stand, home, at_once, done), ("a", "b")))


def test_of_twenty_pairs_that_ask_at_once_one_of_each_runs(stand: Stand):
    """Two homes; the Service ends as before every time, and neither file nor Lease is left."""
    before = stand.knobs()
    for number in range(PAIRS):
        assert (number, *pair(stand)) == (number, "ran", "refused")
        assert stand.knobs() == before
        assert leases.read(stand.cluster(), stand.key) is None
    assert list(stand.folder.glob("*/originals/*")) == []


def test_of_pairs_that_take_over_a_record_at_once_one_of_each_runs(stand: Stand):
    """A mode that was kept: the Lease is there and nobody's; its record goes on whoever gets it."""
    cluster = stand.cluster()
    with stand.holds("a").held(cluster, stand.key, run="enable tar") as held:
        held.remember(RoutingSettings())
        control.change(cluster, stand.key, lambda _: TAR, note=held.note)
    for _ in range(5):
        assert pair(stand) == ["ran", "refused"]
        assert stand.knobs() == TAR
    found = stand.restore("c")
    assert (found.had_record, found.changed, stand.knobs()) == (True, (), RoutingSettings())
    assert leases.read(cluster, stand.key) is None


def test_what_a_killed_process_left_is_put_back_from_another_home(stand: Stand, kubectl: Kubectl):
    """SIGKILL: a next run is refused at once, told what to type; who edited meanwhile is named, and stays."""
    command = [sys.executable, "-c", _HOLD, str(stand.config), stand.key.namespace, str(stand.folder / "a")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "holding\n"
        with pytest.raises(HeldByOtherError, match="wait until that run has ended"):
            stand.holds("b").check(stand.cluster(), stand.key)
        holder.send_signal(signal.SIGKILL)
    began_s = time.monotonic()
    with pytest.raises(
        HeldByOtherError, match=r"its process has ended .*put it back first: samezone routing"
    ):
        stand.holds("b").check(stand.cluster(), stand.key)
    assert time.monotonic() - began_s < 5
    assert stand.knobs() == TAR
    annotate = ("-n", stand.key.namespace, "annotate", "svc", "catalog", "--overwrite")
    kubectl.run(*annotate, f"{MODE}=Disabled")

    left = stand.restore("b")
    kept = stand.knobs()
    forced = stand.restore("b", force=True)

    ((changed, manager),) = left.changed
    assert (changed.knob, changed.found, changed.had) == (Knob.TOPOLOGY_MODE, "Disabled", None)
    assert manager is not None
    assert manager.name == "kubectl-annotate"
    assert (kept.topology_mode, forced.changed, stand.knobs()) == ("Disabled", (), RoutingSettings())
    assert leases.read(stand.cluster(), stand.key) is None
    # The file of the first home is void: what it tells has been put back.
    assert len(list((stand.folder / "a" / "originals").iterdir())) == 1
    assert stand.restore("a").changed == ()
    assert list((stand.folder / "a" / "originals").iterdir()) == []


def test_the_command_that_clears_a_knob_works(stand: Stand, kubectl: Kubectl):
    """As it is printed where zone routing is still on; and whoever set it is named."""
    kubectl.run("-n", stand.key.namespace, "annotate", "svc", "catalog", f"{MODE}=Auto")
    patch = '{"spec":{"trafficDistribution":"PreferSameZone"}}'
    kubectl.run("-n", stand.key.namespace, "patch", "svc", "catalog", "--type", "merge", "-p", patch)

    found = stand.restore("a")

    assert (found.had_record, [one.knob for one in found.on]) == (
        False,
        [Knob.TOPOLOGY_MODE, Knob.TRAFFIC_DISTRIBUTION],
    )
    assert [str(one.manager).partition(" at ")[0] for one in found.on] == [
        "kubectl-annotate",
        "kubectl-patch",
    ]
    for one in found.on:
        kubectl.run(*one.command.replace("'", "").split()[1:])
    assert (stand.restore("a").on, stand.knobs()) == ((), RoutingSettings())


def test_versions_decide_who_was_first(stand: Stand):
    """Each write over a newer version is a conflict, on the Service as on the Lease."""
    cluster, key = stand.cluster(), stand.key
    lease = leases.create(
        cluster, leases.Lease(service=key, holder=leases.Holder(identity="a", process=""), duration_s=20)
    )
    newer = leases.write(cluster, replace(lease, transitions=1))
    for late in (
        lambda: leases.create(cluster, lease),
        lambda: leases.write(cluster, lease),
        lambda: leases.delete(cluster, lease),
    ):
        with pytest.raises(ConflictError, match="409"):
            late()
    leases.delete(cluster, newer)
    with pytest.raises(ConflictError):
        leases.write(cluster, newer)
    old = cluster.versioned(key)
    control.change(cluster, key, lambda _: TAR)
    stale = {"metadata": {"resourceVersion": old.version, "annotations": {MODE: None}}}
    with pytest.raises(ConflictError, match="409"):
        cluster.patch_service(key, stale)
    assert str(cluster.versioned(key).manager(Knob.TOPOLOGY_MODE)).startswith("samezone at 20")


def test_who_may_not_write_leases_still_restores_from_this_machine(stand: Stand, url: str):
    """The words of the refusal are RBAC's, and said once."""
    said: list[str] = []
    denied = replace(stand, config=configured(stand.folder / "denied", url, f"{wire.TOKEN}/deny:*:leases"))
    cluster, on = denied.cluster(), denied.holds("a", said)

    with on.held(cluster, stand.key, run="routing set tar") as held:
        held.remember(settings_of(cluster.service(stand.key)))
        control.change(cluster, stand.key, lambda _: TAR, note=held.note)
    done = denied.restore("a")

    assert len(said) == 1
    assert "403" in said[0]
    assert "only this machine can put Service" in said[0]
    assert (done.had_record, done.changed, stand.knobs()) == (True, (), RoutingSettings())
