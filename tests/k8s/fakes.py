"""Stand-ins for a cluster, shared by the tests of the rooms above."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from k8s.topology import (
    Endpoint,
    EndpointSlice,
    Event,
    NodeName,
    Service,
    ServiceKey,
    Snapshot,
    Zone,
)

KEY = ServiceKey(namespace="catalog", name="catalog")


def endpoint(zone: str, *hints: str, ready: bool = True, nodes: tuple[str, ...] = ()) -> Endpoint:
    return Endpoint(
        addresses=("127.0.0.1",),
        zone=Zone(zone),
        node=NodeName(f"node-{zone}"),
        ready=ready,
        zone_hints=tuple(Zone(hint) for hint in hints),
        node_hints=tuple(NodeName(name) for name in nodes),
    )


def one_slice(*endpoints: Endpoint) -> EndpointSlice:
    return EndpointSlice(namespace="catalog", name="catalog-abc", service="catalog", endpoints=endpoints)


@dataclass
class FakeCluster:
    """Applies patches; hints and events appear at a given time of its clock."""

    now_s: float = 100.0
    """By the clock that only goes forward."""
    set_by_s: float = 0.0
    """How far the wall clock has been set: 0 and both clocks agree."""
    current: Service = field(default_factory=lambda: Service(namespace="catalog", name="catalog"))
    before: tuple[EndpointSlice, ...] = (one_slice(endpoint("a"), endpoint("b")),)
    after: tuple[EndpointSlice, ...] = (one_slice(endpoint("a", "a"), endpoint("b", "b")),)
    hints_at_s: float = 101.0
    events_before: tuple[Event, ...] = ()
    events_after: tuple[Event, ...] = ()
    patches: list[dict[str, Any]] = field(default_factory=list)

    def clock(self) -> float:
        return self.now_s + self.set_by_s

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def service(self, key: ServiceKey) -> Service:
        assert key == KEY
        return self.current

    def slices(self, key: ServiceKey) -> tuple[EndpointSlice, ...]:
        assert key == KEY
        return self.after if self.now_s >= self.hints_at_s else self.before

    def events(self, key: ServiceKey) -> tuple[Event, ...]:
        assert key == KEY
        return self.events_after if self.now_s >= self.hints_at_s else self.events_before

    def patch_service(self, key: ServiceKey, patch: dict[str, Any]) -> Service:
        assert key == KEY
        self.patches.append(patch)
        annotations = dict(self.current.annotations)
        for name, value in patch.get("metadata", {}).get("annotations", {}).items():
            if value is None:
                annotations.pop(name, None)
            else:
                annotations[name] = value
        distribution = patch.get("spec", {}).get("trafficDistribution", self.current.traffic_distribution)
        self.current = replace(
            self.current, annotations=tuple(sorted(annotations.items())), traffic_distribution=distribution
        )
        return self.current

    def snapshot(self, namespaces: Sequence[str]) -> Snapshot:
        del namespaces
        return Snapshot(taken_at_s=self.now_s)

    def watch_paths(self, namespaces: Sequence[str]) -> tuple[str, ...]:
        del namespaces
        return ("/api/v1/nodes",)

    def changes(self, path: str, *, timeout_s: float) -> Iterator[None]:
        del path, timeout_s
        return iter(())
