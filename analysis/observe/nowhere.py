"""A place that is not looked at: a source that states zones itself needs no cluster to be asked."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from analysis.observe.observing import ObservedPlace
from k8s.model.scene import Scene
from k8s.topology import Snapshot
from loadtest.record import Place

NO_CLUSTER: Final = "no cluster"
"""The platform of an observation that looked at none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nowhere(ObservedPlace):
    """Nodes, pods and Services are not known; nothing is asked."""

    why: str
    """Why no cluster is looked at."""
    region: str
    clock: Callable[[], float]

    @property
    def watchable(self) -> "Nowhere":
        """Nothing changes here."""
        return self

    def facts(self) -> Place:
        """No place at all."""
        return Place(
            platform=NO_CLUSTER, context=self.why, server="", version="", region=self.region, zones=()
        )

    def scene(self) -> Scene:
        """An empty one."""
        return Scene(source=NO_CLUSTER, snapshot=self.snapshot(None))

    def snapshot(self, namespaces: Sequence[str] | None) -> Snapshot:
        """Nothing, at this moment."""
        del namespaces
        return Snapshot(taken_at_s=self.clock())

    def watch_paths(self, namespaces: Sequence[str]) -> tuple[str, ...]:
        """None."""
        del namespaces
        return ()

    def changes(self, path: str, *, timeout_s: float) -> Iterator[None]:
        """None."""
        del path, timeout_s
        yield from ()
