"""A source of another kind through every stage: collect, store, read, compare, report."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from analysis import artifacts
from analysis.arm.result import AssumedBytes, arm_result
from analysis.report.comparison import html, markdown
from analysis.source.collect import GraphFile, collect
from analysis.source.facts import Facts
from analysis.source.interface import (
    Answers,
    Call,
    Counts,
    CountUnit,
    Drawn,
    Entry,
    Grain,
    IncompleteError,
    Leaf,
    Patience,
    Question,
    Raw,
    Received,
    Sample,
    SampledCall,
)
from analysis.source.registry import READERS
from analysis.verdict.compare import compare
from analysis.verdict.compared import Comparison
from analysis.verdict.judged import Decision
from k8s.errors import UsageError
from k8s.topology import Zone
from loadtest import rundir
from loadtest.record import Caveat
from tests.analysis.graphs import Graph
from tests.analysis.source.test_collect import Clock
from tests.analysis.verdict import worlds
from tests.analysis.verdict.test_compare import arm


@dataclass(frozen=True)
class FlowLogReader:
    """Reads lines such as ``ui-1>catalog-2 40`` and ``ui@a>catalog@b 40``; ``!`` is the log's loss meter."""

    unit: CountUnit = CountUnit.REQUESTS
    grain: Grain = Grain.POD

    def read(self, received: Received, facts: Facts) -> Counts:
        calls: list[Call] = []
        entries, leaves, lost, dropped = [], [], [], 0
        for line in (line for query in received.answers for page in query for line in page["lines"]):
            path, _, number = line.partition(" ")
            client, _, server = path.partition(">")
            call = _call(client, server, int(number))
            if path == "!":
                dropped += call.count
            elif server.startswith("?"):
                lost.append(replace(call, server=server[1:]))
            elif server.startswith("db:"):
                leaves.append(Leaf(client=client, name=server[3:], type="db", count=call.count))
            else:
                calls.append(call)
                if client in facts.generators:
                    entries.append(Entry(name=client, count=call.count))
        return Counts(
            title="the flow log",
            unit=self.unit,
            grain=self.grain,
            calls=tuple(calls),
            entries=tuple(entries),
            lost=tuple(lost),
            leaves=tuple(leaves),
            unattributed=dropped,
            sample=Sample(
                traces=len(received.rows),
                calls=tuple(
                    SampledCall(
                        client=row["from"],
                        server=row["to"],
                        connection=row["port"],
                        duration_s=row["seconds"],
                    )
                    for row in received.rows
                ),
            ),
        )


def _call(client: str, server: str, count: int) -> Call:
    (client, _, client_zone), (server, _, server_zone) = client.partition("@"), server.partition("@")
    return Call(
        client=client,
        server=server,
        count=count,
        client_zone=Zone(client_zone) if client_zone else None,
        server_zone=Zone(server_zone) if server_zone else None,
    )


PATIENCE = Patience(poll_s=1.0, least_s=0.0, most_s=20.0, traces=10_000)


@dataclass
class FlowLog:
    """Implements Source: a log whose lines come in late, two to a page."""

    lines: Sequence[str]
    rows: tuple[Raw, ...] = ()
    reader: FlowLogReader = field(default_factory=FlowLogReader)
    late: int = 2
    """Questions that it answers with *not yet*."""
    name: str = "flow-log"
    title: str = "the flow log"
    patience: Patience = PATIENCE
    checked: bool = False

    def preflight(self) -> None:
        self.checked = True

    def ask(self, question: Question) -> Answers:
        assert self.checked
        assert question.window.length_s > 0
        self.late -= 1
        if self.late >= 0:
            raise IncompleteError("asking the flow log: it is still writing")
        return (tuple({"lines": self.lines[at : at + 2]} for at in range(0, len(self.lines), 2)),)

    def sample(self, question: Question, most: int) -> Drawn:
        assert question.phase == "measure"
        return Drawn(rows=self.rows[:most])


def log(same: int, cross: int) -> list[str]:
    """The calls of ``worlds.inputs`` in this log's own format."""
    lines = []
    for mine, other in (("1", "2"), ("2", "1")):
        lines += [
            f"locust-{mine}>ui-{mine} {worlds.REQUESTS // 2}",
            f"ui-{mine}>catalog-{mine} {same}",
            f"ui-{mine}>catalog-{other} {cross}",
            f"catalog-{mine}>db:orders 500",
        ]
    return lines


def rows(same: int, cross: int) -> tuple[dict[str, Any], ...]:
    """Every call with a port of its own, and times that repeat."""
    return tuple(
        {
            "from": f"ui-{mine}",
            "to": f"catalog-{server}",
            "port": base + n,
            "seconds": each * (1 + n % 10 / 50),
        }
        for mine, other in (("1", "2"), ("2", "1"))
        for server, count, each, base in ((mine, same, 0.001, 10_000), (other, cross, 0.003, 30_000))
        for n in range(count)
    )


def collected(folder: Path, source: FlowLog, *, mode: str = "off") -> Path:
    """What ``samezone run`` and ``samezone collect`` leave."""
    folder.mkdir()
    made = arm(Graph(), mode=mode, seen=worlds.load())
    rundir.write_json(folder / rundir.RECORD, made.record)
    rundir.write_lines(folder / rundir.TOPOLOGY, made.topology)
    clock = Clock()
    artifacts.save_collected(folder, collect(source, made.record, clock=clock, sleep=clock.sleep))
    return folder


def compared(root: Path, **readers: FlowLogReader) -> Comparison:
    known = {**READERS, **{name.replace("_", "-"): reader for name, reader in readers.items()}}
    base, null, candidate = (
        artifacts.read_arm(root / name, known) for name in ("baseline", "null", "candidate")
    )
    return compare(base, candidate, created_s=1.0, versions=(), null=null)


def test_a_source_of_its_own_format_is_collected_compared_and_reported(tmp_path):
    """The same calls give the same shares and verdict as X-Ray's, over a log that X-Ray's files never saw."""
    for name, same, cross, mode in (
        ("baseline", 600, 1200, "off"),
        ("null", 610, 1190, "off"),
        ("candidate", 1800, 0, "tar"),
    ):
        collected(tmp_path / name, FlowLog(log(same, cross), rows(same, cross)), mode=mode)

    found = compared(tmp_path, flow_log=FlowLogReader())

    xray = compare(worlds.inputs(600, 1200), worlds.inputs(1800, 0, mode="tar"), created_s=1.0, versions=())
    for mine, other in ((found.baseline, xray.baseline), (found.candidate, xray.candidate)):
        assert mine.pairs[0].same_zone == other.pairs[0].same_zone
        assert mine.pairs[0].cells == other.pairs[0].cells
        assert mine.loss == other.loss
        assert mine.source == "the flow log"
        assert [(one.client, one.name, one.calls) for one in mine.dependencies] == [
            ("catalog", "orders", 500),
            ("catalog", "orders", 500),
        ]
    assert found.verdict is not None
    assert found.verdict.decision is Decision.PASS, found.verdict.reasons
    assert "orders" in html.render(found)
    assert "orders" in markdown.render(found)


def test_what_was_received_is_stored_as_it_came(tmp_path):
    """With the source's name beside it, and the polls that waited for it."""
    folder = collected(tmp_path / "baseline", FlowLog(log(6, 12), rows(6, 12)))

    stored = rundir.read_json(folder / rundir.GRAPH, GraphFile)
    assert stored.source == "flow-log"
    assert [line for page in stored.queries[0] for line in page["lines"]] == log(6, 12)
    assert (stored.stable, stored.reconciled, len(stored.polls)) == (True, True, 2)
    assert stored.polls[0].at_s == 2.0
    assert rundir.read_lines(folder / rundir.TRACES, dict[str, Any]) == rows(6, 12)


def test_workloads_with_stated_zones(tmp_path):
    """A mesh names no pods: its own zones place the calls, and each count is a connection."""
    mesh = FlowLogReader(unit=CountUnit.CONNECTIONS, grain=Grain.WORKLOAD)

    def lines(same: int, cross: int) -> list[str]:
        halves = [f"locust-{n}>ui@{zone} {worlds.REQUESTS // 2}" for n, zone in ((1, "a"), (2, "b"))]
        pairs = [
            f"ui@{mine}>catalog@{to} {count}"
            for mine, other in ("ab", "ba")
            for to, count in ((mine, same), (other, cross))
        ]
        return [*halves, *pairs, "ui@a>catalog 0"]

    for name, same, mode in (("baseline", 600, "off"), ("null", 605, "off"), ("candidate", 1800, "tar")):
        source = FlowLog(lines(same, 1800 - same), reader=mesh, name="mesh")
        collected(tmp_path / name, source, mode=mode)

    found = compared(tmp_path, mesh=mesh)

    pair = found.baseline.pairs[0]
    assert (pair.client, pair.server) == ("ui", "catalog")
    assert [(cell.client_zone, cell.server_zone, cell.calls) for cell in pair.cells] == [
        ("a", "a", 600),
        ("a", "b", 1200),
        ("b", "a", 1200),
        ("b", "b", 600),
    ]
    assert pair.share is not None
    assert (pair.share.estimate, pair.share.n) == (pytest.approx(1 / 3), 3600)
    assert pair.loads == ()
    assert (found.baseline.unit, found.baseline.truth_check) == ("connections", None)
    assert found.effects is not None
    assert found.effects.share.interval.estimate == pytest.approx(2 / 3)
    assert html.render(found)


def test_its_own_loss_meter_counts(tmp_path):
    """Lost callees of the pair, and what the source dropped of nobody in particular."""
    lines = [*log(600, 1200), "ui-1>?catalog 4", "! 9"]
    folder = collected(tmp_path / "baseline", FlowLog(lines))

    result = arm_result(artifacts.read_arm(folder, {"flow-log": FlowLogReader()}), assumed=AssumedBytes())

    assert (result.loss.lost_callees, result.loss.unattributed, result.loss.documents) == (4, 9, 13)
    assert result.pairs[0].unknown == 4
    assert (
        Caveat(code="unattributed", text="the flow log dropped or could not pair 9 requests.")
        in result.caveats
    )


def test_arms_of_unlike_sources_are_not_compared(tmp_path):
    """Connections against requests: the message names both."""
    requests, connections = FlowLogReader(), FlowLogReader(unit=CountUnit.CONNECTIONS)
    for name in ("baseline", "candidate"):
        collected(tmp_path / name, FlowLog(log(600, 1200)))
    base = artifacts.read_arm(tmp_path / "baseline", {"flow-log": requests})
    candidate = artifacts.read_arm(tmp_path / "candidate", {"flow-log": connections})

    with pytest.raises(UsageError, match=r"what was counted \(requests against connections\)"):
        compare(base, candidate, created_s=1.0, versions=())


def test_a_source_that_nobody_knows(tmp_path):
    """One line: the file, the source, and what is known."""
    folder = collected(tmp_path / "baseline", FlowLog(log(600, 1200)))

    with pytest.raises(
        UsageError, match=r"graph\.json: the calls were counted by source 'flow-log', .*known: .*xray"
    ):
        artifacts.read_arm(folder)
