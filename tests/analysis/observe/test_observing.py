"""Looking at a place, over fakes: what is asked, how long is waited, and what is kept."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.arm.result import AssumedBytes
from analysis.observe.observed import Scope
from analysis.observe.observing import ObserveRequest, observe, read_observation
from k8s.errors import InvalidRunError, UsageError
from k8s.topology import ServiceKey
from loadtest import rundir
from tests.analysis.observe.looks import WINDOW, Looker, cluster
from tests.analysis.traced_shop import ZONES, Shop


def request(folder: Path, **changes: object) -> ObserveRequest:
    plain = ObserveRequest(window=WINDOW, scope=Scope(), assumed=AssumedBytes(), runs=folder / "runs")
    return replace(plain, **changes)


def test_a_window_that_is_over(tmp_path: Path):
    """Everything is asked for, whoever's it is, and the folder holds all that the answer is made of."""
    looker = Looker(Shop(by_pod=True))

    looked = observe(looker.session(), request(tmp_path))

    assert {(one.run_id, one.window) for one in looker.asked} == {(None, WINDOW)}
    assert looked.folder.name.endswith("-observed")
    assert {one.name for one in looked.folder.iterdir()} == {
        "observation.json", "graph.json", "traces.jsonl.gz", "topology.jsonl",
    }  # fmt: skip
    assert read_observation(looked.folder) == looked.observation
    assert "topology-now" in {one.code for one in looked.observation.caveats}
    assert looked.observation.traces == 1000


def test_calls_that_are_late_are_waited_for(tmp_path: Path):
    """Two equal answers of nothing right behind the window are no answer yet."""
    looker = Looker(Shop(by_pod=True), late=5)

    looked = observe(looker.session(), request(tmp_path))

    assert looked.observation.calls > 0
    assert looker.now_s - WINDOW.end_s >= 5


def test_counts_that_never_stand_still_are_said_to(tmp_path: Path):
    """Patience ends, and the observation says that it is not final."""

    class Growing(Looker):
        def ask(self, question):
            self.shop = Shop(by_pod=True, requests=300 + 3 * len(self.asked))
            return super().ask(question)

    looker = Growing(Shop(by_pod=True, requests=300))
    looker.patience = replace(looker.patience, most_s=8.0)

    found = observe(looker.session(), request(tmp_path)).observation

    assert "not-stable" in {one.code for one in found.caveats}


def test_watching_sees_pods_that_are_gone_in_the_end(tmp_path: Path):
    """--for: the cluster is looked at from the start on, so a pod that left is still in its zone."""
    gone = {pod: zone for pod, zone in ZONES.items() if pod != "ui-3"}
    looker = Looker(Shop(by_pod=True), later=cluster(pods=gone))

    found = observe(looker.session(), request(tmp_path, window=None, wait_s=100.0)).observation

    assert found.snapshots == 2
    assert found.counted()[2] == 0
    assert "topology-now" not in {one.code for one in found.caveats}
    assert any("nothing is sent and nothing is changed" in one for one in looker.said)
    assert found.window.length_s == 100


def test_service_names_have_every_trace_read(tmp_path: Path):
    """Only traces say which pod called, so all are read, and it is said what that costs."""
    looker = Looker(Shop())

    found = observe(looker.session(), request(tmp_path)).observation

    assert found.traces == 1000
    assert any("no pod has that name; reading the traces of the window" in one for one in looker.said)
    assert found.counted()[2] == 0


def test_what_is_not_there_is_refused(tmp_path: Path):
    """A Service that does not exist, a window without a call: one line, and no folder is left."""
    missing = Scope(services=(ServiceKey(namespace="shop", name="orders"),))
    with pytest.raises(UsageError, match="no Service shop/orders in context shop"):
        observe(Looker(Shop(by_pod=True)).session(), request(tmp_path, scope=missing))
    with pytest.raises(InvalidRunError, match="shows no call between services"):
        observe(Looker(Shop(by_pod=True), late=10_000).session(), request(tmp_path))
    assert not (tmp_path / "runs").exists()


def test_a_damaged_observation_is_named(tmp_path: Path):
    """The key that is off, and no traceback."""
    folder = observe(Looker(Shop(by_pod=True)).session(), request(tmp_path)).folder
    data = json.loads((folder / "observation.json").read_text())
    rundir.write_json(folder / "observation.json", data | {"pairs": 7})

    with pytest.raises(UsageError, match=r"\$\.pairs"):
        read_observation(folder)
    with pytest.raises(UsageError, match=r"it holds no observation\.json; make one: samezone observe"):
        read_observation(tmp_path)
