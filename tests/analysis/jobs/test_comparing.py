"""Two run folders compared by a request: which null it takes, and where the comparison goes."""

from dataclasses import replace
from pathlib import Path

import pytest

from analysis import artifacts
from analysis.jobs.comparing import CompareRequest, compare_runs
from analysis.source.collect import Collected
from analysis.verdict.judged import Decision
from k8s.errors import UsageError
from loadtest import rundir
from tests.analysis.test_history import graph_file
from tests.analysis.verdict import worlds


def stored(root: Path, name: str, same: int, cross: int, *, mode: str, seed: int) -> Path:
    """A collected run folder."""
    folder = root / name
    folder.mkdir()
    inputs = worlds.inputs(same, cross, mode=mode, seed=seed)
    rundir.write_json(folder / rundir.RECORD, replace(inputs.record, run_id=name))
    rundir.write_lines(folder / rundir.TOPOLOGY, inputs.topology)
    collected = Collected(
        graph=graph_file(worlds.whole_graph(same, cross), length_s=203.0),
        traces=worlds.traces_of(same, cross, seed=seed),
    )
    artifacts.save_collected(folder, collected)
    return folder


@pytest.fixture
def request_(tmp_path: Path) -> CompareRequest:
    off = stored(tmp_path, "1-off", 600, 1200, mode="off", seed=1)
    return CompareRequest(baseline=off, candidate=stored(tmp_path, "2-tar", 1800, 0, mode="tar", seed=2))


VERSIONS = (("samezone", "0.1.0"),)


def test_the_comparison_is_written_into_the_candidates_folder(request_: CompareRequest):
    """What is returned is what is read back; time and versions are the caller's."""
    found = compare_runs(request_, created_s=7.0, versions=VERSIONS)

    assert found == artifacts.read_comparison(request_.candidate)
    assert (found.created_s, found.versions) == (7.0, VERSIONS)
    assert not (request_.baseline / rundir.COMPARISON).exists()


def test_the_null_is_the_one_given_or_the_nearest_twin(request_: CompareRequest):
    """Alone a baseline certifies nothing; a run beside it does, and one from elsewhere if it is named."""
    alone = compare_runs(request_, created_s=7.0, versions=VERSIONS)
    elsewhere = request_.baseline.parent / "older"
    elsewhere.mkdir()
    null = stored(elsewhere, "0-off", 601, 1199, mode="off", seed=3)
    named = compare_runs(replace(request_, null=null), created_s=7.0, versions=VERSIONS)
    null.rename(request_.baseline.parent / "0-off")
    beside = compare_runs(request_, created_s=7.0, versions=VERSIONS)

    assert [one.verdict.decision for one in (alone, named, beside) if one.verdict] == [
        Decision.INVALID,
        Decision.PASS,
        Decision.PASS,
    ]


def test_the_candidate_is_never_its_own_null(request_: CompareRequest):
    """Two runs of one arm certify nothing about each other; a third one beside them does."""
    again = stored(request_.baseline.parent, "3-off", 601, 1199, mode="off", seed=3)
    same_arm = replace(request_, candidate=again)
    alone = compare_runs(same_arm, created_s=7.0, versions=VERSIONS)
    stored(request_.baseline.parent, "4-off", 602, 1198, mode="off", seed=4)
    beside = compare_runs(same_arm, created_s=7.0, versions=VERSIONS)

    assert [one.verdict.null is not None for one in (alone, beside) if one.verdict] == [False, True]


def test_a_folder_without_calls_cannot_be_compared(request_: CompareRequest):
    """The line says how to get them; nothing is written."""
    (request_.candidate / rundir.GRAPH).unlink()

    with pytest.raises(UsageError, match=r"no graph.json yet; run: samezone collect"):
        compare_runs(request_, created_s=7.0, versions=VERSIONS)

    assert not (request_.candidate / rundir.COMPARISON).exists()
