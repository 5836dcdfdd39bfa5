"""X-Ray service graph -> calls between pods, what the graph lost, and what its leaves are.

An edge exists only where the caller's subsegment and the callee's segment both arrived; a lost callee leaves
an inferred node, a lost caller an orphan under a ``client`` node (X-Ray developer guide). ReferenceIds are
unique only within one query, so each page list of one window is resolved on its own and the calls are added
up by name afterwards.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from analysis.source.facts import Facts
from analysis.source.interface import Call, Entry, Flaw, Leaf, Raw, add
from analysis.source.xray import checks
from analysis.source.xray.leaves import lost_callee, sends_nothing
from analysis.source.xray.service_graph import CLIENT, GraphEdge, Service, pages
from loadtest.record import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphCalls:
    """What a graph says."""

    calls: tuple[Call, ...]
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
    typed = pages(queries)
    calls: dict[tuple[str, str], Call] = {}
    lost: dict[tuple[str, str], Call] = {}
    entries: Counter[str] = Counter()
    leaves: Counter[tuple[str, str, str]] = Counter()
    for query in typed:
        nodes = [node for page in query for node in page.services or ()]
        by_id = {node.reference_id: node for node in nodes}
        for node in nodes:
            for edge in node.edges or ():
                target = None if edge.reference_id is None else by_id.get(edge.reference_id)
                if target is None or edge.is_link:
                    continue
                client, server, kind = node.name, target.name, target.kind
                if node.kind == CLIENT:
                    entries[server] += edge.count
                elif not _is_inferred(target):
                    _add(calls, _call(client, server, edge))
                elif (callee := lost_callee(server, kind, client, facts)) is not None:
                    _add(lost, _call(client, callee, edge))
                else:
                    leaves[client, server, kind] += edge.count
    orphans = sum(count for name, count in entries.items() if name not in facts.generators)
    surplus = _whole_requests(entries, (*calls.values(), *lost.values()), leaves, facts)
    return GraphCalls(
        calls=tuple(calls[key] for key in sorted(calls)),
        entries=tuple(Entry(name=name, count=count) for name, count in sorted(entries.items())),
        lost=tuple(lost[key] for key in sorted(lost)),
        leaves=tuple(
            Leaf(client=client, name=name, type=kind, count=count)
            for (client, name, kind), count in sorted(leaves.items())
        ),
        repeated=max(0, surplus - orphans),
        flaws=checks.flaws(typed, window),
    )


def _whole_requests(
    entries: Counter[str], calls: Iterable[Call], leaves: Mapping[tuple[str, str, str], int], facts: Facts
) -> int:
    """Make the workers' entries the requests that they really made; returns how many there were too many.

    A worker's span becomes two documents: its call, whose id is the span's, and a segment above it, whose id
    the exporter draws anew at each delivery. So a span that is delivered twice shows as two root segments of
    one trace but, since the later document of an id replaces the earlier, as one call: a worker's calls are
    its requests, each once. An entry without a call is such a second delivery, or its call was lost on the
    way; then what it called has no caller and is an entry itself.
    """
    made: Counter[str] = Counter()
    for call in calls:
        made[call.client] += call.count
    for (client, _, _), count in leaves.items():
        made[client] += count
    surplus = 0
    for name in facts.generators & entries.keys() & made.keys():
        surplus += max(0, entries[name] - made[name])
        entries[name] = min(entries[name], made[name])
    return surplus


def _is_inferred(node: Service) -> bool:
    """Inferred nodes carry a type of their own and no state of a live service."""
    kind = node.kind
    return kind.startswith("remote") or sends_nothing(kind) or (node.state == "unknown" and kind != CLIENT)


def _call(client: str, server: str, edge: GraphEdge) -> Call:
    seen = edge.summary_statistics
    return Call(
        client=client,
        server=server,
        count=edge.count,
        faults=seen.faults if seen else 0,
        errors=seen.errors if seen else 0,
        total_s=seen.total_response_time if seen else 0.0,
        histogram=tuple(
            sorted((abs(bucket.value), bucket.count) for bucket in edge.response_time_histogram or ())
        ),
    )


def _add(into: dict[tuple[str, str], Call], call: Call) -> None:
    """Add a call's numbers to those of the same pair (another query, or a pod that shows as two nodes)."""
    key = (call.client, call.server)
    known = into.get(key)
    into[key] = call if known is None else add(known, call)
