"""``samezone observe`` offline, and its bad input: one line, the exit code of the README."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analysis.source.collect import GraphFile
from loadtest import rundir
from loadtest.record import Window
from tests.analysis.graphs import CLIENT, REMOTE, TABLE, TOPIC, Graph
from tests.analysis.observe.looks import WINDOW, rows_of, saved_objects
from tests.analysis.source.prometheus import answered
from tests.analysis.test_cli import Terminal
from tests.analysis.traced_shop import Shop


def moment(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(folder=tmp_path)


def printed_graph(folder: Path, graph: Graph, *, window: bool = True) -> Path:
    """As ``aws xray get-service-graph`` prints it."""
    (page,) = graph.pages()
    times = {"StartTime": moment(WINDOW.start_s), "EndTime": moment(WINDOW.end_s)} if window else {}
    path = folder / "graph.json"
    path.write_text(json.dumps({**times, "Services": page["Services"], "ContainsOldGroupVersions": False}))
    return path


def offline(folder: Path, graph: Path, *more: str) -> list[str]:
    return ["observe", "--graph", str(graph), "--from", str(folder / "saved.json"), "--runs",
            str(folder / "runs"), *more]  # fmt: skip


def test_files_alone(terminal: Terminal, tmp_path: Path):
    """Graph and traces as the AWS CLI prints them, objects as kubectl does: every pair, exactly."""
    shop = Shop()
    saved_objects(tmp_path)
    graph = printed_graph(tmp_path, shop.graph(shop.made))
    traces = tmp_path / "traces.json"
    traces.write_text(json.dumps({"Traces": list(rows_of(shop)), "UnprocessedTraceIds": []}))

    code, out, err = terminal.run(*offline(tmp_path, graph, "--traces", str(traces), "--json"))

    assert (code, err.count("\n")) == (0, 1)
    found = json.loads(out)
    pair = next(one for one in found["pairs"] if one["result"]["server"] == "catalog")
    calls = {(flow["client"], flow["server"]): flow["calls"] for flow in pair["result"]["flows"]}
    assert calls == dict(shop.relays())
    assert (found["platform"], found["region"], found["traces"]) == ("files", "eu-west-1", 1000)
    assert pair["outlook"]["lever"] == "can"
    (folder,) = (tmp_path / "runs").iterdir()
    for name in ("report.html", "report.md"):
        assert "Observed, not controlled" in (folder / name).read_text()

    # What was kept is an input itself, and says the same.
    again = ["observe", "--graph", str(folder / "graph.json"), "--traces", str(folder / "traces.jsonl.gz")]
    again += ["--from", str(folder / "topology.jsonl"), "--runs", str(tmp_path / "again"), "--json"]
    code, out, _ = terminal.run(*again)
    assert code == 0
    assert [one["result"] for one in json.loads(out)["pairs"]] == [one["result"] for one in found["pairs"]]

    code, out, _ = terminal.run("report", str(folder))
    assert code == 0
    assert out.startswith("Observed, not controlled: ")

    (other,) = (tmp_path / "again").iterdir()
    code, out, _ = terminal.run("compare", str(folder), str(other))
    assert code == 0
    assert out.startswith("Observed, not controlled: the traffic of the two windows may differ")

    code, out, _ = terminal.run("compare", str(folder), str(other), "--json")
    beside = json.loads(out)
    assert (code, {one["difference"]["estimate"] for one in beside["pairs"] if one["difference"]}) == (0, {0})
    code, out, _ = terminal.run("compare", str(folder), str(other), str(other), "--json")
    assert json.loads(out) == [beside, beside]
    code, out, _ = terminal.run(*again, "--against", str(folder))
    found = json.loads(out)
    assert (code, found["against"]) == (0, beside)
    assert found["observation"]["traces"] == 1000


def stored_connections(folder: Path, **zones: str) -> Path:
    """As collecting leaves what a Prometheus counted."""
    labels = {**answered.sides(), **zones}
    path = folder / "connections.json"
    file = GraphFile(
        source="prometheus",
        window=Window(start_s=answered.START_S, end_s=answered.END_S),
        queries=(answered.about(quiet_s=0.0), answered.vector((labels, 7))),
        polls=(),
        stable=True,
        reconciled=False,
    )
    rundir.write_json(path, file)
    return path


def test_a_stored_graph_that_states_the_zones_needs_no_objects(terminal: Terminal, tmp_path: Path):
    """A mesh's counters carry both; what a setting would change is not known then."""
    graph = stored_connections(tmp_path)

    code, out, err = terminal.run(
        "observe", "--graph", str(graph), "--runs", str(tmp_path / "runs"), "--json"
    )

    assert (code, err.count("\n")) == (0, 1), err
    found = json.loads(out)
    (pair,) = found["pairs"]
    assert (pair["calls"], pair["result"]["cross_zone"], found["zones"]) == (7, 7, ["a", "b"])
    assert pair["outlook"]["lever"] == "not-known"
    assert {"no-cluster"} <= {one["code"] for one in found["caveats"]}


def test_a_stored_graph_without_zones_needs_the_objects(terminal: Terminal, tmp_path: Path):
    """X-Ray's names pods, and a mesh without zones nothing: the line says how to save the cluster."""
    shop = Shop()
    unplaced = stored_connections(tmp_path, destination_zone="unknown")
    for graph in (printed_graph(tmp_path, shop.graph(shop.made)), unplaced):
        code, err = terminal.fails("observe", "--graph", str(graph))

        assert code == 2
        assert "give the cluster's objects, too, with --from" in err


def test_the_developer_guides_graph(terminal: Terminal, tmp_path: Path):
    """Client, a program on EC2, DynamoDB, SNS: no call between services, and leaves are no loss."""
    saved_objects(tmp_path)
    graph = (
        Graph()
        .edge(("Scorekeep", CLIENT), ("Scorekeep", "AWS::EC2::Instance"), 3)
        .edge(("Scorekeep", "AWS::EC2::Instance"), ("scorekeep-game", TABLE), 3)
        .edge(("Scorekeep", "AWS::EC2::Instance"), ("arn:aws:sns:eu-west-1:1:game", TOPIC), 1)
    )

    code, err = terminal.fails(*offline(tmp_path, printed_graph(tmp_path, graph)))

    assert code == 4
    assert "3 requests enter, but no service calls another" in err


def test_hostile_names_are_only_names(terminal: Terminal, tmp_path: Path):
    """Whatever a node is called, the page holds it as text."""
    saved_objects(tmp_path)
    evil = "<script>alert(1)</script>"
    graph = Graph().edge("ui-1", "catalog-1", 5).edge("ui-1", (evil, TABLE), 2).edge(evil, "ui-1", 2)

    code, _, _ = terminal.run(*offline(tmp_path, printed_graph(tmp_path, graph)))

    assert code == 0
    (folder,) = (tmp_path / "runs").iterdir()
    assert "<script" not in (folder / "report.html").read_text()
    assert evil not in (folder / "report.md").read_text()


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (["--for", "10m", "--since", "5m"], 2, "not allowed with argument"),
        (["--for", "ten"], 2, "--for 'ten': give a length of time with its unit"),
        (["--window", "2099-01-01T00:00:00Z/2099-01-01T01:00:00Z"], 2, "it ends in the future"),
        (["--window", "2026-01-02T00:00:00Z/2026-01-01T00:00:00Z"], 2, "it ends before it starts"),
        (["-n", "Shop"], 2, "'Shop' is no namespace"),
        (["-n", "shop", "--all-namespaces"], 2, "give -n or --all-namespaces, not both"),
        (["--service", "orders"], 2, "'orders' is not NAMESPACE/NAME"),
        (["--from", "saved.json"], 2, "--from and --traces belong to --graph"),
        (["--graph", "nowhere.json"], 2, "reading nowhere.json: No such file"),
        (["--graph", "nowhere.json", "--from", "x"], 2, "reading nowhere.json: No such file"),
        (["--json", "--against", "x"], 2, "reading observation x: it holds no observation.json"),
        (["--against", "nowhere"], 2, "reading observation nowhere: it holds no observation.json"),
        (["--usd-per-gb", "-1"], 2, "--usd-per-gb -1: give a number of 0 or more"),
        ([], 5, "the lab is not up"),
    ],
)
def test_bad_input(terminal: Terminal, more: list[str], code: int, message: str):
    """One line, and nothing is left."""
    found, err = terminal.fails("observe", *more)

    assert (found, message in err) == (code, True), err
    assert not (terminal.folder / "runs").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not valid JSON"),
        (b"[]", "it holds no Services of a service graph"),
        (b'{"Traces": []}', "it holds no Services of a service graph"),
        (b'{"Services": [{"Name": 7}]}', "it does not say its window; give --window FROM/TO"),
        (b'{"schema": 9, "queries": []}', "schema 9 is not known"),
        (gzip.compress(b"{}", mtime=0), "not valid JSON"),
    ],
)
def test_a_file_that_is_no_graph(terminal: Terminal, tmp_path: Path, content: bytes, message: str):
    """It is named, and how to save one."""
    saved_objects(tmp_path)
    path = tmp_path / "graph.json"
    path.write_bytes(content)

    code, err = terminal.fails(*offline(tmp_path, path))

    assert (code, message in err) == (2, True), err


def test_a_lost_callee_keeps_coverage_below_one(terminal: Terminal, tmp_path: Path):
    """Its pair shows what is unknown, and why."""
    saved_objects(tmp_path)
    graph = Graph().edge("ui-1", ("catalog.catalog", REMOTE), 25).edge("ui-1", "catalog-1", 75)

    code, out, _ = terminal.run(*offline(tmp_path, printed_graph(tmp_path, graph), "--json"))

    assert code == 0
    assert json.loads(out)["pairs"][0]["result"]["coverage"] == 0.75
