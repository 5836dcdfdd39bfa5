"""What the graph needs of each segment and subsegment, packed into 46 bytes.

A trace is kept as a run of such elements; documents are built again from the archive only when somebody
asks for them. ``of_span`` takes the short way from protobuf; it gives what ``of_document`` gives for the
translated documents.
"""

from collections.abc import Collection, Iterator, Mapping
from struct import Struct
from typing import Any, Final, NamedTuple

import numpy as np
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from k8s.lab.xray import naming
from k8s.lab.xray.naming import GRAPH_KEYS
from k8s.lab.xray.otel_resources import Indexing, OtelResource
from k8s.lab.xray.spans import INTERNAL, SERVER, Attributes, seconds, span_of, text, value_of
from k8s.lab.xray.translate import SUBSEGMENT, derived_id, documents_of

SEGMENT: Final = 1
"""Bit: the element is a segment; otherwise it is a subsegment."""
CALL: Final = 2
"""Bit: a subsegment that calls another service (namespace ``aws`` or ``remote``, or with ``sql``)."""
EMBEDDED: Final = 4
"""Bit: it came inside another document."""
TRACED: Final = 8
"""Bit: the subsegment says that the callee sends a segment of its own (``http.request.traced``)."""
IN_PROGRESS: Final = 16
"""Bit: there is no end time yet."""
OUTCOME_SHIFT: Final = 8
"""Where the outcome begins in the bits."""

_ELEMENT: Final = Struct("<QQddIIIH")
SIZE: Final = _ELEMENT.size
_ONLY_NODES: Final = np.dtype({"names": ["node"], "formats": ["<u4"], "offsets": [32], "itemsize": SIZE})

pack = _ELEMENT.pack
"""Packs the fields of an Element, in order."""


class Element(NamedTuple):
    """One segment or subsegment. A tuple, because a query looks at hundreds of thousands."""

    id: int
    parent: int
    """The id of the parent; 0 where there is none."""
    start_s: float
    end_s: float
    """Equal to the start while in progress."""
    node: int
    """Segment: the node it counts for. Call: the inferred node, should no callee's segment come. Else 0."""
    source: int
    """Which archived payload holds the document."""
    position: int
    """Which document or span of that payload it is."""
    bits: int


_NOBODY: Final = ("", "", "")


class Nodes:
    """The identities of nodes, (name, type, account id), as small numbers; an empty part means none."""

    def __init__(self) -> None:
        """Start empty; 0 is nobody."""
        self._numbers: dict[tuple[str, str, str], int] = {_NOBODY: 0}
        self._identities: list[tuple[str, str, str]] = [_NOBODY]
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, name: str, kind: str = "", account: str = "") -> int:
        """The number of an identity, a new one if need be."""
        identity = (name, kind, account)
        number = self._numbers.get(identity)
        if number is None and self._free:
            number = self._numbers[identity] = self._free.pop()
            self._identities[number] = identity
        elif number is None:
            number = self._numbers[identity] = len(self._identities)
            self._identities.append(identity)
        return number

    def keep(self, used: Collection[int]) -> None:
        """Forget the identities whose numbers are not *used*; others may get these numbers."""
        for identity, number in list(self._numbers.items()):
            if number and number not in used:
                del self._numbers[identity]
                self._identities[number] = _NOBODY
                self._free.append(number)

    def identity(self, number: int) -> tuple[str, str, str]:
        """Name, type and account id."""
        return self._identities[number]


class Packer:
    """Turns what arrives into packed elements."""

    def __init__(self, nodes: Nodes, indexing: Indexing, *, accounts: bool) -> None:
        """*accounts*: whether nodes carry account ids (only several accounts in one place show them)."""
        self._nodes = nodes
        self._indexing = indexing
        self._accounts = accounts

    def of_span(
        self, message: SpanMessage, resource: OtelResource, source: int, position: int
    ) -> list[bytes]:
        """The elements of a span, in the order of its documents."""
        attributes = {pair.key: value_of(pair.value) for pair in message.attributes if pair.key in GRAPH_KEYS}
        kind = message.kind
        name, namespace = naming.name_and_namespace(kind, attributes, resource.service_name, message.name)
        if namespace == "aws" or self._accounts:
            # Rare, and what names the node hides in more attributes: take the long way.
            documents = documents_of(span_of(message), resource, self._indexing, source)
            return [part for document in documents for part in self.of_document(document, source, position)]
        own_id = int.from_bytes(message.span_id)
        parent = int.from_bytes(message.parent_span_id)
        start_s, end_s = seconds(message.start_time_unix_nano), seconds(message.end_time_unix_nano)
        outcome = naming.outcome_of(attributes, message.status.code) << OUTCOME_SHIFT
        segment = naming.is_segment(kind, has_parent=parent != 0)
        if naming.is_local_root(attributes):
            if kind not in {SERVER, INTERNAL}:
                service_id = derived_id(own_id, source)
                if "aws.remote.service" in attributes:
                    name = naming.remote_name(attributes)
                callee = self._inferred(name, attributes)
                service = self._service_node(message, attributes, resource)
                bits = SEGMENT | outcome
                return [
                    pack(own_id, service_id, start_s, end_s, callee, source, position, CALL | outcome),
                    pack(service_id, parent, start_s, end_s, service, source, position, bits),
                ]
            segment = True
        if segment:
            node = self._nodes.number(name, resource.origin)
            return [pack(own_id, parent, start_s, end_s, node, source, position, SEGMENT | outcome)]
        if namespace or naming.is_sql(attributes):
            callee = self._inferred(name, attributes)
            return [pack(own_id, parent, start_s, end_s, callee, source, position, CALL | outcome)]
        return [pack(own_id, parent, start_s, end_s, 0, source, position, outcome)]

    def of_document(
        self, document: Mapping[str, Any], source: int, position: int, enclosing: int = 0
    ) -> Iterator[bytes]:
        """The elements of a valid document, itself first; embedded subsegments need a name to count."""
        own_id = int(document["id"], 16)
        start_s = float(document["start_time"])
        in_progress = document.get("end_time") is None or document.get("in_progress") is True
        end_s = start_s if in_progress else float(document["end_time"])
        bits = naming.outcome_of_flags(document) << OUTCOME_SHIFT
        node = 0
        if enclosing:
            bits |= EMBEDDED
        if not enclosing and document.get("type") != SUBSEGMENT:
            bits |= SEGMENT
            node = self._nodes.number(document["name"], document.get("origin") or "", self._account(document))
        elif is_call(document):
            bits |= CALL
            node = self._nodes.number(*naming.inferred_node(document))
        if is_traced(document):
            bits |= TRACED
        if in_progress:
            bits |= IN_PROGRESS
        parent = enclosing or int(document.get("parent_id") or "0", 16)
        yield pack(own_id, parent, start_s, end_s, node, source, position, bits)
        for embedded in document.get("subsegments") or ():
            if embedded.get("name"):
                yield from self.of_document(embedded, source, position, own_id)

    def _inferred(self, name: str, attributes: Attributes) -> int:
        return self._nodes.number(name, "Database::SQL" if naming.is_sql(attributes) else naming.REMOTE)

    def _service_node(self, message: SpanMessage, attributes: Attributes, resource: OtelResource) -> int:
        name = text(attributes, "aws.local.service") or resource.service_name
        if not name:
            kept = {key: value for key, value in attributes.items() if key != "aws.remote.service"}
            name, _ = naming.name_and_namespace(message.kind, kept, "", message.name)
        return self._nodes.number(name, resource.origin)

    def _account(self, document: Mapping[str, Any]) -> str:
        if not self._accounts:
            return ""
        return str((document.get("aws") or {}).get("account_id") or "")


def is_call(document: Mapping[str, Any]) -> bool:
    """Whether a subsegment calls another service."""
    return document.get("namespace") in {"aws", "remote"} or "sql" in document


def is_traced(document: Mapping[str, Any]) -> bool:
    """Whether a subsegment says that the callee sends a segment of its own."""
    request = (document.get("http") or {}).get("request") or {}
    return request.get("traced") is True


def unpack(packed: bytes | bytearray) -> Iterator[Element]:
    """The elements in a run of packed ones."""
    return map(Element._make, _ELEMENT.iter_unpack(packed))


def nodes_in(packed: bytes) -> set[int]:
    """The node numbers in a run of packed elements."""
    return set(np.unique(np.frombuffer(packed, dtype=_ONLY_NODES)["node"]).tolist())
