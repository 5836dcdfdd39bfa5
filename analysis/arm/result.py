"""One run's artifacts -> everything measured in that arm."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from analysis.arm import (
    caveats,
    cost,
    course,
    expectation,
    integrity,
    losses,
    pairs,
    provenance,
    relay_check,
    surroundings,
    tariffs,
    tracing,
)
from analysis.arm.inputs import ArmInputs
from analysis.arm.losses import Marks
from analysis.arm.pairs import LostCalls, Pair
from analysis.model import (
    ArmResult,
    Cost,
    Loss,
    PairResult,
    TruthCheck,
    Workload,
    ZoneClients,
)
from analysis.placement import Timeline
from analysis.source.calls import Calls
from analysis.source.interface import Call, Counts, CountUnit
from analysis.statistics import shares
from analysis.statistics.chance import Chance, Chosen, chosen
from analysis.statistics.clusters import Unit
from analysis.statistics.interval import Interval
from k8s.errors import UsageError
from k8s.topology import Service
from loadtest.record import Caveat, LoadSeen
from loadtest.worker import latency
from loadtest.worker.tally import WorkerTally

REQUEST_BYTES: Final = "samezone.dev/request-bytes"
RESPONSE_BYTES: Final = "samezone.dev/response-bytes"
"""Annotations of the Service that tell the bytes of an average call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumedBytes:
    """TCP payload of an average call where nothing measured it, and what a GB costs."""

    request: float = 1_000.0
    response: float = 10_000.0
    source: str = "assumed"
    usd_per_gb: float | None = None
    """In each direction; None: the region's price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFigures:
    """An arm's numbers, and what was made of its calls on the way."""

    result: ArmResult
    chances: Mapping[Pair, Chance]
    """Of each pair with a call whose zones are known."""


def arm_result(inputs: ArmInputs, *, assumed: AssumedBytes) -> ArmResult:
    """Every number of one arm; UsageError for a run without a measured window."""
    return arm_figures(inputs, assumed=assumed).result


def arm_figures(inputs: ArmInputs, *, assumed: AssumedBytes) -> ArmFigures:
    """The same, with every pair's calls by connection and by client pod."""
    record = inputs.record
    load = record.seen.measured
    if record.measured is None or load is None:
        raise UsageError(
            f"reading run {inputs.folder}: it was {record.status.value} before it measured anything"
        )
    counts, timeline, focus = inputs.counts, inputs.timeline, inputs.focus
    provenance.refuse(inputs)
    workers = set(inputs.ours.generators)
    lost = _lost(inputs, workers)
    results = _pairs(inputs, lost)
    loss, rate = _loss_and_rate(inputs, load, workers, lost=sum(one.count for one in lost.get(focus, ())))
    chances = [tracing.chance_in(inputs, pair, rate) for pair in results]
    results = tuple(by_chance(pair, one) for pair, one in zip(results, chances, strict=True))
    truth_check = relay_check.truth_check(inputs, results[0], rate)
    result = ArmResult(
        run_id=record.run_id,
        arm=record.arm,
        mode=record.asked.mode,
        folder=inputs.folder,
        window=record.measured,
        load_s=load.seconds,
        requests=load.requests,
        failures=load.failures,
        rate_per_s=load.rate_per_s,
        rate_asked_per_s=record.asked.due_per_s(load),
        hints_start=record.seen.hints_start,
        hints_end=record.seen.hints_end,
        events=record.seen.events,
        pairs=results,
        clients=_clients(load),
        costs=_costs(
            inputs, results[0], load, traced=1.0 if rate is None else rate.estimate, assumed=assumed
        ),
        loss=loss,
        zone_check=surroundings.zone_check(counts.sample, timeline),
        truth_check=truth_check,
        expectation=expectation.of_arm(
            record, inputs.topology, Calls.of(inputs.by_pair.get(focus, ())), timeline, results[0]
        ),
        recycled=record.seen.recycled,
        data_plane=record.place.data_plane,
        caveats=_caveats(inputs, load, loss, rate, results[0], truth_check, chances[0]),
        dependencies=surroundings.dependencies(counts.leaves, timeline),
        source=counts.title,
        unit=counts.unit.value,
        grain=counts.grain.value,
        loss_meter=counts.loss_meter,
        queries=counts.queries,
        tracing_rate=rate,
        other=inputs.ours.other,
        course=course.course(inputs, chosen([chances[0]]).unit if chances[0] else Unit.PAIR),
    )
    known = zip(results, chances, strict=True)
    return ArmFigures(
        result=result, chances={(pair.client, pair.server): one for pair, one in known if one is not None}
    )


def _caveats(
    inputs: ArmInputs,
    load: LoadSeen,
    loss: Loss,
    rate: Interval | None,
    pair: PairResult,
    truth_check: TruthCheck | None,
    chance: Chance | None,
) -> tuple[Caveat, ...]:
    record, counts = inputs.record, inputs.counts
    return (
        *record.caveats,
        *integrity.caveats(inputs.flaws),
        *caveats.of_run(record, load),
        *caveats.of_counts(counts, loss, stable=inputs.stable, is_sampled=rate is not None),
        *caveats.of_basis(counts),
        *provenance.of_rate(rate, loss, title=counts.title),
        *provenance.of_names(inputs, pair),
        *caveats.of_truth(
            inputs.truth,
            truth_check,
            record.asked.service,
            title=counts.title,
            pair="pod pair" if counts.basis.names_pods else "pair of workloads and zones",
        ),
        *(() if chance is None else chance.by_connection.caveats),
    )


def _lost(inputs: ArmInputs, workers: set[str]) -> dict[Pair, list[LostCalls]]:
    """Calls of each pair of which one side's document is missing."""
    by_pair, timeline, focus = inputs.by_pair, inputs.timeline, inputs.focus
    lost: dict[Pair, list[LostCalls]] = {}
    known = {workload for pair in by_pair for workload in pair} | set(focus)
    for call in inputs.counts.lost:
        pair = _pair_of_lost(call, timeline, focus, known)
        reason = f"callee {call.server} (inferred): its segment never arrived"
        lost.setdefault(pair, []).append(LostCalls(reason=reason, count=call.count))
    for entry in inputs.counts.entries:
        if entry.name not in workers and timeline.workload(entry.name) == focus[1]:
            reason = f"caller of {entry.name}: its document never arrived"
            lost.setdefault(focus, []).append(LostCalls(reason=reason, count=entry.count))
    return lost


def _pairs(inputs: ArmInputs, lost: Mapping[Pair, Sequence[LostCalls]]) -> tuple[PairResult, ...]:
    """The focus pair first, the others by name."""
    by_pair, timeline, focus, found = inputs.by_pair, inputs.timeline, inputs.focus, inputs.ours
    order = sorted(
        {*by_pair, *lost, *found.unplaced, *found.unsampled, focus}, key=lambda one: (one != focus, one)
    )
    return tuple(
        replace(
            pairs.result(
                pair,
                by_pair.get(pair, []),
                timeline,
                lost=(*lost.get(pair, ()), *found.unplaced.get(pair, ())),
                basis=inputs.counts.basis,
            ),
            unsampled=found.unsampled.get(pair, 0),
        )
        for pair in order
    )


def by_chance(pair: PairResult, one: Chance | None, unit: Chosen | None = None) -> PairResult:
    """The pair with the interval that its connections, or its client pods, allow: *unit* if it is given."""
    if one is None:
        return pair
    found = unit or chosen([one])
    return replace(pair, share=shares.share_interval(one.share(found.unit)), why_unit=found.why)


def _pair_of_lost(call: Call, timeline: Timeline, focus: Pair, known: set[Workload]) -> Pair:
    """Which pair a call to a lost callee belongs to.

    All that is known of the callee is its workload at best, else ``GET`` or a host; then a call of the focus
    client is taken for a call of the focus pair, where it counts as unknown.
    """
    client = timeline.workload(call.client)
    if Workload(call.server) in known:
        return (client, Workload(call.server))
    return focus if client == focus[0] else (client, Workload(call.server))


def _loss_and_rate(
    inputs: ArmInputs, load: LoadSeen, workers: set[str], *, lost: int
) -> tuple[Loss, Interval | None]:
    """What was lost; and the rate at which requests were traced, where those missing are so on purpose."""
    loss = _loss(inputs, load, workers, lost=lost)
    rate = tracing.rate_of(inputs, loss)
    return (loss if rate is None else _loss(inputs, load, workers, lost=lost, is_sampled=True)), rate


def _loss(
    inputs: ArmInputs, load: LoadSeen, workers: set[str], *, lost: int, is_sampled: bool = False
) -> Loss:
    """*lost*: calls of the pair under study of which one side's document is missing.

    Where tracing *is_sampled*, the generator's own count says nothing of losses.
    """
    counts, own = inputs.counts, inputs.reckoned
    return Loss(
        lost_callees=sum(call.count for call in counts.lost),
        orphans=sum(one.count for one in counts.entries if one.name not in workers),
        generator_requests=own.made or 0,
        graph_requests=own.seen,
        spans_dropped=sum(worker.spans_dropped for worker in load.workers),
        unattributed=counts.unattributed,
        repeated=counts.repeated,
        calls_share=losses.lost_share(_marks(inputs, load, workers, lost, is_sampled=is_sampled)),
        is_sampled=is_sampled,
        unit=counts.unit.value,
        is_reconcilable=own.made is not None,
    )


def _marks(inputs: ArmInputs, load: LoadSeen, workers: set[str], lost: int, *, is_sampled: bool) -> Marks:
    counts, ours, (client, server) = inputs.counts, inputs.ours, inputs.focus
    entered: Counter[Workload] = Counter()
    for one in counts.entries:
        if one.name not in workers:
            entered[inputs.timeline.workload(one.name)] += one.count
    reached: Counter[Workload] = Counter()
    for name, made in Calls.of(counts.calls).called_by(workers).items():
        reached[inputs.timeline.workload(name)] += made
    for (caller, callee), calls in ours.unsampled.items():
        if caller in workers:
            reached[callee] += calls
    for (caller, callee), unplaced in ours.unplaced.items():
        if caller in workers:
            reached[callee] += sum(one.count for one in unplaced)
    return Marks(
        requests=load.requests if _by_request(counts) and not is_sampled else 0,
        whole=counts.entered(workers),
        headless=entered[client],
        served=reached[client] + entered[client] if set(reached) == {client} else None,
        known=Calls.of(inputs.by_pair.get(inputs.focus, ())).total
        + sum(one.count for one in ours.unplaced.get(inputs.focus, ()))
        + ours.unsampled.get(inputs.focus, 0),
        callees=lost - entered[server],
        callers=entered[server],
    )


def _by_request(counts: Counts) -> bool:
    """Whether every request of the generator is to be found where it enters."""
    return counts.unit is CountUnit.REQUESTS and not counts.members_only


def _costs(
    inputs: ArmInputs, pair: PairResult, load: LoadSeen, *, traced: float, assumed: AssumedBytes
) -> tuple[Cost, ...]:
    """The focus pair's cost: the generator's own calls are no traffic of the user's.

    *traced*: the share of the calls that was traced.
    """
    region = inputs.record.place.region
    price = tariffs.tariff(region) if assumed.usd_per_gb is None else tariffs.own(assumed.usd_per_gb)
    if inputs.counts.unit is CountUnit.BYTES:
        return (cost.of_bytes(pair, load_s=load.seconds, tariff=price),)
    call_bytes = _relayed_bytes(inputs, pair, traced) or told_bytes(
        inputs.record.seen.service_before, assumed
    )
    return (cost.of_pair(pair, call_bytes, load_s=load.seconds * traced, tariff=price),)


def _relayed_bytes(inputs: ArmInputs, pair: PairResult, traced: float) -> cost.CallBytes | None:
    """Bytes of a call by the relays, which saw all traffic; None where they cannot say."""
    rows = relay_check.rows(inputs.truth, inputs.record.seen.service_before.key)
    if inputs.truth is not None and inputs.truth.connection_per_call:
        calls = float(sum(row.connections for row in rows))
    elif inputs.ours.other is not None:
        return None  # the bytes hold others' calls, and nobody counted those
    else:
        calls = pair.calls / traced if traced else 0.0
    if not rows or not calls:
        return None
    return cost.CallBytes(
        request=sum(row.request_bytes for row in rows) / calls,
        response=sum(row.response_bytes for row in rows) / calls,
        source="measured by the relays (TCP payload)",
    )


def told_bytes(service: Service, assumed: AssumedBytes) -> cost.CallBytes:
    """Bytes of a call as the user, or the Service's annotations, tell them; else an assumption."""
    told = dict(service.annotations)
    if assumed.source != "assumed" or not {REQUEST_BYTES, RESPONSE_BYTES} & told.keys():
        return cost.CallBytes(request=assumed.request, response=assumed.response, source=assumed.source)
    try:
        request = float(told.get(REQUEST_BYTES, assumed.request))
        response = float(told.get(RESPONSE_BYTES, assumed.response))
    except ValueError:
        return cost.CallBytes(
            request=assumed.request,
            response=assumed.response,
            source=f"assumed: the Service's {REQUEST_BYTES} or {RESPONSE_BYTES} is no number",
        )
    return cost.CallBytes(request=request, response=response, source="told by the Service's annotations")


def _clients(load: LoadSeen) -> tuple[ZoneClients, ...]:
    by_zone: dict[str, list[WorkerTally]] = {}
    for worker in load.workers:
        by_zone.setdefault(worker.zone, []).append(worker)
    rows = []
    for zone, workers in sorted(by_zone.items()):
        actual = latency.merge(worker.latency for worker in workers)
        requests = sum(worker.requests for worker in workers)
        rows.append(
            ZoneClients(
                zone=zone,
                workers=sum(not worker.turn for worker in workers),
                requests=requests,
                failures=sum(worker.failures for worker in workers),
                rate_per_s=requests / load.seconds if load.seconds else 0.0,
                p50_ms=actual.quantile_ms(0.5),
                p99_ms=actual.quantile_ms(0.99),
                p99_intended_ms=latency.merge(worker.latency_intended for worker in workers).quantile_ms(
                    0.99
                ),
                lag_p99_ms=latency.merge(worker.lateness for worker in workers).quantile_ms(0.99),
            )
        )
    return tuple(rows)
