"""Server-side tables: the columns that kubectl prints (upstream ``pkg/printers/internalversion``)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from k8s.lab.apiserver import columns, resources
from k8s.lab.apiserver.resources import Resource
from k8s.lab.design.seeds import Object

Row = Callable[[Object, datetime], list[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column's definition."""

    name: str
    type: str = "string"
    priority: int = 0
    """1: only with ``-o wide``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLayout:
    """How one kind is printed."""

    columns: tuple[Column, ...]
    row: Row


def table(
    resource: Resource,
    objects: Iterable[Object],
    *,
    now: datetime,
    metadata: dict[str, Any],
    version: str = "v1",
    include: str = "Metadata",
    with_columns: bool = True,
) -> dict[str, Any]:
    """A ``Table`` of the objects; *include* (None, Metadata, Object) is what each row carries along."""
    layout = _LAYOUTS[resource]
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": metadata,
        "columnDefinitions": [_definition(column) for column in layout.columns] if with_columns else [],
        "rows": [{"cells": layout.row(obj, now), **_carried(obj, include, version)} for obj in objects],
    }


def metadata_only(obj: Object, version: str = "v1") -> dict[str, Any]:
    """The object as ``PartialObjectMetadata``."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": obj["metadata"],
    }


def _carried(obj: Object, include: str, version: str) -> dict[str, Any]:
    match include:
        case "None":
            return {}
        case "Object":
            return {"object": obj}
    return {"object": metadata_only(obj, version)}


def _definition(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "format": "name" if column.name == "Name" else "",
        "description": "",
        "priority": column.priority,
    }


def _layout(row: Row, names: str, wide: str = "", numbers: str = "") -> TableLayout:
    """Columns from comma-separated names; *wide* ones, and the *numbers* among all of them."""
    numeric = numbers.split(",")

    def column(name: str, priority: int) -> Column:
        return Column(name=name, type="integer" if name in numeric else "string", priority=priority)

    narrow = [column(name, 0) for name in names.split(",")]
    return TableLayout(columns=(*narrow, *(column(name, 1) for name in wide.split(",") if name)), row=row)


def _events() -> TableLayout:
    order = (
        "Last Seen",
        "Type",
        "Reason",
        "Object",
        "Subobject",
        "Source",
        "Message",
        "First Seen",
        "Count",
        "Name",
    )
    hidden = {"Subobject", "Source", "First Seen", "Count", "Name"}
    return TableLayout(
        columns=tuple(
            Column(name=name, type="integer" if name == "Count" else "string", priority=int(name in hidden))
            for name in order
        ),
        row=columns.event,
    )


_LAYOUTS: dict[Resource, TableLayout] = {
    resources.NAMESPACES: _layout(columns.namespace, "Name,Status,Age"),
    resources.NODES: _layout(
        columns.node,
        "Name,Status,Roles,Age,Version",
        "Internal-IP,External-IP,OS-Image,Kernel-Version,Container-Runtime",
    ),
    resources.PODS: _layout(
        columns.pod, "Name,Ready,Status,Restarts,Age", "IP,Node,Nominated Node,Readiness Gates"
    ),
    resources.SERVICES: _layout(columns.service, "Name,Type,Cluster-IP,External-IP,Port(s),Age", "Selector"),
    resources.EVENTS: _events(),
    resources.ENDPOINT_SLICES: _layout(columns.endpoint_slice, "Name,AddressType,Ports,Endpoints,Age"),
    resources.DEPLOYMENTS: _layout(
        columns.deployment,
        "Name,Ready,Up-to-date,Available,Age",
        "Containers,Images,Selector",
        numbers="Up-to-date,Available",
    ),
    resources.REPLICA_SETS: _layout(
        columns.replica_set,
        "Name,Desired,Current,Ready,Age",
        "Containers,Images,Selector",
        numbers="Desired,Current,Ready",
    ),
    resources.LEASES: _layout(columns.lease, "Name,Holder,Age"),
}
