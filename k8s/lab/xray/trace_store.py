"""All traces: their packed elements, their rows in the ledger, and what had to go.

No clock and no sockets: moments are arguments. A trace that changed is marked; its contribution to the
graph is worked out when it has been quiet for a while, or at the latest when somebody asks.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from k8s.lab.xray.archive import Archive
from k8s.lab.xray.behaviour import Settings
from k8s.lab.xray.elements import SIZE, Element, Nodes, nodes_in, unpack
from k8s.lab.xray.graph import contributions
from k8s.lab.xray.services import CLIENT_TYPE
from k8s.lab.xray.tally import EVERYTHING, NOTHING, Ledger, Rows, Selection, Total
from k8s.lab.xray.traces import Trace, assemble
from k8s.lab.xray.translate import Document, trace_id_of

RouteOf = Callable[[bytes], int]
"""Gives who may find the trace with this key, as bits, when it begins to arrive."""
BY_ID: Final = 1
"""Bit of a route: BatchGetTraces and GetTraceGraph find the trace."""
INDEXED: Final = 2
"""Bit of a route: the trace counts in the service graph and in searches."""

GroupsOf = Callable[[bytes, float], int]
"""Gives the set of groups, as bits, of the trace with this key that began to arrive at this moment."""


@dataclass(slots=True)
class _Kept:
    elements: bytearray
    first_seen_s: float
    updated_s: float
    route: int
    revision: int = 0
    rows: Rows = NOTHING
    groups: int = 0
    start_s: float = 0.0
    end_s: float = 0.0


class TraceStore:
    """Traces by their 16-byte key, in the order in which they began to arrive."""

    def __init__(self, archive: Archive, nodes: Nodes, settings: Settings, route_of: RouteOf) -> None:
        """*settings* bound what is kept: older traces make room."""
        self._archive = archive
        self._nodes = nodes
        self._settings = settings
        self._route_of = route_of
        self._many_nodes = settings.max_unused_names
        self._traces: OrderedDict[bytes, _Kept] = OrderedDict()
        self._changed: OrderedDict[bytes, None] = OrderedDict()
        self._ledger = Ledger()
        self._clients: dict[int, int] = {}
        self.documents = 0
        """How many elements are kept, replaced ones included."""
        self.dropped: Counter[str] = Counter()
        """Documents that are gone, by reason: ``capacity`` or ``expired``."""
        self.whole_since_s = 0.0
        """Traces that ended until then had to make room: a window that begins earlier is not whole."""

    def __len__(self) -> int:
        return len(self._traces)

    def add(self, key: bytes, elements: Iterable[bytes], now_s: float) -> None:
        """Add elements to a trace, in order of arrival."""
        kept = self._traces.get(key)
        if kept is None:
            kept = self._traces[key] = _Kept(bytearray(), now_s, now_s, self._route_of(key))
        before = len(kept.elements)
        for element in elements:
            kept.elements += element
        kept.updated_s = now_s
        kept.revision += 1
        self.documents += (len(kept.elements) - before) // SIZE
        self._changed[key] = None
        self._changed.move_to_end(key)

    def make_room(self, now_s: float) -> None:
        """Let go of traces that are too old, and of the oldest while there is too much."""
        most, most_bytes = self._settings.max_documents, self._settings.max_bytes
        while self._traces:
            key, oldest = next(iter(self._traces.items()))
            if self.documents > most or self._archive.stored_bytes > most_bytes:
                ends_s = (element.end_s for element in unpack(oldest.elements))
                self.whole_since_s = max(self.whole_since_s, *ends_s)
                self._drop(key, "capacity")
            elif oldest.first_seen_s < now_s - self._settings.retention_s:
                self._drop(key, "expired")
            else:
                return

    def forget_names(self, elsewhere: Callable[[], bytes]) -> None:
        """Forget names that no trace has any more, nor packed elements *elsewhere*, if they are many."""
        if len(self._nodes) <= self._many_nodes:
            return
        used = nodes_in(b"".join([elsewhere(), *(kept.elements for kept in self._traces.values())]))
        self._clients = {node: client for node, client in self._clients.items() if node in used}
        used.update(self._clients.values())
        self._nodes.keep(used)
        self._many_nodes = max(self._settings.max_unused_names, 2 * len(self._nodes))

    @property
    def unsettled(self) -> int:
        """How many traces the ledger does not have as they are."""
        return len(self._changed)

    def settle(self, groups_of: GroupsOf | None, *, before_s: float | None = None, most: int = 0) -> int:
        """Bring the ledger up to date; returns how many traces were done.

        With *before_s*, only traces that have been quiet since then, and of these at most *most*.
        """
        done = 0
        while self._changed and not (most and done >= most):
            key = next(iter(self._changed))
            kept = self._traces[key]
            if before_s is not None and kept.updated_s > before_s:
                break
            del self._changed[key]
            self._ledger.drop(kept.rows)
            kept.rows = NOTHING
            kept.groups = groups_of(key, kept.first_seen_s) if groups_of else 0
            elements = list(unpack(kept.elements))
            kept.start_s = min(element.start_s for element in elements)
            kept.end_s = max(element.end_s for element in elements)
            if kept.route & INDEXED:
                kept.rows = self._ledger.add(contributions(elements, self._client_of), kept.groups)
            done += 1
        if self._ledger.wants_compaction():
            everybody = list(self._traces.values())
            places = self._ledger.compact([kept.rows for kept in everybody])
            for kept, rows in zip(everybody, places, strict=True):
                kept.rows = rows
        return done

    def totals(self, selection: Selection) -> list[Total]:
        """What the settled traces add up to."""
        return self._ledger.totals(selection)

    def series(
        self, selection: Selection, wanted: Callable[[int, int], bool], period_s: int
    ) -> list[tuple[int, Total]]:
        """What the settled traces add up to, over the wanted cells, by (the begin of) periods."""
        return self._ledger.series(selection, wanted, period_s)

    def totals_of(self, keys: Iterable[bytes]) -> list[Total]:
        """What some traces alone add up to; unknown keys count nothing."""
        ledger = Ledger()
        for key in keys:
            kept = self._traces.get(key)
            if kept is not None:
                ledger.add(contributions(unpack(kept.elements), self._client_of), 0)
        return ledger.totals(EVERYTHING)

    def leave_group(self, bit: int) -> None:
        """Forget who was in a group."""
        for kept in self._traces.values():
            kept.groups &= ~(1 << bit)
        self._ledger.leave_group(bit)

    def trace(self, key: bytes) -> Trace | None:
        """The trace, assembled from its documents."""
        kept = self._traces.get(key)
        return None if kept is None else assemble(trace_id_of(key), self._documents(kept))

    def route(self, key: bytes, *, default: int = 0) -> int:
        """Who may find the trace, as bits; *default* where it is not here."""
        kept = self._traces.get(key)
        return default if kept is None else kept.route

    def size(self, key: bytes) -> int:
        """How many documents the trace has, those replaced included; none where it is not here."""
        kept = self._traces.get(key)
        return 0 if kept is None else len(kept.elements) // SIZE

    def is_within(self, key: bytes, start_s: float, end_s: float) -> bool:
        """Whether the trace is here and was under way in [start, end)."""
        kept = self._traces.get(key)
        if kept is None:
            return False
        elements = list(unpack(kept.elements))
        began_s = min(element.start_s for element in elements)
        return began_s < end_s and max(element.end_s for element in elements) >= start_s

    def revision(self, key: bytes) -> int:
        """How often the trace was added to."""
        return self._traces[key].revision

    def groups(self, key: bytes) -> int:
        """The groups of a trace as bits."""
        return self._traces[key].groups

    def extents(self) -> Iterator[tuple[bytes, float, float]]:
        """All settled traces that searches find, with their first start and last end."""
        return ((key, kept.start_s, kept.end_s) for key, kept in self._traces.items() if kept.route & INDEXED)

    def __contains__(self, key: object) -> bool:
        return key in self._traces

    def changed_since(self, known: Mapping[bytes, int]) -> list[bytes]:
        """The traces that have more elements than are *known* of them."""
        return [key for key, kept in self._traces.items() if len(kept.elements) > SIZE * known.get(key, 0)]

    def elements(self, key: bytes) -> list[Element]:
        """All elements of a trace, in order of arrival; none where it is not here."""
        kept = self._traces.get(key)
        return [] if kept is None else list(unpack(kept.elements))

    def newest(self, most: int) -> list[bytes]:
        """The traces that began to arrive last, oldest of them first."""
        return list(islice(reversed(self._traces), most))[::-1]

    def _client_of(self, node: int) -> int:
        client = self._clients.get(node)
        if client is None:
            name, _, account = self._nodes.identity(node)
            client = self._clients[node] = self._nodes.number(name, CLIENT_TYPE, account)
        return client

    def _documents(self, kept: _Kept) -> Iterator[Document]:
        """The documents behind a trace's elements, each once, in order of arrival."""
        seen: set[tuple[int, int]] = set()
        wanted = {element.id for element in unpack(kept.elements)}
        for element in unpack(kept.elements):
            place = (element.source, element.position)
            if place not in seen:
                seen.add(place)
                # Of a span's two documents one may have been lost on the way in.
                for document in self._archive.documents(*place):
                    if int(document["id"], 16) in wanted:
                        yield document

    def _drop(self, key: bytes, reason: str) -> None:
        kept = self._traces.pop(key)
        self._changed.pop(key, None)
        self._ledger.drop(kept.rows)
        count = len(kept.elements) // SIZE
        self.documents -= count
        self.dropped[reason] += count
        for source, uses in Counter(_sources(unpack(kept.elements))).items():
            self._archive.release(source, uses)


def _sources(elements: Iterable[Element]) -> Iterator[int]:
    return (element.source for element in elements)
