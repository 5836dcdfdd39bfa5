"""Machines that join a running lab: a Node object that asks for one gets a number, an address and a relay."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from k8s.lab.apiclient.feed import Feed
from k8s.lab.design import marks
from k8s.lab.design.addresses import MAX_NODES, Addresses
from k8s.lab.design.layout import LabNode
from k8s.lab.design.seeds import Object, node_addresses, node_condition
from k8s.topology import NodeName, Zone

_log = logging.getLogger(__name__)


class StatusWriter(Protocol):
    """The part of the API that is written here."""

    def patch_status(self, obj: Object, status: Object) -> Object | None:
        """Merge *status* into an object's; ApiError if the API does not take it."""


@dataclass(slots=True, kw_only=True)
class Machines:
    """Starts what Node objects ask for."""

    api: StatusWriter
    nodes: Feed
    machines: dict[NodeName, LabNode]
    """Those that are there; new ones are added once they work."""
    addresses: Addresses
    zones: tuple[Zone, ...]
    start_relay: Callable[[LabNode], None]
    is_up: Callable[[LabNode], bool]
    """Whether the machine's relay works."""
    now: Callable[[], str]
    """The time, for the API."""
    _starting: dict[NodeName, LabNode] = field(default_factory=dict)

    def sync(self) -> bool:
        """Start machines that are asked for, and add those that are up; True if there is another one now."""
        did = False
        for obj in tuple(self.nodes.objects.values()):
            name = NodeName(obj["metadata"]["name"])
            if name not in self.machines and marks.wants_machine(obj):
                did |= self._see(name, obj)
        return did

    @property
    def is_starting(self) -> bool:
        """Whether one is not up yet."""
        return bool(self._starting)

    def _see(self, name: NodeName, obj: Object) -> bool:
        machine = self._starting.get(name)
        zone = marks.physical_zone(obj)
        if machine is None:
            number = max(one.number for one in (*self.machines.values(), *self._starting.values())) + 1
            if number > MAX_NODES or zone not in self.zones:
                return False
            ip = self.addresses.node(number)
            machine = LabNode(number=number, name=name, zone=zone, ip=ip, cpu_milli=0)
            _log.info("node %s: starting its machine, number %d, in %s", name, number, zone)
            self._starting[name] = machine
            self.start_relay(machine)
        if not self.is_up(machine):
            return False
        written = self.api.patch_status(
            obj,
            {
                "addresses": node_addresses(name, machine.ip),
                "conditions": [node_condition(self.now(), ready="True")],
            },
        )
        if written is not None:
            self.nodes.put(written)
        self.machines[name] = self._starting.pop(name)
        return True
