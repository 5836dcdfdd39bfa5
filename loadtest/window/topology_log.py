"""The run's topology timeline: a snapshot at the start, at every change, and at the end.

The first and the last one show the pods of all namespaces that may be listed: who calls and is called may be
in any of them. Changes are looked for in the named ones alone.
"""

import threading
from collections.abc import Sequence
from dataclasses import replace

from k8s.errors import SamezoneError
from k8s.live.cluster import ForbiddenError
from k8s.process import interrupts
from k8s.topology import Snapshot
from loadtest.swarm.platforms import Watchable
from loadtest.window.elsewhere import with_elsewhere

DEBOUNCE_S = 0.2
WATCH_S = 60.0


class TopologyLog:
    """Collects snapshots in background threads between ``start`` and ``stop``."""

    def __init__(
        self, cluster: Watchable, namespaces: Sequence[str] | None, *, debounce_s: float = DEBOUNCE_S
    ) -> None:
        """None as *namespaces*: *cluster* shows and watches all of them alike."""
        self._cluster = cluster
        self._debounce_s = debounce_s
        self._namespaces = None if namespaces is None else tuple(namespaces)
        self._changed = threading.Event()
        self._stopped = threading.Event()
        self._snapshots: list[Snapshot] = []
        self._trouble: list[str] = []
        self._threads: list[threading.Thread] = []
        self._unseen = ""

    def start(self) -> Snapshot:
        """Take the first snapshot and begin to watch."""
        first = self._everywhere()
        self._snapshots.append(first)
        threads = [threading.Thread(target=self._take, daemon=True)] + [
            threading.Thread(target=self._watch, args=(path,), daemon=True)
            for path in self._cluster.watch_paths(self._namespaces or ())
        ]
        with interrupts.held():  # those that are known have started
            self._threads = threads
            for thread in threads:
                thread.start()
        return first

    def stop(self) -> tuple[Snapshot, ...]:
        """Take the last snapshot and return all of them, oldest first; equal neighbours are kept once.

        Where the last one cannot be taken that is raised, and those before it are still in ``so_far``.
        """
        self._stopped.set()
        self._changed.set()
        for thread in self._threads[:1]:
            thread.join()
        self._append(self._everywhere(), last=True)
        return self.so_far

    @property
    def so_far(self) -> tuple[Snapshot, ...]:
        """The snapshots taken until now, oldest first; none before ``start``."""
        return tuple(self._snapshots)

    @property
    def unseen(self) -> str:
        """Why the pods of other namespaces are not known, in a sentence; empty where they are."""
        return self._unseen

    def _everywhere(self) -> Snapshot:
        if self._namespaces is not None and not self._unseen:
            try:
                return with_elsewhere(self._cluster.snapshot(None), self._namespaces)
            except ForbiddenError as error:
                self._unseen = (
                    f"Pods outside of namespaces {', '.join(self._namespaces)} may not be listed ({error}): "
                    "calls that lead there have no zone."
                )
        return self._cluster.snapshot(self._namespaces)

    @property
    def trouble(self) -> tuple[str, ...]:
        """What went wrong while watching; the timeline may then miss a short-lived pod."""
        return tuple(dict.fromkeys(self._trouble))

    def _watch(self, path: str) -> None:
        while not self._stopped.is_set():
            try:
                for _ in self._cluster.changes(path, timeout_s=WATCH_S):
                    self._changed.set()
                    if self._stopped.is_set():
                        return
            except SamezoneError as error:
                if not self._stopped.is_set():
                    self._trouble.append(str(error))
            # A watch that broke may have missed something: look again.
            self._changed.set()
            self._stopped.wait(1.0)

    def _take(self) -> None:
        while True:
            self._changed.wait()
            self._stopped.wait(self._debounce_s)
            self._changed.clear()
            # Asked after clearing: "stop" sets its flag first, so none of its wake-ups can be swallowed.
            if self._stopped.is_set():
                return
            try:
                self._append(self._cluster.snapshot(self._namespaces), last=False)
            except SamezoneError as error:
                self._trouble.append(str(error))

    def _append(self, snapshot: Snapshot, *, last: bool) -> None:
        previous = self._snapshots[-1]
        if last or replace(snapshot, taken_at_s=previous.taken_at_s) != previous:
            self._snapshots.append(snapshot)
