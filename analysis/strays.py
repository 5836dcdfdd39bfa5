"""Pods that made or took calls, and that no snapshot shows: what their names say of whose they are.

Kubernetes names a ReplicaSet's pod ``<workload>-<hash>-<suffix>``, a DaemonSet's ``<workload>-<suffix>`` and
a StatefulSet's ``<workload>-<number>``. A name that is formed like its siblings' belongs to their workload;
an endpoint that a slice names belongs to the Service's. Where such a pod ran, nobody knows.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from k8s.topology import Snapshot

_SUFFIX: Final = re.compile(r"(?P<stem>.+)-(?:[bcdfghjklmnpqrstvwxz2456789]{5}|(?P<number>\d+))")
"""Five letters of the alphabet that Kubernetes draws names from, or a StatefulSet's ordinal."""
_HASH: Final = re.compile(r"(?P<stem>.+)-[a-z0-9]{6,10}")
"""Of a pod template."""


class Strays:
    """Looks up whose a pod is that no snapshot shows."""

    def __init__(self, snapshots: Sequence[Snapshot], workloads: Mapping[str, str]) -> None:
        """*workloads*: of every pod that a snapshot shows, by its name."""
        by_stem: dict[tuple[str, bool], Counter[str]] = defaultdict(Counter)
        for name, workload in workloads.items():
            for stem in _stems(name):
                by_stem[stem][workload] += 1
        self._by_stem = {stem: found.most_common(1)[0][0] for stem, found in by_stem.items()}
        self._behind = _behind(snapshots, workloads)

    def workload(self, name: str) -> str | None:
        """Its workload; None for a name that is formed like no pod's here."""
        if (behind := self._behind.get(name)) is not None:
            return behind
        return next((self._by_stem[stem] for stem in _stems(name) if stem in self._by_stem), None)


def _stems(name: str) -> list[tuple[str, bool]]:
    """What comes before a pod's suffix, the longest first, and whether that is an ordinal."""
    if (found := _SUFFIX.fullmatch(name)) is None:
        return []
    stem, ordinal = found["stem"], found["number"] is not None
    if not ordinal and (template := _HASH.fullmatch(stem)) is not None:
        return [(stem, ordinal), (template["stem"], ordinal)]
    return [(stem, ordinal)]


def _behind(snapshots: Sequence[Snapshot], workloads: Mapping[str, str]) -> dict[str, str]:
    """Pods that slices name and no snapshot shows -> the workload of most pods behind the same Service."""
    pods: dict[tuple[str, str], set[str]] = defaultdict(set)
    for snapshot in snapshots:
        for one in snapshot.slices:
            if one.service:
                pods[one.namespace, one.service].update(
                    endpoint.pod for endpoint in one.endpoints if endpoint.pod is not None
                )
    found: dict[str, str] = {}
    for (_, service), names in pods.items():
        known = Counter(workloads[name] for name in names if name in workloads)
        whose = known.most_common(1)[0][0] if known else service
        found |= {name: whose for name in names if name not in workloads}
    return found
