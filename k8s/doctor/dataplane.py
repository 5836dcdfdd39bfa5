"""D44-D45: versions that do not know the setting, and proxies that do not read hints."""

from collections.abc import Iterator, Sequence

from k8s.doctor.commands import in_turn, kubectl, set_mode
from k8s.doctor.finding import MOST_SHOWN, Evidence, Finding, Severity, few, names, seen
from k8s.doctor.place import undocumented
from k8s.doctor.situation import OFF_VALUES, Situation, annotation_of
from k8s.model.agents import repository_of
from k8s.routing.modes import RoutingMode
from k8s.topology import NodeName

_FIELD_SINCE = 31
_SAME_ZONE_SINCE = 34
_PROXY_KNOWN_SINCE = 27
_PROXY_IGNORES_ANNOTATION_SINCE = 31
_PROXY_NODE_HINTS_SINCE = 34
_FIELD = frozenset({RoutingMode.PREFER_CLOSE, RoutingMode.PREFER_SAME_ZONE, RoutingMode.PREFER_SAME_NODE})
_SIDECARS = (
    ("security.istio.io/tlsMode", "Istio"),
    ("linkerd.io/control-plane-ns", "Linkerd"),
)
"""Labels that an injector leaves on a pod."""


def d44_versions(situation: Situation) -> Finding | None:
    """Control plane or kube-proxy older than what is asked for, or of unknown age."""
    if situation.wanted is RoutingMode.OFF:
        return None
    return _old_control_plane(situation) or _old_proxies(situation) or _unknown(situation)


def _old_control_plane(situation: Situation) -> Finding | None:
    minor = situation.place.scene.server_minor
    since = _FIELD_SINCE if situation.wanted is RoutingMode.PREFER_CLOSE else _SAME_ZONE_SINCE
    if minor is None or situation.wanted not in _FIELD or minor >= since:
        return None
    better = RoutingMode.PREFER_CLOSE if minor >= _FIELD_SINCE else RoutingMode.TAR
    return Finding(
        code="D44",
        severity=Severity.PROBLEM,
        evidence=(
            seen("API server", "version", f"1.{minor}"),
            seen(situation.subject, "mode asked for", situation.wanted.value),
        ),
        meaning=f"This control plane does not act upon {situation.wanted.value}, which Kubernetes 1.{since} "
        "and newer know.",
        fix=set_mode(situation.service, better),
        blocks_hints=True,
    )


def _old_proxies(situation: Situation) -> Finding | None:
    for since, why, severity in _least_proxies(situation):
        groups = [(minor, nodes) for minor, nodes in _proxies(situation) if minor < since and nodes]
        if not groups:
            continue
        count = sum(len(nodes) for _, nodes in groups)
        shown = [(name, minor) for minor, nodes in groups for name in nodes[:MOST_SHOWN]][:MOST_SHOWN]
        more = (seen("and", "not shown", f"{count - MOST_SHOWN} more"),) if count > MOST_SHOWN else ()
        return Finding(
            code="D44",
            severity=severity,
            evidence=(*(seen(f"Node {name}", "kube-proxy", f"1.{minor}") for name, minor in shown), *more),
            meaning=f"kube-proxy on {count} node{'s' * (count > 1)} is older than 1.{since}: it {why}.",
            fix=_upgrade(situation, since),
            blocks_hints=False,
        )
    return None


def _least_proxies(situation: Situation) -> Iterator[tuple[int, str, Severity]]:
    """(minor version needed, what an older one does, how bad that is), the worst first."""
    why = "may want another annotation, and also looks at pods that are not ready"
    yield _PROXY_KNOWN_SINCE, why, Severity.PROBLEM
    if situation.wanted in _FIELD and annotation_of(situation.service) in OFF_VALUES:
        why = "uses hints only where an annotation asks for them, so it ignores these"
        yield _PROXY_IGNORES_ANNOTATION_SINCE, why, Severity.PROBLEM
    if situation.wanted is RoutingMode.PREFER_SAME_NODE:
        why = "does not read hints for nodes, so it stays in the zone only"
        yield _PROXY_NODE_HINTS_SINCE, why, Severity.RISK


def _proxies(situation: Situation) -> list[tuple[int, Sequence[NodeName]]]:
    """(minor, nodes) of the clients' nodes, or of all."""
    found = situation.place.proxies
    if not situation.clients:
        return list(found.items())
    wanted = {node.name for node in situation.client_nodes}
    return [(minor, [name for name in nodes if name in wanted]) for minor, nodes in found.items()]


def _upgrade(situation: Situation, since: int) -> str:
    """The image of a node that is up to date, else the same with a version to be filled in."""
    agents = situation.place.data_planes.get("kube-proxy", ())
    fresh = {node for minor, nodes in situation.place.proxies.items() if minor >= since for node in nodes}
    image = max((one.image for one in agents if one.node in fresh), default="")
    if not image:
        image = f"{repository_of(agents[0].image)}:VERSION" if agents else "IMAGE:VERSION"
    return kubectl("-n", "kube-system", "set", "image", "daemonset/kube-proxy", f"kube-proxy={image}")


def _unknown(situation: Situation) -> Finding | None:
    place = situation.place
    unknown: list[Evidence] = []
    if place.scene.server_minor is None and situation.wanted in _FIELD:
        unknown.append(seen("API server", "version", "not known"))
    nodes: Sequence[NodeName] = place.proxies_unknown
    if situation.clients:
        nodes = [node.name for node in situation.client_nodes if node.name in set(nodes)]
    other = set(place.data_planes) - {"kube-proxy"}
    if nodes and not ("Cilium" in other and "kube-proxy" not in place.data_planes):
        unknown.append(seen(f"{len(nodes)} nodes", "kube-proxy's version", f"not known ({names(nodes)})"))
    if not unknown:
        return None
    return Finding(
        code="D44",
        severity=Severity.NOTE,
        evidence=tuple(unknown),
        meaning="Whether every version in use knows this setting is not known.",
        fix=in_turn(
            kubectl("version"),
            kubectl("-n", "kube-system", "get", "pods", "-l", "k8s-app=kube-proxy", "-o", "wide"),
        ),
        blocks_hints=False,
    )


def d45_other_path(situation: Situation) -> Finding | None:
    """Traffic that does not go by kube-proxy: other data planes, meshes, headless, load balancers."""
    if situation.wanted is RoutingMode.OFF:
        return None
    for check in (_headless, _mesh, _cilium, _load_balancer, _undocumented):
        found = check(situation)
        if found is not None:
            severity, evidence, meaning, fix = found
            return Finding(
                code="D45",
                severity=severity,
                evidence=evidence,
                meaning=meaning,
                fix=fix,
                blocks_hints=False,
            )
    return None


_Path = tuple[Severity, tuple[Evidence, ...], str, str]


def _headless(situation: Situation) -> _Path | None:
    if situation.service.cluster_ip != "None":
        return None
    namespace, name = situation.key.namespace, situation.key.name
    return (
        Severity.PROBLEM,
        (seen(situation.subject, "spec.clusterIP", "None"),),
        (
            "The Service is headless: clients choose among the addresses that DNS gives them, hints are not "
            "used."
        ),
        kubectl("-n", namespace, "expose", "service", name, f"--name={name}-zonal"),
    )


def _mesh(situation: Situation) -> _Path | None:
    planes = situation.place.data_planes
    sidecars = [
        seen(
            f"Pod {pod.namespace}/{pod.name}", f"metadata.labels[{key}]", f"{dict(pod.labels)[key]} ({mesh})"
        )
        for pod in situation.clients
        for key, mesh in _SIDECARS
        if key in dict(pod.labels)
    ]
    agents = [
        seen(f"Pod {one.name}", "image", one.image)
        for mesh in ("Istio ambient", "Linkerd")
        for one in planes.get(mesh, ())[:MOST_SHOWN]
    ]
    if not sidecars and not agents:
        return None
    istio_only = "Linkerd" not in planes and not any("Linkerd" in one.value for one in sidecars)
    if situation.wanted is RoutingMode.TAR and istio_only:
        return (
            Severity.PROBLEM if sidecars else Severity.RISK,
            tuple(sidecars or agents)[:MOST_SHOWN],
            (
                "Istio routes the traffic of its clients itself and ignores the annotation; it reads "
                "trafficDistribution."
            ),
            set_mode(situation.service, RoutingMode.PREFER_CLOSE),
        )
    return (
        Severity.RISK,
        tuple(sidecars or agents)[:MOST_SHOWN],
        (
            "Clients in the mesh are routed by its own proxies, not by kube-proxy: what they make of this "
            "setting must be measured."
        ),
        "",
    )


def _cilium(situation: Situation) -> _Path | None:
    agents = situation.place.data_planes.get("Cilium", ())
    if not agents:
        return None
    alone = "kube-proxy" not in situation.place.data_planes
    role = "in place of kube-proxy" if alone else "beside kube-proxy, and may answer for Services inside pods"
    patch = '{"data":{"enable-service-topology":"true"}}'
    return (
        Severity.RISK,
        few(agents, lambda one: seen(f"Pod {one.name}", "image", one.image)),
        (
            f"Cilium runs {role}: it heeds hints only with loadBalancer.serviceTopology, which is off by "
            "default and cannot be seen from here."
        ),
        in_turn(
            kubectl(
                "-n", "kube-system", "patch", "configmap", "cilium-config", "--type", "merge", "-p", patch
            ),
            kubectl("-n", "kube-system", "rollout", "restart", "daemonset/cilium"),
        ),
    )


def _load_balancer(situation: Situation) -> _Path | None:
    if situation.service.type != "LoadBalancer":
        return None
    return (
        Severity.NOTE,
        (seen(situation.subject, "spec.type", "LoadBalancer"),),
        (
            "What comes through the load balancer is spread by its own cross-zone setting; hints count only "
            "for clients of the ClusterIP."
        ),
        "",
    )


def _undocumented(situation: Situation) -> _Path | None:
    place = situation.place
    if "kube-proxy" in place.data_planes:
        return None
    if situation.clients:
        kinds = sorted({kind for node in situation.client_nodes for kind in undocumented(node)})
    else:
        kinds = list(place.undocumented)
    if kinds:
        return (
            Severity.NOTE,
            tuple(seen("nodes", "metadata.labels", one) for one in kinds),
            (
                "AWS does not document which proxy carries Service traffic on these nodes: only measuring "
                "tells whether hints are heeded."
            ),
            "",
        )
    if place.proxies:
        return None
    return (
        Severity.NOTE,
        (seen("agents", "kube-proxy, Cilium, Istio, Linkerd", "none seen"),),
        "Which proxy carries Service traffic is not known, so neither is whether hints are heeded.",
        kubectl("-n", "kube-system", "get", "daemonsets", "-o", "wide"),
    )
