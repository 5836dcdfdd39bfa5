"""How much of a pair's calls is lost, estimated from both ends.

A missing document leaves a mark only while its neighbour is there: a caller's call without a callee, or a
callee without a caller. Losses are correlated, since one batch of a collector holds callers and callees of
the same moment; where a whole trace is gone, only the load generator's own count tells.
"""


def lost_share(*, requests: int, whole: int, headless: int, known: int, lost: int) -> float:
    """Estimated share of the calls that is lost: marked ones, and those of requests that left no mark at all.

    *requests* by the generator's count (0: it keeps none), of which the source has *whole* ones and
    *headless* ones, whose own document is missing but whose callee's arrived; *known* and *lost* are the
    pair's calls with both documents and with one. A request that left nothing is taken to have made as many
    calls as the others did. 0 where nothing is missing, at most 1.
    """
    seen, found = whole + headless, known + lost
    gone = max(0, requests - seen)
    if gone and not (seen and found):
        return 1.0
    unmarked = gone * found / seen if gone else 0.0
    return (lost + unmarked) / (found + unmarked) if found else 0.0
