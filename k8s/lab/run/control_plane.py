"""Everything in the supervisor that follows the API, put together: machines, outages, workloads, kubelets."""

import logging
import time
from collections.abc import Callable, Iterable

from k8s.lab.apiclient.api import ApiError, LabApi
from k8s.lab.apiclient.feed import Feed
from k8s.lab.asking import answers
from k8s.lab.controllers.workloads import Feeds, Workloads
from k8s.lab.design.layout import LabNode, LabPod
from k8s.lab.nodes.guests import Guests
from k8s.lab.nodes.keepers import Keepers, PodAddresses
from k8s.lab.nodes.kubelet import Kubelet, rfc3339_now
from k8s.lab.nodes.machines import Machines
from k8s.lab.nodes.outages import Outages
from k8s.lab.processes import is_running
from k8s.lab.run.lineup import LabPlan, node_state
from k8s.lab.run.name_letters import letters
from k8s.topology import NodeName, PodName

_LOOK_S = 1.0
"""Between looks at everything, whether or not something changed: deadlines pass without news."""
_RETRY_S = 0.2
_log = logging.getLogger(__name__)


class Controllers:
    """The lab's kubelets and controllers; ``live`` is called again and again."""

    def __init__(
        self,
        plan: LabPlan,
        api: LabApi,
        *,
        make_kubelet: Callable[[LabPod], Kubelet],
        start_relay: Callable[[LabNode], None],
        late: Iterable[PodName],
    ) -> None:
        """*late* pods of the plan are there and are not started before ``keepers.start`` is told so."""
        addresses, layout = plan.layout.addresses, plan.layout
        self.machines: dict[NodeName, LabNode] = {node.name: node for node in layout.nodes}
        self._feeds = feeds = _feeds(api)
        self.keepers = Keepers(
            api=api,
            pods=feeds.pods,
            machines=self.machines,
            addresses=PodAddresses(addresses, layout.pods_on()),
            images=plan.settings.app.images,
            seeded={pod.name: pod for pod in layout.pods},
            make=make_kubelet,
            late=set(late),
        )
        self._outages = Outages(
            api=api,
            nodes=feeds.nodes,
            keepers=self.keepers,
            machines=self.machines,
            clock_s=time.monotonic,
            now=rfc3339_now,
        )
        self._guests = Guests(api=api, pods=feeds.pods, is_running=is_running)
        self._joining = Machines(
            api=api,
            nodes=feeds.nodes,
            machines=self.machines,
            addresses=addresses,
            zones=plan.settings.zones,
            start_relay=start_relay,
            is_up=lambda machine: answers(f"{node_state(machine).relay_admin_url}/healthz"),
            now=rfc3339_now,
        )
        self._workloads = Workloads(
            api=api,
            feeds=feeds,
            machines=self.machines,
            letters=letters(f"{plan.settings.seed}/later"),
            clock_s=time.time,
            now=rfc3339_now,
        )
        self._look_at_s = 0.0

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What becomes readable when the API has news."""
        found = (feed.descriptor() for feed in self._feeds.all)
        return tuple(descriptor for descriptor in found if descriptor is not None)

    def begin(self) -> None:
        """List what the API has, and take note of the pods; ApiError if it does not answer."""
        for feed in self._feeds.all:
            feed.pump()
        self.keepers.sync()

    def look_soon(self) -> None:
        """Something happened that the API does not tell."""
        self._look_at_s = 0.0

    def live(self) -> bool:
        """Let changes in the API have their effect and everybody do what is due; True if anything did."""
        now_s = time.monotonic()
        changed = False
        try:
            for feed in self._feeds.all:
                changed |= feed.pump()
            waits = self._joining.is_starting or self._outages.is_waiting
            if changed or waits or now_s >= self._look_at_s:
                self._look_at_s = now_s + _LOOK_S
                changed |= self._joining.sync()
                self._outages.sync()
                changed |= self._guests.sync()
                self._workloads.sync()
                changed |= self.keepers.sync()
        except ApiError as error:
            _log.warning("keeping the workloads: %s", error)
            self._look_at_s = now_s + _RETRY_S
        return self.keepers.tick() or changed


def _feeds(api: LabApi) -> Feeds:
    return Feeds(
        nodes=Feed(api=api, path="/api/v1/nodes"),
        deployments=Feed(api=api, path="/apis/apps/v1/deployments"),
        replica_sets=Feed(api=api, path="/apis/apps/v1/replicasets"),
        pods=Feed(api=api, path="/api/v1/pods"),
    )
