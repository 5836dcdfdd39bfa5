"""One run counted by three sources: each says what the relays say; and every verb takes each of them."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis import artifacts
from analysis.arm.inputs import ArmInputs
from analysis.arm.placing import ends
from analysis.arm.result import AssumedBytes, arm_result
from analysis.model import Placed
from tests.lab.conftest import JUDGED, Lab, running_lab

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(
        not shutil.which("prometheus"), reason="prometheus is not installed (Debian: prometheus)"
    ),
]
LOAD = ("--rate", "30", "--duration", "6", "--warmup", "1", "--seed", "5")
SOURCES = ("xray", "prometheus", "spans")
NOUNS = {"prometheus": "connections", "spans": "calls"}
"""Of the sources that are no default, what they count."""
Cells = Counter[tuple[str, str | None, str, str | None]]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Three zones, and two callers in one of them; a Prometheus scrapes the relays."""
    yield from running_lab(tmp_path_factory.mktemp("sources"), "--prometheus", "--ui", "2,1,1")


@pytest.fixture(scope="module")
def runs(lab: Lab) -> dict[str, Path]:
    """One run, collected from each source into a folder of its own."""
    done = lab.samezone("baseline", "--no-null", "--source", "prometheus", *LOAD)
    assert done.returncode in JUDGED, done.stderr
    kept = re.findall(r"baseline kept in (\S+)", done.stderr)
    measured = lab.folder / kept[-1]
    found = {"prometheus": measured}
    for source in ("xray", "spans"):
        found[source] = lab.folder / f"by-{source}"
        shutil.copytree(measured, found[source])
        done = lab.samezone("collect", str(found[source]), "--source", source)
        assert done.returncode == 0, done.stderr
    return found


def cells(arm: ArmInputs) -> Cells:
    """What was counted from workload and zone to workload and zone, between ui and catalog."""
    found: Cells = Counter()
    for call in arm.by_pair[arm.focus]:
        zones = [
            one.zone if isinstance(one, Placed) else None
            for one in ends(call, arm.timeline, arm.counts.basis)
        ]
        found[arm.focus[0], zones[0], arm.focus[1], zones[1]] += call.count
    return +found


def relayed(arm: ArmInputs) -> Cells:
    """The same by the relays."""
    assert arm.truth is not None
    found: Cells = Counter()
    for row in arm.truth.rows:
        pods = [arm.timeline.pod_at(address) for address in (row.client_ip, row.server_ip)]
        if row.service != arm.record.asked.service or None in pods:
            continue
        places = [arm.timeline.place(str(pod)) for pod in pods]
        zones = [one.zone if isinstance(one, Placed) else None for one in places]
        found[arm.focus[0], zones[0], arm.focus[1], zones[1]] += row.connections
    return +found


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_says_what_the_relays_counted(runs: dict[str, Path], source: str):
    """Every pair of zones, and every pair that the source tells apart, exactly; the generator's, too."""
    arm = artifacts.read_arm(runs[source])
    result = arm_result(arm, assumed=AssumedBytes())

    assert cells(arm) == relayed(arm)
    assert len(cells(arm)) == 9
    assert result.truth_check is not None
    assert result.truth_check.worst_relative_error == 0.0
    assert result.truth_check.graph_calls == result.truth_check.relay_connections > 0
    assert result.loss.is_reconcilable
    assert result.loss.graph_requests == result.loss.generator_requests > 0
    assert dict(arm.record.counting)["source"] == source


def test_a_run_is_collected_again_from_where_it_was(lab: Lab, runs: dict[str, Path]):
    """No option says so: the record does."""
    done = lab.samezone("collect", str(runs["prometheus"]))

    assert done.returncode == 0, done.stderr
    assert "Prometheus shows" in done.stderr
    assert json.loads((runs["prometheus"] / "graph.json").read_text())["source"] == "prometheus"


def test_runs_of_two_sources_are_not_compared(lab: Lab, runs: dict[str, Path]):
    """One line names both."""
    done = lab.samezone("compare", str(runs["xray"]), str(runs["prometheus"]))

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "source (xray against prometheus by profile ztunnel)" in line


@pytest.mark.parametrize("source", NOUNS)
def test_every_verb_takes_each_source(lab: Lab, runs: dict[str, Path], source: str):
    """A baseline, a mode against it, and a look; what is shown is named as what was counted.

    By X-Ray, the default, the other modules of these tests do all of it.
    """
    assert runs
    folder = f"runs-{source}"
    noun = NOUNS[source]
    off = lab.samezone("baseline", "--no-null", "--source", source, "--runs", folder, *LOAD)
    assert off.returncode in JUDGED, off.stderr
    tar = lab.samezone("enable", "tar", "--source", source, "--runs", folder, *LOAD)
    assert tar.returncode in JUDGED, tar.stderr
    assert lab.samezone("routing", "set", "off").returncode == 0
    report = re.findall(r"report: (\S+)", tar.stderr)[-1]
    page = Path(report).read_text()
    assert f"→ catalog {noun}" in page

    seen = lab.samezone("observe", "--source", source, "--since", "2m", "--runs", folder)
    assert seen.returncode == 0, seen.stderr
    assert f"{noun} between services" in seen.stdout.replace("\n", " ")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("source", NOUNS)
def test_an_experiment_remembers_its_source(lab: Lab, source: str):
    """What it was begun with stands in its journal, without a secret."""
    done = lab.samezone(
        "experiment", "--source", source, "--blocks", "AB", "--block-duration", "4", "--warmup", "1",
        "--null-pairs", "0", "--rate", "30", "--runs", f"runs-experiment-{source}", timeout_s=280,
    )  # fmt: skip
    assert done.returncode in JUDGED, done.stderr
    (trial,) = (lab.folder / f"runs-experiment-{source}").glob("*-experiment")
    reach = json.loads((trial / "journal.json").read_text())["reach"]
    assert reach["source"] == source
    assert reach.get("profile") == ("ztunnel" if source == "prometheus" else None)
    page = (trial / "report.html").read_text()
    assert NOUNS[source] in page
    assert ("Traces recorded" in page) is (source == "spans")
