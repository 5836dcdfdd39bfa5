"""The way in: spans and documents become elements; some are late, lost or doubled if the settings say so."""

import heapq
import random
from collections import Counter
from collections.abc import Sequence
from itertools import count
from typing import Final

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from k8s.lab.xray.archive import Archive, Resources, spans_of
from k8s.lab.xray.behaviour import Settings
from k8s.lab.xray.documents import LARGEST_BYTES, LARGEST_SPAN_BYTES, Refused, read, trace_key
from k8s.lab.xray.elements import Packer
from k8s.lab.xray.otel_resources import OtelResource
from k8s.lab.xray.spans import is_empty, span_of
from k8s.lab.xray.trace_store import TraceStore
from k8s.lab.xray.translate import Document, documents_of
from k8s.lab.xray.unreliability import Knobs

Batch = dict[bytes, list[bytes]]
"""Packed elements by trace."""
_COULD_BE_TOO_LARGE: Final = LARGEST_BYTES // 4
"""Bytes of a span whose documents are worth measuring: JSON takes more room than protobuf."""


class Intake:
    """Takes what is sent and adds it to the store, at once or when its delay is over."""

    def __init__(
        self,
        settings: Settings,
        knobs: Knobs,
        *,
        store: TraceStore,
        archive: Archive,
        resources: Resources,
        packer: Packer,
    ) -> None:
        """Begin with nothing under way."""
        self._settings = settings
        self._knobs = knobs
        self._store = store
        self._archive = archive
        self._resources = resources
        self._packer = packer
        self._random = random.Random(settings.seed)  # noqa: S311  # reproducible unreliability
        self._waiting: list[tuple[float, int, Batch]] = []
        self._waiting_in: Counter[bytes] = Counter()
        """How many of those documents are of which trace."""
        self._order = count()
        self.counts: Counter[str] = Counter()
        """Documents ``received``, ``refused``, and (by the settings' will) ``lost`` and ``doubled``."""

    @property
    def waiting(self) -> int:
        """Documents that queries do not see yet."""
        return sum(len(elements) for _, _, batch in self._waiting for elements in batch.values())

    def packed(self) -> bytes:
        """The elements that queries do not see yet."""
        return b"".join(part for _, _, batch in self._waiting for parts in batch.values() for part in parts)

    def take_otlp(self, request: ExportTraceServiceRequest, content: bytes, now_s: float) -> None:
        """Take the spans of a request; *content* is its protobuf encoding."""
        number = self._archive.new_number()
        batch: Batch = {}
        for position, (message, resource) in enumerate(spans_of(request, self._resources)):
            nameless = is_empty(message.trace_id) or is_empty(message.span_id)
            if nameless or self._too_large(message, resource) or self._is_full(message.trace_id, batch):
                self.counts["refused"] += 1
            else:
                elements = self._packer.of_span(message, resource, number, position)
                self._put(batch, message.trace_id, elements)
        self._archive.keep_otlp(number, content, _size(batch))
        self._deliver(batch, now_s)

    def take_documents(self, texts: Sequence[str], now_s: float) -> list[Refused]:
        """Take segment documents; returns those that were not taken, and why."""
        number = self._archive.new_number()
        batch: Batch = {}
        taken: list[Document] = []
        refused: list[Refused] = []
        for text in texts:
            document = read(text)
            if isinstance(document, Refused):
                refused.append(document)
                continue
            if self._is_full(trace_key(document["trace_id"]), batch):
                most = self._settings.max_trace_documents
                cause = f". The trace has {most} documents already"
                refused.append(Refused(id=document["id"], code="TraceSizeExceeded", cause=cause))
                continue
            elements = list(self._packer.of_document(document, number, len(taken)))
            if self._put(batch, trace_key(document["trace_id"]), elements, together=True):
                taken.append(document)
        self.counts["refused"] += len(refused)
        self._archive.keep_documents(number, taken, _size(batch))
        self._deliver(batch, now_s)
        return refused

    def release(self, now_s: float) -> None:
        """Make visible what has waited long enough."""
        while self._waiting and self._waiting[0][0] <= now_s:
            due_s, _, batch = heapq.heappop(self._waiting)
            for key, elements in batch.items():
                self._waiting_in[key] -= len(elements)
                if not self._waiting_in[key]:
                    del self._waiting_in[key]
            self._add(batch, due_s)

    def _put(self, batch: Batch, key: bytes, elements: list[bytes], *, together: bool = False) -> bool:
        """Add elements to a batch; *together* they share one document, and one fate."""
        groups = [elements] if together else [[element] for element in elements]
        kept = False
        for group in groups:
            self.counts["received"] += 1
            if self._happens(self._knobs.loss_rate):
                self.counts["lost"] += 1
                continue
            kept = True
            batch.setdefault(key, []).extend(group)
            if self._happens(self._knobs.duplicate_rate):
                self.counts["doubled"] += 1
                batch[key].extend(group)
        return kept

    def _happens(self, rate: float) -> bool:
        return rate > 0 and self._random.random() < rate

    def _deliver(self, batch: Batch, now_s: float) -> None:
        soonest_s, latest_s = self._knobs.ingest_delay_s
        if latest_s > 0:
            due_s = now_s + self._random.uniform(soonest_s, latest_s)
            heapq.heappush(self._waiting, (due_s, next(self._order), batch))
            self._waiting_in.update({key: len(elements) for key, elements in batch.items()})
        else:
            self._add(batch, now_s)

    def _add(self, batch: Batch, now_s: float) -> None:
        for key, elements in batch.items():
            self._store.add(key, elements, now_s)
        self._store.make_room(now_s)

    def _is_full(self, key: bytes, batch: Batch) -> bool:
        """Whether a trace has as many documents as it may, with those on their way in this request."""
        here = self._store.size(key) + self._waiting_in[key] + len(batch.get(key, ()))
        return here >= self._settings.max_trace_documents

    def _too_large(self, message: SpanMessage, resource: OtelResource) -> bool:
        # X-Ray refuses documents over 64 KB, and the exporter says so at DEBUG only.
        size = message.ByteSize()
        if size < _COULD_BE_TOO_LARGE:
            return False
        if size > LARGEST_SPAN_BYTES:
            return True
        documents = documents_of(span_of(message), resource, self._settings.indexing)
        return any(len(msgspec.json.encode(document)) > LARGEST_BYTES for document in documents)


def _size(batch: Batch) -> int:
    return sum(map(len, batch.values()))
