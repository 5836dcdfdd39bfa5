"""What the hints seen lead one to expect, beside what was observed.

The expectation knows the routing rules and where the calls came from, but not where they went; the measured
share knows where they went and no rules. They agree when the model of kube-proxy is right and nothing else
routes.
"""

import re
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from analysis.model import Expectation, GapShare, PairResult, Placed
from analysis.placement import Timeline
from analysis.source.calls import Calls
from analysis.statistics.interval import Interval
from k8s.predict import clients
from k8s.predict.expected import ExpectedShare, GapPart, expected_share
from k8s.routing.hints import NEWEST_MINOR
from k8s.topology import NodeName, Snapshot
from loadtest.record import RunRecord


def of_arm(
    record: RunRecord,
    topology: Sequence[Snapshot],
    calls: Calls,
    timeline: Timeline,
    pair: PairResult,
) -> Expectation | None:
    """The focus pair's expectation under the hints at the start of the run; None without calls or slices."""
    if not topology:
        return None
    first = topology[0]
    key = record.asked.service
    slices = [one for one in first.slices if (one.namespace, one.service) == (key.namespace, key.name)]
    opened = _opened(calls, timeline, first)  # of no node where the source names workloads
    if not slices or not opened:
        return None
    callers = clients.shared(opened, first.nodes, "the calls measured from each node")
    found = expected_share(
        record.seen.service_during, slices, callers, first.nodes, minor=_minor(record.place.version)
    )
    return Expectation(
        without_hints=pair.expected_even_share,
        share=None if found.share is None else float(found.share),
        gap=tuple(_gap(part) for part in found.gap),
        observed_minus_expected=_rest(pair.share, found),
        unknown=None if pair.coverage is None else 1 - pair.coverage,
    )


def _opened(calls: Calls, timeline: Timeline, first: Snapshot) -> dict[NodeName, Fraction]:
    """Calls by the node of their client pod; only calls with both zones known take part."""
    nodes = {str(pod.name): pod.node for pod in first.pods}
    is_placed = np.array([isinstance(timeline.place(name), Placed) for name in calls.names], np.bool_)
    known = calls.take(is_placed[calls.client] & is_placed[calls.server])
    opened: Counter[NodeName] = Counter()
    for name, count in known.by_client().items():
        if (node := nodes.get(name)) is not None:
            opened[node] += count
    return {node: Fraction(count) for node, count in opened.items() if count}


def _minor(version: str) -> int:
    found = re.match(r"v?1\.(\d+)", version)
    return int(found[1]) if found else NEWEST_MINOR


def _gap(part: GapPart) -> GapShare:
    return GapShare(
        cause=part.cause.value,
        share=float(part.share),
        detail=part.reason.value if part.reason is not None else "",
        zones=tuple(str(zone) if zone is not None else "unknown" for zone in part.zones),
    )


def _rest(observed: Interval | None, found: ExpectedShare) -> Interval | None:
    """Observed minus expected: chance, or connections that are older than the hints."""
    if observed is None or found.share is None:
        return None
    expected = float(found.share)
    return Interval(
        estimate=observed.estimate - expected,
        low=observed.low - expected,
        high=observed.high - expected,
        level=observed.level,
        n=observed.n,
        method=f"{observed.method}, minus the expected share",
    )
