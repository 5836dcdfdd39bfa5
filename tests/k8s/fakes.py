"""Stand-ins for a cluster, shared by the tests of the rooms above."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from k8s.errors import ConflictError, UnreachableError
from k8s.live.claims import Claims
from k8s.live.cluster import ForbiddenError
from k8s.live.control import VersionedService
from k8s.live.holding import HoldingEffects, Holds, Records
from k8s.live.leases import Holder
from k8s.model.field_managers import FieldManager
from k8s.routing.restoring import Knob, Original
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

    context: str = "c"
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
    """Those that were applied, without the version they named."""
    meanwhile: list[dict[str, Any]] = field(default_factory=list)
    """What somebody else patches, one before each patch of ours."""
    service_version: int = 1
    writes: int = 0
    """Of other objects: the newest version."""
    managers: tuple[tuple[Knob, FieldManager], ...] = ()
    is_away: bool = False
    """Whether the API server does not answer; as long as that is so."""
    forbidden: tuple[str, ...] = ()
    """What may not be done with Leases: read, create, replace, delete."""
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Other objects than the Service, by their paths."""

    def clock(self) -> float:
        return self.now_s + self.set_by_s

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def service(self, key: ServiceKey) -> Service:
        self._reach()
        assert key == self.current.key
        return self.current

    def versioned(self, key: ServiceKey) -> VersionedService:
        return VersionedService(
            service=self.service(key), version=str(self.service_version), managers=self.managers
        )

    def slices(self, key: ServiceKey) -> tuple[EndpointSlice, ...]:
        assert key == self.current.key
        return self.after if self.now_s >= self.hints_at_s else self.before

    def events(self, key: ServiceKey) -> tuple[Event, ...]:
        assert key == self.current.key
        return self.events_after if self.now_s >= self.hints_at_s else self.events_before

    def patch_service(self, key: ServiceKey, patch: dict[str, Any]) -> Service:
        self._reach()
        assert key == self.current.key
        if self.meanwhile:
            self.apply(self.meanwhile.pop(0))
        metadata = dict(patch.get("metadata", {}))
        if metadata.pop("resourceVersion", str(self.service_version)) != str(self.service_version):
            raise ConflictError("changing Service catalog/catalog: the object has been modified")
        ours = {name: part for name, part in (patch | {"metadata": metadata}).items() if part}
        self.patches.append(ours)
        return self.apply(ours)

    def apply(self, patch: dict[str, Any]) -> Service:
        """What anybody's patch does."""
        self.service_version += 1
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

    def read_object(self, path: str, *, what: str) -> dict[str, Any] | None:
        self._reach("read", what)
        return self.objects.get(path)

    def create_object(self, path: str, body: Mapping[str, Any], *, what: str) -> dict[str, Any]:
        self._reach("create", what)
        full = f"{path}/{body['metadata']['name']}"
        if full in self.objects:
            raise ConflictError(f"creating {what}: it already exists")
        return self._stored(full, body)

    def replace_object(self, path: str, body: Mapping[str, Any], *, what: str) -> dict[str, Any]:
        self._reach("replace", what)
        self._check_version(path, body["metadata"]["resourceVersion"], what)
        return self._stored(path, body)

    def delete_object(self, path: str, *, version: str, what: str) -> None:
        self._reach("delete", what)
        if path in self.objects:
            self._check_version(path, version, what)
            del self.objects[path]

    def _reach(self, verb: str = "", what: str = "") -> None:
        if self.is_away:
            raise UnreachableError("asking the API server: connection refused")
        if verb in self.forbidden:
            raise ForbiddenError(f"{verb} {what}: 403 forbidden")

    def _check_version(self, path: str, version: str, what: str) -> None:
        if path not in self.objects or self.objects[path]["metadata"]["resourceVersion"] != version:
            raise ConflictError(f"changing {what}: the object has been modified")

    def _stored(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self.writes += 1
        stored = json.loads(json.dumps(body))
        stored["metadata"]["resourceVersion"] = str(self.writes)
        self.objects[path] = stored
        return stored

    def snapshot(self, namespaces: Sequence[str] | None) -> Snapshot:
        del namespaces
        return Snapshot(taken_at_s=self.now_s)

    def watch_paths(self, namespaces: Sequence[str]) -> tuple[str, ...]:
        del namespaces
        return ("/api/v1/nodes",)

    def changes(self, path: str, *, timeout_s: float) -> Iterator[None]:
        del path, timeout_s
        return iter(())


@dataclass
class MemoryRecords:
    """Records that outlive no process."""

    kept: dict[tuple[str, ServiceKey], Original] = field(default_factory=dict)

    def remember(self, context: str, key: ServiceKey, original: Original) -> None:
        self.kept[context, key] = original

    def recall(self, context: str, key: ServiceKey) -> Original | None:
        return self.kept.get((context, key))

    def forget(self, context: str, key: ServiceKey) -> None:
        self.kept.pop((context, key), None)


def holds(
    cluster: FakeCluster,
    records: Records,
    *,
    name: str = "ann@laptop/1/a",
    said: list[str] | None = None,
    ended: Sequence[str] = (),
) -> Holds:
    """Services held on the fake cluster's clock.

    The process of *name* runs, as far as this machine knows, unless it is one of *ended*.
    """
    heard = [] if said is None else said
    claims = Claims(
        me=Holder(identity=name, process=name),
        still_runs=lambda process: False if process in ended else None,
        clock=cluster.clock,
        sleep=cluster.sleep,
        say=heard.append,
    )
    effects = HoldingEffects(
        records=records,
        claims=claims,
        clock=cluster.clock,
        monotonic=cluster.monotonic,
        sleep=cluster.sleep,
        say=heard.append,
        command="samezone routing restore --service {}".format,
    )
    return Holds(effects)
