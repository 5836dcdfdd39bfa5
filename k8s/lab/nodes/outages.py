"""The life of the lab's nodes: power that fails and comes back, and what the API says of it.

What shall be is written on the Node objects, as an annotation; ``samezone lab zone fail`` and ``heal`` write
it. Plays the node lifecycle controller of kubernetes/kubernetes (pkg/controller/nodelifecycle), which finds a
silent node after a grace time and marks the pods of a node that is not ready. Difference: pods are not
evicted from such a node, which upstream does after five minutes.
"""

import logging
from collections.abc import Callable, Container
from dataclasses import dataclass, field

from k8s.lab.apiclient.feed import Feed
from k8s.lab.controllers import tenancy
from k8s.lab.design import marks
from k8s.lab.design.seeds import Object, node_condition
from k8s.lab.nodes.keepers import Keepers
from k8s.lab.nodes.machines import StatusWriter
from k8s.topology import NodeName

NODE_GRACE_S = 1.0
"""Until a silent node is found; upstream 50 s."""
_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Outages:
    """Does to machines and pods what the Node objects ask for."""

    api: StatusWriter
    nodes: Feed
    keepers: Keepers
    machines: Container[NodeName]
    clock_s: Callable[[], float]
    """Seconds of a clock that only goes forward."""
    now: Callable[[], str]
    """The time, for the API."""
    _silent_since_s: dict[NodeName, float] = field(default_factory=dict)

    def sync(self) -> bool:
        """Take note of what changed and of what is due; True if a pod is affected."""
        changed = [self._see(obj) for obj in tuple(self.nodes.objects.values())]
        return any(changed)

    @property
    def is_waiting(self) -> bool:
        """Whether a silent node is still to be found."""
        return bool(self._silent_since_s)

    def _see(self, obj: Object) -> bool:
        name = NodeName(obj["metadata"]["name"])
        if name not in self.machines:
            return False
        outage = marks.outage(obj)
        did = self.keepers.set_hung(name, hung=outage == marks.PODS)
        if self.keepers.set_dark(name, dark=outage == marks.NODES):
            did = True
            if outage == marks.NODES:
                _log.warning("node %s: no power", name)
                self._silent_since_s[name] = self.clock_s()
            else:
                _log.info("node %s: power is back", name)
                self._silent_since_s.pop(name, None)
                obj = self._write(obj, node_condition(self.now(), ready="True"))
        elif self._is_found_silent(name):
            obj = self._write(obj, node_condition(self.now(), ready="Unknown"))
            del self._silent_since_s[name]
        return self.keepers.set_node_ready(name, ready=tenancy.is_ready(obj)) or did

    def _is_found_silent(self, name: NodeName) -> bool:
        since_s = self._silent_since_s.get(name)
        return since_s is not None and self.clock_s() >= since_s + NODE_GRACE_S

    def _write(self, obj: Object, ready: Object) -> Object:
        had = (obj.get("status") or {}).get("conditions") or ()
        conditions = [*(one for one in had if one["type"] != "Ready"), ready]
        written = self.api.patch_status(obj, {"conditions": conditions})
        if written is None:
            return obj
        self.nodes.put(written)
        return written
