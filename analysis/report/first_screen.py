"""The first screen of a report as values: the answer in one sentence, its figures, the facts beside it."""

from dataclasses import dataclass

from analysis.report.tables import Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One large number."""

    title: str
    value: str
    detail: str
    tone: Tone = Tone.PLAIN
    notes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A sentence that stands beside the answer."""

    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a reader in a hurry takes away."""

    headline: str
    arms: tuple[Fact, ...] = ()
    """What was compared with what, in words."""
    figures: tuple[Figure, ...]
    facts: tuple[Fact, ...]
    """Most important first."""
