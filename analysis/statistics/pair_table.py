"""Pod pairs and what a sample names of their connections, as columns: there may be a million of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import overload

import numpy as np

from analysis.statistics import arrays
from analysis.statistics.arrays import Codes, Flags, Numbers
from analysis.statistics.clusters import ALL
from k8s.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledPair:
    """The calls from one client pod to one server pod."""

    client: str
    server: str
    stratum: str = ALL
    """E.g. the client's zone."""
    calls: int
    """All of them, from the graph."""
    same_zone: bool
    sampled: tuple[int, ...] = ()
    """Sampled calls on each connection that the sample names; empty without a sample."""
    alone: bool = False
    """Each call is a connection of its own: it is connections that were counted, and nothing is sampled."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairTable(Sequence[SampledPair]):
    """Columns of equal length, one value a pair; arrays are not written to once they are in here."""

    names: Sequence[str]
    """Of clients, servers and strata."""
    client: Codes
    """Of each pair: a place in *names*."""
    server: Codes
    stratum: Codes
    calls: Codes
    same_zone: Flags
    alone: Flags
    """See ``SampledPair``."""
    connections: Codes
    """Those that are known one by one."""
    known: Codes
    """Calls whose connection is known."""
    squares: Numbers
    """Of a pair all of whose calls are in the sample: the sum of the squares of its connections' calls."""
    row: Codes
    """Under which number *named* has the pair."""
    named: Mapping[int, tuple[int, ...]]
    """Sampled calls of each connection, of pairs with a connection of several of them."""

    @classmethod
    def of(cls, pairs: Sequence[SampledPair]) -> "PairTable":
        """The same pairs in the same order; UsageError for one with more sampled calls than calls."""
        if isinstance(pairs, PairTable):
            return pairs
        for pair in pairs:
            if pair.calls > 0 and (sum(pair.sampled) > pair.calls or min(pair.sampled, default=1) < 1):
                raise UsageError(
                    f"connections from {pair.client} to {pair.server}: "
                    f"{pair.sampled} sampled of {pair.calls} calls; "
                    "sample and graph must be of the same window"
                )
        names = list(dict.fromkeys(name for one in pairs for name in (one.client, one.server, one.stratum)))
        at = {name: code for code, name in enumerate(names)}
        return table(
            names,
            ends=(
                np.array([at[one.client] for one in pairs], np.int64),
                np.array([at[one.server] for one in pairs], np.int64),
            ),
            stratum=np.array([at[one.stratum] for one in pairs], np.int64),
            calls=np.array([one.calls for one in pairs], np.int64),
            same_zone=np.array([one.same_zone for one in pairs], np.bool_),
            alone=np.array([one.alone for one in pairs], np.bool_),
            named={row: one.sampled for row, one in enumerate(pairs) if one.sampled},
        )

    def __len__(self) -> int:
        return len(self.calls)

    @overload
    def __getitem__(self, at: int) -> SampledPair: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[SampledPair, ...]: ...

    def __getitem__(self, at: int | slice) -> SampledPair | tuple[SampledPair, ...]:
        if isinstance(at, slice):
            return tuple(self[one] for one in range(len(self))[at])
        at = range(len(self))[at]
        return SampledPair(
            client=self.names[self.client[at]],
            server=self.names[self.server[at]],
            stratum=self.names[self.stratum[at]],
            calls=int(self.calls[at]),
            same_zone=bool(self.same_zone[at]),
            sampled=self.sampled(at),
            alone=bool(self.alone[at]),
        )

    def __iter__(self) -> Iterator[SampledPair]:
        return (self[at] for at in range(len(self)))

    def sampled(self, at: int) -> tuple[int, ...]:
        """Sampled calls on each connection of a pair that the sample names."""
        if self.alone[at]:
            return ()
        named = self.named.get(int(self.row[at]))
        return (1,) * int(self.known[at]) if named is None else named

    @property
    def strata(self) -> list[int]:
        """Places in *names* of those that occur, ascending."""
        found: list[int] = arrays.occurring(self.stratum, len(self.names)).tolist()
        return found

    def take(self, at: Flags) -> "PairTable":
        """Those that are marked."""
        if at.all():
            return self
        return replace(
            self,
            client=self.client[at],
            server=self.server[at],
            stratum=self.stratum[at],
            calls=self.calls[at],
            same_zone=self.same_zone[at],
            alone=self.alone[at],
            connections=self.connections[at],
            known=self.known[at],
            squares=self.squares[at],
            row=self.row[at],
        )


def table(
    names: Sequence[str],
    *,
    ends: tuple[Codes, Codes],
    stratum: Codes,
    calls: Codes,
    same_zone: Flags,
    alone: Flags | None = None,
    named: Mapping[int, tuple[int, ...]] | None = None,
    each: Codes | None = None,
) -> PairTable:
    """Pairs by the places of their *ends*, with their connections.

    Those that a sample *named*, by row; or of *each* pair so many, of one call each.
    """
    named = named or {}
    alone = np.zeros(len(calls), np.bool_) if alone is None else alone
    calls = calls.astype(np.int64)
    ones = np.zeros(len(calls), np.int64) if each is None else each.astype(np.int64)
    connections, known, squares = ones.copy(), ones.copy(), ones.astype(np.float64)
    for row, sampled in named.items():
        connections[row], known[row] = len(sampled), sum(sampled)
        squares[row] = float(sum(one * one for one in sampled))
    return PairTable(
        names=names,
        client=ends[0],
        server=ends[1],
        stratum=stratum,
        calls=calls,
        same_zone=same_zone,
        alone=alone,
        connections=np.where(alone, calls, connections),
        known=np.where(alone, calls, known),
        squares=squares,
        row=np.arange(len(calls)),
        named=named,
    )
