"""Several Services of a real lab: set, measured and put back together, or not at all."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from k8s.live.cluster import LiveCluster, connect
from k8s.routing.modes import RoutingMode, mode_of
from k8s.topology import ServiceKey
from loadtest import rundir
from tests.lab.conftest import Lab, await_line, running_lab

pytestmark = pytest.mark.lab

BOTH = ("--service", "catalog/catalog", "--service", "ui/ui")
KEYS = (ServiceKey(namespace="catalog", name="catalog"), ServiceKey(namespace="ui", name="ui"))
OFF, TAR = (RoutingMode.OFF, RoutingMode.OFF), (RoutingMode.TAR, RoutingMode.TAR)
LOAD = ("--rate", "12", "--users", "6", "--warmup", "0")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The store has two Services of three endpoints or more, so that both can have the mode."""
    yield from running_lab(tmp_path_factory.mktemp("several"))


@pytest.fixture
def cluster(lab: Lab) -> LiveCluster:
    return connect(lab.home / "lab" / "kubeconfig", None)


def modes(cluster: LiveCluster) -> tuple[RoutingMode, ...]:
    return tuple(mode_of(cluster.service(key)) for key in KEYS)


def left(lab: Lab) -> list[Path]:
    """Records of what Services had."""
    return list((lab.home / "originals").glob("*"))


def test_both_are_set_and_put_back(lab: Lab, cluster: LiveCluster):
    """By hand; hints are waited for on each."""
    done = lab.samezone("routing", "set", "tar", *BOTH)
    assert done.returncode == 0, done.stderr
    assert modes(cluster) == TAR
    assert all(f"Service {key} in context" in done.stderr for key in KEYS)

    done = lab.samezone("routing", "restore", *BOTH)
    assert done.returncode == 0, done.stderr
    assert (modes(cluster), left(lab)) == (OFF, [])


def test_a_run_has_the_mode_on_both_and_tells_of_each(lab: Lab, cluster: LiveCluster):
    """Hints of both in the record; afterwards each has what it had."""
    done = lab.samezone("run", "tar", *BOTH, *LOAD, "--duration", "2")
    assert done.returncode == 0, done.stderr

    seen = rundir.read_record(lab.folder / done.stdout.strip()).seen
    assert [one.service_before.key for one in seen.services] == list(KEYS)
    for one in seen.services:
        assert one.hints_start.hinted == one.hints_start.endpoints == one.hints_end.hinted > 0
    assert (modes(cluster), left(lab)) == (OFF, [])


def test_ctrl_c_under_load_puts_both_back(lab: Lab, cluster: LiveCluster):
    """One signal, and everything is as it was."""
    process = lab.start("run", "tar", *BOTH, *LOAD, "--duration", "60")
    await_line(process, "measuring")
    assert modes(cluster) == TAR
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)

    assert process.returncode == 130
    assert (modes(cluster), left(lab)) == (OFF, [])


def test_one_that_is_held_keeps_both_from_being_changed(lab: Lab, cluster: LiveCluster):
    """Whichever of the two it is, and whatever the order on the command line."""
    process = lab.start("run", "off", "--service", "ui/ui", *LOAD, "--duration", "60")
    await_line(process, "measuring")
    try:
        done = lab.samezone("routing", "set", "tar", *BOTH)
        assert done.returncode == 5
        assert "Service ui/ui is held by" in done.stderr
        assert modes(cluster) == OFF
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from running_lab(tmp_path_factory.mktemp("refusing"), "--catalog", "5")


def test_hints_that_are_refused_on_one_leave_neither_set(refusing: Lab):
    """Five endpoints on three zones: the controller refuses the catalog's, and ui is put back with it."""
    done = refusing.samezone("run", "tar", "--service", "ui/ui", "--service", "catalog/catalog", *LOAD)

    assert done.returncode == 4
    assert "setting tar on Service catalog/catalog: hints were not assigned" in done.stderr
    assert "every Service is as it was" in done.stderr
    cluster = connect(refusing.home / "lab" / "kubeconfig", None)
    assert (modes(cluster), left(refusing)) == (OFF, [])
