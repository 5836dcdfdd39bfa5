"""One measured window as the statistics need it: shares by connection, response times, failures, loads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from analysis.arm import connections
from analysis.arm.inputs import ArmInputs
from analysis.model import ArmResult, PairResult
from analysis.statistics.clusters import ArmShare
from analysis.statistics.interval import Interval
from analysis.statistics.latency_ratios import Latencies, latencies
from analysis.statistics.sampled_connections import sampled_arm
from analysis.verdict.gates import Evidence
from k8s.errors import InvalidRunError
from loadtest.record import Caveat

WORKERS: Final = "locust"
"""The namespace of the load generators."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """What one window says of the pair under study."""

    label: str
    mode: str
    folder: str
    share: ArmShare
    design_effect: float
    """Estimated calls of a connection, weighted by calls; what intervals use is never smaller."""
    calls_per_s: float
    latencies: Latencies
    """Of sampled calls, by connection, in seconds."""
    requests: int
    failures: int
    """Requests of the load generator, and those that failed."""
    endpoint_calls: Mapping[str, float]
    """Calls that each server pod received, idle ones included."""
    evidence: Evidence
    result: ArmResult
    caveats: tuple[Caveat, ...]

    @property
    def pair(self) -> PairResult:
        """The pair under study."""
        return self.result.pairs[0]

    @property
    def usd_per_month(self) -> Interval | None:
        """Cost of its cross-zone bytes."""
        return self.result.costs[0].usd_per_month if self.result.costs else None


def measured(inputs: ArmInputs, result: ArmResult, *, label: str) -> Measured:
    """Everything of one run; InvalidRunError when the graph shows no call of the pair."""
    focus, sample, pair = inputs.focus, inputs.sample, result.pairs[0]
    found = sampled_arm(
        connections.sampled_pairs(pair, sample, connection_per_call=inputs.connection_per_call)
    )
    if found is None:
        raise InvalidRunError(
            f"run {inputs.folder}: the graph shows no call of {focus[0]} to {focus[1]} with known zones, so "
            "there is nothing to judge"
        )
    record, load = inputs.record, inputs.record.seen.measured
    if load is None or record.measured is None:
        raise InvalidRunError(f"run {inputs.folder}: it ended before it measured anything")
    return Measured(
        label=label,
        mode=record.asked.mode,
        folder=inputs.folder,
        share=found.arm,
        design_effect=found.design_effect,
        calls_per_s=pair.calls / load.seconds if load.seconds > 0 else 0.0,
        latencies=latencies(
            [[(duration_s, 1) for duration_s in one] for pods in sample.pairs for one in pods.durations_s]
        ),
        requests=load.requests,
        failures=load.failures,
        endpoint_calls={one.pod: float(one.calls) for one in pair.loads},
        evidence=Evidence(
            where=label,
            status=record.status,
            window=record.measured,
            load=load,
            rate_asked_per_s=record.asked.plan.rate_per_s,
            graph_requests=result.loss.graph_requests,
            calls=pair.calls,
            lost_documents=result.loss.documents,
            stable=inputs.stable,
            coverage=pair.coverage,
            topology=inputs.topology,
            service=record.asked.service,
            namespaces=frozenset({record.asked.service.namespace, record.asked.client.namespace, WORKERS}),
        ),
        result=result,
        caveats=found.arm.caveats,
    )
