"""Three witnesses of one run: aws/spans, X-Ray's graph and the relays count the same, pair by pair."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analysis.placement import Timeline
from analysis.source.facts import Facts, facts_of
from analysis.source.interface import Counts, Question, Received, Source
from analysis.source.spans.logs_insights import LogsInsights
from analysis.source.spans.spans_source import SpansSource
from analysis.source.xray.client import XRay
from analysis.source.xray.xray_source import XRaySource
from k8s.lab import state as lab_state
from k8s.lab.state import LabState
from k8s.topology import Snapshot
from loadtest import rundir
from loadtest.record import RunRecord
from tests.lab.conftest import JUDGED, Lab, running_lab

pytestmark = pytest.mark.lab

RUN = ("--rate", "20", "--duration", "6", "--warmup", "1")
Pairs = dict[tuple[str, str], int]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, LabState]]:
    for lab in running_lab(tmp_path_factory.mktemp("spans")):
        yield lab, lab_state.load(lab.home / "lab")


@pytest.fixture(scope="module")
def folder(place: tuple[Lab, LabState]) -> Path:
    """A run that nobody collected yet."""
    lab, _ = place
    done = lab.samezone("run", "off", *RUN)
    assert done.returncode == 0, done.stderr
    (found,) = (lab.folder / "runs").iterdir()
    return found


def known(folder: Path) -> tuple[RunRecord, Facts]:
    record = rundir.read_record(folder)
    topology = rundir.read_lines(folder / rundir.TOPOLOGY, Snapshot)
    return record, facts_of(record, topology, Timeline(topology))


def counted(source: Source, folder: Path, *, everybody: bool = False) -> Counts:
    record, facts = known(folder)
    assert record.measured is not None
    question = Question(window=record.measured, run_id=None if everybody else record.run_id)
    return source.reader.read(Received(answers=source.ask(question)), facts)


def pairs(counts: Counts) -> Pairs:
    return {(call.client, call.server): call.count for call in counts.calls}


def relayed(folder: Path, state: LabState) -> Pairs:
    """Connections of the measured window, which carry one call each."""
    names = {pod.ip: str(pod.name) for pod in state.pods}
    found: Counter[tuple[str, str]] = Counter()
    truth = json.loads((folder / rundir.TRUTH).read_bytes())
    assert truth["connection_per_call"]
    for row in truth["rows"]:
        if row["client_ip"] in names:
            found[names[row["client_ip"]], names[row["server_ip"]]] += row["connections"]
    return dict(found)


def test_spans_graph_and_relays_agree(place: tuple[Lab, LabState], folder: Path) -> None:
    """Exactly: every pair of pods, its errors and its time; connections are calls, where none is kept."""
    _, state = place
    at: dict[str, Any] = {"region": state.region, "endpoint_url": state.xray_url, "dummy_credentials": True}
    spans, graph = SpansSource(LogsInsights(**at)), XRaySource(XRay(**at))
    by_spans, by_graph = counted(spans, folder), counted(graph, folder)
    made = rundir.read_record(folder).seen.measured
    assert made is not None
    assert sum(one.count for one in by_spans.entries) == made.requests > 0
    assert pairs(by_spans) == pairs(by_graph)
    between = {pair: count for pair, count in pairs(by_spans).items() if pair[0].startswith("ui-")}
    assert between == relayed(folder, state)
    assert pairs(counted(spans, folder, everybody=True)) == pairs(by_spans)
    for mine, other in zip(by_spans.calls, by_graph.calls, strict=True):
        assert (mine.errors, mine.faults) == (other.errors, other.faults)
        assert mine.total_s == pytest.approx(other.total_s, abs=0.001 * mine.count), "X-Ray rounds to 1 ms"
        assert mine.connections == mine.count or not mine.client.startswith("ui-")
        assert (mine.client_zone, mine.server_zone) != (None, None)
    assert by_spans.entries == by_graph.entries
    assert {(one.client, one.count) for one in by_spans.leaves} == {
        (one.client, one.count) for one in by_graph.leaves
    }
    assert (by_spans.lost, by_spans.unattributed, by_spans.repeated, by_spans.flaws) == ((), 0, 0, ())


def test_a_run_is_collected_by_its_spans(place: tuple[Lab, LabState], folder: Path) -> None:
    """Polled until whole; the price is told before and after; what is stored is read without the lab."""
    lab, _ = place
    done = lab.samezone("collect", str(folder), "--source", "spans")
    assert done.returncode == 0, done.stderr
    assert "each look scans about" in done.stderr
    assert "CloudWatch Logs scanned" in done.stderr
    stored = json.loads((folder / rundir.GRAPH).read_bytes())
    assert (stored["source"], stored["stable"], stored["reconciled"]) == ("spans", True, True)
    rows = sum(len(page["results"]) for query in stored["queries"] for page in query)
    assert rows < 200, "a table of pairs leaves the engine, whatever the traffic was"


def test_a_verdict_by_spans(place: tuple[Lab, LabState]) -> None:
    """Baseline and routing on, counted in aws/spans; the report names it."""
    lab, _ = place
    for verb in (("baseline",), ("enable", "tar")):
        done = lab.samezone(*verb, "--source", "spans", *RUN, timeout_s=170)
        assert done.returncode in JUDGED, done.stderr
    newest = max((lab.folder / "runs").glob("*-tar*"), key=lambda path: path.name)
    comparison = json.loads((newest / "comparison.json").read_bytes())
    assert comparison["baseline"]["source"] == comparison["candidate"]["source"] == "aws/spans"


def test_the_cli_asks_the_lab(place: tuple[Lab, LabState], folder: Path) -> None:
    """Aws logs start-query with the lab's env file, and nothing else said."""
    lab, _ = place
    record, _ = known(folder)
    assert record.measured is not None
    window = (
        *("--start-time", str(int(record.measured.start_s))),
        *("--end-time", str(int(record.measured.end_s) + 60)),
    )
    text = "SELECT COUNT(*) AS n FROM `aws/spans` WHERE `attributes.run_id` = '" + record.run_id + "'"
    started = lab.tool(
        "aws", "logs", "start-query", "--query-language", "SQL", *window, "--query-string", text
    )
    assert started.returncode == 0, started.stderr
    query = json.loads(started.stdout)["queryId"]
    found: dict[str, Any] = {"status": "Scheduled"}
    while found["status"] in {"Scheduled", "Running"}:
        shown = lab.tool("aws", "logs", "get-query-results", "--query-id", query)
        assert shown.returncode == 0, shown.stderr
        found = json.loads(shown.stdout)
    assert found["status"] == "Complete"
    assert int(found["results"][0][0]["value"]) > 0
