"""A chain of three Services on a real lab: two of them under test at once, with a verdict for each pair."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis import artifacts
from analysis.verdict.compared import Comparison
from k8s.live.cluster import connect
from k8s.routing.modes import RoutingMode, mode_of
from k8s.topology import ServiceKey
from loadtest import rundir
from loadtest.truthfile import TruthFile
from tests.lab.conftest import JUDGED, Lab, running_lab, was_late

pytestmark = pytest.mark.lab

ORDERS, PAYMENTS = (ServiceKey(namespace="shop", name=name) for name in ("orders", "payments"))
BOTH = ("--service", str(ORDERS), "--service", str(PAYMENTS), "--client", "shop/frontend")
LOAD = ("--rate", "30", "--duration", "15", "--warmup", "2")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from running_lab(tmp_path_factory.mktemp("chain"), "--scenario", "chain")


@pytest.fixture(scope="module")
def compared(lab: Lab) -> Comparison:
    """A baseline, and TAR on both Services."""
    done = lab.evidence("baseline", *BOTH, *LOAD, timeout_s=300)
    # One whose calls were late each time is no evidence and has no null pair; what follows holds for it, too.
    assert done.returncode == 0 or was_late(done.stderr), done.stderr
    assert ("null pair of orders to payments" in done.stderr) == (done.returncode == 0)
    done = lab.samezone("enable", "tar", *BOTH, *LOAD, timeout_s=300)
    assert done.returncode in JUDGED, done.stderr
    folder = artifacts.latest_comparison(lab.folder / "runs")
    assert folder is not None
    found = artifacts.read_comparison(folder)
    assert found.decision is not None
    assert done.returncode == found.decision.exit_code
    return found


def modes(lab: Lab) -> list[RoutingMode]:
    cluster = connect(lab.home / "lab" / "kubeconfig", None)
    return [mode_of(cluster.service(key)) for key in (ORDERS, PAYMENTS)]


@pytest.mark.timeout(1300)
def test_both_pairs_are_judged(compared: Comparison):
    """Who calls payments is found in the graph; each pair's calls all stay, as predicted."""
    assert [one.service for one in compared.each] == [str(ORDERS), str(PAYMENTS)]
    assert [one.focus for one in compared.each] == [("frontend", "orders"), ("orders", "payments")]
    for one in compared.each:
        assert one.verdict is not None
        assert one.verdict.guards
        assert one.effects is not None
        assert 0.2 < one.effects.share_before.estimate < 0.47  # a third, and six of its errors
        assert (one.effects.share_after.estimate, one.effects.coverage) == (1.0, 1.0)
        assert one.candidate.expectation is not None
        assert one.candidate.expectation.share == 1.0
        assert one.effects.usd_after is not None
        assert one.effects.usd_after.estimate == 0.0
    first, second = (one.candidate.pairs[0] for one in compared.each)
    assert first.calls == second.calls > 0


@pytest.mark.timeout(1300)
def test_the_relays_saw_no_call_cross_a_zone(lab: Lab, compared: Comparison):
    """The ground truth of both Services, the job's own calls included: each pod reached one of its zone."""
    folder = lab.folder / "runs" / compared.candidate.folder
    zones = {
        pod.ip: next(node.zone for node in snapshot.nodes if node.name == pod.node)
        for snapshot in rundir.read_topology(folder)
        for pod in snapshot.pods
    }
    rows = rundir.read_json(folder / rundir.TRUTH, TruthFile, schema=1).rows
    for key in (ORDERS, PAYMENTS):
        made = [row for row in rows if row.service == key and row.connections]
        assert sum(row.connections for row in made) > compared.candidate.requests
        assert {zones[row.client_ip] == zones[row.server_ip] for row in made} == {True}


@pytest.mark.timeout(1300)
def test_the_report_shows_both_and_where_the_calls_go_next(lab: Lab, compared: Comparison):
    """In the page and in the comment."""
    folder = lab.folder / "runs" / compared.candidate.folder
    for name in ("report.html", "report.md"):
        text = (folder / name).read_text()
        assert "Every pair under test" in text
        assert "Where the calls go next" in text


@pytest.mark.timeout(1300)
def test_both_are_put_back(lab: Lab, compared: Comparison):
    """What stays after ``enable`` is taken back by one command; a ``run`` leaves nothing."""
    assert compared.further
    assert modes(lab) == [RoutingMode.TAR] * 2
    done = lab.samezone("routing", "restore", *BOTH[:4])
    assert done.returncode == 0, done.stderr
    assert modes(lab) == [RoutingMode.OFF] * 2

    done = lab.samezone("run", "prefer-same-zone", *BOTH, "--rate", "12", "--duration", "2", "--warmup", "0")
    assert done.returncode == 0, done.stderr
    assert rundir.read_record(lab.folder / Path(done.stdout.strip())).asked.also == (PAYMENTS,)
    assert modes(lab) == [RoutingMode.OFF] * 2
    assert list((lab.home / "originals").glob("*")) == []
