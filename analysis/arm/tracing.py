"""What was traced of a run, and what a share is worth where that is a sample."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from analysis.arm import connections
from analysis.arm.chances import chance_of
from analysis.arm.inputs import ArmInputs
from analysis.model import Loss, PairResult, TruthCheck
from analysis.placement import Timeline
from analysis.source.calls import Calls
from analysis.source.interface import CountUnit, SampledCall
from analysis.statistics import sampled_traces, stats
from analysis.statistics.chance import Chance
from analysis.statistics.interval import Interval
from analysis.statistics.sampled_traces import TracedCalls
from analysis.statistics.tracing_rate import Traced, tracing_rate

LOST_INSIDE: Final = 0.001
"""Documents missing in the traces that are there, of their calls, above which nothing is called sampling."""


def rate_of(inputs: ArmInputs, loss: Loss) -> Interval | None:
    """The share of the generator's requests that was traced; None where all were, or some were lost."""
    load = inputs.record.seen.measured
    counts = inputs.counts
    if load is None or counts.unit is not CountUnit.REQUESTS or counts.members_only or not inputs.stable:
        return None
    began_s = min((one.first_s for one in load.workers if one.first_s), default=0.0)
    length_s = max((one.last_s for one in load.workers), default=0.0) - began_s
    traced = {one.name: one.count for one in inputs.counts.entries}
    workers = [Traced(made=one.requests, traced=traced.get(one.worker, 0)) for one in load.workers]
    if sum(one.traced for one in workers) != loss.graph_requests:  # all of them under one service's name
        workers = [Traced(made=load.requests, traced=loss.graph_requests)]
    starts = [
        (root.start_s - began_s) / length_s
        for root in inputs.counts.sample.roots
        if root.start_s is not None and length_s > 0 and root.run_id == inputs.record.run_id
    ]
    calls = Calls.of(inputs.counts.calls).total
    return tracing_rate(workers, starts=starts, broken=loss.documents > LOST_INSIDE * max(calls, 1))


def chance_in(inputs: ArmInputs, pair: PairResult, rate: Interval | None) -> Chance | None:
    """The pair's calls by connection and by client pod, with the width that sampling adds.

    It is the same without sampling; and by client pod, since all calls of a trace are of the same one. None
    without a call whose zones are known.
    """
    found = chance_of(inputs, pair)
    if found is None or not (pair.unsampled or rate is not None):
        return found
    return widened(found, pair, inputs.counts.sample.calls, inputs.timeline)


def widened(found: Chance, pair: PairResult, calls: Iterable[SampledCall], timeline: Timeline) -> Chance:
    """The pair's chance with what drawing traces adds, by the sampled *calls* of the window."""
    by_connection = sampled_traces.with_sampling(found.by_connection, _by_trace(calls, timeline, pair))
    return replace(found, by_connection=by_connection)


def truth_check(inputs: ArmInputs, pair: PairResult, relays: Counter[tuple[str, str]]) -> TruthCheck:
    """A sample against the relays, pod pair by pod pair, all at once: each interval is so much wider."""
    calls: Counter[tuple[str, str]] = Counter()
    for flow in pair.flows:
        calls[flow.client, flow.server] += flow.calls
    compared = sorted({one for one in {*relays, *calls} if relays[one] or calls[one]})
    sampled, made = calls.total(), relays.total()
    level = 1 - (1 - stats.LEVEL) / max(1, len(compared))
    outside, worst = 0, 0.0
    for one in compared:
        found = sampled_traces.of_window(
            _by_trace(inputs.counts.sample.calls, inputs.timeline, pair, one), counted=made, level=level
        )
        share = relays[one] / made if made else 0.0
        outside += found is None or not found.low <= share <= found.high
        estimate = calls[one] / sampled * made if sampled else 0.0
        worst = max(worst, abs(estimate - relays[one]) / max(relays[one], 1))
    return TruthCheck(
        pairs=len(compared),
        graph_calls=pair.calls,
        relay_connections=made,
        worst_relative_error=worst,
        outside=outside,
    )


def _by_trace(
    calls: Iterable[SampledCall], timeline: Timeline, pair: PairResult, pods: tuple[str, str] | None = None
) -> list[TracedCalls]:
    """Per trace the pair's calls with known zones, and how many stay in their zone, or are between *pods*."""
    flows = {(flow.client, flow.server) for flow in pair.flows}
    found: dict[int, list[bool]] = defaultdict(list)
    for call in calls:
        if (call.client, call.server) not in flows:
            continue
        client, server = connections.zones(call, timeline)
        if client is not None and server is not None:
            hit = client == server if pods is None else (call.client, call.server) == pods
            found[call.trace].append(hit)
    return [TracedCalls(calls=len(hits), hits=sum(hits)) for hits in found.values()]
