"""D44-D45: versions that do not know the setting, and carriers that do not read hints."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from k8s.doctor.commands import annotate, in_turn, kubectl, set_mode
from k8s.doctor.finding import MOST_SHOWN, Evidence, Finding, Severity, few, names, seen
from k8s.doctor.shares import annotation_of
from k8s.doctor.situation import Situation
from k8s.model.agents import repository_of
from k8s.predict.carriage import GATEWAYS, Carriage, groups, named
from k8s.routing import carriers
from k8s.routing.carriers import Carrier, Use
from k8s.routing.modes import FIELD_MODES, RoutingMode, by_node, field_of, settings_of
from k8s.routing.proxy import IGNORES_ANNOTATION_SINCE, NODE_HINTS_SINCE, OFF_VALUES, OLDEST_MINOR
from k8s.topology import OLD_HINTS_ANNOTATION, TOPOLOGY_MODE_ANNOTATION, NodeName

_TOPOLOGY_MODE_SINCE = 27


def d44_versions(situation: Situation) -> Finding | None:
    """Control plane or kube-proxy older than what is asked for, or of unknown age."""
    if situation.wanted is RoutingMode.OFF:
        return None
    return (
        _old_key(situation) or _old_control_plane(situation) or _old_proxies(situation) or _unknown(situation)
    )


def _old_key(situation: Situation) -> Finding | None:
    minor, settings = situation.place.scene.server_minor, settings_of(situation.service)
    old_only = minor is not None and minor < _TOPOLOGY_MODE_SINCE
    if not old_only or situation.mode is not RoutingMode.TAR or settings.topology_aware_hints is not None:
        return None
    return Finding(
        code="D44",
        severity=Severity.PROBLEM,
        evidence=(
            seen("API server", "version", f"1.{minor}"),
            seen(situation.subject, "annotation", TOPOLOGY_MODE_ANNOTATION),
        ),
        meaning=f"This control plane knows only the older key; {TOPOLOGY_MODE_ANNOTATION} is read since "
        f"Kubernetes 1.{_TOPOLOGY_MODE_SINCE}.",
        fix=annotate(situation.key, f"{OLD_HINTS_ANNOTATION}=Auto"),
        blocks_hints=True,
    )


def _old_control_plane(situation: Situation) -> Finding | None:
    minor = situation.place.scene.server_minor
    field = field_of(situation.wanted)
    if minor is None or field is None or minor >= field.since_minor:
        return None
    since, close = field.since_minor, FIELD_MODES[RoutingMode.PREFER_CLOSE]
    better = RoutingMode.PREFER_CLOSE if minor >= close.since_minor else RoutingMode.TAR
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
    yield OLDEST_MINOR, why, Severity.PROBLEM
    if situation.wanted in FIELD_MODES and annotation_of(situation.service) in OFF_VALUES:
        why = "uses hints only where an annotation asks for them, so it ignores these"
        yield IGNORES_ANNOTATION_SINCE, why, Severity.PROBLEM
    if by_node(situation.wanted):
        why = "does not read hints for nodes, so it stays in the zone only"
        yield NODE_HINTS_SINCE, why, Severity.RISK


def _proxies(situation: Situation) -> list[tuple[int, Sequence[NodeName]]]:
    """(minor, nodes) of the clients' nodes, or of all."""
    found = situation.place.proxies
    if not situation.clients:
        return list(found.items())
    wanted = {node.name for node in situation.client_nodes}
    return [(minor, [name for name in nodes if name in wanted]) for minor, nodes in found.items()]


def _upgrade(situation: Situation, since: int) -> str:
    """The image of a node that is up to date, else the same with a version to be filled in."""
    agents = situation.place.proxy_agents
    fresh = {node for minor, nodes in situation.place.proxies.items() if minor >= since for node in nodes}
    image = max((one.image for one in agents if one.node in fresh), default="")
    if not image:
        image = f"{repository_of(agents[0].image)}:VERSION" if agents else "IMAGE:VERSION"
    return kubectl("-n", "kube-system", "set", "image", "daemonset/kube-proxy", f"kube-proxy={image}")


def _unknown(situation: Situation) -> Finding | None:
    place = situation.place
    unknown: list[Evidence] = []
    if place.scene.server_minor is None and situation.wanted in FIELD_MODES:
        unknown.append(seen("API server", "version", "not known"))
    nodes = list(place.proxies_unknown)
    if situation.clients:
        theirs = set(_client_nodes(situation))
        nodes = [name for name in nodes if name in theirs]
    if nodes:
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


def _client_nodes(situation: Situation) -> Sequence[NodeName]:
    """The nodes of the clients, or all that may have some."""
    if situation.clients:
        return sorted({node.name for node in situation.client_nodes})
    return situation.place.carriage.ready


def carried_by(situation: Situation) -> Evidence:
    """What carries whose connections, with versions where they are known."""
    carriage, minors = situation.place.carriage, situation.place.minors
    if situation.clients:
        who = f"clients {situation.client}"
        found = [
            (carriage.of_pod(pod), minors.get(pod.node) if pod.node else None)
            for pod in situation.clients
            if pod.ready
        ]
        unit = "pod"
    else:
        who, unit = "ready nodes", "node"
        found = [(carriage.of_node(name), minors.get(name)) for name in carriage.ready]
    counts = Counter(named(carriage, carrier, minor) for carrier, minor in found)
    told = ", ".join(f"{name} ({count} {unit}{'s' * (count > 1)})" for name, count in counts.most_common())
    return seen(who, "connections carried by", told or "nobody")


def d45_other_path(situation: Situation) -> Finding | None:
    """Connections that something carries which does not read the setting, or of which that is not known."""
    if situation.wanted is RoutingMode.OFF:
        return None
    found = _headless(situation) or _carried(situation)
    if found is None:
        return None
    severity, evidence, meaning, fix = found
    return Finding(
        code="D45",
        severity=severity,
        evidence=evidence,
        meaning=f"{meaning}.",
        fix=fix,
        blocks_hints=False,
    )


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
            "used"
        ),
        kubectl("-n", namespace, "expose", "service", name, f"--name={name}-zonal"),
    )


def _carried(situation: Situation) -> _Path | None:
    """The worst that is known of any carrier: of the clients' own, else of those of all nodes and pods."""
    found = [
        (severity, carrier, members)
        for carrier, members in _carriers(situation).items()
        if (severity := _severity(situation, carrier, len(members))) is not None
    ]
    if not found:
        return None
    order = list(Severity)
    severity, carrier, members = min(found, key=lambda one: order.index(one[0]))
    everybody = not situation.clients and len(members) == len(_client_nodes(situation))
    where = (
        ""
        if situation.clients or everybody or carrier.by_pod
        else f" (on {len(members)} node{'s' * (len(members) > 1)})"
    )
    return (
        severity,
        _members_seen(situation, carrier, members),
        _says(situation, carrier) + where,
        _remedy(situation, carrier),
    )


def _says(situation: Situation, carrier: Carrier) -> str:
    return carrier.says(situation.wanted)


def _carriers(situation: Situation) -> Mapping[Carrier, tuple[str, ...]]:
    """What carries the connections, with the objects that it carries for."""
    carriage = situation.place.carriage
    if not situation.clients:
        return carriage.everywhere
    named = [(f"Pod {pod.namespace}/{pod.name}", carriage.of_pod(pod)) for pod in situation.clients]
    if all(not carrier.by_pod for _, carrier in named):
        # Any pod may be in the mesh without a sign on it.
        for mesh in (carriers.AMBIENT, carriers.LINKERD):
            named += [
                (name, mesh) for name in carriage.everywhere.get(mesh, ()) if not _in_pods(carriage, name)
            ]
    return groups(named)


def _in_pods(carriage: Carriage, name: str) -> bool:
    """Whether this is a pod with a proxy of its own, not a part of the mesh's own machinery."""
    namespace, slash, pod = name.removeprefix("Pod ").partition("/")
    return bool(slash) and (namespace, pod) in carriage.pods


def _severity(situation: Situation, carrier: Carrier, count: int) -> Severity | None:
    """How bad it is that *carrier* has a part in this; None where it is as asked."""
    use = carrier.use_of(situation.wanted)
    named = bool(situation.clients)
    if use is Use.NONE:
        if named:
            return Severity.PROBLEM
        if carrier.by_pod:
            # Gateways are everywhere and may call other Services; sidecars sit in whoever calls.
            return Severity.NOTE if carrier in _GATEWAYS else Severity.RISK
        return Severity.PROBLEM if count == len(_client_nodes(situation)) else Severity.RISK
    if use is Use.UNKNOWN:
        return Severity.RISK if carrier.doubtful else Severity.NOTE
    return Severity.NOTE if named and carrier.by_pod else None


_GATEWAYS = frozenset(
    {
        carriers.INGRESS_NGINX,
        carriers.NGINX_INGRESS,
        carriers.NGINX_INGRESS_AWARE,
        carriers.TRAEFIK,
        carriers.KONG,
        carriers.HAPROXY,
        carriers.CONTOUR,
    }
)


def _members_seen(situation: Situation, carrier: Carrier, members: Sequence[str]) -> tuple[Evidence, ...]:
    """Where the carrier was seen: its own pods where it has any, else what it carries for."""
    agents = [
        one
        for kind, some in situation.place.carriage.agents.items()
        for one in some
        if kind.value == carrier.name and kind not in GATEWAYS
    ]
    if agents and not situation.clients:
        return few(agents, lambda one: seen(f"Pod {one.name}", "image", one.image))
    if carrier is carriers.UNSEEN:
        return (seen("agents", _LOOKED_FOR, "none seen"), *_nodes_seen(situation, members))
    return few(members, lambda name: _member_seen(situation, carrier, name))


def _nodes_seen(situation: Situation, members: Sequence[str]) -> tuple[Evidence, ...]:
    if len(members) == len(_client_nodes(situation)) and not situation.clients:
        return ()
    return few(members, lambda name: seen(name, "a proxy's pod on its node", "none"))


def _member_seen(situation: Situation, carrier: Carrier, name: str) -> Evidence:
    kind, _, rest = name.partition(" ")
    if kind == "Node":
        labels = dict(situation.place.nodes[NodeName(rest)].labels)
        told = [f"{key}={labels[key]}" for key in _TELLING if key in labels]
        return seen(name, "metadata.labels", ", ".join(told) or "none that tells")
    namespace, _, pod = rest.partition("/")
    one = situation.place.carriage.by_pod.get((namespace, pod))
    if one is not None:
        return seen(name, "is", f"{one.kind.value} ({one.image})")
    return seen(name, "connections carried by", carrier.name)


_LOOKED_FOR = "kube-proxy, Cilium, Istio, Linkerd"
_TELLING = ("kubernetes.io/os", "eks.amazonaws.com/compute-type", "type")


def _remedy(situation: Situation, carrier: Carrier) -> str:
    if carrier.remedy == "field" and situation.wanted is RoutingMode.TAR:
        return _mesh_field(situation)
    if carrier.remedy != "cilium":
        return (
            kubectl("-n", "kube-system", "get", "daemonsets", "-o", "wide")
            if (carrier is carriers.UNSEEN)
            else ""
        )
    patch = '{"data":{"enable-service-topology":"true"}}'
    config = ("patch", "configmap", "cilium-config", "--type", "merge", "-p", patch)
    return in_turn(
        kubectl("-n", "kube-system", *config),
        kubectl("-n", "kube-system", "rollout", "restart", "daemonset/cilium"),
    )


def _mesh_field(situation: Situation) -> str:
    """PreferClose is what every release of Istio knows that reads the field."""
    return set_mode(situation.service, RoutingMode.PREFER_CLOSE)
