"""What carries a client's connections to a Service, and what each of them makes of the routing settings.

One table for the doctor and the predictor, so that the two cannot disagree. kube-proxy's own rule, by
version, is in ``k8s/routing/proxy.py``; the others either follow the hints as it does, choose by the zones of
the endpoints, or use every endpoint. What is not documented, or is set where nobody can see it from here, is
*unknown*: the numbers then suppose that hints are heeded, and say so.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from k8s.routing.modes import RoutingMode


class Use(StrEnum):
    """What a carrier makes of a setting."""

    HINTS = "follows the hints"
    """As kube-proxy does."""
    FIELD = "reads the field itself"
    """Prefers the endpoints of the client's own zone, and uses all where there are none."""
    NONE = "ignores it"
    """Every ready endpoint, whatever the setting."""
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Carrier:
    """What carries connections; each is itself and equal to no other."""

    name: str
    annotation: Use
    """What it makes of ``topology-mode: Auto``."""
    field: Use
    """What it makes of ``trafficDistribution``."""
    why: str = ""
    """A sentence about it, without the full stop."""
    why_field: str = ""
    """The same about the field, where that is another matter."""
    source: str = ""
    """Where that is said."""
    doubtful: bool = False
    """Of what is not known: whether the answer is rather no, since it is off by default."""
    by_pod: bool = False
    """Whether it sits in the client's pod, or is the client, rather than on its node."""
    remedy: str = ""
    """How to have it heed the setting; empty where it cannot."""

    def use_of(self, mode: RoutingMode) -> Use:
        """What it makes of *mode*; hints that nobody asked for are read by what follows hints."""
        match mode:
            case RoutingMode.TAR:
                return self.annotation
            case RoutingMode.OFF:
                return Use.NONE if self.annotation is Use.FIELD else self.annotation
            case _:
                return self.field

    def says(self, mode: RoutingMode) -> str:
        """The sentence about it under *mode*, without the full stop."""
        return self.why if mode in (RoutingMode.TAR, RoutingMode.OFF) else self.why_field or self.why


KUBE_PROXY = Carrier(
    name="kube-proxy",
    annotation=Use.HINTS,
    field=Use.HINTS,
    source="kubernetes/kubernetes pkg/proxy/topology.go",
)
WINDOWS = Carrier(
    name="kube-proxy on Windows",
    annotation=Use.NONE,
    field=Use.NONE,
    why="kube-proxy on Windows (winkernel) does not read hints and spreads over all ready endpoints",
    source="kubernetes/kubernetes#123823",
)
OVN_KUBERNETES = Carrier(
    name="OVN-Kubernetes",
    annotation=Use.NONE,
    field=Use.NONE,
    why="OVN-Kubernetes serves ClusterIPs itself and implements neither hints nor trafficDistribution",
    source="openshift/openshift-docs#118878, ovn-kubernetes/ovn-kubernetes#6888",
)
KUBE_ROUTER = Carrier(
    name="kube-router",
    annotation=Use.NONE,
    field=Use.NONE,
    why="kube-router's service proxy does not read hints",
    source="cloudnativelabs/kube-router#1005",
)
CILIUM = Carrier(
    name="Cilium",
    annotation=Use.HINTS,
    field=Use.HINTS,
    why="Cilium serves ClusterIPs and has loadBalancer.serviceTopology on",
    source="docs.cilium.io, kube-proxy replacement; cilium/cilium#44771",
)
CILIUM_OFF = Carrier(
    name="Cilium",
    annotation=Use.NONE,
    field=Use.NONE,
    why="Cilium serves ClusterIPs and heeds hints only with loadBalancer.serviceTopology, which is off in "
    "cilium-config",
    source="docs.cilium.io, kube-proxy replacement; cilium/cilium#25283",
    remedy="cilium",
)
CILIUM_ALONE = Carrier(
    name="Cilium",
    annotation=Use.UNKNOWN,
    field=Use.UNKNOWN,
    why="Cilium runs in place of kube-proxy: it heeds hints only with loadBalancer.serviceTopology, which is "
    "off by default and cannot be seen from here",
    source="docs.cilium.io, kube-proxy replacement; cilium/cilium#25283",
    doubtful=True,
    remedy="cilium",
)
CILIUM_BESIDE = Carrier(
    name="Cilium",
    annotation=Use.UNKNOWN,
    field=Use.UNKNOWN,
    why="Cilium runs beside kube-proxy, and may answer for Services inside pods: it heeds hints only with "
    "loadBalancer.serviceTopology, which is off by default and cannot be seen from here",
    source="cilium/cilium#23837, cilium/cilium#44060",
    doubtful=True,
    remedy="cilium",
)
CALICO_EBPF = Carrier(
    name="Calico's eBPF data plane",
    annotation=Use.HINTS,
    field=Use.UNKNOWN,
    why="Calico's eBPF data plane follows hints where the annotation says Auto; what it makes of "
    "trafficDistribution depends on its version",
    source="projectcalico/calico felix/bpf/proxy/topology.go",
    doubtful=True,
)
ANTREA = Carrier(
    name="AntreaProxy",
    annotation=Use.UNKNOWN,
    field=Use.UNKNOWN,
    why="AntreaProxy serves ClusterIPs for pods and reads hints where its feature gate TopologyAwareHints is "
    "on, which cannot be seen from here",
    source="antrea-io/antrea pkg/features (alpha 1.8, on by default later)",
)
_IN_MESH = (
    "Clients in the mesh are routed by its own proxies, not by kube-proxy: what they make of this setting "
    "must be measured"
)
ISTIO = Carrier(
    name="Istio",
    annotation=Use.NONE,
    field=Use.FIELD,
    why="Istio routes the traffic of its clients itself and ignores the annotation; it reads "
    "trafficDistribution",
    source="istio/istio#54715, istio/istio#56042",
    by_pod=True,
    remedy="field",
)
AMBIENT_POD = replace(ISTIO, name="Istio ambient", source="istio.io, ambient mode")
AMBIENT = Carrier(
    name="Istio ambient",
    annotation=Use.UNKNOWN,
    field=Use.UNKNOWN,
    why="Istio routes the traffic of its clients itself and ignores the annotation; it reads "
    "trafficDistribution",
    why_field=_IN_MESH,
    source="istio.io, ambient mode",
    doubtful=True,
    by_pod=True,
    remedy="field",
)
LINKERD = Carrier(
    name="Linkerd",
    annotation=Use.UNKNOWN,
    field=Use.UNKNOWN,
    why=_IN_MESH,
    source="linkerd.io, topology-aware routing",
    doubtful=True,
    by_pod=True,
)
FARGATE = Carrier(
    name="Fargate",
    annotation=Use.UNKNOWN,
    field=Use.UNKNOWN,
    why="AWS does not document which proxy carries Service traffic on these nodes: only measuring tells "
    "whether hints are heeded",
    source="EKS user guide: the kube-proxy add-on is not deployed to Fargate nodes",
)
AUTO_MODE = Carrier(
    name="EKS Auto Mode",
    annotation=Use.UNKNOWN,
    field=Use.UNKNOWN,
    why="AWS does not document which proxy carries Service traffic on these nodes: only measuring tells "
    "whether hints are heeded",
    source="EKS user guide: pod and service networking is built in",
)
VIRTUAL_KUBELET = Carrier(
    name="a virtual kubelet",
    annotation=Use.UNKNOWN,
    field=Use.UNKNOWN,
    why="Pods on a virtual kubelet run outside the cluster's nodes: which proxy they have is not known",
    source="virtual-kubelet.io",
)
UNSEEN = Carrier(
    name="not known",
    annotation=Use.UNKNOWN,
    field=Use.UNKNOWN,
    why="Which proxy carries Service traffic is not known, so neither is whether hints are heeded",
)


def _gateway(name: str, why: str, source: str) -> Carrier:
    return Carrier(name=name, annotation=Use.NONE, field=Use.NONE, why=why, source=source, by_pod=True)


INGRESS_NGINX = _gateway(
    "ingress-nginx",
    "ingress-nginx connects to the addresses of pods, so no hint is used unless "
    "--enable-topology-aware-routing or the annotation service-upstream is set",
    "kubernetes/ingress-nginx#5893, kubernetes/ingress-nginx#9165",
)
INGRESS_NGINX_AWARE = Carrier(
    name="ingress-nginx",
    annotation=Use.HINTS,
    field=Use.HINTS,
    why="ingress-nginx runs with --enable-topology-aware-routing and follows the hints",
    source="kubernetes/ingress-nginx#9165",
    by_pod=True,
)
NGINX_INGRESS = _gateway(
    "F5 NGINX Ingress Controller",
    "F5 NGINX Ingress Controller connects to the addresses of pods and uses all of them unless "
    "-enable-topology-aware-routing is set",
    "docs.nginx.com, topology-aware routing",
)
NGINX_INGRESS_AWARE = Carrier(
    name="F5 NGINX Ingress Controller",
    annotation=Use.NONE,
    field=Use.FIELD,
    why="F5 NGINX Ingress Controller runs with -enable-topology-aware-routing: it follows "
    "trafficDistribution and ignores the annotation",
    source="docs.nginx.com, topology-aware routing",
    by_pod=True,
    remedy="field",
)
TRAEFIK = _gateway(
    "Traefik",
    "Traefik connects to the addresses of pods, so no hint is used unless nativeLB is set",
    "doc.traefik.io, nativeLB",
)
KONG = _gateway(
    "Kong",
    "Kong connects to the addresses of pods, so no hint is used unless the Service is annotated "
    "ingress.kubernetes.io/service-upstream=true",
    "docs.konghq.com, service-upstream",
)
HAPROXY = _gateway(
    "HAProxy", "HAProxy connects to the addresses of pods, so no hint is used", "haproxy-ingress.github.io"
)
CONTOUR = _gateway(
    "Contour", "Contour's Envoy connects to the addresses of pods, so no hint is used", "projectcontour.io"
)
ENVOY_GATEWAY = Carrier(
    name="Envoy Gateway",
    annotation=Use.FIELD,
    field=Use.FIELD,
    why="Envoy Gateway connects to the addresses of pods and prefers those of its own zone under any setting",
    source="envoyproxy/gateway#9537",
    by_pod=True,
)
