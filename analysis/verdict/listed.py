"""Which flows a comparison lists pod by pod: all of them, unless they are so many that nobody reads them.

In a mesh of ten thousand pods a million pairs of pods call each other, and its comparison would be half a
gigabyte. What does not fit is listed by zone: every sum is the same, and every figure was made before.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from analysis.arm.pod_flows import PodFlows
from analysis.model import ArmResult, PairResult, PodFlow
from analysis.source.interface import Grain
from analysis.statistics import arrays
from loadtest.record import Caveat

MOST_FLOWS: Final = 20_000
"""Of an arm, pod by pod: those of a hundred and forty clients that all call a hundred and forty servers."""


def listed(arm: ArmResult, most: int = MOST_FLOWS) -> ArmResult:
    """The arm with *most* flows between pods, the pair under study first, and the others between zones.

    A pair is listed in one way or the other, as a whole.
    """
    left, pairs, summed = most, [], 0
    for pair in arm.pairs:
        if pair.grain != Grain.POD.value:
            pairs.append(replace(pair, flows=tuple(pair.flows)))
        elif len(pair.flows) <= left:
            left -= len(pair.flows)
            pairs.append(replace(pair, flows=tuple(pair.flows)))
        else:
            summed += 1
            pairs.append(_by_zone(pair))
    if not summed:
        return replace(arm, pairs=tuple(pairs))
    flows = sum(len(one.flows) for one in arm.pairs)
    text = (
        f"{flows} pairs of pods called each other: those of {summed} of {len(pairs)} pairs of workloads are "
        "listed by zone, not by pod. Every figure was made of all of them."
    )
    caveat = Caveat(code="flows-by-zone", text=text)
    return replace(arm, pairs=tuple(pairs), caveats=(*arm.caveats, caveat))


def _by_zone(pair: PairResult) -> PairResult:
    """The pair with a flow from each zone to each zone; their names are the workloads'."""
    flows = PodFlows.of(pair.flows)
    width = len(flows.zones)
    key = flows.client_zone.astype(np.int64) * width + flows.server_zone
    found = []
    found_there = arrays.occurring(key, width**2).tolist()
    for one in sorted(found_there, key=lambda one: _order(flows, one)):
        rows = np.flatnonzero(key == one)
        calls, timed = flows.calls[rows].astype(np.int64), ~np.isnan(flows.mean_s[rows])
        count = int(calls.sum())
        total_s = float((flows.mean_s[rows] * calls)[timed].sum())
        found.append(
            PodFlow(
                client=pair.client,
                client_zone=flows.zones[one // width],
                server=pair.server,
                server_zone=flows.zones[one % width],
                calls=count,
                faults=int(flows.faults[rows].sum()),
                mean_s=total_s / count if count else None,
            )
        )
    return replace(pair, flows=tuple(found), grain=Grain.WORKLOAD.value)


def _order(flows: PodFlows, key: int) -> tuple[str, str]:
    client, server = divmod(key, len(flows.zones))
    return flows.zones[client] or "", flows.zones[server] or ""
