"""Where a place stands: what answers there, which modes are in force, and what of ours is to be put back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from k8s.errors import ExitCode, NotFoundError, SamezoneError, UnreachableError
from k8s.live import leases
from k8s.live.cluster import ForbiddenError
from k8s.live.leases import Lease, RawObjects
from k8s.routing.modes import RoutingMode, mode_of
from k8s.routing.restoring import Original
from k8s.topology import Service, ServiceKey
from loadtest.swarm.targets import default_url


class StandingCluster(RawObjects, Protocol):
    """What is read of a cluster; ``LiveCluster`` has it."""

    @property
    def context(self) -> str:
        """Its context's name."""

    @property
    def server(self) -> str:
        """Its API server."""

    def service(self, key: ServiceKey) -> Service:
        """The Service; NotFoundError where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceFound:
    """A place as it was found."""

    is_up: bool
    """Whether its API server answers."""
    troubles: tuple[str, ...] = ()
    """What could not be read, and why."""
    store: str | None = None
    """Where the client Service, or the lab's store, answers."""
    modes: Mapping[str, RoutingMode] = field(default_factory=dict)
    """In force, by Service."""
    ours: tuple[str, ...] = ()
    """Services whose mode is ours to put back."""
    held: str = ""
    """Who changes one of them right now; a clause."""
    code: ExitCode = ExitCode.DONE


def of_cluster(
    cluster: StandingCluster,
    services: Sequence[ServiceKey],
    client: ServiceKey,
    *,
    recall: Callable[[str, ServiceKey], Original | None],
    now_s: float,
) -> PlaceFound:
    """Read what there is; *recall* is this machine's record of what a Service had. Changes nothing."""
    modes: dict[str, RoutingMode] = {}
    ours, troubles, held = [], [], ""
    code, is_up = ExitCode.DONE, True
    for key in services:
        try:
            modes[str(key)] = mode_of(cluster.service(key))
            lease = _lease(cluster, key)
            if lease is not None and lease.holder and now_s < lease.renewed_s + lease.duration_s:
                held = held or f"{lease.holder.identity} changes {key} ({lease.run})"
            if recall(cluster.context, key) or (lease is not None and lease.original):
                ours.append(str(key))
        except SamezoneError as error:
            troubles.append(str(error))
            code = max(code, error.exit_code)
            if isinstance(error, UnreachableError) and not isinstance(error, ForbiddenError):
                is_up = False
                break
    return PlaceFound(
        is_up=is_up,
        troubles=tuple(troubles),
        store=_address(cluster, client) if is_up else None,
        modes=modes,
        ours=tuple(ours),
        held=held,
        code=code,
    )


def _lease(cluster: RawObjects, key: ServiceKey) -> Lease | None:
    """None as well where Leases may not be read: then this machine's record is all there is."""
    try:
        return leases.read(cluster, key)
    except ForbiddenError:
        return None


def _address(cluster: StandingCluster, client: ServiceKey) -> str | None:
    try:
        return default_url(cluster.service(client))
    except (NotFoundError, UnreachableError):
        return None
