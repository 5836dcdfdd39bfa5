"""A place read from a live cluster, over all namespaces; the lab is read the same way."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from k8s.errors import UnreachableError
from k8s.live.cluster import ForbiddenError
from k8s.model import agents
from k8s.model.raw_scene import SETTINGS, RawScene, scene
from k8s.model.scene import Scene

NODES = "/api/v1/nodes"
PODS = "/api/v1/pods"
SERVICES = "/api/v1/services"
SLICES = "/apis/discovery.k8s.io/v1/endpointslices"
EVENTS = "/api/v1/events"
CONFIG_MAPS = "/api/v1/configmaps"


class Collections(Protocol):
    """What is needed of a cluster; ``LiveCluster`` has it."""

    @property
    def context(self) -> str:
        """The kubeconfig context."""

    def version(self) -> str:
        """The API server's gitVersion."""

    def raw_items(self, path: str, query: Mapping[str, str] | None = None) -> Sequence[Mapping[str, Any]]:
        """All objects of a collection; ForbiddenError where we may not list it."""


def read(cluster: Collections, *, taken_at_s: float) -> Scene:
    """The scene as it is now, *taken_at_s* seconds since the epoch by the caller's clock.

    Without the permission to list nodes, Services or slices there is nothing to tell: UnreachableError.
    Without pods or events that is a gap.
    """
    gaps: list[str] = []

    def optional(path: str, word: str, query: Mapping[str, str] | None = None) -> Any:
        try:
            return cluster.raw_items(path, query)
        except ForbiddenError:
            gaps.append(f"{word}: forbidden")
            return None

    nodes, services, slices = (
        _needed(cluster, path, word)
        for path, word in ((NODES, "nodes"), (SERVICES, "services"), (SLICES, "endpointslices"))
    )
    pods = optional(PODS, "pods") or ()
    events = optional(EVENTS, "events", {"fieldSelector": "involvedObject.kind=Service"})
    return scene(
        RawScene(
            source=f"context {cluster.context}",
            taken_at_s=taken_at_s,
            nodes=nodes,
            pods=pods,
            services=services,
            slices=slices,
            events=events,
            server_version=cluster.version(),
            settings=_settings(cluster, pods),
            gaps=tuple(gaps),
        )
    )


def _settings(cluster: Collections, pods: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The ConfigMaps of the data planes that are here; what may not be read stays unknown."""
    kinds = {found.kind for pod in pods if (found := agents.agent(pod)) is not None}
    several: list[Mapping[str, Any]] = []
    for name, kind in SETTINGS.items():
        if kind in kinds:
            with contextlib.suppress(ForbiddenError):
                several += cluster.raw_items(CONFIG_MAPS, {"fieldSelector": f"metadata.name={name}"})
    return several


def _needed(cluster: Collections, path: str, word: str) -> Sequence[Mapping[str, Any]]:
    try:
        return cluster.raw_items(path)
    except ForbiddenError as error:
        raise UnreachableError(
            f"listing {word} in context {cluster.context}: forbidden; ask for a ClusterRole that may get and "
            f"list {word}, or give a saved file with --from"
        ) from error
