"""A pair over the time of a window, as values."""

from dataclasses import dataclass

from analysis.statistics.interval import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of a window: what became of the sampled calls of the focus pair that were sent in it."""

    start_s: float
    """Seconds since the epoch."""
    length_s: float
    same_zone: int
    cross_zone: int
    unknown: int
    failed: int
    """5xx, or no answer; in the three above as well."""
    share: Interval | None
    """Same-zone of those with both zones known; None without any."""
    mean_s: float | None
    """Response time as the callers saw it; None without a call."""

    @property
    def calls(self) -> int:
        """All sampled calls of it."""
        return self.same_zone + self.cross_zone + self.unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What happened in a window, in a sentence."""

    at_s: float
    """Seconds since the epoch."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The focus pair over the time of a window, from single calls; where none are sampled there is none."""

    stretches: tuple[Stretch, ...]
    """One after the other, without a hole, equally long; with calls or without."""
    happenings: tuple[Happening, ...]
    """In the order of time."""
    untimed: int = 0
    """Sampled calls of which nobody knows when they were sent: in no stretch."""

    @property
    def calls(self) -> int:
        """The sampled calls that it rests on."""
        return sum(one.calls for one in self.stretches)
