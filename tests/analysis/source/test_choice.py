"""Which source a command reads, as its options say and a run remembers; never a secret."""

import pytest

from analysis.source.choice import SourceChoice, SourceKind, counted_by
from k8s.errors import UsageError
from k8s.topology import ServiceKey

MESH = SourceChoice(
    source=SourceKind.PROMETHEUS,
    prometheus="http://127.0.0.1:9090",
    profile="ztunnel",
    prometheus_user="me",
    prometheus_org="shop",
    prometheus_ca="/x/ca.pem",
    prometheus_sigv4_region="eu-west-1",
    prometheus_timeout_s=2.5,
)
TRACES = SourceChoice(
    region="eu-west-1", xray_endpoint="http://x", xray_service=ServiceKey(namespace="a", name="b")
)


@pytest.mark.parametrize("one", [MESH, TRACES, SourceChoice(), SourceChoice(source=SourceKind.SPANS)])
def test_what_is_stored_reads_back(one: SourceChoice):
    """Every option that was given, and no other."""
    assert SourceChoice.of(one.options()) == one


@pytest.mark.parametrize(
    ("one", "kind"),
    [
        (MESH, SourceKind.PROMETHEUS),
        (SourceChoice(profile="istio"), SourceKind.PROMETHEUS),
        (TRACES, SourceKind.XRAY),
        (SourceChoice(source=SourceKind.SPANS, xray_endpoint="http://x"), SourceKind.SPANS),
    ],
)
def test_options_name_their_source(one: SourceChoice, kind: SourceKind):
    """With the option that does as the reason."""
    told = one.told()
    assert told is not None
    assert told[0] is kind
    assert told[1].startswith("--")


def test_a_region_names_no_source():
    """It is anybody's."""
    assert SourceChoice(region="eu-west-1").told() is None


def test_options_of_two_sources_are_refused():
    """With both named."""
    with pytest.raises(UsageError, match="--source xray: --profile is an option of another source"):
        SourceChoice(source=SourceKind.XRAY, profile="ztunnel")
    with pytest.raises(UsageError, match="--prometheus and --xray-endpoint are options of two sources"):
        SourceChoice(prometheus="http://p", xray_endpoint="http://x").told()


def test_a_password_in_an_address_is_refused():
    """It would stand in the run's record; the message does not repeat it."""
    with pytest.raises(UsageError, match="PROMETHEUS_PASSWORD") as refused:
        SourceChoice(prometheus="https://me:hunter2@prometheus.example")
    assert "hunter2" not in str(refused.value)


def test_what_is_given_stands_before_what_a_run_was_made_with():
    """Of the same source option by option; of another one alone."""
    moved = SourceChoice(prometheus="http://other").over(MESH)
    assert (moved.prometheus, moved.profile, moved.source) == (
        "http://other",
        "ztunnel",
        SourceKind.PROMETHEUS,
    )
    assert SourceChoice().over(MESH) == MESH
    assert SourceChoice(source=SourceKind.SPANS).over(MESH) == SourceChoice(source=SourceKind.SPANS)


def test_who_counted_a_run():
    """The source and its profile; of a run from before there were others, X-Ray."""
    assert counted_by(()) == "xray"
    assert counted_by(MESH.options()) == "prometheus by profile ztunnel"


def test_a_source_of_a_later_version():
    """Is named, and an option that is not known is left out."""
    with pytest.raises(UsageError, match="source 'ebpf', which is not known here; update samezone"):
        SourceChoice.of((("source", "ebpf"),))
    assert SourceChoice.of((("colour", "red"),)) == SourceChoice()
