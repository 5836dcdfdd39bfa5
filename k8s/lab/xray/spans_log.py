"""The log group ``aws/spans``: what the trace store holds, as records in a table that SQL can ask.

Nothing is kept twice before the first query comes; from then on only what arrived since is added. So a
record is there when the X-Ray queries see it: late, lost or twice, as the settings have it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from k8s.lab.logs.logs_api import SPANS
from k8s.lab.logs.logs_errors import no_such_group
from k8s.lab.logs.running_queries import Work
from k8s.lab.xray.archive import Archive
from k8s.lab.xray.elements import Element
from k8s.lab.xray.span_records import SpanRecord, of_document, of_span
from k8s.lab.xray.trace_store import TraceStore

if TYPE_CHECKING:
    from k8s.lab.logs.span_table import SpanTable

SLICE: Final = 2_000
"""Records that are added without a pause: about 50 ms of work."""


class SpansLog:
    """Implements Log over the traces."""

    def __init__(
        self, store: TraceStore, archive: Archive, *, exists: Callable[[], bool], account: str
    ) -> None:
        """*exists* tells whether the account has the log group."""
        self._store = store
        self._archive = archive
        self._exists = exists
        self._account = account
        self._table: SpanTable | None = None
        self._known: dict[bytes, int] = {}

    def prepared(self, text: str) -> Work:
        """The query over all that arrived by now; ResourceNotFoundException for another log group."""
        # Not at the top: DuckDB and sqlglot take most of a second, and few who use the stand-in ask.
        from k8s.lab.logs.sql_subset import translate  # noqa: PLC0415

        query = translate(text)
        for group in query.groups:
            if group != SPANS or not self._exists():
                raise no_such_group(group, self._account)
        for _ in self.catching_up():
            pass
        return self._opened().prepared(query)

    def catching_up(self) -> Iterator[None]:
        """Add what arrived, a little at a time."""
        gone = [key for key in self._known if key not in self._store]
        if gone:
            self._opened().forget([key.hex() for key in gone])
            for key in gone:
                del self._known[key]
        records = self._arrived()
        while part := list(islice(records, SLICE)):
            self._opened().add(part)
            yield

    def close(self) -> None:
        """Forget the records."""
        if self._table is not None:
            self._table.close()
        self._table = None
        self._known.clear()

    def _opened(self) -> "SpanTable":
        from k8s.lab.logs.span_table import SpanTable  # noqa: PLC0415 - see prepared

        if self._table is None:
            self._table = SpanTable()
        return self._table

    def _arrived(self) -> Iterator[SpanRecord]:
        for key in self._store.changed_since(self._known):
            elements = self._store.elements(key)[self._known.get(key, 0) :]
            self._known[key] = self._known.get(key, 0) + len(elements)
            for place, copies in _copies(elements).items():
                records = self._records(*place)
                for _ in range(copies):
                    yield from records

    def _records(self, source: int, position: int) -> Sequence[SpanRecord]:
        sent = self._archive.sent(source, position)
        return list(of_document(sent)) if isinstance(sent, dict) else [of_span(*sent)]


def _copies(elements: Sequence[Element]) -> dict[tuple[int, int], int]:
    """How often each span or document arrived: as often as the part of it that arrived most often."""
    seen: dict[tuple[int, int], Counter[int]] = defaultdict(Counter)
    for element in elements:
        seen[element.source, element.position][element.id] += 1
    return {place: max(times.values()) for place, times in seen.items()}
