"""Run folders of a mesh with so many edges: services of a hundred pods, each of which calls all of the next.

Everything that comparing reads is there, written by what collecting writes with: the record, the topology at
both ends, X-Ray's pages. The counts add up.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from analysis import artifacts
from analysis.source.collect import Collected, GraphFile, Poll
from k8s.topology import (
    Endpoint,
    EndpointSlice,
    HintsSeen,
    Node,
    NodeName,
    Pod,
    PodName,
    Service,
    ServiceKey,
    Snapshot,
    Zone,
)
from loadtest import rundir
from loadtest.record import Asked, LoadSeen, Place, RunRecord, RunStatus, Seen, Window
from loadtest.worker.latency import histogram
from loadtest.worker.plan import LoadPlan
from loadtest.worker.tally import WorkerTally

PODS: Final = 100
"""Of each service."""
ZONES: Final = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
NAMESPACE: Final = "shop"
START_S: Final = 1_764_000_000.0
LENGTH_S: Final = 600.0
QUIET_S: Final = 2.0
PAGE: Final = 500
"""Services on a page."""
POD_LABEL: Final = "app.kubernetes.io/name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """How large, and how it routes."""

    edges: int
    """Between pods, besides those of the load generator's three workers."""
    mode: str
    seed: int

    @property
    def services(self) -> tuple[str, ...]:
        """The first calls the second, that one the third, and so on."""
        hops = max(1, round(self.edges / PODS**2))
        return ("ui", "catalog", *(f"backend{number}" for number in range(hops - 1)))


def store(folder: Path, mesh: Mesh) -> None:
    """Write the folder of one run."""
    folder.mkdir(parents=True)
    window = Window(start_s=START_S + 1000.0 * mesh.seed, end_s=START_S + 1000.0 * mesh.seed + LENGTH_S)
    services, calls, requests = _graph(mesh, window)
    rundir.write_json(folder / rundir.RECORD, _record(mesh, window, requests))
    rundir.write_lines(
        folder / rundir.TOPOLOGY, (_place(mesh, at) for at in (window.start_s - 1, window.end_s))
    )
    pages = tuple(_pages(services, window))
    total = calls + sum(requests)
    graph = GraphFile(
        window=window,
        queries=(pages,),
        polls=tuple(Poll(at_s=window.end_s + at, calls=total, requests=sum(requests)) for at in (30.0, 60.0)),
        stable=True,
        reconciled=True,
        sampled=0,
    )
    artifacts.save_collected(folder, Collected(graph=graph, traces=()))


def _zone(number: int) -> Zone:
    return Zone(ZONES[number % len(ZONES)])


def _graph(mesh: Mesh, window: Window) -> tuple[list[dict[str, Any]], int, list[int]]:
    """The services of the graph, the calls between the mesh's pods, and the requests of each worker."""
    rng = random.Random(mesh.seed)  # noqa: S311 - a seeded example, not a secret
    nodes: list[dict[str, Any]] = []
    names = [f"{service}-{number}" for service in mesh.services for number in range(PODS)]
    for name in names:
        nodes.append(_service(len(nodes), name, window))
    calls = 0
    for at in range(len(names) - PODS):
        callee = (at // PODS + 1) * PODS
        for number in range(PODS):
            is_same = at % PODS % len(ZONES) == number % len(ZONES)
            most = 20 if is_same or mesh.mode == "off" else 6
            calls += _join(nodes[at], nodes[callee + number], rng.randint(1, most), rng, window)
    requests = []
    for number, zone in enumerate(ZONES):
        worker = _service(len(nodes), f"locust-{number}", window)
        client = _service(len(nodes) + 1, f"locust-{number}", window, kind="client")
        nodes += [worker, client]
        mine = [pod for pod in range(PODS) if _zone(pod) == zone]
        requests.append(sum(_join(worker, nodes[pod], 100, rng, window) for pod in mine))
        _join(client, worker, requests[-1], rng, window)
    return nodes, calls, requests


def _service(number: int, name: str, window: Window, kind: str | None = None) -> dict[str, Any]:
    made = {
        "ReferenceId": number,
        "Name": name,
        "Names": [name],
        "State": "active" if kind is None else "unknown",
        "StartTime": window.start_s,
        "EndTime": window.end_s,
        "Edges": [],
    }
    if kind is not None:
        return made | {"Type": kind}
    return made | {"Root": False, "SummaryStatistics": _figures(0, 0.0)}


def _figures(count: int, total_s: float) -> dict[str, Any]:
    return {
        "OkCount": count,
        "ErrorStatistics": {"ThrottleCount": 0, "OtherCount": 0, "TotalCount": 0},
        "FaultStatistics": {"OtherCount": 0, "TotalCount": 0},
        "TotalCount": count,
        "TotalResponseTime": round(total_s, 3),
    }


def _join(
    client: dict[str, Any], server: dict[str, Any], count: int, rng: random.Random, window: Window
) -> int:
    """An edge of so many calls; the callee has received them."""
    slow = count // 3
    quick_ms, slow_ms = rng.randint(1, 9), rng.randint(10, 60)
    buckets = [{"Value": quick_ms / 1000, "Count": count - slow}]
    if slow:
        buckets.append({"Value": slow_ms / 1000, "Count": slow})
    client["Edges"].append(
        {
            "ReferenceId": server["ReferenceId"],
            "StartTime": window.start_s,
            "EndTime": window.end_s,
            "SummaryStatistics": _figures(count, (quick_ms * (count - slow) + slow_ms * slow) / 1000),
            "ResponseTimeHistogram": buckets,
            "Aliases": [],
        }
    )
    if "SummaryStatistics" in server:
        server["SummaryStatistics"]["OkCount"] += count
        server["SummaryStatistics"]["TotalCount"] += count
    return count


def _pages(services: list[dict[str, Any]], window: Window) -> Iterator[dict[str, Any]]:
    for at in range(0, len(services), PAGE):
        more = {"NextToken": f"page {at + PAGE}"} if at + PAGE < len(services) else {}
        echo = {"StartTime": window.start_s, "EndTime": window.end_s}
        yield echo | {"Services": services[at : at + PAGE], "ContainsOldGroupVersions": False} | more


def _node(name: str, number: int) -> NodeName:
    """Each service has a node of its own in each zone."""
    return NodeName(f"node-{name}-{number % len(ZONES)}")


def _place(mesh: Mesh, at_s: float) -> Snapshot:
    crowds = [("locust", len(ZONES)), *((service, PODS) for service in mesh.services)]
    pods = [
        Pod(
            namespace=NAMESPACE,
            name=PodName(f"{service}-{number}"),
            ip=f"10.{at >> 8}.{at & 255}.{number}",
            node=_node(service, number),
            labels=((POD_LABEL, service),),
        )
        for at, (service, size) in enumerate(crowds)
        for number in range(size)
    ]
    return Snapshot(
        taken_at_s=at_s,
        nodes=tuple(
            Node(
                name=_node(service, number),
                zone=_zone(number),
                ready=True,
                cpu_allocatable_milli=16_000,
            )
            for service, _ in crowds
            for number in range(len(ZONES))
        ),
        services=tuple(Service(namespace=NAMESPACE, name=service) for service in mesh.services),
        pods=tuple(pods),
        slices=tuple(_slice(service, pods) for service in mesh.services),
    )


def _slice(service: str, pods: list[Pod]) -> EndpointSlice:
    return EndpointSlice(
        namespace=NAMESPACE,
        name=f"{service}-1",
        service=service,
        endpoints=tuple(
            Endpoint(addresses=(str(pod.ip),), pod=pod.name, node=pod.node, zone=_zone(number), ready=True)
            for number, pod in enumerate(one for one in pods if one.labels == ((POD_LABEL, service),))
        ),
    )


def _record(mesh: Mesh, window: Window, requests: list[int]) -> RunRecord:
    workers = tuple(
        WorkerTally(
            worker=f"locust-{number}",
            zone=ZONES[number],
            node=f"node-locust-{number}",
            requests=made,
            connections=made,
            latency=histogram([(700, made)]),
            first_s=window.start_s + QUIET_S,
            last_s=window.end_s - QUIET_S,
        )
        for number, made in enumerate(requests)
    )
    seconds = LENGTH_S - 2 * QUIET_S
    called = Service(namespace=NAMESPACE, name="catalog")
    hints = HintsSeen(at_s=window.start_s, endpoints=PODS, hinted=0, own_zone=0)
    return RunRecord(
        run_id=f"r-{mesh.seed}",
        arm=mesh.mode,
        status=RunStatus.COMPLETE,
        created_s=window.start_s - 10.0,
        place=Place(
            platform="cluster", context="bench", server="", version="v1.35.0", region="eu-west-1", zones=ZONES
        ),
        asked=Asked(
            mode=mesh.mode,
            service=ServiceKey(namespace=NAMESPACE, name="catalog"),
            client=ServiceKey(namespace=NAMESPACE, name="ui"),
            plan=LoadPlan(rate_per_s=sum(requests) / seconds, duration_s=seconds, quiet_s=QUIET_S),
        ),
        seen=Seen(
            service_before=called,
            service_during=called,
            hints_start=hints,
            hints_end=hints,
            measured=LoadSeen(seconds=seconds, workers=workers),
        ),
        measured=window,
    )
