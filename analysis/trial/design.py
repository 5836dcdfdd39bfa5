"""What an experiment is asked to do, and the blocks that it is planned as."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from analysis.statistics import blocks, planning
from analysis.statistics.clusters import Unit
from analysis.statistics.planning import Detection, Precision
from analysis.trial.values import Planned
from analysis.verdict.compare import Terms
from analysis.verdict.effects import unit_of
from analysis.verdict.windows import Measured
from k8s.errors import UsageError

HOUR_S: Final = 3600.0
DEFAULT_HALF_WIDTH: Final = 0.05
"""Of the share's difference: five points either way."""
LEAST_BLOCK_S: Final = 10.0
MOST_LOOKS: Final = 4
PLANNED_LOOKS: Final = 2
"""What the least number of blocks allows; more looks cost next to no power."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What the experiment is asked to do."""

    arms: tuple[str, ...]
    """Routing modes; the first is the reference."""
    order: tuple[tuple[str, ...], ...] | None = None
    """The arms of each block in turn; None: planned."""
    block_s: float | None = None
    """Measured seconds of a window; None: planned."""
    null_s: float
    """Measured seconds of a window of the null pairs."""
    null_pairs: int = 1
    goal: Precision | Detection = field(default_factory=lambda: Precision(half_width=DEFAULT_HALF_WIDTH))
    """What the blocks are planned for; its shares are replaced by the null pairs'."""
    terms: Terms = field(default_factory=Terms)
    stops_early: bool = True


def order_of(arms: Sequence[str], letters: str) -> tuple[tuple[str, ...], ...]:
    """``ABBA`` over two arms is A B, then B A; UsageError unless every block has each arm once."""
    known = {chr(ord("A") + index): arm for index, arm in enumerate(arms)}
    text = letters.upper()
    size = len(arms)
    cut = [text[start : start + size] for start in range(0, len(text), size)]
    if not cut or any(sorted(part) != sorted(known) for part in cut):
        named = ", ".join(f"{letter} = {arm}" for letter, arm in known.items())
        raise UsageError(
            f"--blocks {letters}: each block has every arm once, so give groups of {size} such as "
            f"{''.join(known)}{''.join(reversed(known))} ({named})"
        )
    return tuple(tuple(known[letter] for letter in part) for part in cut)


def refuse_unwatched(design: Design) -> None:
    """UsageError where live traffic would be under a candidate with no window to hold it against yet."""
    if design.null_pairs == 0 and design.order and design.order[0][0] != design.arms[0]:
        raise UsageError(
            f"--traffic live with --null-pairs 0: the first block has to begin with {design.arms[0]}, since "
            "the guards are held against a window of it; give --blocks that do, or a null pair"
        )


def refuse_unplannable(design: Design) -> None:
    """UsageError for a design that has neither null pairs nor blocks."""
    if not design.null_pairs and (design.order is None or design.block_s is None):
        raise UsageError(
            "planning the experiment: without a null pair nothing is known of the connections; give --blocks "
            "and --block-duration, or a null pair"
        )


def planned_blocks(
    design: Design, nulls: Sequence[Measured], *, settle_s: float
) -> tuple[Planned, tuple[tuple[str, ...], ...]]:
    """Blocks from the null pairs' design effect; what the user gave is kept."""
    refuse_unplannable(design)
    traffic, effect, share = _traffic(nulls)
    goal: Precision | Detection = replace(design.goal, baseline=share)
    if isinstance(goal, Precision):
        goal = replace(goal, candidate=share)
    order, seconds = design.order, design.block_s
    if order is None or seconds is None:
        limits = planning.Limits(
            arms=len(design.arms),
            settle_s=settle_s,
            least_block_s=LEAST_BLOCK_S,
            looks=PLANNED_LOOKS if design.stops_early else 1,
        )
        plan = planning.plan(goal, traffic, limits)
        order = order or blocks.schedule(design.arms, plan.blocks)
        # As much load an arm as planned, over as many blocks as there are.
        seconds = seconds or max(LEAST_BLOCK_S, plan.load_s / len(order))
    looks = max(1, min(MOST_LOOKS, len(order) // 2)) if design.stops_early else 1
    after = planning.looks_after(len(order), looks) if len(order) > 1 else (1,)
    n = traffic.effective_n(seconds) * len(order)
    expected = planning.half_width(max(n, 1.0), share, share)
    wanted = goal.half_width if isinstance(goal, Precision) else expected
    fixed = planning.fixed_seconds(traffic, Precision(half_width=wanted, baseline=share, candidate=share))
    return (
        Planned(
            blocks=len(order),
            block_s=seconds,
            looks_after=after,
            wanted_half_width=wanted,
            expected_half_width=expected,
            design_effect=effect,
            fixed_run_s=None if fixed is None else fixed.seconds,
            hour_half_width=planning.fixed_run(traffic, HOUR_S, baseline=share, candidate=share).half_width,
        ),
        order,
    )


def _traffic(nulls: Sequence[Measured]) -> tuple[planning.Traffic, float, float]:
    """What the null pairs show of calls and of what they are worth; design effect and share, too."""
    if not nulls:
        return planning.Traffic(calls_per_s=1.0, design_effect=1.0), 1.0, 1 / 3
    unit = unit_of(nulls).unit
    arms = [one.chance.share(unit) for one in nulls]
    share = math.fsum(one.share for one in arms) / len(arms)
    rate = max(math.fsum(one.calls_per_s for one in nulls) / len(nulls), 1e-6)
    if unit is Unit.CLIENT_POD:
        # A pod chooses once a window, however long it is.
        worth = math.fsum(one.effective_n for one in arms) / len(arms)
        effect = math.fsum(one.calls / one.effective_n for one in arms) / len(arms)
        return planning.Traffic(calls_per_s=rate, clients=max(1, round(worth))), effect, share
    effect = max(1.0, math.fsum(one.chance.design_effect for one in nulls) / len(nulls))
    return planning.Traffic(calls_per_s=rate, design_effect=effect), effect, share
