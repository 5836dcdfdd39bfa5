"""What was asked and what was answered, side by side as a run's ``graph.json`` keeps them (pure).

Of each query the first page is what was asked, the second the answer as it came. The first query of all is
none: its only page says what the others are about.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import msgspec

from analysis.source.interface import Answers, Raw
from analysis.source.prometheus.profiles import Profile
from analysis.source.prometheus.promql import Span
from k8s.errors import UsageError
from loadtest.record import Window

ASKED: Final = "asked"
ABOUT: Final = "about"


class Family(StrEnum):
    """Which of a profile's metrics a query is about."""

    CALLS = "calls"
    LATENCY_SUM = "latency_sum"
    LATENCY_BUCKETS = "latency_buckets"
    LOSSES = "losses"


class Piece(StrEnum):
    """What of it."""

    TABLE = "table"
    """What was counted, by labels."""
    ODD = "odd"
    """Series that are not in the table."""
    RAW = "raw"
    """Their scrapes."""
    FIRST_MIN = "first_min"
    """When the earliest of the scrapes before the window was made."""
    STALE = "stale"
    """Series whose last scrape before the window failed."""
    OLDEST = "oldest"
    """The oldest scrape before the window, of those series, too."""
    LAST_MAX = "last_max"
    """When the latest of the scrapes after the window was made."""
    ENDED = "ended"
    NEWCOMERS = "newcomers"
    NEWCOMERS_COUNTED = "newcomers_counted"
    OLDER_NEWCOMERS = "older_newcomers"
    HIDDEN = "hidden"
    DOUBLED = "doubled"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a run's queries are about."""

    profile: Profile
    window: Window
    """The window asked for."""
    quiet_s: float
    span: Span
    """The two moments between which the engine was asked."""
    store: str = ""
    """Its address."""
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromQuery:
    """One query."""

    family: Family
    part: Piece
    metric: str
    query: str
    at_s: float


class VectorRow(msgspec.Struct, frozen=True, gc=False):
    """One series of an instant vector."""

    metric: dict[str, str]
    value: tuple[float, str]


class RawSeries(msgspec.Struct, frozen=True, gc=False):
    """One series with its scrapes."""

    metric: dict[str, str]
    values: tuple[tuple[float, str], ...]


class _Body(msgspec.Struct, frozen=True):
    resultType: str  # noqa: N815 - as the API spells it
    result: Any


class _Page(msgspec.Struct, frozen=True):
    data: _Body
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PromAnswer:
    """A query and its answer."""

    asked: PromQuery
    kind: str
    """vector, matrix or scalar."""
    result: Any
    warnings: tuple[str, ...]
    infos: tuple[str, ...]

    @property
    def rows(self) -> Sequence[VectorRow]:
        """An instant vector's series; UsageError where it is none."""
        found: tuple[VectorRow, ...] = self._as("vector", tuple[VectorRow, ...])
        return found

    @property
    def series(self) -> Sequence[RawSeries]:
        """A range's series; UsageError where it is none."""
        found: tuple[RawSeries, ...] = self._as("matrix", tuple[RawSeries, ...])
        return found

    def _as(self, kind: str, wanted: Any) -> Any:
        if self.kind != kind:
            raise UsageError(
                f"Prometheus' answer to {self.asked.part.value} of {self.asked.metric} is a {self.kind}, "
                f"not a {kind}"
            )
        try:
            return msgspec.convert(self.result, wanted)
        except msgspec.ValidationError as error:
            raise UsageError(
                f"Prometheus' answer to {self.asked.part.value} of {self.asked.metric}: {error}"
            ) from None


def number(text: str) -> float:
    """A sample's value; UsageError for what is none."""
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"Prometheus' answers: a value is {text[:40]!r}, no number; collect again") from None


def about_page(about: About) -> tuple[Raw, ...]:
    """The first of a run's queries."""
    return ({ABOUT: msgspec.to_builtins(about)},)


def query_pages(asked: PromQuery, answer: Raw) -> tuple[Raw, ...]:
    """One of the others."""
    return ({ASKED: msgspec.to_builtins(asked)}, answer)


def about_of(answers: Answers) -> About:
    """What the stored answers are about; UsageError where they are not Prometheus'."""
    if not answers or not answers[0] or ABOUT not in answers[0][0]:
        raise UsageError(
            "Prometheus' answers do not say which metric they are of: no key about; collect again"
        )
    about: About = _converted(answers[0][0][ABOUT], About, ABOUT)
    return about


def answers_of(answers: Answers) -> Iterator[PromAnswer]:
    """Each query with its answer."""
    for pages in answers[1:]:
        if len(pages) != 2 or ASKED not in pages[0]:  # noqa: PLR2004 - what was asked, and the answer
            raise UsageError("Prometheus' answers are not pairs of a query and its answer; collect again")
        asked = _converted(pages[0][ASKED], PromQuery, ASKED)
        page = _converted(pages[1], _Page, f"{asked.part.value} of {asked.metric}")
        yield PromAnswer(
            asked=asked,
            kind=page.data.resultType,
            result=page.data.result,
            warnings=page.warnings,
            infos=page.infos,
        )


def _converted(raw: Any, kind: Any, what: str) -> Any:
    # Of a mapping that is no dict msgspec takes an attribute of a key's name for the key.
    plain = dict(raw) if isinstance(raw, Mapping) else raw
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError as error:
        raise UsageError(f"Prometheus' answers: {what}: {error}") from None
