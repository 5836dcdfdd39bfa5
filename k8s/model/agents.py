"""Which pods have a part in carrying Service traffic, and in which version: raw pods to values (pure).

A pod is known by its image, whoever mirrors it and whatever suffix it carries (``kube-proxy-amd64``), by the
name that its own controller gives it where the image tells nothing (OVN-Kubernetes on OpenShift is a digest),
or by what an injector leaves on it. ``nodeInfo.kubeProxyVersion`` is the kubelet's word and no evidence of a
proxy (KEP-4004); only distributions that build kube-proxy into the kubelet's own program are taken by theirs.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from k8s.model.fields import Field
from k8s.model.scene import Agent, AgentKind
from k8s.topology import NodeName

_LINKERD = "linkerd"
_VERSION = re.compile(r"v?1\.(\d{1,3})(?!\d)", re.ASCII)
_ARCHITECTURE = re.compile(r"-(?:amd64|arm64|arm|s390x|ppc64le|windows|linux)(?:-\w+)?$")
_IMAGES: tuple[tuple[str, AgentKind], ...] = (
    (r"kube-proxy", AgentKind.KUBE_PROXY),
    (r"(?:.*/)?cilium/cilium(?:-ci|-dev)?|cilium", AgentKind.CILIUM),
    (r"(?:.*/)?calico/node|calico-node", AgentKind.CALICO),
    (r"kube-router", AgentKind.KUBE_ROUTER),
    (r"antrea-(?:agent-)?(?:ubuntu|ubi)|antrea-agent", AgentKind.ANTREA),
    (r"ovn-kube(?:rnetes)?(?:-\w+)?", AgentKind.OVN_KUBERNETES),
    (r"ztunnel", AgentKind.ZTUNNEL),
    (r"(?:.*/)?ingress-nginx/controller(?:-chroot)?|nginx-ingress-controller", AgentKind.INGRESS_NGINX),
    (r"(?:.*/)?(?:nginx|f5|nginx-ic)/(?:nginx-ingress|nginx-plus-ingress)|nginx-plus-ingress",
     AgentKind.NGINX_INGRESS),
    (r"traefik|traefik-ee|traefik-hub", AgentKind.TRAEFIK),
    (r"kong|kong-gateway|(?:.*/)?kong/kong(?:-gateway)?", AgentKind.KONG),
    (r"haproxy-ingress|(?:.*/)?haproxytech/kubernetes-ingress", AgentKind.HAPROXY),
    (r"(?:.*/)?envoyproxy/envoy", AgentKind.ENVOY_GATEWAY),
)  # fmt: skip
"""(form of the image's repository, or of its last part; what it is); the first that fits."""
_NAMES: tuple[tuple[str, AgentKind], ...] = (
    (r"ovnkube-(?:node|master)\b.*", AgentKind.OVN_KUBERNETES),
    (r"kube-proxy(?:-.*)?", AgentKind.KUBE_PROXY),
    (r"anetd-\w+", AgentKind.CILIUM),
)
"""(form of the pod's name in a system namespace, what it is), where no image tells."""
_SYSTEM = re.compile(r"kube-system|openshift-.*|ovn-kubernetes|calico-system|cilium|kube-.*")
_SIDECARS = (
    ("security.istio.io/tlsMode", AgentKind.ISTIO_SIDECAR),
    ("linkerd.io/control-plane-ns", AgentKind.LINKERD_SIDECAR),
)
"""Labels that an injector leaves on a pod."""
_SIDECAR_IMAGES = (
    (r"(?:.*/)?istio/proxyv2|proxyv2", AgentKind.ISTIO_SIDECAR),
    (r"(?:.*/)?linkerd/proxy", AgentKind.LINKERD_SIDECAR),
)
AMBIENT_ANNOTATION = "ambient.istio.io/redirection"
"""Istio's CNI plugin writes ``enabled`` on every pod whose traffic it takes to ztunnel."""
_EMBEDDED = re.compile(r"\+k3s\d", re.ASCII)
"""In the kubelet's version where kube-proxy is a part of the same program (k3s)."""


def minor_of(version: str) -> int | None:
    """The 35 of ``v1.35.2-eks-1a2b3c``; None for what is no version 1.x."""
    found = _VERSION.match(version)
    return int(found[1]) if found else None


@lru_cache(maxsize=4096)
def kind_of(image: str) -> AgentKind | None:
    """What the image of a container is, or None for any other."""
    repository = _ARCHITECTURE.sub("", repository_of(image))
    last = repository.rpartition("/")[2]
    for form, kind in _IMAGES:
        if re.fullmatch(form, last) or re.fullmatch(form, repository):
            return kind
    return None


def agent(raw: Any) -> Agent | None:
    """The agent that a raw v1 Pod is, or None for any other pod.

    Of Linkerd the pods of its own control plane; a pod with an injected proxy is an agent of itself.
    """
    root = Field("a Pod", "", raw)
    namespace = root.at("metadata", "namespace").text("")
    containers = [*root.at("spec", "containers").each(), *root.at("spec", "initContainers").each()]
    for container in containers:
        kind = kind_of(container.at("image").text(""))
        if kind is None and _LINKERD in namespace:
            kind = _linkerd(container.at("image").text(""))
        if kind is not None:
            return _agent(root, container, _which_envoy(root) if kind is AgentKind.ENVOY_GATEWAY else kind)
    for form, kind in _NAMES:
        if _SYSTEM.fullmatch(namespace) and re.fullmatch(form, root.at("metadata", "name").text("")):
            return _agent(root, _main(containers, form), kind)
    return _sidecar(root, containers)


def _which_envoy(root: Field) -> AgentKind:
    """Envoy Gateway marks the proxies that it manages; the others that one meets are Contour's."""
    managed = dict(root.at("metadata", "labels").pairs()).get("app.kubernetes.io/managed-by")
    return AgentKind.ENVOY_GATEWAY if managed == "envoy-gateway" else AgentKind.CONTOUR


def _linkerd(image: str) -> AgentKind | None:
    return AgentKind.LINKERD if _LINKERD in repository_of(image).split("/")[:-1] else None


def _main(containers: list[Field], form: str) -> Field:
    """The container that is called like the program, else the first."""
    named = [one for one in containers if re.match(form, one.at("name").text(""))]
    return (named or containers or [Field("a Pod", "spec", {})])[0]


def _sidecar(root: Field, containers: list[Field]) -> Agent | None:
    labels = dict(root.at("metadata", "labels").pairs())
    for container in containers:
        for form, kind in _SIDECAR_IMAGES:
            if re.fullmatch(form, repository_of(container.at("image").text(""))):
                return _agent(root, container, kind)
    for key, kind in _SIDECARS:
        if key in labels:
            return _agent(root, _main(containers, ""), kind)
    if root.at("metadata", "annotations", AMBIENT_ANNOTATION).value == "enabled":
        return _agent(root, _main(containers, ""), AgentKind.AMBIENT_POD)
    return None


def _agent(root: Field, container: Field, kind: AgentKind) -> Agent:
    node = root.at("spec", "nodeName").text_or_none()
    return Agent(
        name=root.at("metadata", "name").text(""),
        node=NodeName(node) if node else None,
        image=container.at("image").text(""),
        kind=kind,
        namespace=root.at("metadata", "namespace").text(""),
        words=tuple(_words(container)),
    )


def _words(container: Field) -> Iterable[str]:
    for field in ("command", "args"):
        for word in container.at(field).each():
            yield word.text("")
    for variable in container.at("env").each():
        if isinstance(variable.at("value").value, str):
            yield f"{variable.at('name').text('')}={variable.at('value').text('')}"


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
        version = root.at("status", "nodeInfo", "kubeletVersion").text("")
        minor = minor_of(version) if _EMBEDDED.search(version) else None
        if minor is not None:
            found[NodeName(root.at("metadata", "name").text())] = minor
    for one in agents:
        minor = minor_of(tag_of(one.image))
        if one.kind is AgentKind.KUBE_PROXY and one.node is not None and minor is not None:
            found[one.node] = minor
    return tuple(sorted(found.items()))


def tag_of(image: str) -> str:
    """The tag of an image, e.g. ``v1.35.0-eksbuild.2``; empty without one."""
    return image.partition("@")[0].removeprefix(repository_of(image)).removeprefix(":")
