"""Whether the pages of a graph hold together: all of them there, every edge's end, counts that add up.

X-Ray says each number twice or more: a service's requests are what its callers' edges count, an edge's calls
are those of its histogram, and the good, the erring and the failing ones are all of them. So what was lost,
cut off or changed on the way from X-Ray into the analysis contradicts itself.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from analysis.source.interface import Flaw, FlawKind
from analysis.source.xray.edges import NOWHERE, GraphNode, QueryTable
from analysis.source.xray.packed_edges import UNTOLD, Statistics
from analysis.source.xray.service_graph import CLIENT, seconds_of
from analysis.stages import AGAIN
from analysis.statistics import arrays
from analysis.statistics.arrays import Codes
from loadtest.record import Window

SUM_TOLERANCE: Final = 0.001
"""Of all calls, what sums may miss before a figure is wrong by more than a margin leaves room for."""
HISTOGRAM_TOLERANCE: Final = 0.01
"""Of histograms: AWS does not say whether they are exact where response times are many."""
ECHO_TOLERANCE_S: Final = 60.0
"""X-Ray may keep whole minutes of what it was asked for."""


def flaws(queries: Sequence[QueryTable], window: Window | None, *, goes_on: bool = False) -> tuple[Flaw, ...]:
    """What contradicts itself in the pages of each query, and the *window* they were asked for, if known.

    Where traffic *goes_on* at the window's ends, since it is live or enters elsewhere than at the load
    generator, calls that are under way there are counted at one end alone.
    """
    found = [
        one
        for query in queries
        for one in (*_pages(query), *_counts(query, _under_way(query, window) if goes_on else 0))
    ]
    return (*found, *_window(queries, window))


def _pages(query: QueryTable) -> Iterator[Flaw]:
    if query.heads and query.heads[-1].next_token:
        text = f"the last of {len(query.heads)} pages names a next one that was not read; {AGAIN}"
        yield Flaw(kind=FlawKind.PAGES, text=text)
    numbers = Counter(one.number for one in query.nodes)
    if twice := [number for number, times in numbers.items() if times > 1]:
        names = [one.name for one in query.nodes if one.number == twice[0]]
        text = f"{len(twice)} services are there more than once, e.g. {names[0]} and {names[1]}; {AGAIN}"
        yield Flaw(kind=FlawKind.PAGES, text=text)
    lost = np.flatnonzero(~query.is_link & (query.target == NOWHERE))
    if len(lost):
        text = (
            f"{len(lost)} edges with {int(query.count[lost].sum())} calls lead to services that are on no "
            f"page, e.g. one of {query.nodes[query.source[lost[0]]].name}; {AGAIN}"
        )
        yield Flaw(kind=FlawKind.PAGES, text=text)


def _under_way(query: QueryTable, window: Window | None) -> int:
    """The most calls that are under way at the two ends of a window, but for one window in a thousand.

    On average as many as the calls' times are windows long, at each end (J. D. C. Little, Operations Research
    9 (1961) 383); their number varies as a Poisson one does.
    """
    if window is None or window.length_s <= 0:
        return 0
    times_s: list[float] = query.total_s.tolist()
    mean = 2 * sum(times_s) / window.length_s
    return math.ceil(mean + 3 * math.sqrt(mean)) + 1


def _counts(query: QueryTable, under_way: int) -> Iterator[Flaw]:
    nodes, counted = query.nodes, ~query.is_link
    calls = int(query.count[counted].sum())
    off = np.abs(query.count - query.good - query.errors - query.faults)
    parts = _gaps(query, np.where(query.good == UNTOLD, 0, off))
    parts += [(one.name, gap) for one in nodes if (gap := _parts_gap(one.figures))]
    yield from _flaw(parts, calls, SUM_TOLERANCE, "good, erring and failing calls are not all calls")
    timed = np.concatenate(([0], np.cumsum(query.bucket_count)))[np.append(0, query.bucket_ends)]
    spread = _gaps(query, np.abs(query.count - np.diff(timed)) * (query.has_figures & query.has_histogram))
    spread += [(one.name, gap) for one in nodes if (gap := _timed_gap(one))]
    yield from _flaw(spread, calls, HISTOGRAM_TOLERANCE, "response times are not of as many calls")
    arriving = counted & (query.target != NOWHERE)
    into = arrays.sums(query.target[arriving], query.count[arriving], len(nodes))
    place = {one.number: at for at, one in enumerate(nodes)}
    ends = [
        (one.name, abs(one.figures.total_count - int(into[place[one.number]])))
        for one in nodes
        if one.figures is not None and one.kind != CLIENT
    ]
    differing = [one for one in ends if one[1]]
    what = "requests of a service are not those of its callers"
    yield from _flaw(differing, calls, SUM_TOLERANCE, what, allowed=under_way)


def _gaps(query: QueryTable, gap: Codes) -> list[tuple[str, int]]:
    """Of the edges that are off, who called, and by how much."""
    rows = np.flatnonzero((gap != 0) & ~query.is_link)
    return [(query.nodes[query.source[row]].name, int(gap[row])) for row in rows]


def _flaw(
    gaps: Sequence[tuple[str, int]], calls: int, tolerance: float, what: str, *, allowed: int = 0
) -> Iterator[Flaw]:
    """One for all of a kind, with the sum of what is missing or too many."""
    if gaps:
        off, worst = sum(gap for _, gap in gaps), max(gaps, key=lambda one: one[1])
        yield Flaw(
            kind=FlawKind.COUNTS,
            text=f"{what}: {off} of {calls} off, most at {worst[0]} ({worst[1]}); {AGAIN}",
            is_slight=off <= max(tolerance * calls, allowed),
        )


def _parts_gap(seen: Statistics | None) -> int:
    """By how much the parts differ from the whole; none where X-Ray gives no parts."""
    if seen is None or seen.ok_count is None:
        return 0
    return abs(seen.total_count - seen.ok_count - seen.errors - seen.faults)


def _timed_gap(one: GraphNode) -> int:
    """By how much the histogram's calls differ; none where there is no histogram."""
    return 0 if one.timed == UNTOLD or one.figures is None else abs(one.figures.total_count - one.timed)


def _window(queries: Iterable[QueryTable], window: Window | None) -> Iterator[Flaw]:
    """What X-Ray says it was asked for is the window."""
    pages = [page for query in queries for page in query.heads]
    starts = [at for page in pages if (at := seconds_of(page.start_time)) is not None]
    ends = [at for page in pages if (at := seconds_of(page.end_time)) is not None]
    if window is None or not starts or not ends:
        return
    off_s = max(abs(min(starts) - window.start_s), abs(max(ends) - window.end_s))
    if off_s > ECHO_TOLERANCE_S:
        text = f"the pages are of another time than the window, {off_s:.0f} s off; {AGAIN}"
        yield Flaw(kind=FlawKind.WINDOW, text=text)
