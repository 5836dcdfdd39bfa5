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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

from analysis.statistics.arrays import Flags, Numbers
from analysis.statistics.clusters import ArmShare, StratumShare, Unit
from analysis.statistics.pair_table import PairTable, SampledPair
from loadtest.record import Caveat

ASSURANCE: Final = 0.95
"""Confidence of the upper limit of a stratum's sum of squares."""


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
    every = PairTable.of(pairs)
    used = every.take(every.calls > 0)
    if not len(used):
        return None
    strata, estimate, limit = [], 0.0, 0.0
    for code in sorted(used.strata, key=lambda one: used.names[one]):
        members = used.take(used.stratum == code)
        squares, most = _squares(members, assurance)
        strata.append(_stratum(used.names[code], members, most))
        estimate += squares
        limit += most
    calls = int(used.calls.sum())
    blind = int((~_seen(used)).sum())
    return SampledArm(
        arm=ArmShare(unit=_unit(used), strata=tuple(strata), caveats=_caveats(used, blind)),
        design_effect=estimate / calls,
        design_effect_limit=limit / calls,
        sampled_calls=int(used.known.sum()),
        unsampled_pairs=blind,
    )


def _seen(pairs: PairTable) -> Flags:
    """Whether the sample says anything; one call is a connection of its own, sampled or not."""
    found: Flags = pairs.alone | (pairs.known > 1) | (pairs.calls == 1)
    return found


def _unit(pairs: PairTable) -> Unit:
    """A pod pair, unless the sample says something of a pair of more than one call, or there is none."""
    several = pairs.calls > 1
    return Unit.CONNECTION if not several.any() or (several & _seen(pairs)).any() else Unit.PAIR


def _squares(pairs: PairTable, assurance: float) -> tuple[float, float]:
    """Estimate and upper limit of the sum of squares of a stratum.

    Each sum runs in the pairs' order.
    """
    calls = pairs.calls.astype(np.float64)
    is_blind = ~pairs.alone & (pairs.known < 2)  # noqa: PLR2004 - two calls make a pair of calls
    is_whole = ~pairs.alone & ~is_blind & (pairs.known == pairs.calls)
    certain = np.where(pairs.alone, calls, np.where(is_blind, calls * calls, pairs.squares))
    in_part = ~(pairs.alone | is_blind | is_whole)
    sure = _in_order(certain[~in_part])
    if not in_part.any():
        return sure, sure
    together, variance, heaviest = 0.0, 0.0, 0.0
    for row in np.flatnonzero(in_part).tolist():
        n, k, sampled = int(pairs.calls[row]), int(pairs.known[row]), pairs.sampled(row)
        weight = n * (n - 1) / (k * (k - 1))
        together += weight * sum(one * (one - 1) for one in sampled)
        # Of k (k - 1) for Poisson k, estimated without bias from the factorial moments.
        variance += weight**2 * sum(4 * one * (one - 1) * (one - 2) + 2 * one * (one - 1) for one in sampled)
        heaviest = max(heaviest, 2 * weight)
    known, most = _in_order(calls[in_part]), _in_order(calls[in_part] * calls[in_part])
    mean, spread = together + heaviest, variance + heaviest**2
    limit = spread / (2 * mean) * float(stats.chi2.ppf(assurance, 2 * mean**2 / spread))
    limit = max(limit, together)
    return sure + min(known + together, most), sure + min(known + limit, most)


def _in_order(values: Numbers) -> float:
    """Added up one after the other."""
    return float(np.add.accumulate(values)[-1]) if len(values) else 0.0


def _stratum(name: str, pairs: PairTable, squares: float) -> StratumShare:
    calls = int(pairs.calls.sum())
    return StratumShare(
        stratum=name,
        calls=calls,
        share=int(pairs.calls[pairs.same_zone].sum()) / calls,
        effective_n=calls**2 / squares,
        clusters=int(np.maximum(1, pairs.connections).sum()),
    )


def _caveats(pairs: PairTable, blind: int) -> tuple[Caveat, ...]:
    if _unit(pairs) is Unit.PAIR:
        text = "Connections could not be told apart: each pod pair is taken for one, the widest interval."
        return (Caveat(code="connections-unknown", text=text),)
    if bool((pairs.known == pairs.calls).all()):
        return ()
    sampled, calls = int(pairs.known.sum()), int(pairs.calls.sum())
    text = (
        f"Connections are known of {sampled} of {calls} calls; intervals use an upper limit of their reuse."
    )
    if blind:
        text += f" {blind} of {len(pairs)} pod pairs have no sample: each is taken for one connection."
    return (Caveat(code="connections-sampled", text=text),)
