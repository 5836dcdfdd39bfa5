"""X-Ray service graph -> calls between pods, what the graph lost, and what its leaves are.

An edge exists only where the caller's subsegment and the callee's segment both arrived; a lost callee leaves
an inferred node, a lost caller an orphan under a ``client`` node (X-Ray developer guide). ReferenceIds are
unique only within one query, so each page list of one window is resolved on its own and the calls are added
up by name afterwards.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.source.facts import Facts
from analysis.source.interface import Call, Entry, Leaf, Raw, add
from analysis.source.xray.leaves import lost_callee, sends_nothing
from k8s.errors import UsageError

_CLIENT = "client"


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


def calls_of(queries: Iterable[Sequence[Raw]], facts: Facts) -> GraphCalls:
    """Add up the graphs of several queries, each a list of pages."""
    calls: dict[tuple[str, str], Call] = {}
    lost: dict[tuple[str, str], Call] = {}
    entries: Counter[str] = Counter()
    leaves: Counter[tuple[str, str, str]] = Counter()
    for query in queries:
        nodes = [node for page in query for node in page.get("Services", ())]
        by_id = {_required(node, "ReferenceId", "a service"): node for node in nodes}
        for node in nodes:
            for edge in node.get("Edges") or ():
                target = by_id.get(edge.get("ReferenceId"))
                if target is None or str(edge.get("EdgeType", "")).lower() == "link":
                    continue
                client, server, kind = _name(node), _name(target), _type(target)
                if _type(node) == _CLIENT:
                    entries[server] += _count(edge)
                elif not _is_inferred(target):
                    _add(calls, _call(client, server, edge))
                elif (callee := lost_callee(server, kind, client, facts)) is not None:
                    _add(lost, _call(client, callee, edge))
                else:
                    leaves[client, server, kind] += _count(edge)
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


def _is_inferred(node: Raw) -> bool:
    """Inferred nodes carry a type of their own and no state of a live service."""
    kind = _type(node)
    return (
        kind.startswith("remote")
        or sends_nothing(kind)
        or (node.get("State") == "unknown" and kind != _CLIENT)
    )


def _call(client: str, server: str, edge: Raw) -> Call:
    statistics = edge.get("SummaryStatistics") or {}
    return Call(
        client=client,
        server=server,
        count=_count(edge),
        faults=int((statistics.get("FaultStatistics") or {}).get("TotalCount", 0)),
        errors=int((statistics.get("ErrorStatistics") or {}).get("TotalCount", 0)),
        total_s=float(statistics.get("TotalResponseTime", 0.0)),
        histogram=tuple(
            sorted(
                (abs(float(entry["Value"])), int(entry["Count"]))
                for entry in edge.get("ResponseTimeHistogram") or ()
            )
        ),
    )


def _count(edge: Raw) -> int:
    return int((edge.get("SummaryStatistics") or {}).get("TotalCount", 0))


def _add(into: dict[tuple[str, str], Call], call: Call) -> None:
    """Add a call's numbers to those of the same pair (another query, or a pod that shows as two nodes)."""
    key = (call.client, call.server)
    known = into.get(key)
    into[key] = call if known is None else add(known, call)


def _type(node: Raw) -> str:
    return str(node.get("Type") or "")


def _name(node: Raw) -> str:
    return str(_required(node, "Name", "a service"))


def _required(node: Raw, key: str, what: str) -> Any:
    if key not in node:
        raise UsageError(f"reading the service graph: {what} has no {key}; is graph.json an X-Ray graph?")
    return node[key]
