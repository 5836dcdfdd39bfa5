"""The queries, in PromQL: differences of counters without ``increase()``, which extrapolates (pure).

The value at a window's end minus the value at its start is exact where both are scrapes: ``last_over_time``
takes them, also over the markers that a failed scrape leaves. Series that restarted, or were not scraped for
a while, are left out of the table and asked for one by one (``differences`` adds those up).
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

LOOK_BACK_S: Final = 300.0
"""How old a scrape before the window may be: Prometheus' own look-back."""
EARLIER_S: Final = 3600.0
"""A series that was there within this time before the window was not born in it."""
_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABELS_OF_TARGET: Final = "job, instance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Between which two moments the engine is asked for its last scrapes, seconds since the epoch."""

    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """Its length in seconds."""
        return self.end_s - self.start_s


def text_of(value: str) -> str:
    """A string of PromQL."""
    return json.dumps(value)


def selector(metric: str, filters: Iterable[str] = ()) -> str:
    """Of a name with filters; a selector that has filters of its own gets these besides."""
    name, brace, rest = metric.partition("{")
    inside = [part for part in (rest.rpartition("}")[0], *filters) if part] if brace else list(filters)
    return f"{name}{{{', '.join(inside)}}}" if inside else name


def pattern_selector(pattern: str, filters: Iterable[str] = ()) -> str:
    """Of every metric whose whole name matches."""
    return selector("", (f"__name__=~{text_of(pattern)}", *filters))


def is_metric(name: str) -> bool:
    """Whether it can be a metric's name."""
    return _METRIC.fullmatch(name) is not None


def duration(seconds: float) -> str:
    """Milliseconds, which is all that Prometheus keeps."""
    return f"{max(1, round(seconds * 1000))}ms"


def moment(at_s: float) -> str:
    """For ``@``."""
    return f"{at_s:.3f}"


def interval(of: str) -> str:
    """The longest interval at which the targets of a selector, or all of them, were scraped lately.

    ``up`` is written at every scrape, also at one that fails.
    """
    times = f"timestamp(up)[{duration(LOOK_BACK_S)}:1s]"
    each = f"(max_over_time({times}) - min_over_time({times})) / (changes({times}) > 0)"
    return f"max(({each}) and on ({_LABELS_OF_TARGET}) {of})" if of else f"max({each})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The queries about one selector between two moments.

    Each mention of the selector costs the engine a walk through its series, so what is known to be none
    (servers of a pair, restarts, gaps) is left out.
    """

    selector: str
    span: Span
    ha_labels: tuple[str, ...] = ()
    """Labels that tell servers which scrape the same targets apart, where there are such."""
    has_resets: bool = True
    has_gaps: bool = True

    def merged(self, vector: str) -> str:
        """Two servers that scrape the same targets are one: the later, which is the higher, value counts."""
        return f"max without ({', '.join(self.ha_labels)}) ({vector})" if self.ha_labels else f"({vector})"

    def _last(self, seconds: float, at_s: float) -> str:
        return f"last_over_time({self.selector}[{duration(seconds)}] @ {moment(at_s)})"

    @property
    def _within(self) -> str:
        return f"{self.selector}[{duration(self.span.length_s)}] @ {moment(self.span.end_s)}"

    @property
    def _times(self) -> str:
        return self.merged(f"timestamp({self.selector})")

    @property
    def before(self) -> str:
        """The value at the start."""
        return self.merged(self._last(LOOK_BACK_S, self.span.start_s))

    @property
    def earlier(self) -> str:
        """Also where it had not been scraped for a while."""
        return self.merged(self._last(EARLIER_S, self.span.start_s)) if self.has_gaps else self.before

    @property
    def inside(self) -> str:
        """The last value between both moments."""
        return self.merged(self._last(self.span.length_s, self.span.end_s))

    @property
    def reset(self) -> str:
        """Series whose value went down."""
        return self.merged(
            f"(resets({self._within}) > 0) or "
            f"(min_over_time({self._within}) < {self._last(LOOK_BACK_S, self.span.start_s)})"
        )

    @property
    def gap(self) -> str:
        """Series that come back after they had not been scraped for a while before the window."""
        return f"({self.inside} and {self.earlier}) unless {self.before}"

    @property
    def born(self) -> str:
        """Series that were not there before."""
        return f"({self.inside} unless {self.earlier})"

    def paired(self) -> str:
        """How many series there are of servers that scrape the same targets."""
        back = duration(LOOK_BACK_S)
        several = (selector(self.selector, (f'{label}!=""',)) for label in self.ha_labels)
        return " or ".join(f"count(last_over_time({one}[{back}]))" for one in several)

    def table(self, by: Iterable[str]) -> str:
        """What all but the odd series counted, by these labels; who is born here counted from 0."""
        plain = f"({self.inside} - {self.before}) or {self.born}"
        if self.has_resets:
            plain = f"({plain}) unless ({self.reset})"
        labels = ", ".join(by)
        return f"sum by ({labels}) ({plain})" if labels else f"sum({plain})"

    def raw(self, labels: Mapping[str, str], back_s: float) -> str:
        """Every scrape of the series with these labels, from so long before the window on."""
        given = sorted((name, value) for name, value in labels.items() if name != "__name__")
        wanted = (f"{name}={text_of(value)}" for name, value in given)
        return f"{selector(self.selector, wanted)}[{duration(self.span.length_s + back_s)}]"

    @property
    def first_flank(self) -> str:
        """When the earliest of the scrapes at the start was made; asked at the start."""
        return f"min({self._times} and {self.inside})"

    @property
    def stale_at_start(self) -> str:
        """How many series had a failed scrape last, or none for a while; asked at the start."""
        return f"count(({self.before} and {self.inside}) unless {self.merged(self.selector)})"

    @property
    def oldest_flank(self) -> str:
        """As first_flank, over failed scrapes; asked at the start."""
        times = f"max_over_time(timestamp({self.selector})[{duration(LOOK_BACK_S)}:5s])"
        return f"min({self.merged(times)} and {self.inside})"

    def last_flank(self, since_s: float) -> str:
        """When the latest of the scrapes after a moment was made; asked at the end."""
        return f"max({self._times} >= {moment(since_s)})"

    def silent(self, since_s: float) -> str:
        """How many series were not scraped any more after a moment; asked at the end."""
        return f"count({self.inside} unless ({self._times} >= {moment(since_s)}))"

    def ended(self, since_s: float) -> str:
        """How many of those had counted something."""
        counted = f"(({self.inside} - {self.before}) > 0) or {self.born}"
        return f"count(({counted}) unless ({self._times} >= {moment(since_s)}))"

    @property
    def _unseen(self) -> str:
        """Born of a target that was not scraped before."""
        seen = f"max_over_time(up[{duration(LOOK_BACK_S)}] @ {moment(self.span.start_s)}) > 0"
        return f"({self.born} unless on ({_LABELS_OF_TARGET}) ({seen}))"

    @property
    def newcomers(self) -> str:
        """How many they are."""
        return f"count({self._unseen})"

    @property
    def newcomers_counted(self) -> str:
        """What they had counted at their first scrape."""
        return f"sum({self.merged(f'min_over_time({self._within})')} and {self._unseen})"

    @property
    def older_newcomers(self) -> str:
        """What those had counted then whose process runs since before the window."""
        started = (
            f"last_over_time(process_start_time_seconds[{duration(self.span.length_s)}] "
            f"@ {moment(self.span.end_s)}) < {moment(self.span.start_s)}"
        )
        first = f"{self.merged(f'min_over_time({self._within})')} and {self._unseen}"
        return f"sum(({first}) and on ({_LABELS_OF_TARGET}) ({started}))"

    @property
    def _fresh(self) -> str:
        """Processes that restarted in the window."""
        ranged = f"[{duration(self.span.length_s + LOOK_BACK_S)}] @ {moment(self.span.end_s)}"
        return (
            f"(changes(process_start_time_seconds{ranged}) > 0) and "
            f"(last_over_time(process_start_time_seconds{ranged}) >= {moment(self.span.start_s)})"
        )

    @property
    def restarted(self) -> str:
        """How many processes restarted in the window, whatever they are."""
        return f"count({self._fresh})"

    @property
    def hidden_restarts(self) -> str:
        """How many series belong to such a process while their value only rose."""
        known = f"{self.inside} and {self.before}"
        if self.has_resets:
            known = f"({known}) unless ({self.reset})"
        return f"count(({known}) and on ({_LABELS_OF_TARGET}) ({self._fresh}))"

    @property
    def doubled(self) -> str:
        """How many targets are scraped by several jobs, each of which has all of their series."""
        named = replace(self, selector=selector(self.selector, ('instance!=""',)))
        return f"count(count by (instance) (count by (instance, job) ({named.inside})) > 1)"

    def live(self, at_s: float) -> str:
        """Series that were scraped shortly before a moment."""
        return self.merged(self._last(LOOK_BACK_S, at_s))

    def seen(self, since_s: float, delay_s: float, *, of_all: bool = False) -> str:
        """How many of those were scraped within a delay after it; or, *of_all*, how many series at all."""
        found = self.merged(self._last(delay_s, since_s + delay_s))
        return f"count({found})" if of_all else f"count({found} and {self.live(since_s)})"

    def pending(self, since_s: float, delay_s: float) -> str:
        """How many of them were not, although nothing says that they ended; asked at that delay."""
        late = f"({self.live(since_s)} unless {self.merged(self._last(delay_s, since_s + delay_s))})"
        failing = f"{late} and on ({_LABELS_OF_TARGET}) (up == 0)"
        return f"count(({late} and {self.merged(self.selector)}) or ({failing}))"
