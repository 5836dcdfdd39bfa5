"""Baseline, enable and demo as calls: a session and a frozen request, over fakes, with real files."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from analysis import artifacts
from analysis.arm.result import AssumedBytes
from analysis.jobs.baseline import BaselineRequest, baseline
from analysis.jobs.comparing import Judging
from analysis.jobs.demo import DemoRequest, demo
from analysis.jobs.enabling import EnableRequest, enable
from analysis.jobs.measuring import Session
from analysis.source.choice import SourceChoice, SourceKind
from analysis.verdict.compare import Terms
from analysis.verdict.judged import Decision
from analysis.verdict.requirements import parse
from k8s.errors import UnreachableError, UsageError
from k8s.live.control import DISABLED_REASONS
from k8s.live.switching import HintsRefusedError
from k8s.routing.modes import RoutingMode, mode_of
from k8s.topology import Event
from loadtest import rundir
from tests.analysis.shops import LOAD, Shop, ShopCluster, raw_items


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(folder=tmp_path)


def off(shop: Shop, *, has_twin: bool = True) -> Path:
    request = BaselineRequest(load=LOAD, runs=shop.folder / "runs", has_twin=has_twin)
    return baseline(shop.session(), request).folder


def tar(shop: Shop, **changes: object) -> EnableRequest:
    request = EnableRequest(mode=RoutingMode.TAR, load=LOAD, runs=shop.folder / "runs")
    return replace(request, **changes)  # type: ignore[arg-type]


def test_a_baseline_and_its_twin_certify_the_instrument(shop: Shop):
    """Routing off twice; both are collected runs, and equal arms are found equal."""
    found = baseline(shop.session(), BaselineRequest(load=LOAD, runs=shop.folder / "runs"))

    assert [mode for mode, _ in shop.windows] == [RoutingMode.OFF] * 2
    assert found.null is not None
    assert found.null.certified, found.null.reasons
    assert artifacts.twin_of(found.folder) is not None
    assert artifacts.read_arm(found.folder).record.arm == "off"


def test_a_baseline_without_a_twin_certifies_nothing(shop: Shop):
    """One window, and no null pair."""
    request = BaselineRequest(load=LOAD, runs=shop.folder / "runs", arm="monday", has_twin=False)

    found = baseline(shop.session(), request)

    assert (len(shop.windows), found.null) == (1, None)
    assert found.folder.name.endswith("-monday")


def test_enabling_a_mode_ends_with_a_verdict(shop: Shop):
    """Two thirds more calls at home: pass, against the newest baseline; written; the mode stays."""
    folder = off(shop)

    judged = enable(shop.session(), tar(shop))

    assert judged.comparison.verdict is not None
    assert judged.comparison.verdict.decision is Decision.PASS, judged.comparison.verdict.reasons
    assert judged.comparison.baseline.folder == folder.name
    assert judged.comparison == artifacts.read_comparison(judged.folder)
    assert mode_of(shop.cluster.current) is RoutingMode.TAR
    assert shop.person.said[-1].startswith("Service catalog/catalog stays on tar")


def test_terms_and_bytes_reach_the_comparison(shop: Shop):
    """A requirement that cannot be met fails it; the bytes given are those of the cost."""
    off(shop)
    judging = Judging(
        assumed=AssumedBytes(request=1.0, response=2.0, source="given by the user"),
        terms=Terms(required=(parse("same_zone<=0.5"),)),
    )

    comparison = enable(shop.session(), tar(shop, judging=judging)).comparison

    assert comparison.verdict is not None
    assert comparison.verdict.decision is Decision.FAIL
    assert [one.requirement for one in comparison.verdict.requirements] == list(judging.terms.required)
    assert {cost.bytes_source for cost in comparison.candidate.costs} == {"given by the user"}


def test_refused_hints_change_nothing_and_say_what_would_work(tmp_path: Path):
    """The controller's reason and the nearest counts, in one error; no second window, no mode, no folder."""
    refusal = Event(
        type="Warning", reason=min(DISABLED_REASONS), message="Insufficient number", last_seen_s=9e9
    )
    shop = Shop(folder=tmp_path, cluster=ShopCluster(items=raw_items()))
    off(shop, has_twin=False)
    shop.cluster.refusal = refusal

    with pytest.raises(HintsRefusedError) as refused:
        enable(shop.session(), tar(shop))

    words = str(refused.value)
    assert "the controller says: Insufficient number" in words
    assert "with 2 ready endpoints there are no hints; nearest counts that work: 3" in words
    assert words.endswith("the Service is as it was")
    assert words.count("ready endpoints there are no hints") == 1
    assert (len(shop.windows), mode_of(shop.cluster.current)) == (1, RoutingMode.OFF)
    assert list((tmp_path / "runs").glob("*-tar")) == []


def test_what_the_doctor_finds_is_said_before_the_mode_is_set(tmp_path: Path):
    """Nodes without a zone: a problem for Topology Aware Routing, with its code."""
    shop = Shop(folder=tmp_path, cluster=ShopCluster(items=raw_items(zone_label=False)))
    off(shop, has_twin=False)
    shop.person.said.clear()

    enable(shop.session(), tar(shop))

    assert [line for line in shop.person.said if line.startswith("doctor D")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mode": RoutingMode.OFF}, "that is no mode to enable"),
        ({}, "no baseline of Service catalog/catalog in context lab under"),
        ({"baseline": Path("nowhere")}, "reading run nowhere: no such folder"),
    ],
)
def test_an_enable_that_cannot_be_judged_is_refused_first(shop: Shop, changes: dict, message: str):
    """Nothing is measured and nothing is patched."""
    with pytest.raises(UsageError, match=message):
        enable(shop.session(), tar(shop, **changes))

    assert (shop.windows, shop.cluster.patches) == ([], [])


def test_another_load_than_the_baselines_is_refused_first(shop: Shop):
    """The field that differs is named, and no candidate is measured."""
    folder = off(shop, has_twin=False)
    faster = replace(LOAD, plan=replace(LOAD.plan, rate_per_s=20.0))

    with pytest.raises(UsageError, match=rf"baseline {folder} was measured under another load: rate_per_s"):
        enable(shop.session(), tar(shop, load=faster))

    assert (len(shop.windows), shop.cluster.patches) == (1, [])


MESH = SourceChoice(source=SourceKind.PROMETHEUS, prometheus="http://p", profile="ztunnel")


def counting(shop: Shop, choice: SourceChoice, *, quiet_s: float = 0.0) -> Session:
    """The shop, where calls are said to be counted so."""
    return replace(shop.session(), settle=lambda _: choice, quiet_s=lambda _: quiet_s)


def test_a_run_remembers_how_its_calls_were_counted(shop: Shop):
    """From the record's first writing on; a later baseline of another source is not taken."""
    request = BaselineRequest(load=LOAD, runs=shop.folder / "runs", has_twin=False)
    mesh = baseline(counting(shop, MESH), request).folder
    other = baseline(shop.session(), request).folder

    judged = enable(counting(shop, MESH), tar(shop))

    assert SourceChoice.of(rundir.read_record(mesh).counting) == MESH
    assert rundir.read_record(other).counting == ()
    assert judged.comparison.baseline.folder == mesh.name


def test_a_baseline_of_another_source_is_refused_first(shop: Shop):
    """The line names both, and nothing is measured."""
    folder = off(shop, has_twin=False)

    with pytest.raises(UsageError, match=r"no baseline of Service .* counted by prometheus by profile"):
        enable(counting(shop, MESH), tar(shop))
    with pytest.raises(UsageError, match=r"source \(xray against prometheus by profile ztunnel\)"):
        enable(counting(shop, MESH), tar(shop, baseline=folder))

    assert (len(shop.windows), shop.cluster.patches) == (1, [])


def test_it_is_quiet_for_as_long_as_the_source_needs(shop: Shop):
    """Longer than the load's own quiet time; a shorter one changes nothing."""
    request = BaselineRequest(load=LOAD, runs=shop.folder / "runs", has_twin=False)
    for quiet_s, then_s in ((18.0, 18.0), (1.0, LOAD.plan.quiet_s)):
        folder = baseline(counting(shop, MESH, quiet_s=quiet_s), request).folder
        assert rundir.read_record(folder).asked.plan.quiet_s == then_s


def test_a_demo_leaves_nothing_changed(shop: Shop):
    """Off, off, tar inside the lab's life; the baseline is told when it is there; then the comparison."""
    steps: list[str] = []

    @contextmanager
    def lab() -> Iterator[None]:
        steps.append("up")
        yield
        steps.append(f"down after {len(shop.windows)} windows")

    judged = demo(
        shop.session(),
        DemoRequest(load=LOAD, runs=shop.folder / "runs"),
        lab=lab,
        on_baseline=lambda folder: steps.append(rundir.read_record(folder).arm),
    )

    assert steps == ["up", "off", "down after 3 windows"]
    assert [mode for mode, _ in shop.windows] == [RoutingMode.OFF, RoutingMode.OFF, RoutingMode.TAR]
    assert mode_of(shop.cluster.current) is RoutingMode.OFF
    assert judged.comparison.verdict is not None
    assert judged.comparison.verdict.decision is Decision.PASS, judged.comparison.verdict.reasons


def marks(shop: Shop) -> list[str]:
    """What each run folder's record says of being set aside, by name; empty for those that stand."""
    records = [rundir.read_record(folder) for folder in sorted((shop.folder / "runs").iterdir())]
    return [" ".join(one.text for one in record.caveats if one.code == "set-aside") for record in records]


def test_a_baseline_that_broke_a_gate_is_measured_once_more(shop: Shop):
    """Each of the two windows; the broken ones stay, say what stands for them, and are no twins."""
    shop.losing = frozenset({1, 3})

    found = baseline(shop.session(), BaselineRequest(load=LOAD, runs=shop.folder / "runs"))

    assert (len(shop.windows), found.fault) == (4, None)
    assert found.null is not None
    assert found.null.certified, found.null.reasons
    first, second, _, fourth = sorted((shop.folder / "runs").iterdir())
    assert found.folder == fourth
    assert artifacts.twin_of(fourth) == second
    assert [bool(mark) for mark in marks(shop)] == [True, False, True, False]
    assert marks(shop)[0].startswith("Set aside: graph")
    assert marks(shop)[0].endswith(f"Measured once more as {second.name}.")
    (said, _) = (line for line in shop.person.said if "measuring it once more" in line)
    assert said.startswith(f"{first} is no evidence: graph")


def test_a_baseline_that_broke_it_twice_says_so(shop: Shop):
    """At most once more: the second window stands as it is, and no later enable takes the first one."""
    shop.losing = frozenset({1, 2})

    found = baseline(shop.session(), BaselineRequest(load=LOAD, runs=shop.folder / "runs", has_twin=False))

    assert len(shop.windows) == 2
    assert found.fault is not None
    assert found.fault.startswith("graph")
    assert [bool(mark) for mark in marks(shop)] == [True, False]


@pytest.mark.parametrize("silent", [{1, 2}, {1, 2, 3, 4}, {2, 3}])
def test_a_baseline_without_a_call_says_so(shop: Shop, silent: set[int]):
    """Nothing can be certified; the folder and the fault are told, not raised."""
    shop.silent = frozenset(silent)

    found = baseline(shop.session(), BaselineRequest(load=LOAD, runs=shop.folder / "runs"))

    assert found.folder.is_dir()
    assert found.null is None
    assert found.fault is not None
    assert "no call" in found.fault


def test_an_enable_that_broke_a_gate_is_measured_once_more(shop: Shop):
    """From what the Service was; the second window is judged, and the mode stays in force."""
    off(shop)
    shop.losing = frozenset({3})

    judged = enable(shop.session(), tar(shop))

    assert [mode for mode, _ in shop.windows[2:]] == [RoutingMode.TAR] * 2
    assert judged.comparison.verdict is not None
    assert judged.comparison.verdict.decision is Decision.PASS, judged.comparison.verdict.reasons
    assert [bool(mark) for mark in marks(shop)] == [False, False, True, False]
    assert mode_of(shop.cluster.current) is RoutingMode.TAR
    assert mode_of(rundir.read_record(judged.folder).seen.service_before) is RoutingMode.OFF


def test_an_enable_that_broke_it_twice_is_invalid(shop: Shop):
    """The gate is the reason, with the size of the loss."""
    off(shop)
    shop.losing = frozenset({3, 4})

    judged = enable(shop.session(), tar(shop))

    assert len(shop.windows) == 4
    assert judged.comparison.verdict is not None
    assert judged.comparison.verdict.decision is Decision.INVALID
    assert "is lost (a batch mixes callers and callees)" in " ".join(judged.comparison.verdict.reasons)


def test_a_demo_measures_a_broken_window_once_more(shop: Shop):
    """Off, off, tar, and tar again."""
    shop.losing = frozenset({3})

    judged = demo(shop.session(), DemoRequest(load=LOAD, runs=shop.folder / "runs"), lab=nullcontext)

    assert [mode for mode, _ in shop.windows] == [RoutingMode.OFF] * 2 + [RoutingMode.TAR] * 2
    assert judged.comparison.verdict is not None
    assert judged.comparison.verdict.decision is Decision.PASS, judged.comparison.verdict.reasons
    assert mode_of(shop.cluster.current) is RoutingMode.OFF


def test_a_mode_does_not_stay_where_nothing_was_judged(shop: Shop):
    """The source is away once it was measured: the run is kept, and the Service has what it had."""
    off(shop, has_twin=False)
    shop.is_dark = True

    with pytest.raises(UnreachableError, match="no answer"):
        enable(shop.session(), tar(shop))

    assert mode_of(shop.cluster.current) is RoutingMode.OFF
    (folder,) = (shop.folder / "runs").glob("*-tar")
    assert f"the run is kept; go on with: samezone collect {folder}" in shop.person.said
