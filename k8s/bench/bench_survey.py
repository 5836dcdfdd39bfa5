"""How long a survey takes, and how much memory: ``python -m k8s.bench.bench_survey``.

The place of size 1 has 1,000 Services, 100,000 endpoints and pods, 5,000 nodes and 6 zones. Each size runs
in a process of its own, so that its peak memory is its own; the memory holds the scene, too.
"""

import random
import subprocess
import sys
import time

from k8s.bench.peak import peak_mib
from k8s.doctor.survey import survey
from k8s.model.scene import Scene
from k8s.routing.hints import CONTROLLER
from k8s.topology import (
    TOPOLOGY_MODE_ANNOTATION,
    Endpoint,
    EndpointSlice,
    Labels,
    Node,
    NodeName,
    Pod,
    PodName,
    Service,
    Snapshot,
    Zone,
)

ZONES = tuple(Zone(f"eu-west-1{letter}") for letter in "abcdef")
SERVICES, NODES, PODS_EACH, MINOR = 1_000, 5_000, 100, 35
SIZES = (0.1, 1.0, 10.0)
LIMIT_S = 60.0
KINDS: tuple[tuple[Labels, str | None, str], ...] = (
    (((TOPOLOGY_MODE_ANNOTATION, "Auto"),), None, "zone"),
    (((TOPOLOGY_MODE_ANNOTATION, "Auto"),), None, ""),
    ((), "PreferSameZone", "zone"),
    ((), "PreferSameNode", "node"),
    ((), None, ""),
)
"""(annotations, trafficDistribution, hints) in turn."""


def scene(size: float, seed: int = 1) -> Scene:
    """A place of that size, with Services of every kind."""
    rng = random.Random(seed)  # noqa: S311 - a seeded example, not a secret
    nodes = tuple(
        Node(
            name=NodeName(f"node-{n}"),
            zone=ZONES[n % len(ZONES)],
            ready=True,
            cpu_allocatable_milli=rng.choice((1930, 3920, 7910)),
        )
        for n in range(int(NODES * size))
    )
    services = [_service(n, nodes, rng) for n in range(int(SERVICES * size))]
    return Scene(
        source="a made-up place",
        snapshot=Snapshot(
            taken_at_s=0.0,
            nodes=nodes,
            services=tuple(service for service, _, _ in services),
            slices=tuple(one for _, one, _ in services),
            pods=tuple(pod for _, _, pods in services for pod in pods),
        ),
        events=(),
        server_minor=MINOR,
        proxy_minors=tuple((node.name, MINOR) for node in nodes),
    )


def _service(
    number: int, nodes: tuple[Node, ...], rng: random.Random
) -> tuple[Service, EndpointSlice, tuple[Pod, ...]]:
    annotations, field, hints = KINDS[number % len(KINDS)]
    name = f"service-{number}"
    placed = [(PodName(f"{name}-{n}"), rng.choice(nodes)) for n in range(PODS_EACH)]
    labels = (("app", name),)
    service = Service(
        namespace="shop", name=name, selector=labels, annotations=annotations, traffic_distribution=field
    )
    endpoints = tuple(
        Endpoint(
            addresses=(f"10.{number >> 8 & 255}.{number & 255}.{n}",),
            zone=node.zone,
            node=node.name,
            ready=True,
            pod=pod,
            zone_hints=(node.zone,) if hints and node.zone else (),
            node_hints=(node.name,) if hints == "node" else (),
        )
        for n, (pod, node) in enumerate(placed)
    )
    one = EndpointSlice(
        namespace="shop", name=f"{name}-1", service=name, endpoints=endpoints, managed_by=CONTROLLER
    )
    pods = tuple(Pod(namespace="shop", name=pod, node=node.name, labels=labels) for pod, node in placed)
    return service, one, pods


def run(size: float) -> None:
    """Measure one size in this process and print a line."""
    place = scene(size)
    began_s, busy_s = time.perf_counter(), time.process_time()
    rows = survey(place)
    took_s, busy_s = time.perf_counter() - began_s, time.process_time() - busy_s
    peak = peak_mib()
    endpoints = sum(row.endpoints for row in rows)
    nodes = len(place.snapshot.nodes)
    print(
        f"{size:>4g} x: {len(rows):>6,} Services {endpoints:>9,} endpoints {nodes:>6,} nodes "
        f"{len(ZONES)} zones  {took_s:7.2f} s ({busy_s:.2f} s of CPU)  peak {peak:6.0f} MiB",
        flush=True,
    )


def main() -> None:
    """All sizes, each in its own process; ends at the first that takes too long."""
    for size in SIZES:
        program = [sys.executable, "-m", "k8s.bench.bench_survey", str(size)]
        try:
            subprocess.run(program, check=True, timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            print(f"{size:>4g} x: stopped after {LIMIT_S:.0f} s")
            return


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run(float(sys.argv[1]))
    else:
        main()
