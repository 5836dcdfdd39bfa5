"""What is one random choice behind a pair's calls: connections and clients as the artifacts show them."""

from collections.abc import Iterable, Sequence
from typing import Final

from analysis.arm import connections
from analysis.arm.inputs import ArmInputs
from analysis.model import PairResult, Workload
from analysis.placement import Timeline, workload_of
from analysis.source.interface import PODS, Basis, CountUnit, SampledCall
from analysis.statistics.carry_over import TimedCall
from analysis.statistics.chance import Chance, chance
from k8s.topology import Snapshot

CLIENT_IP: Final = "ClientIP"
"""The ``sessionAffinity`` that ties a client to an endpoint."""


def chance_of(inputs: ArmInputs, pair: PairResult) -> Chance | None:
    """The pair's calls by connection and by client pod; None without a call whose zones are known.

    None of bytes, too: one choice brings any number of them, and nothing says how many.
    """
    if inputs.counts.unit is CountUnit.BYTES:
        return None
    key = (pair.client, pair.server)
    sample = inputs.sample
    if key != inputs.focus:
        sample = connections.sample(inputs.counts.sample.calls, inputs.timeline, key)
    seen = connections.sampled_pairs(
        pair, sample, connection_per_call=_fresh(inputs, pair), unit=inputs.counts.unit
    )
    return chance(seen, affinity=_affinity(inputs, pair.server), names_pods=inputs.counts.basis.names_pods)


def chance_of_calls(
    pair: PairResult,
    calls: Iterable[SampledCall],
    timeline: Timeline,
    *,
    affinity: bool,
    basis: Basis = PODS,
) -> Chance | None:
    """The same of a pair that was only looked at: by the connections that *calls*, a sample, name."""
    if basis.unit is CountUnit.BYTES:
        return None
    sample = connections.sample(calls, timeline, (pair.client, pair.server))
    seen = connections.sampled_pairs(pair, sample, unit=basis.unit)
    return chance(seen, affinity=affinity, names_pods=basis.names_pods)


def _fresh(inputs: ArmInputs, pair: PairResult) -> bool:
    """Whether each count is a connection of its own."""
    if (pair.client, pair.server) == inputs.focus or inputs.counts.unit is CountUnit.CONNECTIONS:
        return inputs.connection_per_call
    load = inputs.record.seen.measured
    if load is None or pair.server != inputs.focus[0]:
        return False
    workers = {worker.worker for worker in load.workers}
    opened = sum(worker.connections for worker in load.workers)
    return opened >= load.requests > 0 and all(flow.client in workers for flow in pair.flows)


def _affinity(inputs: ArmInputs, server: Workload) -> bool:
    """Whether a Service before these pods ties clients to endpoints, before the run or during it."""
    seen = inputs.record.seen
    if server == inputs.focus[1]:
        return CLIENT_IP in {seen.service_before.session_affinity, seen.service_during.session_affinity}
    return ties(server, inputs.topology, inputs.timeline)


def ties(server: Workload, topology: Sequence[Snapshot], timeline: Timeline) -> bool:
    """Whether a Service before the pods of *server* ties clients to endpoints in any snapshot."""
    tied = {
        service.key
        for snapshot in topology
        for service in snapshot.services
        if service.session_affinity == CLIENT_IP
    }
    return any(workload_of(key, topology, timeline) == server for key in tied)


def timed_calls(inputs: ArmInputs, pair: PairResult) -> tuple[TimedCall, ...]:
    """The sampled calls of the pair under study with their place in the window; empty where it is unknown."""
    window = inputs.record.measured
    if window is None or window.length_s <= 0 or not inputs.counts.sample.calls:
        return ()
    flows = {(flow.client, flow.server) for flow in pair.flows}
    found = []
    for call in inputs.counts.sample.calls:
        if call.start_s is None or (call.client, call.server) not in flows:
            continue
        client_zone, server_zone = connections.zones(call, inputs.timeline)
        if client_zone is None or server_zone is None:
            continue
        found.append(
            TimedCall(
                client=call.client,
                server=call.server,
                zone=client_zone,
                same_zone=client_zone == server_zone,
                connection=call.connection,
                at=(call.start_s - window.start_s) / window.length_s,
            )
        )
    return tuple(found)
