"""Stored Prometheus answers -> domain values; loads no client, so that a run is read without the store."""

import gc
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from analysis.source.facts import Facts
from analysis.source.interface import Call, Counts, Reader, Received
from analysis.source.prometheus.differences import Stepped, one_of, stepped
from analysis.source.prometheus.profiles import Profile
from analysis.source.prometheus.remarks_on_counts import Noticed, remarks, true_window
from analysis.source.prometheus.sides import CallEnds, Naming, SeriesLabels
from analysis.source.prometheus.stored_answers import (
    About,
    Family,
    Piece,
    PromAnswer,
    about_of,
    answers_of,
    number,
)

NAME: Final = "prometheus"
TITLE: Final = "Prometheus"
BUCKET: Final = "le"
_WHOLE: Final = 1e-6
_FIGURES: Final = frozenset(Piece) - {Piece.TABLE, Piece.ODD, Piece.RAW}

Counted = tuple[SeriesLabels, str, float]
"""(labels, metric, how much)"""


@dataclass(slots=True)
class _Totals:
    """Of one pair."""

    count: float = 0.0
    faults: float = 0.0
    errors: float = 0.0
    total_s: float = 0.0
    buckets: dict[float, float] | None = None
    """Counts up to an upper bound."""


@dataclass(slots=True, kw_only=True)
class _Heap:
    """The answers by what they are."""

    about: About
    figures: dict[Piece, float] = field(default_factory=dict)
    tables: defaultdict[Family, list[Counted]] = field(default_factory=lambda: defaultdict(list))
    odd: defaultdict[Family, list[tuple[SeriesLabels, str, Stepped]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    lacking: int = 0
    negative: int = 0
    broken: int = 0
    warnings: list[str] = field(default_factory=list)
    infos: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)

    def counted(self, family: Family) -> Iterator[Counted]:
        """From the table, and what was added up one by one."""
        yield from self.tables[family]
        for labels, metric, one in self.odd[family]:
            yield labels, metric, one.counted


class PrometheusReader(Reader):
    """Connections, requests or bytes between the sides that a profile's labels name."""

    def read(self, received: Received, facts: Facts) -> Counts:
        """Differences of counters, and where they are not exact."""
        was_on = gc.isenabled()
        # Many pairs make the collector look at all of them again and again; none is garbage yet.
        gc.disable()
        try:
            return self._read(received, facts)
        finally:
            if was_on:
                gc.enable()

    def _read(self, received: Received, facts: Facts) -> Counts:
        heap = _heap(received)
        profile = heap.about.profile
        naming = Naming.of(profile, facts, (labels for labels, _, _ in heap.counted(Family.CALLS)))
        totals = _totals(heap, naming)
        calls = tuple(_call(heap, ends, totals[ends]) for ends in sorted(totals, key=lambda one: one.order))
        seen = Noticed(
            about=heap.about,
            figures=heap.figures,
            odd=[one for _, _, one in heap.odd[Family.CALLS]],
            lacking=heap.lacking,
            negative=heap.negative,
            broken=heap.broken,
            shared=sorted(naming.shared),
            warnings=heap.warnings,
            infos=heap.infos,
        )
        return Counts(
            title=f"{TITLE} ({profile.name})",
            unit=profile.unit,
            grain=profile.grain,
            calls=tuple(one for one in calls if one.count or one.total_s),
            window=true_window(seen),
            unattributed=round(sum(value for _, _, value in heap.counted(Family.LOSSES))),
            flaws=remarks(seen),
            members_only=True,
            loss_meter=_loss_meter(profile),
            queries=tuple(heap.queries),
        )


def _loss_meter(profile: Profile) -> str:
    if profile.losses:
        return f"by its own counters: {', '.join(profile.losses)}"
    return "it has none: what was not reported is in no count"


def _heap(received: Received) -> _Heap:
    heap = _Heap(about=about_of(received.answers))
    odd: defaultdict[tuple[Family, str], list[SeriesLabels]] = defaultdict(list)
    raw: defaultdict[tuple[Family, str], list[PromAnswer]] = defaultdict(list)
    for one in answers_of(received.answers):
        heap.warnings += one.warnings
        heap.infos += one.infos
        heap.queries.append(one.asked.query)
        key = (one.asked.family, one.asked.metric)
        if one.asked.part is Piece.TABLE:
            counted = [(row.metric, key[1], number(row.value[1])) for row in one.rows]
            whole = [row for row in counted if math.isfinite(row[2])]
            heap.broken += len(counted) - len(whole)
            heap.tables[key[0]] += whole
        elif one.asked.part is Piece.ODD:
            odd[key] += [row.metric for row in one.rows]
        elif one.asked.part is Piece.RAW:
            raw[key].append(one)
        elif one.asked.part in _FIGURES and one.rows:
            _note(heap, one.asked.part, number(one.rows[0].value[1]))
    for key, labels in odd.items():
        _add_up(heap, key, labels, raw[key])
    return heap


def _note(heap: _Heap, part: Piece, value: float) -> None:
    """Of several metrics the least, the largest or the sum, as the figure's name says."""
    if not math.isfinite(value):
        return
    if part in {Piece.FIRST_MIN, Piece.OLDEST}:
        heap.figures[part] = min(value, heap.figures.get(part, math.inf))
    elif part is Piece.LAST_MAX:
        heap.figures[part] = max(value, heap.figures.get(part, -math.inf))
    else:
        heap.figures[part] = heap.figures.get(part, 0.0) + value


def _add_up(
    heap: _Heap, key: tuple[Family, str], labels: Sequence[SeriesLabels], raw: Iterable[PromAnswer]
) -> None:
    """Each odd series from its scrapes; servers that scraped the same one are one."""
    family, metric = key
    aside = frozenset({"__name__", *heap.about.profile.ha_labels})
    wanted = {_identity(one, aside) for one in labels}
    found: defaultdict[frozenset[tuple[str, str]], dict[frozenset[tuple[str, str]], Stepped]] = defaultdict(
        dict
    )
    span = heap.about.span
    for answer in raw:
        for series in answer.series:
            if (identity := _identity(series.metric, aside)) in wanted:
                scrapes = [(at_s, number(value)) for at_s, value in series.values]
                found[identity][frozenset(series.metric.items())] = stepped(scrapes, span.start_s, span.end_s)
    heap.lacking += len(wanted - found.keys())
    heap.odd[family] += [
        (dict(identity), metric, one_of(list(replicas.values()))) for identity, replicas in found.items()
    ]


def _identity(labels: SeriesLabels, aside: frozenset[str]) -> frozenset[tuple[str, str]]:
    return frozenset((name, value) for name, value in labels.items() if name not in aside)


def _totals(heap: _Heap, naming: Naming) -> dict[CallEnds, _Totals]:
    profile = heap.about.profile
    found: defaultdict[CallEnds, _Totals] = defaultdict(_Totals)
    fault, error = re.compile(profile.fault_values), re.compile(profile.error_values)
    for labels, metric, value in heap.counted(Family.CALLS):
        into = found[naming.ends(labels, metric)]
        into.count += value
        if profile.error_label:
            outcome = labels.get(profile.error_label, "")
            if profile.fault_values and fault.fullmatch(outcome):
                into.faults += value
            elif profile.error_values and error.fullmatch(outcome):
                into.errors += value
    for labels, metric, value in heap.counted(Family.LATENCY_SUM):
        found[naming.ends(labels, metric)].total_s += value * profile.latency_unit_s
    for labels, metric, value in heap.counted(Family.LATENCY_BUCKETS):
        bound = float(labels.get(BUCKET, "nan"))
        if not math.isnan(bound):
            into = found[naming.ends(labels, metric)]
            into.buckets = into.buckets or {}
            bound *= profile.latency_unit_s
            into.buckets[bound] = into.buckets.get(bound, 0.0) + value
    return dict(found)


def _call(heap: _Heap, ends: CallEnds, totals: _Totals) -> Call:
    many = heap.about.profile.multiplier
    if totals.count < -_WHOLE:
        heap.negative += 1
    if abs(totals.count - round(totals.count)) > _WHOLE:
        heap.broken += 1
    count, faults, errors = (
        max(0, round(value * many)) for value in (totals.count, totals.faults, totals.errors)
    )
    return Call(
        client=ends.client,
        server=ends.server,
        client_zone=ends.client_zone,
        server_zone=ends.server_zone,
        count=count,
        faults=faults,
        errors=errors,
        total_s=max(0.0, totals.total_s * many),
        histogram=tuple(_histogram(totals.buckets, many)) if totals.buckets else (),
    )


def _histogram(buckets: Mapping[float, float], many: int) -> Iterator[tuple[float, int]]:
    """Each bucket's own count at its upper bound; what is above the last bound stands at that bound."""
    below, bounds = 0.0, sorted(buckets)
    finite = [bound for bound in bounds if math.isfinite(bound)]
    own: defaultdict[float, float] = defaultdict(float)
    for bound in bounds:
        own[bound if math.isfinite(bound) else (finite[-1] if finite else 0.0)] += buckets[bound] - below
        below = buckets[bound]
    for bound, count in sorted(own.items()):
        if (whole := round(count * many)) > 0:
            yield bound, whole
