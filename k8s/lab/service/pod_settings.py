"""What one pod of the lab is told."""

from dataclasses import dataclass

from k8s.lab.design.addresses import POD_PORT
from k8s.lab.design.application import Workload
from k8s.topology import ServiceKey


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSettings:
    """One pod: who and where it is, what it runs, and whom it speaks to."""

    name: str
    namespace: str
    node: str
    zone: str
    region: str
    ip: str
    """Where it listens, and where its own calls come from."""
    port: int = POD_PORT
    otlp_url: str
    """Where its spans go, e.g. ``http://127.0.0.1:16080/v1/traces``."""
    workload: Workload
    callee_urls: tuple[tuple[ServiceKey, str], ...] = ()
    """The Services that its workload calls, as seen from its node."""

    def url(self, service: ServiceKey) -> str:
        """Where a Service answers it; KeyError where its workload does not call it."""
        return dict(self.callee_urls)[service]
