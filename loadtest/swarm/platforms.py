"""Where load runs: what an arm needs of the lab and of a cluster alike."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from k8s.live import control
from k8s.live.holding import HoldableCluster
from k8s.live.live_scene import Collections
from k8s.topology import Recycled, ServiceKey, Snapshot
from loadtest.record import Asked, Caveat, Place
from loadtest.swarm.interface import Swarm
from loadtest.truthfile import TruthFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found before anything is changed."""

    announcement: tuple[str, ...] = ()
    """What is going to happen, to be agreed to; empty where nobody has to agree."""
    caveats: tuple[Caveat, ...] = ()
    recycle: Callable[[], Recycled | None] = lambda: None
    """Makes the clients open new connections."""


class Watchable(Protocol):
    """What a topology log needs of a cluster."""

    def snapshot(self, namespaces: Sequence[str]) -> Snapshot:
        """Nodes, and the pods, Services and slices of these namespaces."""

    def watch_paths(self, namespaces: Sequence[str]) -> tuple[str, ...]:
        """The collections whose changes matter."""

    def changes(self, path: str, *, timeout_s: float) -> Iterator[None]:
        """Yield once for every change of a collection."""


class RunnableCluster(control.Cluster, Watchable, Protocol):
    """What a run needs of the place."""


class PlatformCluster(RunnableCluster, HoldableCluster, Collections, Protocol):
    """The API server of a place that carries load: a run reads and patches it, the doctor looks at it."""


class Platform(Protocol):
    """A place that carries load."""

    @property
    def cluster(self) -> PlatformCluster:
        """Its API server."""

    def place(self) -> Place:
        """Facts for the record."""

    def check(self, asked: Asked) -> Checked:
        """Look at everything that could spoil the run; SamezoneError for what would."""

    def swarm(self, client: ServiceKey, *, name: str, log_dir: Path, web_port: int = 0) -> Swarm:
        """The load generators, not open yet; *name* tells this run's from others'."""

    @property
    def read_truth(self) -> Callable[[], Any] | None:
        """Reads the ground truth's counters; None where there is none."""

    def truth_file(self, before: Any, after: Any) -> TruthFile:
        """What was counted in between."""
