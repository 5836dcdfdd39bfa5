"""Workloads told apart: two namespaces may each have an ``api``, and theirs are not each other's calls."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from analysis.model import Workload
from analysis.placement import Timeline
from k8s.predict.clients import NAME_LABELS
from k8s.topology import Pod, Snapshot

_SEPARATOR: Final = "/"
"""Between namespace and name; no label's value may hold it."""


def told_apart(snapshots: Sequence[Snapshot]) -> tuple[Snapshot, ...]:
    """The same snapshots, where a workload's name that several namespaces use is ``namespace/name``."""
    spaces: dict[str, set[str]] = defaultdict(set)
    for snapshot in snapshots:
        for pod in snapshot.pods:
            if (name := _named(pod)) is not None:
                spaces[name].add(pod.namespace)
    shared = {name for name, found in spaces.items() if len(found) > 1}
    if not shared:
        return tuple(snapshots)
    return tuple(
        replace(one, pods=tuple(_qualified(pod) if _named(pod) in shared else pod for pod in one.pods))
        for one in snapshots
    )


def plain(workload: str) -> str:
    """Its name without the namespace."""
    return workload.rpartition(_SEPARATOR)[2]


def namespaces(snapshots: Sequence[Snapshot], timeline: Timeline) -> Mapping[Workload, tuple[str, ...]]:
    """Of each workload the namespaces of its pods, sorted."""
    found: dict[Workload, set[str]] = defaultdict(set)
    for snapshot in snapshots:
        for pod in snapshot.pods:
            found[timeline.workload(pod.name)].add(pod.namespace)
    return {workload: tuple(sorted(spaces)) for workload, spaces in found.items()}


def _named(pod: Pod) -> str | None:
    labels = dict(pod.labels)
    return next((labels[key] for key in NAME_LABELS if key in labels), None)


def _qualified(pod: Pod) -> Pod:
    labels = dict(pod.labels) | {NAME_LABELS[0]: f"{pod.namespace}{_SEPARATOR}{_named(pod)}"}
    return replace(pod, labels=tuple(sorted(labels.items())))
