"""A lab before it runs: its layout, its addresses, and what each of its processes is told (pure)."""

from dataclasses import dataclass, field

from k8s.lab.design.addresses import RELAY_ADMIN_PORT, SERVICE_PORT
from k8s.lab.design.layout import LabNode, LabPod, Layout, lay_out
from k8s.lab.design.settings import LabSettings
from k8s.lab.processes import ProcessId
from k8s.lab.relay.node_proxy import RelaySettings
from k8s.lab.run.name_letters import letters
from k8s.lab.run.ports import HOST
from k8s.lab.service.pod_settings import PodSettings
from k8s.lab.state import LabState, NodeState, Phase, ServiceState, pod_state
from k8s.topology import ServiceKey


@dataclass(frozen=True, slots=True, kw_only=True)
class LabPlan:
    """Everything that is known before the first process starts."""

    settings: LabSettings
    """With the ports that were taken in place of 0."""
    layout: Layout
    token: str = field(repr=False)
    """The key to this lab's doors."""

    @property
    def api_url(self) -> str:
        """The API server."""
        return f"http://{HOST}:{self.settings.api_port}"

    @property
    def xray_url(self) -> str:
        """The X-Ray stand-in."""
        return f"http://{HOST}:{self.settings.xray_port}"

    @property
    def prometheus_address(self) -> str | None:
        """Where Prometheus listens, host and port; None where there is none."""
        settings = self.settings
        return None if settings.prometheus_scrape_s is None else f"{HOST}:{settings.prometheus_port}"

    def relay(self, node: LabNode) -> RelaySettings:
        """What the relay of a node is told."""
        settings = self.settings
        delays = ((zone, settings.delay_s(node.zone, zone)) for zone in settings.zones)
        return RelaySettings(
            node=node.name,
            number=node.number,
            zone=node.zone,
            addresses=self.layout.addresses,
            api_url=self.api_url,
            token=self.token,
            zones=tuple(other.zone for other in self.layout.nodes),
            delays_s=tuple((zone, delay_s) for zone, delay_s in delays if delay_s),
            seed=settings.routing_seed,
        )

    def pod(self, pod: LabPod, node: LabNode) -> PodSettings:
        """What a pod on *node* is told."""
        return PodSettings(
            name=pod.name,
            namespace=pod.service.namespace,
            node=pod.node,
            zone=pod.zone,
            region=self.settings.region,
            ip=pod.ip,
            otlp_url=f"{self.xray_url}/v1/traces",
            workload=pod.workload,
            callee_urls=tuple((key, self._service_url(node, key)) for key in pod.workload.callees),
        )

    def state(self, supervisor: ProcessId, created_at_s: float) -> LabState:
        """The state file's first contents: everything but the processes."""
        return LabState(
            phase=Phase.STARTING,
            supervisor=supervisor,
            created_at_s=created_at_s,
            settings=self.settings,
            octet=self.layout.addresses.octet,
            api_url=self.api_url,
            xray_url=self.xray_url,
            prometheus_url=f"http://{self.prometheus_address}" if self.prometheus_address else None,
            token=self.token,
            nodes=tuple(node_state(node) for node in self.layout.nodes),
            services=tuple(one for node in self.layout.nodes for one in self.services(node)),
            pods=tuple(pod_state(pod) for pod in self.layout.pods),
        )

    def services(self, node: LabNode) -> tuple[ServiceState, ...]:
        """Where the Services answer the clients of a node."""
        return tuple(
            ServiceState(service=service, node=node.name, url=self._service_url(node, service))
            for service in self.settings.app.services
        )

    def _service_url(self, node: LabNode, service: ServiceKey) -> str:
        address = self.layout.addresses.service(node.number, self.settings.app.number(service))
        return f"http://{address}:{SERVICE_PORT}"


def node_state(node: LabNode) -> NodeState:
    """A node in the state file."""
    return NodeState(
        name=node.name,
        number=node.number,
        zone=node.zone,
        ip=node.ip,
        relay_admin_url=f"http://{node.ip}:{RELAY_ADMIN_PORT}",
    )


def plan_lab(settings: LabSettings, octet: int, token: str) -> LabPlan:
    """The plan of a lab that owns this second octet; *token* is the key to its doors."""
    return LabPlan(settings=settings, layout=lay_out(settings, octet, letters(settings.seed)), token=token)
