"""Pods of processes that the lab does not keep, as those of load generators: gone with their process.

Whoever makes such a pod deletes it in the end. A process that was killed cannot, nor one that is cut off from
the API; a real node's kubelet would find the container dead, and so does this.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from k8s.lab.apiclient.feed import Feed
from k8s.lab.design import marks
from k8s.lab.design.seeds import Object
from k8s.lab.processes import ProcessId

_log = logging.getLogger(__name__)


class PodDeleter(Protocol):
    """The part of the API that is used here; ApiError where it does not take it."""

    def delete(self, obj: Object, grace_s: int | None = None) -> Object | None:
        """Delete an object; what is left of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guests:
    """Looks after the pods that say whose they are."""

    api: PodDeleter
    pods: Feed
    is_running: Callable[[ProcessId], bool]

    def sync(self) -> bool:
        """Delete the pods whose process has ended; True if there were any."""
        left = [pod for pod in tuple(self.pods.objects.values()) if self._is_left(pod)]
        for pod in left:
            _log.warning("pod %s: its process has ended", pod["metadata"]["name"])
            self.api.delete(pod, grace_s=0)
        return bool(left)

    def _is_left(self, pod: Object) -> bool:
        owner = marks.owner(pod) if marks.is_external(pod) else None
        if owner is None or "deletionTimestamp" in pod["metadata"]:
            return False
        return not self.is_running(ProcessId(pid=owner[0], started=owner[1]))
