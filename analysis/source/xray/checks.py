"""Whether the pages of a graph hold together: all of them there, every edge's end, counts that add up.

X-Ray says each number twice or more: a service's requests are what its callers' edges count, an edge's calls
are those of its histogram, and the good, the erring and the failing ones are all of them. So what was lost,
cut off or changed on the way from X-Ray into the analysis contradicts itself.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from analysis.source.interface import Flaw, FlawKind
from analysis.source.xray.service_graph import (
    CLIENT,
    Bucket,
    GraphEdge,
    Page,
    Query,
    Service,
    Statistics,
    seconds_of,
)
from loadtest.record import Window

SUM_TOLERANCE: Final = 0.001
"""Of all calls, what sums may miss before a figure is wrong by more than a margin leaves room for."""
HISTOGRAM_TOLERANCE: Final = 0.01
"""Of histograms: AWS does not say whether they are exact where response times are many."""
ECHO_TOLERANCE_S: Final = 60.0
"""X-Ray may keep whole minutes of what it was asked for."""
AGAIN: Final = "collect again: samezone collect RUN"


def flaws(queries: Sequence[Query], window: Window | None) -> tuple[Flaw, ...]:
    """What contradicts itself in the pages of each query, and the *window* they were asked for, if known."""
    found = [one for query in queries for one in (*_pages(query), *_counts(query))]
    return (*found, *_window(queries, window))


def _services(query: Query) -> list[Service]:
    return [one for page in query for one in page.services or ()]


def _pages(query: Query) -> Iterator[Flaw]:
    if query and query[-1].next_token:
        text = f"the last of {len(query)} pages names a next one that was not read; {AGAIN}"
        yield Flaw(kind=FlawKind.PAGES, text=text)
    services = _services(query)
    numbers = Counter(one.reference_id for one in services)
    if twice := [number for number, times in numbers.items() if times > 1]:
        names = [one.name for one in services if one.reference_id == twice[0]]
        text = f"{len(twice)} services are there more than once, e.g. {names[0]} and {names[1]}; {AGAIN}"
        yield Flaw(kind=FlawKind.PAGES, text=text)
    lost = [
        (one, edge)
        for one in services
        for edge in one.edges or ()
        if not edge.is_link and edge.reference_id not in numbers
    ]
    if lost:
        calls = sum(edge.count for _, edge in lost)
        text = (
            f"{len(lost)} edges with {calls} calls lead to services that are on no page, e.g. one of "
            f"{lost[0][0].name}; {AGAIN}"
        )
        yield Flaw(kind=FlawKind.PAGES, text=text)


def _counts(query: Query) -> Iterator[Flaw]:
    services = _services(query)
    edges = [(one, edge) for one in services for edge in one.edges or () if not edge.is_link]
    calls = sum(edge.count for _, edge in edges)
    parts = [(one.name, gap) for one, edge in edges if (gap := _parts_gap(edge.summary_statistics))]
    parts += [(one.name, gap) for one in services if (gap := _parts_gap(one.summary_statistics))]
    yield from _flaw(parts, calls, SUM_TOLERANCE, "good, erring and failing calls are not all calls")
    spread = [(one.name, gap) for one, edge in edges if (gap := _gap(edge, edge.response_time_histogram))]
    spread += [(one.name, gap) for one in services if (gap := _gap(one, one.response_time_histogram))]
    yield from _flaw(spread, calls, HISTOGRAM_TOLERANCE, "response times are not of as many calls")
    into = Counter[int]()
    for _, edge in edges:
        if edge.reference_id is not None:
            into[edge.reference_id] += edge.count
    ends = [
        (one.name, abs(one.summary_statistics.total_count - into[one.reference_id]))
        for one in services
        if one.summary_statistics is not None and one.kind != CLIENT
    ]
    differing = [one for one in ends if one[1]]
    yield from _flaw(differing, calls, SUM_TOLERANCE, "requests of a service are not those of its callers")


def _flaw(gaps: Sequence[tuple[str, int]], calls: int, tolerance: float, what: str) -> Iterator[Flaw]:
    """One for all of a kind, with the sum of what is missing or too many."""
    if gaps:
        off, worst = sum(gap for _, gap in gaps), max(gaps, key=lambda one: one[1])
        yield Flaw(
            kind=FlawKind.COUNTS,
            text=f"{what}: {off} of {calls} off, most at {worst[0]} ({worst[1]}); {AGAIN}",
            is_slight=off <= tolerance * calls,
        )


def _parts_gap(seen: Statistics | None) -> int:
    """By how much the parts differ from the whole; none where X-Ray gives no parts."""
    if seen is None or seen.ok_count is None:
        return 0
    return abs(seen.total_count - seen.ok_count - seen.errors - seen.faults)


def _gap(one: GraphEdge | Service, histogram: tuple[Bucket, ...] | None) -> int:
    """By how much the histogram's calls differ; none where there is no histogram."""
    if histogram is None or one.summary_statistics is None:
        return 0
    return abs(one.summary_statistics.total_count - sum(bucket.count for bucket in histogram))


def _window(queries: Iterable[Query], window: Window | None) -> Iterator[Flaw]:
    """What X-Ray says it was asked for is the window."""
    pages: list[Page] = [page for query in queries for page in query]
    starts = [at for page in pages if (at := seconds_of(page.start_time)) is not None]
    ends = [at for page in pages if (at := seconds_of(page.end_time)) is not None]
    if window is None or not starts or not ends:
        return
    off_s = max(abs(min(starts) - window.start_s), abs(max(ends) - window.end_s))
    if off_s > ECHO_TOLERANCE_S:
        text = f"the pages are of another time than the window, {off_s:.0f} s off; {AGAIN}"
        yield Flaw(kind=FlawKind.WINDOW, text=text)
