"""A shop that is only looked at: its cluster with Services and endpoints, its graph and its traces."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from analysis.arm.result import AssumedBytes
from analysis.observe.observed import Observation, Scope
from analysis.observe.observing import ObservedPlace, ObserveSession
from analysis.observe.reading import Gathered, observation
from analysis.source.interface import Answers, Drawn, Question, Received, Source
from analysis.source.xray.reader import NAME, TITLE, XRayReader
from analysis.source.xray.xray_source import LAB_PATIENCE, draw
from k8s.model.scene import Agent, AgentKind, Scene
from k8s.topology import Endpoint, EndpointSlice, Service, Snapshot, Zone
from loadtest.record import Place, Window
from tests.analysis.graphs import snapshot, trace
from tests.analysis.traced_shop import ADDRESS, CATALOG_PODS, LENGTH_S, START_S, ZONES, Shop

WINDOW = Window(start_s=START_S, end_s=START_S + LENGTH_S)
PLACE = Place(
    platform="cluster", context="shop", server="https://x", version="v1.35.0", region="eu-west-1", zones=()
)


def service(name: str, **changes: Any) -> Service:
    plain = Service(namespace=name, name=name, selector=(("app", name),), cluster_ip="10.96.0.7")
    return replace(plain, **changes)


def endpoints(name: str, pods: dict[str, str], *, of: str = "") -> EndpointSlice:
    return EndpointSlice(
        namespace=of or name,
        name=f"{name}-abcde",
        service=name,
        managed_by="endpointslice-controller.k8s.io",
        endpoints=tuple(
            Endpoint(
                addresses=(ADDRESS.get(pod, f"10.1.0.{number}"),),
                zone=Zone(zone),
                node=f"node-{zone}",
                ready=True,
                pod=pod,
            )
            for number, (pod, zone) in enumerate(pods.items(), start=1)
        ),
    )


def cluster(
    services: Sequence[Service] = (service("catalog"),),
    slices: Sequence[EndpointSlice] = (endpoints("catalog", CATALOG_PODS),),
    pods: dict[str, str] | None = None,
) -> Snapshot:
    """Each workload's pods are in the namespace of its name."""
    plain = snapshot({pod: f"node-{zone}" for pod, zone in (pods or ZONES).items()})
    homes = tuple(replace(pod, namespace=pod.name.partition("-")[0]) for pod in plain.pods)
    return replace(
        plain, pods=homes, services=tuple(services), slices=tuple(slices), taken_at_s=WINDOW.end_s + 60
    )


def scene(shown: Snapshot, **changes: Any) -> Scene:
    proxies = tuple(
        Agent(
            name=f"kube-proxy-{at}", node=f"node-{at}", image="kube-proxy:v1.35.0", kind=AgentKind.KUBE_PROXY
        )
        for at in "abc"
    )
    plain = Scene(
        source="context shop",
        snapshot=shown,
        events=(),
        server_minor=35,
        proxy_minors=tuple((f"node-{at}", 35) for at in "abc"),
        agents=proxies,
    )
    return replace(plain, **changes)


def gathered(shop: Shop, *, shown: Snapshot | None = None, **changes: Any) -> Gathered:
    """All of the shop's graph and traces."""
    shown = shown or cluster()
    rows = tuple(rows_of(shop))
    plain = Gathered(
        place=PLACE,
        scene=scene(shown),
        snapshots=(shown,),
        watched=False,
        window=WINDOW,
        reader=XRayReader(),
        received=Received(answers=(shop.graph(shop.made).pages(),), rows=rows, window=WINDOW),
        stable=True,
        scope=Scope(),
        assumed=AssumedBytes(),
        created_s=WINDOW.end_s + 61,
    )
    return replace(plain, **changes)


def rows_of(shop: Shop) -> Iterator[dict[str, Any]]:
    for one in shop.made:
        yield trace(*shop.documents(one))


def seen(shop: Shop, **changes: Any) -> Observation:
    return observation(gathered(shop, **changes))


@dataclass
class Looker(Source, ObservedPlace):
    """Place, source and clock of an observation, all fakes on one time."""

    shop: Shop
    shown: Snapshot = field(default_factory=cluster)
    later: Snapshot | None = None
    """How the cluster looks from the second look on."""
    now_s: float = WINDOW.end_s
    late: int = 0
    """How many answers show nothing yet."""
    asked: list[Question] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    looks: int = 0
    name = NAME
    title = TITLE
    patience = LAB_PATIENCE
    reader = XRayReader()

    def preflight(self) -> None:
        """All calls are there."""

    def ask(self, question: Question) -> Answers:
        self.asked.append(question)
        if len(self.asked) <= self.late:
            return (({"Services": []},),)
        return (self.shop.graph(self.shop.made).pages(),)

    def sample(self, question: Question, most: int) -> Drawn:
        self.asked.append(question)
        rows = {str(number): row for number, row in enumerate(rows_of(self.shop))}
        return Drawn(rows=tuple(rows[one] for one in draw(tuple(rows), most, seed="x")))

    @property
    def watchable(self) -> "Looker":
        return self

    def snapshot(self, namespaces: Sequence[str]) -> Snapshot:
        del namespaces
        self.looks += 1
        shown = self.later if self.later is not None and self.looks > 1 else self.shown
        return replace(shown, taken_at_s=self.now_s)

    def watch_paths(self, namespaces: Sequence[str]) -> tuple[str, ...]:
        del namespaces
        return ()

    def changes(self, path: str, *, timeout_s: float) -> Iterator[None]:
        del path, timeout_s
        yield from ()

    def facts(self) -> Place:
        return PLACE

    def scene(self) -> Scene:
        return scene(self.snapshot(()))

    @contextmanager
    def open_source(self, place: Place) -> Iterator[Source]:
        assert place == PLACE
        yield self

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def session(self) -> ObserveSession:
        return ObserveSession(
            open_place=lambda: self,
            open_source=self.open_source,
            clock=lambda: self.now_s,
            sleep=self.sleep,
            say=self.said.append,
        )


def saved_objects(folder: Path) -> Path:
    """The shop's cluster as kubectl prints it."""

    def pod(name: str, zone: str) -> dict[str, Any]:
        app = name.partition("-")[0]
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": app, "labels": {"app": app}},
            "spec": {"nodeName": f"node-{zone}", "containers": [{"name": "main"}]},
            "status": {
                "podIP": ADDRESS[name],
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }

    def node(zone: str) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": f"node-{zone}",
                "labels": {
                    "topology.kubernetes.io/zone": zone,
                    "topology.kubernetes.io/region": "eu-west-1",
                },
            },
            "status": {
                "allocatable": {"cpu": "4"},
                "conditions": [{"type": "Ready", "status": "True"}],
                "nodeInfo": {"kubeProxyVersion": "v1.35.0"},
            },
        }

    ends = [
        {
            "addresses": [ADDRESS[name]],
            "conditions": {"ready": True},
            "nodeName": f"node-{zone}",
            "zone": zone,
            "targetRef": {"kind": "Pod", "name": name},
        }
        for name, zone in CATALOG_PODS.items()
    ]
    items = [
        *(node(zone) for zone in "abc"),
        *(pod(name, zone) for name, zone in ZONES.items()),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "catalog", "namespace": "catalog"},
            "spec": {"selector": {"app": "catalog"}, "clusterIP": "10.96.0.7", "ports": [{"port": 80}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": "catalog-abcde",
                "namespace": "catalog",
                "labels": {
                    "kubernetes.io/service-name": "catalog",
                    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                },
            },
            "addressType": "IPv4",
            "endpoints": ends,
            "ports": [],
        },
    ]
    path = folder / "saved.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    return path
