"""``aws/spans`` as a source: which queries answer which question, and what they cost.

A look is two queries, a table of ends and one of pairs, whatever the traffic was. The price is told before
the first look, by what a slice of the window scans, and after the last by what all queries scanned.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Final

from analysis.source.interface import Answers, Drawn, Patience, Question, Raw, Reader, Source
from analysis.source.spans import scan_price, span_queries, spans_reader
from analysis.source.spans.logs_insights import LogsInsights
from analysis.source.spans.scan_price import Scanned
from analysis.source.spans.span_counts import row_of, rows_of
from analysis.source.spans.span_queries import MOST_ROWS, Wanted
from k8s.errors import InvalidRunError
from loadtest.record import Window

SLICE: Final = 0.05
"""Of the window, the part that is scanned for the estimate."""
LEAST_SLICE_S: Final = 1.0
LONGER: Final = 4
"""How many times as long the next slice is."""
LOOKS_OF_A_QUERY: Final = {"everybody": 3, "run": 5, "others": 5}
"""How often the two queries of a look name the log group: each time it is scanned, or so we reckon; AWS does
not say, and the statistics afterwards tell what it was."""
MOST_TABLES: Final = 100
"""Answers of 10,000 rows that one table is put together of."""
LAB_PATIENCE: Final = Patience(poll_s=0.5, least_s=0.0, most_s=60.0, traces=1_000, still_s=10.0)
CLOUD_PATIENCE: Final = Patience(poll_s=30.0, least_s=60.0, most_s=900.0, traces=1_000, still_s=180.0)
"""Spans reach the log group within tens of seconds, and AWS promises nothing; each look has its price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanEstimate:
    """What a look will scan, by a slice of its window."""

    bytes: int
    """Of the window's records, once."""
    slice_s: float
    a_look: Scanned

    def __str__(self) -> str:
        return (
            f"{span_queries.GROUP} holds about {scan_price.size_text(self.bytes)} around the window (by "
            f"{self.slice_s:.0f} s of it); each look scans about {self.a_look}"
        )


class SpansSource(Source):
    """Counts and pairs in CloudWatch Logs; of single calls a bounded sample."""

    name = spans_reader.NAME
    title = spans_reader.TITLE

    def __init__(self, logs: LogsInsights, *, say: Callable[[str], None] = lambda _: None) -> None:
        """*logs* reads AWS or the lab's stand-in; *say* is told what it will cost, and what it did."""
        self._logs = logs
        self._say = say
        self._estimated: ScanEstimate | None = None
        self.scanned = Scanned()
        """By all queries so far."""

    @property
    def patience(self) -> Patience:
        """A stand-in shows what it was told at once."""
        return LAB_PATIENCE if self._logs.is_stand_in else CLOUD_PATIENCE

    @property
    def reader(self) -> Reader:
        """Reads the tables."""
        return spans_reader.SpansReader()

    def preflight(self) -> None:
        """Refuse where there are no spans, or they may not be read."""
        self._logs.check()

    def ask(self, question: Question) -> Answers:
        """The tables of ends and of pairs, one tuple of pages each."""
        wanted = _wanted(question)
        if self._estimated is None:
            self._estimated = self.estimate(wanted)
            self._say(str(self._estimated))
        ends = self._table(spans_reader.ENDS, lambda after: span_queries.ends(wanted, after), wanted)
        once = any(row.get("records") != row.get("spans") for row in rows_of(ends))
        pairs = self._table(
            spans_reader.PAIRS, lambda after: span_queries.pairs(wanted, after, once=once), wanted
        )
        return ends, pairs

    def sample(self, question: Question, most: int) -> Drawn:
        """Up to *most* calls, drawn in the engine from all of the window; then the bill."""
        wanted = _wanted(question)
        pages = self._run(span_queries.single_calls(wanted, most), wanted.window)
        rows = tuple(chain.from_iterable(page.get("results") or () for page in pages))
        self._say(f"CloudWatch Logs scanned {self.scanned}, in {self.scanned.queries} queries")
        return Drawn(rows=tuple(dict(row_of(row)) for row in rows[:most]))

    def estimate(self, wanted: Wanted) -> ScanEstimate:
        """What a look will scan: a slice in the middle of the window is scanned for it, and counts itself.

        A slice that holds nothing tells nothing: then a longer one is taken, up to the whole window.
        """
        window = wanted.window
        slice_s = min(window.length_s, max(LEAST_SLICE_S, SLICE * window.length_s))
        while True:
            start_s = int(window.start_s + (window.length_s - slice_s) / 2)
            end_s = start_s + max(0, round(slice_s) - 1)
            found = scan_price.of_pages(self._logs.query(span_queries.records(), start_s, end_s))
            self.scanned = self.scanned.plus(found)
            if found.bytes or slice_s >= window.length_s:
                break
            slice_s = min(window.length_s, slice_s * LONGER)
        length_s = end_s - start_s + 1
        whole = round(found.bytes / length_s * window.length_s)
        looks = LOOKS_OF_A_QUERY[wanted.whose]
        return ScanEstimate(bytes=whole, slice_s=length_s, a_look=Scanned(queries=2, bytes=whole * looks))

    def _table(self, name: str, text_of: Callable[[str], str], wanted: Wanted) -> tuple[Raw, ...]:
        """A whole table: what is beyond the most rows of an answer is asked for by the last row's key."""
        found: list[Raw] = []
        after = ""
        for _ in range(MOST_TABLES):
            pages = self._run(text_of(after), wanted.window)
            found += ({spans_reader.QUERY: name, spans_reader.WHOSE: wanted.whose, **page} for page in pages)
            rows = list(rows_of(pages))
            if len(rows) < MOST_ROWS:
                return tuple(found)
            after = rows[-1].get("row_key", "")
        raise InvalidRunError(
            f"reading the table of {name} from {span_queries.GROUP}: it has more than "
            f"{MOST_TABLES * MOST_ROWS} rows; measure fewer pods, or count by workload"
        )

    def _run(self, text: str, window: Window) -> tuple[Raw, ...]:
        pages = self._logs.query(text, *span_queries.looked_through(window))
        self.scanned = self.scanned.plus(scan_price.of_pages(pages))
        return pages


def _wanted(question: Question) -> Wanted:
    return Wanted(
        window=question.window,
        run_id=question.run_id,
        phase=question.phase,
        others=question.others and question.run_id is not None,
    )
