"""Everything routing depends on, at one moment: what the predictor and the doctor read."""

from dataclasses import dataclass
from enum import StrEnum

from k8s.topology import Event, Labels, NodeName, ServiceKey, Snapshot

IN_PART = "read in part"
"""How a gap begins, after the kind, where some objects of it were read and others were lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEvent:
    """An event on a Service."""

    service: ServiceKey
    event: Event


class AgentKind(StrEnum):
    """What a pod is that has a part in carrying Service traffic."""

    KUBE_PROXY = "kube-proxy"
    CILIUM = "Cilium"
    CALICO = "Calico"
    KUBE_ROUTER = "kube-router"
    ANTREA = "Antrea"
    OVN_KUBERNETES = "OVN-Kubernetes"
    ZTUNNEL = "Istio ambient"
    LINKERD = "Linkerd"
    """Its control plane."""
    ISTIO_SIDECAR = "Istio sidecar"
    LINKERD_SIDECAR = "Linkerd sidecar"
    AMBIENT_POD = "pod in Istio's ambient mesh"
    INGRESS_NGINX = "ingress-nginx"
    NGINX_INGRESS = "F5 NGINX Ingress Controller"
    TRAEFIK = "Traefik"
    KONG = "Kong"
    HAPROXY = "HAProxy"
    CONTOUR = "Contour"
    ENVOY_GATEWAY = "Envoy Gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A pod that may carry Service traffic, of its node, of itself, or of those who call it."""

    name: str
    node: NodeName | None
    image: str
    """The container image with its tag, e.g. ``.../kube-proxy:v1.35.0-eksbuild.2``."""
    kind: AgentKind
    namespace: str = ""
    words: tuple[str, ...] = ()
    """The container's command and arguments, and its environment as ``NAME=value``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A place, live or saved."""

    source: str
    """Where it was read: a context's name, or file names."""
    snapshot: Snapshot
    events: tuple[ServiceEvent, ...] | None = None
    """None where events were not read or may not be read: nothing can be concluded from their absence."""
    server_minor: int | None = None
    """The API server's minor version, e.g. 35; None where it is not known."""
    proxy_minors: tuple[tuple[NodeName, int], ...] = ()
    """(node, minor version of its kube-proxy) where its pod's image tells; embedded ones by the kubelet's."""
    agents: tuple[Agent, ...] = ()
    settings: tuple[tuple[str, Labels], ...] = ()
    """(ConfigMap's name, its data) of those that say how a data plane is set."""
    is_eks: bool = False
    """Whether the control plane is EKS's."""
    gaps: tuple[str, ...] = ()
    """What could not be read, one clause each, e.g. ``nodes: forbidden``."""
