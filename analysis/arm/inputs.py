"""One run's artifacts, read once: who was where, who called whom, over which connections."""

from collections.abc import Mapping
from dataclasses import dataclass

from analysis.arm import connections, integrity, pairs, splitting
from analysis.arm.connections import ConnectionSample
from analysis.arm.integrity import Material, Noted
from analysis.arm.pairs import Pair
from analysis.arm.splitting import Ours
from analysis.placement import Timeline, workload_of
from analysis.source import reckoning
from analysis.source.calls import Calls
from analysis.source.facts import Facts, facts_of
from analysis.source.interface import Counts, CountUnit, Flaw, Reader, Received
from analysis.source.reckoning import Reckoned
from k8s.topology import Snapshot
from loadtest.record import RunRecord
from loadtest.truthfile import TruthFile


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArmInputs:
    """What an arm's numbers are made of."""

    folder: str
    path: str = ""
    """Where the folder is, for a command that is about it; empty where none was read."""
    record: RunRecord
    topology: tuple[Snapshot, ...]
    timeline: Timeline
    """Of *topology*."""
    focus: Pair
    """The pair the question is about."""
    counts: Counts
    """What the source counted of the run in the measured window, by pod where that is known."""
    by_pair: Mapping[Pair, Calls]
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
    reckoned: Reckoned
    """What the source has of the load generator's own, and what that says itself."""

    @property
    def connection_per_call(self) -> bool:
        """Whether each count is a connection: the relays saw one a call, or the source counts them."""
        relays = self.truth is not None and self.truth.connection_per_call
        return relays or self.counts.unit is CountUnit.CONNECTIONS

    @property
    def strays(self) -> tuple[str, ...]:
        """Pods that made or took calls and that no snapshot shows, sorted."""
        return _strays(self.counts, self.timeline)


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
    found = (
        splitting.live(answered, timeline, facts)
        if record.asked.is_live
        else splitting.ours(
            answered,
            timeline,
            facts,
            run_id=record.run_id,
            requests=0 if load is None else load.requests,
        )
    )
    counts = found.counts
    focus = (
        workload_of(record.asked.client, topology, timeline),
        workload_of(record.asked.service, topology, timeline),
    )
    own = _reckoned(answered, record, facts, timeline)
    material = Material(
        record=record,
        topology=topology,
        timeline=timeline,
        focus=focus,
        counts=answered,
        reckoned=own,
        strays=_strays(counts, timeline),
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
        by_pair=pairs.grouped(counts.calls, timeline, counts.basis),
        sample=connections.sample(counts.sample.calls, timeline, focus),
        stable=stable,
        truth=truth,
        ours=found,
        reckoned=own,
        flaws=integrity.flaws(material),
    )


def _reckoned(counts: Counts, record: RunRecord, facts: Facts, timeline: Timeline) -> Reckoned:
    load = record.seen.measured
    return Reckoned(seen=0, made=None) if load is None else reckoning.reckoned(counts, load, facts, timeline)


def _strays(counts: Counts, timeline: Timeline) -> tuple[str, ...]:
    if not counts.basis.names_pods:
        return ()
    return tuple(filter(timeline.is_stray, Calls.of(counts.calls).used()))
