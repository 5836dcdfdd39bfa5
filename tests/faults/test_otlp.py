"""Spans are lost, doubled or late on their way: a gate names it, or every number is right all the same."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from analysis import artifacts
from analysis.arm.result import AssumedBytes, arm_result
from analysis.verdict import gates
from analysis.verdict.judged import GateName
from analysis.verdict.windows import measured
from k8s.errors import ExitCode
from tests.faults import between
from tests.faults.between import Meddle
from tests.faults.conftest import Campaign
from tests.faults.playing import Happens, Play, Said
from tests.faults.stage import PLAN, Stage
from tests.faults.table import FOLDER, Row
from tests.lab.conftest import JUDGED

pytestmark = pytest.mark.faults

KNOBS: dict[str, tuple[dict[str, Any], frozenset[GateName]]] = {
    "one document in five lost": ({"loss_rate": 0.2}, frozenset({GateName.GRAPH, GateName.COVERAGE})),
    "one document in three twice": ({"duplicate_rate": 0.3}, frozenset()),
    "documents 0.5 to 2 s late": ({"ingest_delay_s": [0.5, 2.0]}, frozenset()),
}
"""What becomes of every process's spans, and which gates may name it; none: the numbers must be right."""
TO_THE_COLLECTOR: dict[str, tuple[Meddle, int, frozenset[GateName]]] = {
    "503 three times": (between.answers(503, b""), 3, frozenset()),
    "hangs up three times": (between.hangs_up, 3, frozenset()),
    "the answer is lost twice": (between.loses_the_answer, 2, frozenset()),
    "every batch twice": (between.twice, 10_000, frozenset()),
    "every batch 1 s late": (between.slow(1.0), 10_000, frozenset()),
    "400 twice": (between.answers(400, b""), 2, frozenset({GateName.SPANS, GateName.GRAPH})),
    "no collector at all": (between.hangs_up, 10_000, frozenset({GateName.SPANS, GateName.GRAPH})),
}
"""What becomes of the load generators' batches."""


class Turned:
    """The stand-in's knobs are turned once the warm-up is over."""

    def __init__(self, changes: dict[str, Any]) -> None:
        self._changes = changes

    def arm(self, stage: Stage, play: Play, happens: Happens) -> None:
        def turn(play: Play) -> None:
            stage.knob(**self._changes)
            play.provoked += 1

        del happens
        Said(words="^warming up: done").arm(stage, play, turn)


class Meddled:
    """The load generators' batches of the window meet a fault."""

    def __init__(self, meddle: Meddle, most: int) -> None:
        self._meddle, self._most = meddle, most

    def arm(self, stage: Stage, play: Play, happens: Happens) -> None:
        del happens

        async def counting(request: between.web.Request, onwards: between.Pass) -> between.Answer | None:
            play.provoked += 1
            return await self._meddle(request, onwards)

        def begin(_play: Play) -> None:
            stage.xray.rule("POST /v1/traces", counting, most=self._most)

        Said(words="^warming up: done").arm(stage, play, begin)


def judge(folder: Path, allowed: frozenset[GateName]) -> None:
    """A gate names what happened, or the graph's calls are the relays' connections, pair by pair."""
    inputs = artifacts.read_arm(folder)
    window = measured(inputs, arm_result(inputs, assumed=AssumedBytes()), label=folder.name)
    broken = {gate.name for gate in gates.of_window(window.evidence) if not gate.passed}
    if allowed:
        assert broken & allowed, broken
    else:
        assert graph_calls(folder) == relay_connections(folder)


def names(folder: Path) -> dict[str, str]:
    lines = (folder / "topology.jsonl").read_text().splitlines()
    return {pod["ip"]: pod["name"] for line in lines for pod in json.loads(line)["pods"]}


def relay_connections(folder: Path) -> Counter[tuple[str, str]]:
    pods = names(folder)
    counts: Counter[tuple[str, str]] = Counter()
    for row in json.loads((folder / "truth.json").read_bytes())["rows"]:
        if row["service"]["name"] == "catalog":
            counts[pods[row["client_ip"]], pods[row["server_ip"]]] += row["connections"]
    return +counts


def graph_calls(folder: Path) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for query in json.loads((folder / "graph.json").read_bytes())["queries"]:
        nodes = {node["ReferenceId"]: node for page in query for node in page["Services"]}
        for node in nodes.values():
            for edge in node.get("Edges", []):
                target = nodes[edge["ReferenceId"]]["Name"]
                if node.get("Type") != "client" and target.startswith("catalog-"):
                    counts[node["Name"], target] += edge["SummaryStatistics"]["TotalCount"]
    return counts


@pytest.mark.parametrize("fault", KNOBS)
def test_documents_go_astray(campaign: Campaign, fault: str) -> None:
    """Everybody's spans."""
    changes, allowed = KNOBS[fault]
    row = Row(verb="run tar", fault=f"OTLP: {fault}", phase="measuring", exits=(0,), folder=FOLDER)
    place = campaign.stage.place(campaign.folder)
    try:
        campaign.play(row, "run", "tar", *PLAN, place=place, moment=Turned(changes), happens=lambda _: None)
    finally:
        campaign.stage.untwist()
    (folder,) = [one for one in place.run_folders() if one.name.endswith("-tar")]
    assert place.here("collect", str(folder)).code in JUDGED
    judge(folder, allowed)


@pytest.mark.parametrize("fault", TO_THE_COLLECTOR)
def test_batches_go_astray(campaign: Campaign, fault: str) -> None:
    """The load generators' spans."""
    meddle, most, allowed = TO_THE_COLLECTOR[fault]
    row = Row(verb="run tar", fault=f"OTLP: {fault}", phase="measuring", exits=(0,), folder=FOLDER)
    place = campaign.stage.place(campaign.folder)
    campaign.play(row, "run", "tar", *PLAN, place=place, moment=Meddled(meddle, most), happens=lambda _: None)
    (folder,) = [one for one in place.run_folders() if one.name.endswith("-tar")]
    if (folder / "graph.json").exists():
        judge(folder, allowed)
    else:
        again = place.here("collect", str(folder))
        assert again.code == ExitCode.INVALID, again.err
        assert "shows none of its" in again.err
