"""What a scenario file may say, and the lab's settings it makes (pure).

The types below are the one declaration of its shape: they convert, and ``scenarios/schema.json`` is made of
them. How a file's text is read is in ``scenario_text.py``.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from k8s.lab.design import application as apps
from k8s.lab.design.app_entries import (
    AppEntry,
    Count,
    Name,
    OneOrMore,
    PodsByZone,
    PodsInOrder,
    app_of,
    key_of,
)
from k8s.lab.design.application import App
from k8s.lab.design.settings import ExtraNode, LabSettings, PairDelay, Rollout
from k8s.lab.design.store_app import CATALOG, store
from k8s.model import yaml_text
from k8s.model.yaml_text import Place
from k8s.topology import Zone

_LONGEST_DELAY_MS = 3_600_000.0
_LONGEST_PAUSE_S = 86_400.0
_ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")

Milliseconds = Annotated[float, Meta(ge=0, le=_LONGEST_DELAY_MS)]
ZoneName = Annotated[str, Meta(pattern="^[a-z0-9-]*[0-9][a-z]$")]


class NodeEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A node that is in the API only."""

    name: str
    zone: str | None = None
    cpu_milli: Count = 4000
    control_plane: bool = False


class RolloutEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pods of a workload that come one after the other once the lab is up."""

    start: Annotated[OneOrMore, Meta(description="Pods at the beginning.")]
    every_s: Annotated[float, Meta(ge=0, le=_LONGEST_PAUSE_S)] = 1.0
    workload: Name = str(CATALOG)


class DelayEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pair of zones whose latency differs from cross_zone_delay_ms."""

    zones: tuple[str, str]
    ms: Milliseconds


class PodsEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pods of the store by workload and zone; zones not named get none. In place of ui and catalog."""

    ui: PodsByZone | UnsetType = UNSET
    catalog: PodsByZone | UnsetType = UNSET


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What samezone lab up --scenario reads, as YAML. Everything but the description has a default."""

    description: Annotated[str, Meta(description="What is to be seen here.")]
    zones: Annotated[
        tuple[ZoneName, ...],
        Meta(min_length=1, description="A region and one letter each."),
    ] = _ZONES
    nodes_per_zone: OneOrMore = 1
    cpu_milli: Annotated[
        dict[str, OneOrMore],
        Meta(description="By zone: allocatable CPU of each of its nodes; elsewhere 4000."),
    ] = {}
    app: Annotated[
        Literal["store"] | AppEntry,
        Meta(description="What runs there: the demo store, or workloads of one's own."),
    ] = "store"
    pods: PodsEntry | UnsetType = UNSET
    ui: PodsInOrder | UnsetType = UNSET
    """Of the store: one each if nothing is said."""
    catalog: PodsInOrder | UnsetType = UNSET
    """Of the store: two each if nothing is said."""
    cross_zone_delay_ms: Annotated[Milliseconds, Meta(description="Extra one-way latency.")] = 0.6
    delays: tuple[DelayEntry, ...] = ()
    keep_alive: Annotated[
        bool | UnsetType, Meta(description="Of the store: whether ui keeps its connections to catalog.")
    ] = UNSET
    extra_nodes: tuple[NodeEntry, ...] = ()
    rollout: RolloutEntry | None = None

    def per_zone(self, workload: str, default: int) -> tuple[int, ...]:
        """Pods of a workload of the store in each zone, in the order of ``zones``."""
        by_zone = self.by_zone(workload)
        if by_zone is not UNSET:
            return tuple(by_zone.get(zone, 0) for zone in self.zones)
        given: tuple[int, ...] | UnsetType = getattr(self, workload)
        return (default,) * len(self.zones) if given is UNSET else given

    def by_zone(self, workload: str) -> dict[str, int] | UnsetType:
        """What ``pods`` says of a workload of the store."""
        found: dict[str, int] | UnsetType = UNSET if self.pods is UNSET else getattr(self.pods, workload)
        return found


def schema_text() -> str:
    """The shape as JSON Schema 2020-12, as ``scenarios/schema.json`` publishes it."""
    return yaml_text.schema_text(Scenario, name="scenario", title="A scenario of the samezone lab")


def misfits(scenario: Scenario) -> Iterator[tuple[Place, str]]:
    """Where and how the parts do not fit each other, which their types cannot say."""
    zones = scenario.zones
    named: list[Place] = [("cpu_milli", zone) for zone in scenario.cpu_milli]
    if isinstance(scenario.app, AppEntry):
        named += [("app", *place) for place in scenario.app.zones_named()]
    for workload in ("ui", "catalog"):
        in_order: tuple[int, ...] | UnsetType = getattr(scenario, workload)
        by_zone = scenario.by_zone(workload)
        if in_order is not UNSET and by_zone is not UNSET:
            yield (workload,), f"given here and as pods.{workload}; choose one"
        if in_order is not UNSET and len(in_order) != len(zones):
            yield (workload,), f"expected {len(zones)} numbers, one for each zone, got {len(in_order)}"
        if by_zone is not UNSET:
            named += [("pods", workload, zone) for zone in by_zone]
    for place in named:
        if place[-1] not in zones:
            yield place, f"no such zone; the scenario has {', '.join(zones)}"
    yield from _app_misfits(scenario)
    yield from _delay_misfits(scenario)


def _delay_misfits(scenario: Scenario) -> Iterator[tuple[Place, str]]:
    zones = scenario.zones
    for index, pair in enumerate(scenario.delays):
        if not set(pair.zones) <= set(zones) or len(set(pair.zones)) == 1:
            yield ("delays", index, "zones"), f"expected two of the zones {', '.join(zones)}"


def _app_misfits(scenario: Scenario) -> Iterator[tuple[Place, str]]:
    if isinstance(scenario.app, AppEntry):
        for key in ("pods", "ui", "catalog", "keep_alive"):
            if getattr(scenario, key) is not UNSET:
                yield (key,), "is of the app store; say it at the workloads of app"
        app = app_of(scenario.app, scenario.zones)
        for place, said in apps.faults(app, len(scenario.zones)):
            yield ("app", *place), said
    else:
        app = store()
    rollout = scenario.rollout
    if rollout is not None and app.find(key_of(rollout.workload)) is None:
        known = ", ".join(map(str, app.services))
        yield ("rollout", "workload"), f"no workload {rollout.workload}; the app has {known}"


def _app(scenario: Scenario, otherwise: App) -> App:
    """The scenario's app; the store makes spans of its queries where *otherwise* does."""
    if isinstance(scenario.app, AppEntry):
        return app_of(scenario.app, scenario.zones)
    catalog = otherwise.find(CATALOG)
    return store(
        ui=scenario.per_zone("ui", 1),
        catalog=scenario.per_zone("catalog", 2),
        keep_alive=scenario.keep_alive is True,
        sql_spans=catalog is None or catalog.database,
    )


def apply(scenario: Scenario, settings: LabSettings) -> LabSettings:
    """*settings* (ports, seeds, folder) in the shape of the scenario."""
    rollout = scenario.rollout
    return replace(
        settings,
        zones=tuple(Zone(zone) for zone in scenario.zones),
        nodes_per_zone=scenario.nodes_per_zone,
        zone_cpu_milli=tuple((Zone(zone), cpu) for zone, cpu in scenario.cpu_milli.items()),
        app=_app(scenario, settings.app),
        cross_zone_delay_s=scenario.cross_zone_delay_ms / 1000,
        pair_delays=tuple(
            PairDelay(zones=(Zone(pair.zones[0]), Zone(pair.zones[1])), delay_s=pair.ms / 1000)
            for pair in scenario.delays
        ),
        extra_nodes=tuple(
            ExtraNode(
                name=node.name,
                zone=None if node.zone is None else Zone(node.zone),
                cpu_milli=node.cpu_milli,
                control_plane=node.control_plane,
            )
            for node in scenario.extra_nodes
        ),
        rollout=None
        if rollout is None
        else Rollout(start=rollout.start, every_s=rollout.every_s, workload=key_of(rollout.workload)),
    )
