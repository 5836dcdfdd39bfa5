"""An experiment as a call: windows are run folders below its own, and the trial is on file."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from analysis import artifacts
from analysis.report import formats
from analysis.report.trial import console as trial_console
from analysis.trial import book as books
from analysis.trial.bench import RunBench
from analysis.trial.book import Book
from analysis.trial.design import Design, order_of
from analysis.trial.experiment import TRIAL, ExperimentRequest, conduct
from analysis.trial.journal import AskedDesign, Journal
from analysis.trial.values import Trial
from analysis.verdict.judged import Decision
from k8s.errors import UnreachableError, UsageError
from k8s.routing.modes import RoutingMode, mode_of
from loadtest import rundir
from loadtest.swarm.platforms import Checked
from tests.analysis.shops import LOAD, Shop

ARMS = ("off", "tar")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(folder=tmp_path)


def experiment(shop: Shop) -> ExperimentRequest:
    design = Design(arms=ARMS, order=order_of(ARMS, "AB"), block_s=200.0, null_s=200.0)
    return ExperimentRequest(design=design, load=LOAD, runs=shop.folder / "runs")


def test_an_experiment_leaves_a_trial_and_its_windows(shop: Shop):
    """A null pair and a block: four collected runs in one folder, and what is said of them."""
    done = conduct(shop.session(), experiment(shop))

    assert [mode for mode, _ in shop.windows] == [RoutingMode.OFF] * 3 + [RoutingMode.TAR]
    assert done.trial == rundir.read_json(done.folder / TRIAL, Trial, schema=1)
    assert done.trial.decision is Decision.PASS, done.trial.reasons
    folders = sorted(one.name for one in done.folder.iterdir() if one.is_dir())
    assert [name.split("-", 1)[1] for name in folders] == [
        "null-pair-1a",
        "null-pair-1b",
        "block-1-of-1-off",
        "block-1-of-1-tar",
    ]
    assert [window.folder for window in done.trial.windows] == folders
    assert (done.trial.context, done.trial.service, done.trial.versions) == (
        "lab",
        "catalog/catalog",
        (("samezone", "0.1.0"),),
    )
    assert done.trial.measuring.traces == 4 * 2000
    assert mode_of(shop.cluster.current) is RoutingMode.OFF
    assert shop.person.said[0] == "experiment off, tar on Service catalog/catalog in context lab"


@pytest.mark.parametrize("losing", [{1, 2}, {4, 5}])
def test_an_experiment_ends_with_a_trial_whatever_a_window_is_worth(shop: Shop, losing: set[int]):
    """No call at all, twice: an invalid trial on file that every report can show."""
    shop.silent = frozenset(losing)

    done = conduct(shop.session(), experiment(shop))

    assert done.trial == rundir.read_json(done.folder / TRIAL, Trial, schema=1)
    assert done.trial.decision is Decision.INVALID
    assert len(shop.windows) == max(losing)
    assert done.trial.measuring.traces == len(shop.windows) * 2000
    for name, content in formats.documents(done.trial, formats.TRIAL):
        assert b"no call of ui to catalog" in content, name
    Console(file=StringIO()).print(trial_console.trial(done.trial))


def test_an_experiment_that_breaks_off_says_so_and_how_to_go_on(shop: Shop):
    """The source goes away: a trial that says so, with what was measured; the Service as it was."""
    shop.is_dark = True

    with pytest.raises(UnreachableError, match="no answer"):
        conduct(shop.session(), experiment(shop))

    (folder,) = (shop.folder / "runs").iterdir()
    assert shop.person.said[-1] == (
        f"the windows measured so far are kept; go on with: samezone experiment --resume {folder}"
    )
    left = rundir.read_json(folder / TRIAL, Trial, schema=1)
    assert (left.is_interrupted, left.decision, left.windows) == (True, Decision.INCONCLUSIVE, ())
    assert left.stopped == "it was interrupted (calling get_service_graph: no answer)"
    assert rundir.read_record(next(one for one in folder.iterdir() if one.is_dir())).arm == "null-pair-1a"
    assert mode_of(shop.cluster.current) is RoutingMode.OFF


def test_a_bench_measures_windows_of_the_length_asked_for(shop: Shop):
    """The request stays as it was; what a window takes beside its seconds is remembered."""
    folder = shop.folder / "x"
    folder.mkdir()
    book = Book(folder, journal(shop), monotonic=shop.cluster.clock)
    book.sit_down(shop.cluster.now_s)
    bench = RunBench(shop.session(), book)
    assert bench.settle_s == 0

    window = bench.measure("tar", label="block 1 of 2, tar", seconds=50.0).window

    assert LOAD.plan.duration_s == 200.0
    assert window is not None
    assert window.pair.calls == 3600
    assert 3.0 < bench.settle_s < 10.0, "quiet time, hints and polls, on the fake clock"
    record = artifacts.read_arm(folder / window.folder).record
    assert (record.arm, record.asked.plan.duration_s) == ("block-1-of-2-tar", 50.0)
    assert books.read(folder).windows == book.journal.windows
    assert [one.folder for one in book.journal.windows] == [window.folder]


def test_an_experiment_that_nobody_agrees_to_leaves_no_folder(shop: Shop):
    """Nor does it say that windows are kept, as there are none."""
    shop.person.agrees = False
    shop.platform.checked = Checked(announcement=("Service catalog/catalog: from off to off",))

    with pytest.raises(UsageError, match="not agreed"):
        conduct(shop.session(), experiment(shop))

    assert list((shop.folder / "runs").iterdir()) == []
    assert not [one for one in shop.person.said if "kept" in one]
    assert shop.windows == []


def test_a_design_that_nothing_can_be_planned_from_leaves_no_folder(shop: Shop):
    """Neither null pairs nor blocks."""
    request = experiment(shop)
    design = Design(arms=ARMS, null_s=200.0, null_pairs=0)

    with pytest.raises(UsageError, match="give --blocks"):
        conduct(shop.session(), replace(request, design=design))

    assert not (shop.folder / "runs").exists()


def journal(shop: Shop) -> Journal:
    request = experiment(shop)
    return Journal(
        created_s=shop.cluster.now_s,
        place=shop.facts,
        design=AskedDesign.of(request.design),
        load=request.load,
        assumed=request.assumed,
        versions=(),
    )
