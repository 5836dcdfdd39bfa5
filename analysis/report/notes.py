"""Caveats as numbered footnotes, and which cells of the report each of them touches."""

from dataclasses import dataclass
from enum import StrEnum

from analysis.model import Comparison
from loadtest.record import Caveat


class Side(StrEnum):
    """Which arm a caveat belongs to."""

    BEFORE = "before"
    AFTER = "after"
    BOTH = "both arms"


class Topic(StrEnum):
    """What a caveat touches; the cells of the same topic carry its number."""

    SHARE = "share"
    COVERAGE = "coverage"
    LATENCY = "latency"
    LOAD = "load"
    CLIENTS = "clients"
    COST = "cost"
    ROUTING = "routing"
    TRUST = "trust"


_WORDS = {
    "unknown": Topic.COVERAGE,
    "unplaced": Topic.COVERAGE,
    "coverage": Topic.COVERAGE,
    "placement": Topic.COVERAGE,
    "latency": Topic.LATENCY,
    "skew": Topic.LOAD,
    "overload": Topic.LOAD,
    "endpoint": Topic.LOAD,
    "worker": Topic.CLIENTS,
    "workers": Topic.CLIENTS,
    "generator": Topic.CLIENTS,
    "lateness": Topic.CLIENTS,
    "rate": Topic.CLIENTS,
    "failures": Topic.CLIENTS,
    "cost": Topic.COST,
    "price": Topic.COST,
    "bytes": Topic.COST,
    "hints": Topic.ROUTING,
    "hint": Topic.ROUTING,
    "routing": Topic.ROUTING,
    "mode": Topic.ROUTING,
    "event": Topic.ROUTING,
    "loss": Topic.TRUST,
    "lost": Topic.TRUST,
    "orphans": Topic.TRUST,
    "spans": Topic.TRUST,
    "traces": Topic.TRUST,
    "sampled": Topic.TRUST,
    "graph": Topic.TRUST,
    "truth": Topic.TRUST,
}
"""The first of these words in a caveat's code names its topic; a code without any touches the share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One footnote."""

    number: int
    code: str
    text: str
    sides: tuple[Side, ...]
    """The arms it was raised in; both for the comparison as a whole."""
    topic: Topic

    @property
    def about(self) -> str:
        """Where it holds, in words."""
        return Side.BOTH.value if len(self.sides) > 1 else self.sides[0].value


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """All footnotes of one report, numbered from 1."""

    items: tuple[Note, ...]

    def touching(self, *topics: Topic, side: Side = Side.BOTH) -> tuple[int, ...]:
        """The numbers of the notes on any of *topics* that hold on *side*; ``BOTH`` asks for either arm's."""
        return tuple(
            note.number
            for note in self.items
            if note.topic in topics and (side in note.sides or side is Side.BOTH or Side.BOTH in note.sides)
        )

    def of(self, side: Side) -> tuple[int, ...]:
        """The numbers of every note that holds on *side*."""
        return self.touching(*Topic, side=side)


def number(comparison: Comparison) -> Notes:
    """Number every caveat: the comparison's own first, then each arm's; equal ones share a number."""
    raised: dict[Caveat, list[Side]] = {}
    for side, caveats in (
        (Side.BOTH, comparison.caveats),
        (Side.BEFORE, comparison.baseline.caveats),
        (Side.AFTER, comparison.candidate.caveats),
    ):
        for caveat in caveats:
            sides = raised.setdefault(caveat, [])
            if side not in sides:
                sides.append(side)
    return Notes(
        items=tuple(
            Note(
                number=position,
                code=caveat.code,
                text=caveat.text,
                sides=tuple(sides),
                topic=topic(caveat.code),
            )
            for position, (caveat, sides) in enumerate(raised.items(), start=1)
        )
    )


def topic(code: str) -> Topic:
    """Which numbers a caveat touches, by the words of its code."""
    return next((_WORDS[word] for word in code.lower().split("-") if word in _WORDS), Topic.SHARE)
