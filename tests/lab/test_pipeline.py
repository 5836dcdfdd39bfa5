"""Baseline, Topology Aware Routing, report: the main job, checked against the relays' own counters."""

import json
import re
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.lab.conftest import JUDGED, Lab, processes_of

pytestmark = pytest.mark.lab

LOAD = ("--rate", "100", "--duration", "8", "--warmup", "1", "--seed", "3")
BUSY_MACHINE = {"late", "saturated", "rate"}
"""Caveats that a loaded test machine brings about; they are true, and no fault of the pipeline."""
TOPOLOGY_MODE = "service.kubernetes.io/topology-mode"


@pytest.fixture(scope="module")
def baseline(lab: Lab) -> Path:
    """A measured baseline."""
    done = lab.samezone("baseline", *LOAD)
    assert done.returncode in JUDGED, done.stderr
    assert "same-zone" in done.stdout
    return newest(lab, "off")


@pytest.fixture(scope="module")
def tar(lab: Lab, baseline: Path) -> Path:
    """TAR measured after it, compared and reported."""
    assert baseline
    done = lab.samezone("enable", "tar", *LOAD)
    assert done.returncode in JUDGED, done.stderr
    assert "report.html" in done.stderr
    return newest(lab, "tar")


def newest(lab: Lab, arm: str) -> Path:
    return max((lab.folder / "runs").glob(f"*-{arm}"))


def read(folder: Path, name: str) -> dict:
    return json.loads((folder / name).read_bytes())


def relay_counts(folder: Path) -> Counter[tuple[str, str]]:
    """Connections by (ui pod, catalog pod), from the relays' file and the pods' addresses alone."""
    names = {}
    for line in (folder / "topology.jsonl").read_text().splitlines():
        names.update({pod["ip"]: pod["name"] for pod in json.loads(line)["pods"]})
    counts: Counter[tuple[str, str]] = Counter()
    for row in read(folder, "truth.json")["rows"]:
        if row["service"]["name"] == "catalog":
            counts[names[row["client_ip"]], names[row["server_ip"]]] += row["connections"]
    return +counts


def graph_counts(folder: Path) -> Counter[tuple[str, str]]:
    """Calls by (ui pod, catalog pod), from the X-Ray pages as received, with no code of ours."""
    counts: Counter[tuple[str, str]] = Counter()
    for query in read(folder, "graph.json")["queries"]:
        nodes = {node["ReferenceId"]: node for page in query for node in page["Services"]}
        for node in nodes.values():
            for edge in node.get("Edges", []):
                target = nodes[edge["ReferenceId"]]["Name"]
                if node.get("Type") != "client" and target.startswith("catalog-"):
                    counts[node["Name"], target] += edge["SummaryStatistics"]["TotalCount"]
    return counts


def pair(comparison: dict, arm: str) -> dict:
    return next(
        one for one in comparison[arm]["pairs"] if (one["client"], one["server"]) == ("ui", "catalog")
    )


@pytest.mark.parametrize("arm", ["baseline", "tar"])
def test_xray_equals_the_relays_pair_by_pair(arm: str, request: pytest.FixtureRequest):
    """For every ui -> catalog pod pair the graph's calls are the relays' connections, to within 0.1 %."""
    folder = request.getfixturevalue(arm)

    relays, graph = relay_counts(folder), graph_counts(folder)

    assert sum(relays.values()) > 500
    assert relays.keys() == graph.keys()
    assert all(abs(graph[one] - relays[one]) <= 0.001 * relays[one] for one in relays), (graph, relays)


def test_baseline_is_random_and_tar_is_not(tar: Path):
    """A third within its interval before, everything after; nothing unknown, nothing uncovered."""
    comparison = read(tar, "comparison.json")
    before, after = pair(comparison, "baseline"), pair(comparison, "candidate")

    # 99.99 % bounds of a third at this n, so that chance does not fail the build.
    n = before["share"]["n"]
    assert abs(before["share"]["estimate"] - 1 / 3) < 3.9 * (2 / 9 / n) ** 0.5
    assert after["cross_zone"] == 0
    assert after["share"]["estimate"] == 1.0
    assert [(one["unknown"], one["coverage"]) for one in (before, after)] == [(0, 1.0), (0, 1.0)]
    change = next(one for one in comparison["changes"] if one["server"] == "catalog")
    assert change["changed"]


def test_every_request_and_span_is_accounted_for(tar: Path):
    """The generator's requests are the graph's, nothing is lost, and the zones agree with the spans'."""
    comparison = read(tar, "comparison.json")
    for arm in ("baseline", "candidate"):
        loss, zones = comparison[arm]["loss"], comparison[arm]["zone_check"]
        assert loss["generator_requests"] == loss["graph_requests"] > 350
        assert (loss["lost_callees"], loss["orphans"], loss["spans_dropped"]) == (0, 0, 0)
        assert zones["agree"] == zones["segments"] > 250
        assert comparison[arm]["failures"] == 0
        codes = {caveat["code"] for caveat in comparison[arm]["caveats"]}
        assert codes <= BUSY_MACHINE


def test_the_workers_hop_is_attributed_too(tar: Path):
    """locust-worker -> ui stays random in both arms: only the catalog Service was changed."""
    comparison = read(tar, "comparison.json")
    for arm in ("baseline", "candidate"):
        hop = next(one for one in comparison[arm]["pairs"] if one["server"] == "ui")
        assert hop["client"] == "locust-worker"
        assert hop["unknown"] == 0
        assert 0.2 < hop["share"]["estimate"] < 0.47


def test_cross_zone_calls_are_slower_in_the_baseline(tar: Path):
    """The emulated 0.6 ms each way shows in the clients' own latencies, as exactly as they can tell it."""
    gap = pair(read(tar, "comparison.json"), "baseline")["cross_minus_same_s"]

    assert gap["low"] < 0.02
    assert gap["high"] > 0.0012


def test_bytes_are_measured_and_both_directions_charged(tar: Path):
    """The lab's cost uses the relays' byte counts."""
    (cost,) = read(tar, "comparison.json")["baseline"]["costs"]

    assert cost["bytes_source"].startswith("measured")
    per_call = cost["request_bytes_per_call"] + cost["response_bytes_per_call"]
    expected = cost["cross_calls_per_s"]["estimate"] * per_call / 1e9 * 0.02 * 30 * 86400
    assert cost["usd_per_month"]["estimate"] == pytest.approx(expected)


def test_the_report_is_one_file(tar: Path):
    """No request leaves the page: no http(s) address but the names of the SVG standard."""
    page = (tar / "report.html").read_text()

    assert "ui" in page
    assert set(re.findall(r"https?://[^\s\"'<>)]*", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert (tar / "report.md").read_text().startswith("#")


def test_tar_stays_until_it_is_put_back(lab: Lab, tar: Path):
    """Enable leaves the mode in force; restore makes what was absent absent again."""
    assert tar
    assert lab.annotations().get(TOPOLOGY_MODE) == "Auto"

    done = lab.samezone("routing", "restore")

    assert done.returncode == 0, done.stderr
    assert TOPOLOGY_MODE not in lab.annotations()


def test_a_report_is_rendered_again_from_the_artifacts(lab: Lab, tar: Path):
    """The page does not depend on the lab, and comes out the same."""
    page = (tar / "report.html").read_bytes()
    (tar / "report.html").unlink()

    done = lab.samezone("report", str(tar))

    assert done.returncode == 0, done.stderr
    assert page == (tar / "report.html").read_bytes()


def test_other_load_is_refused_before_anything_is_measured(lab: Lab, baseline: Path):
    """A second arm under another rate is no comparison."""
    assert baseline
    runs = sorted((lab.folder / "runs").iterdir())

    done = lab.samezone("enable", "tar", "--rate", "60", *LOAD[2:])

    assert done.returncode == 2
    assert "rate_per_s (100.0 against 60.0)" in done.stderr
    assert runs == sorted((lab.folder / "runs").iterdir())


def test_ctrl_c_while_measuring(lab: Lab, baseline: Path):
    """Exit 130, the Service as it was, no process left, and the measured part kept and marked."""
    assert baseline
    running = lab.start("run", "tar", "--rate", "50", "--duration", "60", "--warmup", "0")
    assert running.stderr is not None
    for line in running.stderr:
        if "measuring" in line:
            break
    time.sleep(3)
    assert lab.annotations().get(TOPOLOGY_MODE) == "Auto"

    running.send_signal(signal.SIGINT)
    _, words = running.communicate(timeout=60)

    assert running.returncode == 130, words
    assert TOPOLOGY_MODE not in lab.annotations()
    record = read(newest(lab, "tar"), "record.json")
    assert record["status"] == "interrupted"
    assert sum(worker["requests"] for worker in record["seen"]["measured"]["workers"]) > 50
    assert [one for one in processes_of(lab.folder) if "locust" in " ".join(one.cmdline())] == []


def test_refused_hints_end_with_the_reason_and_the_counts_that_work(five_pod_lab: Lab):
    """Five pods on three zones: the controller's own message, the nearest counts, exit 4, nothing changed."""
    lab = five_pod_lab
    done = lab.samezone("baseline", "--rate", "50", "--duration", "2", "--warmup", "0")
    assert done.returncode in (0, 4), done.stderr  # 4: the machine was busy
    kept = {path: path.read_bytes() for path in newest(lab, "off").iterdir()}

    refused = lab.samezone("enable", "tar", "--rate", "50", "--duration", "2", "--warmup", "0")

    assert refused.returncode == 4
    assert (
        "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold "
        "(5 endpoints, 3 zones), addressType: IPv4"
    ) in refused.stderr
    assert "nearest counts that work: 3 and 6" in refused.stderr
    assert TOPOLOGY_MODE not in lab.annotations()
    assert kept == {path: path.read_bytes() for path in newest(lab, "off").iterdir()}
    assert list((lab.folder / "runs").glob("*-tar")) == []
