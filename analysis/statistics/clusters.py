"""What an arm's counts are worth, as values.

kube-proxy chooses an endpoint once a connection, at random among the usable ones, so all calls of a
connection are in the same zone or none is: their intraclass correlation is 1. The variance of a share over
connections of *n_i* calls is then p (1 - p) * sum(n_i^2) / sum(n_i)^2: as if there were
``sum(n_i)^2 / sum(n_i^2)`` calls that chose on their own (L. Kish, Survey Sampling (1965) 8.2; J. Official
Statistics 8 (1992) 183). This effective n needs no variance to be estimated, so it holds with few
connections, and it is on the safe side where a connection's calls are not all alike. The design effect is
calls / effective n. ``analysis/statistics/sampled_connections.py`` finds it, ``shares.py`` makes intervals of
it.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from loadtest.record import Caveat

ALL: Final = "all"
"""The one stratum of an arm whose strata were put together."""


class Unit(StrEnum):
    """What is taken for one random choice of an endpoint."""

    CONNECTION = "connection"
    PAIR = "pair"
    """All calls from a client pod to a server pod: the fewest connections that can be behind them."""
    CLIENT_POD = "client-pod"
    """All calls of a client pod: where clients come back to the endpoint that they had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StratumShare:
    """One stratum's share and what it is worth."""

    stratum: str
    calls: float
    share: float
    """Same-zone calls / calls."""
    effective_n: float
    """Calls that chose on their own with the same variance; 1 or more, not a whole number."""
    clusters: int
    """Connections (or what stands for them) with at least one call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmShare:
    """All that the intervals need of one arm."""

    unit: Unit
    strata: tuple[StratumShare, ...]
    """At least one, each with calls; sorted by name."""
    caveats: tuple[Caveat, ...] = ()

    @property
    def calls(self) -> float:
        """Calls over all strata."""
        return math.fsum(one.calls for one in self.strata)

    @property
    def share(self) -> float:
        """The same-zone share of the calls."""
        # The quotient may leave [0, 1] by a rounding error.
        return min(1.0, math.fsum(one.calls * one.share for one in self.strata) / self.calls)

    @property
    def clusters(self) -> int:
        """Connections, or what stands for them."""
        return sum(one.clusters for one in self.strata)

    @property
    def effective_n(self) -> float:
        """Independent choices worth as much, strata put together."""
        return self.calls**2 / math.fsum(one.calls**2 / one.effective_n for one in self.strata)


def together(arm: ArmShare) -> ArmShare:
    """The arm as one stratum."""
    one = StratumShare(
        stratum=ALL, calls=arm.calls, share=arm.share, effective_n=arm.effective_n, clusters=arm.clusters
    )
    return ArmShare(unit=arm.unit, strata=(one,), caveats=arm.caveats)
