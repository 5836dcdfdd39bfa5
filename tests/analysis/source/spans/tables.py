"""What the real queries find in records, without a process: the engine, the reader, nothing between them."""

from typing import Any

from analysis.source.facts import Facts
from analysis.source.interface import Counts, Received
from analysis.source.spans import span_queries
from analysis.source.spans.span_queries import Wanted
from analysis.source.spans.spans_reader import ENDS, PAIRS, QUERY, WHOSE, SpansReader
from k8s.lab.logs.logs_api import MOST_ROWS
from loadtest.record import Window
from tests.k8s.lab.logs.builders import T0, World

WINDOW = Window(start_s=T0 - 10.0, end_s=T0 + 60.0)
NOBODY = Facts()


def answer(world: World, text: str) -> dict[str, Any]:
    """The one page of a query."""
    assert len(text) <= span_queries.LONGEST
    start_s, end_s = span_queries.looked_through(WINDOW)
    page = world.results(world.start(text, startTime=start_s, endTime=end_s))
    assert page["status"] == "Complete"
    assert len(page["results"]) <= MOST_ROWS
    return page | {"queryString": text}


def answers(world: World, wanted: Wanted, *, once: bool = False) -> tuple[tuple[dict[str, Any], ...], ...]:
    """Both tables, as the source stores them."""
    texts = {ENDS: span_queries.ends(wanted), PAIRS: span_queries.pairs(wanted, once=once)}
    return tuple(({QUERY: name, WHOSE: wanted.whose, **answer(world, text)},) for name, text in texts.items())


def counted(world: World, facts: Facts = NOBODY, *, once: bool = False, **whose: Any) -> Counts:
    """What the spans of the window count."""
    wanted = Wanted(window=WINDOW, **whose)
    return SpansReader().read(Received(answers=answers(world, wanted, once=once)), facts)
