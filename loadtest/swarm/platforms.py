"""Where load runs: what an arm needs of the lab and of a cluster alike."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from k8s.live import control
from k8s.live.holding import HoldableCluster
from k8s.live.live_scene import Collections
from k8s.predict.clients import pods_of
from k8s.topology import Recycled, ServiceKey, Snapshot
from loadtest.record import Asked, Caveat, Place
from loadtest.swarm.interface import Swarm
from loadtest.truthfile import TruthFile

LIVE: Final = "traffic  what there is: nothing is sent, and the guards are watched while the mode is in force"
"""How live traffic is told."""


def live_lines(snapshot: Snapshot, client: ServiceKey) -> tuple[str, ...]:
    """What is told before live traffic is watched.

    A client without pods is no error: a CronJob's come and go. But a window of a misspelt one is lost.
    """
    called = (f"{pod.name}-" for pod in snapshot.pods if pod.namespace == client.namespace)
    if pods_of(snapshot, client) or any(name.startswith(f"{client.name}-") for name in called):
        return (LIVE,)
    return (LIVE, f"client   {client}: no pod of it is there now, so nobody may call; is the name right?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found before anything is changed."""

    announcement: tuple[str, ...] = ()
    """What is going to happen, to be agreed to; empty where nobody has to agree."""
    notes: tuple[str, ...] = ()
    """To be said once where nobody has to agree."""
    caveats: tuple[Caveat, ...] = ()
    recycle: Callable[[], Recycled | None] = lambda: None
    """Makes the clients open new connections."""


class Watchable(Protocol):
    """What a topology log needs of a cluster."""

    def snapshot(self, namespaces: Sequence[str] | None) -> Snapshot:
        """Nodes, and the pods, Services and slices of these namespaces; None: of all."""

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
