"""What a scenario file may say about an app, and the app it makes (pure)."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from k8s.lab.design.application import App, AppCall, AppPlace, AppRoute, Workload
from k8s.topology import ServiceKey

_LONGEST_THINK_MS = 60_000.0
_MOST_BYTES = 10_000_000
_MOST_TIMES = 100.0
_MOST_RATE = 1000.0
_LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"

Count = Annotated[int, Meta(ge=0)]
OneOrMore = Annotated[int, Meta(ge=1)]
PodsByZone = Annotated[dict[str, Count], Meta(description="Pods by zone.")]
PodsInOrder = Annotated[
    tuple[Count, ...], Meta(min_length=1, description="Pods in each zone, in the order of zones.")
]
Label = Annotated[str, Meta(pattern=f"^{_LABEL}$")]
Name = Annotated[str, Meta(pattern=f"^{_LABEL}/{_LABEL}$", description="NAMESPACE/NAME of a workload.")]
UrlPath = Annotated[str, Meta(pattern="^/[!-~]*$")]
ResponseBytes = Annotated[int, Meta(ge=0, le=_MOST_BYTES, description="Length of an answer.")]
ThinkMs = Annotated[
    float, Meta(ge=0, le=_LONGEST_THINK_MS, description="What an answer takes, beside its calls.")
]


class CallEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom a workload calls to answer a request."""

    to: Name
    path: UrlPath = "/"
    times: Annotated[
        float,
        Meta(ge=0, le=_MOST_TIMES, description="How often; 1.5 is once or twice, as often, by chance."),
    ] = 1.0


class RouteEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A path that does other calls than the default ones; {name} in it is anything between two slashes."""

    path: UrlPath
    calls: tuple[CallEntry, ...] = ()
    response_bytes: ResponseBytes | UnsetType = UNSET
    think_ms: ThinkMs | UnsetType = UNSET


class WorkloadEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A Deployment and its Service. It answers every method and path."""

    namespace: Label
    name: Label
    pods: Annotated[
        OneOrMore | PodsInOrder | PodsByZone,
        Meta(description="How many, spread evenly; or in each zone; or by zone, where others have none."),
    ] = 1
    calls: Annotated[
        tuple[CallEntry, ...], Meta(description="Made for every path that is not among the routes.")
    ] = ()
    routes: tuple[RouteEntry, ...] = ()
    response_bytes: ResponseBytes = 512
    think_ms: ThinkMs = 0.0
    keep_alive: Annotated[bool, Meta(description="Whether its calls share connections.")] = False
    database: Annotated[bool, Meta(description="Whether it asks a database, which is a leaf.")] = False
    rate_per_s: Annotated[
        float,
        Meta(ge=0, le=_MOST_RATE, description="Each pod makes the default calls so often by itself."),
    ] = 0.0


class AppEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An app of one's own."""

    entry: Annotated[Name, Meta(description="Where its users come in.")]
    workloads: Annotated[tuple[WorkloadEntry, ...], Meta(min_length=1)]

    def zones_named(self) -> tuple[AppPlace, ...]:
        """Where zones are named; the last step is the zone."""
        return tuple(
            ("workloads", index, "pods", zone)
            for index, workload in enumerate(self.workloads)
            if isinstance(workload.pods, dict)
            for zone in workload.pods
        )


def app_of(entry: AppEntry, zones: tuple[str, ...]) -> App:
    """The app that a file describes."""
    return App(entry=key_of(entry.entry), workloads=tuple(_workload(one, zones) for one in entry.workloads))


def key_of(text: str) -> ServiceKey:
    """Of ``NAMESPACE/NAME``."""
    namespace, _, name = text.partition("/")
    return ServiceKey(namespace=namespace, name=name)


def _workload(entry: WorkloadEntry, zones: tuple[str, ...]) -> Workload:
    pods = entry.pods
    if isinstance(pods, dict):
        pods = tuple(pods.get(zone, 0) for zone in zones)
    return Workload(
        key=ServiceKey(namespace=entry.namespace, name=entry.name),
        replicas=pods if isinstance(pods, int) else sum(pods),
        per_zone=() if isinstance(pods, int) else pods,
        calls=_calls(entry.calls),
        routes=tuple(_route(route) for route in entry.routes),
        response_bytes=entry.response_bytes,
        think_s=entry.think_ms / 1000,
        keep_alive=entry.keep_alive,
        database=entry.database,
        rate_per_s=float(entry.rate_per_s),
    )


def _route(entry: RouteEntry) -> AppRoute:
    return AppRoute(
        path=entry.path,
        calls=_calls(entry.calls),
        response_bytes=None if entry.response_bytes is UNSET else entry.response_bytes,
        think_s=None if entry.think_ms is UNSET else entry.think_ms / 1000,
    )


def _calls(entries: tuple[CallEntry, ...]) -> tuple[AppCall, ...]:
    return tuple(AppCall(to=key_of(call.to), path=call.path, times=float(call.times)) for call in entries)
