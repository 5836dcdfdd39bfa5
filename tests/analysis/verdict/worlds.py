"""Measured windows of invented worlds: a chosen share, chosen response times, whole in every other way."""

from dataclasses import replace
from typing import Any

import numpy as np

from analysis.arm.inputs import ArmInputs
from analysis.arm.result import AssumedBytes, arm_result
from analysis.verdict.windows import Measured, measured
from k8s.topology import Snapshot
from loadtest.record import LoadSeen
from loadtest.worker.latency import histogram
from loadtest.worker.tally import WorkerTally
from tests.analysis.graphs import CLIENT, Graph, call, port, trace
from tests.analysis.verdict.test_compare import arm, shop, truth

REQUESTS = 2000
RATE_PER_S = 10.0


def load(requests: int = REQUESTS, **changes: object) -> LoadSeen:
    """Two workers that kept up with ten requests a second."""
    each = requests // 2
    worker = WorkerTally(
        worker="locust-1",
        zone="a",
        node="node-a",
        requests=each,
        connections=each,
        spans_made=2 * each,
        spans_delivered=2 * each,
        first_s=100.0,
        last_s=100.0 + (each - 1) / (RATE_PER_S / 2),
        latency=histogram([(700, each)]),
    )
    workers = (replace(worker, **changes), replace(worker, worker="locust-2", zone="b", node="node-b"))
    return LoadSeen(seconds=requests / RATE_PER_S, workers=workers)


def whole_graph(same: int, cross: int) -> Graph:
    """The shop's, with every request of the workers."""
    shown = shop(same, cross)
    for client in ("1", "2"):
        entered = REQUESTS // 2 - 50  # the shop has the first fifty
        shown.edge((f"locust-{client}", CLIENT), f"locust-{client}", entered)
        shown.edge(f"locust-{client}", f"ui-{client}", entered)
    return shown


def traces_of(
    same: int, cross: int, *, same_s: float = 0.001, cross_s: float = 0.003, seed: int = 1
) -> tuple[dict[str, Any], ...]:
    """A trace for every call of the two ui pods."""
    rng = np.random.default_rng(seed)
    traces, number = [], 0
    for mine, other in (("1", "2"), ("2", "1")):
        for server, count, each_s in ((mine, same, same_s), (other, cross, cross_s)):
            for duration_s in each_s * rng.gamma(20.0, 0.05, count):
                number += 1
                caller, callee = call(f"ui-{mine}", f"catalog-{server}", port(number), number)
                caller["subsegments"][0]["end_time"] = 100.0 + duration_s
                traces.append(trace(caller, callee))
    return tuple(traces)


def inputs(
    same: int,
    cross: int,
    *,
    mode: str = "off",
    same_s: float = 0.001,
    cross_s: float = 0.003,
    seed: int = 1,
    graph: Graph | None = None,
    traces: tuple[dict[str, Any], ...] | None = None,
    topology: tuple[Snapshot, ...] | None = None,
    **changes: object,
) -> ArmInputs:
    """Each of two ui pods made *same* and *cross* calls, every one over a connection of its own.

    *graph* is shown instead of the graph of these calls; *traces* and *topology* instead of theirs.
    """
    if traces is None:
        traces = traces_of(same, cross, same_s=same_s, cross_s=cross_s, seed=seed)
    shown = graph or whole_graph(same, cross)
    seen = {} if topology is None else {"topology": topology}
    made = arm(shown, mode=mode, seen=load(), truth=truth(same, cross), traces=traces, **seen)
    return replace(made, **changes)


def window(same: int, cross: int, *, mode: str = "off", label: str = "", **changes: object) -> Measured:
    """The same, read."""
    made = inputs(same, cross, mode=mode, **changes)  # type: ignore[arg-type]
    return measured(made, arm_result(made, assumed=AssumedBytes()), label=label or mode)
