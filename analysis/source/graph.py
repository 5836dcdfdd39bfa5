"""X-Ray service graph -> calls between pods, and what the graph lost.

An edge exists only where the caller's subsegment and the callee's segment both arrived; a lost callee leaves
an inferred node, a lost caller an orphan under a ``client`` node (X-Ray developer guide). ReferenceIds are
unique only within one query, so each page list of one window is resolved on its own and the calls are added
up by name afterwards.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from analysis.model import Call
from k8s.errors import UsageError

Raw = Mapping[str, Any]

_INFERRED_PREFIXES = ("remote", "Database::")


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphCalls:
    """What a graph says."""

    calls: tuple[Call, ...]
    """Between named pods, sorted by (client, server)."""
    entries: tuple[tuple[str, int], ...]
    """(pod, requests that entered the system there), sorted: the ``client`` edges."""
    lost: tuple[Call, ...]
    """Calls that end in an inferred node: the callee's segment never arrived."""


def calls_of(pages: Iterable[Sequence[Raw]]) -> GraphCalls:
    """Add up the graphs of several queries, each a list of pages."""
    calls: dict[tuple[str, str], Call] = {}
    lost: dict[tuple[str, str], Call] = {}
    entries: Counter[str] = Counter()
    for query in pages:
        nodes = [node for page in query for node in page.get("Services", ())]
        by_id = {_required(node, "ReferenceId", "a service"): node for node in nodes}
        for node in nodes:
            for edge in node.get("Edges") or ():
                target = by_id.get(edge.get("ReferenceId"))
                if target is None or str(edge.get("EdgeType", "")).lower() == "link":
                    continue
                call = _call(_name(node), _name(target), edge)
                if node.get("Type") == "client":
                    entries[call.server] += call.count
                elif _is_inferred(target):
                    _add(lost, call)
                else:
                    _add(calls, call)
    return GraphCalls(
        calls=tuple(calls[key] for key in sorted(calls)),
        entries=tuple(sorted(entries.items())),
        lost=tuple(lost[key] for key in sorted(lost)),
    )


def _is_inferred(node: Raw) -> bool:
    """Inferred nodes carry a type of their own and no state of a live service."""
    kind = str(node.get("Type") or "")
    return kind.startswith(_INFERRED_PREFIXES) or (node.get("State") == "unknown" and kind != "client")


def _call(client: str, server: str, edge: Raw) -> Call:
    statistics = edge.get("SummaryStatistics") or {}
    return Call(
        client=client,
        server=server,
        count=int(statistics.get("TotalCount", 0)),
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


def _add(into: dict[tuple[str, str], Call], call: Call) -> None:
    """Add a call's numbers to those of the same pair (another query, or a pod that shows as two nodes)."""
    key = (call.client, call.server)
    known = into.get(key)
    into[key] = call if known is None else add(known, call)


def add(left: Call, right: Call) -> Call:
    """Counts, times and histograms of both; the names are *left*'s."""
    counts: Counter[float] = Counter()
    for value, count in (*left.histogram, *right.histogram):
        counts[value] += count
    return replace(
        left,
        count=left.count + right.count,
        faults=left.faults + right.faults,
        errors=left.errors + right.errors,
        total_s=math.fsum((left.total_s, right.total_s)),
        histogram=tuple(sorted(counts.items())),
    )


def _name(node: Raw) -> str:
    return str(_required(node, "Name", "a service"))


def _required(node: Raw, key: str, what: str) -> Any:
    if key not in node:
        raise UsageError(f"reading the service graph: {what} has no {key}; is graph.json an X-Ray graph?")
    return node[key]
