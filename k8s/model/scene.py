"""Everything routing depends on, at one moment: what the predictor and the doctor read."""

from dataclasses import dataclass

from k8s.topology import Event, NodeName, ServiceKey, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEvent:
    """An event on a Service."""

    service: ServiceKey
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A pod of a node-level agent that may carry Service traffic: kube-proxy, Cilium, Istio, Linkerd."""

    name: str
    node: NodeName | None
    image: str
    """The container image with its tag, e.g. ``.../kube-proxy:v1.35.0-eksbuild.2``."""


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
    """(node, minor version of its kube-proxy) where known: the agent's image tag, else nodeInfo."""
    agents: tuple[Agent, ...] = ()
    gaps: tuple[str, ...] = ()
    """What could not be read, one clause each, e.g. ``nodes: forbidden``."""
