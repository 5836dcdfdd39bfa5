"""What carries the connections of each client here: the agents of a place, its nodes, its pods (pure)."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from k8s.model.objects import OS_LABEL
from k8s.model.scene import Agent, AgentKind, Scene
from k8s.routing import carriers
from k8s.routing.carriers import Carrier
from k8s.topology import Node, NodeName, Pod

_COMPUTE = {"fargate": carriers.FARGATE, "auto": carriers.AUTO_MODE}
"""By the value of EKS' node label ``eks.amazonaws.com/compute-type``."""
_OF_PODS = {
    AgentKind.ISTIO_SIDECAR: carriers.ISTIO,
    AgentKind.AMBIENT_POD: carriers.AMBIENT_POD,
    AgentKind.LINKERD_SIDECAR: carriers.LINKERD,
    AgentKind.TRAEFIK: carriers.TRAEFIK,
    AgentKind.KONG: carriers.KONG,
    AgentKind.HAPROXY: carriers.HAPROXY,
    AgentKind.CONTOUR: carriers.CONTOUR,
    AgentKind.ENVOY_GATEWAY: carriers.ENVOY_GATEWAY,
}
"""Pods that choose endpoints for themselves."""
GATEWAYS = frozenset(
    {
        AgentKind.INGRESS_NGINX,
        AgentKind.NGINX_INGRESS,
        AgentKind.TRAEFIK,
        AgentKind.KONG,
        AgentKind.HAPROXY,
        AgentKind.CONTOUR,
        AgentKind.ENVOY_GATEWAY,
    }
)
"""Pods that call Services for clients outside."""
_MODE = re.compile(r'^mode:[ \t]*"?(\w*)"?[ \t]*$', re.MULTILINE)
_YES = frozenset({"true", "strict", "partial", "probe"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Carriage:
    """What carries connections, by who opens them."""

    nodes: Mapping[NodeName, Carrier]
    """Of pods on a node that do not choose for themselves."""
    pods: Mapping[tuple[str, str], Carrier]
    """(namespace, name) of pods that do."""
    agents: Mapping[AgentKind, tuple[Agent, ...]]
    by_pod: Mapping[tuple[str, str], Agent]
    """(namespace, name) of agents."""
    proxy_mode: str
    """How kube-proxy balances (``iptables``, ``nftables``, ``ipvs``), by its pods' command line, else by its
    ConfigMap; empty: not known, also where the ConfigMap may not be read."""
    ready: tuple[NodeName, ...]
    """Nodes that may have clients, sorted."""
    everywhere: Mapping[Carrier, tuple[str, ...]]
    """Where nobody is named: each carrier, with the objects (``Pod shop/x``, ``Node n``) it carries for."""

    def of_node(self, name: NodeName) -> Carrier:
        """What carries the connections of a node's ordinary pods."""
        return self.nodes.get(name, carriers.UNSEEN)

    def of_pod(self, pod: Pod) -> Carrier:
        """What carries those of a pod."""
        own = self.pods.get((pod.namespace, pod.name))
        if own is not None:
            return own
        return self.of_node(pod.node) if pod.node is not None else carriers.UNSEEN

    @property
    def ambient(self) -> bool:
        """Whether Istio's ambient mode is here, so that any pod may be in its mesh."""
        return AgentKind.ZTUNNEL in self.agents

    @property
    def linkerd(self) -> bool:
        """Whether Linkerd is here, so that any pod may be in its mesh."""
        return AgentKind.LINKERD in self.agents


def named(carriage: Carriage, carrier: Carrier, minor: int | None) -> str:
    """A carrier in words, kube-proxy with its version 1.*minor* and its mode where they are known."""
    if carrier is not carriers.KUBE_PROXY:
        return carrier.name
    mode = f", {carriage.proxy_mode}" if carriage.proxy_mode else ""
    return f"{carrier.name} {f'1.{minor}' if minor is not None else 'of a version not known'}{mode}"


def carriage_of(scene: Scene) -> Carriage:
    """What is known from the pods, the nodes and Cilium's settings; linear in their number."""
    kinds: dict[AgentKind, list[Agent]] = defaultdict(list)
    on: dict[NodeName, dict[AgentKind, Agent]] = defaultdict(dict)
    for one in scene.agents:
        kinds[one.kind].append(one)
        if one.node is not None:
            on[one.node][one.kind] = one
    versions = {name for name, _ in scene.proxy_minors}
    cilium = dict(dict(scene.settings).get("cilium-config", ()))
    pods_known = bool(scene.snapshot.pods)
    replaced = pods_known and AgentKind.KUBE_PROXY not in kinds
    nodes = {
        node.name: _of_node(
            node, on.get(node.name, {}), proxied=node.name in versions, replaced=replaced, cilium=cilium
        )
        for node in scene.snapshot.nodes
    }
    pods = {
        (one.namespace, one.name): carrier for one in scene.agents if (carrier := _of_pod(one)) is not None
    }
    ready = tuple(sorted(node.name for node in scene.snapshot.nodes if node.ready))
    named = (
        *((f"Pod {namespace}/{name}", carrier) for (namespace, name), carrier in pods.items()),
        *((f"Node {name}", nodes[name]) for name in ready),
        *((f"Pod {one.name}", carriers.AMBIENT) for one in kinds.get(AgentKind.ZTUNNEL, ())),
        *((f"Pod {one.name}", carriers.LINKERD) for one in kinds.get(AgentKind.LINKERD, ())),
    )
    return Carriage(
        nodes=nodes,
        pods=pods,
        agents={kind: tuple(some) for kind, some in kinds.items()},
        by_pod={(one.namespace, one.name): one for one in scene.agents},
        proxy_mode=_proxy_mode(scene),
        ready=ready,
        everywhere=groups(named),
    )


def _of_node(
    node: Node,
    agents: Mapping[AgentKind, Agent],
    *,
    proxied: bool,
    replaced: bool,
    cilium: Mapping[str, str],
) -> Carrier:
    labels = dict(node.labels)
    seen = proxied or AgentKind.KUBE_PROXY in agents
    if labels.get("type") == "virtual-kubelet" or node.name.startswith("virtual-kubelet-"):
        return carriers.VIRTUAL_KUBELET
    if labels.get(OS_LABEL) == "windows":
        return carriers.WINDOWS
    if AgentKind.CILIUM in agents:
        return _cilium(cilium, beside=seen)
    router = agents.get(AgentKind.KUBE_ROUTER)
    if router is not None and "--run-service-proxy=false" not in router.words:
        return carriers.KUBE_ROUTER
    if AgentKind.ANTREA in agents:
        return carriers.ANTREA
    if AgentKind.OVN_KUBERNETES in agents:
        return carriers.OVN_KUBERNETES
    calico = agents.get(AgentKind.CALICO)
    if calico is not None and not seen and (replaced or "FELIX_BPFENABLED=true" in calico.words):
        return carriers.CALICO_EBPF
    if seen:
        return carriers.KUBE_PROXY
    return _COMPUTE.get(labels.get("eks.amazonaws.com/compute-type", ""), carriers.UNSEEN)


def _proxy_mode(scene: Scene) -> str:
    """By the command line of its pods, else by its ConfigMap: EKS calls it kube-proxy-config."""
    for one in scene.agents:
        if one.kind is AgentKind.KUBE_PROXY:
            for word in one.words:
                if word.startswith("--proxy-mode="):
                    return word.removeprefix("--proxy-mode=")
    for name, data in scene.settings:
        found = _MODE.search("\n".join(text for _, text in data)) if name.startswith("kube-proxy") else None
        if found is not None:
            # An empty mode is the platform's own choice, which has been iptables on Linux so far.
            return found[1] or "iptables"
    return ""


def _cilium(settings: Mapping[str, str], *, beside: bool) -> Carrier:
    """By Cilium's ConfigMap where it was read; without kube-proxy it must be Cilium."""
    if not settings:
        return carriers.CILIUM_BESIDE if beside else carriers.CILIUM_ALONE
    replaces = settings.get("kube-proxy-replacement", "false").lower() in _YES or not beside
    in_pods = settings.get("bpf-lb-sock", "false") == "true"
    if not replaces and not in_pods:
        return carriers.KUBE_PROXY
    heeds = settings.get("enable-service-topology", "false") == "true"
    return carriers.CILIUM if heeds else carriers.CILIUM_OFF


def _of_pod(one: Agent) -> Carrier | None:
    aware = any(word.lstrip("-") in _AWARE for word in one.words)
    if one.kind is AgentKind.INGRESS_NGINX:
        return carriers.INGRESS_NGINX_AWARE if aware else carriers.INGRESS_NGINX
    if one.kind is AgentKind.NGINX_INGRESS:
        return carriers.NGINX_INGRESS_AWARE if aware else carriers.NGINX_INGRESS
    return _OF_PODS.get(one.kind)


_AWARE = frozenset({"enable-topology-aware-routing", "enable-topology-aware-routing=true"})


def groups(named: Iterable[tuple[str, Carrier]]) -> dict[Carrier, tuple[str, ...]]:
    """The names by their carrier, in the order in which carriers first come."""
    found: dict[Carrier, list[str]] = defaultdict(list)
    for name, carrier in named:
        found[carrier].append(name)
    return {carrier: tuple(names) for carrier, names in found.items()}
