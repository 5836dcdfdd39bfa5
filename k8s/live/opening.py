"""Which API server is meant, and the connection to it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from k8s.errors import UsageError
from k8s.live.cluster import LiveCluster, connect


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterChoice:
    """The API server that a user names."""

    kubeconfig: Path | None = None
    """None: kubectl's own rules."""
    context: str | None = None
    """None: the current one."""
    is_lab: bool = False
    """The lab is ours: it is changed without asking, whatever kubectl's current context is."""


def open_cluster(
    choice: ClusterChoice,
    *,
    changing: bool = False,
    connect: Callable[[Path | None, str | None], LiveCluster] = connect,
) -> LiveCluster:
    """Connect to what is chosen.

    With *changing* a cluster is the kubeconfig's current context, and UsageError when another one is named:
    what a person looks at with kubectl is what is changed.
    """
    if choice.is_lab or not changing:
        return connect(choice.kubeconfig, choice.context)
    current = connect(choice.kubeconfig, None)
    if choice.context not in (None, current.context):
        raise UsageError(
            f"the current context is {current.context}, not {choice.context}, so nothing was changed; run: "
            f"kubectl config use-context {choice.context}, or name {current.context}"
        )
    return current
