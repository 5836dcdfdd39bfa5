"""D43-D45: versions, data planes, meshes and load balancers."""

from dataclasses import replace

import pytest

from k8s.doctor.examination import examine
from k8s.doctor.finding import Severity
from k8s.model.scene import Scene
from k8s.topology import Service
from tests.k8s.cases import AUTO
from tests.k8s.doctor.doctor_cases import (
    CLIENT,
    CLOSE,
    KEY,
    PROXY,
    SAME_NODE,
    SAME_ZONE,
    annotated,
    client_on,
    finding,
    node,
    scene,
    serious,
)

KUBE_PROXY = f"{PROXY}:v1.35.0-eksbuild.2"
CILIUM = "quay.io/cilium/cilium:v1.18.0@sha256:0123"
ZTUNNEL = "docker.io/istio/ztunnel:1.27.0"
LINKERD = "cr.l5d.io/linkerd/controller:edge-25"


def hinted(of: Service = AUTO, *images: str, proxies: int | None = 35) -> Scene:
    return scene(hints="3/3/3", of=of, images=images or None, proxies=proxies)


@pytest.mark.parametrize(
    ("of", "images", "severity", "said"),
    [
        (AUTO, (CILIUM,), Severity.RISK, "in place of kube-proxy"),
        (AUTO, (CILIUM, KUBE_PROXY), Severity.RISK, "beside kube-proxy"),
        (AUTO, (ZTUNNEL, KUBE_PROXY), Severity.RISK, "ignores the annotation"),
        (SAME_ZONE, (ZTUNNEL, KUBE_PROXY), Severity.RISK, "by its own proxies"),
        (AUTO, (LINKERD, KUBE_PROXY), Severity.RISK, "by its own proxies"),
        (replace(AUTO, type="LoadBalancer"), (KUBE_PROXY,), Severity.NOTE, "cross-zone setting"),
        (replace(AUTO, cluster_ip="None"), (KUBE_PROXY,), Severity.PROBLEM, "headless"),
    ],
    ids=["Cilium", "Cilium beside", "Istio", "Istio and field", "Linkerd", "load balancer", "headless"],
)
def test_other_paths(of: Service, images: tuple[str, ...], severity: Severity, said: str) -> None:
    """Who else may carry the traffic is named, as bad as it is known to be."""
    found = finding(hinted(of, *images), "D45")

    assert found.severity is severity
    assert said in found.meaning


@pytest.mark.parametrize(
    ("label", "severity", "said"),
    [
        (("security.istio.io/tlsMode", "istio"), Severity.PROBLEM, "ignores the annotation"),
        (("linkerd.io/control-plane-ns", "linkerd"), Severity.RISK, "by its own proxies"),
    ],
)
def test_sidecar_of_the_client(label: tuple[str, str], severity: Severity, said: str) -> None:
    """A client with an injected proxy is not routed by kube-proxy."""
    place = scene(hints="3/3/3", clients=[client_on("node-a", label)])

    found = finding(place, "D45", CLIENT)

    assert (found.severity, found.evidence[0].object) == (severity, "Pod ui/ui-1")
    assert said in found.meaning


@pytest.mark.parametrize("kind", ["fargate", "auto"])
def test_undocumented_nodes(kind: str) -> None:
    """Fargate and Auto Mode nodes: AWS does not say which proxy there is, so neither do we."""
    place = scene(
        hints="4/3/3",
        pods="4/3/3",
        images=["busybox:1"],
        more=[node("fargate-1", "a", cpu=1, labels={"eks.amazonaws.com/compute-type": kind})],
    )

    found = finding(place, "D45")

    assert found.severity is Severity.NOTE
    assert found.evidence[0].value == f"eks.amazonaws.com/compute-type={kind}"


@pytest.mark.parametrize(
    ("of", "minor", "proxies", "codes"),
    [
        (CLOSE, 30, 31, ["D44"]),
        (CLOSE, 31, 31, []),
        (SAME_ZONE, 33, 33, ["D44"]),
        (SAME_ZONE, 34, 31, []),
        (SAME_ZONE, 34, 30, ["D44"]),
        (SAME_NODE, 34, 33, ["D44"]),
        (SAME_NODE, 34, 34, []),
        (AUTO, 30, 27, []),
        (AUTO, 30, 26, ["D44"]),
        (annotated(old="auto"), 30, 27, []),
    ],
)
def test_versions(of: Service, minor: int, proxies: int, codes: list[str]) -> None:
    """The control plane must know the field, kube-proxy must heed hints without an annotation."""
    place = scene(hints="3/3/3", of=of, minor=minor, proxies=proxies)

    assert serious(examine(place, KEY, store_pools=False)) == codes


def test_only_the_clients_proxies_count() -> None:
    """With a client named, only the kube-proxies on its nodes matter."""
    place = scene(hints="3/3/3", of=CLOSE, clients=[client_on("node-a")])
    old = replace(place, proxy_minors=(*place.proxy_minors[:2], (place.proxy_minors[2][0], 30)))

    assert serious(examine(old, KEY, CLIENT, store_pools=False)) == []
    assert serious(examine(old, KEY, store_pools=False)) == ["D44"]


def test_unknown_version_of_the_clients_node() -> None:
    """A version that is not known is a note with the way to find it out."""
    place = scene(hints="3/3/3", of=CLOSE, clients=[client_on("node-c")])
    partly = replace(place, proxy_minors=place.proxy_minors[:2])

    found = finding(partly, "D44", CLIENT)

    assert (found.severity, found.evidence[0].value) == (Severity.NOTE, "not known (node-c)")
    assert "get pods -l k8s-app=kube-proxy" in found.fix
