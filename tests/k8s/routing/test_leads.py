"""Where a URL leads to."""

from typing import Any

import pytest

from k8s.model.entries import Entries, ingress_entry, node_entries, pod_entry, service_entry
from k8s.routing.leads import Leads, leads_to
from k8s.topology import ServiceKey

CLIENT = ServiceKey(namespace="shop", name="frontend")
PUBLIC = "an address of Service shop/frontend-public, whose pods are those of shop/frontend"
ITS_ADDRESS = "an address of Service shop/frontend"
NGINX = "registry.k8s.io/ingress-nginx/controller:v1"
BACKEND = "whose backend for"
BALANCER = "k8s-shop-1.elb.eu-west-1.amazonaws.com"
EDGE = "k8s-edge-2.elb.eu-west-1.amazonaws.com"


def service(name: str, **spec: Any) -> dict[str, Any]:
    space, _, name = name.rpartition("/")
    balancer = spec.pop("balancer", [])
    ports = spec.pop("ports", [{"port": 80}])
    return {
        "metadata": {"namespace": space or "shop", "name": name},
        "spec": {"ports": ports, **spec},
        "status": {"loadBalancer": {"ingress": balancer}},
    }


def pod(name: str, ip: str, app: str, *, namespace: str = "shop", image: str = "app") -> dict[str, Any]:
    return {
        "metadata": {"namespace": namespace, "name": name, "labels": {"app": app}},
        "spec": {"nodeName": "node-a", "containers": [{"name": "app", "image": image}]},
        "status": {"podIP": ip, "phase": "Running"},
    }


def path(where: str, name: str, kind: str = "Prefix") -> dict[str, Any]:
    return {"path": where, "pathType": kind, "backend": {"service": {"name": name, "port": {"number": 80}}}}


SERVICES = (
    service(
        "frontend",
        clusterIP="10.100.0.1",
        clusterIPs=["10.100.0.1", "fd00::1"],
        selector={"app": "frontend"},
        ports=[{"port": 80, "nodePort": 30080}, {"port": 8443}],
    ),
    service(
        "frontend-public",
        clusterIP="10.100.0.2",
        type="LoadBalancer",
        selector={"app": "frontend"},
        balancer=[{"hostname": BALANCER}, {"ip": "203.0.113.9"}],
    ),
    service(
        "orders", clusterIP="10.100.0.3", selector={"app": "orders"}, ports=[{"port": 80, "nodePort": 30081}]
    ),
    service("pods", clusterIP="None", selector={"app": "frontend"}),
    service("alias", type="ExternalName", externalName="frontend.shop.svc.cluster.local", ports=[]),
    service("away", type="ExternalName", externalName="shop.example.com", ports=[]),
    service("locust/near", clusterIP="10.100.0.4", selector={"app": "near"}),
    service(
        "edge/nginx",
        clusterIP="10.100.0.5",
        selector={"app": "nginx"},
        type="LoadBalancer",
        balancer=[{"hostname": EDGE}],
    ),
)
INGRESS = {
    "metadata": {"namespace": "shop", "name": "web"},
    "spec": {
        "rules": [
            {"host": "shop.example", "http": {"paths": [path("/", "frontend"), path("/api", "orders")]}},
            {"host": "*.wild.example", "http": {"paths": [path("/only", "frontend", "Exact")]}},
            {"host": "stray.example", "http": {"paths": [path("/", "frontend")]}},
            {"host": "split.example", "http": {"paths": [path("/orders", "orders")]}},
        ]
    },
    "status": {"loadBalancer": {"ingress": [{"hostname": EDGE}]}},
}
SECOND = {
    "metadata": {"namespace": "shop", "name": "more"},
    "spec": {"rules": [{"host": "split.example", "http": {"paths": [path("/shop", "frontend")]}}]},
    "status": INGRESS["status"],
}
RESOLVED = {
    BALANCER: frozenset({"198.51.100.1", "198.51.100.2"}),
    EDGE: frozenset({"198.51.100.7"}),
    "www.example": frozenset({"198.51.100.2"}),
    "shop.example": frozenset({"198.51.100.7"}),
    "a.wild.example": frozenset({"198.51.100.7"}),
    "split.example": frozenset({"198.51.100.7"}),
    "stray.example": frozenset({"192.0.2.80"}),
    "gateway.example": frozenset({"198.51.100.7"}),
    "node.example": frozenset({"192.168.0.1"}),
}


def entries(**changed: Any) -> Entries:
    pods = (
        pod("frontend-1", "10.1.0.1", "frontend"),
        pod("orders-1", "10.1.0.2", "orders"),
        pod(
            "nginx-1",
            "10.1.0.3",
            "nginx",
            namespace="edge",
            image=NGINX,
        ),
        pod("on-the-node", "192.168.0.1", "frontend"),
    )
    node = {"metadata": {"name": "node-a"}, "status": {"addresses": [{"address": "192.168.0.1"}]}}
    return Entries(
        **{
            "services": tuple(map(service_entry, SERVICES)),
            "pods": tuple(found for raw in pods if (found := pod_entry(raw))),
            "nodes": node_entries(node),
            "ingresses": (ingress_entry(INGRESS), ingress_entry(SECOND)),
            "resolved": tuple(RESOLVED.items()),
            **changed,
        }
    )


def lead(url: str, **changed: Any) -> tuple[str, str]:
    found = leads_to(url, entries(**changed), CLIENT, namespace="locust")
    return found.leads.value, found.what


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("http://frontend.shop", "Service shop/frontend"),
        ("http://frontend.shop.svc:80/x", "Service shop/frontend"),
        ("https://FRONTEND.shop.svc.cluster.local.:8443", "Service shop/frontend"),
        ("http://frontend-1.pods.shop.svc", "Service shop/pods, whose pods are those of shop/frontend"),
        ("http://alias.shop.svc", "Service shop/frontend"),
        ("http://10.100.0.1", ITS_ADDRESS),
        ("http://[fd00::1]", ITS_ADDRESS),
        ("http://10.100.0.2", PUBLIC),
        (f"http://{BALANCER}", PUBLIC),
        ("http://203.0.113.9", PUBLIC),
        ("http://www.example", PUBLIC),
        ("http://10.1.0.1:8080", "pod shop/frontend-1 alone"),
        ("http://192.168.0.1:30080", "NodePort 30080 of Service shop/frontend"),
        ("http://node.example:30080", "NodePort 30080 of Service shop/frontend"),
        (
            "http://shop.example",
            f"Ingress shop/web, {BACKEND} / is Service shop/frontend, but for /api to Service shop/orders",
        ),
        ("https://a.wild.example/only", "Ingress shop/web, whose backend for /only is Service shop/frontend"),
        ("http://split.example/shop/cart", f"Ingress shop/more, {BACKEND} /shop is Service shop/frontend"),
    ],
)  # fmt: skip
def test_it_leads_to_the_client(url: str, what: str):
    """By every name and address that the cluster gives it; another Service with the same pods counts."""
    assert lead(url) == ("there", what)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("http://orders.shop", "Service shop/orders"),
        ("http://frontend.shop.svc:81", "Service shop/frontend, which has no port 81 (it has 80, 8443)"),
        ("http://frontend.shop.svc:443", "Service shop/frontend, which has no port 443 (it has 80, 8443)"),
        ("http://frontend.other.svc", "there is no Service other/frontend"),
        ("http://near", "Service locust/near"),
        ("http://away.shop.svc", "Service shop/away, a name for shop.example.com"),
        ("http://10.100.0.3", "an address of Service shop/orders"),
        ("http://10.100.0.1:9", "Service shop/frontend, which has no port 9"),
        ("http://10.1.0.2:8080", "pod shop/orders-1"),
        ("http://192.168.0.1:30081", "NodePort 30081 of Service shop/orders"),
        ("http://192.168.0.1:8080", "node node-a, where 8080 is no Service's NodePort"),
        ("http://shop.example/api/v1", "Ingress shop/web, whose backend for /api is Service shop/orders"),
        ("http://a.wild.example/other", "Ingress shop/web, which has no /other"),
        ("http://split.example", "Ingress shop/web, whose backend for /orders is Service shop/orders"),
    ],
)  # fmt: skip
def test_it_leads_elsewhere(url: str, what: str):
    """And to what."""
    assert lead(url) == ("elsewhere", what)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("http://gone.example", "gone.example is nothing of the cluster, and has no address here"),
        ("http://example.com", "example.com is nothing of the cluster, and has no address here"),
        ("http://192.0.2.1", "192.0.2.1 is nothing of the cluster, and has no address here"),
        # The Ingress has this host, but DNS leads to another place: another cluster's, perhaps.
        ("http://stray.example", "stray.example (192.0.2.80) is no address of the cluster"),
        (
            "http://gateway.example",
            "an address of Service edge/nginx, ingress-nginx, whose route for it is not known",
        ),
        ("http://10.1.0.3", "pod edge/nginx-1, ingress-nginx, whose route for it is not known"),
    ],
)
def test_nobody_can_tell(url: str, what: str):
    """Neither is guessed."""
    assert lead(url) == ("unknown", what)


def test_what_could_not_be_read_is_told():
    """Without Ingresses, what one leads to is unknown, not elsewhere."""
    found = lead("http://stray.example", ingresses=(), gaps=("ingresses",))
    assert found == (
        "unknown",
        "stray.example (192.0.2.80) is no address of the cluster (ingresses could not be read)",
    )


def test_where_a_relay_answers_is_known_otherwise():
    """The lab's nodes answer for Services at addresses that its API does not tell."""
    orders = ServiceKey(namespace="shop", name="orders")
    relayed = (("127.100.201.2:8080", CLIENT), ("127.100.201.1:8080", orders))
    assert lead("http://127.100.201.2:8080", relayed=relayed) == ("there", ITS_ADDRESS)
    told = "an address of Service shop/orders"
    assert lead("http://127.100.201.1:8080", relayed=relayed) == ("elsewhere", told)


def test_a_client_that_is_not_there_is_led_to_by_nothing():
    """A misspelt --client."""
    found = leads_to(
        "http://frontend.shop", entries(), ServiceKey(namespace="shop", name="fronted"), namespace="locust"
    )
    assert (found.leads, found.what) == (Leads.ELSEWHERE, "no Service shop/fronted is there")
