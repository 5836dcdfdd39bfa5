"""One measured window as the statistics need it: shares with their chance, times, failures, loads."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from analysis.arm import tracing
from analysis.arm.chances import timed_calls
from analysis.arm.inputs import ArmInputs
from analysis.model import ArmResult, PairResult
from analysis.statistics.carry_over import TimedCall
from analysis.statistics.chance import Chance
from analysis.statistics.interval import Interval
from analysis.statistics.latency_ratios import Latencies, latencies
from analysis.statistics.mix import Mix
from analysis.verdict.gates import Evidence
from k8s.errors import InvalidRunError
from loadtest.record import LoadSeen

WORKERS: Final = "locust"
"""The namespace of the load generators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCalls:
    """Calls from one pod to another, and how many of them failed."""

    hop: str
    """The workloads they are of."""
    client: str
    server: str
    calls: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """What one window says of the pair under study."""

    label: str
    mode: str
    folder: str
    chance: Chance
    """The pair's calls, by connection and by client pod."""
    seconds: float
    """Of load."""
    traced: float = 1.0
    """The share of the requests that was traced."""
    latencies: Latencies
    """Of sampled calls, by connection, in seconds."""
    latencies_by_client: Latencies
    """The same by client pod."""
    mix: Mix
    """Where the calls came from."""
    timed: tuple[TimedCall, ...]
    """Of sampled calls, when they were made."""
    requests: int
    failures: int
    """Requests of the load generator, and those that failed."""
    failed_calls: tuple[FailedCalls, ...]
    """Where failures were seen."""
    endpoint_calls: Mapping[str, float]
    """Calls that each server pod received, idle ones included."""
    evidence: Evidence
    result: ArmResult

    @property
    def calls_per_s(self) -> float:
        """Calls of the pair."""
        return self.pair.calls / (self.seconds * self.traced) if self.seconds > 0 else 0.0

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
    by_connection = [one for pods in sample.pairs for one in pods.durations_s]
    by_client: dict[str, list[float]] = {}
    for pods in sample.pairs:
        by_client.setdefault(pods.client, []).extend(one for times in pods.durations_s for one in times)
    found = tracing.chance_in(inputs, pair, result.tracing_rate)
    if found is None:
        raise InvalidRunError(
            f"run {inputs.folder}: the graph shows no call of {focus[0]} to {focus[1]} with known zones, so "
            "there is nothing to judge"
        )
    record, load = inputs.record, inputs.record.seen.measured
    if load is None or record.measured is None:
        raise InvalidRunError(f"run {inputs.folder}: it ended before it measured anything")
    traced = 1.0 if result.tracing_rate is None else result.tracing_rate.estimate
    return Measured(
        label=label,
        mode=record.asked.mode,
        folder=inputs.folder,
        chance=found,
        seconds=load.seconds,
        traced=traced,
        latencies=_latencies(by_connection),
        latencies_by_client=_latencies(by_client.values()),
        mix=_mix(result, load, traced),
        timed=timed_calls(inputs, pair),
        requests=load.requests,
        failures=load.failures,
        failed_calls=_failed_calls(result),
        endpoint_calls={one.pod: float(one.calls) for one in pair.loads},
        evidence=Evidence(
            where=label,
            status=record.status,
            window=record.measured,
            load=load,
            rate_asked_per_s=record.asked.plan.rate_per_s,
            source=result.source,
            graph_requests=result.loss.graph_requests,
            tracing_rate=result.tracing_rate,
            calls=pair.calls,
            lost_documents=result.loss.documents,
            loss_share=result.loss.share,
            stable=inputs.stable,
            coverage=pair.coverage,
            flaws=inputs.flaws,
            topology=inputs.topology,
            service=record.asked.service,
            namespaces=frozenset({record.asked.service.namespace, record.asked.client.namespace, WORKERS}),
        ),
        result=result,
    )


def _failed_calls(result: ArmResult) -> tuple[FailedCalls, ...]:
    return tuple(
        FailedCalls(
            hop=f"{one.client} to {one.server}",
            client=flow.client,
            server=flow.server,
            calls=flow.calls,
            failed=flow.faults,
        )
        for one in result.pairs
        if result.pairs[0].client in {one.client, one.server}
        for flow in one.flows
    )


def _latencies(clusters: Iterable[Sequence[float]]) -> Latencies:
    return latencies([[(duration_s, 1) for duration_s in one] for one in clusters])


def _mix(result: ArmResult, load: LoadSeen, traced: float) -> Mix:
    """The pair's calls by client pod, and the generator's requests by page.

    Who gets a request is chosen with the connection that brings it, and a request makes several calls.
    """
    pair = result.pairs[0]
    pods: Counter[tuple[str, str]] = Counter()
    for flow in pair.flows:
        if flow.client_zone is not None:
            pods[flow.client_zone, flow.client] += flow.calls
    pages: Counter[str] = Counter()
    for worker in load.workers:
        pages.update({one.page: one.requests for one in worker.pages})
    opened = sum(worker.connections for worker in load.workers)
    calls = pair.calls / traced
    return Mix(pods=pods, pages=pages, together=max(1.0, calls / opened) if opened else 1.0)
