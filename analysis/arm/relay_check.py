"""A source against the lab's relays, which counted every connection themselves."""

from collections import Counter

from analysis.arm import tracing
from analysis.arm.inputs import ArmInputs
from analysis.arm.placing import ends
from analysis.model import OtherCalls, PairResult, Placed, Placement, TruthCheck
from analysis.source.interface import CountUnit
from analysis.statistics.interval import Interval
from k8s.lab.truth import TruthRow
from k8s.topology import ServiceKey
from loadtest.truthfile import TruthFile

_Ends = tuple[str, str]


def rows(truth: TruthFile | None, service: ServiceKey) -> tuple[TruthRow, ...]:
    """What the relays counted of a Service; nothing without relays."""
    return () if truth is None else tuple(row for row in truth.rows if row.service == service)


def truth_check(inputs: ArmInputs, pair: PairResult, rate: Interval | None) -> TruthCheck | None:
    """The counts of the callee against the relays': pod by pod, or workload and zone by workload and zone.

    None where calls share connections and calls were counted, where bytes were, where the relays counted
    others' calls of the pair, too, and under live traffic, which does not stop at the window's ends. Where
    others called the same pods, the client's calls alone are compared.
    """
    truth, counts = inputs.truth, inputs.counts
    if truth is None or inputs.record.asked.is_live or counts.unit is CountUnit.BYTES:
        return None
    other = inputs.ours.other
    if other is not None and any(_of_pair(one, inputs) for one in other.calls):
        return None
    if not truth.connection_per_call and counts.unit is not CountUnit.CONNECTIONS:
        return None
    relays = relayed(inputs, truth)
    if pair.unsampled or rate is not None:
        return tracing.truth_check(inputs, pair, relays)
    calls: Counter[_Ends] = Counter()
    for call in counts.calls:
        caller, called = (counts.basis.workload(name, inputs.timeline) for name in (call.client, call.server))
        if called == inputs.focus[1] and _is_compared(caller, inputs):
            client, server = ends(call, inputs.timeline, counts.basis)
            named = (
                (call.client, call.server)
                if counts.basis.names_pods
                else (
                    _in_zone(caller, client),
                    _in_zone(inputs.focus[1], server),
                )
            )
            calls[named] += call.count
    compared = {one for one in {*relays, *calls} if relays[one] or calls[one]}
    worst = max((abs(calls[one] - relays[one]) / max(relays[one], 1) for one in compared), default=0.0)
    return TruthCheck(
        pairs=len(compared),
        graph_calls=calls.total(),
        relay_connections=relays.total(),
        worst_relative_error=worst,
    )


def relayed(inputs: ArmInputs, truth: TruthFile) -> Counter[_Ends]:
    """The relays' connections to the callee's Service, under the names that the source's counts have."""
    timeline, names_pods = inputs.timeline, inputs.counts.basis.names_pods
    found: Counter[_Ends] = Counter()
    for row in rows(truth, inputs.record.asked.service):
        if not _is_compared(timeline.workload(timeline.pod_at(row.client_ip) or row.client_ip), inputs):
            continue
        named = []
        for address in (row.client_ip, row.server_ip):
            pod = timeline.pod_at(address)
            if pod is None or names_pods:
                named.append(pod or address)
            else:
                named.append(_in_zone(timeline.workload(pod), timeline.place(pod)))
        found[named[0], named[1]] += row.connections
    return found


def _of_pair(one: OtherCalls, inputs: ArmInputs) -> bool:
    """Whether somebody else's calls are of the pair under study."""
    return (inputs.timeline.workload(one.client), inputs.timeline.workload(one.server)) == inputs.focus


def _is_compared(caller: str, inputs: ArmInputs) -> bool:
    """Whether that workload's calls are: all, but where others called, too."""
    return inputs.ours.other is None or caller == inputs.focus[0]


def _in_zone(workload: str, place: Placement) -> str:
    return f"{workload} in {place.zone if isinstance(place, Placed) else 'no zone'}"
