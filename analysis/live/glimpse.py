"""What a source showed of a few seconds: the calls of one workload to another, and where their ends were."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analysis.arm import pairs, splitting
from analysis.arm.pairs import LostCalls, Pair
from analysis.model import PairResult, Workload
from analysis.observe.apart import told_apart
from analysis.placement import Timeline, workload_of
from analysis.source import interface
from analysis.source.facts import facts_without_run
from analysis.source.interface import PODS, Basis, Call, Counts, Reader, Received
from analysis.source.needs import unplaced_names
from k8s.topology import ServiceKey, Snapshot
from loadtest.record import Window


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Whereabouts:
    """Where the pods were, and which two workloads are under study."""

    topology: tuple[Snapshot, ...]
    """Workloads of one name in several namespaces told apart."""
    timeline: Timeline
    pair: Pair
    """The client's workload and the Service's."""
    service: ServiceKey

    @classmethod
    def of(cls, snapshots: Sequence[Snapshot], *, service: ServiceKey, client: ServiceKey) -> "Whereabouts":
        """By what the cluster showed lately, oldest first."""
        topology = told_apart(snapshots)
        timeline = Timeline(topology)
        pair = (workload_of(client, topology, timeline), workload_of(service, topology, timeline))
        return cls(topology=topology, timeline=timeline, pair=pair, service=service)


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """The calls of a few seconds."""

    window: Window
    basis: Basis = PODS
    calls: tuple[Call, ...] = ()
    """Of the pair under study, by pod where that is known."""
    lost: tuple[LostCalls, ...] = ()
    """Calls of it of which one end is not known; they count as unknown."""


def needs_sample(reader: Reader, received: Received, where: Whereabouts) -> bool:
    """Whether the counts alone do not tell from which pod to which: then single calls have to.

    Reading those takes long, and on AWS costs money; so only those of the pair under study count.
    """
    counts = _read(reader, received, where)
    mine = pairs.grouped(counts.calls, where.timeline, counts.basis).get(where.pair, ())
    return counts.basis.names_pods and bool(
        unplaced_names(replace(counts, calls=tuple(mine)), where.timeline)
    )


def glimpse(reader: Reader, received: Received, where: Whereabouts, window: Window) -> Glimpse:
    """What was received, of the pair under study."""
    counts = _read(reader, received, where)
    facts = facts_without_run(where.topology, where.timeline, first=(where.service,))
    found = splitting.everything(counts, where.timeline, facts)
    unsampled = found.unsampled.get(where.pair, 0)
    mine = pairs.grouped(found.counts.calls, where.timeline, counts.basis).get(where.pair, ())
    return Glimpse(
        window=window,
        basis=counts.basis,
        # Nobody asks for times here, and adding histograms up would be most of the work.
        calls=tuple(replace(call, histogram=()) for call in mine),
        lost=(
            *_lost(found.counts, where),
            *found.unplaced.get(where.pair, ()),
            *([LostCalls(reason="no sampled trace shows from where to where", count=unsampled)] if unsampled
              else []),
        ),
    )  # fmt: skip


def _read(reader: Reader, received: Received, where: Whereabouts) -> Counts:
    return reader.read(received, facts_without_run(where.topology, where.timeline, first=(where.service,)))


def _lost(counts: Counts, where: Whereabouts) -> list[LostCalls]:
    return [
        LostCalls(reason=f"callee {call.server} (inferred): its segment never arrived", count=call.count)
        for call in counts.lost
        if (where.timeline.workload(call.client), Workload(call.server)) == where.pair
    ]


def summed(glimpses: Sequence[Glimpse], where: Whereabouts) -> PairResult:
    """All of these together, as one window."""
    calls: dict[tuple[object, ...], Call] = {}
    for one in glimpses:
        for call in one.calls:
            key = (call.client, call.server, call.client_zone, call.server_zone)
            calls[key] = interface.add(calls[key], call) if key in calls else call
    return replace(
        pairs.result(
            where.pair,
            tuple(calls.values()),
            where.timeline,
            lost=tuple(lost for one in glimpses for lost in one.lost),
            basis=glimpses[-1].basis if glimpses else PODS,
        ),
        share=None,  # each call is no random choice of its own, and nobody looked at connections
    )
