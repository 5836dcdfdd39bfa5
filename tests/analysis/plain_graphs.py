"""What the columns have to say, said edge by edge and call by call: slow, and easy to read."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from analysis.arm import placing
from analysis.model import Placed, PodFlow, ZoneCell
from analysis.placement import Timeline
from analysis.source.interface import Call, add
from analysis.statistics import stats

Pages = tuple[dict[str, Any], ...]


def calls_of(queries: Sequence[Pages]) -> tuple[tuple[Call, ...], dict[str, int]]:
    """Calls between named nodes by (client, server), and the entries; nothing here is inferred."""
    calls: dict[tuple[str, str], Call] = {}
    entries: Counter[str] = Counter()
    for query in queries:
        nodes = [node for page in query for node in page["Services"]]
        by_id = {node["ReferenceId"]: node for node in nodes}
        for node in nodes:
            for edge in node["Edges"]:
                target, seen = by_id.get(edge["ReferenceId"]), edge["SummaryStatistics"]
                if target is None or edge.get("EdgeType") == "Link":
                    continue
                if node.get("Type") == "client":
                    entries[target["Name"]] += seen["TotalCount"]
                    continue
                call = Call(
                    client=node["Name"],
                    server=target["Name"],
                    count=seen["TotalCount"],
                    faults=seen["FaultStatistics"]["TotalCount"],
                    errors=seen["ErrorStatistics"]["TotalCount"],
                    total_s=seen["TotalResponseTime"],
                    histogram=tuple(
                        sorted((abs(one["Value"]), one["Count"]) for one in edge["ResponseTimeHistogram"])
                    ),
                )
                key = (call.client, call.server)
                calls[key] = add(calls[key], call) if key in calls else call
    return tuple(calls[key] for key in sorted(calls)), dict(sorted(entries.items()))


def summed(calls: Sequence[Call]) -> Call | None:
    """All of them as one."""
    if not calls:
        return None
    total = calls[0]
    for one in calls[1:]:
        total = add(total, one)
    return total


def pair_of(calls: Sequence[Call], timeline: Timeline) -> dict[str, object]:
    """What a pair's result has to hold, by field."""
    groups: dict[bool, list[Call]] = {True: [], False: []}
    cells: Counter[tuple[str | None, str | None]] = Counter()
    reasons: Counter[str] = Counter()
    flows, made = [], Counter[str]()
    for call in calls:
        client, server = placing.ends(call, timeline)
        zones = [one.zone if isinstance(one, Placed) else None for one in (client, server)]
        cells[zones[0], zones[1]] += call.count
        mean_s = call.total_s / call.count if call.count else None
        flows.append(
            PodFlow(
                client=call.client,
                client_zone=zones[0],
                server=call.server,
                server_zone=zones[1],
                calls=call.count,
                faults=call.faults,
                mean_s=mean_s,
            )
        )
        if zones[0] is not None:
            made[zones[0]] += call.count
        if not isinstance(client, Placed):
            reasons[f"caller {call.client}: {client.reason}"] += call.count
        elif not isinstance(server, Placed):
            reasons[f"callee {call.server}: {server.reason}"] += call.count
        else:
            groups[zones[0] == zones[1]].append(call)
    totals = {is_same: summed(mine) for is_same, mine in groups.items()}
    means = {key: one and stats.mean(one.total_s, one.histogram) for key, one in totals.items()}
    order = sorted(cells, key=lambda one: (one[0] is None, one[0] or "", one[1] is None, one[1] or ""))
    return {
        "same_zone": sum(one.count for one in groups[True]),
        "cross_zone": sum(one.count for one in groups[False]),
        "unknown_reasons": tuple(reasons.most_common()),
        "cells": tuple(
            ZoneCell(client_zone=one[0], server_zone=one[1], calls=cells[one]) for one in order if cells[one]
        ),
        "flows": tuple(flows),
        "cross_minus_same_s": stats.difference_of_means(means[True], means[False]),
    }


def again(pages: Pages, by: int) -> Pages:
    """The same graph as another query has it: with other numbers for its services."""
    return tuple(
        page
        | {
            "Services": [
                node
                | {
                    "ReferenceId": node["ReferenceId"] + by,
                    "Edges": [one | {"ReferenceId": one["ReferenceId"] + by} for one in node["Edges"]],
                }
                for node in page["Services"]
            ]
        }
        for page in pages
    )
