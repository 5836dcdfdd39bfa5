"""Which data plane runs, and in which version."""

from typing import Any

import pytest

from k8s.model.agents import agent, minor_of, proxy_minors, repository_of
from k8s.model.scene import Agent, AgentKind
from k8s.topology import NodeName

EKS = "602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/kube-proxy:v1.34.1-minimal-eksbuild.2"


def pod(image: str, namespace: str = "kube-system", node: str | None = "n1") -> dict[str, Any]:
    spec = {"nodeName": node, "containers": [{"image": "side:1"}, {"image": image}]}
    return {"metadata": {"name": "p", "namespace": namespace}, "spec": spec}


@pytest.mark.parametrize(
    ("image", "namespace", "expected"),
    [
        (EKS, "kube-system", AgentKind.KUBE_PROXY),
        ("registry.k8s.io/kube-proxy@sha256:0a", "kube-system", AgentKind.KUBE_PROXY),
        ("gke.gcr.io/kube-proxy-amd64:v1.30.5-gke.1014001", "kube-system", AgentKind.KUBE_PROXY),
        ("registry.k8s.io/kube-proxy-arm64:v1.31.1", "kube-system", AgentKind.KUBE_PROXY),
        ("mirror.corp:5000/mirror/oss/kube-proxy:v1.31.7", "kube-system", AgentKind.KUBE_PROXY),
        ("quay.io/cilium/cilium:v1.19.2@sha256:ab", "kube-system", AgentKind.CILIUM),
        ("quay.io/cilium/operator-generic:v1.19.2", "kube-system", None),
        ("quay.io/calico/node:v3.30.0", "calico-system", AgentKind.CALICO),
        ("docker.io/cloudnativelabs/kube-router:v2.1.3", "kube-system", AgentKind.KUBE_ROUTER),
        ("antrea/antrea-agent-ubuntu:v2.3.0", "kube-system", AgentKind.ANTREA),
        ("ghcr.io/ovn-kubernetes/ovn-kubernetes/ovn-kube-ubuntu:master", "x", AgentKind.OVN_KUBERNETES),
        ("registry:5000/istio/ztunnel", "istio-system", AgentKind.ZTUNNEL),
        ("cr.l5d.io/linkerd/controller:edge-26.1.1", "linkerd", AgentKind.LINKERD),
        ("cr.l5d.io/linkerd/proxy:edge-26.1.1", "shop", AgentKind.LINKERD_SIDECAR),
        ("docker.io/istio/proxyv2:1.27.1", "shop", AgentKind.ISTIO_SIDECAR),
        ("registry.k8s.io/ingress-nginx/controller:v1.12.1@sha256:abc", "web", AgentKind.INGRESS_NGINX),
        ("docker.io/nginx/nginx-ingress:5.1", "web", AgentKind.NGINX_INGRESS),
        ("traefik:v3.1", "web", AgentKind.TRAEFIK),
        ("kong/kong-gateway:3.9", "web", AgentKind.KONG),
        ("haproxytech/kubernetes-ingress:3.1", "web", AgentKind.HAPROXY),
        ("envoyproxy/envoy:v1.33", "projectcontour", AgentKind.CONTOUR),
        ("shop/kube-proxy-exporter:1", "shop", None),
        ("shop/kong-plugins:1", "shop", None),
    ],
)
def test_agents_are_known_by_their_image(image: str, namespace: str, expected: AgentKind | None) -> None:
    """Whoever hosts the image and whatever suffix it has; operators and exporters are none."""
    found = agent(pod(image, namespace))

    assert (found and (found.kind, found.image, found.node)) == (expected and (expected, image, "n1"))


@pytest.mark.parametrize(
    ("name", "namespace", "expected"),
    [
        ("ovnkube-node-x7k2p", "openshift-ovn-kubernetes", AgentKind.OVN_KUBERNETES),
        ("kube-proxy-ip-10-0-1-7", "kube-system", AgentKind.KUBE_PROXY),
        ("anetd-x7k2p", "kube-system", AgentKind.CILIUM),
        ("kube-proxy-tester", "shop", None),
    ],
)
def test_agents_are_known_by_their_name(name: str, namespace: str, expected: AgentKind | None) -> None:
    """A digest or Rancher's one image for all tells nothing: in a system namespace the pod's name does."""
    raw = pod("rancher/hardened-kubernetes:v1.30.5-rke2r1-build20240912", namespace)
    raw["metadata"]["name"] = name
    raw["spec"]["containers"][1]["name"] = name

    found = agent(raw)

    assert (found and found.kind) == expected
    if found and expected is AgentKind.KUBE_PROXY:
        assert proxy_minors([found], []) == (("n1", 30),)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"labels": {"security.istio.io/tlsMode": "istio"}}, AgentKind.ISTIO_SIDECAR),
        ({"labels": {"linkerd.io/control-plane-ns": "linkerd"}}, AgentKind.LINKERD_SIDECAR),
        ({"annotations": {"ambient.istio.io/redirection": "enabled"}}, AgentKind.AMBIENT_POD),
        ({"annotations": {"ambient.istio.io/redirection": "disabled"}}, None),
    ],
)
def test_pods_in_a_mesh(metadata: dict[str, Any], expected: AgentKind | None) -> None:
    """What an injector leaves on a pod tells that it has a proxy of its own."""
    raw = pod("shop:1", "shop")
    raw["metadata"] |= metadata

    found = agent(raw)

    assert (found and found.kind) == expected


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


def test_the_kubelets_word_is_no_evidence() -> None:
    """kube-proxy's tag counts; what the kubelet says only where both are one program, as in k3s."""
    nodes = [
        {
            "metadata": {"name": name},
            "status": {"nodeInfo": {"kubeProxyVersion": "v1.35.0", "kubeletVersion": kubelet}},
        }
        for name, kubelet in (("n1", "v1.35.0"), ("n2", "v1.35.0"), ("n3", "v1.33.1+k3s1"))
    ]
    agents = [
        Agent(name="p1", node=NodeName("n1"), image=EKS, kind=AgentKind.KUBE_PROXY),
        Agent(
            name="p2",
            node=NodeName("n2"),
            image="registry.k8s.io/kube-proxy@sha256:0a",
            kind=AgentKind.KUBE_PROXY,
        ),
    ]

    assert proxy_minors(agents, nodes) == (("n1", 34), ("n3", 33))
