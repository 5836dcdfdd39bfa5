"""Which EndpointSlices a Service should have: the lab controller's plan, before hints. Pure.

As the reconciler of kubernetes/endpointslice: slices are kept and edited in place, so the order of endpoints
(which decides who is moved under Auto) is history; newcomers are appended in random order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from k8s.model.objects import SliceOwner, slice_labels
from k8s.routing.hints import HintsEvent, SliceLists
from k8s.topology import Endpoint, EndpointSlice, Labels, NodeName, Pod, PodName, Service, ServiceKey, Zone

MANAGED_BY = "endpointslice-controller.k8s.io"
MAX_ENDPOINTS = 100
"""Per slice; the default of kube-controller-manager."""

_NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_NAME_LENGTH = 5

T = TypeVar("T")

Ports = tuple[tuple[str, int], ...]


class Rng(Protocol):
    """A source of chance, e.g. ``random.Random(seed)``."""

    def choice(self, seq: Sequence[T], /) -> T:
        """One item of *seq*."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A pod that the Service's selector matches."""

    pod: Pod
    named_ports: Ports = ()
    """(name, number) of its container ports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSlice:
    """A slice as the API server holds it."""

    value: EndpointSlice
    owner_uid: str
    """The Service that owns it; empty if none does."""
    labels: Labels = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SlicePlan:
    """What to do with the slices of one Service; hints are still those of before, if any."""

    lists: SliceLists
    delete: tuple[str, ...] = ()
    """Names of slices."""
    homeless: tuple[tuple[PodName, str], ...] = ()
    """(pod, node) of the pods left out because their node does not exist: try again later."""


@dataclass(slots=True)
class _Draft:
    """The slices of one set of ports while they are being edited."""

    create: list[EndpointSlice]
    update: dict[str, EndpointSlice]
    unchanged: dict[str, EndpointSlice]
    delete: list[str]


def plan_slices(
    service: Service,
    owner: SliceOwner,
    backends: Iterable[Backend],
    zones: Mapping[NodeName, Zone | None],
    stored: Sequence[StoredSlice],
    rng: Rng,
) -> SlicePlan:
    """The slices that *service* should have for *backends*; *zones* holds every node there is.

    *stored* are the slices the controller manages for the Service now, in the order to walk them.
    """
    wanted, homeless = _wanted(service, backends, zones)
    labels = tuple(sorted(slice_labels(owner, MANAGED_BY).items()))
    owned: dict[Ports, list[StoredSlice]] = {}
    for one in stored:
        if one.owner_uid == owner.uid:
            owned.setdefault(tuple(sorted(one.value.ports)), []).append(one)
    drafts = [
        _edit(owned.get(ports, []), endpoints, labels, _Blank(service=service, ports=ports, rng=rng))
        for ports, endpoints in wanted.items()
    ]
    delete = [
        *(one.value.name for one in stored if one.owner_uid != owner.uid),
        *(name for draft in drafts for name in draft.delete),
        *(one.value.name for ports, slices in owned.items() if ports not in wanted for one in slices),
    ]
    create = [one for draft in drafts for one in draft.create]
    update = {name: one for draft in drafts for name, one in draft.update.items()}
    if len(delete) == len(stored) and not create:
        # A Service never has no slice at all: an empty one stands in.
        if len(delete) == 1 and _is_placeholder(stored[0], owner, labels):
            delete = []
        else:
            create = [_Blank(service=service, ports=(), rng=rng).slice()]
    unchanged = tuple(
        one.value for one in stored if one.value.name not in update and one.value.name not in delete
    )
    lists = SliceLists(create=tuple(create), update=tuple(update.values()), unchanged=unchanged)
    return SlicePlan(lists=lists, delete=tuple(delete), homeless=homeless)


def failure(service: ServiceKey, homeless: Sequence[tuple[PodName, str]]) -> HintsEvent | None:
    """What is told of pods whose node does not exist; None if there are none."""
    texts = [f"skipping Pod {pod} for Service {service}: Node {node} Not Found" for pod, node in homeless]
    if not texts:
        return None
    text = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    return HintsEvent(
        type="Warning",
        reason="FailedToUpdateEndpointSlices",
        message=f"Error updating Endpoint Slices for Service {service}: {text}",
    )


def reuse_deleted(plan: SlicePlan, stored: Sequence[StoredSlice], owner: SliceOwner) -> SlicePlan:
    """Turn a deletion and a creation into one update of the slice that would go; done last, after hints."""
    own = {one.value.name for one in stored if one.owner_uid == owner.uid}
    create, update, delete = list(plan.lists.create), list(plan.lists.update), []
    for name in plan.delete:
        if create and name in own:
            update.append(replace(create.pop(), name=name))
        else:
            delete.append(name)
    lists = replace(plan.lists, create=tuple(create), update=tuple(update))
    return replace(plan, lists=lists, delete=tuple(delete))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Blank:
    """What a new slice of these ports looks like."""

    service: Service
    ports: Ports
    rng: Rng

    def slice(self) -> EndpointSlice:
        suffix = "".join(self.rng.choice(_NAME_LETTERS) for _ in range(_NAME_LENGTH))
        return EndpointSlice(
            namespace=self.service.namespace,
            name=f"{self.service.name}-{suffix}",
            service=self.service.name,
            ports=self.ports,
            managed_by=MANAGED_BY,
        )


def _is_placeholder(one: StoredSlice, owner: SliceOwner, labels: Labels) -> bool:
    empty = not one.value.endpoints and not one.value.ports
    return empty and one.owner_uid == owner.uid and one.labels == labels


def _wanted(
    service: Service, backends: Iterable[Backend], zones: Mapping[NodeName, Zone | None]
) -> tuple[dict[Ports, list[Endpoint]], tuple[tuple[PodName, str], ...]]:
    """The endpoints that should be there, by their ports, and the pods whose node is unknown, with it."""
    wanted: dict[Ports, list[Endpoint]] = {}
    homeless: list[tuple[PodName, str]] = []
    for backend in backends:
        pod = backend.pod
        if pod.ip is None or pod.phase in ("Succeeded", "Failed"):
            continue
        ports = _target_ports(service, backend)
        endpoints = wanted.setdefault(ports, [])
        if pod.node not in zones and not service.publish_not_ready_addresses:
            homeless.append((pod.name, pod.node or ""))
        else:
            zone = zones.get(pod.node) if pod.node is not None else None
            endpoints.append(_endpoint(pod, zone, service))
    return wanted, tuple(homeless)


def _target_ports(service: Service, backend: Backend) -> Ports:
    named = dict(backend.named_ports)
    found = []
    for port in service.ports:
        number = int(port.target_port) if port.target_port.isdecimal() else named.get(port.target_port)
        if number is not None:
            found.append((port.name, number))
    return tuple(sorted(found))


def _endpoint(pod: Pod, zone: Zone | None, service: Service) -> Endpoint:
    return Endpoint(
        addresses=(pod.ip or "",),
        zone=zone,
        node=pod.node,
        ready=service.publish_not_ready_addresses or (pod.ready and not pod.terminating),
        serving=pod.ready,
        terminating=pod.terminating,
        pod=pod.name,
    )


def _identity(endpoint: Endpoint) -> tuple[tuple[str, ...], PodName | None]:
    return endpoint.addresses, endpoint.pod


def _edit(stored: Sequence[StoredSlice], wanted: Sequence[Endpoint], labels: Labels, blank: _Blank) -> _Draft:
    """Bring the slices of one set of ports to the *wanted* endpoints with as few writes as possible."""
    draft = _Draft(create=[], update={}, unchanged={}, delete=[])
    missing = {_identity(endpoint): endpoint for endpoint in wanted}
    for one in stored:
        kept = [missing.pop(_identity(old), None) for old in one.value.endpoints]
        rebuilt = tuple(endpoint for endpoint in kept if endpoint is not None)
        name = one.value.name
        if rebuilt != tuple(replace(old, zone_hints=(), node_hints=()) for old in one.value.endpoints):
            if rebuilt:
                draft.update[name] = replace(one.value, endpoints=rebuilt)
            else:
                draft.delete.append(name)
        elif one.labels != labels:
            draft.update[name] = one.value
        else:
            draft.unchanged[name] = one.value
    newcomers = _shuffled(list(missing.values()), blank.rng)
    for target in sorted(draft.update.values(), key=lambda one: -len(one.endpoints)):
        draft.update[target.name], newcomers = _filled(target, newcomers)
    while newcomers:
        fitting = _best_fit(draft.unchanged.values(), len(newcomers))
        target, newcomers = _filled(fitting or blank.slice(), newcomers)
        if fitting is None:
            draft.create.append(target)
        else:
            draft.update[target.name] = target
            del draft.unchanged[target.name]
    return draft


def _shuffled(endpoints: list[Endpoint], rng: Rng) -> list[Endpoint]:
    order = []
    while endpoints:
        order.append(rng.choice(endpoints))
        endpoints.remove(order[-1])
    return order


def _filled(one: EndpointSlice, newcomers: list[Endpoint]) -> tuple[EndpointSlice, list[Endpoint]]:
    room = MAX_ENDPOINTS - len(one.endpoints)
    return replace(one, endpoints=(*one.endpoints, *newcomers[:room])), newcomers[room:]


def _best_fit(unchanged: Iterable[EndpointSlice], newcomers: int) -> EndpointSlice | None:
    """The slice that is fullest once all *newcomers* are in it, or None if none has the room."""
    fitting = [one for one in unchanged if len(one.endpoints) + newcomers <= MAX_ENDPOINTS]
    return max(fitting, key=lambda one: len(one.endpoints), default=None)
