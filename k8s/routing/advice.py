"""What to do when the controller refused hints: the replica counts nearby that it would accept (pure)."""

from collections.abc import Sequence

from k8s.routing.allocation import cpu_ratios, feasible_counts
from k8s.topology import Node

SPAN = 6


def nearest_counts(nodes: Sequence[Node], ready: int) -> str:
    """One sentence with the nearest numbers of ready endpoints that get hints on these nodes."""
    counts = feasible_counts(cpu_ratios(nodes), ready, SPAN)
    near = [count for count in (counts.nearest_below, counts.nearest_above) if count is not None]
    if not near:
        return f"no number of ready endpoints within {SPAN} of {ready} would get hints; look at the nodes"
    return f"with {ready} ready endpoints there are no hints; nearest counts that work: " + " and ".join(
        str(count) for count in near
    )
