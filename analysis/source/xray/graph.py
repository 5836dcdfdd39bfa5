"""X-Ray service graph -> calls between pods, what the graph lost, and what its leaves are.

An edge exists only where the caller's subsegment and the callee's segment both arrived; a lost callee leaves
an inferred node, a lost caller an orphan under a ``client`` node (X-Ray developer guide). ReferenceIds are
unique only within one query, so each page list of one window is resolved on its own and the calls are added
up by name afterwards.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.source.calls import Calls, by_edge, compact, joined
from analysis.source.facts import Facts
from analysis.source.interface import Call, Entry, Flaw, Leaf, Raw, add
from analysis.source.xray import checks, edges
from analysis.source.xray.edges import NOWHERE, GraphNode, QueryTable
from analysis.source.xray.leaves import lost_callee, sends_nothing
from analysis.source.xray.service_graph import CLIENT
from loadtest.record import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphCalls:
    """What a graph says."""

    calls: Calls
    """Between named pods, sorted by (client, server)."""
    entries: tuple[Entry, ...]
    """Requests that entered the system at a pod: the ``client`` edges, sorted by name."""
    lost: tuple[Call, ...]
    """Calls that end in an inferred node of something that sends documents: its segment never arrived."""
    leaves: tuple[Leaf, ...]
    """Calls that end in anything else that X-Ray inferred, sorted."""
    repeated: int = 0
    """Segments of the load generator's workers beyond one a request, as far as nothing else explains them."""
    flaws: tuple[Flaw, ...] = ()
    """What contradicts itself."""


def calls_of(queries: Iterable[Sequence[Raw]], facts: Facts, *, window: Window | None = None) -> GraphCalls:
    """Add up the graphs of several queries, each a list of pages of one *window*.

    UsageError names the key that is not as X-Ray answers.
    """
    tables = [edges.table(pages, f"[{number}]") for number, pages in enumerate(queries)]
    parts: list[Calls] = []
    lost: dict[tuple[str, str], Call] = {}
    entries: Counter[str] = Counter()
    leaves: Counter[tuple[str, str, str]] = Counter()
    for one in tables:
        names = [node.name for node in one.nodes]
        at_client = np.array([node.kind == CLIENT for node in one.nodes], np.bool_)
        inferred = np.array([_is_inferred(node) for node in one.nodes], np.bool_)
        arrives = ~one.is_link & (one.target != NOWHERE)
        entering = arrives & at_client[one.source]
        for row in np.flatnonzero(entering).tolist():
            entries[names[one.target[row]]] += int(one.count[row])
        between = arrives & ~entering
        ends_there = between & inferred[one.target]
        every = _calls(one, names)
        parts.append(every.in_order(between & ~ends_there))
        for row in np.flatnonzero(ends_there).tolist():
            call, kind = every[row], one.nodes[one.target[row]].kind
            if (callee := lost_callee(call.server, kind, call.client, facts)) is not None:
                _add(lost, replace(call, server=callee))
            else:
                leaves[call.client, call.server, kind] += call.count
    calls = by_edge(joined(parts))
    orphans = sum(count for name, count in entries.items() if name not in facts.generators)
    surplus = _whole_requests(entries, (calls, Calls.of(tuple(lost.values()))), leaves, facts)
    return GraphCalls(
        calls=calls,
        entries=tuple(Entry(name=name, count=count) for name, count in sorted(entries.items())),
        lost=tuple(lost[key] for key in sorted(lost)),
        leaves=tuple(
            Leaf(client=client, name=name, type=kind, count=count)
            for (client, name, kind), count in sorted(leaves.items())
        ),
        repeated=max(0, surplus - orphans),
        flaws=checks.flaws(tables, window, goes_on=facts.goes_on or orphans > 0),
    )


def _calls(one: QueryTable, names: Sequence[str]) -> Calls:
    """Every edge, as a call; what leads nowhere is not to be looked at."""
    known = tuple(sorted(set(names)))
    at = {name: code for code, name in enumerate(known)}
    code = np.array([*(at[name] for name in names), NOWHERE], np.int32)
    return Calls(
        names=known,
        client=code[one.source],
        server=code[one.target],
        counts=compact(one.count),
        faults=compact(one.faults),
        errors=compact(one.errors),
        total_s=one.total_s,
        bucket_ends=one.bucket_ends,
        # Clocks that differ may put a time a little below zero.
        bucket_s=np.abs(one.bucket_s),
        bucket_count=compact(one.bucket_count),
    )


def _whole_requests(
    entries: Counter[str], calls: Iterable[Calls], leaves: Mapping[tuple[str, str, str], int], facts: Facts
) -> int:
    """Make the workers' entries the requests that they really made; returns how many there were too many.

    A worker's span becomes two documents: its call, whose id is the span's, and a segment above it, whose id
    the exporter draws anew at each delivery. So a span that is delivered twice shows as two root segments of
    one trace but, since the later document of an id replaces the earlier, as one call: a worker's calls are
    its requests, each once. An entry without a call is such a second delivery, or its call was lost on the
    way; then what it called has no caller and is an entry itself.
    """
    made: Counter[str] = Counter()
    for one in calls:
        for name, count in one.by_client().items():
            made[name] += count
    for (client, _, _), count in leaves.items():
        made[client] += count
    surplus = 0
    for name in facts.generators & entries.keys() & made.keys():
        surplus += max(0, entries[name] - made[name])
        entries[name] = min(entries[name], made[name])
    return surplus


def _is_inferred(node: GraphNode) -> bool:
    """Inferred nodes carry a type of their own and no state of a live service."""
    kind = node.kind
    return kind.startswith("remote") or sends_nothing(kind) or (node.state == "unknown" and kind != CLIENT)


def _add(into: dict[tuple[str, str], Call], call: Call) -> None:
    """Add a call's numbers to those of the same pair (another query, or a pod that shows as two nodes)."""
    key = (call.client, call.server)
    known = into.get(key)
    into[key] = call if known is None else add(known, call)
