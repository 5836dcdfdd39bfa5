"""Small clusters and Services, written as the tables of the documentation write them: "2:1:1", "3/3/3"."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from k8s.routing.allocation import CpuRatios, cpu_ratios
from k8s.routing.hints import CONTROLLER, HintsCache, Reconciliation, SliceLists, reconcile
from k8s.routing.proxy import usable
from k8s.routing.transfers import Choose, first
from k8s.topology import (
    TOPOLOGY_MODE_ANNOTATION,
    Endpoint,
    EndpointSlice,
    Node,
    NodeName,
    Service,
    Zone,
)

LETTERS = "abcdefgh"


def zone(letter: str) -> Zone:
    return Zone(letter)


def nodes_of(cpu: str) -> tuple[Node, ...]:
    """One ready node a zone, its CPU in units of 1000 milli; "0" is no node there."""
    return tuple(
        Node(name=NodeName(f"node-{letter}"), zone=zone(letter), ready=True, cpu_allocatable_milli=milli)
        for letter, part in zip(LETTERS, cpu.split(":"), strict=False)
        if (milli := int(part) * 1000)
    )


def cpu_of(cpu: str) -> CpuRatios:
    return cpu_ratios(nodes_of(cpu))


def slice_of(
    pods: str, hints: str = "", *, name: str = "catalog-1", ready: bool | None = True
) -> EndpointSlice:
    """Endpoints by zone, all of a first; *hints* likewise says to which zones they are hinted, in order."""
    zones = spread(pods)
    hinted = spread(hints) if hints else ()
    return EndpointSlice(
        namespace="catalog",
        name=name,
        service="catalog",
        managed_by=CONTROLLER,
        endpoints=tuple(
            Endpoint(
                addresses=(f"{name}-{number}",),
                zone=at,
                node=NodeName(f"node-{at}"),
                ready=ready,
                zone_hints=hinted[number : number + 1],
            )
            for number, at in enumerate(zones)
        ),
    )


def zoneless(one: EndpointSlice) -> EndpointSlice:
    """The same with its first endpoint in no zone."""
    return replace(one, endpoints=(replace(one.endpoints[0], zone=None), *one.endpoints[1:]))


def spread(counts: str) -> tuple[Zone, ...]:
    """What "2/0/1" stands for: a, a, c."""
    return tuple(
        zone(letter) for letter, n in zip(LETTERS, counts.split("/"), strict=False) for _ in range(int(n))
    )


def counted(counts: str) -> tuple[tuple[Zone, int], ...]:
    """What "2/0/1" stands for as ZoneCounts: a 2, c 1."""
    zones = spread(counts)
    return tuple((at, zones.count(at)) for at in sorted(set(zones)))


def service(**settings: object) -> Service:
    """A Service with these fields; annotation ``topology-mode: Auto`` if none is given."""
    plain = Service(namespace="catalog", name="catalog", selector=(("app", "catalog"),))
    return replace(plain, **(settings or {"annotations": ((TOPOLOGY_MODE_ANNOTATION, "Auto"),)}))  # type: ignore[arg-type]


AUTO = service()
OFF = service(annotations=())


def reconciled(
    cpu: str,
    slices: SliceLists,
    cache: HintsCache | None = None,
    *,
    of: Service = AUTO,
    choose: Choose = first,
) -> Reconciliation:
    return reconcile(of, cpu_of(cpu), slices, cache or HintsCache(), choose=choose)


def enabled(cpu: str, pods: str) -> Reconciliation:
    """What happens when Auto is switched on for a Service of one slice without hints."""
    return reconciled(cpu, SliceLists(unchanged=(slice_of(pods),)))


def by_cpu(cpu: str) -> Mapping[Zone, float]:
    """Clients in proportion to the CPU of the zones."""
    return dict(cpu_of(cpu).by_zone or ())


def same_zone_share(of: Service, slices: Sequence[EndpointSlice], clients: Mapping[Zone, float]) -> float:
    """The expected share of new connections that stay in their zone; *clients* sum to 1."""
    share = 0.0
    for at, weight in clients.items():
        found = usable(of, slices, NodeName(f"client-{at}"), at).endpoints
        share += weight * sum(endpoint.zone == at for endpoint in found) / len(found)
    return share


def load_range(
    of: Service, slices: Sequence[EndpointSlice], clients: Mapping[Zone, float]
) -> tuple[float, float]:
    """Least and greatest expected load of an endpoint, relative to an even spread."""
    endpoints = [endpoint for one in slices for endpoint in one.endpoints]
    load = dict.fromkeys((endpoint.addresses for endpoint in endpoints), 0.0)
    for at, weight in clients.items():
        found = usable(of, slices, NodeName(f"client-{at}"), at).endpoints
        for endpoint in found:
            load[endpoint.addresses] += weight / len(found) * len(endpoints)
    return min(load.values()), max(load.values())


class Replay:
    """A ``choose`` callback that answers from a script, the first answer beyond its end."""

    def __init__(self, script: Sequence[int]) -> None:
        self.script = list(script)
        self.sizes: list[int] = []

    def __call__(self, zones: Sequence[Zone]) -> Zone:
        number = len(self.sizes)
        self.sizes.append(len(zones))
        return zones[self.script[number] if number < len(self.script) else 0]


def every_choice(run: Callable[[Replay], Reconciliation]) -> Iterator[Reconciliation]:
    """*run* once for every sequence of answers there is."""
    script: list[int] | None = []
    while script is not None:
        replay = Replay(script)
        yield run(replay)
        taken = [*script, *[0] * len(replay.sizes)][: len(replay.sizes)]
        script = None
        for at in reversed(range(len(taken))):
            if taken[at] + 1 < replay.sizes[at]:
                script = [*taken[:at], taken[at] + 1]
                break
