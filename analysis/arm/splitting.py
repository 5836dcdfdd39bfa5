"""What a source counted, told apart and placed: our own calls, by pod; other people's traffic beside them.

Totals come from the counts (in X-Ray, the graph). Where their names are no pods'
(``OTEL_SERVICE_NAME=orders``) single calls of a sample say from which pod to which; where other traffic ran
in the window, they say which calls are the run's: those of traces that begin at its load generator. A sample
that holds every trace of the run splits the counts exactly. Otherwise calls that are not in it are
*unsampled*: counted, and in no zone; nothing is extrapolated.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from analysis.arm import hops, own_calls
from analysis.arm.hops import Edge
from analysis.arm.own_calls import OwnCalls
from analysis.arm.pairs import LostCalls, Pair
from analysis.model import OtherCalls, OtherTraffic, Placed, Workload
from analysis.placement import Timeline
from analysis.source import interface
from analysis.source.calls import NONE, Calls
from analysis.source.facts import Facts
from analysis.source.interface import Call, Counts, End, Entry, Grain, SampledCall
from analysis.statistics.arrays import Flags
from k8s.topology import Zone

_End = tuple[str, Zone | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A hop on which the sample holds more calls than were counted."""

    client: str
    server: str
    sampled: int
    counted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """The run's own calls."""

    counts: Counts
    """By pod where that is known; its sample holds the run's calls alone."""
    unplaced: Mapping[Pair, tuple[LostCalls, ...]] = field(default_factory=dict)
    """Calls of the sample that name no pod, and why."""
    unsampled: Mapping[Pair, int] = field(default_factory=dict)
    """Counted calls that are not in the sample."""
    other: OtherTraffic | None = None
    """None where there was none."""
    disagreements: tuple[Disagreement, ...] = ()
    traces: int = 0
    """Of the run, in the sample."""
    is_whole: bool = False
    """The sample holds every request of the run that was counted."""
    is_split: bool = False
    """Pods are known from the sample alone, at least for a hop."""
    generators: frozenset[str] = frozenset()
    """Names under which the load generator's requests were counted."""


def ours(counts: Counts, timeline: Timeline, facts: Facts, *, run_id: str, requests: int) -> Ours:
    """Tell the run's calls from others and split them by pod; *requests* by the generator's own count."""
    if not counts.basis.names_pods:
        return _by_workload(counts, timeline, facts)
    entered = counts.entered(facts.generators)
    is_alone = entered in (0, sum(one.count for one in counts.entries))
    own = own_calls.of_run(counts.sample, run_id, generators=facts.generators, is_alone=is_alone)
    entries, strangers = _entries(counts, facts, own, entered=entered, requests=requests)
    raise_by = entered / own.traces if own.traces else 1.0
    return _split(
        replace(counts, entries=entries),
        timeline,
        facts,
        own=own,
        whole=own.traces >= entered > 0,
        strangers=strangers,
        raise_by=raise_by,
    )


def everything(counts: Counts, timeline: Timeline, facts: Facts) -> Ours:
    """All that was counted, whoever's it is, split by pod: what a look without a run is about."""
    if not counts.basis.names_pods:
        return _by_workload(counts, timeline, facts)
    calls = own_calls.by_edge(counts.sample.calls)
    own = OwnCalls(calls=calls, traces=counts.sample.traces, broken=0, foreign=0, orphans=0)
    entered = sum(one.count for one in counts.entries)
    return _split(
        counts, timeline, facts, own=own, whole=own.traces >= entered > 0, strangers=0, raise_by=1.0
    )


def live(counts: Counts, timeline: Timeline, facts: Facts) -> Ours:
    """Live traffic: all that was counted is measured, and requests come in from anywhere.

    Nobody's own count says how many there were. A request lost its caller's document where no record of its
    trace is a beginning; as many of all requests as of the sample's traces, and those that entered where no
    other trace begins before others.
    """
    found = everything(counts, timeline, facts)
    sample, total = counts.sample, sum(one.count for one in counts.entries)
    left = math.ceil(total * (sample.traces - len(sample.roots)) / max(sample.traces, 1))
    begun = Counter(root.name for root in sample.roots)

    def beyond(one: Entry) -> float:
        """Requests that entered there beyond those that the sample's beginnings stand for."""
        return one.count - begun[one.name] * total / max(sample.traces, 1)

    lost: list[Entry] = []
    for one in sorted(counts.entries, key=beyond, reverse=True):
        taken = min(left, one.count, max(0, round(beyond(one))))
        if taken:
            lost.append(replace(one, count=taken))
            left -= taken
    entries = tuple(sorted(lost, key=lambda one: one.name))
    return replace(found, counts=replace(found.counts, entries=entries))


def _by_workload(counts: Counts, timeline: Timeline, facts: Facts) -> Ours:
    """As it was counted, under our names of the workloads: nothing says which pods these are, or whose calls.

    A Service's name stands for the workload behind it.
    """

    def name(called: str) -> str:
        if counts.grain is Grain.SERVICE:
            return called if timeline.has(called) else facts.workload_at(called) or called
        return counts.basis.workload(called, timeline)

    found: dict[tuple[str, str, Zone | None, Zone | None], Call] = {}
    for call in counts.calls:
        mine = replace(call, client=name(call.client), server=name(call.server))
        key = (mine.client, mine.server, mine.client_zone, mine.server_zone)
        found[key] = interface.add(found[key], mine) if key in found else mine
    calls = tuple(found[key] for key in sorted(found, key=lambda key: tuple(map(str, key))))
    return Ours(counts=replace(counts, calls=Calls.of(calls)), generators=facts.generators)


def _split(
    counts: Counts,
    timeline: Timeline,
    facts: Facts,
    *,
    own: OwnCalls,
    whole: bool,
    strangers: int,
    raise_by: float,
) -> Ours:
    """By pod; *whole*: the sample holds every request that is ours, *strangers*: requests of others."""
    split = _Splitting(
        timeline=timeline, facts=facts, own=own, whole=whole, others=strangers > 0, raise_by=raise_by
    )
    every = Calls.of(counts.calls)
    counted = hops.rows_of(every, own.calls)
    plain = split.plain(every, counted.values())
    rows, before = np.flatnonzero(~plain).tolist(), list[int]()
    for row in rows:
        split.take(every[row])
        before += [row] * (len(split.calls) - len(before))
    missing = [
        Disagreement(client=client, server=server, sampled=len(calls), counted=0)
        for (client, server), calls in own.calls.items()
        if (client, server) not in counted
    ]
    mine = [split.named(call) for calls in own.calls.values() for call in calls]
    other = OtherTraffic(requests=strangers, calls=tuple(split.other), is_estimate=not whole)
    return Ours(
        counts=replace(
            counts,
            calls=hops.merged(every.take(plain), np.flatnonzero(plain), Calls.of(split.calls), before),
            sample=replace(counts.sample, calls=tuple(mine)),
        ),
        unplaced={pair: tuple(split.reasons(pair)) for pair in split.unplaced},
        unsampled=dict(split.unsampled),
        other=other if strangers else None,
        disagreements=(*split.disagreements, *missing),
        traces=own.traces,
        is_whole=whole,
        is_split=split.is_split,
        generators=facts.generators,
    )


def _entries(
    counts: Counts, facts: Facts, own: OwnCalls, *, entered: int, requests: int
) -> tuple[tuple[Entry, ...], int]:
    """The entries that are the run's, lost callers included, and how many requests were others'.

    A trace that begins elsewhere than at the generator is another's; one whose beginning is missing may be
    ours, and counts as a loss.
    """
    elsewhere = sum(one.count for one in counts.entries if one.name not in facts.generators)
    if not elsewhere or not own.traces:
        return counts.entries, 0
    lost = min(elsewhere, math.ceil(own.broken * entered / own.traces))
    if own.foreign:
        lost += math.ceil((elsewhere - lost) * own.orphans / own.foreign)
    else:
        lost += max(0, requests - entered)
    lost = min(elsewhere, lost)
    kept, seen, given = [], 0, 0
    for one in counts.entries:
        if one.name in facts.generators:
            kept.append(one)
            continue
        seen += one.count
        upto = round(seen * lost / elsewhere)
        kept.append(replace(one, count=upto - given))
        given = upto
    return tuple(one for one in kept if one.count), elsewhere - lost


class _Splitting:
    """Takes counted hops one by one and collects what they become."""

    def __init__(
        self, *, timeline: Timeline, facts: Facts, own: OwnCalls, whole: bool, others: bool, raise_by: float
    ) -> None:
        self._timeline, self._facts, self._own = timeline, facts, own
        self._whole, self._others, self._raise_by = whole, others, raise_by
        self._workloads = _workloads(own, timeline, facts)
        self.calls: list[Call] = []
        self.unplaced: dict[Pair, Counter[str]] = defaultdict(Counter)
        self.unsampled: Counter[Pair] = Counter()
        self.other: list[OtherCalls] = []
        self.disagreements: list[Disagreement] = []
        self.is_split = False

    def plain(self, calls: Calls, sampled: Iterable[Sequence[int]]) -> Flags:
        """Which hops are to be kept as they are, told from their names alone; the others are to be taken.

        *sampled*: the places of those of which the sample holds a call.
        """
        if self._others and self._own.traces:
            return np.zeros(len(calls), np.bool_)
        known = [*(self._timeline.has(name) for name in calls.names)]
        found = np.ones(len(calls), np.bool_)
        for column, stated in ((calls.client, calls.client_zone), (calls.server, calls.server_zone)):
            is_pod = np.array(known, np.bool_)[column]
            found &= is_pod if stated is None else is_pod | (stated != NONE)
        found[[row for rows in sampled for row in rows]] = False
        return found

    def take(self, call: Call) -> None:
        """Keep the hop as it is, or split it."""
        edge = (call.client, call.server)
        sampled = self._own.calls.get(edge, ())
        named = self._is_placed(call)
        if len(sampled) > call.count:
            self.disagreements.append(
                Disagreement(client=edge[0], server=edge[1], sampled=len(sampled), counted=call.count)
            )
        if named and (not self._others or not self._own.traces or len(sampled) == call.count):
            self.calls.append(call)
            return
        if not self._others and (not sampled or any(map(self._timeline.is_stray, edge))):
            # A sample cannot say where a pod ran that nobody saw; the counts have all of its calls.
            self._whole_hop_unknown(call)
            return
        self.is_split = self.is_split or not named
        mine = self._mine(call, len(sampled))
        if mine < call.count:
            self.other.append(OtherCalls(client=edge[0], server=edge[1], calls=call.count - mine))
        pair = self._pair(edge)
        if mine > len(sampled):
            if self._whole:
                self.unplaced[pair]["counted, but in no trace of the run"] += mine - len(sampled)
            else:
                self.unsampled[pair] += mine - len(sampled)
        self._place(pair, sampled)

    def reasons(self, pair: Pair) -> list[LostCalls]:
        """Why calls of a pair have no zones, most first."""
        return [LostCalls(reason=reason, count=count) for reason, count in self.unplaced[pair].most_common()]

    def named(self, call: SampledCall) -> SampledCall:
        """The sampled call as counts name it: an end whose zone alone is known has its workload's name."""
        client, server = self._end(call.client, call.client_end), self._end(call.server, call.server_end)
        return replace(
            call,
            client=call.client if client is None else client[0],
            server=call.server if server is None else server[0],
        )

    def _mine(self, call: Call, sampled: int) -> int:
        """How many of a hop's calls are the run's: all that its own generator made."""
        if not self._others or call.client in self._facts.generators:
            return max(call.count, sampled)
        return sampled if self._whole else min(call.count, round(sampled * self._raise_by))

    def _whole_hop_unknown(self, call: Call) -> None:
        """As it is: pairs say why. A service's name becomes its workload's, for the right pair."""
        client, server = self._pair((call.client, call.server))
        known = [self._is_pod(name) for name in (call.client, call.server)]
        self.calls.append(
            replace(
                call,
                client=call.client if known[0] else client,
                server=call.server if known[1] else server,
            )
        )

    def _is_pod(self, name: str) -> bool:
        return isinstance(self._timeline.place(name), Placed) or self._timeline.is_stray(name)

    def _place(self, pair: Pair, sampled: Sequence[SampledCall]) -> None:
        found: dict[tuple[_End, _End], list[SampledCall]] = defaultdict(list)
        for one in sampled:
            client = self._end(one.client, one.client_end)
            server = self._end(one.server, one.server_end)
            if client is None:
                self.unplaced[pair][f"caller {one.client}: {self._why(one.client, one.client_end)}"] += 1
            elif server is None:
                self.unplaced[pair][f"callee {one.server}: {self._why(one.server, one.server_end)}"] += 1
            else:
                found[client, server].append(one)
        self.calls += (_call(client, server, calls) for (client, server), calls in found.items())

    def _end(self, name: str, end: End) -> _End | None:
        """A pod; or a workload whose node's zone is known; None for neither."""
        if isinstance(self._timeline.place(name), Placed):
            return name, None
        return None if end.zone is None else (self._workload(end.counted_as or name), end.zone)

    def _why(self, name: str, end: End) -> str:
        place = self._timeline.place(name)
        if end.lacks or isinstance(place, Placed):
            return end.lacks
        return place.reason

    def _is_placed(self, call: Call) -> bool:
        """Whether both names are pods the cluster knows, or the source states zones itself."""
        return all(
            zone is not None or self._timeline.has(name)
            for name, zone in ((call.client, call.client_zone), (call.server, call.server_zone))
        )

    def _pair(self, edge: Edge) -> Pair:
        return self._workload(edge[0]), self._workload(edge[1])

    def _workload(self, name: str) -> Workload:
        return self._workloads.get(name) or self._timeline.workload(name)


def _workloads(own: OwnCalls, timeline: Timeline, facts: Facts) -> dict[str, Workload]:
    """Of each name in the counts that is no pod's: the workload of most pods behind it, or of that name."""
    seen: dict[str, Counter[Workload]] = defaultdict(Counter)
    for (client, server), calls in own.calls.items():
        for one in calls:
            for counted, pod in ((client, one.client), (server, one.server)):
                if counted != pod and timeline.has(pod):
                    seen[counted][timeline.workload(pod)] += 1
    found = {name: counter.most_common(1)[0][0] for name, counter in seen.items()}
    for edge in own.calls:
        for name in edge:
            if name not in found and not timeline.has(name) and (known := facts.workload_at(name)):
                found[name] = Workload(known)
    return found


def _call(client: _End, server: _End, sampled: Sequence[SampledCall]) -> Call:
    """The sampled calls from one end to another, as a count; times to 1 ms, as in X-Ray's graph."""
    times = Counter(round(one.duration_s, 3) for one in sampled)
    return Call(
        client=client[0],
        server=server[0],
        client_zone=client[1],
        server_zone=server[1],
        count=len(sampled),
        faults=sum(one.is_fault for one in sampled),
        errors=sum(one.is_error for one in sampled),
        total_s=math.fsum(one.duration_s for one in sampled),
        histogram=tuple(sorted(times.items())),
    )
