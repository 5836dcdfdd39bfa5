"""More than two routing modes: which differ, which are worth a thought, which one to take."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scipy import stats as scipy_stats

from analysis.statistics.interval import Interval
from k8s.errors import UsageError
from k8s.model import figures

RATE: Final = 0.05
"""False discovery rate of the pairwise differences."""


LEAST_P: Final = 0.0001
"""Nobody needs a smaller p-value in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One mode's figures."""

    mode: str
    share: float
    """Same-zone share: more is better. All others: less is better; None where not measured."""
    p99_s: float | None = None
    skew: float | None = None
    usd_per_month: float | None = None
    passes: bool = True
    """Whether it passes its guards; one that does not is never chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duel:
    """The difference of two modes' same-zone shares."""

    left: str
    right: str
    interval: Interval
    """Right minus left."""
    p_value: float
    """On its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusted:
    """A duel among all the others."""

    duel: Duel
    adjusted_p: float
    differs: bool
    """At the false discovery rate asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The tournament's outcome."""

    duels: tuple[Adjusted, ...]
    pareto: tuple[str, ...]
    """Modes that no other mode beats in one thing without losing in another; by falling share."""
    choice: str | None
    """None if no mode passes its guards."""
    sentence: str


def adjusted(found: Sequence[Duel], *, rate: float = RATE) -> tuple[Adjusted, ...]:
    """Adjusted p-values: Y. Benjamini and Y. Hochberg, J. R. Statist. Soc. B 57 (1995) 289.

    Pairwise differences depend on each other; the rate is kept there too (D. Yekutieli, J. Statistical
    Planning and Inference 138 (2008) 405).
    """
    if not found:
        return ()
    values = scipy_stats.false_discovery_control([one.p_value for one in found], method="bh")
    return tuple(
        Adjusted(duel=one, adjusted_p=float(value), differs=bool(value <= rate))
        for one, value in zip(found, values, strict=True)
    )


def pareto(contenders: Sequence[Contender]) -> tuple[str, ...]:
    """Modes that are not dominated: more share, less p99, less skew, less cost; by falling share.

    A figure that is missing in any contender is left out of all comparisons.
    """
    columns = [[-one.share for one in contenders]]
    for name in ("p99_s", "skew", "usd_per_month"):
        column = [getattr(one, name) for one in contenders]
        if None not in column:
            columns.append(column)
    points = list(zip(*columns, strict=True))

    def dominated(point: tuple[float, ...]) -> bool:
        return any(
            other != point and all(a <= b for a, b in zip(other, point, strict=True)) for other in points
        )

    kept = [one for one, point in zip(contenders, points, strict=True) if not dominated(point)]
    return tuple(one.mode for one in sorted(kept, key=lambda one: (-one.share, one.mode)))


def standing(contenders: Sequence[Contender], found: Sequence[Duel], *, rate: float = RATE) -> Standing:
    """Rank and choose; UsageError for fewer than two contenders, or two of one name.

    Chosen among the modes that pass: those whose share is not shown to be below the best one's; of these the
    cheapest, then the one with the lower p99, the lower skew, the higher share.
    """
    names = [one.mode for one in contenders]
    if len(names) < 2 or len(set(names)) < len(names):  # noqa: PLR2004 - a tournament takes two
        raise UsageError(f"comparing modes {', '.join(names)}: give two or more different ones")
    judged = adjusted(found, rate=rate)
    passing = [one for one in contenders if one.passes]
    if not passing:
        return Standing(
            duels=judged, pareto=pareto(contenders), choice=None, sentence="No mode passes its guards."
        )
    best = max(passing, key=lambda one: one.share)
    worse = {mode for one in judged if one.differs and (mode := _loser_to(best.mode, one.duel))}
    level = [one for one in passing if one.mode not in worse]
    chosen = min(level, key=_order)
    return Standing(
        duels=judged,
        pareto=pareto(contenders),
        choice=chosen.mode,
        sentence=_sentence(chosen, level, contenders, judged),
    )


def _loser_to(best: str, duel: Duel) -> str | None:
    """The other mode, if the duel is one of the best mode and was won by it."""
    if duel.right == best and duel.interval.estimate > 0:
        return duel.left
    if duel.left == best and duel.interval.estimate < 0:
        return duel.right
    return None


def _order(one: Contender) -> tuple[float, float, float, float, str]:
    far = float("inf")
    figures = [far if value is None else value for value in (one.usd_per_month, one.p99_s, one.skew)]
    return (figures[0], figures[1], figures[2], -one.share, one.mode)


def _sentence(
    chosen: Contender, level: Sequence[Contender], everyone: Sequence[Contender], judged: Sequence[Adjusted]
) -> str:
    parts = [f"Take {chosen.mode}: {figures.percent(chosen.share)} of its calls stay in their zone"]
    others = [one.mode for one in level if one.mode != chosen.mode]
    if others:
        parts.append(f"{' and '.join(others)} {'is' if len(others) == 1 else 'are'} not shown to keep fewer")
    beaten = [
        one
        for one in judged
        if one.differs and chosen.mode in {one.duel.left, one.duel.right} and _loser_to(chosen.mode, one.duel)
    ]
    if beaten:
        least = min(beaten, key=lambda one: abs(one.duel.interval.estimate))
        gap = 100 * abs(least.duel.interval.estimate)
        worst = max(one.adjusted_p for one in beaten)
        p = "p < 0.0001" if worst < LEAST_P else f"p at most {worst:.2g}"
        parts.append(
            f"at least {gap:.1f} points more than {len(beaten)} of {len(everyone) - 1} others (adjusted {p})"
        )
    failing = [one.mode for one in everyone if not one.passes]
    if failing:
        parts.append(f"{' and '.join(failing)} did not pass the guards")
    return "; ".join(parts) + "."
