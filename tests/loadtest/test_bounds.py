"""Numbers that nothing real could have are named with their key; everything that was ever measured passes."""

from dataclasses import replace

import pytest

from k8s.topology import Endpoint, EndpointSlice, Node, NodeName, Pod, PodName, Snapshot, Zone
from loadtest import bounds
from loadtest.record import LoadSeen, RunRecord, Window
from loadtest.worker.latency import histogram
from loadtest.worker.tally import PageTally, WorkerTally
from tests.loadtest.test_rundir import record

WORKER = WorkerTally(worker="w", zone="a", node="n", requests=5, latency=histogram([(3, 5)]))


def with_worker(**changes: object) -> RunRecord:
    made = record()
    load = LoadSeen(seconds=10.0, workers=(WORKER, replace(WORKER, **changes)))
    return replace(made, seen=replace(made.seen, measured=load))


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (with_worker(requests=-5), "seen.measured.workers[1].requests is -5, below zero"),
        (with_worker(failures=6), "seen.measured.workers[1].failures is 6, of 5 requests"),
        (with_worker(connections=10**39), "connections is a number of 130 bits, beyond anything real"),
        (with_worker(cpu_percent_max=float("inf")), "cpu_percent_max is inf, no number"),
        (with_worker(latency=histogram([(3, -2)])), "workers[1].latency.counts[0][1] is -2, below zero"),
        (
            with_worker(latency=histogram([(80_000, 5)])),
            "workers[1].latency.counts has a bucket 80000, beyond anything real (at most 4000)",
        ),
        (
            with_worker(pages=(PageTally(page="home", requests=1, failures=2),)),
            "workers[1].pages[0].failures is 2, of 1 requests",
        ),
        (record(created_s=1e12), "created_s is 1e+12, beyond anything real (at most 2.53402e+11)"),
        (record(measured=Window(start_s=-1.0, end_s=3.0)), "measured.start_s is -1, below zero"),
    ],
)
def test_a_number_that_cannot_be_is_named(made: RunRecord, message: str):
    """With the key and the reason, however many digits it has."""
    found = bounds.wrong_record(made)

    assert found is not None
    assert message in found


def test_an_honest_record_has_none():
    """A seed may be below zero."""
    plan = replace(record().asked.plan, seed=-3)

    assert bounds.wrong_record(record(asked=replace(record().asked, plan=plan))) is None


def test_differences_may_be_below_zero():
    """But have to be numbers."""
    assert bounds.wrong_number((-1.5, 2), signed=True) is None
    assert bounds.wrong_number((-1.5, float("nan")), signed=True) == "[1] is nan, no number"


def test_snapshots_are_looked_at_where_they_count():
    """When it was taken, a node's CPU, a pod's restarts, an endpoint's address."""
    node = Node(name=NodeName("n"), zone=Zone("a"), ready=True, cpu_allocatable_milli=-1)
    pod = Pod(namespace="x", name=PodName("p"), restarts=10**16)

    assert bounds.wrong_snapshot(Snapshot(taken_at_s=1.0)) is None
    assert bounds.wrong_snapshot(Snapshot(taken_at_s=-1.0)) == "taken_at_s is -1, below zero"
    assert bounds.wrong_snapshot(Snapshot(taken_at_s=1.0, nodes=(node,))) == (
        "nodes[0].cpu_allocatable_milli is -1, below zero"
    )
    one = EndpointSlice(namespace="x", name="s", service="s", endpoints=(Endpoint(addresses=()),))
    assert bounds.wrong_snapshot(Snapshot(taken_at_s=1.0, slices=(one,))) == (
        "slices[0].endpoints[0].addresses is empty"
    )
    assert "pods[0].restarts is 10000000000000000" in str(
        bounds.wrong_snapshot(Snapshot(taken_at_s=1.0, pods=(pod,)))
    )
