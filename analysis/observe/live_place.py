"""A lab or a cluster to be looked at: read in all namespaces at once, and never changed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from analysis.observe.observing import ObservedPlace
from k8s.live import live_scene
from k8s.live.cluster import LiveCluster
from k8s.live.live_scene import NODES, PODS, SLICES
from k8s.model.scene import Scene
from k8s.topology import Snapshot
from loadtest.record import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeCluster:
    """What a topology log needs, of every namespace."""

    cluster: LiveCluster
    clock: Callable[[], float]

    def snapshot(self, namespaces: Sequence[str] | None) -> Snapshot:
        """Everything; *namespaces* do not matter."""
        del namespaces
        return live_scene.read(self.cluster, taken_at_s=self.clock()).snapshot

    def watch_paths(self, namespaces: Sequence[str]) -> tuple[str, ...]:
        """The collections whose changes move traffic."""
        del namespaces
        return (NODES, PODS, SLICES)

    def changes(self, path: str, *, timeout_s: float) -> Iterator[None]:
        """Once for every change of a collection."""
        return self.cluster.changes(path, timeout_s=timeout_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePlace(ObservedPlace):
    """A place behind an API server."""

    cluster: LiveCluster
    read_facts: Callable[[], Place]
    clock: Callable[[], float]

    @property
    def watchable(self) -> WholeCluster:
        """The whole cluster."""
        return WholeCluster(cluster=self.cluster, clock=self.clock)

    def facts(self) -> Place:
        """By the platform."""
        return self.read_facts()

    def scene(self) -> Scene:
        """As it is now."""
        return live_scene.read(self.cluster, taken_at_s=self.clock())
