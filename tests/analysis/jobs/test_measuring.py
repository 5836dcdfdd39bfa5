"""One arm measured and collected, as calls; what was measured survives a source that is away."""

from dataclasses import replace
from pathlib import Path

import pytest

from analysis import artifacts
from analysis.jobs.measuring import collect_again, collect_run, fault_of, measure
from analysis.source.collect import GraphFile
from k8s.errors import ExitCode, InvalidRunError, UnreachableError
from k8s.routing.modes import RoutingMode
from loadtest import rundir
from loadtest.measure import MeasureRequest
from tests.analysis.shops import FACTS, LOAD, Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(folder=tmp_path)


def tar(shop: Shop) -> MeasureRequest:
    return MeasureRequest(mode=RoutingMode.TAR, load=LOAD, runs=shop.folder / "runs")


def collected(folder: Path) -> GraphFile:
    return rundir.read_json(folder / rundir.GRAPH, GraphFile, schema=1)


def test_a_run_is_measured_and_collected(shop: Shop):
    """Graph and traces stand beside the record, and hold every request of it."""
    run = measure(shop.session(), tar(shop))

    inputs = artifacts.read_arm(run.folder)
    assert inputs.record == run.record
    assert (inputs.stable, collected(run.folder).reconciled) == (True, True)
    assert inputs.counts.sample.traces == 1000
    assert shop.person.said[-1].startswith("X-Ray shows all 2000 requests")


def test_a_source_that_is_away_costs_no_run(shop: Shop):
    """The words say how to go on, and collecting the same folder later does."""
    shop.is_dark = True
    with pytest.raises(UnreachableError, match="no answer"):
        measure(shop.session(), tar(shop))
    (folder,) = (shop.folder / "runs").iterdir()
    assert shop.person.said[-1] == f"the run is kept; go on with: samezone collect {folder}"
    assert not (folder / rundir.GRAPH).exists()

    shop.is_dark = False
    collect_run(shop.session().collecting, folder)

    assert collected(folder).reconciled


def test_a_source_that_would_not_show_all_calls_is_refused_first(tmp_path: Path):
    """On a cluster it is asked before anything is changed; the lab's own is in order."""

    class Sampled(Shop):
        def preflight(self) -> None:
            raise InvalidRunError("with Transaction Search on, the graph holds only a part")

    shop = Sampled(folder=tmp_path, facts=replace(FACTS, platform="cluster"))

    with pytest.raises(InvalidRunError, match="Transaction Search"):
        measure(shop.session(), tar(shop))

    assert (shop.windows, shop.cluster.patches, list(tmp_path.iterdir())) == ([], [], [])


def test_counts_that_do_not_agree_with_the_generators_are_said_to_be_invalid(shop: Shop):
    """All is written, the exit code is that of an invalid run, and the words say how to go on."""
    shop.losing = frozenset({1})
    run = measure(shop.session(), tar(shop))

    with pytest.raises(InvalidRunError, match=rf"ask again: samezone collect {run.folder}; if") as refused:
        collect_again(shop.session().collecting, run.folder)

    assert refused.value.exit_code == ExitCode.INVALID
    assert "of 2000 requests" in str(refused.value)
    assert not collected(run.folder).reconciled
    waited_s = collected(run.folder).polls[-1].at_s - collected(run.folder).polls[0].at_s
    assert waited_s == pytest.approx(10.0, abs=1.0)


def test_counts_that_agree_are_collected_again_without_a_word(shop: Shop):
    """The same answer as before."""
    run = measure(shop.session(), tar(shop))
    before = collected(run.folder).queries

    collect_again(shop.session().collecting, run.folder)

    assert collected(run.folder).queries == before


def test_what_traces_were_not_drawn_from_is_a_caveat_of_the_run(shop: Shop):
    """Once, however often it is collected; gone when nothing is left out any more."""
    shop.left_out = ("The others were left out.",)
    run = measure(shop.session(), tar(shop))
    collect_again(shop.session().collecting, run.folder)

    caveats = artifacts.read_arm(run.folder).record.caveats
    assert [(one.code, one.text) for one in caveats] == [("traces-left-out", "The others were left out.")]

    shop.left_out = ()
    collect_again(shop.session().collecting, run.folder)
    assert artifacts.read_arm(run.folder).record.caveats == ()


@pytest.mark.parametrize("is_there", [False, True])
def test_a_run_without_topology_is_judged_by_its_counts_alone(shop: Shop, is_there: bool):
    """No file, or an empty one: counts that are final and whole are taken, others are not."""
    shop.losing = frozenset({2})
    whole = measure(shop.session(), tar(shop))
    strip(whole.folder, is_there)

    collect_again(shop.session().collecting, whole.folder)

    assert collected(whole.folder).reconciled
    losing = measure(shop.session(), tar(shop))
    strip(losing.folder, is_there)
    with pytest.raises(InvalidRunError, match=r"of 2000 requests are there; if they are only late"):
        collect_again(shop.session().collecting, losing.folder)


def test_an_empty_topology_is_a_fault_in_one_line(shop: Shop):
    """No zone is known, so there is nothing to judge."""
    run = measure(shop.session(), tar(shop))
    strip(run.folder, True)

    fault = fault_of(run.folder)

    assert fault is not None
    assert "no call of ui to catalog with known zones" in fault


def strip(folder: Path, is_there: bool) -> None:
    """Take the snapshots away, or the whole file."""
    (folder / rundir.TOPOLOGY).unlink()
    if is_there:
        (folder / rundir.TOPOLOGY).touch()
