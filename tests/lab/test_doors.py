"""The use-cases called directly on a running lab: no argument vector, no terminal."""

import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from analysis import artifacts
from analysis.jobs.baseline import BaselineRequest, baseline
from analysis.jobs.enabling import EnableRequest, enable
from analysis.jobs.measuring import Session
from analysis.source.xray.client import XRay
from analysis.source.xray.xray_source import XRaySource
from k8s.effects import Talk
from k8s.errors import UsageError
from k8s.lab import state as lab_state
from k8s.live import this_process
from k8s.live.cluster import connect
from k8s.routing.modes import RoutingMode
from k8s.topology import ServiceKey
from loadtest import rundir
from loadtest.measure import Consent, Load, MeasureRequest, MeasureSession, measure
from loadtest.record import Place, RunStatus
from loadtest.swarm.lab_platform import LabPlatform
from loadtest.worker.plan import LoadPlan
from tests.lab.conftest import Lab, processes_of

pytestmark = pytest.mark.lab

LOAD = Load(
    service=ServiceKey(namespace="catalog", name="catalog"),
    client=ServiceKey(namespace="ui", name="ui"),
    plan=LoadPlan(rate_per_s=60, duration_s=4, warmup_s=1),
)
TOPOLOGY_MODE = "service.kubernetes.io/topology-mode"


class _Notebook:
    """Somebody who calls the library: hears, and is never asked on a lab of their own."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab_dir = lab.home / "lab"
        self.runs = folder / "runs"
        self.said: list[str] = []
        self.session = MeasureSession(
            open_platform=self._platform,
            clock=time.time,
            monotonic=time.monotonic,
            sleep=time.sleep,
            say=self.said.append,
            consent=Consent(talk=Talk(say=self.said.append, agree=self._asked)),
            holds=this_process.holds(
                folder, clock=time.time, monotonic=time.monotonic, sleep=time.sleep, say=self.said.append
            ),
            logs=folder / "logs",
        )

    def source(self, place: Place) -> nullcontext[XRaySource]:
        url = lab_state.load(self.lab_dir).xray_url
        return nullcontext(XRaySource(XRay(region=place.region, endpoint_url=url, dummy_credentials=True)))

    def _platform(self) -> LabPlatform:
        state = lab_state.load(self.lab_dir)
        cluster = connect(state.kubeconfig, None)
        return LabPlatform(
            state=state, cluster=cluster, clock=time.time, monotonic=time.monotonic, sleep=time.sleep
        )

    def _asked(self, lines: object) -> None:
        raise UsageError(f"asked on the lab: {lines}")


@pytest.fixture
def notebook(lab: Lab, tmp_path: Path) -> _Notebook:
    return _Notebook(lab, tmp_path)


def test_one_arm_is_measured_by_a_call(lab: Lab, notebook: _Notebook):
    """Every zone's worker sent its share, the relays counted, and lab and Service are as they were."""
    before = lab.service()

    run = measure(
        notebook.session, MeasureRequest(mode=RoutingMode.TAR, load=LOAD, runs=notebook.runs, arm="called")
    )

    assert (run.record.status, run.record.arm, run.record.asked.mode) == (RunStatus.COMPLETE, "called", "tar")
    assert run.record == rundir.read_record(run.folder)
    seen = run.record.seen
    assert (seen.hints_start.hinted, seen.hints_start.endpoints) == (6, 6)
    assert seen.measured is not None
    assert {worker.zone for worker in seen.measured.workers} == set(run.record.place.zones)
    assert 200 <= seen.measured.requests <= 280
    assert (run.folder / rundir.TRUTH).is_file()
    assert lab.service()["spec"] == before["spec"]
    assert TOPOLOGY_MODE not in lab.annotations()
    assert not list((notebook.runs.parent / "originals").glob("*"))
    assert [one for one in processes_of(lab.folder) if "locust" in " ".join(one.cmdline())] == []


def test_a_mode_is_judged_by_two_calls(lab: Lab, notebook: _Notebook):
    """Baseline and enable: the share rises by about two thirds; the mode stays until it is put back."""
    session = Session(traffic=notebook.session, open_source=notebook.source)
    off = baseline(session, BaselineRequest(load=LOAD, runs=notebook.runs, has_twin=False))

    judged = enable(session, EnableRequest(mode=RoutingMode.TAR, load=LOAD, runs=notebook.runs))

    try:
        assert judged.comparison == artifacts.read_comparison(judged.folder)
        assert judged.comparison.baseline.folder == off.folder.name
        (change,) = [one for one in judged.comparison.changes if one.server == "catalog"]
        assert change.share is not None
        assert change.share.estimate == pytest.approx(2 / 3, abs=0.1)
        assert lab.annotations()[TOPOLOGY_MODE] == "Auto"
    finally:
        patch = '{"metadata":{"annotations":{"service.kubernetes.io/topology-mode":null}}}'
        lab.tool("kubectl", "-n", "catalog", "patch", "svc", "catalog", "--type=merge", "-p", patch)
