"""What one trace adds to the service graph: nodes from the callees' segments, edges from the callers' calls.

Pure. Source: X-Ray developer guide, "concepts" (service graph, segments, subsegments) and "segment
documents" (inferred segments). Where AWS says nothing, the rule is marked as ours.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple, Protocol, TypeVar

from k8s.lab.xray.elements import CALL, EMBEDDED, IN_PROGRESS, OUTCOME_SHIFT, SEGMENT, TRACED, Element

OWN: Final = 0
"""In place of a caller: the contribution is a node's own segment."""
INFERRED: Final = 2**32 - 1
"""In place of a caller: the contribution is a node's, inferred from a call."""


class GraphPart(Protocol):
    """What assembly reads: an Element, or a document with the same fields."""

    @property
    def id(self) -> int: ...  # noqa: D102
    @property
    def parent(self) -> int: ...  # noqa: D102
    @property
    def source(self) -> int: ...  # noqa: D102
    @property
    def position(self) -> int: ...  # noqa: D102
    @property
    def bits(self) -> int: ...  # noqa: D102


_PartT = TypeVar("_PartT", bound=GraphPart)


class Contribution(NamedTuple):
    """One request, counted once at a node or once at an edge."""

    caller: int
    """The node number of the edge's source, or OWN or INFERRED for a count at the node itself."""
    node: int
    """The node number of the node, or of the edge's target."""
    start_s: float
    """Start of the segment or call that was counted: decides whether a window holds it."""
    response_s: float
    duration_s: float
    """More than the response time where subsegments go on after their segment's end."""
    outcome: int


def contributions(elements: Iterable[Element], client_of: Callable[[int], int]) -> list[Contribution]:
    """Everything a trace adds to the graph.

    *elements* in the order of arrival: of two with one id the later counts. *client_of* gives the number of
    the client node in front of a node.
    """
    known = latest(elements)
    owners, ends = _owners(known)
    found: list[Contribution] = []
    callees: dict[int, set[int]] = {}
    for element in known.values():
        if not element.bits & SEGMENT:
            continue
        parent = known.get(element.parent) if element.parent else None
        owner = None if parent is None else parent if parent.bits & SEGMENT else owners.get(parent.id)
        if parent is not None and parent.bits & CALL:
            callees.setdefault(parent.id, set()).add(element.node)
        if element.bits & IN_PROGRESS:
            continue
        found.append(_count(OWN, element.node, element, ends.get(element.id)))
        if owner is None:
            # Roots, and (seen live) segments whose parent never came.
            found.append(_count(client_of(element.node), element.node, element))
        elif parent is not None and not parent.bits & CALL:
            # Ours: a segment straight under a segment, or under a subsegment that calls nobody.
            found.append(_count(owner.node, element.node, element))
    found += _calls(known, owners, callees)
    return found


def _owners(known: dict[int, Element]) -> tuple[dict[int, Element], dict[int, float]]:
    """The segment above each subsegment (where there is one), and the last end below each segment."""
    owners = owners_of(known)
    ends: dict[int, float] = {}
    for own_id, owner in owners.items():
        ends[owner.id] = max(ends.get(owner.id, owner.end_s), known[own_id].end_s)
    return owners, ends


def _calls(
    known: dict[int, Element], owners: dict[int, Element], callees: dict[int, set[int]]
) -> list[Contribution]:
    found: list[Contribution] = []
    for element in known.values():
        bits = element.bits
        if not bits & CALL or bits & IN_PROGRESS or element.id not in owners:
            continue
        caller = owners[element.id].node
        targets = callees.get(element.id)
        if targets:
            found += [_count(caller, target, element) for target in targets]
        elif not bits & TRACED:
            found.append(_count(caller, element.node, element))
            found.append(_count(INFERRED, element.node, element))
    return found


def latest(elements: Iterable[_PartT]) -> dict[int, _PartT]:
    """The elements that stand, by id: later ones replace earlier ones, with all that was embedded in them."""
    known: dict[int, _PartT] = {}
    embedded: list[_PartT] = []
    documents: dict[tuple[int, int], int] = {}
    for element in elements:
        known[element.id] = element
        if element.bits & EMBEDDED:
            embedded.append(element)
        else:
            documents[element.source, element.position] = element.id
    for element in embedded:
        # An embedded subsegment lives as long as the document that it came in.
        place = (element.source, element.position)
        document = known.get(documents.get(place, 0))
        stale = document is None or (document.source, document.position) != place
        if stale and known.get(element.id) is element:
            del known[element.id]
    return known


def owners_of(known: Mapping[int, _PartT]) -> dict[int, _PartT]:
    """The segment above each subsegment, any number of subsegments up; none where the chain breaks.

    Each subsegment is walked over once, so that a chain or circle of thousands does not take its square.
    """
    owners: dict[int, _PartT] = {}
    broken: set[int] = set()
    for element in known.values():
        if element.bits & SEGMENT:
            continue
        above: _PartT | None = known.get(element.parent)
        if above is not None and above.bits & SEGMENT:
            owners[element.id] = above
            continue
        path = [element.id]
        # What is on the path counts as broken until its end is known: that ends circles.
        broken.add(element.id)
        while above is not None and not above.bits & SEGMENT:
            if above.id in owners:
                above = owners[above.id]
            elif above.id in broken:
                above = None
            else:
                path.append(above.id)
                broken.add(above.id)
                above = known.get(above.parent)
        if above is not None:
            owners |= dict.fromkeys(path, above)
            broken.difference_update(path)
    return owners


def _count(caller: int, node: int, element: Element, end_s: float | None = None) -> Contribution:
    response_s = max(0.0, element.end_s - element.start_s)
    duration_s = response_s if end_s is None else max(response_s, end_s - element.start_s)
    return Contribution(caller, node, element.start_s, response_s, duration_s, element.bits >> OUTCOME_SHIFT)
