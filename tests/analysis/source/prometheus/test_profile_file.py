"""Profiles by name and from files, and what is wrong with a file in one line with its number."""

from pathlib import Path

import pytest

from analysis.source.interface import CountUnit, Grain
from analysis.source.prometheus import profile_file
from analysis.source.prometheus.profile_file import parse, profile_named
from analysis.source.prometheus.profiles import BUILT_IN, ENVOY, ZTUNNEL
from k8s.errors import UsageError

SCHEMA = Path(profile_file.__file__).with_name("profile.schema.json")
OWN = """\
metric: mesh_requests_total
unit: requests
grain: workload
client:
  name: [caller_pod, caller]
  namespace: caller_ns
  zone: caller_zone
server: {name: callee, zone: callee_zone}
filters: ['side="client"', 'code!~"1.."']
unknown: [unknown, none]
outcomes: {label: code, faults: "5..", errors: "4.."}
latency: {unit: milliseconds, sum: mesh_ms_sum, buckets: mesh_ms_bucket}
losses: [mesh_dropped_total]
multiplier: 10
ha_labels: []
trap: Counts retries, too.
"""


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_profiles_by_name(name: str):
    """Each has a trap, a sentence, and labels for both sides."""
    found = profile_named(name)
    assert found.name == name
    assert found.trap.endswith(".")
    assert found.client
    assert found.server


def test_a_file_of_ones_own(tmp_path: Path):
    """Everything that a profile has can be said."""
    path = tmp_path / "mesh.yaml"
    path.write_text(OWN)
    found = profile_named(str(path))
    assert (found.name, found.metric, found.unit, found.grain) == (
        "mesh",
        "mesh_requests_total",
        CountUnit.REQUESTS,
        Grain.WORKLOAD,
    )
    assert (found.client, found.client_namespace, found.client_zone) == (
        ("caller_pod", "caller"),
        "caller_ns",
        "caller_zone",
    )
    assert (found.server, found.server_namespace, found.server_zone) == (("callee",), "", "callee_zone")
    assert found.filters == ('side="client"', 'code!~"1.."')
    assert (found.error_label, found.fault_values, found.error_values) == ("code", "5..", "4..")
    assert (found.latency_sum, found.latency_buckets, found.latency_unit_s) == (
        "mesh_ms_sum",
        "mesh_ms_bucket",
        0.001,
    )
    assert (found.losses, found.multiplier, found.ha_labels) == (("mesh_dropped_total",), 10, ())
    assert found.by == ("caller_pod", "caller", "caller_ns", "caller_zone", "callee", "callee_zone")


def test_a_built_in_profile_with_changes():
    """What the file does not say stays."""
    found = parse("like: ztunnel\nfilters: ['reporter=\"waypoint\"']\n", "mine.yaml")
    assert (found.filters, found.metric, found.client) == (
        ('reporter="waypoint"',),
        ZTUNNEL.metric,
        ZTUNNEL.client,
    )
    assert parse("like: envoy\nclient: {name: pod}\n", "mine.yaml").metric == ENVOY.metric


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("like: istoi\n", r"mine\.yaml:1: like: no built-in profile; there are ztunnel, linkerd"),
        ("unit: requests\n", r"mine\.yaml:1: expected a key metric, or like: .*\(and 3 more\)"),
        ("like: istio\nunits: bytes\n", r"mine\.yaml:2: units: unknown key; known are like, metric"),
        ("like: istio\nmetric: 'sum(x)'\n", r"mine\.yaml:2: metric: not a metric's name"),
        ("like: istio\nmetric: x_(.+)\npattern: true\n", r"mine\.yaml:2: metric: expected a group .*zones"),
        ("like: envoy\nmetric: 'x_(?P<zones>'\n", r"mine\.yaml:2: metric: no regular expression"),
        ("like: istio\nfilters:\n- reporter=source\n", r'mine\.yaml:3: filters\[0\]: expected LABEL="VALUE"'),
        ("like: istio\nfilters: ['a=\"b\"}) or up #']\n", r"mine\.yaml:2: filters\[0\]: expected LABEL"),
        ("like: istio\nclient:\n  name: a-b\n", r"mine\.yaml:3: client\.name: "),
        (
            "like: istio\noutcomes: {label: code, faults: '('}\n",
            r"mine\.yaml:2: outcomes\.faults: no regular",
        ),
        ("like: istio\nmultiplier: 0\n", r"mine\.yaml:2: multiplier: "),
        ("like: [\n", r"mine\.yaml:2: "),
    ],
)
def test_what_is_wrong_with_a_file(text: str, words: str):
    """The file, the line, the key."""
    with pytest.raises(UsageError, match=words) as told:
        parse(text, "mine.yaml")
    assert "\n" not in str(told.value)


def test_neither_a_name_nor_a_file(tmp_path: Path):
    """It says which names there are."""
    with pytest.raises(UsageError, match=r"profile 'mesh': no file .*No such file.*; there are ztunnel, "):
        profile_named("mesh")
    with pytest.raises(UsageError, match="no file to read"):
        profile_named(str(tmp_path))
    (tmp_path / "odd.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not UTF-8 text"):
        profile_named(str(tmp_path / "odd.yaml"))


def test_the_schema_is_of_the_types():
    """What the file's types say is what is published."""
    assert SCHEMA.read_text() == profile_file.schema_text()
