"""Until which moment to ask: so late that everything that is scraped at all was scraped after the load."""

from collections.abc import Callable
from typing import Final

from analysis.source.interface import IncompleteError
from analysis.source.prometheus.promql import LOOK_BACK_S, Words

DELAYS_S: Final = (1, 2, 3, 5, 8, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256, LOOK_BACK_S)
"""Candidates; the smallest that is enough is taken, so that as little as may be is counted besides."""


def delay_s(count: Callable[[str, float], int], words: Words, since_s: float, now_s: float) -> float:
    """How long after *since_s* each counter had its next scrape; IncompleteError while one has not.

    *count* answers a query that counts series, at a moment. Who is not scraped again within Prometheus'
    look-back is gone.
    """
    passed_s = round(now_s - since_s, 3)
    if passed_s <= 0:
        raise IncompleteError("asking Prometheus: the load has not ended yet by its clock")
    passed = sorted({*(one for one in DELAYS_S if one <= passed_s), min(passed_s, LOOK_BACK_S)})
    most = passed[-1]
    is_over = most >= LOOK_BACK_S
    if not is_over:
        late = count(words.pending(since_s, most), since_s + most)
        if late:
            raise IncompleteError(
                f"asking Prometheus: {late} counters have not been scraped since the load ended {most:.0f} s "
                "ago"
            )

    of_all = False

    def seen(delay: float) -> int:
        return count(words.seen(since_s, delay, of_all=of_all), since_s + delay)

    wanted = seen(most)
    if not wanted and count(f"count({words.live(since_s)})", since_s) == 0:
        # Nothing was scraped before the load's end: what comes after it is all that there is.
        of_all = True
        wanted = seen(most)
    if of_all and not wanted and not is_over:
        raise IncompleteError(
            f"asking Prometheus: no counter of {words.selector} has been scraped in the {most:.0f} s since "
            "the load ended"
        )
    low, high = 0, len(passed) - 1
    while low < high:
        middle = (low + high) // 2
        if seen(passed[middle]) >= wanted:
            high = middle
        else:
            low = middle + 1
    return float(passed[low])
