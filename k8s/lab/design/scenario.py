"""Scenario files: a lab's shape as YAML, the well-known situations among them.

``samezone lab up --scenario NAME`` takes one of the files beside this module, or a path. Their form is
published as ``scenarios/schema.json``; what is wrong with a file is said with its line.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from k8s.errors import UsageError
from k8s.lab.design.settings import ExtraNode, LabSettings, PairDelay, Rollout
from k8s.lab.design.shape import Flaw, Place, dotted, flaws
from k8s.topology import Zone

FOLDER = Path(__file__).parents[1] / "scenarios"
SCHEMA = FOLDER / "schema.json"
_ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")


class _Node(msgspec.Struct, frozen=True):
    name: str
    zone: str | None = None
    cpu_milli: int = 4000
    control_plane: bool = False


class _Rollout(msgspec.Struct, frozen=True):
    start: int
    every_s: float = 1.0


class _Delay(msgspec.Struct, frozen=True):
    zones: tuple[str, str]
    ms: float


class Scenario(msgspec.Struct, frozen=True):
    """What a scenario file may say; everything but the description has the lab's defaults."""

    description: str
    zones: tuple[str, ...] = _ZONES
    nodes_per_zone: int = 1
    cpu_milli: dict[str, int] = {}
    """By zone: allocatable CPU of each of its nodes."""
    pods: dict[str, dict[str, int]] = {}
    """By workload and zone; in place of the next two."""
    ui: tuple[int, ...] = ()
    """Pods in each zone, in the order of ``zones``; one each if nothing is said."""
    catalog: tuple[int, ...] = ()
    """Two each if nothing is said."""
    cross_zone_delay_ms: float = 0.6
    delays: tuple[_Delay, ...] = ()
    keep_alive: bool = False
    extra_nodes: tuple[_Node, ...] = ()
    rollout: _Rollout | None = None

    def per_zone(self, workload: str, default: int) -> tuple[int, ...]:
        """Pods of a workload in each zone, in the order of ``zones``."""
        if workload in self.pods:
            return tuple(self.pods[workload].get(zone, 0) for zone in self.zones)
        given: tuple[int, ...] = getattr(self, workload)
        return given or (default,) * len(self.zones)


def names() -> tuple[str, ...]:
    """The scenarios that come with the lab."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def read(name: str) -> Scenario:
    """A scenario by its name or its file; UsageError names the file, the line and the key."""
    path = Path(name) if name.endswith((".yaml", ".yml")) else FOLDER / f"{name}.yaml"
    try:
        return _parsed(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise UsageError(
            f"reading scenario {name}: no such file; there are {', '.join(names())}, or give a .yaml file"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"reading scenario {path}: {error}") from error


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


@cache
def schema() -> Mapping[str, Any]:
    """The published schema."""
    found: Mapping[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return found


def _parsed(text: str, path: str) -> Scenario:
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise UsageError(f"{path}:{line}: *{event.anchor}: aliases are not read; write it out")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        raw = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"{path}:{line}: {' '.join(str(error.problem).split())}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path}:1: {' '.join(str(error).split())}") from error
    lines: dict[Place, int] = {(): 1}
    found = tuple(_read_lines(root, (), lines)) if root is not None else ()
    found = found or flaws(raw, schema()) or tuple(_misfits(raw))
    if found:
        first = min(found, key=lambda flaw: _line(lines, flaw.place))
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise UsageError(f"{path}:{_line(lines, first.place)}: {first}{more}")
    return msgspec.convert(raw, Scenario)


def _read_lines(node: yaml.Node, place: Place, lines: dict[Place, int]) -> Iterator[Flaw]:
    """Fill in the line of every place; a key that is given twice is a flaw, which YAML would swallow."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, str(key.value))
            if inner in lines:
                yield Flaw(place=inner, message="given twice")
            lines[inner] = key.start_mark.line + 1
            yield from _read_lines(value, inner, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines[*place, index] = value.start_mark.line + 1
            yield from _read_lines(value, (*place, index), lines)


def _line(lines: Mapping[Place, int], place: Place) -> int:
    """Of the place; of what is around it where YAML spells its key in another way."""
    while place not in lines:
        place = place[:-1]
    return lines[place]


def _misfits(raw: Mapping[str, Any]) -> Iterator[Flaw]:
    """What a schema cannot say: how the parts have to fit each other."""
    zones = raw.get("zones", _ZONES)
    for workload in ("ui", "catalog"):
        if workload in raw and workload in raw.get("pods", {}):
            yield Flaw(
                place=(workload,), message=f"given here and as {dotted(('pods', workload))}; choose one"
            )
        if workload in raw and len(raw[workload]) != len(zones):
            message = f"expected {len(zones)} numbers, one for each zone, got {len(raw[workload])}"
            yield Flaw(place=(workload,), message=message)
    named: list[Place] = [("cpu_milli", zone) for zone in raw.get("cpu_milli", ())]
    named += [("pods", workload, zone) for workload, by in raw.get("pods", {}).items() for zone in by]
    for place in named:
        if place[-1] not in zones:
            yield Flaw(place=place, message=f"no such zone; the scenario has {', '.join(zones)}")
    for index, pair in enumerate(raw.get("delays", ())):
        if not set(pair["zones"]) <= set(zones) or len(set(pair["zones"])) == 1:
            message = f"expected two of the zones {', '.join(zones)}"
            yield Flaw(place=("delays", index, "zones"), message=message)
