"""A run's artifacts against each other: what disagrees is named by its gate, and what agrees is not."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadtest import rundir
from tests.analysis import stored_shop
from tests.analysis.mutations import Seen, seen
from tests.analysis.stored_shop import BASELINE, NULL

LINES = frozenset({rundir.TOPOLOGY, rundir.TRACES})


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    stored_shop.store(root, with_truth=False)
    return root


def edited(folder: Path, name: str, change: Callable[[Any], Any]) -> Seen:
    """The run as it is read with one artifact changed; the folder is whole again afterwards."""
    path = folder / name
    before = path.read_bytes()
    plain = gzip.decompress(before) if name.endswith(".gz") else before
    value = [json.loads(line) for line in plain.splitlines()] if name in LINES else json.loads(plain)
    value = change(value) or value
    data = b"\n".join(json.dumps(one).encode() for one in (value if name in LINES else [value]))
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    try:
        return seen(folder)
    finally:
        path.write_bytes(before)


def worker(record: Any) -> Any:
    return record["seen"]["measured"]["workers"][0]


def shifted(window: Any) -> None:
    window["start_s"] += 3600
    window["end_s"] += 3600


def relabelled(snapshots: Any) -> None:
    for one in snapshots:
        one["pods"][-1]["labels"] = [["app.kubernetes.io/name", "basket"]]


def elsewhere(snapshots: Any) -> None:
    for one in snapshots:
        pod = one["pods"][-1]
        pod["node"] = "node-a" if pod["node"] != "node-a" else "node-b"


def without_pod(snapshots: Any) -> None:
    for one in snapshots:
        one["pods"].pop()


def page_gone(graph: Any) -> None:
    graph["queries"][0].pop()


def node_gone(graph: Any) -> None:
    graph["queries"][0][2]["Services"].pop()


def a_day_later(snapshots: Any) -> None:
    for one in snapshots:
        one["taken_at_s"] += 86_400


EDITS: dict[str, tuple[str, Callable[[Any], Any], str, str]] = {
    "no time": (
        rundir.RECORD, lambda one: one["seen"]["measured"].update(seconds=0.0), "load", "the load lasted 0 s",
    ),
    "a clock set on": (
        rundir.RECORD, lambda one: one["seen"]["measured"].update(seconds=602.0), "load",
        "the load lasted 602.0 s of the 100 s asked for",
    ),
    "fewer on a page": (
        rundir.RECORD, lambda one: worker(one)["pages"][0].update(requests=1), "load", "requests by page are",
    ),
    "failures that no page has": (
        rundir.RECORD, lambda one: worker(one).update(failures=50), "load", "failures by page are 0, not 50",
    ),
    "another window in the record": (
        rundir.RECORD, lambda one: shifted(one["measured"]), "window",
        "the counts are of another window than the record's, 3600 s off",
    ),
    "another window in the graph": (
        rundir.GRAPH, lambda one: shifted(one["window"]), "window",
        "the pages are of another time than the window",
    ),
    "a page gone": (
        rundir.GRAPH, page_gone, "pages", "names a next one that was not read",
    ),
    "a node gone": (
        rundir.GRAPH, node_gone, "pages", "that are on no page",
    ),
    "other counts than were polled": (
        rundir.GRAPH, lambda one: one["polls"][1].update(calls=7), "counts",
        "but collecting counted 7 and 1000",
    ),
    "not reconciled": (
        rundir.GRAPH, lambda one: one.update(reconciled=False), "counts",
        "said to lack requests of the generator",
    ),
    "not stable": (rundir.GRAPH, lambda one: one.update(stable=False), "counts", "said to be not final"),
    "topology of another day": (
        rundir.TOPOLOGY, a_day_later,
        "topology", "the topology is known from",
    ),
    "topology ends early": (rundir.TOPOLOGY, lambda many: many[:1], "topology", "not for all of its"),
    "topology in disorder": (rundir.TOPOLOGY, lambda many: many[::-1], "topology", "in the order of time"),
    "a pod gone": (
        rundir.TOPOLOGY, without_pod, "topology", "1 pods that made or took calls are in no snapshot",
    ),
    "a pod on another node": (rundir.TOPOLOGY, elsewhere, "topology", "1 pods the topology says two things"),
    "traces missing": (rundir.TRACES, lambda many: many[:-2], "sample", "10 traces are there of the 12"),
    "traces twice": (rundir.TRACES, lambda many: [*many, many[0]], "sample", "13 traces are there of the 12"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "change", "gate", "words"), EDITS.values(), ids=EDITS.keys())
def test_an_edit_is_named_by_its_gate(
    runs: Path, name: str, change: Callable[[Any], Any], gate: str, words: str
):
    """What is off, where and what to do, in the gate of its kind."""
    found = edited(runs / BASELINE, name, change)

    assert gate in found.named
    said = [one for one in found.named if words in one.lower()]
    assert said
    again = f"samezone collect {runs / BASELINE}"
    assert all(again in one or "measure again" in one for one in said)


def test_another_runs_traces_are_not_this_runs(runs: Path):
    """Each trace carries the mark of its run."""
    path = runs / BASELINE / rundir.TRACES
    before = path.read_bytes()
    path.write_bytes((runs / NULL / rundir.TRACES).read_bytes())
    found = seen(runs / BASELINE)
    path.unlink()
    gone = seen(runs / BASELINE)
    path.write_bytes(before)

    assert any("none of 12 traces is this run's, but r-1-off's" in one.lower() for one in found.named)
    assert any("the file with the sample of traces is missing" in one.lower() for one in gone.named)
    assert all("sample" in one.named for one in (found, gone))


def test_a_pod_of_another_workload_behind_the_service_is_said(runs: Path):
    """Its calls are in a pair of their own: no gate's matter, but no secret."""
    found = edited(runs / BASELINE, rundir.TOPOLOGY, relabelled)

    assert not found.failed
    assert any("1 pods behind Service catalog/catalog are of another workload" in one for one in found.named)


def test_whole_runs_say_nothing(runs: Path):
    """With every artifact as it was written."""
    for role in stored_shop.ROLES:
        found = seen(runs / role)
        assert not found.failed
        assert found.inputs.flaws == ()
