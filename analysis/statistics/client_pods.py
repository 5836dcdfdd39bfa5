"""Clients that stick to their endpoints: whether they do, and what an arm's counts are worth if so.

Where a Service has session affinity, or a client's pool goes back to the endpoint it had, connections of one
client pod are no independent choices. A test on connections then calls equal arms changed in 24 to 84 of 100
cases. So each client pod is taken for one random choice.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from scipy import special

from analysis.statistics import arrays
from analysis.statistics.arrays import Codes, Numbers
from analysis.statistics.clusters import ArmShare, StratumShare, Unit
from analysis.statistics.pair_table import PairTable, SampledPair
from loadtest.record import Caveat

STICKY: Final = 0.001
"""Below this p-value clients are taken to stick. One comparison in a thousand takes the wider interval
without need."""
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far the connections of one client pod agree on a server pod, beyond those of its zone."""

    chi_squared: float
    freedom: int
    """0 where nothing can be seen: each zone has one client, or one server to go to."""

    @property
    def p_value(self) -> float:
        """Of as much agreement, or more, among connections that chose on their own."""
        return float(special.chdtrc(self.freedom, self.chi_squared)) if self.freedom else 1.0

    @property
    def times(self) -> float:
        """The spread between clients over that of independent choices; 1 where nothing can be seen."""
        return self.chi_squared / self.freedom if self.freedom else 1.0


def agreement(pairs: Sequence[SampledPair]) -> Agreement:
    """Pearson's chi-squared of client pods against server pods, zone by zone, on connections seen.

    Times (n - 1) / n, so that its mean is its degrees of freedom however few connections a client has (I.
    Campbell, Statistics in Medicine 26 (2007) 3661); clients of a single connection then show nothing.
    Each connection counts once, however many calls it carried. Zones all or none of whose calls stay are left
    out: there an endpoint's choice does not move the share. The only client of a zone has nobody to differ
    from: whether it sticks, or is sent unevenly, blocks tell and one window does not.
    """
    table = PairTable.of(pairs)
    chi_squared, freedom = 0.0, 0
    for zone in sorted(table.strata, key=lambda one: table.names[one]):
        members = table.take((table.stratum == zone) & (table.connections > 0))
        if members.same_zone.any() and not members.same_zone.all():
            seen = _table(members)
            total = float(seen.sum())
            expected = seen.sum(axis=1, keepdims=True) * seen.sum(axis=0, keepdims=True) / total
            chi_squared += float(((seen - expected) ** 2 / expected).sum()) * (total - 1) / total
            freedom += (seen.shape[0] - 1) * (seen.shape[1] - 1)
    return Agreement(chi_squared=chi_squared, freedom=freedom)


def _table(pairs: PairTable) -> Numbers:
    """Connections, of shape (client pods, server pods)."""
    names = len(pairs.names)
    clients, servers = arrays.ranked(pairs.client, names), arrays.ranked(pairs.server, names)
    shape = (int(clients.max()) + 1, int(servers.max()) + 1)
    found = np.bincount(clients * shape[1] + servers, pairs.connections, shape[0] * shape[1])
    return found.astype(np.float64).reshape(shape)


def together(found: Sequence[Agreement]) -> Agreement:
    """Of several windows."""
    return Agreement(
        chi_squared=math.fsum(one.chi_squared for one in found), freedom=sum(one.freedom for one in found)
    )


def by_client_pod(
    pairs: Sequence[SampledPair], connections: ArmShare, *, names_pods: bool = True
) -> ArmShare:
    """The share with each client pod as one cluster; *connections* is the same arm by connection.

    Linearised ratio estimator with t quantiles, folded into an effective n after E. L. Korn and B. I.
    Graubard, Survey Methodology 24 (1998) 193, with as many degrees of freedom as pods less strata. At least
    one choice a pod, at most what the connections are worth. Where a zone has a single pod its spread cannot
    be seen, and all zones are taken for one. Where clients are workloads, not
    *names_pods*, one in a zone is one cluster, for nothing tells its pods apart.
    """
    every = PairTable.of(pairs)
    used = every.take(every.calls > 0)
    zones = [one.stratum for one in connections.strata]
    codes, inverse = arrays.grouped(used.stratum, len(used.names))
    pods, pod = arrays.grouped(used.client, len(used.names))
    code = arrays.ranked(inverse * len(pods) + pod, len(codes) * len(pods))
    calls = np.bincount(code, used.calls).astype(float)
    same = np.bincount(code, used.calls * used.same_zone).astype(float)
    zone = np.empty(len(calls), np.int64)
    zone[code] = np.array([zones.index(used.names[one]) for one in codes.tolist()])[inverse]
    kish = (np.bincount(zone, calls) ** 2 / np.bincount(zone, calls**2)).astype(float)
    factor = _factor(calls, same, zone, kish)
    strata = tuple(
        StratumShare(
            stratum=one.stratum,
            calls=one.calls,
            share=one.share,
            effective_n=float(min(max(n, n * factor), max(n, one.effective_n))),
            clusters=int((zone == index).sum()),
        )
        for index, (one, n) in enumerate(zip(connections.strata, kish, strict=True))
    )
    text = f"Each of the {len(calls)} client pods is taken for one random choice."
    if not names_pods:
        text = (
            f"Each of the {len(calls)} client workloads, zone by zone, is taken for one random choice: their "
            "pods are not told apart."
        )
    return ArmShare(
        unit=Unit.CLIENT_POD, strata=strata, caveats=(Caveat(code="client-pod-clusters", text=text),)
    )


def _factor(calls: Numbers, same: Numbers, zone: Codes, kish: Numbers) -> float:
    """Choices that a pod is worth, from how its share differs from its zone's; 0 where that says nothing."""
    sums = np.bincount(zone, calls)
    members = np.bincount(zone)
    group = zone
    if members.min() < 2:  # noqa: PLR2004 - a variance needs two pods
        group, members = np.zeros_like(zone), np.array([len(zone)])
    freedom = len(zone) - len(members)
    share = np.bincount(group, same) / np.bincount(group, calls)
    residual = same - share[group] * calls
    spread = members / np.maximum(members - 1, 1)
    variance = float((spread[group] * residual**2).sum())
    own = np.bincount(zone, same) / sums
    single = float((sums**2 * own * (1 - own) / kish).sum())
    if freedom < 1 or variance <= 0:
        return 0.0
    z, t = _NORMAL.inv_cdf(0.975), float(special.stdtrit(freedom, 0.975))
    return single / variance * (z / t) ** 2
