"""An app that runs in the lab: which workloads it has, and who calls whom. Values, and the checks of them.

A scenario describes one; ``store_app`` is the one that a lab has otherwise.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from k8s.topology import ServiceKey

AppPlace = tuple[str | int, ...]
"""Keys and indices from the app, as a scenario spells them."""

_REGISTRY = "samezone.dev/lab"
_MOST_WORKLOADS = 99
"""Of one app: each has a number in the Services' addresses."""


class Program(StrEnum):
    """What the pods of a workload run."""

    SERVICE = "service"
    """Answers anything, and calls as its workload says: ``k8s/lab/service``."""
    UI = "ui"
    CATALOG = "catalog"
    """Both of the demo store: ``k8s/lab/store``."""


_READINESS: Mapping[Program, str] = {
    Program.SERVICE: "/healthz",
    Program.UI: "/actuator/health/readiness",
    Program.CATALOG: "/health",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AppCall:
    """What a workload asks another one for, to answer a request."""

    to: ServiceKey
    path: str = "/"
    times: float = 1.0
    """Calls, one after the other; a fraction is made by chance: 1.5 is one call or two, as often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRoute:
    """A path that does other calls than the workload's default ones."""

    path: str
    """``{name}`` stands for anything between two slashes."""
    calls: tuple[AppCall, ...] = ()
    response_bytes: int | None = None
    """None: as the workload; so is *think_s*."""
    think_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A Deployment with a Service of the same name."""

    key: ServiceKey
    replicas: int = 1
    per_zone: tuple[int, ...] = ()
    """Pods in each of the lab's zones; empty spreads ``replicas`` evenly."""
    program: Program = Program.SERVICE
    calls: tuple[AppCall, ...] = ()
    """Made for every path that has no route of its own."""
    routes: tuple[AppRoute, ...] = ()
    response_bytes: int = 512
    think_s: float = 0.0
    """How long an answer takes, beside its calls."""
    keep_alive: bool = False
    """Whether its calls share connections; by default each opens a new one."""
    database: bool = False
    """Whether it makes spans of the questions to a database of its own, which is a leaf of the graph."""
    rate_per_s: float = 0.0
    """So often does each pod make the default calls by itself, as a background job does."""

    @property
    def pods(self) -> int:
        """How many there are."""
        return sum(self.per_zone) if self.per_zone else self.replicas

    @property
    def image(self) -> str:
        """What the lab can run as this workload."""
        name = self.key.name if self.key.namespace == self.key.name else str(self.key)
        return f"{_REGISTRY}/{name}"

    @property
    def readiness_path(self) -> str:
        """What the kubelet asks its pods."""
        return _READINESS[self.program]

    @property
    def callees(self) -> tuple[ServiceKey, ...]:
        """Whom its pods call on whatever path, each once."""
        calls = (*self.calls, *(call for route in self.routes for call in route.calls))
        return tuple(dict.fromkeys(call.to for call in calls))


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """Everything the lab runs for its user."""

    entry: ServiceKey
    """Where its users come in: what a load test loads."""
    workloads: tuple[Workload, ...]

    @property
    def services(self) -> tuple[ServiceKey, ...]:
        """The Services, in the order of their numbers."""
        return tuple(workload.key for workload in self.workloads)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The workloads', each once."""
        return tuple(dict.fromkeys(key.namespace for key in self.services))

    @property
    def pods(self) -> int:
        """Of all workloads."""
        return sum(workload.pods for workload in self.workloads)

    @property
    def keeps_connections(self) -> bool:
        """Whether any workload sends several calls over one connection."""
        return any(workload.keep_alive for workload in self.workloads)

    @property
    def images(self) -> dict[str, Workload]:
        """What can be run, by image."""
        return {workload.image: workload for workload in self.workloads}

    def find(self, key: ServiceKey) -> Workload | None:
        """The workload behind a Service; None where it is not the app's."""
        return next((workload for workload in self.workloads if workload.key == key), None)

    def number(self, key: ServiceKey) -> int:
        """The last octet of a Service's addresses, from 1; ValueError where it is not the app's."""
        return self.services.index(key) + 1


def faults(app: App, zones: int) -> Iterator[tuple[AppPlace, str]]:
    """Where and why an app cannot be had in so many zones."""
    services = app.services
    known = ", ".join(map(str, services)) or "none"
    if app.entry not in services:
        yield ("entry",), f"no workload {app.entry}; the app has {known}"
    if len(services) > _MOST_WORKLOADS:
        yield ("workloads",), f"{len(services)} workloads; have up to {_MOST_WORKLOADS}"
    for index, workload in enumerate(app.workloads):
        place = ("workloads", index)
        if workload.key in services[:index]:
            yield (*place, "name"), f"{workload.key} is there already"
        yield from _of_pods(workload, place, zones)
        yield from _of_routes(workload, place)
        for where, call in _placed_calls(workload, place):
            if call.to not in services:
                yield (*where, "to"), f"no workload {call.to}; the app has {known}"
        if workload.rate_per_s and not workload.calls:
            yield (*place, "rate_per_s"), f"{workload.key} has no default calls to make by itself; give calls"
    if circle := _circle(app):
        first = services.index(circle[0])
        yield ("workloads", first), f"calls go in a circle: {' -> '.join(map(str, circle))}"


def _of_pods(workload: Workload, place: AppPlace, zones: int) -> Iterator[tuple[AppPlace, str]]:
    per_zone = workload.per_zone
    if per_zone and (len(per_zone) != zones or min(per_zone) < 0):
        yield (*place, "pods"), f"{workload.key}: expected {zones} numbers, one for each zone"
    elif workload.pods < 1:
        yield (*place, "pods"), f"{workload.key} needs at least one pod"


def _of_routes(workload: Workload, place: AppPlace) -> Iterator[tuple[AppPlace, str]]:
    seen: set[str] = set()
    for index, route in enumerate(workload.routes):
        where = (*place, "routes", index, "path")
        if not route.path.startswith("/"):
            yield where, f"a path starts with /, got {route.path}"
        if route.path in seen:
            yield where, f"{route.path} is there already"
        if route.path == workload.readiness_path:
            yield where, f"the lab's kubelets ask {route.path} whether a pod is well; take another"
        seen.add(route.path)
    for where, call in _placed_calls(workload, place):
        if not call.path.startswith("/"):
            yield (*where, "path"), f"a path starts with /, got {call.path}"


def _placed_calls(workload: Workload, place: AppPlace) -> Iterator[tuple[AppPlace, AppCall]]:
    for index, call in enumerate(workload.calls):
        yield (*place, "calls", index), call
    for number, route in enumerate(workload.routes):
        for index, call in enumerate(route.calls):
            yield (*place, "routes", number, "calls", index), call


def _circle(app: App) -> tuple[ServiceKey, ...]:
    """Workloads that call each other round about, the first one named again at the end; empty: none do."""
    callees = {workload.key: workload.callees for workload in app.workloads}
    done: set[ServiceKey] = set()

    def walk(path: tuple[ServiceKey, ...]) -> tuple[ServiceKey, ...]:
        here = path[-1]
        if here in path[:-1]:
            return path[path.index(here) :]
        if here in done:
            return ()
        for callee in callees.get(here, ()):
            if found := walk((*path, callee)):
                return found
        done.add(here)
        return ()

    return next((found for key in callees if (found := walk((key,)))), ())
