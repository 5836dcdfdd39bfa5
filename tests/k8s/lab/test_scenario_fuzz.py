"""Scenario files of any content: a lab that can be built, or one line that begins with the file's name."""

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8s.errors import UsageError
from k8s.lab import scenario_files
from k8s.lab.design.scenario import apply
from k8s.lab.design.settings import LabSettings, check

KEYS = [
    "description",
    "zones",
    "nodes_per_zone",
    "cpu_milli",
    "pods",
    "ui",
    "catalog",
    "cross_zone_delay_ms",
    "delays",
    "keep_alive",
    "extra_nodes",
    "rollout",
    "app",
    "entry",
    "workloads",
    "namespace",
    "calls",
    "to",
    "routes",
    "name",
    "zone",
    "start",
    "every_s",
    "eu-west-1a",
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 10)
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["eu-west-1a", "eu-west-1b", "4", "1930m"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6).map(
    lambda made: yaml.safe_dump({"description": "x", **made}, allow_unicode=True).encode()
)
PIECES = st.sampled_from(
    ["description: x\n", "ui: [1, 1, 1]\n", "- ", "&a ", "*a", "{", "}", "[", ": ", "!!python/name:os "]
)
SCRAPS = st.lists(PIECES | st.text(max_size=6), max_size=8).map(lambda parts: "".join(parts).encode())


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(content=DOCUMENTS | SCRAPS | st.binary(max_size=60))
def test_any_file_is_a_lab_or_one_line(tmp_path: Path, content: bytes):
    """No traceback, no second line, no hang; the message names the file."""
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    assert "\n" not in complaint(path, tmp_path)


def complaint(path: Path, state_dir: Path) -> str:
    """What is wrong with a file; empty if nothing is."""
    empty = LabSettings(state_dir=str(state_dir), api_port=0, xray_port=0)
    try:
        check(apply(scenario_files.read(str(path)), empty))
    except UsageError as error:
        return str(error)
    return ""


def test_a_file_that_is_too_deep_is_refused(tmp_path: Path):
    """Three thousand brackets are a line, not a crash."""
    path = tmp_path / "deep.yaml"
    path.write_text("description: x\nui: " + "[" * 3_000)
    with pytest.raises(UsageError, match=r"deep\.yaml"):
        scenario_files.read(str(path))
