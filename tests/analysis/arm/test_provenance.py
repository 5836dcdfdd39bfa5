"""Counts and traces that do not fit a run: one clear line each, or a caveat where the rest is usable."""

import pytest

from analysis.arm.result import AssumedBytes, arm_result
from k8s.errors import ExitCode, InvalidRunError
from tests.analysis.graphs import CLIENT, Graph, trace
from tests.analysis.traced_shop import Shop
from tests.analysis.verdict.test_compare import arm, measured, shop
from tests.analysis.verdict.worlds import traces_of


def refusal(inputs) -> str:
    with pytest.raises(InvalidRunError) as caught:
        arm_result(inputs, assumed=AssumedBytes())
    assert caught.value.exit_code is ExitCode.INVALID
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_graph_without_edges():
    """Nodes alone: spans arrive, but none names what it called."""
    graph = Graph()
    for name in ("ui-1", "catalog-1"):
        graph.node(name)

    said = refusal(arm(graph))

    assert "X-Ray shows no call at all: no node of it calls another" in said
    assert "OTEL_PROPAGATORS" in said


def test_a_graph_of_client_nodes_alone():
    """Requests enter everywhere and go nowhere: the trace context is not passed on."""
    graph = Graph().edge(("ui-1", CLIENT), "ui-1", 50).edge(("catalog-1", CLIENT), "catalog-1", 100)

    said = refusal(arm(graph))

    assert "requests enter, but no service calls another" in said


def test_traces_of_another_window_than_the_graph():
    """Split by them, every figure would be another run's: refused, with what to do."""
    window, other = Shop(seed=1, requests=100), Shop(seed=1, requests=300)
    rows = tuple(trace(*other.documents(one)) for one in other.made)

    said = refusal(window.inputs(rows=rows))

    assert "traces and graph disagree: of ui to catalog the traces hold" in said
    assert "collect both again: samezone collect " in said
    assert "RUN" not in said


def test_a_sample_that_has_more_than_a_graph_of_pods():
    """The graph alone places those calls, so they stay; the caveat says what is not read."""
    result = measured(arm(shop(40, 60), traces=traces_of(45, 60)))

    assert result.pairs[0].calls == 200
    (found,) = [one for one in result.caveats if one.code == "traces-disagree"]
    assert found.text.startswith("The traces hold 10 calls that the graph does not")


def test_segments_of_two_regions():
    """Named, with how many; a zone of the place's own region is no such thing."""
    one = Shop(seed=1, requests=30, by_pod=True)
    zones = {"a": "eu-west-1a", "b": "us-east-1b", "c": "eu-west-1c"}
    rows = []
    for made in one.made:
        documents = list(one.documents(made))
        for document in documents:
            ec2 = document["aws"]["ec2"]
            ec2["availability_zone"] = zones[ec2["availability_zone"]]
        rows.append(trace(*documents))

    result = measured(one.inputs(rows=tuple(rows)))

    (found,) = [caveat for caveat in result.caveats if caveat.code == "two-regions"]
    assert "state zones of" in found.text
    assert "us-east-1" in found.text


def test_a_collector_that_misnames_pods():
    """The address that the callee saw is another pod's than the one the caller's segment names."""
    one = Shop(seed=1, requests=10)
    rows = []
    for made in one.made:
        documents = list(one.documents(made))
        documents[-1]["metadata"]["default"]["network.peer.address"] = "127.100.1.1"
        rows.append(trace(*documents))

    result = measured(one.inputs(rows=tuple(rows)))

    (found,) = [caveat for caveat in result.caveats if caveat.code == "pods-misnamed"]
    assert found.text.startswith("10 sampled calls name another pod")
