"""What an arm's counts are worth where only a sample of calls names its connection.

The service graph gives the calls of every pod pair exactly, but no connections; a sample of traces names the
connections of its calls (peer address and port). What matters is S = sum(n_i^2) over the connections of a
pair. Of a pair with N calls, K of them in the sample and k_i on connection i, every two calls come into the
sample together with probability K (K - 1) / (N (N - 1)), so

    S^ = N + N (N - 1) / (K (K - 1)) * sum(k_i (k_i - 1))

is unbiased for a simple random sample (D. G. Horvitz and D. J. Thompson, JASA 47 (1952) 663, for pairs).

Bias: calls of one trace that share a connection enter together, which makes S^ too large (on the safe side);
so does an ephemeral port that was used again. A sample that favours calls far apart in time, as X-Ray's own
one-a-second reservoir does, misses connections' calls that came together and makes S^ too small: choose the
trace ids at random among all. The effective n is made of an upper confidence limit of S, not of S^: the gamma
limit of M. P. Fay and E. J. Feuer, Statistics in Medicine 16 (1997) 791, whose zero count still gives the
rule of three. A pair with fewer than two sampled calls is taken for one connection, S = N^2, which is also
the most S can be.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scipy import stats

from analysis.statistics.clusters import ALL, ArmShare, StratumShare, Unit
from k8s.errors import UsageError
from loadtest.record import Caveat

ASSURANCE: Final = 0.95
"""Confidence of the upper limit of a stratum's sum of squares."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledArm:
    """An arm's counts, and what the sample said of its connections."""

    arm: ArmShare
    """Made with the upper limit; its clusters are the connections that the sample named."""
    design_effect: float
    """The unbiased estimate: calls-weighted mean calls of a connection, 1 or more."""
    design_effect_limit: float
    """What the intervals use."""
    sampled_calls: int
    unsampled_pairs: int
    """Pod pairs with calls but fewer than two of them in the sample, each taken for one connection."""


def sampled_arm(pairs: Sequence[SampledPair], *, assurance: float = ASSURANCE) -> SampledArm | None:
    """The share and its effective n by stratum; None without a call.

    Without any sample this is each pod pair as one connection: the widest interval. UsageError for a pair
    with more sampled calls than calls.
    """
    used = [pair for pair in pairs if pair.calls > 0]
    for pair in used:
        if sum(pair.sampled) > pair.calls or min(pair.sampled, default=1) < 1:
            raise UsageError(
                f"connections from {pair.client} to {pair.server}: "
                f"{pair.sampled} sampled of {pair.calls} calls; "
                "sample and graph must be of the same window"
            )
    if not used:
        return None
    by_stratum: dict[str, list[SampledPair]] = {}
    for pair in used:
        by_stratum.setdefault(pair.stratum, []).append(pair)
    strata, estimate, limit = [], 0.0, 0.0
    for name, members in sorted(by_stratum.items()):
        squares, most = _squares(members, assurance)
        strata.append(_stratum(name, members, most))
        estimate += squares
        limit += most
    calls = sum(pair.calls for pair in used)
    blind = sum(1 for pair in used if not _seen(pair))
    return SampledArm(
        arm=ArmShare(unit=_unit(used), strata=tuple(strata), caveats=_caveats(used, blind)),
        design_effect=estimate / calls,
        design_effect_limit=limit / calls,
        sampled_calls=sum(sum(pair.sampled) for pair in used),
        unsampled_pairs=blind,
    )


def _seen(pair: SampledPair) -> bool:
    """Whether the sample says anything; one call is a connection of its own, sampled or not."""
    return sum(pair.sampled) > 1 or pair.calls == 1


def _unit(pairs: Sequence[SampledPair]) -> Unit:
    """A pod pair, unless the sample says something of a pair of more than one call, or there is none."""
    several = [pair for pair in pairs if pair.calls > 1]
    return Unit.CONNECTION if not several or any(_seen(pair) for pair in several) else Unit.PAIR


def _squares(pairs: Sequence[SampledPair], assurance: float) -> tuple[float, float]:
    """Estimate and upper limit of the sum of squares of a stratum."""
    known, certain, together, variance, heaviest, most = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for pair in pairs:
        n, k = pair.calls, sum(pair.sampled)
        if k < 2:  # noqa: PLR2004 - two calls make a pair of calls
            certain += n * n
            continue
        if k == n:
            certain += math.fsum(one * one for one in pair.sampled)
            continue
        known += n
        most += n * n
        weight = n * (n - 1) / (k * (k - 1))
        together += weight * sum(one * (one - 1) for one in pair.sampled)
        # Of k (k - 1) for Poisson k, estimated without bias from the factorial moments.
        variance += weight**2 * sum(
            4 * one * (one - 1) * (one - 2) + 2 * one * (one - 1) for one in pair.sampled
        )
        heaviest = max(heaviest, 2 * weight)
    if not known:
        return certain, certain
    mean, spread = together + heaviest, variance + heaviest**2
    limit = spread / (2 * mean) * float(stats.chi2.ppf(assurance, 2 * mean**2 / spread))
    limit = max(limit, together)
    return certain + min(known + together, most), certain + min(known + limit, most)


def _stratum(name: str, pairs: Sequence[SampledPair], squares: float) -> StratumShare:
    calls = sum(pair.calls for pair in pairs)
    return StratumShare(
        stratum=name,
        calls=calls,
        share=sum(pair.calls for pair in pairs if pair.same_zone) / calls,
        effective_n=calls**2 / squares,
        clusters=sum(max(1, len(pair.sampled)) for pair in pairs),
    )


def _caveats(pairs: Sequence[SampledPair], blind: int) -> tuple[Caveat, ...]:
    if _unit(pairs) is Unit.PAIR:
        text = "Connections could not be told apart: each pod pair is taken for one, the widest interval."
        return (Caveat(code="connections-unknown", text=text),)
    if all(sum(pair.sampled) == pair.calls for pair in pairs):
        return ()
    sampled, calls = sum(sum(pair.sampled) for pair in pairs), sum(pair.calls for pair in pairs)
    text = (
        f"Connections are known of {sampled} of {calls} calls; intervals use an upper limit of their reuse."
    )
    if blind:
        text += f" {blind} of {len(pairs)} pod pairs have no sample: each is taken for one connection."
    return (Caveat(code="connections-sampled", text=text),)
