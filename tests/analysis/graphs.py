"""Small X-Ray graphs, traces and topologies for the tests of the analysis."""

import json
from collections.abc import Mapping
from typing import Any

from k8s.topology import Endpoint, EndpointSlice, Node, NodeName, Pod, PodName, Snapshot, Zone

CLIENT, REMOTE = "client", "remote"
SQL, TABLE, TOPIC = "Database::SQL", "AWS::DynamoDB::Table", "AWS::SNS"
UNKNOWN = frozenset({CLIENT, REMOTE, SQL, TABLE, TOPIC})
"""Types of nodes that nobody reported: X-Ray shows them without a state."""


class Graph:
    """Builds GetServiceGraph pages node by node."""

    def __init__(self, unknown: frozenset[str] = UNKNOWN) -> None:
        """*unknown*: types of nodes that X-Ray inferred."""
        self._unknown = unknown
        self._nodes: dict[tuple[str, str | None], dict[str, Any]] = {}

    def edge(
        self,
        client: tuple[str, str | None] | str,
        server: tuple[str, str | None] | str,
        count: int,
        *,
        each_s: float = 0.002,
        faults: int = 0,
        link: bool = False,
    ) -> "Graph":
        source, target = self._node(client), self._node(server)
        source["Edges"].append(
            {
                "ReferenceId": target["ReferenceId"],
                "SummaryStatistics": {
                    "OkCount": count - faults,
                    "ErrorStatistics": {"ThrottleCount": 0, "OtherCount": 0, "TotalCount": 0},
                    "FaultStatistics": {"OtherCount": faults, "TotalCount": faults},
                    "TotalCount": count,
                    "TotalResponseTime": count * each_s,
                },
                "ResponseTimeHistogram": [{"Value": each_s, "Count": count}],
                "Aliases": [],
                **({"EdgeType": "Link"} if link else {}),
            }
        )
        return self

    def node(self, name: tuple[str, str | None] | str) -> "Graph":
        """One that calls nothing."""
        self._node(name)
        return self

    def pages(self, size: int = 1000) -> tuple[dict[str, Any], ...]:
        nodes = list(self._nodes.values())
        return tuple({"Services": nodes[start : start + size]} for start in range(0, len(nodes), size))

    def _node(self, name: tuple[str, str | None] | str) -> dict[str, Any]:
        key = (name, None) if isinstance(name, str) else name
        if key not in self._nodes:
            node: dict[str, Any] = {"ReferenceId": len(self._nodes), "Name": key[0], "Edges": []}
            if key[1] is not None:
                node["Type"] = key[1]
            node["State"] = "unknown" if key[1] in self._unknown else "active"
            self._nodes[key] = node
        return self._nodes[key]


def call(client: str, server: str, metadata: dict[str, Any] | None, number: int = 1) -> list[dict[str, Any]]:
    """A client's segment with its subsegment, and the server's segment below it."""
    caller = {
        "name": client,
        "id": f"a{number}",
        "subsegments": [
            {"name": "GET", "id": f"b{number}", "start_time": 100.0, "end_time": 100.0 + number / 64}
        ],
    }
    callee = {
        "name": server,
        "id": f"c{number}",
        "parent_id": f"b{number}",
        "metadata": {"default": metadata},
    }
    return [caller, callee]


def trace(*documents: dict[str, Any]) -> dict[str, Any]:
    return {"Id": "1-2-3", "Segments": [{"Id": one["id"], "Document": json.dumps(one)} for one in documents]}


def port(number: int) -> dict[str, Any]:
    return {"network.peer.address": "10.0.0.1", "network.peer.port": number}


def snapshot(
    pods: Mapping[str, str | None],
    *,
    zones: Mapping[str, str | None] | None = None,
    taken_at_s: float = 0.0,
    apps: tuple[str, ...] = ("ui", "catalog"),
) -> Snapshot:
    """Pods by name with their node; a pod's workload is its name up to the first dash.

    Nodes are ``node-<zone>`` for zones a, b, c unless *zones* (node name -> zone label) is given.
    """
    zones = {f"node-{zone}": zone for zone in "abc"} if zones is None else zones
    return Snapshot(
        taken_at_s=taken_at_s,
        nodes=tuple(
            Node(
                name=NodeName(name),
                zone=None if zone is None else Zone(zone),
                ready=True,
                cpu_allocatable_milli=4000,
            )
            for name, zone in zones.items()
        ),
        pods=tuple(
            Pod(
                namespace=name.split("-")[0],
                name=PodName(name),
                ip=f"127.100.1.{number}",
                node=None if node is None else NodeName(node),
                labels=(("app.kubernetes.io/name", name.split("-")[0]),),
            )
            for number, (name, node) in enumerate(pods.items(), start=1)
        ),
        slices=tuple(
            EndpointSlice(
                namespace=app,
                name=f"{app}-abc",
                service=app,
                endpoints=tuple(
                    Endpoint(
                        addresses=(f"127.100.1.{number}",),
                        pod=PodName(name),
                        node=None if node is None else NodeName(node),
                        zone=None if node is None or zones.get(node) is None else Zone(str(zones[node])),
                        ready=True,
                    )
                    for number, (name, node) in enumerate(pods.items(), start=1)
                    if name.startswith(f"{app}-")
                ),
            )
            for app in apps
        ),
    )
