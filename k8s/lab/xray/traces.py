"""One trace from its documents: what stands, what hangs below what, what must be inferred.

Pure. ``processed`` gives the documents as BatchGetTraces returns them: subsegments nested, inferred segments
added, flags only where true. Source: X-Ray developer guide, "segment documents", and its examples of
BatchGetTraces.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from k8s.lab.xray import naming
from k8s.lab.xray.elements import CALL, EMBEDDED, IN_PROGRESS, SEGMENT, TRACED, is_call, is_traced
from k8s.lab.xray.graph import latest, owners_of
from k8s.lab.xray.translate import SUBSEGMENT, Document, derived_id

_SEGMENT_FIELDS: Final = (
    "id", "name", "start_time", "end_time", "in_progress", "parent_id", "inferred", "http", "fault", "error",
    "throttle", "cause", "user", "aws", "service", "resource_arn", "links", "annotations", "metadata",
    "trace_id", "origin", "namespace", "sql",
)  # fmt: skip
_SUBSEGMENT_FIELDS: Final = (
    "id", "name", "start_time", "end_time", "in_progress", "http", "fault", "error", "throttle", "cause",
    "aws", "annotations", "metadata", "namespace", "precursor_ids", "sql",
)  # fmt: skip
_ONLY_IF_TRUE: Final = frozenset({"fault", "error", "throttle", "in_progress", "inferred"})
_INFERRED_FIELDS: Final = (
    "name",
    "start_time",
    "end_time",
    "http",
    "aws",
    "sql",
    "fault",
    "error",
    "throttle",
)
_MADE_UP: Final = -1
"""The source of what was not received but inferred."""
_LEVELS: Final = 60
"""How deeply subsegments are nested in a processed document; deeper ones stand by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A segment or subsegment with the fields that assembly reads."""

    id: int
    parent: int
    source: int
    position: int
    bits: int
    document: Mapping[str, Any]
    """Without its subsegments."""

    @property
    def start_s(self) -> float:
        """When it began, in seconds since the epoch."""
        return float(self.document["start_time"])

    @property
    def end_s(self) -> float:
        """When it ended; its start while it is in progress."""
        return self.start_s if self.bits & IN_PROGRESS else float(self.document["end_time"])

    @property
    def outcome(self) -> naming.Outcome:
        """How its request ended."""
        return naming.outcome_of_flags(self.document)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A trace, assembled."""

    id: str
    parts: Mapping[int, Part]
    """All parts that stand, by id."""
    segments: tuple[Part, ...]
    inferred: tuple[Part, ...]
    """Segments made up for calls whose callee never reported."""
    below: Mapping[int, tuple[Part, ...]]
    """The subsegments below a part, by the part's id."""
    owners: Mapping[int, Part]
    """The segment above a subsegment, by the subsegment's id."""

    @property
    def root(self) -> Part | None:
        """The first segment that has no parent here: the entry point."""
        entries = [part for part in self.segments if part.parent not in self.parts]
        return min(entries, key=lambda part: (part.parent != 0, part.start_s), default=None)

    @property
    def start_s(self) -> float:
        """Start of the earliest segment."""
        return min(part.start_s for part in self.segments or self.parts.values())

    @property
    def end_s(self) -> float:
        """End of the last part that completed."""
        return max(part.end_s for part in self.parts.values())

    @property
    def in_progress(self) -> bool:
        """Whether a part is not complete, or announced a callee that did not report yet."""
        reported = {part.parent for part in self.segments}
        return any(
            part.bits & IN_PROGRESS or (part.bits & TRACED and part.id not in reported)
            for part in self.parts.values()
        )

    def node(self, part: Part) -> tuple[str, str]:
        """Name and type of the node that a segment, inferred or not, counts for."""
        if part.source == _MADE_UP:
            return naming.inferred_node(self.parts[part.parent].document)
        return part.document["name"], part.document.get("origin") or ""

    def is_inferred(self, part: Part) -> bool:
        """Whether a segment was made up."""
        return part.source == _MADE_UP

    def segment_of(self, part: Part) -> Part | None:
        """The segment that a part is or belongs to; None where that never came."""
        return part if part.bits & SEGMENT else self.owners.get(part.id)

    def calls(self) -> list[tuple[Part, Part, Part]]:
        """The edges: (calling segment, subsegment of the call, called segment)."""
        found: list[tuple[Part, Part, Part]] = []
        for callee in (*self.segments, *self.inferred):
            call = self.parts.get(callee.parent)
            if call is not None and call.bits & CALL:
                caller = self.owners.get(call.id)
                if caller is not None:
                    found.append((caller, call, callee))
        return found


def assemble(trace_id: str, documents: Iterable[Document]) -> Trace:
    """Put a trace together from its documents, in the order of their arrival (at least one)."""
    flat = [part for place, document in enumerate(documents) for part in _flat(document, place)]
    parts = latest(flat)
    below: dict[int, list[Part]] = {}
    for part in parts.values():
        if not part.bits & SEGMENT:
            below.setdefault(part.parent, []).append(part)
    segments = tuple(part for part in parts.values() if part.bits & SEGMENT)
    reported = {part.parent for part in segments}
    owners = owners_of(parts)
    inferred = tuple(
        _infer(part)
        for part in parts.values()
        if part.bits & CALL
        and not part.bits & (TRACED | IN_PROGRESS)
        and part.id not in reported
        and part.id in owners
    )
    return Trace(
        id=trace_id,
        parts=parts,
        segments=segments,
        inferred=inferred,
        below={parent: tuple(children) for parent, children in below.items()},
        owners=owners,
    )


def processed(trace: Trace) -> list[Document]:
    """The trace's segment documents; subsegments whose segment never came stand by themselves."""
    alone = [
        part for part in trace.parts.values() if not part.bits & SEGMENT and part.parent not in trace.parts
    ]
    documents = [
        _nested(trace, part, _SEGMENT_FIELDS, _LEVELS, alone) for part in (*trace.segments, *trace.inferred)
    ]
    for part in alone:  # it grows meanwhile
        document = _nested(trace, part, _SEGMENT_FIELDS, _LEVELS, alone)
        documents.append(document | {"type": SUBSEGMENT, "parent_id": f"{part.parent:016x}"})
    return documents


def _flat(document: Mapping[str, Any], place: int, enclosing: int = 0) -> list[Part]:
    own_id = int(document["id"], 16)
    bits = EMBEDDED if enclosing else 0
    if not enclosing and document.get("type") != SUBSEGMENT:
        bits |= SEGMENT
    elif is_call(document):
        bits |= CALL
    if is_traced(document):
        bits |= TRACED
    if document.get("end_time") is None or document.get("in_progress") is True:
        bits |= IN_PROGRESS
    part = Part(
        id=own_id,
        parent=enclosing or int(document.get("parent_id") or "0", 16),
        source=place,
        position=0,
        bits=bits,
        document={key: value for key, value in document.items() if key != "subsegments"},
    )
    found = [part]
    for embedded in document.get("subsegments") or ():
        if embedded.get("name"):
            found += _flat(embedded, place, own_id)
    return found


def _infer(call: Part) -> Part:
    document = {key: call.document[key] for key in _INFERRED_FIELDS if key in call.document}
    _, kind = naming.inferred_node(call.document)
    own_id = derived_id(call.id, 1)
    document |= {"id": f"{own_id:016x}", "parent_id": f"{call.id:016x}", "inferred": True}
    if "trace_id" in call.document:
        document["trace_id"] = call.document["trace_id"]
    if kind != naming.REMOTE:
        document["origin"] = kind
    return Part(id=own_id, parent=call.id, source=_MADE_UP, position=0, bits=SEGMENT, document=document)


def _nested(trace: Trace, part: Part, fields: tuple[str, ...], levels: int, deeper: list[Part]) -> Document:
    """The part with what is below it; what is more *levels* down goes to *deeper*."""
    document = {
        field: _without_nulls(part.document[field]) for field in fields if _kept(field, part.document)
    }
    if "trace_id" in fields:
        document["trace_id"] = trace.id
    children = trace.below.get(part.id, ())
    if children and not levels:
        deeper += children
    elif children:
        document["subsegments"] = [
            _nested(trace, child, _SUBSEGMENT_FIELDS, levels - 1, deeper) for child in children
        ]
    return document


def _kept(field: str, document: Mapping[str, Any]) -> bool:
    value = document.get(field)
    return value is True if field in _ONLY_IF_TRUE else value is not None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value
