"""Caveats as numbered footnotes, and which cells of the report each of them touches."""

from dataclasses import dataclass
from enum import StrEnum

from analysis.verdict.compared import Comparison
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


_TOPICS: dict[str, tuple[Topic, ...]] = {
    "documents-lost": (Topic.COVERAGE, Topic.TRUST),
    "calls-lost": (Topic.COVERAGE, Topic.TRUST),
    "watch": (Topic.COVERAGE,),
    "saturated": (Topic.CLIENTS, Topic.LATENCY),
    "late": (Topic.CLIENTS, Topic.LATENCY),
    "worker-lost": (Topic.CLIENTS, Topic.TRUST),
    "master-lost": (Topic.CLIENTS, Topic.TRUST),
    "rate": (Topic.CLIENTS, Topic.COST),
    "failures": (Topic.CLIENTS,),
    "no-load": (Topic.CLIENTS,),
    "hints-changed": (Topic.ROUTING,),
    "routing-conflict": (Topic.ROUTING,),
    "not-stable": (Topic.TRUST,),
    "requests-differ": (Topic.TRUST,),
    "spans-dropped": (Topic.TRUST,),
    "spans-again": (Topic.TRUST,),
    "delivered-twice": (Topic.TRUST,),
    "truth": (Topic.TRUST,),
}
"""What each caveat's code touches; any other code touches the share itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footnote:
    """A numbered caveat."""

    number: int
    code: str
    text: str
    about: str
    """What it applies to, in words."""

    @property
    def origin(self) -> str:
        """What stands behind its text: where it applies; its code is for programs."""
        return f"applies to: {self.about}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Footnote):
    """One footnote of a comparison."""

    sides: tuple[Side, ...]
    """The arms it was raised in; both for the comparison as a whole."""
    topics: tuple[Topic, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """All footnotes of one report, numbered from 1."""

    items: tuple[Note, ...]

    def touching(self, *topics: Topic, side: Side = Side.BOTH) -> tuple[int, ...]:
        """The numbers of the notes on any of *topics* that hold on *side*; ``BOTH`` asks for either arm's."""
        return tuple(
            note.number
            for note in self.items
            if any(topic in topics for topic in note.topics)
            and (side in note.sides or side is Side.BOTH or Side.BOTH in note.sides)
        )


def _own(one: Comparison, whole: Comparison) -> tuple[Caveat, ...]:
    """What is to be said of a further pair under test and not of the whole run, with its name."""
    known = {*whole.caveats, *whole.baseline.caveats, *whole.candidate.caveats}
    known |= set(whole.effects.caveats if whole.effects is not None else ())
    effects = one.effects.caveats if one.effects is not None else ()
    found = (*effects, *one.baseline.caveats, *one.candidate.caveats)
    pair = " to ".join(one.focus)
    return tuple(
        Caveat(code=caveat.code, text=f"Of {pair}: {caveat.text}")
        for caveat in dict.fromkeys(found)
        if caveat not in known
    )


def number(comparison: Comparison) -> Notes:
    """Number every caveat: the comparison's and its effects' own, then each arm's; equal ones share one."""
    raised: dict[Caveat, list[Side]] = {}
    arms = (*comparison.baseline.caveats, *comparison.candidate.caveats)
    judged = comparison.effects.caveats if comparison.effects is not None else ()
    for side, caveats in (
        # The effects repeat what their arms say.
        (Side.BOTH, (*comparison.caveats, *(one for one in judged if one not in arms))),
        (Side.BEFORE, comparison.baseline.caveats),
        (Side.AFTER, comparison.candidate.caveats),
        *((Side.BOTH, _own(one, comparison)) for one in comparison.further),
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
                about=Side.BOTH.value if len(sides) > 1 else sides[0].value,
                sides=tuple(sides),
                topics=_TOPICS.get(caveat.code, (Topic.SHARE,)),
            )
            for position, (caveat, sides) in enumerate(raised.items(), start=1)
        )
    )
