"""How many single traces a run needs: a sample to check zones and connections, or every one of them."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from analysis.placement import Timeline
from analysis.source.calls import NONE, Calls
from analysis.source.facts import Facts
from analysis.source.interface import Counts

TO_SET: Final = (
    "set OTEL_RESOURCE_ATTRIBUTES=k8s.pod.name=$(POD_NAME) in the pod, or add the k8sattributes processor to "
    "the collector"
)
"""What makes a pod known whose service alone is named."""
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Which traces to read."""

    every: bool
    """All of the run: only they say which pods called, or which calls are the run's."""
    others: bool
    """A sample of traces that are not the run's."""
    why: str
    """A clause; empty where a sample is enough."""


def needs(counts: Counts, timeline: Timeline, facts: Facts) -> Needs:
    """What the counts alone do not say."""
    names = unplaced_names(counts, timeline)
    # Live traffic enters anywhere, and all of it is measured: nothing of it is anybody else's.
    entries = () if facts.goes_on else counts.entries
    elsewhere = sum(one.count for one in entries if one.name not in facts.generators)
    why = []
    if names:
        why.append(f"{shown(names)}: no pod has that name")
    if elsewhere:
        why.append(f"{elsewhere} requests entered elsewhere than at the load generator")
    return Needs(every=bool(why), others=elsewhere > 0, why="; ".join(why))


def unplaced_names(counts: Counts, timeline: Timeline) -> tuple[str, ...]:
    """Names between which calls were counted and which are no pods, nor stated to be in a zone; sorted."""
    calls, found = Calls.of(counts.calls), set[str]()
    for names, zones in ((calls.client, calls.client_zone), (calls.server, calls.server_zone)):
        unstated = names if zones is None else names[zones == NONE]
        found |= {calls.names[code] for code in np.unique(unstated).tolist()}
    return tuple(sorted(name for name in found if not timeline.has(name)))


def shown(names: tuple[str, ...]) -> str:
    """The first of them, and how many more there are."""
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if names[_SHOWN:] else "")
