"""The same-zone share of connections that kube-proxy placed: what an arm's counts are worth.

kube-proxy chooses an endpoint once a connection, at random among the usable ones, so all calls of a
connection are in the same zone or none is: their intraclass correlation is 1. The variance of a share over
connections of *n_i* calls is then p (1 - p) * sum(n_i^2) / sum(n_i)^2: as if there were
``sum(n_i)^2 / sum(n_i^2)`` calls that chose on their own (L. Kish, Survey Sampling (1965) 8.2; J. Official
Statistics 8 (1992) 183). This effective n needs no variance to be estimated, so it holds with few
connections, and it is on the safe side where a connection's calls are not all alike. The design effect is
calls / effective n. ``analysis/statistics/shares.py`` makes intervals of it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from loadtest.record import Caveat

_NORMAL: Final = NormalDist()
_DEPENDENCE_LEVEL: Final = 0.001
"""Below this p-value of the pods' spread the connections of a pod are not taken for independent."""
_MANY: Final = 10
"""From this many connections on, failures that do not differ between them at all are not clumped."""
ALL: Final = "all"
"""The one stratum of an arm whose strata were put together."""


class Unit(StrEnum):
    """What is taken for one random choice of an endpoint."""

    CONNECTION = "connection"
    PAIR = "pair"
    """All calls from a client pod to a server pod: the fewest connections that can be behind them."""
    CLIENT_POD = "client-pod"
    """All calls of a client pod; needed with session affinity, where the client is what is placed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The calls of one TCP connection; or of a pod pair, where connections cannot be told apart."""

    client: str
    """The client pod."""
    server: str = ""
    """The server pod; needed for ``Unit.PAIR`` only."""
    stratum: str = ALL
    """What the probability depends on, e.g. the client's zone."""
    calls: int
    same_zone: int
    failures: int = 0


Numbers = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clusters:
    """Connections by column, each of shape (connections,); made for millions of them."""

    calls: Numbers
    same_zone: Numbers
    failures: Numbers
    stratum: Codes
    """Index into *strata*."""
    pod: Codes
    """A number for each client pod."""
    server: Codes
    """A number for each server pod."""
    strata: tuple[str, ...]


def of_connections(connections: Sequence[Connection]) -> Clusters:
    """By column; strata in the order of their names."""
    strata = tuple(sorted({one.stratum for one in connections}))
    stratum = {name: code for code, name in enumerate(strata)}
    pods: dict[str, int] = {}
    servers: dict[str, int] = {}
    return Clusters(
        calls=np.array([one.calls for one in connections], dtype=float),
        same_zone=np.array([one.same_zone for one in connections], dtype=float),
        failures=np.array([one.failures for one in connections], dtype=float),
        stratum=np.array([stratum[one.stratum] for one in connections], dtype=np.int64),
        pod=np.array([pods.setdefault(one.client, len(pods)) for one in connections], dtype=np.int64),
        server=np.array(
            [servers.setdefault(one.server, len(servers)) for one in connections], dtype=np.int64
        ),
        strata=strata,
    )


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

    @property
    def design_effect(self) -> float:
        """Calls / effective n: the calls-weighted mean number of calls of a connection."""
        return self.calls / self.effective_n


def arm_share(clusters: Clusters, unit: Unit = Unit.CONNECTION) -> ArmShare | None:
    """What the clusters say of the share; None without a call.

    Clusters without calls count for nothing. ``PAIR`` and ``CLIENT_POD`` are for connections that cannot be
    told apart, and say so: a pair taken for one connection is the widest interval that the counts allow.
    """
    used = clusters.calls > 0
    if not used.any():
        return None
    if unit is Unit.CLIENT_POD:
        return _by_pod(clusters, used)
    key = np.flatnonzero(used)
    caveats: tuple[Caveat, ...] = ()
    calls, same, stratum = clusters.calls[key], clusters.same_zone[key], clusters.stratum[key]
    if unit is Unit.PAIR:
        width = int(clusters.server.max()) + 1
        pairs, first, code = np.unique(
            clusters.pod[key] * width + clusters.server[key], return_index=True, return_inverse=True
        )
        calls, same = (np.bincount(code, column, len(pairs)).astype(float) for column in (calls, same))
        stratum = stratum[first]
        text = "Connections could not be told apart: each pod pair is taken for one, the widest interval."
        caveats = (Caveat(code="connections-unknown", text=text),)
    else:
        caveats = _pods_differ(calls, same, stratum, clusters.pod[key])
    return ArmShare(unit=unit, strata=_strata(calls, same, stratum, clusters.strata), caveats=caveats)


def _strata(
    calls: Numbers, same: Numbers, stratum: Codes, names: tuple[str, ...]
) -> tuple[StratumShare, ...]:
    size = len(names)
    total = np.bincount(stratum, calls, size)
    hits = np.bincount(stratum, same, size)
    squares = np.bincount(stratum, calls * calls, size)
    count = np.bincount(stratum, minlength=size)
    found = [
        StratumShare(
            stratum=name,
            calls=float(total[code]),
            share=float(hits[code] / total[code]),
            effective_n=float(total[code] ** 2 / squares[code]),
            clusters=int(count[code]),
        )
        for code, name in enumerate(names)
        if total[code] > 0
    ]
    return tuple(sorted(found, key=lambda one: one.stratum))


def _by_pod(clusters: Clusters, used: NDArray[np.bool_]) -> ArmShare:
    """Each client pod one cluster: linearised ratio estimator with t quantiles, folded into an effective n.

    n = p (1 - p) / V * (z / t)^2 after E. L. Korn and B. I. Graubard, Survey Methodology 24 (1998) 193, with
    as many degrees of freedom as pods less strata. At least one choice a pod, at most one a connection.
    """
    calls, same = clusters.calls[used], clusters.same_zone[used]
    pods, first, code = np.unique(clusters.pod[used], return_index=True, return_inverse=True)
    stratum = clusters.stratum[used][first]
    pod_calls = np.bincount(code, calls, len(pods))
    pod_same = np.bincount(code, same, len(pods))
    total, share = pod_calls.sum(), pod_same.sum() / pod_calls.sum()
    least = total**2 / (pod_calls**2).sum()
    most = total**2 / (calls**2).sum()
    members = np.bincount(stratum, minlength=len(clusters.strata))
    if (members[members > 0] < 2).any():  # noqa: PLR2004 - a variance needs two pods
        stratum, members = np.zeros_like(stratum), np.array([len(pods)])
    expected = np.bincount(stratum, pod_same) / np.maximum(np.bincount(stratum, pod_calls), 1)
    residual = pod_same - expected[stratum] * pod_calls
    factor = members / np.maximum(members - 1, 1)
    variance = float((factor[stratum] * residual**2).sum()) / total**2
    freedom = len(pods) - int((members > 0).sum())
    effective = least
    if freedom > 0 and variance > 0:
        z, t = _NORMAL.inv_cdf(0.975), float(special.stdtrit(freedom, 0.975))
        effective = min(max(least, share * (1 - share) / variance * (z / t) ** 2), most)
    text = f"Each of the {len(pods)} client pods is taken for one random choice."
    one = StratumShare(
        stratum=ALL,
        calls=float(total),
        share=float(share),
        effective_n=float(effective),
        clusters=len(pods),
    )
    return ArmShare(
        unit=Unit.CLIENT_POD, strata=(one,), caveats=(Caveat(code="client-pod-clusters", text=text),)
    )


def _pods_differ(calls: Numbers, same: Numbers, stratum: Codes, pod: Codes) -> tuple[Caveat, ...]:
    """A caveat where the pods of a stratum differ by more than independent connections would.

    Pearson's chi-squared of the pods' shares, each weighed with its connections' sum of squares.
    """
    size = int(pod.max()) + 1
    zone = np.zeros(size, dtype=np.int64)
    zone[pod] = stratum
    share = np.bincount(stratum, same) / np.maximum(np.bincount(stratum, calls), 1)
    spread = (share * (1 - share))[zone] * np.bincount(pod, calls * calls, size)
    gap = np.bincount(pod, same, size) - share[zone] * np.bincount(pod, calls, size)
    open_ = spread > 0
    freedom = int(open_.sum()) - len(np.unique(zone[open_]))
    if freedom < 1:
        return ()
    chi_squared = float((gap[open_] ** 2 / spread[open_]).sum())
    if float(special.chdtrc(freedom, chi_squared)) >= _DEPENDENCE_LEVEL:
        return ()
    text = (
        f"Client pods of one zone differ {math.sqrt(chi_squared / freedom):.1f} times as much as independent "
        "connections would: session affinity, or routing by node? Take the client pod as the unit."
    )
    return (Caveat(code="pods-differ", text=text),)


def together(arm: ArmShare) -> ArmShare:
    """The arm as one stratum."""
    one = StratumShare(
        stratum=ALL, calls=arm.calls, share=arm.share, effective_n=arm.effective_n, clusters=arm.clusters
    )
    return ArmShare(unit=arm.unit, strata=(one,), caveats=arm.caveats)


def failure_share(clusters: Clusters) -> ArmShare | None:
    """The share of failed calls, as one stratum; None without a call.

    A failure belongs to its call, not to the choice of the endpoint, so how failures clump is measured: the
    ratio estimator's variance over connections (W. G. Cochran, Sampling Techniques (1977) 6.4), at least one
    choice a connection, at most one a call. Where all or no calls fail, or as many on each of ten
    connections, there is no clumping, and each call counts.
    """
    used = clusters.calls > 0
    if not used.any():
        return None
    calls, failures = clusters.calls[used], clusters.failures[used]
    total, size = float(calls.sum()), len(calls)
    share = float(failures.sum()) / total
    effective = total
    if 0 < share < 1:
        least = total**2 / float((calls**2).sum())
        freedom = max(size - 1, 1)
        variance = size / freedom * float(((failures - share * calls) ** 2).sum()) / total**2
        z, t = _NORMAL.inv_cdf(0.975), float(special.stdtrit(freedom, 0.975))
        if variance > 1e-12 / total**2:
            effective = min(max(least, share * (1 - share) / variance * (z / t) ** 2), total)
        elif size < _MANY:
            effective = least
    one = StratumShare(stratum=ALL, calls=total, share=share, effective_n=effective, clusters=size)
    return ArmShare(unit=Unit.CONNECTION, strata=(one,))
