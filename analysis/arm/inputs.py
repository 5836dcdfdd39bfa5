"""One run's artifacts, read once: who was where, who called whom, over which connections."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.arm import connections, integrity, pairs, splitting
from analysis.arm.connections import ConnectionSample
from analysis.arm.integrity import Material, Noted
from analysis.arm.pairs import Pair
from analysis.arm.splitting import Ours
from analysis.placement import Timeline, workload_of
from analysis.source.facts import facts_of
from analysis.source.interface import Call, Counts, CountUnit, Flaw, Reader, Received
from k8s.topology import Snapshot
from loadtest.record import RunRecord
from loadtest.truthfile import TruthFile


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArmInputs:
    """What an arm's numbers are made of."""

    folder: str
    record: RunRecord
    topology: tuple[Snapshot, ...]
    timeline: Timeline
    """Of *topology*."""
    focus: Pair
    """The pair the question is about."""
    counts: Counts
    """What the source counted of the run in the measured window, by pod where that is known."""
    by_pair: Mapping[Pair, Sequence[Call]]
    """Its calls by workloads."""
    sample: ConnectionSample
    """The focus pair's connections in the source's sample."""
    stable: bool
    """Two answers of the source in a row were equal."""
    truth: TruthFile | None = None
    ours: Ours
    """How *counts*, the run's own calls, came out of all that the source counted."""
    flaws: tuple[Flaw, ...] = ()
    """In what the artifacts contradict themselves or each other."""

    @property
    def connection_per_call(self) -> bool:
        """Whether each count is a connection: the relays saw one a call, or the source counts them."""
        relays = self.truth is not None and self.truth.connection_per_call
        return relays or self.counts.unit is CountUnit.CONNECTIONS

    @property
    def strays(self) -> tuple[str, ...]:
        """Pods that made or took calls and that no snapshot shows, sorted."""
        return _strays(self.counts.calls, self.timeline)


def arm_inputs(
    *,
    folder: str,
    record: RunRecord,
    topology: tuple[Snapshot, ...],
    reader: Reader,
    received: Received,
    stable: bool,
    truth: TruthFile | None = None,
    noted: Noted | None = None,
) -> ArmInputs:
    """Read what a source answered, and what was *noted* of it then; UsageError where its reader cannot."""
    timeline = Timeline(topology)
    facts = facts_of(record, topology, timeline)
    load = record.seen.measured
    answered = reader.read(received, facts)
    found = splitting.ours(
        answered,
        timeline,
        facts,
        run_id=record.run_id,
        requests=0 if load is None else load.requests,
    )
    counts = found.counts
    focus = (
        workload_of(record.asked.client, topology, timeline),
        workload_of(record.asked.service, topology, timeline),
    )
    material = Material(
        record=record,
        topology=topology,
        timeline=timeline,
        focus=focus,
        counts=answered,
        generators=facts.generators,
        strays=_strays(counts.calls, timeline),
        noted=noted,
        rows=len(received.rows),
    )
    return ArmInputs(
        folder=folder,
        record=record,
        topology=topology,
        timeline=timeline,
        focus=focus,
        counts=counts,
        by_pair=pairs.grouped(counts.calls, timeline),
        sample=connections.sample(counts.sample.calls, timeline, focus),
        stable=stable,
        truth=truth,
        ours=found,
        flaws=integrity.flaws(material),
    )


def _strays(calls: Sequence[Call], timeline: Timeline) -> tuple[str, ...]:
    names = {name for call in calls for name in (call.client, call.server)}
    return tuple(sorted(filter(timeline.is_stray, names)))
