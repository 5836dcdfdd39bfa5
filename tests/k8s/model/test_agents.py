"""Which data plane runs, and in which version."""

from typing import Any

import pytest

from k8s.model.agents import agent, minor_of, proxy_minors, repository_of
from k8s.model.scene import Agent
from k8s.topology import NodeName

EKS = "602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/kube-proxy:v1.34.1-minimal-eksbuild.2"


def pod(image: str, namespace: str = "kube-system", node: str | None = "n1") -> dict[str, Any]:
    spec = {"nodeName": node, "containers": [{"image": "side:1"}, {"image": image}]}
    return {"metadata": {"name": "p", "namespace": namespace}, "spec": spec}


@pytest.mark.parametrize(
    ("image", "namespace", "expected"),
    [
        (EKS, "kube-system", True),
        ("registry.k8s.io/kube-proxy@sha256:0a", "kube-system", True),
        ("quay.io/cilium/cilium:v1.19.2@sha256:ab", "kube-system", True),
        ("quay.io/cilium/operator-generic:v1.19.2", "kube-system", False),
        ("registry:5000/istio/ztunnel", "istio-system", True),
        ("cr.l5d.io/linkerd/controller:edge-26.1.1", "linkerd", True),
        ("cr.l5d.io/linkerd/proxy:edge-26.1.1", "shop", False),
        ("shop/kube-proxy-exporter:1", "shop", False),
    ],
)
def test_agents_are_known_by_their_image(image: str, namespace: str, expected: bool) -> None:
    """Whoever hosts the image; operators, exporters and sidecars are none."""
    found = agent(pod(image, namespace))

    assert found == (Agent(name="p", node=NodeName("n1"), image=image) if expected else None)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("v1.35.2-eks-1a2b3c", 35),
        ("1.31", 31),
        ("v1.34.1+k3s1", 34),
        ("v2.1", None),
        ("", None),
        ("35", None),
    ],
)
def test_minor(version: str, expected: int | None) -> None:
    """The minor of 1.x, or None."""
    assert minor_of(version) == expected


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("registry:5000/a/b", "registry:5000/a/b"),
        ("registry:5000/a/b:1@sha256:0", "registry:5000/a/b"),
        ("b@sha256:0", "b"),
        ("b:1", "b"),
        ("", ""),
    ],
)
def test_repository(image: str, expected: str) -> None:
    """A registry's port is no tag."""
    assert repository_of(image) == expected


def test_image_tag_before_node_info() -> None:
    """kube-proxy's tag counts; a digest tells nothing, so the node's own word is taken."""
    nodes = [
        {"metadata": {"name": name}, "status": {"nodeInfo": {"kubeProxyVersion": "v1.35.0"}}}
        for name in ("n1", "n2")
    ]
    nodes.append({"metadata": {"name": "n3"}, "status": {"nodeInfo": {"kubeProxyVersion": ""}}})
    agents = [
        Agent(name="p1", node=NodeName("n1"), image=EKS),
        Agent(name="p2", node=NodeName("n2"), image="registry.k8s.io/kube-proxy@sha256:0a"),
        Agent(name="p3", node=NodeName("n3"), image="quay.io/cilium/cilium:v1.19.2"),
    ]

    assert proxy_minors(agents, nodes) == (("n1", 34), ("n2", 35))
