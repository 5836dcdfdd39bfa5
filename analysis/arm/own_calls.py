"""The calls of a sample that are the run's: those of traces that begin at its load generator."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from analysis.arm.hops import Edge
from analysis.source.interface import Sample, SampledCall


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCalls:
    """The run's part of a sample."""

    calls: Mapping[Edge, Sequence[SampledCall]]
    traces: int
    broken: int
    foreign: int
    orphans: int
    """Of the foreign traces, those whose beginning is missing."""


def of_run(sample: Sample, run_id: str, *, generators: frozenset[str], is_alone: bool) -> OwnCalls:
    """By the mark of their roots; where none is marked, by the generator's name there.

    Sources keep the mark as an annotation, which a collector may leave out. A run that was *alone*, without
    marks, is the whole sample: the source was asked for it.
    """
    marked = any(root.run_id for root in sample.roots)
    told = marked or not is_alone
    mine = [
        root
        for root in sample.roots
        if (root.run_id == run_id if marked else is_alone or root.name in generators)
    ]
    traces = {root.trace for root in mine}
    return OwnCalls(
        calls=by_edge(call for call in sample.calls if not told or call.trace in traces),
        traces=len(traces) if told else sample.traces,
        broken=sum(root.is_broken for root in mine) if told else 0,
        foreign=sample.traces - len(traces) if told else 0,
        orphans=sample.traces - len(sample.roots) if told else 0,
    )


def by_edge(calls: Iterable[SampledCall]) -> dict[Edge, list[SampledCall]]:
    """Sampled calls by the names under which they were counted."""
    found: dict[Edge, list[SampledCall]] = defaultdict(list)
    for call in calls:
        edge = (call.client_end.counted_as or call.client, call.server_end.counted_as or call.server)
        found[edge].append(call)
    return found
