"""How much of a pair's calls is lost, estimated from both ends.

A missing document leaves a mark only while its neighbour is there: a caller's call without a callee, or a
callee without a caller. Losses are correlated, since one batch of a collector holds callers and callees of
the same moment; where both are gone, only the load generator's own count tells.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What a source shows of the requests of a load generator, and of the calls that their client made."""

    requests: int
    """By the generator's own count; 0 where it keeps none."""
    whole: int
    """Of these, the source has so many."""
    headless: int
    """Requests at the client whose own document is missing while the client's arrived."""
    served: int | None
    """Requests of which the client's own documents arrived; None where not every request goes there."""
    known: int
    """Calls of the client to the server with both documents."""
    callees: int
    """Calls whose callee's document is missing."""
    callers: int
    """Calls whose caller's document is missing."""


def lost_share(seen: Marks) -> float:
    """Estimated share of the calls that is lost, from 0 to 1: the larger one of two estimates.

    Right where documents are lost one by one: the marked ones, and those of requests that left nothing at
    all, taken to have made as many calls as the others. Right where batches are lost: a call is known if its
    client's documents arrived, and then its callee's; for the first, the generator knows of how many.
    """
    return max(_by_marks(seen), _by_callers(seen))


def _by_marks(seen: Marks) -> float:
    lost = seen.callees + seen.callers
    shown, found = seen.whole + seen.headless, seen.known + lost
    gone = max(0, seen.requests - shown)
    if gone and not (shown and found):
        return 1.0
    unmarked = gone * found / shown if gone else 0.0
    return (lost + unmarked) / (found + unmarked) if found else 0.0


def _by_callers(seen: Marks) -> float:
    made = seen.known + seen.callees
    if seen.served is None or not seen.requests or not made:
        return 0.0
    return 1 - min(1.0, seen.served / seen.requests) * seen.known / made
