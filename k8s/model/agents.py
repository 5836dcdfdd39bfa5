"""Which data plane runs on the nodes, and in which version: raw pods and nodes to values (pure).

kube-proxy's version decides whether hints are used, and it is not upgraded with the control plane; its image
tag tells it. ``nodeInfo.kubeProxyVersion`` is only a fallback: it repeats the kubelet's version, and newer
kubelets leave it empty (KEP-4004).
"""

import re
from collections.abc import Iterable
from typing import Any

from k8s.model.fields import Field
from k8s.model.scene import Agent
from k8s.topology import NodeName

KUBE_PROXY = "kube-proxy"
_AGENT_IMAGES = frozenset({KUBE_PROXY, "cilium", "ztunnel"})
"""Last part of an image's repository, whoever hosts it."""
_LINKERD = "linkerd"
_VERSION = re.compile(r"v?1\.(\d{1,3})(?!\d)", re.ASCII)


def minor_of(version: str) -> int | None:
    """The 35 of ``v1.35.2-eks-1a2b3c``; None for what is no version 1.x."""
    found = _VERSION.match(version)
    return int(found[1]) if found else None


def agent(raw: Any) -> Agent | None:
    """The agent that a raw v1 Pod is, or None for any other pod.

    kube-proxy, Cilium's and ztunnel's agents are known by their image; of Linkerd the pods of its own
    control plane, not the proxies beside every application.
    """
    root = Field("a Pod", "", raw)
    name = root.at("metadata", "name").text("")
    node = root.at("spec", "nodeName").text_or_none()
    for container in root.at("spec", "containers").each():
        image = container.at("image").text("")
        repository = repository_of(image)
        parts = repository.split("/")
        own = _LINKERD in root.at("metadata", "namespace").text("")
        if parts[-1] in _AGENT_IMAGES or (own and _LINKERD in parts[:-1]):
            return Agent(name=name, node=NodeName(node) if node else None, image=image)
    return None


def repository_of(image: str) -> str:
    """An image without tag and digest: ``registry:5000/eks/kube-proxy:v1.35.0@sha256:..`` without the end."""
    undigested = image.partition("@")[0]
    head, colon, tail = undigested.rpartition(":")
    return head if colon and "/" not in tail else undigested


def proxy_minors(agents: Iterable[Agent], raw_nodes: Iterable[Any]) -> tuple[tuple[NodeName, int], ...]:
    """(node, kube-proxy's minor version) where it is known, sorted by node."""
    found: dict[NodeName, int] = {}
    for raw in raw_nodes:
        root = Field("a Node", "", raw)
        minor = minor_of(root.at("status", "nodeInfo", "kubeProxyVersion").text(""))
        if minor is not None:
            found[NodeName(root.at("metadata", "name").text())] = minor
    for one in agents:
        repository = repository_of(one.image)
        tag = one.image.partition("@")[0].removeprefix(repository).removeprefix(":")
        minor = minor_of(tag)
        if repository.split("/")[-1] == KUBE_PROXY and one.node is not None and minor is not None:
            found[one.node] = minor
    return tuple(sorted(found.items()))
