"""What a scenario file may say, and the lab's settings it makes (pure).

The types below are the one declaration of its shape: they convert, and ``scenarios/schema.json`` is made of
them. How a file's text is read is in ``scenario_text.py``.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from k8s.lab.design.settings import ExtraNode, LabSettings, PairDelay, Rollout
from k8s.topology import Zone

Place = tuple[str | int, ...]
"""Keys and indices from the root of a document."""

_LONGEST_DELAY_MS = 3_600_000.0
_LONGEST_PAUSE_S = 86_400.0
_ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")

Count = Annotated[int, Meta(ge=0)]
OneOrMore = Annotated[int, Meta(ge=1)]
Milliseconds = Annotated[float, Meta(ge=0, le=_LONGEST_DELAY_MS)]
ZoneName = Annotated[str, Meta(pattern="^[a-z0-9-]*[0-9][a-z]$")]
PodsByZone = Annotated[dict[str, Count], Meta(description="Pods by zone.")]
PodsInOrder = Annotated[
    tuple[Count, ...], Meta(min_length=1, description="Pods in each zone, in the order of zones.")
]


class NodeEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A node that is in the API only."""

    name: str
    zone: str | None = None
    cpu_milli: Count = 4000
    control_plane: bool = False


class RolloutEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Catalog pods that come one after the other once the lab is up."""

    start: Annotated[OneOrMore, Meta(description="Pods at the beginning.")]
    every_s: Annotated[float, Meta(ge=0, le=_LONGEST_PAUSE_S)] = 1.0


class DelayEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pair of zones whose latency differs from cross_zone_delay_ms."""

    zones: tuple[str, str]
    ms: Milliseconds


class PodsEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pods by workload and zone; zones that are not named get none. In place of ui and catalog."""

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
    pods: PodsEntry = PodsEntry()
    ui: PodsInOrder | UnsetType = UNSET
    """One each if nothing is said."""
    catalog: PodsInOrder | UnsetType = UNSET
    """Two each if nothing is said."""
    cross_zone_delay_ms: Annotated[Milliseconds, Meta(description="Extra one-way latency.")] = 0.6
    delays: tuple[DelayEntry, ...] = ()
    keep_alive: Annotated[bool, Meta(description="Whether ui keeps its connections to catalog.")] = False
    extra_nodes: tuple[NodeEntry, ...] = ()
    rollout: RolloutEntry | None = None

    def per_zone(self, workload: str, default: int) -> tuple[int, ...]:
        """Pods of a workload in each zone, in the order of ``zones``."""
        by_zone: dict[str, int] | UnsetType = getattr(self.pods, workload)
        if by_zone is not UNSET:
            return tuple(by_zone.get(zone, 0) for zone in self.zones)
        given: tuple[int, ...] | UnsetType = getattr(self, workload)
        return (default,) * len(self.zones) if given is UNSET else given


def schema() -> dict[str, Any]:
    """The shape as JSON Schema 2020-12, as ``scenarios/schema.json`` publishes it."""
    heading = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://samezone.dev/schemas/scenario.json",
        "title": "A scenario of the samezone lab",
    }
    return heading | msgspec.json.schema(Scenario)


def schema_text() -> str:
    """The schema as it stands in its file."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"


def misfits(scenario: Scenario) -> Iterator[tuple[Place, str]]:
    """Where and how the parts do not fit each other, which their types cannot say."""
    zones = scenario.zones
    named: list[Place] = [("cpu_milli", zone) for zone in scenario.cpu_milli]
    for workload in ("ui", "catalog"):
        in_order: tuple[int, ...] | UnsetType = getattr(scenario, workload)
        by_zone: dict[str, int] | UnsetType = getattr(scenario.pods, workload)
        if in_order is not UNSET and by_zone is not UNSET:
            yield (workload,), f"given here and as pods.{workload}; choose one"
        if in_order is not UNSET and len(in_order) != len(zones):
            yield (workload,), f"expected {len(zones)} numbers, one for each zone, got {len(in_order)}"
        if by_zone is not UNSET:
            named += [("pods", workload, zone) for zone in by_zone]
    for place in named:
        if place[-1] not in zones:
            yield place, f"no such zone; the scenario has {', '.join(zones)}"
    for index, pair in enumerate(scenario.delays):
        if not set(pair.zones) <= set(zones) or len(set(pair.zones)) == 1:
            yield ("delays", index, "zones"), f"expected two of the zones {', '.join(zones)}"


def apply(scenario: Scenario, settings: LabSettings) -> LabSettings:
    """*settings* (ports, seeds, folder) in the shape of the scenario."""
    rollout = scenario.rollout
    ui, catalog = scenario.per_zone("ui", 1), scenario.per_zone("catalog", 2)
    return replace(
        settings,
        zones=tuple(Zone(zone) for zone in scenario.zones),
        nodes_per_zone=scenario.nodes_per_zone,
        zone_cpu_milli=tuple((Zone(zone), cpu) for zone, cpu in scenario.cpu_milli.items()),
        ui_replicas=sum(ui),
        ui_per_zone=ui,
        catalog_replicas=sum(catalog),
        catalog_per_zone=catalog,
        cross_zone_delay_s=scenario.cross_zone_delay_ms / 1000,
        pair_delays=tuple(
            PairDelay(zones=(Zone(pair.zones[0]), Zone(pair.zones[1])), delay_s=pair.ms / 1000)
            for pair in scenario.delays
        ),
        keep_alive=scenario.keep_alive,
        extra_nodes=tuple(
            ExtraNode(
                name=node.name,
                zone=None if node.zone is None else Zone(node.zone),
                cpu_milli=node.cpu_milli,
                control_plane=node.control_plane,
            )
            for node in scenario.extra_nodes
        ),
        rollout=None if rollout is None else Rollout(start=rollout.start, every_s=rollout.every_s),
    )
