"""Which resources are served, and the names they go by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Subresource:
    """A part or an action of an object, below its URL."""

    name: str
    verbs: tuple[str, ...]
    kind: str = ""
    """Of what is sent there; empty: the object's own kind, group and version."""
    group: str = ""
    version: str = "v1"


STATUS = Subresource(name="status", verbs=("get", "patch", "update"))
SCALE = Subresource(name="scale", verbs=("get", "patch", "update"), kind="Scale", group="autoscaling")
EVICTION = Subresource(name="eviction", verbs=("create",), kind="Eviction", group="policy")
BINDING = Subresource(name="binding", verbs=("create",), kind="Binding")
PORT_FORWARD = Subresource(name="portforward", verbs=("create", "get"), kind="PodPortForwardOptions")
LOG = Subresource(name="log", verbs=("get",))
EXEC = Subresource(name="exec", verbs=("create", "get"), kind="PodExecOptions")
ATTACH = Subresource(name="attach", verbs=("create", "get"), kind="PodAttachOptions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource type: what discovery says of it and how it is stored."""

    group: str
    """Empty for the core group."""
    version: str = "v1"
    plural: str
    singular: str
    kind: str
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    namespaced: bool = True
    subresources: tuple[Subresource, ...] = ()
    counts_generations: bool = False
    """Whether ``metadata.generation`` is set, and bumped when more than metadata or status changes."""
    deletes_collections: bool = True
    """Whether DELETE on the collection is offered; a real one does not offer it for namespaces."""
    returns_deleted: bool = False
    """Whether DELETE answers with the object that is gone, and not with a Status."""

    @property
    def has_status(self) -> bool:
        """Whether a ``/status`` subresource exists."""
        return STATUS in self.subresources

    def subresource(self, name: str) -> Subresource | None:
        """The subresource of that name, or None."""
        return next((one for one in self.subresources if one.name == name), None)

    @property
    def api_version(self) -> str:
        """``v1``, or ``group/version``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified_plural(self) -> str:
        """The name in error messages: ``services``, ``deployments.apps``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        """The kind in error messages: ``Service``, ``Deployment.apps``."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def verbs(self) -> tuple[str, ...]:
        """What discovery says can be done with it."""
        collection = ("deletecollection",) if self.deletes_collections else ()
        return ("create", "delete", *collection, "get", "list", "patch", "update", "watch")

    @property
    def root(self) -> str:
        """The path all its URLs start with: ``/api/v1`` or ``/apis/<group>/<version>``."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


NAMESPACES = Resource(
    group="",
    plural="namespaces",
    singular="namespace",
    kind="Namespace",
    short_names=("ns",),
    namespaced=False,
    subresources=(STATUS,),
    deletes_collections=False,
)
NODES = Resource(
    group="",
    plural="nodes",
    singular="node",
    kind="Node",
    short_names=("no",),
    namespaced=False,
    subresources=(STATUS,),
)
PODS = Resource(
    group="",
    plural="pods",
    singular="pod",
    kind="Pod",
    short_names=("po",),
    categories=("all",),
    subresources=(STATUS, BINDING, EVICTION, PORT_FORWARD, LOG, EXEC, ATTACH),
    counts_generations=True,
    returns_deleted=True,
)
SERVICES = Resource(
    group="",
    plural="services",
    singular="service",
    kind="Service",
    short_names=("svc",),
    categories=("all",),
    subresources=(STATUS,),
    returns_deleted=True,
)
EVENTS = Resource(group="", plural="events", singular="event", kind="Event", short_names=("ev",))
ENDPOINT_SLICES = Resource(
    group="discovery.k8s.io",
    plural="endpointslices",
    singular="endpointslice",
    kind="EndpointSlice",
    counts_generations=True,
)
DEPLOYMENTS = Resource(
    group="apps",
    plural="deployments",
    singular="deployment",
    kind="Deployment",
    short_names=("deploy",),
    categories=("all",),
    subresources=(STATUS, SCALE),
    counts_generations=True,
)
REPLICA_SETS = Resource(
    group="apps",
    plural="replicasets",
    singular="replicaset",
    kind="ReplicaSet",
    short_names=("rs",),
    categories=("all",),
    subresources=(STATUS, SCALE),
    counts_generations=True,
)
LEASES = Resource(group="coordination.k8s.io", plural="leases", singular="lease", kind="Lease")

RESOURCES = (NAMESPACES, NODES, PODS, SERVICES, EVENTS, ENDPOINT_SLICES, DEPLOYMENTS, REPLICA_SETS, LEASES)
_BY_NAME = {(resource.group, resource.version, resource.plural): resource for resource in RESOURCES}


def find(group: str, version: str, plural: str) -> Resource | None:
    """The resource at ``/apis/<group>/<version>/<plural>``, or None."""
    return _BY_NAME.get((group, version, plural))
