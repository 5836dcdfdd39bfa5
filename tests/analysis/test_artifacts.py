"""Run folders read back: what was stored before sources had names is X-Ray's."""

import json

from analysis import artifacts
from analysis.source.collect import Collected
from analysis.source.xray.reader import NAME
from loadtest import rundir
from tests.analysis.test_history import graph_file, stored
from tests.analysis.verdict.test_compare import shop


def test_a_graph_without_a_source_is_xrays(tmp_path):
    """As every run was collected before; the calls are the same."""
    folder = stored(tmp_path, "one", 90, 1_700_000_000.0)
    path = folder / rundir.GRAPH
    named = artifacts.read_arm(folder).counts
    old = json.loads(path.read_bytes())
    assert old.pop("source") == NAME
    path.write_text(json.dumps(old))

    assert artifacts.read_arm(folder).counts == named


def test_what_collecting_stores_is_what_is_read(tmp_path):
    """Graph and traces, each in its file."""
    folder = stored(tmp_path, "one", 90, 1_700_000_000.0)
    trace = {"Id": "1-a", "Segments": [{"Document": '{"name": "ui-1", "id": "x"}'}]}
    artifacts.save_collected(folder, Collected(graph=graph_file(shop(50, 50)), traces=(trace,)))

    found = artifacts.read_arm(folder)

    assert found.focus == ("ui", "catalog")
    assert sum(call.count for call in found.by_pair[found.focus]) == 200
    assert found.counts.sample.traces == 1
