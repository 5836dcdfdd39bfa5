"""Connections in a sample of traces: identity, callers, and calls that name none."""

from typing import Any

from analysis.arm import connections
from analysis.arm.connections import ConnectionSample, PairSample
from analysis.model import Workload
from analysis.placement import Timeline
from analysis.source.xray import traces
from k8s.topology import Node, NodeName, Pod, PodName, Snapshot, Zone
from tests.analysis.graphs import call, port, trace

FOCUS = (Workload("ui"), Workload("catalog"))
LABEL = "app.kubernetes.io/name"


def pod(name: str) -> Pod:
    app = name.partition("-")[0]
    return Pod(namespace=app, name=PodName(name), node=NodeName("n1"), labels=((LABEL, app),))


NODE = Node(name=NodeName("n1"), zone=Zone("a"), ready=True, cpu_allocatable_milli=1000)
PODS = tuple(map(pod, ("ui-1", "ui-2", "catalog-1", "catalog-2", "locust-1")))
TIMELINE = Timeline([Snapshot(taken_at_s=0.0, nodes=(NODE,), pods=PODS)])


def sample(*found: dict[str, Any]) -> ConnectionSample:
    """The focus pair's connections in traces."""
    return connections.sample(traces.sample(found).calls, TIMELINE, FOCUS)


def test_calls_by_connection():
    """The same pods and port are one connection; another port or another pod is another one."""
    found = sample(
        trace(*call("ui-1", "catalog-1", port(4000))),
        trace(*call("ui-1", "catalog-1", port(4000)), *call("ui-1", "catalog-1", port(4001), 2)),
        trace(*call("ui-1", "catalog-2", port(4000))),
        trace(*call("ui-2", "catalog-1", port(4000))),
    )
    assert found == ConnectionSample(
        pairs=(
            PairSample(
                client="ui-1", server="catalog-1", calls=(2, 1), durations_s=((1 / 64, 1 / 64), (2 / 64,))
            ),
            PairSample(client="ui-1", server="catalog-2", calls=(1,), durations_s=((1 / 64,),)),
            PairSample(client="ui-2", server="catalog-1", calls=(1,), durations_s=((1 / 64,),)),
        ),
        anonymous=0,
    )
    assert (found.calls, found.identified) == (5, True)


def test_older_conventions_name_the_port_too():
    """Go's otelgin and older SDKs write net.sock.peer.port or net.peer.port."""
    for name in ("net.sock.peer.port", "net.peer.port"):
        found = sample(trace(*call("ui-1", "catalog-1", {name: 4000})))
        assert found.calls == 1


def test_calls_without_a_port_are_counted_apart():
    """No metadata, no port, or no number: the call is anonymous, and too many of them identify nothing."""
    for metadata in (None, {}, {"network.peer.port": "4000"}, {"network.peer.port": True}):
        found = sample(trace(*call("ui-1", "catalog-1", metadata)))
        assert (found.calls, found.anonymous, found.identified) == (0, 1, False)


def test_only_the_pair_under_study_counts():
    """Calls of the load generator, and segments without a caller, are no connections of the pair."""
    lonely = {"name": "catalog-1", "id": "x", "metadata": {"default": port(1)}}
    inferred = {"name": "catalog-1", "id": "y", "parent_id": "b1", "inferred": True}
    found = sample(
        trace(*call("locust-1", "ui-1", port(1))),
        trace(lonely),
        trace(call("ui-1", "x", None)[0], inferred),
    )
    assert found == ConnectionSample(pairs=(), anonymous=0)
    assert not found.identified


def test_a_caller_deep_below_its_segment():
    """Frameworks nest subsegments; the caller is the segment around them."""
    caller, callee = call("ui-1", "catalog-1", port(7))
    caller["subsegments"] = [{"name": "handler", "id": "h", "subsegments": caller["subsegments"]}]
    assert sample(trace(caller, callee)).pairs[0].client == "ui-1"
