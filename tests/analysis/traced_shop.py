"""A shop whose every call is known: its traces as X-Ray keeps them, its graph, and what its relays counted.

Three zones, a ui pod in each, six catalog pods (3, 2, 1), so that the share of calls that stay differs from
zone to zone; two to four calls a request. Nodes are called after pods or after services.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from analysis.arm.inputs import ArmInputs
from analysis.source.interface import Received
from k8s.lab.truth import TruthRow
from loadtest.record import LoadSeen
from loadtest.truthfile import TruthFile
from loadtest.worker.latency import histogram
from loadtest.worker.tally import WorkerTally
from tests.analysis.graphs import CLIENT, Graph, snapshot, trace
from tests.analysis.verdict.test_compare import CATALOG, arm

CATALOG_PODS = {"catalog-1": "a", "catalog-2": "a", "catalog-3": "a"} | {
    "catalog-4": "b",
    "catalog-5": "b",
    "catalog-6": "c",
}
UI_PODS = {"ui-1": "a", "ui-2": "b", "ui-3": "c"}
WORKERS = {"locust-1": "a", "locust-2": "b", "locust-3": "c"}
ZONES = WORKERS | UI_PODS | CATALOG_PODS
PLACE = snapshot({pod: f"node-{zone}" for pod, zone in ZONES.items()})
ADDRESS = {str(pod.name): str(pod.ip) for pod in PLACE.pods}
START_S, LENGTH_S = 1_000_000.0, 100.0
RUN_ID = "r-off"


@dataclass
class Request:
    """A request and the calls it made."""

    number: int
    worker: str | None
    """None: another's."""
    ui: str
    calls: list[tuple[str, int]]
    """(catalog pod, port)."""
    at_s: float


@dataclass
class Shop:
    """A window of it."""

    seed: int = 1
    requests: int = 1000
    others: int = 0
    """Requests that are not the run's."""
    kept: int = 0
    """Connections that each ui pod keeps to catalog; 0: a new one a call."""
    by_pod: bool = False
    """Nodes are called after pods."""
    made: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        servers = list(CATALOG_PODS)
        pool = {ui: [servers[n] for n in rng.integers(0, 6, self.kept)] for ui in UI_PODS}
        ports = Counter[str]()
        for number in range(self.requests + self.others):
            ui = f"ui-{rng.integers(1, 4)}"
            calls = []
            for _ in range(rng.integers(2, 5)):
                if self.kept:
                    at = int(rng.integers(0, self.kept))
                    calls.append((pool[ui][at], 30_000 + at))
                else:
                    ports[ui] += 1
                    calls.append((servers[rng.integers(0, 6)], 1024 + ports[ui]))
            self.made.append(
                Request(
                    number=number,
                    worker=f"locust-{number % 3 + 1}" if number < self.requests else None,
                    ui=ui,
                    calls=calls,
                    at_s=START_S + LENGTH_S * (number % self.requests + 0.5) / self.requests,
                )
            )

    @property
    def own(self) -> list[Request]:
        return [one for one in self.made if one.worker]

    def routed(self) -> float:
        """The share that routing gives: even choice among all servers, from evenly loaded clients."""
        return sum(3 - index for index in range(3)) / 6 / 3

    def happened(self, *, own: bool = False) -> float:
        """The share that the window's calls had."""
        calls = [(one.ui, to) for one in (self.own if own else self.made) for to, _ in one.calls]
        return sum(ZONES[ui] == ZONES[to] for ui, to in calls) / len(calls)

    def relays(self) -> Counter[tuple[str, str]]:
        return Counter((one.ui, to) for one in self.made for to, _ in one.calls)

    def name(self, pod: str) -> str:
        return pod if self.by_pod else pod.partition("-")[0]

    def graph(self, traced: list[Request]) -> Graph:
        edges: Counter[tuple[Any, Any]] = Counter()
        for one in traced:
            ui = self.name(one.ui)
            entry = self.name(one.worker) if one.worker else ui
            edges[(entry, CLIENT), entry] += 1
            if one.worker:
                edges[entry, ui] += 1
            for to, _ in one.calls:
                edges[ui, self.name(to)] += 1
        graph = Graph()
        for (client, server), count in edges.items():
            graph.edge(client, server, count)
        return graph

    def truth(self) -> TruthFile:
        return TruthFile(
            connection_per_call=not self.kept,
            rows=tuple(
                TruthRow(
                    service=CATALOG,
                    client_ip=ADDRESS[ui],
                    server_ip=ADDRESS[to],
                    connections=count,
                    failed=0,
                    request_bytes=200 * count,
                    response_bytes=1800 * count,
                )
                for (ui, to), count in self.relays().items()
            ),
        )

    def load(self) -> LoadSeen:
        tallies = []
        for worker, zone in WORKERS.items():
            made = [one for one in self.own if one.worker == worker]
            tallies.append(
                WorkerTally(
                    worker=worker,
                    zone=zone,
                    node=f"node-{zone}",
                    requests=len(made),
                    connections=len(made),
                    spans_made=2 * len(made),
                    first_s=made[0].at_s,
                    last_s=made[-1].at_s,
                    latency=histogram([(700, len(made))]),
                )
            )
        return LoadSeen(seconds=LENGTH_S, workers=tuple(tallies))

    def traced(self, rate: float, *, seed: int = 0) -> list[Request]:
        """What a sampler of whole traces keeps."""
        rng = np.random.default_rng([self.seed, seed, 7])
        kept = rng.random(len(self.made)) < rate
        return [one for one, keep in zip(self.made, kept, strict=True) if keep]

    def inputs(
        self, *, traced: list[Request] | None = None, read: int | None = None, **changes: Any
    ) -> ArmInputs:
        """The arm: the graph of what was traced, and *read* of its traces at random (None: every one)."""
        there = self.made if traced is None else traced
        own = [one for one in there if one.worker]
        if read is not None:
            rng = np.random.default_rng([self.seed, 11])
            own = [own[at] for at in sorted(rng.permutation(len(own))[:read])]
        foreign = [one for one in there if not one.worker]
        rows = changes.pop("rows", None)
        if rows is None:
            rows = tuple(trace(*self.documents(one)) for one in (*own, *foreign))
        answers = changes.pop("answers", (self.graph(there).pages(),))
        received = Received(answers=answers, rows=rows)
        topology = (PLACE, replace(PLACE, taken_at_s=100.0 + LENGTH_S + 3.0))
        made: dict[str, Any] = {"topology": topology, "truth": self.truth(), "received": received}
        made |= changes
        return arm(Graph(), seen=self.load(), **made)

    def documents(self, one: Request) -> Iterator[dict[str, Any]]:
        """As ADOT writes them: the pod in ``aws.eks.pod`` and an annotation, the peer's port in metadata."""
        number, end_s = one.number, one.at_s + 0.01
        if one.worker:
            yield self._segment(one.worker, _id(1, number), None, one.at_s, end_s) | {
                "annotations": {"run_id": RUN_ID, "phase": "measure"},
                "subsegments": [_part(_id(2, number), "ui", one.at_s, end_s)],
            }
        parent = _id(2, number) if one.worker else None
        yield self._segment(one.ui, _id(3, number), parent, one.at_s, end_s, peer=one.worker) | {
            "subsegments": [
                _part(_id(4, number, at), "GET", one.at_s, one.at_s + self._duration_s(one.ui, to))
                for at, (to, _) in enumerate(one.calls)
            ]
        }
        for at, (to, port) in enumerate(one.calls):
            yield self._segment(
                to, _id(5, number, at), _id(4, number, at), one.at_s, end_s, peer=one.ui, port=port
            )

    def _duration_s(self, ui: str, to: str) -> float:
        return 0.001 if ZONES[ui] == ZONES[to] else 0.003

    def _segment(
        self,
        pod: str,
        key: str,
        parent: str | None,
        start_s: float,
        end_s: float,
        *,
        peer: str | None = None,
        port: int = 0,
    ) -> dict[str, Any]:
        zone = ZONES[pod]
        metadata: dict[str, Any] = {"network.peer.port": port} if port else {}
        if peer:
            metadata["network.peer.address"] = ADDRESS[peer]
        return {
            "name": self.name(pod),
            "id": key,
            "start_time": start_s,
            "end_time": end_s,
            **({"parent_id": parent} if parent else {}),
            "aws": {
                "eks": {"pod": pod},
                "ec2": {"instance_id": f"node-{zone}", "availability_zone": zone},
            },
            "annotations": {"otel.resource.k8s.pod.name": pod},
            "metadata": {"default": metadata},
        }


def _id(kind: int, number: int, at: int = 0) -> str:
    """Sixteen hexadecimal digits, as X-Ray wants them."""
    return f"{kind:x}{number:011x}{at:04x}"


def _part(key: str, name: str, start_s: float, end_s: float) -> dict[str, Any]:
    return {"id": key, "name": name, "start_time": start_s, "end_time": end_s, "namespace": "remote"}


def without(row: dict[str, Any], *paths: tuple[str, ...]) -> dict[str, Any]:
    """A trace whose documents lack these keys."""
    segments = []
    for segment in row["Segments"]:
        document = json.loads(segment["Document"])
        for *way, last in paths:
            holder: Any = document
            for key in way:
                holder = holder.get(key) or {}
            holder.pop(last, None)
        segments.append(segment | {"Document": json.dumps(document)})
    return row | {"Segments": segments}
