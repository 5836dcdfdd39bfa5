"""Scenario files: a lab's shape as YAML, the well-known situations among them.

``samezone lab up --scenario NAME`` takes one of the files beside this module, or a path.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import yaml

from k8s.errors import UsageError
from k8s.lab.settings import ExtraNode, LabSettings, Rollout
from k8s.topology import Zone

FOLDER = Path(__file__).parent / "scenarios"


class _Node(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    name: str
    zone: str | None = None
    cpu_milli: int = 4000
    control_plane: bool = False


class _Rollout(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    start: int
    every_s: float = 1.0


class Scenario(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a scenario file may say; everything but the description has the lab's defaults."""

    description: str
    zones: tuple[str, ...] = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
    nodes_per_zone: int = 1
    cpu_milli: dict[str, int] = {}
    """By zone: allocatable CPU of each of its nodes."""
    ui: tuple[int, ...] = (1, 1, 1)
    """Pods in each zone, in the order of ``zones``."""
    catalog: tuple[int, ...] = (2, 2, 2)
    cross_zone_delay_ms: float = 0.6
    keep_alive: bool = False
    extra_nodes: tuple[_Node, ...] = ()
    rollout: _Rollout | None = None


def names() -> tuple[str, ...]:
    """The scenarios that come with the lab."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def read(name: str) -> Scenario:
    """A scenario by its name or its file; UsageError names the file and the key."""
    path = Path(name) if name.endswith((".yaml", ".yml")) else FOLDER / f"{name}.yaml"
    try:
        raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return msgspec.convert(raw, Scenario)
    except FileNotFoundError:
        raise UsageError(
            f"reading scenario {name}: no such file; there are {', '.join(names())}, or give a .yaml file"
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise UsageError(f"reading scenario {path}: {' '.join(str(error).split())}") from error


def apply(scenario: Scenario, settings: LabSettings) -> LabSettings:
    """*settings* (ports, seeds, folder) in the shape of the scenario."""
    rollout = scenario.rollout
    return replace(
        settings,
        zones=tuple(Zone(zone) for zone in scenario.zones),
        nodes_per_zone=scenario.nodes_per_zone,
        zone_cpu_milli=tuple((Zone(zone), cpu) for zone, cpu in scenario.cpu_milli.items()),
        ui_replicas=sum(scenario.ui),
        ui_per_zone=scenario.ui,
        catalog_replicas=sum(scenario.catalog),
        catalog_per_zone=scenario.catalog,
        cross_zone_delay_s=scenario.cross_zone_delay_ms / 1000,
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
