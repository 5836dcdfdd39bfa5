"""Pods of namespaces that nobody named: a chain of calls may lead there, and their zones are wanted, too."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from k8s.predict.clients import NAME_LABELS
from k8s.topology import Pod, Snapshot

MOST_PODS: Final = 5000
"""In other namespaces; a place with more of them makes a long file of every run, so they are left out."""


def with_elsewhere(found: Snapshot, namespaces: Sequence[str]) -> Snapshot:
    """The named *namespaces* of a snapshot of all of them, and the pods of the others.

    A pod elsewhere that has the name of a named namespace's pod, or of its workload, is left out: calls are
    counted by these names, and those of the pods under study are meant.
    """
    named = frozenset(namespaces)
    inside = [pod for pod in found.pods if pod.namespace in named]
    taken = {name for pod in inside for name in _names(pod)}
    outside = [pod for pod in found.pods if pod.namespace not in named and taken.isdisjoint(_names(pod))]
    return replace(
        found,
        pods=(*inside, *(outside if len(outside) <= MOST_PODS else ())),
        services=tuple(one for one in found.services if one.namespace in named),
        slices=tuple(one for one in found.slices if one.namespace in named),
    )


def _names(pod: Pod) -> tuple[str, ...]:
    labels = dict(pod.labels)
    return (str(pod.name), *(labels[key] for key in NAME_LABELS if key in labels))
