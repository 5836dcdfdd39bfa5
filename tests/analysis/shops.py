"""A whole place over fakes: a shop under load whose calls a source counts, on one fake clock.

The shop's two ui pods make two thousand requests in a window; the routing mode in force decides which share
of their calls to catalog stays in its zone. Files are real ones.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from analysis.jobs.measuring import Session
from analysis.source.interface import Answers, Drawn, Question, Raw, Source
from analysis.source.xray.reader import NAME, TITLE, XRayReader
from analysis.source.xray.xray_source import LAB_PATIENCE
from k8s.errors import UnreachableError
from k8s.live.live_scene import NODES, PODS, SERVICES, SLICES
from k8s.routing.modes import RoutingMode, mode_of
from k8s.topology import EndpointSlice, Event, ServiceKey, Snapshot
from loadtest.measure import Load
from loadtest.record import Place
from loadtest.swarm.interface import Phase, Progress
from loadtest.worker.plan import LoadPlan
from loadtest.worker.tally import WorkerTally
from tests.analysis.graphs import snapshot
from tests.analysis.verdict import worlds
from tests.analysis.verdict.test_compare import CATALOG, UI
from tests.k8s.raw import NODE, POD, SERVICE, SLICE
from tests.loadtest.fakes import PLACE, PLAIN, FakePlaceCluster, FakePlatform, FakeSwarm, Person
from tests.loadtest.fakes import session as traffic_session

CALLS = 1800
"""Of each ui pod in a window."""
TOPOLOGY = {
    f"{app}-{number}": f"node-{zone}" for app in ("locust", "ui", "catalog") for number, zone in ("1a", "2b")
}
LOAD = Load(
    service=CATALOG,
    client=UI,
    plan=LoadPlan(rate_per_s=worlds.RATE_PER_S, duration_s=200.0, warmup_s=0.0, quiet_s=1.5),
)

FACTS = replace(PLACE, zones=("a", "b", "c"))


def raw_items(*, zone_label: bool = True) -> dict[str, list[dict[str, Any]]]:
    """The shop as its API shows it; the doctor finds nothing wrong unless nodes have no zone."""
    labels = {"topology.kubernetes.io/zone": "eu-west-1{}"} if zone_label else {}
    nodes = [
        {
            **NODE,
            "metadata": {
                "name": f"node-{at}",
                "labels": {name: text.format(at) for name, text in labels.items()},
            },
        }
        for at in "abc"
    ]
    pods = [
        {
            **POD,
            "metadata": {"name": f"{app}-{at}", "namespace": app, "labels": {"app": app}},
            "spec": {"nodeName": f"node-{at}"},
        }
        for app in ("ui", "catalog")
        for at in "abc"
    ]
    ends = [
        {
            "addresses": [f"10.0.0.{ord(at)}"],
            "conditions": {"ready": True},
            "nodeName": f"node-{at}",
            **({"zone": f"eu-west-1{at}"} if zone_label else {}),
        }
        for at in "abc"
    ]
    service = {**SERVICE, "metadata": {"name": "catalog", "namespace": "catalog"}}
    service["spec"] = {"selector": {"app": "catalog"}}
    return {NODES: nodes, PODS: pods, SERVICES: [service], SLICES: [{**SLICE, "endpoints": ends}]}


@dataclass
class ShopCluster(FakePlaceCluster):
    """A cluster with the shop's pods; its controller may refuse hints."""

    refusal: Event | None = None

    def slices(self, key: ServiceKey) -> tuple[EndpointSlice, ...]:
        return super().slices(key) if self.refusal is None else (PLAIN,)

    def events(self, key: ServiceKey) -> tuple[Event, ...]:
        del key
        refused = self.refusal is not None and mode_of(self.current) is RoutingMode.TAR
        return (self.refusal,) if self.refusal is not None and refused else ()

    def snapshot(self, namespaces: Sequence[str]) -> Snapshot:
        del namespaces
        return snapshot(TOPOLOGY, taken_at_s=self.now_s)


@dataclass
class ShopSwarm(FakeSwarm):
    """Makes the window's requests, and remembers under which mode."""

    shop: "Shop | None" = None

    def start(self, plan: LoadPlan, *, run_id: str, phase: Phase) -> None:
        super().start(plan, run_id=run_id, phase=phase)
        if self.shop is not None and phase is Phase.MEASURE:
            self.shop.serve(mode_of(self.cluster.current), run_id)

    def progress(self) -> Progress:
        return Progress(requests=self.requests, failures=0, workers=2)

    def tallies(self) -> tuple[WorkerTally, ...]:
        return worlds.load().workers


@dataclass
class Shop:
    """The place, its source and its person; each mode's same-zone share is given."""

    folder: Path
    shares: dict[RoutingMode, float] = field(
        default_factory=lambda: {RoutingMode.OFF: 1 / 3, RoutingMode.TAR: 1.0}
    )
    cluster: ShopCluster = field(default_factory=lambda: ShopCluster(items=raw_items()))
    facts: Place = FACTS
    person: Person = field(default_factory=Person)
    windows: list[tuple[RoutingMode, str]] = field(default_factory=list)
    """The mode and run of each window measured."""
    is_dark: bool = False
    """Whether the source does not answer."""
    losing: frozenset[int] = frozenset()
    """Windows, by their number from 1, of which X-Ray gets no more than nine tenths."""
    left_out: tuple[str, ...] = ()
    """What the source says that it draws no traces from."""
    silent: frozenset[int] = frozenset()
    """Windows, by their number from 1, in which the ui calls nobody."""
    preflights: int = 0

    def __post_init__(self) -> None:
        self.platform = FakePlatform(
            cluster=self.cluster,
            make_swarm=lambda cluster: ShopSwarm(cluster, shop=self),
            facts=self.facts,
        )
        self.source = ShopSource(self)
        self.graph: tuple[Raw, ...] = ()
        self.traces: tuple[Raw, ...] = ()

    def serve(self, mode: RoutingMode, run_id: str) -> None:
        """A window's calls; every one over a connection of its own."""
        self.windows.append((mode, run_id))
        same = round(CALLS * self.shares[mode])
        # Equal arms are not equal to the last call.
        same = min(CALLS, same + len(self.windows) % 3)
        cross = CALLS - same
        if len(self.windows) in self.silent:
            same = cross = 0
        self.graph = worlds.whole_graph(same, cross).pages()
        if len(self.windows) in self.losing:
            self.graph = worlds.shop(same * 9 // 10, cross * 9 // 10).pages()
        self.traces = worlds.traces_of(same, cross, seed=len(self.windows))

    def session(self) -> Session:
        return Session(
            traffic=traffic_session(self.platform, self.folder, self.person), open_source=self.open_source
        )

    @contextmanager
    def open_source(self, place: Place) -> Iterator[Source]:
        assert place == self.facts
        yield self.source

    def preflight(self) -> None:
        self.preflights += 1


@dataclass
class ShopSource(Source):
    """Answers for the shop's last window as X-Ray would."""

    shop: Shop
    name = NAME
    title = TITLE
    patience = LAB_PATIENCE
    reader = XRayReader()

    def preflight(self) -> None:
        self.shop.preflight()

    def ask(self, question: Question) -> Answers:
        if self.shop.is_dark:
            raise UnreachableError("calling get_service_graph: no answer")
        assert self.shop.windows[-1][1] == question.run_id
        return (self.shop.graph,)

    def sample(self, question: Question, most: int) -> Drawn:
        traces = self.shop.traces
        rows = random.Random(question.run_id).sample(traces, min(most, len(traces)))
        return Drawn(rows=tuple(rows), left_out=self.shop.left_out)
