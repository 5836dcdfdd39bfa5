"""One measured window as the statistics need it: shares with their chance, times, failures, loads."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from analysis.arm import tracing
from analysis.arm.chances import timed_calls
from analysis.arm.inputs import ArmInputs
from analysis.model import ArmResult, PairResult
from analysis.source.interface import Counts, CountUnit
from analysis.statistics.carry_over import TimedCall
from analysis.statistics.chance import Chance
from analysis.statistics.interval import Interval
from analysis.statistics.latency_ratios import Latencies, latencies
from analysis.statistics.mix import Mix
from analysis.verdict.gates import Evidence
from analysis.verdict.guards import GuardName
from k8s.errors import InvalidRunError
from loadtest.record import LoadSeen, Window
from loadtest.worker.placement import NAMESPACE


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
    """Requests of the load generator, and those that failed; under live traffic the pair's calls."""
    failed_calls: tuple[FailedCalls, ...]
    """Where failures were seen."""
    endpoint_calls: Mapping[str, float]
    """Calls that each server pod received, idle ones included."""
    evidence: Evidence
    result: ArmResult
    unseen: Mapping[GuardName, str] = field(default_factory=dict)
    """What the source cannot tell, and why: of this there is no figure however long is measured."""

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
    if inputs.counts.unit is CountUnit.BYTES:
        raise InvalidRunError(
            f"run {inputs.folder}: {result.source} counted bytes, whose share has no interval, so nothing "
            "can be judged by it; count connections or requests, or look only: samezone observe"
        )
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
    requests, failures = load.requests, load.failures
    if record.asked.is_live:
        requests, failures = pair.calls, sum(flow.faults for flow in pair.flows)
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
        requests=requests,
        failures=failures,
        failed_calls=_failed_calls(result),
        endpoint_calls={one.pod: float(one.calls) for one in pair.loads},
        evidence=_evidence(inputs, result, load, record.measured, label),
        result=result,
        unseen=dict(_unseen(inputs.counts, load)),
    )


def _evidence(inputs: ArmInputs, result: ArmResult, load: LoadSeen, window: Window, label: str) -> Evidence:
    """What the gates look at."""
    record, pair, unit = inputs.record, result.pairs[0], inputs.counts.unit
    return Evidence(
        where=label,
        run=inputs.path or inputs.folder,
        status=record.status,
        window=window,
        load=load,
        rate_asked_per_s=record.asked.due_per_s(load),
        is_live=record.asked.is_live,
        source=result.source,
        graph_requests=result.loss.graph_requests,
        unit=unit,
        own_count=None if unit is CountUnit.REQUESTS else result.loss.generator_requests,
        is_reconcilable=result.loss.is_reconcilable,
        tracing_rate=result.tracing_rate,
        calls=pair.calls,
        lost_documents=result.loss.documents,
        loss_share=result.loss.share,
        stable=inputs.stable,
        coverage=pair.coverage,
        flaws=inputs.flaws,
        topology=inputs.topology,
        service=record.asked.service,
        namespaces=frozenset({record.asked.service.namespace, record.asked.client.namespace, NAMESPACE}),
    )


def _unseen(counts: Counts, load: LoadSeen) -> Iterator[tuple[GuardName, str]]:
    """Guards that a source which counts its members' traffic has no figures for.

    Failed requests are the load generator's own count; but how they clump is seen in calls alone.
    """
    if not counts.members_only:
        return
    unit = counts.unit.value
    yield GuardName.P99, f"unknown, {counts.title} counts {unit} and times no single call"
    if not counts.basis.names_pods:
        yield GuardName.SKEW, f"unknown, {counts.title} names {counts.grain.value}s and no pods"
    if load.failures and counts.unit is not CountUnit.REQUESTS:
        yield GuardName.ERRORS, f"unknown, {counts.title} counts {unit}, so nothing says how failures clump"


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
