"""Places that have exactly one thing wrong, each with its nearest healthy neighbour."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from k8s.doctor.examination import examine
from k8s.doctor.finding import Finding, Severity
from k8s.model.agents import agent, kind_of, proxy_minors
from k8s.model.scene import Agent, AgentKind, Scene, ServiceEvent
from k8s.routing.hints import DISABLED_REASON, ENABLED_REASON
from k8s.topology import (
    OLD_HINTS_ANNOTATION,
    TOPOLOGY_MODE_ANNOTATION,
    EndpointSlice,
    Event,
    Node,
    NodeName,
    Pod,
    PodName,
    Service,
    ServiceKey,
    ServicePort,
    Snapshot,
    Zone,
)
from tests.k8s.cases import AUTO, OFF, nodes_of, service, slice_of, zoneless

KEY = ServiceKey(namespace="catalog", name="catalog")
NOW_S = 10_000.0
MINOR = 35
PROXY = "602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/kube-proxy"
SAME_ZONE = service(traffic_distribution="PreferSameZone")
SAME_NODE = service(traffic_distribution="PreferSameNode")
CLOSE = service(traffic_distribution="PreferClose")
STRAY = service(annotations=(("service.kubernetes.io/topology-aware-routing", "auto"),))
MISSPELT = service(annotations=((TOPOLOGY_MODE_ANNOTATION, "AUTO"),))


def event(
    message: str, *, reason: str = DISABLED_REASON, ago_s: float = 600.0, family: str = "IPv4"
) -> Event:
    kind = "Normal" if reason == ENABLED_REASON else "Warning"
    text = f"{message}, addressType: {family}"
    return Event(type=kind, reason=reason, message=text, last_seen_s=NOW_S - ago_s)


ENABLED = event("Topology Aware Hints has been enabled", reason=ENABLED_REASON)
SWITCHED_OFF = event("Topology Aware Hints has been disabled")
FAILED = Event(
    type="Warning",
    reason="FailedToUpdateEndpointSlices",
    message="Error updating Endpoint Slices for Service catalog/catalog: timed out",
    last_seen_s=NOW_S - 60,
)
RACE = event("Nodes only ready in one zone")
NODE_INFO = event("Insufficient Node information: allocatable CPU or zone not specified on one or more nodes")


def scene(
    cpu: str = "1:1:1",
    pods: str = "3/3/3",
    hints: str = "",
    *,
    of: Service = AUTO,
    nodes: Sequence[Node] = (),
    more: Sequence[Node] = (),
    slices: Sequence[EndpointSlice] = (),
    events: Iterable[Event] | None = (ENABLED,),
    minor: int | None = MINOR,
    proxies: int | None = MINOR,
    images: Sequence[str] | None = None,
    clients: Sequence[Pod] = (),
    workload: str = "deployment",
    gone: str = "",
) -> Scene:
    """Nodes ``node-a``, ``node-b``, ... of this CPU, *more* nodes, and one slice, or *slices*."""
    every = tuple(one for one in (*(nodes or nodes_of(cpu)), *more) if one.name != gone)
    written = tuple(slices) or (slice_of(pods, hints),)
    if images is None:
        images = [] if proxies is None else [f"{PROXY}:v1.{proxies}.0-eksbuild.1"]
    agents = tuple(
        Agent(name=f"agent-{n}-{one.name}", node=one.name, image=image, kind=kind, namespace="kube-system")
        for n, image in enumerate(images)
        for one in every
        if (kind := agent_kind(image)) is not None
    )
    written = tuple(map(_with_pods, written)) if workload else written
    return Scene(
        source="a test",
        snapshot=Snapshot(
            taken_at_s=NOW_S,
            nodes=every,
            services=(of,),
            slices=written,
            pods=(*clients, *(_pods(written, workload) if workload else ())),
        ),
        events=None if events is None else tuple(ServiceEvent(service=KEY, event=one) for one in events),
        server_minor=minor,
        proxy_minors=proxy_minors(agents, ()),
        agents=(*agents, *sidecars(clients)),
    )


def agent_kind(image: str) -> AgentKind | None:
    return AgentKind.LINKERD if "linkerd" in image else kind_of(image)


def sidecars(clients: Iterable[Pod]) -> Iterable[Agent]:
    """Clients with a proxy of their own, as an injector labels them."""
    for pod in clients:
        found = agent(
            {
                "metadata": {"name": pod.name, "namespace": pod.namespace, "labels": dict(pod.labels)},
                "spec": {"nodeName": pod.node, "containers": [{"image": "app:1"}]},
            }
        )
        if found is not None:
            yield found


WORKLOADS: dict[str, tuple[tuple[tuple[str, str], ...], str]] = {
    "deployment": ((("pod-template-hash", "6d5f7c9b8"),), ""),
    "owned deployment": ((("pod-template-hash", "6d5f7c9b8"),), "ReplicaSet/shop-6d5f7c9b8"),
    "rollout": ((("rollouts-pod-template-hash", "6d5f7c9b8"),), "ReplicaSet/shop-6d5f7c9b8"),
    "statefulset": ((("statefulset.kubernetes.io/pod-name", "shop-0"),), "StatefulSet/shop"),
    "daemonset": ((), "DaemonSet/shop"),
    "replicaset": ((), "ReplicaSet/shop"),
    "job": ((), "Job/shop"),
    "bare": ((("pod-template-hash", "elsewhere"),), ""),
    "elsewhere": ((), "GameServer/shop"),
}
"""(labels, owner) of pods, by what made them."""


def _pod_name(slice_name: str, number: int) -> PodName:
    return PodName(f"shop-6d5f7c9b8-{slice_name[-1]}{number:04d}")


def _with_pods(one: EndpointSlice) -> EndpointSlice:
    named = tuple(replace(endpoint, pod=_pod_name(one.name, n)) for n, endpoint in enumerate(one.endpoints))
    return replace(one, endpoints=named)


def _pods(slices: Iterable[EndpointSlice], workload: str) -> Iterable[Pod]:
    labels, owner = WORKLOADS[workload]
    for one in slices:
        for endpoint in one.endpoints:
            yield Pod(
                namespace="catalog",
                name=endpoint.pod or PodName(""),
                node=endpoint.node,
                labels=labels,
                owner=owner,
            )


def client_on(node: str, *labels: tuple[str, str]) -> Pod:
    return Pod(namespace="ui", name=PodName("ui-1"), node=NodeName(node), labels=labels)


CLIENT = ServiceKey(namespace="ui", name="ui-1")


def node(
    name: str, zone: str | None, *, ready: bool = True, cpu: int = 1000, labels: dict[str, str] | None = None
) -> Node:
    return Node(
        name=NodeName(name),
        zone=None if zone is None else Zone(zone),
        ready=ready,
        cpu_allocatable_milli=cpu,
        labels=tuple(sorted((labels or {}).items())),
    )


def control_plane(name: str, zone: str | None) -> Node:
    return node(name, zone, labels={"node-role.kubernetes.io/control-plane": ""})


def node_hinted(one: EndpointSlice) -> EndpointSlice:
    """The same with each endpoint also hinted to its node."""
    return replace(
        one,
        endpoints=tuple(
            replace(endpoint, node_hints=(endpoint.node,) if endpoint.node else ())
            for endpoint in one.endpoints
        ),
    )


def foreign(one: EndpointSlice) -> EndpointSlice:
    return replace(one, name="by-hand-2", managed_by="somebody.example.com")


def two_families() -> tuple[EndpointSlice, EndpointSlice]:
    return slice_of("3/3/3", "3/3/3"), replace(slice_of("3/1/1", name="catalog-2"), address_type="IPv6")


@dataclass(frozen=True, kw_only=True)
class Case:
    sick: Scene
    healthy: Scene
    severity: Severity = Severity.PROBLEM
    blocks: bool = False
    client: ServiceKey | None = None
    pools: bool | None = False
    what: str = ""


def without_nodes(place: Scene) -> Scene:
    """As where nobody may list nodes."""
    return replace(
        place,
        snapshot=replace(place.snapshot, nodes=()),
        proxy_minors=(),
        agents=(),
        gaps=("nodes: forbidden",),
    )


def in_numbered_zones(place: Scene) -> Scene:
    """Zones 0, 1 and 2 for a, b and c, on nodes, endpoints and hints."""
    number = {Zone(letter): Zone(str(at)) for at, letter in enumerate("abc")}

    def moved(one: EndpointSlice) -> EndpointSlice:
        return replace(
            one,
            endpoints=tuple(
                replace(
                    each,
                    zone=each.zone and number[each.zone],
                    zone_hints=tuple(number[hint] for hint in each.zone_hints),
                )
                for each in one.endpoints
            ),
        )

    snapshot = place.snapshot
    return replace(
        place,
        snapshot=replace(
            snapshot,
            nodes=tuple(replace(each, zone=each.zone and number[each.zone]) for each in snapshot.nodes),
            slices=tuple(map(moved, snapshot.slices)),
        ),
    )


def relabelled(place: Scene) -> Scene:
    """The nodes have other zones now than when the slices were written."""
    snapshot = place.snapshot
    nodes = tuple(replace(each, zone=Zone(f"eu-{each.zone}")) for each in snapshot.nodes)
    return replace(place, snapshot=replace(snapshot, nodes=nodes))


def held(one: EndpointSlice) -> EndpointSlice:
    return replace(one, deleting=True)


TWO_PORTS = replace(
    AUTO,
    ports=(
        ServicePort(name="http", port=80, target_port="http"),
        ServicePort(name="metrics", port=9090, target_port="metrics"),
    ),
)


def with_metrics(counts: str) -> tuple[EndpointSlice, ...]:
    both = slice_of(counts, counts, name="catalog-9")
    return (replace(both, ports=(("http", 8080), ("metrics", 9090))),)


def only_http(counts: str) -> EndpointSlice:
    return replace(slice_of(counts, counts), ports=(("http", 8080),))


GOOD = scene(hints="3/3/3")
ZONELESS = node("new", None)

CASES: dict[str, Case] = {
    "D01": Case(sick=scene(of=MISSPELT, hints="3/3/3"), healthy=GOOD, blocks=True),
    "D02": Case(sick=scene(of=replace(AUTO, selector=()), events=()), healthy=GOOD, blocks=True),
    "D03": Case(
        sick=scene(hints="3/3/3", of=replace(AUTO, traffic_distribution="PreferSameZone")),
        healthy=GOOD,
        severity=Severity.RISK,
    ),
    "D04": Case(
        sick=scene(of=STRAY),
        healthy=scene(of=service(annotations=(("example.com/mode", "Auto"),))),
        blocks=True,
    ),
    "D10": Case(
        sick=scene(more=[ZONELESS]),
        healthy=scene(hints="3/3/3", more=[replace(ZONELESS, ready=False)]),
        blocks=True,
    ),
    "D11": Case(
        sick=scene(more=[node("new", "a", cpu=0)]),
        healthy=scene(hints="3/3/3", more=[node("new", "a", cpu=1)]),
        blocks=True,
    ),
    "D12": Case(
        sick=scene("1", "3", more=[node("node-b", "b", ready=False)]),
        healthy=scene("1:1", "1/1", "1/1"),
        blocks=True,
    ),
    "D13": Case(sick=scene(events=[RACE]), healthy=scene(hints="3/3/3", events=[RACE])),
    "D14": Case(sick=scene(hints="3/3/3", events=[FAILED, ENABLED]), healthy=GOOD, severity=Severity.RISK),
    "D15": Case(
        sick=without_nodes(GOOD),
        healthy=GOOD,
    ),
    "D16": Case(
        sick=in_numbered_zones(GOOD),
        healthy=GOOD,
        severity=Severity.RISK,
    ),
    "D20": Case(sick=scene(pods="1/1"), healthy=scene(pods="1/1/1", hints="1/1/1"), blocks=True),
    "D21": Case(sick=scene(pods="2/1/1"), healthy=scene(pods="2/2/2", hints="2/2/2"), blocks=True),
    "D22": Case(sick=scene("4:1", "5/1"), healthy=scene("4:1", "4/1", "4/1"), blocks=True),
    "D23": Case(sick=scene(slices=[zoneless(slice_of("3/3/3"))]), healthy=GOOD),
    "D30": Case(sick=scene(events=[NODE_INFO]), healthy=scene(hints="3/3/3", events=[NODE_INFO])),
    "D31": Case(
        sick=scene("2:1:1", hints="3/3/3"), healthy=scene("34:33:33", hints="3/3/3"), severity=Severity.RISK
    ),
    "D32": Case(
        sick=scene("1:1", "2/2/2", "2/2/2", more=[node("node-c", "c", ready=False)]),
        healthy=scene("1:1:1", "2/2/2", "2/2/2"),
        severity=Severity.RISK,
    ),
    "D33": Case(sick=scene(slices=[node_hinted(slice_of("3/3/3", "3/3/3"))]), healthy=GOOD),
    "D34": Case(
        sick=relabelled(scene(hints="3/3/3", of=SAME_ZONE)), healthy=scene(hints="3/3/3", of=SAME_ZONE)
    ),
    "D35": Case(
        sick=scene(hints="3/3/3", more=[node("node-a2", "a", cpu=1000)], gone="node-a"),
        healthy=scene(hints="3/3/3", more=[node("node-a2", "a", cpu=1)]),
    ),
    "D36": Case(
        sick=scene(slices=[slice_of("3/3/3", "3/3/3"), held(slice_of("1", name="old"))]),
        healthy=scene(slices=[slice_of("3/3/3", "3/3/3"), replace(slice_of("0", name="old"), deleting=True)]),
    ),
    "D40": Case(
        sick=scene(slices=[slice_of("3/3/3", "3/3/3"), foreign(slice_of("1", name="x"))]),
        healthy=scene(slices=[slice_of("3/3/3", "3/3/3"), foreign(slice_of("1", "1", name="x"))]),
    ),
    "D41": Case(
        sick=scene(hints="3/3/3", of=SAME_ZONE, more=[ZONELESS], clients=[client_on("new")]),
        healthy=scene(hints="3/3/3", of=SAME_ZONE, more=[ZONELESS], clients=[client_on("node-a")]),
        client=CLIENT,
    ),
    "D42": Case(
        sick=scene(pods="3/3", hints="3/3", of=SAME_ZONE, clients=[client_on("node-c")]),
        healthy=scene(pods="3/3", hints="3/3", of=SAME_ZONE, clients=[client_on("node-a")]),
        client=CLIENT,
    ),
    "D43": Case(sick=scene(hints="3/3/3", of=replace(AUTO, internal_traffic_policy="Local")), healthy=GOOD),
    "D44": Case(
        sick=scene(hints="3/3/3", of=CLOSE, proxies=30), healthy=scene(hints="3/3/3", of=CLOSE, proxies=31)
    ),
    "D45": Case(sick=scene(hints="3/3/3", of=replace(AUTO, cluster_ip="None")), healthy=GOOD),
    "D46": Case(
        sick=scene(of=TWO_PORTS, slices=[only_http("3/3/0"), *with_metrics("0/0/3")]),
        healthy=scene(of=TWO_PORTS, slices=[*with_metrics("3/3/3")]),
        severity=Severity.RISK,
    ),
    "D50": Case(sick=GOOD, healthy=scene(hints="3/3/3", of=OFF), severity=Severity.RISK, pools=True),
    "D51": Case(
        sick=scene(hints="3/3/3", of=replace(AUTO, session_affinity="ClientIP")),
        healthy=GOOD,
        severity=Severity.RISK,
    ),
    "D52": Case(
        sick=scene(pods="1/6/5", hints="1/6/5", of=CLOSE),
        healthy=scene(pods="4/4/4", hints="4/4/4", of=CLOSE),
        severity=Severity.RISK,
    ),
    "D53": Case(
        sick=replace(GOOD, is_eks=True),
        healthy=replace(scene(hints="3/3/3", of=SAME_ZONE), is_eks=True),
        severity=Severity.RISK,
    ),
}
"""By code. The sick place has it and no other problem or risk; the healthy one has no problem or risk."""


def annotated(**values: str) -> Service:
    keys = {"old": OLD_HINTS_ANNOTATION, "new": TOPOLOGY_MODE_ANNOTATION}
    return service(annotations=tuple(sorted((keys[key], value) for key, value in values.items())))


def serious(found: Iterable[Finding]) -> list[str]:
    """Codes of problems and risks."""
    return [one.code for one in found if one.severity is not Severity.NOTE]


def finding(of: Scene, code: str, client: ServiceKey | None = None, *, pools: bool | None = False) -> Finding:
    """The finding of that code; StopIteration if there is none."""
    return next(one for one in examine(of, KEY, client, store_pools=pools) if one.code == code)
