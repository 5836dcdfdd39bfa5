"""Calls as columns: a million of them in arrays, each a ``Call`` only when somebody looks at it.

A graph of ten thousand pods has a million edges. An object for each takes seconds to make and a gigabyte to
keep, so what is done with all calls is done with arrays; whoever asks for one by its place gets the object.
Sums are what adding up the objects one after the other gives, to the last bit.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import eq
from typing import Final, overload

import numpy as np

from analysis.source.interface import Call
from analysis.statistics import arrays
from analysis.statistics.arrays import Codes, Flags, Numbers
from k8s.topology import Zone

NONE: Final = -1
"""In a column of codes or of connections: not known."""
_SMALL: Final = 2**31
_LONG_S: Final = 100.0
"""Response times from here on are few."""
Summed = tuple[float, tuple[tuple[float, int], ...]]
"""Seconds of several calls, and their histogram: (response time in seconds, count), sorted."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calls(Sequence[Call]):
    """Columns of equal length, one value a call; arrays are not written to once they are in here."""

    names: tuple[str, ...]
    """Sorted, so that codes sort as names do; those of other calls may be among them."""
    client: Codes
    """Of each call: its caller's place in *names*."""
    server: Codes
    counts: Codes
    faults: Codes
    errors: Codes
    total_s: Numbers
    bucket_ends: Codes
    """Of each call: where its buckets end; they begin where those of the call before end."""
    bucket_s: Numbers
    bucket_count: Codes
    zones: tuple[Zone, ...] = ()
    """Sorted."""
    client_zone: Codes | None = None
    """Places in *zones*, ``NONE`` where the source states none; None where it states none at all."""
    server_zone: Codes | None = None
    connections: Codes | None = None
    """``NONE`` where they are not counted; None where none are."""

    @classmethod
    def of(cls, calls: Sequence[Call]) -> "Calls":
        """The same calls in the same order."""
        if isinstance(calls, Calls):
            return calls
        names = tuple(sorted({name for one in calls for name in (one.client, one.server)}))
        zones = tuple(sorted({zone for one in calls for zone in (one.client_zone, one.server_zone) if zone}))
        at = {name: code for code, name in enumerate(names)}
        zone_at: dict[Zone | None, int] = {zone: code for code, zone in enumerate(zones)}
        buckets = [bucket for one in calls for bucket in one.histogram]
        return cls(
            names=names,
            client=integers(at[one.client] for one in calls),
            server=integers(at[one.server] for one in calls),
            counts=integers(one.count for one in calls),
            faults=integers(one.faults for one in calls),
            errors=integers(one.errors for one in calls),
            total_s=np.array([one.total_s for one in calls], np.float64),
            bucket_ends=np.cumsum(np.array([len(one.histogram) for one in calls], np.int64)),
            bucket_s=np.array([value for value, _ in buckets], np.float64),
            bucket_count=integers(count for _, count in buckets),
            zones=zones,
            client_zone=integers(zone_at.get(one.client_zone, NONE) for one in calls) if zones else None,
            server_zone=integers(zone_at.get(one.server_zone, NONE) for one in calls) if zones else None,
            connections=integers(NONE if one.connections is None else one.connections for one in calls)
            if any(one.connections is not None for one in calls)
            else None,
        )

    def __len__(self) -> int:
        return len(self.client)

    @overload
    def __getitem__(self, at: int) -> Call: ...

    @overload
    def __getitem__(self, at: slice) -> "Calls": ...

    def __getitem__(self, at: int | slice) -> "Call | Calls":
        if isinstance(at, slice):
            return self.take(np.arange(len(self))[at])
        at = range(len(self))[at]
        begin, end = self.bucket_ends[at - 1] if at else 0, self.bucket_ends[at]
        connections = NONE if self.connections is None else int(self.connections[at])
        return Call(
            client=self.names[self.client[at]],
            server=self.names[self.server[at]],
            count=int(self.counts[at]),
            faults=int(self.faults[at]),
            errors=int(self.errors[at]),
            total_s=float(self.total_s[at]),
            histogram=tuple(
                sorted(
                    zip(self.bucket_s[begin:end].tolist(), self.bucket_count[begin:end].tolist(), strict=True)
                )
            ),
            client_zone=self._zone(self.client_zone, at),
            server_zone=self._zone(self.server_zone, at),
            connections=None if connections == NONE else connections,
        )

    def __iter__(self) -> Iterator[Call]:
        return (self[at] for at in range(len(self)))

    def __eq__(self, other: object) -> bool:
        """Equal to any sequence of the same calls."""
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]

    @property
    def total(self) -> int:
        """Calls in all of them."""
        return int(self.counts.sum(dtype=np.int64))

    def total_of(self, marked: Flags) -> int:
        """Calls in those that are marked."""
        return int(self.counts[marked].sum(dtype=np.int64))

    @property
    def key(self) -> Codes:
        """Of each call: a number that sorts as client and server do."""
        found: Codes = self.client.astype(np.int64) * max(1, len(self.names)) + self.server
        return found

    @property
    def is_sorted(self) -> bool:
        """Whether each comes after the one before by client and server, and no two have both in common."""
        key = self.key
        return bool((key[1:] > key[:-1]).all())

    def in_order(self, marked: Flags) -> "Calls":
        """Those that are marked, sorted by client and server; of the same two as they stand here."""
        rows = np.flatnonzero(marked)
        return self.take(rows[np.argsort(self.key[rows], kind="stable")])

    def take(self, at: Codes | Flags) -> "Calls":
        """Those at these places, in their order, or those that are marked.

        Of a stretch of them nothing is copied but where their buckets end.
        """
        if at.dtype == np.bool_ and at.all():
            return self
        found: Codes = np.flatnonzero(at) if at.dtype == np.bool_ else at.astype(np.intp, copy=False)
        rows: Codes | slice = found
        buckets: Codes | slice
        if len(found) and found[-1] - found[0] == len(found) - 1 and bool((np.diff(found) == 1).all()):
            first, last = int(found[0]), int(found[-1])
            rows, begin = slice(first, last + 1), int(self.bucket_ends[first - 1]) if first else 0
            buckets, ends = slice(begin, int(self.bucket_ends[last])), self.bucket_ends[rows] - begin
        else:
            begins = np.where(found > 0, self.bucket_ends[found - 1], 0)
            buckets, ends = _spans(begins, self.bucket_ends[found])
        return replace(
            self,
            client=self.client[rows],
            server=self.server[rows],
            counts=self.counts[rows],
            faults=self.faults[rows],
            errors=self.errors[rows],
            total_s=self.total_s[rows],
            bucket_ends=ends,
            bucket_s=self.bucket_s[buckets],
            bucket_count=self.bucket_count[buckets],
            client_zone=None if self.client_zone is None else self.client_zone[rows],
            server_zone=None if self.server_zone is None else self.server_zone[rows],
            connections=None if self.connections is None else self.connections[rows],
        )

    def used(self) -> tuple[str, ...]:
        """The names of callers and callees, sorted."""
        return tuple(self.names[code] for code in self.used_codes.tolist())

    @property
    def used_codes(self) -> Codes:
        """Places in *names* of callers and callees, ascending."""
        ends = np.concatenate((self.client, self.server))
        return arrays.occurring(ends, len(self.names))

    def by_client(self) -> dict[str, int]:
        """Calls of each client, by its name."""
        return self._by_end(self.client)

    def by_server(self) -> dict[str, int]:
        """Calls to each server, by its name."""
        return self._by_end(self.server)

    def called_by(self, clients: Container[str]) -> dict[str, int]:
        """Calls of these clients to each server, by its name."""
        callers = arrays.occurring(self.client, len(self.names)).tolist()
        theirs = [code for code in callers if self.names[code] in clients]
        return self.take(np.isin(self.client, theirs)).by_server()

    def summed(self, marked: Flags | None = None) -> Summed | None:
        """Seconds of all calls, or of those that are marked, and their histogram; None without a call."""
        seconds, buckets = self.total_s, (self.bucket_s, self.bucket_count)
        if marked is not None and not marked.all():
            mine = np.repeat(marked, np.diff(self.bucket_ends, prepend=0))
            seconds, buckets = seconds[marked], (self.bucket_s[mine], self.bucket_count[mine])
        if not len(seconds):
            return None
        if len(seconds) == 1:
            return float(seconds[0]), self[0 if marked is None else int(np.argmax(marked))].histogram
        value_s, count = _added(*buckets)
        # One after the other, as floating point numbers are not associative.
        total_s = float(np.add.accumulate(seconds)[-1])
        return total_s, tuple(zip(value_s.tolist(), count.tolist(), strict=True))

    def _by_end(self, column: Codes) -> dict[str, int]:
        places = len(self.names)
        found = arrays.sums(column, self.counts, places)
        return {self.names[code]: int(found[code]) for code in arrays.occurring(column, places).tolist()}

    def _zone(self, column: Codes | None, at: int) -> Zone | None:
        return None if column is None or column[at] == NONE else self.zones[column[at]]


def integers(values: Iterable[int]) -> Codes:
    """A column of whole numbers."""
    return compact(np.fromiter(values, np.int64))


def compact(column: Codes) -> Codes:
    """In half the space, where the numbers allow it."""
    if not len(column) or (column.max() < _SMALL and column.min() >= -_SMALL):
        return column.astype(np.int32, copy=False)
    return column


def by_edge(calls: Calls) -> Calls:
    """Sorted by client and server, and added up where several have both in common, in their order.

    Of calls of pods, which have neither zones nor connections of their own.
    """
    if calls.is_sorted:
        return calls
    sorted_calls = calls.in_order(np.ones(len(calls), np.bool_))
    key = sorted_calls.key
    is_first = _is_first(key)
    if is_first.all():
        return sorted_calls
    begins = np.flatnonzero(is_first)
    group = np.cumsum(is_first) - 1
    times = np.diff(np.append(begins, len(key)))
    total_s = sorted_calls.total_s[begins]
    for nth in range(1, int(times.max())):
        more = np.flatnonzero(times > nth)
        total_s[more] += sorted_calls.total_s[begins[more] + nth]
    ends, value_s, count = _joined(sorted_calls, group, times)
    return replace(
        sorted_calls,
        client=sorted_calls.client[begins],
        server=sorted_calls.server[begins],
        counts=_per_group(sorted_calls.counts, begins),
        faults=_per_group(sorted_calls.faults, begins),
        errors=_per_group(sorted_calls.errors, begins),
        total_s=total_s,
        bucket_ends=ends,
        bucket_s=value_s,
        bucket_count=count,
    )


def _is_first(column: Codes | Numbers) -> Flags:
    """Of each row: whether its value is another one than that of the row before."""
    found = np.ones(len(column), np.bool_)
    found[1:] = column[1:] != column[:-1]
    return found


def _per_group(column: Codes, begins: Codes) -> Codes:
    return compact(np.add.reduceat(column, begins, dtype=np.int64))


def _joined(calls: Calls, group: Codes, times: Codes) -> tuple[Codes, Numbers, Codes]:
    """The buckets of each group: as they are of one call, added up by value of several."""
    lengths = np.diff(calls.bucket_ends, prepend=0)
    owner = np.repeat(group, lengths)
    is_several = times[owner] > 1
    order = np.lexsort((calls.bucket_s, np.where(is_several, owner, NONE)))
    order = order[is_several[order]]
    value_s, whose = calls.bucket_s[order], owner[order]
    begins = np.flatnonzero(_is_first(value_s) | _is_first(whose))
    alone = ~is_several
    counts = calls.bucket_count
    added = np.add.reduceat(counts[order], begins, dtype=np.int64) if len(begins) else begins
    owners = np.concatenate((owner[alone], whose[begins]))
    again = np.argsort(owners, kind="stable")
    return (
        np.cumsum(np.bincount(owners, minlength=len(times))),
        np.concatenate((calls.bucket_s[alone], value_s[begins]))[again],
        compact(np.concatenate((counts[alone].astype(np.int64), added))[again]),
    )


def _added(value_s: Numbers, count: Codes) -> tuple[Numbers, Codes]:
    """Each value once, ascending, with all its counts."""
    if (found := _added_ms(value_s, count)) is not None:
        return found
    order = np.argsort(value_s, kind="stable")
    value_s = value_s[order]
    begins = np.flatnonzero(_is_first(value_s))
    if not len(begins):
        return value_s, begins
    return value_s[begins], np.add.reduceat(count[order], begins, dtype=np.int64)


def _added_ms(value_s: Numbers, count: Codes) -> tuple[Numbers, Codes] | None:
    """The same of whole milliseconds, as X-Ray rounds to: counted, not sorted; None where any is none."""
    if not len(value_s) or not 0 <= value_s.max() < _LONG_S:
        return None
    whole = np.rint(value_s * 1000)
    if (whole / 1000 != value_s).any() or whole.min() < 0:
        return None
    at = whole.astype(np.int64)
    places = int(at.max()) + 1
    found = arrays.occurring(at, places)
    return found / 1000, arrays.sums(at, count, places)[found]


def _spans(begins: Codes, ends: Codes) -> tuple[Codes, Codes]:
    """The places from each begin to its end, one span after the other; and where each span then ends."""
    lengths = ends - begins
    new_ends = np.cumsum(lengths)
    total = int(new_ends[-1]) if len(new_ends) else 0
    return np.arange(total) + np.repeat(begins - (new_ends - lengths), lengths), new_ends


def joined(parts: Sequence[Calls]) -> Calls:
    """One after the other."""
    if len(parts) == 1:
        return parts[0]
    names = tuple(sorted({name for one in parts for name in one.names}))
    zones = tuple(sorted({zone for one in parts for zone in one.zones}))
    at = {name: code for code, name in enumerate(names)}
    zone_at = {zone: code for code, zone in enumerate(zones)}
    recoded = [np.array([at[name] for name in one.names], np.int64) for one in parts]
    offsets = np.cumsum([0, *(len(one.bucket_s) for one in parts)])
    return Calls(
        names=names,
        client=_stacked([new[one.client] for one, new in zip(parts, recoded, strict=True)]),
        server=_stacked([new[one.server] for one, new in zip(parts, recoded, strict=True)]),
        counts=_stacked([one.counts for one in parts]),
        faults=_stacked([one.faults for one in parts]),
        errors=_stacked([one.errors for one in parts]),
        total_s=np.concatenate([one.total_s for one in parts]) if parts else np.zeros(0),
        bucket_ends=_stacked([one.bucket_ends + by for one, by in zip(parts, offsets[:-1], strict=True)]),
        bucket_s=np.concatenate([one.bucket_s for one in parts]) if parts else np.zeros(0),
        bucket_count=_stacked([one.bucket_count for one in parts]),
        zones=zones,
        client_zone=_stated([(one, one.client_zone) for one in parts], zone_at),
        server_zone=_stated([(one, one.server_zone) for one in parts], zone_at),
        connections=None
        if all(one.connections is None for one in parts)
        else _stacked(
            [np.full(len(one), NONE) if one.connections is None else one.connections for one in parts]
        ),
    )


def _stacked(columns: Sequence[Codes]) -> Codes:
    return compact(np.concatenate([one.astype(np.int64) for one in columns]) if columns else np.zeros(0, int))


def _stated(parts: Sequence[tuple[Calls, Codes | None]], zone_at: Mapping[Zone, int]) -> Codes | None:
    """A column of stated zones, by their places in all zones."""
    if all(column is None for _, column in parts):
        return None
    found = []
    for one, column in parts:
        new = np.array([*(zone_at[zone] for zone in one.zones), NONE], np.int64)
        found.append(np.full(len(one), NONE) if column is None else new[column])  # NONE is the last place
    return _stacked(found)
