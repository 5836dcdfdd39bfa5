"""Raw API objects of a whole place to a ``Scene``, wherever they were read (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from k8s.errors import UsageError
from k8s.model import agents, objects
from k8s.model.fields import Field
from k8s.model.objects import Raw
from k8s.model.scene import AgentKind, Scene, ServiceEvent
from k8s.topology import Labels, ServiceKey, Snapshot

SETTINGS = {
    "cilium-config": AgentKind.CILIUM,
    "kube-proxy-config": AgentKind.KUBE_PROXY,
    "kube-proxy": AgentKind.KUBE_PROXY,
}
"""Names of the ConfigMaps that are read, and whose settings they are."""
EKS_MARK = "-eks-"
"""In the version of every EKS control plane."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawScene:
    """Everything that was read, as the API server sends it."""

    source: str
    taken_at_s: float
    """Seconds since the epoch."""
    nodes: Sequence[Raw] = ()
    pods: Sequence[Raw] = ()
    services: Sequence[Raw] = ()
    slices: Sequence[Raw] = ()
    events: Sequence[Raw] | None = None
    """Of all objects; None where they were not read."""
    server_version: str = ""
    """gitVersion, e.g. ``v1.35.2-eks-1a2b3c``; empty where it is not known."""
    settings: Sequence[Raw] = ()
    """ConfigMaps, of which those of data planes are read."""
    gaps: tuple[str, ...] = ()


def scene(raw: RawScene) -> Scene:
    """The scene of these objects; UsageError in one line for one that is not what the API would show."""
    for kind, several in (("Node", raw.nodes), ("Pod", raw.pods)):
        _check_status(kind, several)
    snapshot = Snapshot(
        taken_at_s=raw.taken_at_s,
        nodes=tuple(map(objects.node, raw.nodes)),
        pods=tuple(map(objects.pod, raw.pods)),
        services=tuple(map(objects.service, raw.services)),
        slices=tuple(map(objects.endpoint_slice, raw.slices)),
    )
    found = tuple(one for pod in raw.pods if (one := agents.agent(pod)) is not None)
    return Scene(
        source=raw.source,
        snapshot=snapshot,
        events=None if raw.events is None else tuple(_service_events(raw.events)),
        server_minor=agents.minor_of(raw.server_version),
        proxy_minors=agents.proxy_minors(found, raw.nodes),
        agents=found,
        settings=tuple(_settings(raw.settings)),
        is_eks=EKS_MARK in raw.server_version,
        gaps=raw.gaps,
    )


def _settings(several: Iterable[Raw]) -> Iterable[tuple[str, Labels]]:
    """The flat ConfigMaps that say how a data plane is set."""
    for raw in several:
        root = Field("a ConfigMap", "", raw)
        name = root.at("metadata", "name").text()
        if name in SETTINGS:
            yield name, root.at("data").pairs()


def _check_status(kind: str, several: Iterable[Raw]) -> None:
    """A manifest has none, and without it nothing is ready and no node has CPU: the numbers would lie."""
    for raw in several:
        if not isinstance(raw.get("status"), Mapping):
            name = Field(f"a {kind}", "", raw).at("metadata", "name").text()
            raise UsageError(
                f"cannot read {kind} {name}: status is missing; "
                "save what the API server shows, not a manifest"
            )


def _service_events(several: Iterable[Raw]) -> Iterable[ServiceEvent]:
    """Those on Services, in the order given."""
    for raw in several:
        root = Field("an Event", "", raw)
        about = root.at("regarding" if root.at("involvedObject").value is None else "involvedObject")
        if about.at("kind").value == "Service":
            key = ServiceKey(namespace=about.at("namespace").text(""), name=about.at("name").text())
            yield ServiceEvent(service=key, event=objects.event(raw))
