"""Variations on the reported kinds: what carries connections, who owns slices, where people set knobs."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from k8s.doctor.examination import examine
from k8s.doctor.finding import Finding, Severity
from k8s.doctor.survey import survey
from k8s.model.raw_scene import RawScene, scene
from k8s.model.scene import Scene
from k8s.predict.carriage import carriage_of
from k8s.predict.clients import by_cpu, of_pods, pods_of
from k8s.predict.predict_text import as_data, as_text, forecast
from k8s.predict.starting_point import families_of, starting_point
from k8s.routing.carriers import Use
from k8s.routing.modes import RoutingMode
from k8s.topology import Pod, ServiceKey
from tests.k8s.doctor import doctor_cases
from tests.k8s.doctor.doctor_cases import CLOSE, KEY, SAME_NODE, SAME_ZONE, finding, serious
from tests.k8s.doctor.doctor_shell import applied
from tests.k8s.doctor.test_fuzz import healthy

SHOP = ServiceKey(namespace="shop", name="shop")
FRONT = ServiceKey(namespace="front", name="front")
KINDS = {"Node": "nodes", "Pod": "pods", "Service": "services", "EndpointSlice": "slices", "Event": "events"}


def place(change: Callable[[dict[str, list[Any]]], None] | None = None, **facts: Any) -> Scene:
    """Three nodes, kube-proxy on each, clients, and nine endpoints hinted home; *change* edits them."""
    objects: dict[str, list[Any]] = {word: [] for word in (*KINDS.values(), "settings")}
    for raw in healthy()["items"]:
        objects[KINDS.get(raw["kind"], "settings")].append(copy.deepcopy(raw))
    objects["settings"].clear()
    objects["events"].clear()
    spec = objects["services"][0]["spec"]
    spec |= {"type": "ClusterIP", "ports": [spec["ports"][0]], "ipFamilies": ["IPv4"]}
    objects["slices"] = [one for one in objects["slices"] if one["addressType"] == "IPv4"]
    for one in objects["slices"]:
        for each in one["endpoints"]:
            del each["hints"]["forNodes"]
    if change is not None:
        change(objects)
    told = {"server_version": "v1.35.1"} | facts
    return scene(RawScene(source="a test", taken_at_s=0.0, **objects, **told))


def found_in(here: Scene, client: ServiceKey | None = FRONT) -> dict[str, Finding]:
    return {one.code: one for one in examine(here, SHOP, client, store_pools=False)}


def proxies(image: str, **more: Any) -> Callable[[dict[str, list[Any]]], None]:
    """Each node runs this instead of kube-proxy."""

    def change(objects: dict[str, list[Any]]) -> None:
        for pod in objects["pods"]:
            if pod["metadata"]["namespace"] == "kube-system":
                pod["metadata"]["name"] = pod["metadata"]["name"].replace("kube-proxy", "agent")
                pod["spec"]["containers"][0] |= {"image": image} | more

    return change


def cilium(**data: str) -> Callable[[dict[str, list[Any]]], None]:
    def change(objects: dict[str, list[Any]]) -> None:
        proxies("quay.io/cilium/cilium:v1.18.1")(objects)
        settings = {key.replace("_", "-"): value for key, value in data.items()}
        objects["settings"].append({"metadata": {"name": "cilium-config"}, "data": settings})

    return change


def both(*changes: Callable[[dict[str, list[Any]]], None]) -> Callable[[dict[str, list[Any]]], None]:
    def change(objects: dict[str, list[Any]]) -> None:
        for one in changes:
            one(objects)

    return change


def beside(image: str, **more: Any) -> Callable[[dict[str, list[Any]]], None]:
    """A second agent on each node."""

    def change(objects: dict[str, list[Any]]) -> None:
        for pod in [pod for pod in objects["pods"] if pod["metadata"]["namespace"] == "kube-system"]:
            other = copy.deepcopy(pod)
            other["metadata"]["name"] = f"other-{pod['metadata']['name'][-1]}"
            other["spec"]["containers"][0] |= {"image": image} | more
            objects["pods"].append(other)

    return change


def labelled_nodes(**labels: str) -> Callable[[dict[str, list[Any]]], None]:
    def change(objects: dict[str, list[Any]]) -> None:
        for node in objects["nodes"]:
            node["metadata"]["labels"] |= {key.replace("__", "/"): value for key, value in labels.items()}

    return change


def clients(image: str = "", *, args: tuple[str, ...] = (), **metadata: Any) -> Callable[..., None]:
    """What the client pods are."""

    def change(objects: dict[str, list[Any]]) -> None:
        for pod in objects["pods"]:
            if pod["metadata"]["namespace"] == "front":
                pod["metadata"] |= metadata
                pod["metadata"]["labels"] = pod["metadata"].get("labels", {}) | {"app": "front"}
                if image:
                    pod["spec"]["containers"][0] |= {"image": image, "args": list(args)}

    return change


def windows(objects: dict[str, list[Any]]) -> None:
    for node in objects["nodes"]:
        node["metadata"]["labels"]["kubernetes.io/os"] = "windows"


def windows_by_node_info(objects: dict[str, list[Any]]) -> None:
    for node in objects["nodes"]:
        del node["metadata"]["labels"]["kubernetes.io/os"]
        node["status"]["nodeInfo"]["operatingSystem"] = "windows"


def without_agents(objects: dict[str, list[Any]]) -> None:
    objects["pods"] = [pod for pod in objects["pods"] if pod["metadata"]["namespace"] != "kube-system"]


def k3s(objects: dict[str, list[Any]]) -> None:
    without_agents(objects)
    for node in objects["nodes"]:
        node["status"]["nodeInfo"]["kubeletVersion"] = "v1.33.1+k3s1"


AWARE = ("--enable-topology-aware-routing",)
CARRIED = {
    "kube-proxy": (None, Use.HINTS),
    "k3s": (k3s, Use.HINTS),
    "Windows": (windows, Use.NONE),
    "Windows by nodeInfo": (windows_by_node_info, Use.NONE),
    "nothing seen": (without_agents, Use.UNKNOWN),
    "OVN-Kubernetes": (proxies("ghcr.io/ovn-kubernetes/ovn-kube-fedora:1.2"), Use.NONE),
    "kube-router": (proxies("cloudnativelabs/kube-router:v2.1.3"), Use.NONE),
    "kube-router for routes only": (
        beside("cloudnativelabs/kube-router:v2.1.3", args=["--run-service-proxy=false"]), Use.HINTS
    ),
    "Antrea": (proxies("antrea/antrea-agent-ubuntu:v2.3.0"), Use.UNKNOWN),
    "Calico's eBPF": (
        proxies("quay.io/calico/node:v3.30.0", env=[{"name": "FELIX_BPFENABLED", "value": "true"}]), Use.HINTS
    ),
    "Calico beside kube-proxy": (beside("quay.io/calico/node:v3.30.0"), Use.HINTS),
    "Cilium, not known": (proxies("quay.io/cilium/cilium:v1.18.1"), Use.UNKNOWN),
    "Cilium, on": (cilium(kube_proxy_replacement="true", enable_service_topology="true"), Use.HINTS),
    "Cilium, off": (cilium(kube_proxy_replacement="true"), Use.NONE),
    "Cilium for networking only": (
        both(beside("quay.io/cilium/cilium:v1.18.1"), lambda objects: objects["settings"].append(
            {"metadata": {"name": "cilium-config"}, "data": {"kube-proxy-replacement": "false"}}
        )),
        Use.HINTS,
    ),
    "Fargate": (
        both(without_agents, labelled_nodes(eks__x="y", **{"eks.amazonaws.com__compute-type": "fargate"})),
        Use.UNKNOWN,
    ),
    "Auto Mode": (
        both(without_agents, labelled_nodes(**{"eks.amazonaws.com__compute-type": "auto"})), Use.UNKNOWN
    ),
    "virtual kubelet": (labelled_nodes(type="virtual-kubelet"), Use.UNKNOWN),
    "Istio sidecar": (clients("docker.io/istio/proxyv2:1.27.1"), Use.NONE),
    "Istio by label": (clients(labels={"security.istio.io/tlsMode": "istio"}), Use.NONE),
    "in the ambient mesh": (clients(annotations={"ambient.istio.io/redirection": "enabled"}), Use.NONE),
    "Linkerd": (clients(labels={"linkerd.io/control-plane-ns": "linkerd"}), Use.UNKNOWN),
    "ingress-nginx": (clients("registry.k8s.io/ingress-nginx/controller:v1.12.1"), Use.NONE),
    "ingress-nginx, aware": (clients("ingress-nginx/controller:v1.12.1", args=AWARE), Use.HINTS),
    "F5 NGINX": (clients("nginx/nginx-ingress:5.1"), Use.NONE),
    "F5 NGINX, aware": (clients("nginx/nginx-ingress:5.1", args=AWARE), Use.NONE),
    "Traefik": (clients("traefik:v3.1"), Use.NONE),
    "Kong": (clients("kong:3.9"), Use.NONE),
    "HAProxy": (clients("haproxytech/kubernetes-ingress:3.1"), Use.NONE),
    "Contour": (clients("envoyproxy/envoy:v1.33.0"), Use.NONE),
    "Envoy Gateway": (
        clients("envoyproxy/envoy:v1.33", labels={"app.kubernetes.io/managed-by": "envoy-gateway"}), Use.FIELD
    ),
}  # fmt: skip
"""What is changed, and what then becomes of Auto for the clients."""


@pytest.mark.parametrize("name", CARRIED)
def test_who_carries_the_clients(name: str) -> None:
    """Doctor and predictor say the same of what carries the clients' connections."""
    change, use = CARRIED[name]
    here = place(change)
    carriage = carriage_of(here)
    pods = pods_of(here.snapshot, FRONT)

    assert {carriage.of_pod(pod).use_of(RoutingMode.TAR) for pod in pods} == {use}
    found = found_in(here)
    share = forecast(
        starting_point(here, SHOP, of_pods(pods, here.snapshot.nodes, "x", carriage))
    ).predictions
    tar = next(one for one in share if one.mode is RoutingMode.TAR).share
    assert tar is not None
    assert float(tar[0]) == pytest.approx(1 / 3 if use is Use.NONE else 1.0)
    if use is Use.NONE:
        assert (found["D45"].severity, "D00" in found) == (Severity.PROBLEM, False)
    elif use is Use.UNKNOWN:
        assert found["D45"].severity is not Severity.PROBLEM
        assert "if what carries them heeds hints" in found["D00"].meaning
    else:
        assert "100.0\u00a0% of new connections" in found["D00"].meaning


@pytest.mark.parametrize("name", CARRIED)
@pytest.mark.parametrize("client", [None, FRONT], ids=["nobody named", "clients named"])
@pytest.mark.parametrize("mode", ["tar", "prefer-same-zone"])
def test_a_fix_is_a_command_or_nothing(name: str, client: ServiceKey | None, mode: str) -> None:
    """Whoever carries connections, under whatever mode: one sentence, and a fix that a shell can read."""
    here = place(CARRIED[name][0])

    for one in examine(here, SHOP, client, wanted=RoutingMode(mode)):
        assert one.meaning.endswith(".")
        assert one.fix == "" or one.fix.startswith("kubectl ")


def test_istio_reads_the_field() -> None:
    """Through a sidecar Auto does nothing and the field does all."""
    here = place(clients("docker.io/istio/proxyv2:1.27.1"))

    fixed = applied(here, found_in(here)["D45"].fix)

    assert "D00" in found_in(fixed)
    assert "100.0\u00a0% of new connections (3 ready pods of front/front)" in found_in(fixed)["D00"].meaning


def managed_by(manager: str | None) -> Callable[[dict[str, list[Any]]], None]:
    """One more endpoint in zone a, in a slice of this manager."""

    def change(objects: dict[str, list[Any]]) -> None:
        more = copy.deepcopy(objects["slices"][0])
        more["metadata"]["name"] = "shop-more"
        more["endpoints"] = [more["endpoints"][0] | {"addresses": ["10.9.9.9"]}]
        labels = more["metadata"]["labels"]
        if manager is None:
            del labels["endpointslice.kubernetes.io/managed-by"]
        else:
            labels["endpointslice.kubernetes.io/managed-by"] = manager
        if manager == "endpointslice-controller.k8s.io":
            more["metadata"]["deletionTimestamp"] = "2026-11-20T10:00:00Z"
        objects["slices"].append(more)

    return change


@pytest.mark.parametrize("manager", [None, "endpointslice-controller.k8s.io", "helm", "", "fabric8"])
def test_only_owned_slices_count(manager: str | None) -> None:
    """The controller counts nine, whoever else wrote a tenth, or whatever is about to go."""
    here = place(managed_by(manager))
    start = starting_point(here, SHOP, by_cpu(here.snapshot.nodes))
    data = as_data("x", forecast(start))

    assert data["endpoints"] == 9
    assert any("shop-more" in note for note in data["notes"])
    assert ("D36" in found_in(here)) is (manager == "endpointslice-controller.k8s.io")


def relabel(count: int) -> Callable[[dict[str, list[Any]]], None]:
    def change(objects: dict[str, list[Any]]) -> None:
        for node in objects["nodes"][:count]:
            node["metadata"]["labels"]["topology.kubernetes.io/zone"] += "-new"

    return change


@pytest.mark.parametrize("count", [1, 2, 3])
def test_relabelled_nodes(count: int) -> None:
    """However many were relabelled: a touch of the Service, and it is well."""
    here = place(relabel(count))
    found = found_in(here, None)

    assert found["D34"].severity is Severity.PROBLEM
    assert "D42" not in found
    assert serious(examine(applied(here, found["D34"].fix), SHOP, store_pools=False)) == []


def gone(count: int) -> Callable[[dict[str, list[Any]]], None]:
    def change(objects: dict[str, list[Any]]) -> None:
        objects["nodes"] = objects["nodes"][count:]
        objects["services"][0]["metadata"]["annotations"] = {}
        objects["services"][0]["spec"]["trafficDistribution"] = "PreferSameZone"

    return change


@pytest.mark.parametrize("count", [1, 2])
def test_lost_nodes(count: int) -> None:
    """Endpoints on nodes that do not exist are named, and their pods are to be deleted."""
    here = place(gone(count))
    found = found_in(here, None)["D35"]

    assert found.meaning.startswith(f"{3 * count} ready endpoints are on node-a")
    assert found.fix.count("shop-6d5f7c9b8-") == 3 * count
    after = {one.code: one.severity for one in examine(applied(here, found.fix), SHOP, store_pools=False)}
    assert "D35" not in after
    assert Severity.PROBLEM not in after.values()


def test_orphaned_slices_of_pods_that_live() -> None:
    """The selector is gone and the pods are not: it is to be given back, not the traffic taken away."""
    here = place(lambda objects: objects["services"][0]["spec"].pop("selector"))
    found = found_in(here, None)["D02"]

    assert "pods that are gone" not in found.meaning
    assert '{"spec":{"selector":{"app":"shop"}}}' in found.fix


def refusal(said_by_it: str, **more: Any) -> Callable[[dict[str, list[Any]]], None]:
    def change(objects: dict[str, list[Any]]) -> None:
        for one in objects["slices"]:
            for each in one["endpoints"]:
                each.pop("hints")
        said = {
            "metadata": {"name": "e", "namespace": "shop"},
            "involvedObject": {"kind": "Service", "namespace": "shop", "name": "shop"},
            "type": "Warning",
            "reason": "TopologyAwareHintsDisabled",
            "message": f"{said_by_it}, addressType: IPv4",
            "lastTimestamp": "1969-12-31T00:00:00Z",
        }
        objects["events"].append(said | more)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (refusal("(combined from similar events): Insufficient number of endpoints (2 endpoints, 3 zones)"),
         "refused for a reason that no longer holds"),
        (refusal("Insufficient number of endpoints (2 endpoints, 3 zones)"),
         "refused for a reason that no longer holds"),
        (refusal("", involvedObject=None, message=None, lastTimestamp=None,
                 regarding={"kind": "Service", "namespace": "shop", "name": "shop"},
                 note="Insufficient number of endpoints (2 endpoints, 3 zones), addressType: IPv4",
                 deprecatedLastTimestamp="1969-12-31T00:00:00Z"),
         "refused for a reason that no longer holds"),
        (refusal("(combined from similar events): Topology Aware Hints has been disabled"),
         "last word is that Auto was switched off"),
        (refusal("x", reason="Unrelated"), "the event has expired (they last an hour unless set otherwise)"),
    ],
    ids=["combined", "plain", "events.k8s.io", "switched off", "expired"],
)  # fmt: skip
def test_what_the_controller_said(change: Callable[..., None], said: str) -> None:
    """Combined or not, in the old form or the new; and without an event the state itself tells."""
    found = found_in(place(change), None)["D30"]

    assert (found.severity, said in found.meaning) == (Severity.PROBLEM, True)


@pytest.mark.parametrize("reason", ["FailedToUpdateEndpointSlices", "FailedToListPods"])
def test_what_the_controller_could_not_do(reason: str) -> None:
    """That it could not write, or not read, is a risk while nothing here tells why."""

    def change(objects: dict[str, list[Any]]) -> None:
        kept = copy.deepcopy(objects["slices"])
        refusal("Error updating", reason=reason)(objects)
        objects["slices"] = kept

    assert found_in(place(change), None)["D14"].severity is Severity.RISK


def knob(where: str, key: str, value: str = "Auto", *, on: str = "services") -> Callable[..., None]:
    def change(objects: dict[str, list[Any]]) -> None:
        objects["services"][0]["metadata"]["annotations"] = {}
        for one in objects["slices"]:
            for each in one["endpoints"]:
                each.pop("hints")
        for raw in objects[on]:
            if raw["metadata"].get("namespace") == "shop":
                raw["metadata"][where] = (raw["metadata"].get(where) or {}) | {key: value}

    return change


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (knob("annotations", "service.kubernetes.io/topology-aware-routing", "auto"), False),
        (knob("annotations", "service.kubernetes.io/Topology-Mode"), False),
        (knob("annotations", "service.beta.kubernetes.io/topology-mode"), False),
        (knob("labels", "service.kubernetes.io/topology-mode"), False),
        (knob("annotations", "service.kubernetes.io/traffic-distribution", "PreferClose"), True),
        (knob("annotations", "trafficDistribution", "PreferClose"), True),
        (knob("annotations", "service.kubernetes.io/topology-mode", on="pods"), False),
        (knob("labels", "service.kubernetes.io/topology-aware-hints", "auto", on="pods"), False),
    ],
)
def test_knobs_that_nobody_reads(change: Callable[..., None], field: bool) -> None:
    """Another key, another case, a label, a pod: it is told what is meant, and the fix sets that."""
    here = place(change)
    found = found_in(here, None)["D04"]

    assert found.severity is Severity.PROBLEM
    assert ("spec.trafficDistribution" in found.meaning) is field
    after = applied(here, found.fix.partition(" && kubectl -n shop label")[0])
    assert "In force" in found_in(after, None)["D00"].meaning


@pytest.mark.parametrize(
    "change",
    [
        knob("annotations", "service.kubernetes.io/topology-aware-routing", "Disabled"),
        knob("annotations", "networking.istio.io/traffic-distribution", "PreferClose"),
        knob("annotations", "prometheus.io/scrape", "true"),
        knob("labels", "topology.kubernetes.io/zone", "a", on="pods"),
    ],
)
def test_keys_that_are_none_of_ours(change: Callable[..., None]) -> None:
    """What is switched off, is somebody else's, or only tells a place, is no knob."""
    assert "D04" not in found_in(place(change), None)


def test_an_old_control_plane_knows_the_old_key_only() -> None:
    """Before 1.27 topology-mode was no key."""
    here = place(server_version="v1.26.9")

    assert "knows only the older key" in found_in(here, None)["D44"].meaning


@pytest.mark.parametrize(
    ("pods", "of", "codes"),
    [
        ("1/6/5", SAME_ZONE, ["D52"]),
        ("1/6/5", SAME_NODE, ["D52"]),
        ("2/4/3", CLOSE, ["D52"]),
        ("4/4/5", CLOSE, []),
    ],
)
def test_hot_endpoints(pods: str, of: Any, codes: list[str]) -> None:
    """Whatever keeps clients in their zone; in the survey, too."""
    here = doctor_cases.scene(pods=pods, hints=pods, of=of)

    (row,) = survey(here)

    assert serious(examine(here, KEY, store_pools=False)) == codes
    assert row.finding == (codes[0] if codes else None)


def test_hot_for_the_clients_that_are_named() -> None:
    """Two clients in a zone of one pod and one in a zone of many: the multiplier is theirs."""
    callers = [
        replace(doctor_cases.client_on(node, ("app", "ui")), name=f"ui-{n}")  # type: ignore[arg-type]
        for n, node in enumerate(("node-a", "node-a", "node-b"))
    ]
    here = doctor_cases.scene(pods="1/4/1", hints="1/4/1", of=CLOSE, clients=callers)

    found = finding(here, "D52", ServiceKey(namespace="ui", name="ui"))

    assert "4.00 times the mean (3 ready pods of ui/ui)" in found.meaning


def dual(first: str, counts: dict[str, str]) -> Callable[..., None]:
    """Two families, and which zones each has endpoints in."""

    def change(objects: dict[str, list[Any]]) -> None:
        second = "IPv6" if first == "IPv4" else "IPv4"
        objects["services"][0]["spec"]["ipFamilies"] = [first, second]
        (four,) = objects["slices"]
        six = copy.deepcopy(four) | {"addressType": "IPv6"}
        six["metadata"]["name"] = "shop-six"
        for each in six["endpoints"]:
            each["addresses"] = [f"fd00::{each['addresses'][0]}"]
        objects["slices"] = [four, six]
        for one in objects["slices"]:
            one["endpoints"] = [
                each for each in one["endpoints"] if each["zone"] in counts[one["addressType"]]
            ]

    return change


@pytest.mark.parametrize(
    ("first", "counts", "missed"),
    [
        ("IPv4", {"IPv4": "abc", "IPv6": "ab"}, "c (IPv6)"),
        ("IPv6", {"IPv4": "abc", "IPv6": "ab"}, "c (IPv6)"),
        ("IPv6", {"IPv4": "bc", "IPv6": "abc"}, "a (IPv4)"),
    ],
)
def test_families(first: str, counts: dict[str, str], missed: str) -> None:
    """Each family is looked at, the Service's own first one first, in both tools."""
    here = place(dual(first, counts))

    found = found_in(here, None)["D42"]

    assert missed in found.meaning
    assert families_of(here.snapshot.services[0], here.snapshot)[0] == first
    assert starting_point(here, SHOP, by_cpu(here.snapshot.nodes)).address_type == first


def test_ports_are_predicted_apart() -> None:
    """What only some endpoints serve has a share of its own."""

    def change(objects: dict[str, list[Any]]) -> None:
        objects["services"][0]["spec"]["ports"] = [{"name": "http", "port": 80}, {"name": "m", "port": 90}]
        (one,) = objects["slices"]
        other = copy.deepcopy(one)
        other["metadata"]["name"] = "shop-new"
        one["endpoints"], other["endpoints"] = one["endpoints"][:6], one["endpoints"][6:]
        one["ports"] = [{"name": "http", "port": 8080}]
        objects["slices"].append(other)

    here = place(change)
    found = forecast(starting_point(here, SHOP, by_cpu(here.snapshot.nodes)))
    data = as_data("x", found)

    assert (data["port"], [one["port"] for one in data["other_ports"]]) == ("http", ["m"])
    tar = next(one for one in data["other_ports"][0]["predictions"] if one["mode"] == "tar")
    assert tar["same_zone_share"]["least"] == pytest.approx(1 / 3)
    assert any(line.startswith("port m (3 ready endpoints: c 3)") for line in as_text("x", found))
    assert "D46" in found_in(here, None)


AWS = "service.beta.kubernetes.io/aws-load-balancer-"


def balancer(kind: str = "LoadBalancer", policy: str = "Cluster", **annotations: str) -> Callable[..., None]:
    def change(objects: dict[str, list[Any]]) -> None:
        service = objects["services"][0]
        service["spec"] |= {"type": kind, "externalTrafficPolicy": policy}
        for key, value in annotations.items():
            service["metadata"]["annotations"][AWS + key.replace("_", "-")] = value

    return change


CROSS = "load_balancing.cross_zone.enabled=true"


@pytest.mark.parametrize(
    ("change", "severity", "said"),
    [
        (balancer(nlb_target_type="ip", attributes=CROSS), Severity.RISK, "66.7\u00a0%"),
        (balancer(type="nlb-ip", cross_zone_load_balancing_enabled="true"), Severity.RISK, "66.7\u00a0%"),
        (balancer(nlb_target_type="ip"), Severity.NOTE, "its cross-zone setting being off"),
        (
            balancer(nlb_target_type="instance", attributes=CROSS),
            Severity.RISK,
            "the hop before crosses zones",
        ),
        (
            balancer(nlb_target_type="instance"),
            Severity.NOTE,
            "hints count only for clients of the ClusterIP",
        ),
        (balancer(policy="Local"), Severity.NOTE, "it stays on that node, and hints are not used"),
        (balancer(kind="NodePort"), Severity.NOTE, "by the zone of the node that receives it"),
    ],
)
def test_the_hop_in_front(change: Callable[..., None], severity: Severity, said: str) -> None:
    """What annotations, targets and policy say of the load balancer; a risk is gone after its fix."""
    here = place(change)
    found = found_in(here, None)["D45"]

    assert (found.severity, said in found.meaning) == (severity, True)
    if found.fix:
        assert found_in(applied(here, found.fix), None)["D45"].severity is Severity.NOTE


def test_other_attributes_are_kept() -> None:
    """Switching cross-zone balancing off leaves what else the annotation says."""
    kept = "deletion_protection.enabled=true"
    here = place(balancer(nlb_target_type="ip", attributes=f"{kept},{CROSS}"))

    fixed = applied(here, found_in(here, None)["D45"].fix).snapshot.services[0]

    assert fixed.annotation(f"{AWS}attributes") == f"{kept},load_balancing.cross_zone.enabled=false"


@pytest.mark.parametrize(
    ("word", "code", "healthy_"),
    [("nodes", "D15", False), ("slices", "D15", False), ("pods", "D45", True)],
)
def test_absence_is_not_absence(word: str, code: str, healthy_: bool) -> None:
    """What decides and was not read makes no clean bill; what does not decide is a note."""
    kubectl = "endpointslices" if word == "slices" else word
    here = place(lambda objects: objects[word].clear(), gaps=(f"{kubectl}: none saved",))

    found = found_in(here, None)

    assert code in found
    assert all(one.severity is not Severity.PROBLEM for one in found.values()) is healthy_
    assert "D20" not in found


def test_pods_know_their_owner() -> None:
    """The owner that controls counts, whatever else owns the pod."""
    here = place()

    assert {pod.owner for pod in here.snapshot.pods if pod.namespace == "shop"} == {
        "ReplicaSet/shop-6d5f7c9b8"
    }
    assert Pod(namespace="a", name=here.snapshot.pods[0].name).owner == ""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (None, "kube-proxy 1.35 (3 nodes)"),
        (windows, "kube-proxy on Windows (3 nodes)"),
        (lambda objects: objects["settings"].append(
            {"metadata": {"name": "kube-proxy-config"}, "data": {"config": 'kind: X\nmode: "ipvs"\nx: 1'}}
        ), "kube-proxy 1.35, ipvs (3 nodes)"),
        (proxies("registry.k8s.io/kube-proxy@sha256:0a"), "kube-proxy of a version not known (3 nodes)"),
        (proxies("registry.k8s.io/kube-proxy:v1.34.0", args=["--proxy-mode=nftables"]),
         "kube-proxy 1.34, nftables (3 nodes)"),
    ],
)  # fmt: skip
def test_what_runs_is_said(change: Callable[..., None] | None, told: str) -> None:
    """A healthy verdict says what carries the connections, in which version and mode."""
    here = place(change)
    evidence = [one for each in examine(here, SHOP) for one in each.evidence]
    said = [one.value for one in evidence if one.field == "connections carried by"]

    assert said == ([] if change is windows else [told])
