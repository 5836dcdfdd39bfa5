"""Prometheus as a source: which queries answer which question."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, Protocol

from analysis.source.interface import Answers, Drawn, IncompleteError, Patience, Question, Raw, Reader, Source
from analysis.source.prometheus import flanks, prometheus_reader, promql
from analysis.source.prometheus.profiles import BUILT_IN, Profile
from analysis.source.prometheus.promql import (
    EARLIER_S,
    LOOK_BACK_S,
    Span,
    Words,
    duration,
    pattern_selector,
    selector,
)
from analysis.source.prometheus.stored_answers import (
    About,
    Family,
    Piece,
    PromAnswer,
    PromQuery,
    about_page,
    answers_of,
    number,
    query_pages,
)
from k8s.errors import InvalidRunError

MOST_ROWS: Final = 500_000
"""Of a table of pairs."""
MOST_ODD: Final = 2_000
"""Series to be asked for one by one, each with the scrapes of up to an hour."""
MOST_SINGLE: Final = 200
"""Queries for them."""
MOST_METRICS: Final = 200
"""Names that a pattern may match: ten zones give a hundred pairs."""
PATIENCE: Final = Patience(poll_s=2.0, least_s=0.0, most_s=420.0, traces=0, still_s=30.0)
"""A scrape comes within an interval, usually at most a minute; what is not scraped for five is gone."""
_TARGET: Final = ("job", "instance")


class Store(Protocol):
    """What is asked of a Prometheus."""

    @property
    def where(self) -> str:
        """Its address, without a password."""

    def query(self, text: str, *, at_s: float | None = None) -> Raw:
        """The answer to an instant query as it came."""

    def version(self) -> str:
        """The engine's own; empty where it does not tell."""


class PrometheusSource(Source):
    """Counts by differences of counters that the engine takes; no single calls."""

    name = prometheus_reader.NAME
    patience = PATIENCE
    title = prometheus_reader.TITLE

    def __init__(self, client: Store, profile: Profile) -> None:
        """*profile* says which metric to read, and how."""
        self._client = client
        self.profile = profile
        self._flanked: dict[Question, tuple[float, Words]] = {}
        """Of a question, once everything had been scraped: later answers are of the same time."""

    @property
    def reader(self) -> Reader:
        """Reads what this source answers."""
        return prometheus_reader.PrometheusReader()

    def preflight(self) -> None:
        """InvalidRunError where the profile's metric was not scraped in the last hour."""
        if self._holds(self.profile, self.profile.filters):
            return
        wanted = f"{self.profile.metric}{{{', '.join(self.profile.filters)}}}"
        told = f"asking Prometheus at {self._client.where} for profile {self.profile.name}"
        if self.profile.filters and self._holds(self.profile, ()):
            raise InvalidRunError(
                f"{told}: it holds {self.profile.metric} but none with {', '.join(self.profile.filters)}; "
                "set the filters in a profile file of your own"
            )
        others = [one for one in BUILT_IN.values()
                  if one.metric != self.profile.metric and self._holds(one, ())]  # fmt: skip
        there = ", ".join(f"{one.name} ({one.metric})" for one in others)
        raise InvalidRunError(
            f"{told}: nothing of {wanted} was scraped in the last hour; "
            + (f"there are metrics of {there}: choose that profile" if others else
               "nor is there a metric of another profile: is this the Prometheus that scrapes the pods, and "
               "was there traffic?")
        )  # fmt: skip

    def ask(self, question: Question) -> Answers:
        """The table of what was counted by both sides' labels, and how exact that is."""
        window, quiet_s = question.window, question.quiet_s
        if not 0 <= 2 * quiet_s < window.length_s:
            quiet_s = 0.0
        ends_s = window.end_s - quiet_s
        delay_s, anything = self._flanks(question, ends_s)
        span = Span(start_s=window.start_s + quiet_s, end_s=ends_s + delay_s)
        about = About(
            profile=self.profile,
            window=window,
            quiet_s=quiet_s,
            span=span,
            store=self._client.where,
            version=self._client.version(),
        )
        pages = [about_page(about)]
        for family, metric, by in self._metrics(span):
            words = Words(
                selector=selector(metric, self._filters(family)), span=span, ha_labels=anything.ha_labels
            )
            words, odd = self._odd(family, metric, words)
            pages += odd
            pages += self._table(family, metric, words, by)
            if family is Family.CALLS:
                pages += self._figures(metric, words, ends_s)
        return tuple(pages)

    def sample(self, question: Question, most: int) -> Drawn:  # noqa: ARG002 - there are no single calls
        """None: counters hold no single calls."""
        return Drawn(rows=())

    def interval_s(self) -> float | None:
        """The longest interval at which the metric's targets are scraped, in seconds, to about a second.

        Of all targets while the metric is not there yet; None where the store tells of no target, or of none
        that was scraped twice. A load whose quiet time on each side is longer than that is counted exactly.
        """
        now_s = self._now_s()
        for text in (promql.interval(self._selector()), promql.interval("")):
            rows = self._asked(Family.CALLS, Piece.TABLE, "", text, now_s)[1].rows
            if rows:
                return number(rows[0].value[1])
        return None

    def _selector(self) -> str:
        if self.profile.is_pattern:
            return pattern_selector(self.profile.metric, self.profile.filters)
        return selector(self.profile.metric, self.profile.filters)

    def _filters(self, family: Family) -> tuple[str, ...]:
        return () if family is Family.LOSSES else self.profile.filters

    def _holds(self, profile: Profile, filters: Iterable[str]) -> bool:
        whole = pattern_selector if profile.is_pattern else selector
        return (
            self._count(
                f"count(last_over_time({whole(profile.metric, filters)}[{duration(EARLIER_S)}]))", None
            )
            > 0
        )

    def _metrics(self, span: Span) -> Iterator[tuple[Family, str, tuple[str, ...]]]:
        """Each metric to be read, and by which labels."""
        profile = self.profile
        by = profile.by
        with_errors = tuple(dict.fromkeys((*by, profile.error_label))) if profile.error_label else by
        for name in self._names(span) if profile.is_pattern else (profile.metric,):
            yield Family.CALLS, name, with_errors
        if profile.latency_sum:
            yield Family.LATENCY_SUM, profile.latency_sum, by
        if profile.latency_buckets:
            yield Family.LATENCY_BUCKETS, profile.latency_buckets, (*by, prometheus_reader.BUCKET)
        for loss in profile.losses:
            yield Family.LOSSES, loss, ()

    def _names(self, span: Span) -> tuple[str, ...]:
        """Metrics that the profile's pattern matches."""
        text = (
            f"count by (__name__) (last_over_time({self._selector()}[{duration(span.length_s + EARLIER_S)}]))"
        )
        _, answer = self._asked(Family.CALLS, Piece.TABLE, self.profile.metric, text, span.end_s)
        names = tuple(sorted(row.metric.get("__name__", "") for row in answer.rows))
        if len(names) > MOST_METRICS:
            raise InvalidRunError(
                f"asking Prometheus for profile {self.profile.name}: {len(names)} metrics match "
                f"{self.profile.metric}, more than {MOST_METRICS}; narrow the pattern"
            )
        return names

    def _flanks(self, question: Question, ends_s: float) -> tuple[float, Words]:
        """How long after the load's end everything was scraped; IncompleteError while it was not."""
        if question not in self._flanked:
            words = self._merging(Words(selector=self._selector(), span=Span(start_s=0, end_s=1)), ends_s)
            found_s = flanks.delay_s(self._count, words, ends_s, self._now_s())
            self._flanked[question] = found_s, words
        return self._flanked[question]

    def _merging(self, words: Words, at_s: float) -> Words:
        """With the labels of servers that scrape the same targets, where there are any."""
        paired = replace(words, ha_labels=self.profile.ha_labels)
        return paired if paired.ha_labels and self._count(paired.paired(), at_s) else words

    def _table(
        self, family: Family, metric: str, words: Words, by: tuple[str, ...]
    ) -> Iterator[tuple[Raw, ...]]:
        """What was counted."""
        pages, answer = self._asked(family, Piece.TABLE, metric, words.table(by), words.span.end_s)
        if (rows := len(answer.result)) > MOST_ROWS:
            raise InvalidRunError(
                f"asking Prometheus for profile {self.profile.name}: {rows} pairs of {metric} changed, more "
                f"than {MOST_ROWS}; narrow the profile's filters to the namespaces under study"
            )
        yield pages

    def _odd(self, family: Family, metric: str, words: Words) -> tuple[Words, list[tuple[Raw, ...]]]:
        """The scrapes of series that the table leaves out, and the words where it needs to leave out none."""
        resets = list(self._one_by_one(family, metric, words, words.reset, LOOK_BACK_S))
        gaps = list(self._one_by_one(family, metric, words, words.gap, EARLIER_S))
        return replace(words, has_resets=bool(resets), has_gaps=bool(gaps)), [*resets, *gaps]

    def _one_by_one(
        self, family: Family, metric: str, words: Words, query: str, back_s: float
    ) -> Iterator[tuple[Raw, ...]]:
        """The series that a query finds, and their scrapes from so long before the window on."""
        at_s = words.span.end_s
        odd = self._count(f"count({query})", at_s)
        if odd > MOST_ODD:
            raise InvalidRunError(
                f"asking Prometheus for profile {self.profile.name}: {odd} counters of {metric} restarted or "
                f"were not scraped for a while, more than {MOST_ODD} that are read one by one; measure while "
                "nothing is rolled out, or narrow the profile's filters"
            )
        if not odd:
            return
        pages, answer = self._asked(family, Piece.ODD, metric, query, at_s)
        yield pages
        for labels in _selections([row.metric for row in answer.rows]):
            yield self._asked(family, Piece.RAW, metric, words.raw(labels, back_s), at_s)[0]

    def _figures(self, metric: str, words: Words, ends_s: float) -> Iterator[tuple[Raw, ...]]:
        """How exact the counts are: when the scrapes were made, and what came, went or restarted."""
        start_s, end_s = words.span.start_s, words.span.end_s

        def asked(part: Piece, text: str, at_s: float) -> tuple[tuple[Raw, ...], bool]:
            pages, answer = self._asked(Family.CALLS, part, metric, text, at_s)
            return pages, bool(answer.rows)

        yield asked(Piece.FIRST_MIN, words.first_flank, start_s)[0]
        yield asked(Piece.LAST_MAX, words.last_flank(ends_s), end_s)[0]
        stale, is_there = asked(Piece.STALE, words.stale_at_start, start_s)
        yield stale
        if is_there:
            yield asked(Piece.OLDEST, words.oldest_flank, start_s)[0]
        if self._count(words.silent(ends_s), end_s):
            yield asked(Piece.ENDED, words.ended(ends_s), end_s)[0]
        newcomers, is_there = asked(Piece.NEWCOMERS, words.newcomers, end_s)
        yield newcomers
        if is_there:
            yield asked(Piece.NEWCOMERS_COUNTED, words.newcomers_counted, end_s)[0]
            yield asked(Piece.OLDER_NEWCOMERS, words.older_newcomers, end_s)[0]
        yield asked(Piece.DOUBLED, words.doubled, end_s)[0]
        if self._count(words.restarted, end_s):
            yield asked(Piece.HIDDEN, words.hidden_restarts, end_s)[0]

    def _asked(
        self, family: Family, part: Piece, metric: str, text: str, at_s: float
    ) -> tuple[tuple[Raw, ...], PromAnswer]:
        """A query with its answer: as it is stored, and as it is read."""
        asked = PromQuery(family=family, part=part, metric=metric, query=text, at_s=at_s)
        pages = query_pages(asked, self._client.query(text, at_s=at_s))
        return pages, next(answers_of(((), pages)))

    def _count(self, text: str, at_s: float | None) -> int:
        """The value of a query that counts; 0 where there is nothing to count."""
        pages = query_pages(
            PromQuery(family=Family.CALLS, part=Piece.TABLE, metric="", query=text, at_s=at_s or 0.0),
            self._client.query(text, at_s=at_s),
        )
        rows = next(answers_of(((), pages))).rows
        return round(float(rows[0].value[1])) if rows else 0

    def _now_s(self) -> float:
        """By the engine's clock."""
        answer = self._client.query("time()")["data"]
        try:
            return float(answer["result"][1])
        except (IndexError, KeyError, TypeError, ValueError):
            raise IncompleteError(
                f"asking Prometheus at {self._client.where} for its time: the answer holds none"
            ) from None


def _selections(series: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    """Labels by which to ask for these series: each by all of its own, or many of one target by the target's.

    InvalidRunError where that would be too many queries.
    """

    def target(one: dict[str, str]) -> tuple[str, ...]:
        return tuple(one.get(name, "") for name in _TARGET)

    crowds = Counter(map(target, series))
    by_target = len(series) > MOST_SINGLE
    chosen: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
    for one in series:
        named = [name for name in _TARGET if one.get(name)]
        labels = (
            {name: one[name] for name in named} if by_target and named and crowds[target(one)] > 1 else one
        )
        chosen[tuple(sorted(labels.items()))] = labels
    if len(chosen) > MOST_SINGLE:
        raise InvalidRunError(
            f"asking Prometheus: counters of {len(chosen)} targets restarted in the window, more than "
            f"{MOST_SINGLE}; measure while nothing is rolled out, or narrow the profile's filters"
        )
    yield from chosen.values()
